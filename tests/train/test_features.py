import itertools

import numpy as np
import pytest

from fingerspell.train import features

COUNT, BATCH = 11, 3
STEPS = 3
"""Of an epoch of eleven in batches of three; two are left over."""
KIND = features.row_of(2, COUNT)


def rows(first: int = 0, count: int = COUNT) -> np.ndarray:
    """Every row tells its number three times."""
    made = np.zeros(count, KIND)
    made["x"] = np.arange(2 * first, 2 * (first + count)).reshape(count, 2)
    made["y"] = np.eye(COUNT)[first : first + count]
    made["weight"] = np.linspace(1, 2, COUNT)[first : first + count]
    return made


SOME = features.Rows([rows(0, 4), rows(4, 6), rows(10, 1)])


def order(seed: int = 1, first_step: int = 0, steps: int = STEPS) -> list[int]:
    batches = itertools.islice(features.shuffled(SOME, BATCH, seed, first_step), steps)
    return [int(label) for _, y, _ in batches for label in y.argmax(axis=1)]


@pytest.mark.parametrize("first_step", range(8))
def test_an_order_goes_on_at_any_step(first_step):
    assert order(steps=9)[3 * first_step :] == order(first_step=first_step, steps=9 - first_step)


def test_every_pass_and_every_seed_has_an_order_of_its_own_without_repeats():
    first, second = order(), order(first_step=STEPS)
    assert first != second and first != order(seed=2)
    assert len(set(first)) == len(set(second)) == 9


def test_features_labels_and_weights_stay_together_however_rows_are_cut_into_pieces():
    cut, whole = (features.shuffled(some, BATCH, 4, 0) for some in (SOME, features.Rows([rows()])))
    for (x, y, weight), (same, *_) in itertools.islice(zip(cut, whole, strict=True), 9):
        np.testing.assert_array_equal(x, same)
        found = rows()[y.argmax(axis=1)]
        np.testing.assert_array_equal(x, found["x"])
        np.testing.assert_array_equal(weight, found["weight"])
        assert x.dtype == np.float32


def test_in_order_every_row_comes_once():
    batches = list(features.in_order(SOME, 4))
    assert [len(x) for x, _, _ in batches] == [4, 4, 3]
    np.testing.assert_array_equal(np.concatenate([x for x, _, _ in batches]), rows()["x"])


class Backbone:
    """Makes the rows of a split, and notes which batches it was shown."""

    def __init__(self) -> None:
        self.opened: list[int] = []
        self.seen: list[int] = []
        self.split = features.FeatureBlock("train", COUNT, BATCH, self.open)

    def open(self, first):
        self.opened.append(first)
        return iter(range(first, 4))

    def __call__(self, batches):
        numbers = list(batches())
        self.seen += numbers
        return rows()[numbers[0] * BATCH : (numbers[-1] + 1) * BATCH]

    def fill(self, folder) -> features.Rows:
        store = features.FeatureStore(folder, KIND)
        found = store.find(self.split)
        store.complete(self.split, found, self)
        return self.split.joined(found)


def content(found: features.Rows) -> np.ndarray:
    return found.take(np.arange(len(found)))


def filled(folder, backbone=None) -> Backbone:
    """The backbone that made what the folder lacked."""
    backbone = backbone or Backbone()
    np.testing.assert_array_equal(content(backbone.fill(folder)), rows())
    return backbone


def test_what_was_made_is_found_again_and_lies_on_the_disk(tmp_path):
    first, again = filled(tmp_path), Backbone()
    kept = again.fill(tmp_path)
    np.testing.assert_array_equal(content(kept), rows())
    assert (first.seen, again.seen) == ([0, 1, 2, 3], [])
    assert first.opened == [0]
    assert all(isinstance(piece.base, np.memmap) for piece in kept.pieces)


def test_only_the_missing_and_the_damaged_pieces_are_made_again(tmp_path, capsys):
    filled(tmp_path)
    (tmp_path / "train_00000000.npy").unlink()
    damaged = tmp_path / "train_00000002.npy"
    damaged.write_bytes(damaged.read_bytes()[:-40])
    again = filled(tmp_path)
    assert (again.seen, again.opened) == ([0, 2], [0, 2])
    assert "damaged (train_00000002.npy: its checksum is wrong): computed again" in (
        capsys.readouterr().out
    )


def test_a_whole_piece_with_other_rows_is_not_taken(tmp_path, capsys):
    filled(tmp_path)
    (tmp_path / "train_00000003.npy").replace(tmp_path / "train_00000001.npy")
    assert filled(tmp_path).seen == [1, 3]
    assert "it holds other rows" in capsys.readouterr().out


def test_where_memory_was_full_half_way_a_piece_starts_at_its_first_batch(tmp_path):
    class Hungry(Backbone):
        def __call__(self, batches):
            next(batches())
            return super().__call__(batches)

    assert filled(tmp_path, Hungry()).seen == [0, 1, 2, 3]


def test_a_large_split_has_few_pieces_that_follow_each_other():
    split = features.FeatureBlock("train", 1_000_003, 32, lambda _: ())
    edges = split.edges()
    assert features._PIECES // 2 <= len(edges) <= features._PIECES
    assert [start for start, _ in edges[1:]] == [end for _, end in edges[:-1]]
    assert sum(split.rows(edge) for edge in edges) == 1_000_003


def test_features_of_other_settings_are_dropped(tmp_path):
    for name in ("features_a_0", "features_b_0", "synthetic_a"):
        (tmp_path / name).mkdir()
    features.remove_others(tmp_path / "features_b_0")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["features_b_0", "synthetic_a"]


@pytest.mark.parametrize(
    ("budget", "views", "said"),
    [
        (10_000, 3, ""),
        (350, 3, ""),
        (349, 2, "2 of 3 views fit"),
        (150, 1, "1 of 3 views fit"),
        (149, 0, "0 of 3 views fit in feature_cache_bytes=149, each takes 1e-07 GB: the frozen"),
        (0, 0, ""),
    ],
)
def test_as_many_views_as_the_budget_holds_beside_validation(budget, views, said, capsys):
    assert features.affordable_views(3, budget, view_bytes=100, other_bytes=50) == views
    told = capsys.readouterr().out
    assert said in told and bool(said) == bool(told)
