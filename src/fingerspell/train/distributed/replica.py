"""Replica: a copy of the network on one device, for inference during a distributed run."""

import contextlib
from collections.abc import Callable, Iterator

import keras

from fingerspell.model import carry, copy_at, size_of
from fingerspell.train.distributed.process_group import ProcessGroup

_Part = Callable[[keras.Model], keras.Model]


class Replica:
    """A copy of a recogniser for inference on one device, with its current weights.

    Training batches have one size, which all devices divide. In inference the last batch of a pass
    is short, and shares differ by a picture. So each process computes its own share, with a copy
    where the network itself lies on several devices. `part` selects a part of the network.
    """

    def __init__(
        self, processes: ProcessGroup, model: keras.Model, part: _Part = lambda model: model
    ) -> None:
        self._model = self._copy = model
        self._network = network = part(model)
        if processes.devices > 1:
            with _one_device():
                self._copy = copy_at(model, size_of(model))
                self._network = part(self._copy)
                if network.compiled:
                    self._network.compile(loss=network.loss, metrics=["accuracy"])

    @contextlib.contextmanager
    def synced(self) -> Iterator[keras.Model]:
        """Gives the network for inference."""
        with _one_device():
            carry(self._model, self._copy)
            yield self._network


@contextlib.contextmanager
def _one_device() -> Iterator[None]:
    """Builds and runs networks on one device, without the distribution."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)
