"""The doctor's checks of data sets and runs, and the commands that it says would mend them."""

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from fingerspell.cli.main import build_parser
from fingerspell.doctor import Finding, State, folders
from fingerspell.evaluate import evaluation
from fingerspell.runtime.contract import FILE_NAME
from helpers.endings import ALSO_PICTURES, NO_PICTURES, picture, touch_all

JPEG = picture(".jpg", side_px=8)


def fill(folder: Path, **pictures: int) -> Path:
    for name, count in pictures.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            (folder / name / f"{number}.jpg").write_bytes(JPEG)
    return folder


def prepared(folder: Path, **train: int) -> Path:
    fill(folder / "train", **train)
    for split in ("val", "test"):
        fill(folder / split, **dict.fromkeys(train, 2))
    return folder


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


def test_a_prepared_data_set_is_well_its_pictures_are_counted_and_none_yet_is_no_failure(tmp_path):
    prepared(tmp_path, A=20, B=30)
    for label in "AB":
        touch_all(tmp_path / "train" / label, NO_PICTURES)
        for name in ALSO_PICTURES:
            (tmp_path / "train" / label / name).write_bytes(JPEG)
    touch_all(tmp_path / "train", [".ipynb_checkpoints/1.jpg", "__MACOSX/A/1.jpg"])
    findings = folders.check_dataset(tmp_path)
    assert {finding.state for finding in findings} == {State.OK}
    assert f"{58 + 2 * len(ALSO_PICTURES)} pictures, 2 classes" in findings[0].found
    assert f"passed over in {tmp_path}: 12 file(s) that are no pictures: " in findings[0].found
    assert only(folders.check_dataset(tmp_path / "none")).state is State.WARN


def test_what_training_refuses_fails_with_its_words_and_what_it_takes_is_well(tmp_path):
    for folder in (fill(tmp_path / "empty", A=0), fill(tmp_path / "unsplit", A=3, B=3)):
        finding = only(folders.check_dataset(folder))
        assert finding.state is State.FAIL and "neither manifest.csv nor" in finding.found
        assert f"prepare_dataset.py --input_dir {folder}" in finding.fix
    lonely = only(folders.check_dataset(prepared(tmp_path / "lonely", A=20)))
    assert lonely.state is State.FAIL and "only the class A" in lonely.found
    ready = prepared(tmp_path / "ready", A=20, B=20)
    (ready / "val").rename(ready / "valid")
    shutil.rmtree(ready / "test")
    assert {x.state for x in folders.check_dataset(ready)} == {State.OK}
    shutil.rmtree(ready / "valid")
    assert "no pictures in val" in only(folders.check_dataset(ready)).found


def run_folder(folder: Path, accuracy: object = 0.97) -> Path:
    contract = {"labels": ["A", "B"], "files": {"model.tflite": "00"}}
    (folder / folders._CONTRACT).write_text(json.dumps(contract), encoding="utf-8")
    (folder / "model.tflite").write_bytes(b"")
    report = json.dumps({"test_accuracy": accuracy})
    (folder / "evaluation_report.json").write_text(report, encoding="utf-8")
    return folder


def test_no_run_yet_is_no_fault_and_an_unfinished_one_can_be_resumed(tmp_path):
    assert only(folders.check_run(tmp_path)).state is State.OK
    assert only(folders.check_run(tmp_path / "none")).state is State.OK
    (tmp_path / "checkpoints").mkdir()
    assert "--resume" in only(folders.check_run(tmp_path)).fix


def test_a_finished_run_is_well_until_it_loses_a_file(tmp_path):
    findings = folders.check_run(run_folder(tmp_path))
    assert [finding.state for finding in findings] == [State.OK, State.OK]
    (tmp_path / "model.tflite").unlink()
    finding = only(folders.check_run(tmp_path))
    assert finding.state is State.FAIL and "model.tflite" in finding.found


@pytest.mark.parametrize("text", ["", "[]", '{"labels": 3}'])
def test_a_contract_that_cannot_be_read_fails(tmp_path, text):
    (run_folder(tmp_path) / folders._CONTRACT).write_text(text, encoding="utf-8")
    assert only(folders.check_run(tmp_path)).state is State.FAIL


@pytest.mark.parametrize(("accuracy", "state"), [(0.95, "OK"), (0.43, "WARN"), (None, "WARN")])
def test_low_accuracy_is_said(tmp_path, accuracy, state):
    assert folders.check_run(run_folder(tmp_path, accuracy))[1].state == state


def test_contract_and_accuracy_are_read_where_the_other_rooms_write_them(tmp_path):
    assert folders._CONTRACT == FILE_NAME
    report = evaluation(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]), ("A", "B"))
    run_folder(tmp_path)
    (tmp_path / "evaluation_report.json").write_text(json.dumps(report), encoding="utf-8")
    assert "50.0% on the test split" in folders.check_run(tmp_path)[1].found


DOORS = {"backend/prepare_dataset.py": "prepare", "backend/train_finetune.py": "train"}


def test_a_remedy_can_be_typed_as_it_stands():
    for command in (folders._PREPARE, folders._TRAIN, folders._EXPORT, folders._EVALUATE):
        program, *words = shlex.split(f"{command} folder")
        if program == "python":
            words[0] = DOORS[words[0]]
        words += ["--resume"] if words[0] == "train" else []
        build_parser((words[0],)).parse_args(words)
