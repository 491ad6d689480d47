"""The measurement of `adapt` deals pictures fairly."""

from pathlib import Path

import pytest

from benchmarks.release import adapt as benchmark
from benchmarks.release import other_tables
from benchmarks.release.sources import MEASURED_FROM

SAID = {"command": "c", "machine": {"system": "s", "processor": "p", "cores": 2},
        "versions": {}, "commit": "abc", "finished": "2026-01-01"}  # fmt: skip


def groups(**classes: tuple[int, ...]):
    """label=(sizes of its groups)."""
    return {
        label: {
            f"{label}{g}": [Path(f"{label}{g}_{i}.jpg") for i in range(size)]
            for g, size in enumerate(sizes)
        }
        for label, sizes in classes.items()
    }


@pytest.mark.parametrize("seed", range(5))
def test_what_is_learnt_from_shares_no_group_with_what_is_tested(seed: int):
    given, tested = benchmark.deal(groups(A=(3, 4, 5), B=(1, 1, 1)), 5, seed)
    assert {label for _, label in given} == {label for _, label in tested} == {"A", "B"}
    learnt, left = ({path.stem.split("_")[0] for path, _ in x} for x in (given, tested))
    assert not learnt & left
    assert len([1 for _, label in given if label == "A"]) <= 5
    assert len([1 for _, label in given if label == "B"]) == 2


def test_a_class_of_one_group_is_left_out():
    assert benchmark.deal(groups(A=(9,)), 5, 1) == ([], [])


def row(source, count, seed, own, seconds):
    before = {"own": 0.4, "others": 0.9, "each_other": {"x": 0.9, "y": 0.9}}
    after = {"own": own, "others": 0.8, "each_other": {"x": 0.8, "y": 0.8}}
    return {"source": source, "count": count, "seed": seed, "seconds": seconds,
            "before": before, "after": after}  # fmt: skip


ROWS = [row("one", 5, 1, 0.5, 80.0), row("one", 5, 2, 0.7, 90.4), row("two", 5, 1, 0.9, 70.0)]


def test_the_means_are_over_sources_and_seeds():
    assert benchmark.means(ROWS)["5"] == pytest.approx(
        {"own_before": 0.4, "own_after": 0.7, "others_before": 0.9, "others_after": 0.8,
         "longest_s": 90.4}
    )  # fmt: skip


def test_the_table_tells_each_source_and_the_mean_over_all_studies(monkeypatch):
    studies = [{**SAID, "rows": ROWS[:1]}, {**SAID, "rows": ROWS[1:], "commit": "def"}]
    monkeypatch.setattr(other_tables, "read_all", lambda _: studies)
    table = other_tables.adapt_few()
    assert "| one | 5 | 40.0 % | 60.0 % | 90.0 % | 80.0 % | 90 s |" in table
    assert "| **mean** | 5 | 40.0 % | 70.0 % | 90.0 % | 80.0 % | 90 s |" in table
    assert "Others are 2 sources; 2 seeds." in table
    assert any("commit abc" in x for x in table) and any("commit def" in x for x in table)


def test_a_new_sign_is_tested_on_other_pictures_than_those_given():
    paths = [Path(f"{number}.jpg") for number in range(30)]
    given, tested = benchmark.deal_signs(paths, 5, 1)
    assert len(given) == 5
    assert sorted(path for path, _ in given + tested) == sorted(paths)
    assert {label for _, label in given + tested} == {benchmark.SIGN}
    assert given != benchmark.deal_signs(paths, 5, 2)[0]


def test_people_who_showed_a_digit_in_training_tell_nothing_of_what_is_taken_for_it(tmp_path):
    for digit in benchmark.STRAYS:
        (tmp_path / digit).mkdir()
        for number in (MEASURED_FROM - 1, MEASURED_FROM):
            (tmp_path / digit / f"IMG_{number}.JPG").touch()
    found = {f"{path.parent.name} {path.name}" for path in benchmark.strays(tmp_path)}
    late = {f"{digit} IMG_{MEASURED_FROM}.JPG" for digit in benchmark.STRAYS}
    assert found == late | {f"1 IMG_{MEASURED_FROM - 1}.JPG"}, "1 was never learnt"


def test_what_looks_like_the_sign_is_shown_by_people_who_are_not_measured(tmp_path):
    (tmp_path / "8").mkdir()
    for number in range(MEASURED_FROM - 6, MEASURED_FROM + 3):
        (tmp_path / "8" / f"IMG_{number}.JPG").touch()
    found = benchmark.beside(tmp_path, 5, seed=1)
    assert {label for _, label in found} == {"nothing"}
    assert len({path for path, _ in found}) == 5
    assert all(int(path.stem[4:]) < MEASURED_FROM for path, _ in found)
    assert found != benchmark.beside(tmp_path, 5, seed=2)


def test_what_is_taken_for_the_sign_is_told_apart(monkeypatch):
    monkeypatch.setattr(benchmark, "read_by", lambda model, labels, pictures: len(pictures) / 10)
    paths = [Path(x) / f"{n}.jpg" for x, count in (("8", 3), ("1", 2)) for n in range(count)]
    assert benchmark.taken_each(None, [], paths) == {"1": 0.2, "8": 0.3}


def sign_row(seed, sign, told=False):
    return {"count": 5, "told": told, "seed": seed, "seconds": 60.0, "sign": sign, "strays": 0.1,
            "letters": 0.02, "each_stray": {"1": sign / 10, "8": 0.0},
            "before": {"x": 0.9, "y": 0.7}, "after": {"x": 0.8, "y": 0.6}}  # fmt: skip


def test_the_table_says_what_a_new_sign_costs_and_what_is_taken_for_it(monkeypatch):
    rows = [sign_row(1, 0.5), sign_row(2, 0.7)]
    more = [*rows, sign_row(1, 0.4, told=True)]
    saved = {"new_sign": rows, "new_sign_beside": more}
    monkeypatch.setattr(
        other_tables, "read",
        lambda name: {**SAID, "rows": saved[name], "mean": benchmark.sign_means(saved[name])},
    )  # fmt: skip
    table = other_tables.adapt_new_sign()
    assert "| 5 | 60.0 % | 10.0 % | 2.0 % | 80.0 % | 70.0 % | 60 s |" in table
    assert "| 5 | 60.0 % | 6.0 % | 0.0 % | 80.0 % | 70.0 % |" in table
    assert "| 5, and 5 of 8 as `nothing` | 40.0 % | 4.0 % | 0.0 % | 80.0 % | 70.0 % |" in table


@pytest.mark.parametrize(("more", "name", "tries"), [
    (["--new_sign"], "new_sign", [(5, False), (10, False)]),
    (["--beside"], "new_sign_beside", [(5, False), (5, True)]),
])  # fmt: skip
def test_what_looks_like_the_sign_is_given_where_that_is_asked_for(
    more, name, tries, tmp_path, monkeypatch
):
    (tmp_path / benchmark.SIGNS).mkdir()
    asked, saved = [], []
    rows = [sign_row(1, 0.5)]
    monkeypatch.setattr(benchmark, "measure_sign", lambda *args: asked.extend(args[2]) or rows)
    monkeypatch.setattr(benchmark, "record", lambda name, *_: saved.append(name))
    call = ["--data", str(tmp_path), "--others", ".", "--counts", "5", "10", *more]
    assert benchmark.main(call) == 0
    assert asked == tries and saved == [name]


def test_a_missing_source_is_named_before_anything_is_learnt(tmp_path, capsys):
    (tmp_path / "ann").mkdir()
    with pytest.raises(SystemExit) as ended:
        benchmark.main(["--data", str(tmp_path), "--others", "ann", "--new_sign"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert f"no {benchmark.SIGNS}:" in told
