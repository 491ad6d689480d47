"""What prepare says on the console and in its files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fingerspell.config import PrepareConfig
from fingerspell.errors import DataError
from fingerspell.prepare.prepare import prepare
from fingerspell.prepare.summary import summary
from helpers.synthetic_folder import alphabet, frame, write_runs

Folder = Callable[[str], Path]


@pytest.fixture
def config(tmp_path: Path) -> PrepareConfig:
    return PrepareConfig(
        input_dirs=(alphabet(tmp_path / "hands"),), output_dir=tmp_path / "dataset"
    )


def said(config: PrepareConfig) -> str:
    return summary(prepare(config).report, config.output_dir)


def test_class_names_that_were_put_right_are_printed_and_kept(config: PrepareConfig) -> None:
    write_runs(config.input_dirs[0], "Delete", range(40, 45))
    prepared = prepare(config).report
    assert "class names of hands: Delete → del" in summary(prepared, config.output_dir)
    assert prepared["renamed"] == [{"source": "hands", "folder": "Delete", "label": "del"}]
    assert list(prepared["classes"]) == ["A", "B", "del"]


def test_a_usual_folder_is_not_explained(config: PrepareConfig) -> None:
    text = said(config)
    assert "class names of" not in text
    assert "hands:" not in text


def test_another_layout_is_named(tmp_path: Path) -> None:
    for split, seeds in {"train": range(3), "val": range(3, 4), "test": range(4, 5)}.items():
        for label in "AB":
            write_runs(tmp_path / "in" / split, label, (ord(label) * 1000 + s for s in seeds))
    text = said(PrepareConfig(input_dirs=(tmp_path / "in",), output_dir=tmp_path / "out"))
    assert "in: ready-made splits" in text


def test_shares_that_groups_do_not_allow_are_said_in_points(config: PrepareConfig) -> None:
    write_runs(config.input_dirs[0], "C", [601], frames=30)
    write_runs(config.input_dirs[0], "C", [602, 603], frames=2)
    write_runs(config.input_dirs[0], "D", [604], frames=30)
    for seed in range(605, 609):
        write_runs(config.input_dirs[0], "D", [seed], frames=1)
    report = prepare(config).report
    assert report["missed_points"]["D"] > 10
    assert f"D {report['missed_points']['D']:.1f}" in " ".join(
        summary(report, config.output_dir).split()
    )


def test_shares_within_a_point_are_not_worth_a_word(tmp_path: Path) -> None:
    folder = alphabet(tmp_path / "in", runs=20, frames=1)
    report = prepare(PrepareConfig(input_dirs=(folder,), output_dir=tmp_path / "out")).report
    assert report["missed_points"] == {}


@pytest.mark.parametrize("told", [{"split": "random"}, {"group_by": "x"}, {}])
def test_near_bits_are_advised_only_where_likeness_made_the_groups(
    config: PrepareConfig, told: dict[str, str]
) -> None:
    write_runs(config.input_dirs[0], "C", [901], frames=6)
    report = prepare(config).report
    report["config"] |= told
    text = summary(report, config.output_dir)
    assert "never tested: C" in text
    assert ("try --near_bits 8" in text) == (not told)


def test_console_card_and_page_count_the_same(config: PrepareConfig, tmp_path: Path) -> None:
    away = alphabet(tmp_path / "away", runs=2)
    for label in "AB":
        write_runs(away, label, range(ord(label), ord(label) + 2))
    both = replace(config, input_dirs=(*config.input_dirs, away), holdout_sources=("away",))
    first, *_ = said(both).splitlines()
    card = (config.output_dir / "data_card.md").read_text(encoding="utf-8")
    page = (config.output_dir / "report.html").read_text(encoding="utf-8")
    pictures, held_out = first.split(", ")[0].split(" pictures + ")
    assert f"\n{first}. Made by" in card
    assert f"<b>{pictures}</b>pictures<" in page
    assert f"<b>{held_out.split()[0]}</b>pictures held out<" in page


def test_what_the_scan_could_not_use_is_listed_with_the_bad_pictures(
    config: PrepareConfig, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(b"x")
    try:
        (config.input_dirs[0] / "A" / "link.jpg").symlink_to(outside)
    except OSError:
        pytest.skip("this system lets nobody make links")
    (bad,) = prepare(replace(config, max_bad_share=0.1)).report["bad"]
    assert "leaves the folder" in bad["reason"]
    with pytest.raises(DataError, match="1 of 41 files are bad"):
        prepare(replace(config, output_dir=tmp_path / "other", max_bad_share=0.0))


def test_page_and_card_lie_beside_the_manifest_and_speak_of_these_pictures(
    config: PrepareConfig,
) -> None:
    prepare(config)
    page = (config.output_dir / "report.html").read_text(encoding="utf-8")
    card = (config.output_dir / "data_card.md").read_text(encoding="utf-8")
    assert "hands" in page and "data:image/jpeg" in page
    assert "40 pictures, 2 classes" in card
    assert prepare(config).untouched


def test_another_table_of_groups_is_another_data_set(config: PrepareConfig, tmp_path: Path) -> None:
    table = tmp_path / "groups.csv"
    table.write_text("path,group\nA/A0.jpg,anna\n", encoding="utf-8")
    grouped = replace(config, groups_csv=table)
    prepare(grouped)
    assert prepare(grouped).untouched
    table.write_text("path,group\nA/A0.jpg,berta\n", encoding="utf-8")
    with pytest.raises(DataError, match="--overwrite"):
        prepare(grouped)


def test_a_table_of_groups_that_cannot_be_read_is_a_clear_error(
    config: PrepareConfig, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="cannot read"):
        prepare(replace(config, groups_csv=tmp_path / "none.csv"))


def test_a_table_of_groups_may_name_pictures_that_were_left_out(
    config: PrepareConfig, tmp_path: Path
) -> None:
    (config.input_dirs[0] / "A" / "A9000.jpg").write_bytes(b"")
    table = tmp_path / "groups.csv"
    table.write_text("path,group\nA/A9000.jpg,anna\nA/A0.jpg,anna\n", encoding="utf-8")
    report = prepare(replace(config, groups_csv=table, max_bad_share=0.1)).report
    assert report["pictures"] == 40


def test_how_many_pictures_were_named_is_said(config: PrepareConfig, tmp_path: Path) -> None:
    table = tmp_path / "groups.csv"
    table.write_text("path,group\nA/A0.jpg,anna\nA/A1.jpg,anna\n", encoding="utf-8")
    report = prepare(replace(config, groups_csv=table)).report
    assert (report["named"]["named"], report["named"]["pictures"]) == (2, 40)
    assert Path(report["named"]["examples"][0]).name == "A2.jpg"
    text = summary(report, config.output_dir)
    assert text.splitlines()[0].startswith("40 pictures, 2 classes, 10 groups named by --groups or")
    assert text.splitlines()[1].startswith("--groups named the group of 2 of 40 pictures; first")


def test_too_few_named_groups_are_not_blamed_on_likeness(
    config: PrepareConfig, tmp_path: Path
) -> None:
    two = replace(config, input_dirs=(*config.input_dirs, alphabet(tmp_path / "more", labels="CD")))
    with pytest.raises(DataError, match="the groups that were named are too few") as caught:
        prepare(replace(two, group_by="source"))
    assert "near_bits" not in str(caught.value)


def test_rows_of_a_table_become_pictures_of_their_own(tmp_path: Path) -> None:
    rows = ["label," + ",".join(f"pixel{n}" for n in range(1, 785))]
    for label in (0, 1):
        for run in range(6):
            grey = frame(100 * label + run, 0)[:28, :28, 1]
            rows.append(f"{label}," + ",".join(map(str, grey.ravel().tolist())))
    (tmp_path / "sign_mnist_train.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    out = tmp_path / "out"
    config = PrepareConfig(input_dirs=(tmp_path / "sign_mnist_train.csv",), output_dir=out)
    report = prepare(config).report
    assert (report["pictures"], report["linked"], report["copied"]) == (12, 0, 12)
    pictures = sorted((out / "train").rglob("*.png"))
    assert pictures and all(p.read_bytes().startswith(b"\x89PNG") for p in pictures)
