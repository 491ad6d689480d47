"""The command, and what prepare says on the console and in its files."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fingerspell.config import PrepareConfig
from fingerspell.errors import DataError
from fingerspell.prepare.prepare import prepare
from fingerspell.prepare.summary import summary
from helpers.command import command
from helpers.killed import SOURCE
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
    assert f"of 6 classes, E by most ({report['missed_points']['E']:.1f} points)" in text
    assert "never tested: C" in text
    assert "none in val: E" in text
    for told, advised in (({}, True), ({"split": "random"}, False), ({"group_by": "x"}, False)):
        changed = {**report, "config": {**report["config"], **told}}
        said = summary(changed, config.output_dir)
        assert ("try --near_bits 8" in said) is advised, "only where likeness made the groups"


def test_pictures_that_show_nothing_are_named_but_for_those_of_nothing(config) -> None:
    """Depth maps in millimetres beside photographs come out black."""
    hands = config.input_dirs[0]
    write_runs(hands, "nothing", range(70, 75))
    for label, other in (("A", 0), ("nothing", 7)):
        depth = np.full((48, 48 + other), 900, np.uint16) + np.arange(48 + other, dtype=np.uint16)
        Image.fromarray(depth).save(hands / label / "depth_1.png")
        Image.new("RGB", (48, 48), (90 + other, 90, 90)).save(hands / label / "flat.png")
    text = summary(prepare(config).report, config.output_dir)
    assert "2 picture(s) that show nothing, black or of one colour" in text
    assert "/A/depth_1.png" in text and "/A/flat.png" in text and "/nothing/depth" not in text


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


def test_the_guides_command_prepares_and_prints_a_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hands, dataset = alphabet(tmp_path / "in"), tmp_path / "dataset"
    assert command("prepare", "--input_dir", hands, "--output_dir", dataset) == 0
    out = capsys.readouterr().out
    assert "40 pictures, 2 classes, 10 groups" in out
    assert "a random split would leak" in out
    assert (dataset / "train" / "A").is_dir()
    assert command("prepare", "--input_dir", hands, "--output_dir", dataset) == 0
    assert "left untouched" in capsys.readouterr().out


def test_the_door_stands_in_backend_and_its_help_is_quick() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "backend/prepare_dataset.py", "--help"],
        cwd=SOURCE.parent, capture_output=True, text=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert "--input_dir" in done.stdout
    for heavy in ("cv2", "numpy", "grain", "tensorflow"):
        assert f"| {heavy}\n" not in done.stderr.replace("  ", " ")


def test_every_option_reaches_the_report(tmp_path: Path) -> None:
    a, b, c = (
        alphabet(tmp_path / x, runs=range(n, n + 5)) for x, n in (("a", 0), ("b", 70), ("c", 0))
    )
    table = groups_table(tmp_path, "a/A/A0.jpg,anna")
    call = [
        "--input_dir",
        a,
        b,
        "--input_dir",
        c,
        "--resplit",
        "--holdout_source",
        "b",
        "--max_bad",
        0.2,
    ]
    call += ["--near_bits", 9, "--seed", 7, "--train", 0.6, "--val", 0.2, "--test", 0.2]

    def report_of(*options: object) -> dict[str, Any]:
        output = tmp_path / f"out{options[0]}"
        assert command("prepare", *call, *options, "--output_dir", output) == 0
        report: dict[str, Any] = json.loads((output / "report.json").read_text(encoding="utf-8"))
        return report

    named = report_of("--groups", table)
    config = named["config"]
    assert config["resplit"] is True
    assert config["groups_csv"] == str(table.resolve())
    assert config["holdout_sources"] == named["held_out"] == ["b"]
    assert (config["near_bits"], config["seed"], config["max_bad_share"]) == (9, 7, 0.2)
    assert config["shares"] == [0.6, 0.2, 0.2]
    assert list(named["sources"]) == ["a", "b", "c"]
    by_file = report_of("--group_by", r"(.+)\.jpg")
    assert by_file["config"]["group_by"] == r"(.+)\.jpg"
    assert by_file["groups"] == 40 and by_file["pictures"] == 80
