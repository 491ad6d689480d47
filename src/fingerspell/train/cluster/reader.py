"""A network that one process uses alone, to look at pictures without learning from them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import keras

from fingerspell.model import carry, copy_at, size_of
from fingerspell.train.cluster.team import Team

Part = Callable[[keras.Model], keras.Model]


class Reader:
    """Reads with a recogniser's present weights on one device, whatever the others do.

    Batches that are learnt from have one size that all devices divide. The last batch of a pass
    is short, and shares differ by a picture: so each process reads its own share, with a copy
    where the network itself lies on several devices. `part` chooses what of it is wanted.
    """

    def __init__(self, team: Team, model: keras.Model, part: Part = lambda model: model) -> None:
        self._model = self._copy = model
        self._network = network = part(model)
        if team.devices > 1:
            with apart():
                self._copy = copy_at(model, size_of(model))
                self._network = part(self._copy)
                if network.compiled:
                    self._network.compile(loss=network.loss, metrics=["accuracy"])

    @contextlib.contextmanager
    def present(self) -> Iterator[keras.Model]:
        """Gives the network to read with."""
        with apart():
            carry(self._model, self._copy)
            yield self._network


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Makes and uses networks for one device, as if there were no others."""
    together = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(together)
