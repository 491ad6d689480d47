"""The measurement of `adapt` deals pictures fairly."""

from pathlib import Path

import pytest

import adapt as benchmark
import new_sign
from adapt_page import adapted
from adapt_page import new_sign as new_sign_page
from adapt_page import new_sign_beside as beside_page
from starter_sources import MEASURED_FROM


def groups(**classes: tuple[int, ...]):
    """label=(sizes of its groups)."""
    return {
        label: {
            f"{label}{g}": [Path(f"{label}{g}_{i}.jpg") for i in range(size)]
            for g, size in enumerate(sizes)
        }
        for label, sizes in classes.items()
    }


def group_of(path: Path) -> str:
    return path.stem.split("_")[0]


@pytest.mark.parametrize("seed", range(5))
def test_what_is_learnt_from_shares_no_group_with_what_is_tested(seed: int):
    given, tested = benchmark.deal(groups(A=(3, 4, 5), B=(1, 1, 1)), 5, seed)
    assert {label for _, label in given} == {label for _, label in tested} == {"A", "B"}
    assert not {group_of(p) for p, _ in given} & {group_of(p) for p, _ in tested}
    assert len([1 for _, label in given if label == "A"]) <= 5
    assert len([1 for _, label in given if label == "B"]) == 2


def test_a_class_of_one_group_is_left_out():
    assert benchmark.deal(groups(A=(9,)), 5, 1) == ([], [])


def test_the_means_are_over_sources_and_seeds():
    row = {"count": 5, "seconds": 9.0, "before": {"own": 0.2, "others": 0.5}}
    rows = [{**row, "after": {"own": own, "others": 0.5}} for own in (0.4, 0.6)]
    assert benchmark.means(rows)["5"] == pytest.approx(
        {"own_before": 0.2, "own_after": 0.5, "others_before": 0.5, "others_after": 0.5,
         "longest_s": 9.0}
    )  # fmt: skip


def test_the_page_tells_each_source_and_the_mean_of_each_number_of_pictures():
    def row(source, count, seed, own, seconds):
        before = {"own": 0.4, "others": 0.9, "each_other": {"x": 0.9, "y": 0.9}}
        after = {**before, "own": own, "others": 0.8}
        return {"source": source, "count": count, "seed": seed, "seconds": seconds,
                "before": before, "after": after}  # fmt: skip

    rows = [
        row("four_signers", 5, 1, 0.5, 80.0), row("four_signers", 5, 2, 0.7, 90.4),
        row("silhouette", 5, 1, 0.9, 70.0), row("silhouette", 20, 1, 1.0, 99.0),
    ]  # fmt: skip
    said = {"command": "c", "machine": {"system": "s", "processor": "p", "cores": 2},
            "versions": {}, "commit": "abc", "finished": "2026-01-01"}  # fmt: skip
    page = adapted([{**said, "rows": rows[:1]}, {**said, "rows": rows[1:], "commit": "def"}])
    assert any("commit abc" in line for line in page) and any("commit def" in x for x in page)
    assert "| four_signers | 5 | 40.0 % | 60.0 % | 90.0 % | 80.0 % | 90 s |" in page
    assert "| **mean** | 5 | 40.0 % | 70.0 % | 90.0 % | 80.0 % | 90 s |" in page
    assert "| **mean** | 20 | 40.0 % | 100.0 % | 90.0 % | 80.0 % | 99 s |" in page
    assert any("2 other sources" in line and "2 seeds" in line for line in page)


def test_a_new_sign_is_tested_on_other_pictures_than_those_given():
    paths = [Path(f"{number}.jpg") for number in range(30)]
    given, tested = new_sign.deal(paths, 5, 1)
    assert len(given) == 5
    assert sorted(path for path, _ in given + tested) == sorted(paths)
    assert {label for _, label in given + tested} == {new_sign.SIGN}
    assert given != new_sign.deal(paths, 5, 2)[0]


def test_people_who_showed_a_digit_in_training_tell_nothing_of_what_is_taken_for_the_sign(tmp_path):
    for digit in new_sign.STRAYS:
        (tmp_path / digit).mkdir()
        for number in (MEASURED_FROM - 1, MEASURED_FROM):
            (tmp_path / digit / f"IMG_{number}.JPG").touch()
    found = [f"{path.parent.name} {path.name}" for path in new_sign.strays(tmp_path)]
    late = {f"{digit} IMG_{MEASURED_FROM}.JPG" for digit in new_sign.STRAYS}
    assert set(found) == late | {f"1 IMG_{MEASURED_FROM - 1}.JPG"}, "1 was never learnt"


def sign_row(seed, sign, seconds, told=False):
    shares = {"sign": sign, "strays": 0.1, "letters": 0.02}
    shares["each_stray"] = {"1": sign / 10, "8": 0.0}
    known = {"before": {"x": 0.9, "y": 0.7}, "after": {"x": 0.8, "y": 0.6}}
    return {"count": 5, "told": told, "seed": seed, "seconds": seconds, **shares, **known}


SIGN_ROWS = [sign_row(1, 0.5, 40.0), sign_row(2, 0.7, 60.0)]


def sign_figures(rows):
    return {
        "rows": rows, "mean": new_sign.means(rows), "command": "c", "finished": "2026-01-01",
        "machine": {"system": "s", "processor": "p", "cores": 2}, "versions": {}, "commit": "abc",
    }  # fmt: skip


def test_the_page_says_what_a_new_sign_costs():
    page = new_sign_page(sign_figures(SIGN_ROWS))
    assert "| 5 | 60.0 % | 10.0 % | 2.0 % | 80.0 % | 70.0 % | 60 s |" in page
    assert any("2 sources" in line and "2 seeds" in line for line in page)


def test_the_page_says_what_is_taken_for_a_new_sign_and_what_mends_it():
    page = beside_page(sign_figures([*SIGN_ROWS, sign_row(1, 0.4, 30.0, told=True)]))
    assert "| pictures | found | 1 | 8 | classes it knew, before | after |" in page
    assert "| 5 | 60.0 % | 6.0 % | 0.0 % | 80.0 % | 70.0 % |" in page
    assert "| 5, and 5 of 8 as `nothing` | 40.0 % | 4.0 % | 0.0 % | 80.0 % | 70.0 % |" in page


@pytest.mark.parametrize(("more", "name", "tries"), [
    ([], "new_sign", [(5, False), (10, False)]),
    (["--beside"], "new_sign_beside", [(5, False), (5, True)]),
])  # fmt: skip
def test_what_looks_like_the_sign_is_given_where_that_is_asked_for(
    more, name, tries, tmp_path, monkeypatch
):
    (tmp_path / new_sign.SOURCE).mkdir()
    asked, saved = [], []
    monkeypatch.setattr(new_sign, "measure", lambda *args: asked.extend(args[2]) or SIGN_ROWS)
    monkeypatch.setattr(new_sign, "save", lambda name, _: saved.append(name))
    call = ["x", "--data", str(tmp_path), "--others", ".", "--counts", "5", "10", *more]
    monkeypatch.setattr("sys.argv", call)
    assert new_sign.main() == 0
    assert asked == tries and saved == [name]


def test_what_looks_like_the_sign_is_shown_by_people_who_are_not_measured(tmp_path):
    (tmp_path / "8").mkdir()
    for number in range(MEASURED_FROM - 6, MEASURED_FROM + 3):
        (tmp_path / "8" / f"IMG_{number}.JPG").touch()
    found = new_sign.beside(tmp_path, 5, seed=1)
    assert {label for _, label in found} == {"nothing"}
    assert len({path for path, _ in found}) == 5
    assert all(int(path.stem[4:]) < MEASURED_FROM for path, _ in found)
    assert found != new_sign.beside(tmp_path, 5, seed=2)


def test_what_is_taken_for_the_sign_is_told_apart(monkeypatch):
    monkeypatch.setattr(new_sign, "read_by", lambda model, labels, pictures: len(pictures) / 10)
    paths = [Path(x) / f"{n}.jpg" for x, count in (("8", 3), ("1", 2)) for n in range(count)]
    assert new_sign.taken_each(None, [], paths) == {"1": 0.2, "8": 0.3}


def test_a_missing_source_is_named_before_anything_is_learnt(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["new_sign.py", "--data", str(tmp_path), "--others", "ann"])
    (tmp_path / "ann").mkdir()
    with pytest.raises(SystemExit) as ended:
        new_sign.main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert new_sign.SOURCE in told and str(tmp_path / "ann") not in told
