"""The measurement of `adapt` deals pictures fairly."""

from pathlib import Path

import pytest

from benchmarks.release import adapt as benchmark
from benchmarks.release.sources import MEASURED_FROM


@pytest.mark.parametrize("seed", range(5))
def test_what_is_learnt_from_shares_no_group_with_what_is_tested(seed: int):
    sizes = {"A": (3, 4, 5), "B": (1, 1, 1), "alone": (9,)}
    groups = {
        label: {f"{label}{g}": [Path(f"{label}{g}_{i}.jpg") for i in range(size)]
                for g, size in enumerate(of_groups)}
        for label, of_groups in sizes.items()
    }  # fmt: skip
    given, tested = benchmark.deal(groups, 5, seed)
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
    assert benchmark.means(rows)["5"] == pytest.approx(
        {"own_before": 0.4, "own_after": 0.7, "others_before": 0.9, "others_after": 0.8,
         "longest_s": 90.4}
    )  # fmt: skip


def test_a_new_sign_is_tested_on_other_pictures_than_those_given():
    paths = [Path(f"{number}.jpg") for number in range(30)]
    given, tested = benchmark.deal_signs(paths, 5, 1)
    assert len(given) == 5
    assert sorted(path for path, _ in given + tested) == sorted(paths)
    assert {label for _, label in given + tested} == {benchmark.SIGN}
    assert given != benchmark.deal_signs(paths, 5, 2)[0]


@pytest.fixture
def digits(tmp_path):
    """Each digit shown by six people who may be learnt from, and by three who are measured."""
    for digit in benchmark.STRAYS:
        (tmp_path / digit).mkdir()
        for number in range(MEASURED_FROM - 6, MEASURED_FROM + 3):
            (tmp_path / digit / f"IMG_{number}.JPG").touch()
    return tmp_path


def test_people_who_showed_a_digit_in_training_tell_nothing_of_what_is_taken_for_it(digits):
    found = benchmark.strays(digits)
    assert len([1 for path in found if path.parent.name == "1"]) == 9, "1 was never learnt"
    others = [path for path in found if path.parent.name != "1"]
    assert len(others) == 3 * 3
    assert all(int(path.stem[4:]) >= MEASURED_FROM for path in others)


def test_what_looks_like_the_sign_is_shown_by_people_who_are_not_measured(digits):
    found = benchmark.beside(digits, 5, seed=1)
    assert {label for _, label in found} == {"nothing"}
    assert len({path for path, _ in found}) == 5
    assert all(int(path.stem[4:]) < MEASURED_FROM for path, _ in found)
    assert found != benchmark.beside(digits, 5, seed=2)


def test_what_is_taken_for_the_sign_is_told_apart(monkeypatch):
    monkeypatch.setattr(benchmark, "read_by", lambda model, labels, pictures: len(pictures) / 10)
    paths = [Path(x) / f"{n}.jpg" for x, count in (("8", 3), ("1", 2)) for n in range(count)]
    assert benchmark.taken_each(None, [], paths) == {"1": 0.2, "8": 0.3}


def sign_row(sign, told=False):
    return {"count": 5, "told": told, "seconds": 60.0, "sign": sign, "strays": 0.1,
            "letters": 0.02, "each_stray": {"1": sign / 10, "8": 0.0},
            "before": {"x": 0.9, "y": 0.7}, "after": {"x": 0.8, "y": 0.6}}  # fmt: skip


def test_a_signs_means_are_over_seeds_for_each_thing_that_was_given():
    means = benchmark.sign_means([sign_row(0.5), sign_row(0.7), sign_row(0.4, told=True)])
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
    (tmp_path / benchmark.SIGNS).mkdir()
    asked, saved, rows = [], [], [sign_row(0.5)]
    monkeypatch.setattr(benchmark, "measure_sign", lambda *args: asked.extend(args[2]) or rows)
    monkeypatch.setattr(benchmark, "record", lambda name, *_: saved.append(name))
    call = ["--data", str(tmp_path), "--others", ".", "--counts", "5", "10", more]
    assert benchmark.main(call) == 0
    assert asked == tries and saved == [name]
