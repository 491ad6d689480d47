"""A step in parts on two devices of one process: prints how each part lay on them, as JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

PARTS, PICTURES = 3, 12


def main() -> None:
    import jax
    import keras
    import numpy as np

    from fingerspell.train.devices import train_in_parts
    from fingerspell.train.distributed.process_group import join_process_group
    from fingerspell.train.distributed.rank import Rank

    found: list[str] = []

    class Watched(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            jax.debug.inspect_array_sharding(x, callback=lambda s: found.append(str(s.spec)))
            return x

    processes = join_process_group(Rank(), PICTURES)
    image = keras.Input((4,))
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax")(Watched()(image)))
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    train_in_parts(model, PARTS)
    x, weight = np.ones((PICTURES, 4), np.float32), np.ones(PICTURES, np.float32)
    y = np.eye(3, dtype=np.float32)[np.arange(PICTURES) % 3]
    found.clear()
    model.fit(((x, y, weight) for _ in range(1)), steps_per_epoch=1, shuffle=False, verbose=0)
    json.dump({"devices": processes.devices, "parts": found}, sys.stdout)


if __name__ == "__main__":
    main()
