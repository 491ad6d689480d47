"""The training guide's recipe as people write it in plain Keras, mended where it was wrong.

    python benchmarks/guide_recipe.py --dataset_dir D --output_dir O --weights FILE

Kept from the published script: Keras's folder loader at 200 px in batches of 32, rotation, zoom,
contrast and brightness by Keras's layers, the head of 512 units, Adam at 1e-3 on the frozen
backbone for a third of the epochs (15 at most) and at 1e-5 after that, class weights,
categorical cross-entropy, a fixed number of epochs.
Mended, each to its advantage: pixels are scaled once and not twice, BatchNormalization keeps its
statistics while the rest is tuned, decoded pictures are cached in memory. Nothing here is the
package's: people who follow the guide do not have it.
"""

from __future__ import annotations

import time

STARTED_S = time.perf_counter()

import argparse  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

FRONT, HEAD = "front", "head"
AHEAD = 4096
"""Pictures in the shuffle's buffer; the files themselves are shuffled too."""


def build(classes: int, side_px: int, weights: str | None) -> Any:
    """Returns the network: pixels in [0, 255] → probabilities; the backbone is frozen.

    It is cut into `front` (features, N × 960) and `head`, which changes nothing in what is
    computed and lets the measurement read features once for all epochs that share a backbone.
    """
    import keras

    base = keras.applications.MobileNetV3Large(
        include_top=False, weights=None, input_shape=(side_px, side_px, 3), name="base"
    )
    if weights is not None:
        base.load_weights(weights)
    base.trainable = False
    image = keras.Input((side_px, side_px, 3))
    features = keras.layers.GlobalAveragePooling2D()(base(image, training=False))
    front = keras.Model(image, features, name=FRONT)
    seen = keras.Input((front.output_shape[-1],))
    x = keras.layers.Dropout(0.3)(seen)
    x = keras.layers.Dense(512, activation="relu")(x)
    x = keras.layers.Dropout(0.5)(x)
    head = keras.Model(seen, keras.layers.Dense(classes, activation="softmax")(x), name=HEAD)
    return keras.Model(image, head(front(image)))


def unfreeze(model: Any, last: int) -> None:
    """Frees the last `last` layers of the backbone, all of them for 0, but never its statistics."""
    import keras

    base = model.get_layer(FRONT).get_layer("base")
    base.trainable = True
    for number, layer in enumerate(base.layers):
        frozen = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = not frozen and number >= (len(base.layers) - last if last else 0)


def pictures(folder: Path, side_px: int, batch_size: int, seed: int | None) -> tuple[Any, Any]:
    """Returns the class folders in batches, cached, and their number of pictures by class.

    With a seed they are shuffled and changed as the guide changes them.
    """
    import keras
    import tensorflow as tf

    names = sorted(path.name for path in folder.iterdir())
    decoded = keras.utils.image_dataset_from_directory(
        folder, label_mode="categorical", class_names=names, image_size=(side_px, side_px),
        batch_size=None, shuffle=seed is not None, seed=seed,
    ).cache()  # fmt: skip
    counts = [sum(1 for _ in (folder / name).iterdir()) for name in names]
    if seed is None:
        return decoded.batch(batch_size).prefetch(tf.data.AUTOTUNE), counts
    change = keras.Sequential(
        [
            keras.layers.RandomRotation(0.1),
            keras.layers.RandomZoom(0.1),
            keras.layers.RandomContrast(0.2),
            keras.layers.RandomBrightness(0.2),
        ]
    )
    batches = decoded.shuffle(AHEAD, seed=seed).batch(batch_size)
    changed = batches.map(lambda x, y: (change(x, training=True), y), tf.data.AUTOTUNE)
    return changed.prefetch(tf.data.AUTOTUNE), counts


def train(args: argparse.Namespace) -> None:
    """Trains both phases and notes every epoch; ends early only at the time limit."""
    import keras

    from course import Course

    keras.utils.set_random_seed(args.seed)
    course = Course(args.output_dir, STARTED_S)
    training, counts = pictures(args.dataset_dir / "train", args.side, args.batch_size, args.seed)
    validation, _ = pictures(args.dataset_dir / "val", args.side, args.batch_size, None)
    total = sum(counts)
    model = build(len(counts), args.side, args.weights)
    accuracies: list[float] = []

    class Noting(keras.callbacks.Callback):  # type: ignore[misc]
        phase = ""

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
            accuracies.append(float((logs or {})["val_accuracy"]))
            size_px = (args.side, args.side)
            course.note(model.get_weights(), phase=self.phase, pictures=total, size_px=size_px)
            self.model.stop_training = course.clock_s() >= args.limit_s

    noting = Noting()
    frozen = min(15, args.epochs // 3)
    for phase, epochs, rate in (("frozen", frozen, 1e-3), ("finetune", args.epochs - frozen, 1e-5)):
        if epochs == 0 or (accuracies and course.clock_s() >= args.limit_s):
            continue
        if phase == "finetune":
            unfreeze(model, args.unfreeze_last)
        noting.phase = phase
        model.compile(
            optimizer=keras.optimizers.Adam(rate),
            loss="categorical_crossentropy",
            metrics=["accuracy"],
        )
        model.fit(
            training,
            validation_data=validation,
            epochs=epochs,
            class_weight={i: total / (len(counts) * count) for i, count in enumerate(counts)},
            callbacks=[noting],
            shuffle=False,  # The stream shuffles itself.
            verbose=2,
        )
    course.finish(**_facts(accuracies, args))


def _facts(accuracies: list[float], args: argparse.Namespace) -> dict[str, Any]:
    from fingerspell.machine import peak_memory_bytes

    best = max(range(len(accuracies)), key=accuracies.__getitem__)
    return {
        "kept_epoch": best,
        "epochs_asked": args.epochs,
        "limit_s": args.limit_s,
        "peak_memory_bytes": peak_memory_bytes(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dataset_dir", type=Path, required=True)
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--weights", default=None, help="of MobileNetV3Large without its top")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--unfreeze_last", type=int, default=0, help="0: the whole backbone")
    parser.add_argument("--limit_s", type=float, default=float("inf"))
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--side", type=int, default=200, help="in pixels")
    parser.add_argument("--seed", type=int, default=42)
    train(parser.parse_args())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
