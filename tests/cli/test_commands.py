"""What single commands take and say."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fingerspell import doctor
from fingerspell.cli import demo, release
from fingerspell.cli.adapt import _gain
from fingerspell.cli.main import door, main
from fingerspell.cli.options import chosen_predictor
from fingerspell.doctor import Facts
from fingerspell.errors import DataError, ExportError, ModelError, RunError
from fingerspell.export.parity import LEAST_PICTURES
from fingerspell.files import locked_beside
from fingerspell.labels import ALPHABET, STATIC_LETTERS
from fingerspell.model import weights
from fingerspell.train.run_folder import held
from helpers.tiny_bundle import tiny_bundle

ROBUST = str(Path(__file__).resolve().parents[2] / "configs" / "robust.py")


def facts(own_before, own_after, new=()):
    before = {"own": own_before, "own_pictures": 26, "synthetic": 0.9, "synthetic_pictures": 58}
    after = {"own": own_after, "own_pictures": 26, "synthetic": 0.88, "synthetic_pictures": 58}
    return {"adapted": {"before": before, "after": after, "new_classes": list(new)}}


def test_adapt_tells_what_it_brought_and_what_it_cost():
    text = _gain(facts(0.5, 0.75))
    assert "50% read before, 75% after (26 that were held back)" in text
    assert "90% read before, 88% after (58)" in text
    assert "new classes" not in text
    assert _gain(facts(0.5, 0.75, ["ILY"])).endswith("new classes: ILY")
    assert "none could be held back" in _gain(facts(None, None))


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [(0.5, 0.46, True), (0.5, 0.5, False), (0.5, 0.75, False), (None, None, False)],
)
def test_an_adaptation_that_lost_says_so_and_what_to_do(before, after, lost):
    assert ("keep that one" in _gain(facts(before, after))) is lost


def test_what_doctor_finds_to_fix_is_exit_code_1_in_words_or_as_json(monkeypatch, capsys, tmp_path):
    facts = Facts(python=(3, 12, 1), dataset_dir=tmp_path, output_dir=tmp_path / "none")
    monkeypatch.setattr(doctor, "gather", lambda *_, **__: facts)
    assert door("doctor", []) == 1
    out = capsys.readouterr().out
    assert "FAIL  data set" in out and "to fix: " in out
    assert door("doctor", ["--json"]) == 1
    body = json.loads(capsys.readouterr().out)
    assert body["ok"] is False and body["findings"]
    facts = replace(facts, dataset_dir=tmp_path / "none")
    assert door("doctor", []) == 0
    assert "0 to fix" in capsys.readouterr().out


def test_quick_does_not_load_the_backend_and_folders_are_passed_on(monkeypatch, tmp_path):
    asked = {}

    def gather(dataset_dir, output_dir, *, ask_backend):
        asked.update(dataset=dataset_dir.name, output=output_dir.name, backend=ask_backend)
        return Facts(dataset_dir=tmp_path, output_dir=tmp_path)

    monkeypatch.setattr(doctor, "gather", gather)
    door("doctor", ["--quick", "--dataset_dir", "d", "--output_dir", "o"])
    assert asked == {"dataset": "d", "output": "o", "backend": False}


def test_it_is_said_once_where_ones_own_run_does_not_answer(tmp_path, monkeypatch, capsys):
    """From a working folder without `output`, with it, and with the stand-in before everything."""
    monkeypatch.delenv("USE_MOCK_MODEL", raising=False)
    monkeypatch.chdir(tmp_path)
    starter = tiny_bundle(tmp_path / "starter")
    assert chosen_predictor(None, starter=starter).labels[0] == "A"
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("released recogniser") == 1
    tiny_bundle(tmp_path / "output")
    assert chosen_predictor(None, "int8", starter).name.endswith("int8")
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("USE_MOCK_MODEL", "1")
    assert chosen_predictor(None, starter=starter).mock
    assert "mock" in capsys.readouterr().err


def draw_quickly(sign, seed, size_px):
    """Hands that are told apart by their sign and seed; drawing hundreds takes long."""
    grey = (31 * seed + sum(sign.encode())) % 256
    return SimpleNamespace(rgb=np.full((*size_px, 3), grey, np.uint8))


@pytest.mark.parametrize("labels", [ALPHABET, STATIC_LETTERS, ("A", "B", "hello")])
def test_a_release_is_compared_on_enough_hands_for_any_number_of_classes(monkeypatch, labels):
    monkeypatch.setattr("fingerspell.export.proof.draw", draw_quickly)
    pictures = release._synthetic(labels, (32, 32))
    assert LEAST_PICTURES <= len(pictures) < 2 * LEAST_PICTURES
    assert pictures.shape[1:] == (32, 32, 3) and 0 <= pictures.min() < pictures.max() <= 1
    assert labels != ALPHABET or len(pictures) == 8 * 29


def test_no_two_of_these_hands_are_alike_and_ones_own_signs_have_none(monkeypatch):
    """Truly drawn, but only a few."""
    monkeypatch.setattr("fingerspell.export.parity.LEAST_PICTURES", 20)
    pictures = release._synthetic(("A", "B"), (32, 32))
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    with pytest.raises(ExportError, match="no label that can be drawn"):
        release._synthetic(("hello", "stop"), (32, 32))


@pytest.mark.parametrize(
    "words",
    [
        "train --overwrite",
        "train --resume",
        "train --config ROBUST --tune 2",
        "adapt --input_dir pictures --overwrite",
        "export",
        "evaluate",
        "demo",
        "prepare --input_dir pictures --overwrite",
    ],
)
def test_no_command_writes_where_another_process_does(tmp_path, monkeypatch, capsys, words):
    """Nor looks further: it is refused before it has read a data set or a picture."""
    (tmp_path / "pictures").mkdir()
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run"
    used = run / "output" if words == "demo" else run
    (used / "logs").mkdir(parents=True)
    lock = held(used)
    if words.startswith("prepare"):
        shutil.rmtree(run)
        lock = locked_beside(run)
    with lock:
        there = sorted(tmp_path.rglob("*"))
        options = [ROBUST if word == "ROBUST" else word for word in words.split()]
        assert main([*options, "--output_dir", "run"]) == 2
        assert sorted(tmp_path.rglob("*")) == there
    assert re.search(r"run\S* is in use by process \d+ on ", capsys.readouterr().err)


def test_of_a_distributed_run_rank_0_alone_holds_the_folder(tmp_path):
    with held(tmp_path), held(tmp_path, rank=1):
        pass
    with pytest.raises(RunError, match="in use"), held(tmp_path), held(tmp_path, rank=0):
        pass


def out_of_reach(*_: object) -> None:
    raise ModelError(found="no net", expected="a net", fix="none")


def test_the_demo_starts_from_the_best_weights_at_hand(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(weights, "imagenet_backbone", lambda *_: None)
    assert demo._weights_at_hand(96, tmp_path) == "imagenet"
    monkeypatch.setattr(weights, "imagenet_backbone", out_of_reach)
    assert demo._weights_at_hand(96, tmp_path) == "none"
    assert "out of reach" in capsys.readouterr().out
    (tmp_path / "recogniser.json").write_text("{}", encoding="utf-8")
    assert demo._weights_at_hand(96, tmp_path) == "starter", "which asks no network"
    assert demo._STARTS.keys() == demo._LEARNT.keys() == {"starter", "imagenet", "none"}


def test_a_second_demo_draws_anew_in_the_place_of_the_first_and_of_nothing_else(tmp_path):
    synthetic = tmp_path / "synthetic"
    names = []
    for seed in (0, 1):
        demo._draw_into(synthetic, 1, seed=seed, size_px=32)
        names += [path.name for path in (synthetic / "A").iterdir()]
    assert len(set(names)) == 2
    mine = tmp_path / "mine" / "A" / "mine.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(DataError, match="mine"):
        demo._draw_into(tmp_path / "mine", 1, seed=0, size_px=32)
    assert mine.read_bytes() == b"mine"


@pytest.mark.slow
def test_the_demo_walks_the_whole_road_twice(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "imagenet_backbone", out_of_reach)
    small = ["--per_class", "24", "--size", "32", "--epochs", "1"]
    for _ in range(2):
        assert main(["demo", "--output_dir", str(tmp_path / "demo"), *small]) == 0
    report = tmp_path / "demo" / "output" / "evaluation_report.json"
    assert json.loads(report.read_text(encoding="utf-8"))["tflite"]["agreement"] > 0.99
