from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fingerspell.dataset.manifest import read_manifest
from fingerspell.errors import ConfigError
from fingerspell.images import read
from fingerspell.labels import ALPHABET
from fingerspell.synth.config import SynthConfig
from fingerspell.train.synthetic import (
    NON_LETTERS,
    THRESHOLD_NON_LETTERS,
    _non_letter_signs,
    draw_samples,
    drawable,
    non_letters,
    remove_drawn,
    with_synthetic,
)
from helpers.small_run import small_config

LABELS = ("A", "B", "nothing")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.jpg"))}


def test_synthetic_hands_belong_to_training_only_and_are_read_like_any_picture(data, tmp_path):
    plain = read_manifest(data)
    mixed = with_synthetic(plain, tmp_path / "synthetic", 2, seed=42, side_px=32)
    synthetic = [s for s in mixed.samples if s.source == "synthetic"]
    assert len(synthetic) == 2 * len(plain.labels)
    assert {s.split for s in synthetic} == {"train"}
    assert mixed.split("val") == plain.split("val")
    assert mixed.split("test") == plain.split("test")
    assert read(mixed.absolute(synthetic[0])).shape == (32, 32, 3)


def test_no_synthetic_hands_unless_asked_for(data, tmp_path):
    plain = read_manifest(data)
    assert with_synthetic(plain, tmp_path / "synthetic", 0, seed=42, side_px=32) is plain
    assert not (tmp_path / "synthetic").exists()
    with pytest.raises(ConfigError, match="synthetic_per_class=-1"):
        small_config(data, tmp_path, synthetic_per_class=-1)


def test_a_users_own_sign_is_left_to_the_photographs():
    assert drawable(("A", "my sign", "nothing")) == ("A", "nothing")


def test_some_of_nothing_shows_hands_that_are_no_letter(tmp_path):
    made = draw_samples(tmp_path / "synthetic", ("A", "nothing"), 24, seed=1, side_px=32)
    shown = {label: [Path(s.path).parent.name for s in made if s.label == label] for label in "A3"}
    nothing = [Path(s.path).parent.name for s in made if s.label == "nothing"]
    assert shown == {"A": ["A"] * 24, "3": []}
    assert Counter(nothing) == {"nothing": 18, **dict.fromkeys(NON_LETTERS, 2)}
    assert len({s.group for s in made}) == len(made) == 48
    remove_drawn(tmp_path / "synthetic")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (ALPHABET, NON_LETTERS),
        (("A", "B"), ()),
        (("A", "3", "nothing"), ("5", "8")),
        (("A", "hello", "nothing"), ()),
    ],
)
def test_no_hand_is_called_nothing_that_a_label_may_show(labels, shown):
    assert _non_letter_signs(labels) == shown
    assert not set(shown) & set(THRESHOLD_NON_LETTERS), "the threshold is fitted on others"


def test_a_resumed_run_learns_from_the_same_pictures_though_they_were_removed(tmp_path):
    folder = tmp_path / "synthetic"

    def drawn():
        return draw_samples(folder, ("A",), 2, seed=1, side_px=32), contents(folder)

    first = drawn()
    assert len(first[1]) == 2 and drawn() == first
    remove_drawn(folder)
    assert not folder.exists()
    assert drawn() == first


def test_hands_and_non_letters_are_synthetic_as_the_settings_say(tmp_path):
    labels, kinds = ("A", "nothing"), {}
    for name, config in (("usual", None), ("apart", SynthConfig(view=3.0, slack=2.0))):
        synthetic = draw_samples(tmp_path / name / "synthetic", labels, 12, 1, 48, config)
        assert {s.label for s in synthetic} == set(labels)
        assert len(synthetic) == 24
        kinds[name] = {Path(s.path).name: Path(s.path).read_bytes() for s in synthetic}
    assert kinds["usual"].keys() == kinds["apart"].keys()
    hands = [name for name in kinds["usual"] if "-nothing-" not in name]
    assert sum("-A-" not in name for name in hands) == 3, "one 3, one 5 and one 8"
    assert all(kinds["usual"][name] != kinds["apart"][name] for name in hands)


def test_non_letters_for_the_threshold_are_drawn_alike_every_time():
    first, second = (non_letters(LABELS, (48, 32), seed=1)[:3] for _ in range(2))
    assert first.shape == (3, 48, 32, 3) and first.dtype == np.float32
    assert first.min() >= 0 and first.max() <= 1
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("known", "count"),
    [
        (THRESHOLD_NON_LETTERS[:1], 50 * (len(THRESHOLD_NON_LETTERS) - 1)),
        (THRESHOLD_NON_LETTERS, 0),
        (("hello",), 0),
        (("Ä",), 0),
        (("stop",), 0),
    ],
)
def test_neither_a_sign_that_is_known_nor_any_beside_a_sign_of_ones_own_is_a_non_letter(
    known, count
):
    """A sign of one's own may be the very hand that a drawn digit shows."""
    assert non_letters((*LABELS, *known), (32, 32), 0).shape == (count, 32, 32, 3)
