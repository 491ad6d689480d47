"""What prepare says on the console and in its files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fingerspell.config import PrepareConfig
from fingerspell.errors import DataError
from fingerspell.prepare.prepare import prepare
from fingerspell.prepare.summary import summary
from helpers.synthetic_folder import alphabet, frame, groups_table, write_runs


def test_class_names_that_were_put_right_are_printed_and_kept(config: PrepareConfig) -> None:
    write_runs(config.input_dirs[0], "Delete", range(40, 45))
    prepared = prepare(config).report
    text = summary(prepared, config.output_dir)
    assert "class names of hands: Delete → del" in text
    assert "hands: class folders" not in text, "the usual layout is not explained"
    assert prepared["renamed"] == [{"source": "hands", "folder": "Delete", "label": "del"}]
    assert list(prepared["classes"]) == ["A", "B", "del"]


def test_classes_that_groups_do_not_allow_to_split_as_asked_are_named(
    config: PrepareConfig,
) -> None:
    hands = config.input_dirs[0]
    write_runs(hands, "C", [601], frames=30)
    write_runs(hands, "D", range(604, 609), frames=1)
    write_runs(hands, "D", [604], frames=30)
    write_runs(hands, "E", [902, 903], frames=6)
    write_runs(hands, "F", range(700, 720), frames=1)
    report = prepare(config).report
    assert report["classes"]["C"] == {"train": 30, "val": 0, "test": 0, "groups": 1}
    assert report["classes"]["E"] == {"train": 6, "val": 0, "test": 6, "groups": 2}
    assert report["missed_points"]["D"] > 10
    assert "F" not in report["missed_points"], "within a point it is not worth a word"
    text = summary(report, config.output_dir)
    assert f"D {report['missed_points']['D']:.1f}" in " ".join(text.split())
    assert "never tested: C" in text
    assert "none in val: E" in text
    for told, advised in (({}, True), ({"split": "random"}, False), ({"group_by": "x"}, False)):
        changed = {**report, "config": {**report["config"], **told}}
        said = summary(changed, config.output_dir)
        assert ("try --near_bits 8" in said) is advised, "only where likeness made the groups"


def test_console_card_and_page_count_the_same(config: PrepareConfig, tmp_path: Path) -> None:
    away = alphabet(tmp_path / "away", runs=[0, 1, 50])
    both = replace(config, input_dirs=(*config.input_dirs, away), holdout_sources=("away",))
    first, *_ = summary(prepare(both).report, config.output_dir).splitlines()
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


def test_another_table_of_groups_is_another_data_set(config: PrepareConfig, tmp_path: Path) -> None:
    (config.input_dirs[0] / "A" / "A9000.jpg").write_bytes(b"")  # Left out, but may be named.
    table = groups_table(tmp_path, "A/A0.jpg,anna", "A/A1.jpg,anna", "A/A9000.jpg,anna")
    grouped = replace(config, groups_csv=table, max_bad_share=0.1)
    report = prepare(grouped).report
    assert (report["named"]["named"], report["named"]["pictures"]) == (2, 40)
    assert Path(report["named"]["examples"][0]).name == "A2.jpg"
    headline, named, *_ = summary(report, config.output_dir).splitlines()
    assert headline.startswith("40 pictures, 2 classes, 10 groups named by --groups or")
    assert named.startswith("--groups named the group of 2 of 40 pictures; first")
    assert prepare(grouped).untouched
    groups_table(tmp_path, "A/A0.jpg,berta", "A/A1.jpg,anna")
    with pytest.raises(DataError, match="--overwrite"):
        prepare(grouped)
    table.unlink()
    with pytest.raises(DataError, match="cannot read"):
        prepare(grouped)


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
