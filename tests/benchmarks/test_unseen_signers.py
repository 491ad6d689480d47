"""The benchmark of unseen signers counts what it says, and its tables say what is missed."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.release import unseen_signers as benchmark
from benchmarks.release.catalogue import STUDY, UNSEEN, names_for
from benchmarks.release.sources import MEASURED_FROM
from benchmarks.release.unseen_signers import DIGITS, pairs, pairs_mean
from fingerspell.images import encode_jpeg
from fingerspell.model import save_recogniser, with_hand_crop
from helpers.exports import BUILD, HEAVY, LABELS, SIZE_PX, fitted, somewhere, tiny_recogniser
from helpers.starter_folder import starter_folder


class Sided:
    """Says A where the left half is brighter than the right, B otherwise; surer by contrast."""

    labels = ("A", "B", "J")
    size_px = (32, 32)
    threshold = 0.7

    def probabilities(self, batch):
        left, right = batch[:, :, :16].mean((1, 2, 3)), batch[:, :, 16:].mean((1, 2, 3))
        a = 0.5 + (left - right) / 2
        return np.stack([a, 1 - a, np.zeros_like(a)], axis=1).astype(np.float32)


def write(folder, label, *sides, first=0):
    (folder / label).mkdir(parents=True)
    for number, (left, right) in enumerate(sides, first):
        rgb = np.full((32, 32, 3), right, np.uint8)
        rgb[:, :16] = left
        (folder / label / f"{number}.jpg").write_bytes(encode_jpeg(rgb, 95))


@pytest.fixture
def data(tmp_path):
    for name in names_for(UNSEEN, STUDY):
        write(tmp_path / name, "A", (255, 0), (255, 0), (160, 128))
        write(tmp_path / name, "B", (0, 255))
        write(tmp_path / name, "J", (255, 0))
    for digit in benchmark.LIKE_NO_LETTER:
        write(tmp_path / DIGITS, digit, (255, 0), first=MEASURED_FROM)
    write(tmp_path / DIGITS, "1", (255, 0), (255, 0), (160, 128), (0, 255))
    return tmp_path


def test_mirrored_pictures_are_the_other_hand_and_doubt_is_not_accepted(data):
    source = benchmark.one_source(Sided(), Sided(), data / "dev_signify")
    assert source["pictures"] == 5
    assert source["letters_24"] == 1.0
    assert source["mirrored_24"] == 0.0
    assert source["farther_24"] == source["third_24"] == 1.0
    assert source["letters_26"] == source["accuracy"] == pytest.approx(4 / 5)
    assert source["accepted"] == pytest.approx(4 / 5)
    assert source["accepted_right"] == pytest.approx(3 / 4)


@pytest.mark.parametrize(
    ("share", "rows", "columns"), [(1 / 2, (2, 6), (4, 12)), (1 / 3, (2, 5), (5, 10))]
)
def test_smaller_pictures_show_all_of_the_picture_in_the_middle_of_grey(share, rows, columns):
    picture = np.zeros((2, 8, 16, 3), np.float32)
    picture[:, :, 8:] = 1
    far = benchmark.smaller(share)(picture)
    inside = far[:, slice(*rows), slice(*columns)].copy()
    assert inside[:, :, 0].max() == 0 and inside[:, :, -1].min() == 1
    far[:, slice(*rows), slice(*columns)] = 0.5
    assert (far == 0.5).all()


def test_people_of_whom_none_shows_a_pair_have_no_mean_and_every_digit_is_told(data):
    figures = benchmark.measured(Sided(), Sided(), data)
    assert figures["unseen_signers_mean"]["worst_24"] == 1.0
    assert figures["pairs_mean"] == {"unseen_signers": {}, "studied": {}}, "none shows an I"
    assert figures["non_letters"] == {
        "pictures": 4, "digits": ["3", "5", "7", "8"], "accepted": 1.0,
        "each": dict.fromkeys("3578", 1.0),
    }  # fmt: skip


def test_people_who_showed_a_digit_in_training_are_not_measured_by_it(data):
    write(data / "more", "5", (255, 0))
    shutil.copy2(data / "more" / "5" / "0.jpg", data / DIGITS / "5" / "0.jpg")
    assert benchmark.non_letters(Sided(), data / DIGITS)["pictures"] == 4


def test_a_digit_that_is_read_as_nothing_is_not_taken_for_a_letter(data):
    class Refusing(Sided):
        labels = ("nothing", "B", "J")

    class Unsure(Sided):
        def probabilities(self, batch):
            return super().probabilities(batch) * 0.5

    taken = [benchmark.non_letters(x(), data / DIGITS) for x in (Refusing, Unsure, Sided)]
    assert [found["accepted"] for found in taken] == [0.0, 0.0, 1.0]


def test_a_single_view_is_told_apart(data):
    class Twice(Sided):
        """Says A whichever side is brighter."""

        def probabilities(self, batch):
            one, other = (super(Twice, self).probabilities(x) for x in (batch, batch[:, :, ::-1]))
            return np.where(one[:, :1] > one[:, 1:2], one, other)

    source = benchmark.one_source(Twice(), Sided(), data / "dev_signify")
    assert source["single_view_letters_24"] == source["single_view_third_24"] == 1.0
    assert source["letters_24"] == source["mirrored_24"] == pytest.approx(3 / 4)


def test_the_weights_of_a_run_and_of_a_release_are_read_in_a_single_view(tmp_path, monkeypatch):
    monkeypatch.setattr(BUILD, HEAVY)
    once, pictures = tiny_recogniser(), fitted(6)
    save_recogniser(with_hand_crop(once, somewhere(tiny=True)), tmp_path / "model.keras")
    released = starter_folder(tmp_path / "starter", once, LABELS)
    told = SimpleNamespace(labels=LABELS, size_px=SIZE_PX)
    for folder, off in ((tmp_path, 1e-5), (released, 0.02)):
        read = benchmark.single_view(folder, told).probabilities(pictures)
        np.testing.assert_allclose(read, once.predict(pictures, verbose=0), atol=off)


def test_every_picture_of_the_digit_1_is_read_and_doubt_and_nothing_are_not_accepted(data):
    class Pointing(Sided):
        labels = ("D", "nothing", "J")

    assert benchmark.digit_one(Pointing(), data / DIGITS) == {
        "pictures": 4, "D": 0.75, "Z": 0.0, "other_letters": 0.0, "nothing": 0.25, "accepted": 0.5,
    }  # fmt: skip


def test_a_pair_is_right_or_either_and_its_letters_are_told_apart():
    """Of I four are right and one is J; of J one is right, two are I and two are A."""
    truth, answer = np.array(list("IIIIIJJJJJAD")), np.array(list("IIIIJJIIAAID"))
    found = pairs(truth, answer)
    assert found["I/J"] == {
        "pictures": 10, "right": 0.5, "either": 0.8, "recall": {"I": 0.8, "J": 0.2},
        "as_other": {"I": 0.2, "J": 0.4},
    }  # fmt: skip
    assert found["D/Z"]["as_other"] == {"D": 0.0, "Z": None}
    assert list(pairs(np.array(["A", "J"]), np.array(["D", "I"]))) == ["I/J"]


def test_a_pairs_mean_is_over_sources_that_show_both():
    shown = {"ann": ("IIIIIIJJ", "IIIIIIJJ"), "bob": ("IJ", "II"), "cy": ("I", "A")}
    people = {
        name: {"pairs": pairs(np.array(list(truth)), np.array(list(answer)))}
        for name, (truth, answer) in shown.items()
    }
    assert pairs_mean(people)["I/J"] == {
        "sources": 2, "right": 0.75, "either": 1.0, "recall": {"I": 1.0, "J": 0.5},
        "as_other": {"I": 0.0, "J": 0.5},
    }  # fmt: skip
