"""The catalogue and what it lets in, the measurements of unseen signers and of `adapt`."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks.release import adapt, catalogue, own_test, sources, unseen_signers
from benchmarks.release.sources import MEASURED_FROM
from benchmarks.release.unseen_signers import DIGITS, pairs, pairs_mean
from benchmarks.tables import read
from fingerspell.images import encode_jpeg
from fingerspell.model import save_recogniser, with_hand_crop
from helpers.exports import BUILD, HEAVY, LABELS, SIZE_PX, fitted, somewhere, tiny_recogniser
from helpers.starter_folder import starter_folder

RELEASED = catalogue.names_for(catalogue.RELEASE)
ENTRY = {
    "name": "x", "repository": "a/b", "licence": "MIT", "strength": "stated", "who": "one hand",
    "classes": "A-Z", "pictures": 3, "use": catalogue.RELEASE,
}  # fmt: skip


def test_every_source_is_told_of_in_full():
    assert {source.use for source in catalogue.catalogue()} == set(catalogue.USES)
    for source in catalogue.catalogue():
        assert source.repository and source.who and source.classes and source.pictures > 0
    for source in catalogue.used_for(catalogue.RELEASE):
        assert source.repository != "not recorded"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"use": "sold"}, "none of"),
        ({"strength": "firm"}, "none of"),
        ({"strength": "weak"}, "needs a remark"),
        ({"strength": "none"}, "may not train a release"),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(change, told):
    catalogue.Source(**ENTRY)
    with pytest.raises(ValueError, match=told):
        catalogue.Source(**{**ENTRY, **change})


def test_an_entry_named_twice_and_one_that_lacks_a_field_are_refused(tmp_path):
    lines = ["[[source]]", *(f"{key} = {value!r}" for key, value in ENTRY.items())]
    wrong = {"twice": (lines * 2, ValueError, "x twice"), "short": (lines[:-1], TypeError, "use")}
    for name, (text, kind, told) in wrong.items():
        (tmp_path / name).write_text("\n".join(text), encoding="utf-8")
        with pytest.raises(kind, match=told):
            catalogue.catalogue(tmp_path / name)


def test_what_was_measured_was_what_the_catalogue_calls_it():
    figures = read("unseen_signers")
    assert tuple(figures["unseen_signers"]) == catalogue.names_for(catalogue.UNSEEN)
    assert set(figures["studied"]) <= set(catalogue.names_for(catalogue.STUDY))
    assert set(read("own_test")["sources"]) <= set(RELEASED)


@pytest.mark.parametrize(
    ("program", "arguments", "named"),
    [
        (adapt.main, ["--others", "ann", "--new_sign", "--data"], adapt.SIGNS),
        (own_test.main, ["--dataset_dir"], "manifest"),
    ],
)
def test_a_missing_source_ends_a_program_before_it_measures(
    program, arguments, named, tmp_path, capsys
):
    (tmp_path / "ann").mkdir()
    with pytest.raises(SystemExit) as ended:
        program([*arguments, str(tmp_path)])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert named in told and "ann," not in told


@pytest.fixture
def data(tmp_path):
    for source in RELEASED:
        for name in "0123" if source == "digits_218" else "AMPV":
            folder = tmp_path / "data" / source / name
            folder.mkdir(parents=True)
            (folder / "1.jpg").write_bytes(f"{source} {name}".encode())
    return tmp_path / "data"


def labels(folder):
    return {path.name for path in folder.iterdir()}


def test_only_the_sources_on_the_card_are_gathered_without_unusual_forms(data, tmp_path):
    (data / "kaggle_alphabet" / "A").mkdir(parents=True)
    (data / "kaggle_alphabet" / "A" / "1.jpg").write_bytes(b"not ours to release")
    count = sources.gather(data, tmp_path / "out")
    assert labels(tmp_path / "out") == set(RELEASED)
    assert labels(tmp_path / "out" / "pale_sofa") == {"A", "V"}
    assert labels(tmp_path / "out" / "hawk") == {"A", "M", "P", "V"}
    assert count == 3 + 2 + 4 * (len(RELEASED) - 2)


def test_digits_are_the_letters_they_show_or_nothing_and_a_third_is_kept_to_measure(data, tmp_path):
    for name, numbers in {"3": (5278, 5279), "7": (5277,), "8": (5276, 6000)}.items():
        (data / "digits_218" / name).mkdir(exist_ok=True)
        for number in numbers:
            (data / "digits_218" / name / f"IMG_{number}.jpg").write_bytes(b"")
    sources.gather(data, tmp_path / "out")
    digits = tmp_path / "out" / "digits_218"
    assert labels(digits) == {"O", "V", "nothing"}
    assert (digits / "V" / "1.jpg").read_bytes() == b"digits_218 2"
    assert labels(digits / "nothing") == {"1.jpg", "IMG_5276.jpg", "IMG_5278.jpg"}


def test_what_was_learnt_from_is_not_measured(data):
    learnt = [
        sources.is_learnt("digits_218", name, data / f"IMG_{number}.jpg")
        for name, number in (("3", 5278), ("3", 5279), ("7", 1), ("0", 5279))
    ]
    assert learnt == [True, False, False, True]
    assert sources.is_learnt("hawk", "7", data / "hand.jpg")


def test_one_option_leaves_out_whose_licence_nobody_but_a_tutorial_states(data, tmp_path):
    out = tmp_path / "strict"
    sources.main(["--data", str(data), "--output", str(out), "--strict_licences"])
    weak = {s.name for s in catalogue.used_for(catalogue.RELEASE) if s.strength == "weak"}
    assert "blue_shirt" in weak and labels(out) == {*RELEASED} - weak


def test_nothing_is_written_into_an_earlier_gathering_or_where_a_source_is_missing(data, tmp_path):
    sources.gather(data, tmp_path / "out")
    with pytest.raises(SystemExit, match="there already"):
        sources.gather(data, tmp_path / "out")
    (data / "hawk").rename(data / "owl")
    with pytest.raises(SystemExit, match="has no hawk"):
        sources.gather(data, tmp_path / "new")
    assert not (tmp_path / "new").exists()


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


SCENES = [np.full((32, 32, 3), 128, np.uint8)]


@pytest.fixture
def signers(tmp_path):
    for name in catalogue.names_for(catalogue.UNSEEN, catalogue.STUDY):
        write(tmp_path / name, "A", (255, 0), (255, 0), (160, 128))
        write(tmp_path / name, "B", (0, 255))
        write(tmp_path / name, "J", (255, 0))
    for name in unseen_signers.FACES["report"]:
        write(tmp_path / name, "B", (255, 0))
    for digit in unseen_signers.LIKE_NO_LETTER:
        write(tmp_path / DIGITS, digit, (255, 0), first=MEASURED_FROM)
    write(tmp_path / DIGITS, "1", (255, 0), (255, 0), (160, 128), (0, 255))
    return tmp_path


def test_mirrored_pictures_are_the_other_hand_and_doubt_is_not_accepted(signers):
    source = unseen_signers.one_source(Sided(), Sided(), signers / "dev_signify", SCENES)
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
    far = unseen_signers.smaller(share)(picture)
    inside = far[:, slice(*rows), slice(*columns)].copy()
    assert inside[:, :, 0].max() == 0 and inside[:, :, -1].min() == 1
    far[:, slice(*rows), slice(*columns)] = 0.5
    assert (far == 0.5).all()


def test_small_hands_lie_anywhere_before_people_and_each_time_in_the_same_place():
    pictures = np.ones((20, 30, 60, 3), np.float32)
    scenes = [np.full((5, 5, 3), 51, np.uint8)]
    far, again = (unseen_signers.before(scenes, 1 / 3)(pictures) for _ in range(2))
    np.testing.assert_array_equal(far, again)
    light = far[..., 0] > 0.9
    for hand in light:
        rows, columns = np.nonzero(hand)
        assert 7 <= np.ptp(rows) + 1 <= 10 and 14 <= np.ptp(columns) + 1 <= 20
    assert light.any(axis=0).mean() > 2 * light[0].mean(), "not all in one place"
    assert (np.abs(far - 0.2) < 1e-3).all(axis=-1).mean() > 0.85
    assert ((far > 0.25) & (far < 0.95)).any(), "soft edges"


def test_people_of_whom_none_shows_a_pair_have_no_mean_and_every_digit_is_told(signers):
    figures = unseen_signers.measured(Sided(), Sided(), signers)
    assert figures["unseen_signers_mean"]["worst_24"] == 1.0
    assert figures["pairs_mean"] == {"unseen_signers": {}, "studied": {}}, "none shows an I"
    assert figures["non_letters"] == {
        "pictures": 4, "digits": ["3", "5", "7", "8"], "accepted": 1.0,
        "each": dict.fromkeys("3578", 1.0),
    }  # fmt: skip


def test_skin_tones_are_means_over_sources_that_show_enough_of_them():
    def source(light: float, **more: Any) -> dict[str, Any]:
        tones = {"light": {"pictures": 30, "accuracy": light}, **more}
        return {"skin_tones": tones, "letters_24": light, "mirrored_24": 0.5}

    few = {"brown": {"pictures": 3, "accuracy": 0.1}}
    told = unseen_signers.fairness([source(0.9), source(0.7, **few)])
    assert list(told["skin_tones"]) == ["light"], "three pictures say nothing"
    light = told["skin_tones"]["light"]
    assert (light["sources"], light["pictures"]) == (2, 60)
    assert light["accuracy"] == pytest.approx(0.8)
    assert light["interval"] == pytest.approx([0.7, 0.9])
    assert told["hands"]["apart"] == pytest.approx(0.3)


def test_a_picture_without_skin_is_counted_apart(signers):
    source = unseen_signers.one_source(Sided(), Sided(), signers / "dev_signify", SCENES)
    assert source["skin_tones"] == {"none found": {"pictures": 4, "accuracy": 1.0}}


def test_a_digit_that_is_read_as_nothing_is_not_taken_for_a_letter(signers):
    class Refusing(Sided):
        labels = ("nothing", "B", "J")

    class Unsure(Sided):
        def probabilities(self, batch):
            return super().probabilities(batch) * 0.5

    taken = [unseen_signers.non_letters(x(), signers / DIGITS) for x in (Refusing, Unsure, Sided)]
    assert [found["accepted"] for found in taken] == [0.0, 0.0, 1.0]
    shutil.copy2(signers / "dev_signify/A/0.jpg", signers / DIGITS / "5" / "0.jpg")
    told = unseen_signers.non_letters(Sided(), signers / DIGITS)
    assert told["pictures"] == 4, "who showed a digit in training is not measured by it"


def test_a_single_view_is_told_apart(signers):
    class Twice(Sided):
        """Says A whichever side is brighter."""

        def probabilities(self, batch):
            one, other = (super(Twice, self).probabilities(x) for x in (batch, batch[:, :, ::-1]))
            return np.where(one[:, :1] > one[:, 1:2], one, other)

    source = unseen_signers.one_source(Twice(), Sided(), signers / "dev_signify", SCENES)
    assert source["single_view_letters_24"] == source["single_view_third_24"] == 1.0
    assert source["letters_24"] == source["mirrored_24"] == pytest.approx(3 / 4)


def test_the_weights_of_a_run_and_of_a_release_are_read_in_a_single_view(tmp_path, monkeypatch):
    monkeypatch.setattr(BUILD, HEAVY)
    once, pictures = tiny_recogniser(), fitted(6)
    save_recogniser(with_hand_crop(once, somewhere(tiny=True)), tmp_path / "model.keras")
    released = starter_folder(tmp_path / "starter", once, LABELS)
    told = SimpleNamespace(labels=LABELS, size_px=SIZE_PX)
    for folder, off in ((tmp_path, 1e-5), (released, 0.02)):
        read = unseen_signers.single_view(folder, told).probabilities(pictures)
        np.testing.assert_allclose(read, once.predict(pictures, verbose=0), atol=off)


def test_every_picture_of_the_digit_1_is_read_and_doubt_and_nothing_are_not_accepted(signers):
    class Pointing(Sided):
        labels = ("D", "nothing", "J")

    assert unseen_signers.digit_one(Pointing(), signers / DIGITS) == {
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


@pytest.mark.parametrize("seed", range(5))
def test_what_is_learnt_from_shares_no_group_with_what_is_tested(seed: int):
    sizes = {"A": (3, 4, 5), "B": (1, 1, 1), "alone": (9,)}
    groups = {
        label: {f"{label}{g}": [Path(f"{label}{g}_{i}.jpg") for i in range(size)]
                for g, size in enumerate(of_groups)}
        for label, of_groups in sizes.items()
    }  # fmt: skip
    given, tested = adapt.deal(groups, 5, seed)
    assert {label for _, label in given} == {label for _, label in tested} == {"A", "B"}
    learnt, left = ({path.stem.split("_")[0] for path, _ in x} for x in (given, tested))
    assert not learnt & left
    assert len([1 for _, label in given if label == "A"]) <= 5
    assert len([1 for _, label in given if label == "B"]) == 2


def test_the_means_are_over_sources_and_seeds():
    rows = [
        {"count": 5, "seconds": seconds, "before": {"own": 0.4, "others": 0.9},
         "after": {"own": own, "others": 0.8}}
        for own, seconds in ((0.5, 80.0), (0.7, 90.4), (0.9, 70.0))
    ]  # fmt: skip
    assert adapt.means(rows)["5"] == pytest.approx(
        {"own_before": 0.4, "own_after": 0.7, "others_before": 0.9, "others_after": 0.8,
         "longest_s": 90.4}
    )  # fmt: skip


def test_a_new_sign_is_tested_on_other_pictures_than_those_given():
    paths = [Path(f"{number}.jpg") for number in range(30)]
    given, tested = adapt.deal_signs(paths, 5, 1)
    assert len(given) == 5
    assert sorted(path for path, _ in given + tested) == sorted(paths)
    assert {label for _, label in given + tested} == {adapt.SIGN}
    assert given != adapt.deal_signs(paths, 5, 2)[0]


@pytest.fixture
def digits(tmp_path):
    """Each digit shown by six people who may be learnt from, and by three who are measured."""
    for digit in adapt.STRAYS:
        (tmp_path / digit).mkdir()
        for number in range(MEASURED_FROM - 6, MEASURED_FROM + 3):
            (tmp_path / digit / f"IMG_{number}.JPG").touch()
    return tmp_path


def test_people_who_showed_a_digit_in_training_tell_nothing_of_what_is_taken_for_it(digits):
    found = adapt.strays(digits)
    assert len([1 for path in found if path.parent.name == "1"]) == 9, "1 was never learnt"
    others = [path for path in found if path.parent.name != "1"]
    assert len(others) == 3 * 3
    assert all(int(path.stem[4:]) >= MEASURED_FROM for path in others)


def test_what_looks_like_the_sign_is_shown_by_people_who_are_not_measured(digits):
    found = adapt.beside(digits, 5, seed=1)
    assert {label for _, label in found} == {"nothing"}
    assert len({path for path, _ in found}) == 5
    assert all(int(path.stem[4:]) < MEASURED_FROM for path, _ in found)
    assert found != adapt.beside(digits, 5, seed=2)


def test_what_is_taken_for_the_sign_is_told_apart(monkeypatch):
    monkeypatch.setattr(adapt, "read_by", lambda model, labels, pictures: len(pictures) / 10)
    paths = [Path(x) / f"{n}.jpg" for x, count in (("8", 3), ("1", 2)) for n in range(count)]
    assert adapt.taken_each(None, [], paths) == {"1": 0.2, "8": 0.3}


def sign_row(sign, told=False):
    return {"count": 5, "told": told, "seconds": 60.0, "sign": sign, "strays": 0.1,
            "letters": 0.02, "each_stray": {"1": sign / 10, "8": 0.0},
            "before": {"x": 0.9, "y": 0.7}, "after": {"x": 0.8, "y": 0.6}}  # fmt: skip


def test_a_signs_means_are_over_seeds_for_each_thing_that_was_given():
    means = adapt.sign_means([sign_row(0.5), sign_row(0.7), sign_row(0.4, told=True)])
    alone, beside = means["5"], means["5, and 5 of 8 as `nothing`"]
    assert (alone["sign"], beside["sign"]) == pytest.approx((0.6, 0.4))
    assert (alone["before"], alone["after"]) == pytest.approx((0.8, 0.7))
    assert alone["each_stray"] == pytest.approx({"1": 0.06, "8": 0.0})


@pytest.mark.parametrize(("more", "name", "tries"), [
    ("--new_sign", "new_sign", [(5, False), (10, False)]),
    ("--beside", "new_sign_beside", [(5, False), (5, True)]),
])  # fmt: skip
def test_what_looks_like_the_sign_is_given_where_it_is_asked_for(
    more, name, tries, tmp_path, monkeypatch
):
    (tmp_path / adapt.SIGNS).mkdir()
    asked, saved, rows = [], [], [sign_row(0.5)]
    monkeypatch.setattr(adapt, "measure_sign", lambda *args: asked.extend(args[2]) or rows)
    monkeypatch.setattr(adapt, "record", lambda name, *_: saved.append(name))
    call = ["--data", str(tmp_path), "--others", ".", "--counts", "5", "10", more]
    assert adapt.main(call) == 0
    assert asked == tries and saved == [name]
