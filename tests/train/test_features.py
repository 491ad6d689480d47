import itertools

import numpy as np
import pytest

from fingerspell.train.features import Features, read_features, shuffled, write_features

SOME = Features(
    np.arange(22, dtype=np.float16).reshape(11, 2),
    np.eye(11, dtype=np.float32),
    np.linspace(1, 2, 11, dtype=np.float32),
)
STEPS = 3
"""Of an epoch of eleven in batches of three; two are left over."""


def order(seed: int = 1, first_step: int = 0, steps: int = STEPS) -> list[int]:
    batches = itertools.islice(shuffled(SOME, 3, seed, first_step), steps)
    return [int(label) for _, y, _ in batches for label in y.argmax(axis=1)]


@pytest.mark.parametrize("first_step", range(8))
def test_an_order_goes_on_at_any_step(first_step):
    assert order(steps=9)[3 * first_step :] == order(first_step=first_step, steps=9 - first_step)


def test_every_epoch_has_an_order_of_its_own_without_repeats():
    first, second = order(), order(first_step=STEPS)
    assert first != second
    assert len(set(first)) == len(set(second)) == 9


def test_another_seed_is_another_order():
    assert order(seed=1) != order(seed=2)


def test_features_labels_and_weights_stay_together():
    for x, y, weight in itertools.islice(shuffled(SOME, 3, 1, 0), 6):
        rows = y.argmax(axis=1)
        np.testing.assert_array_equal(x, SOME.x[rows])
        np.testing.assert_array_equal(weight, SOME.weight[rows])
        assert x.dtype == np.float32


def test_features_of_another_run_are_not_taken(tmp_path):
    path = tmp_path / "features.npz"
    write_features(path, "mine", {"train": SOME, "val": SOME})
    stored = read_features(path, "mine")
    assert stored is not None and stored.keys() == {"train", "val"}
    np.testing.assert_array_equal(stored["val"].x, SOME.x)
    assert read_features(path, "another's") is None
    assert read_features(tmp_path / "absent.npz", "mine") is None
