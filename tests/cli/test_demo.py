import json

import pytest

from fingerspell.cli import demo
from fingerspell.cli.main import main
from fingerspell.errors import DataError, ModelError
from fingerspell.model import weights


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
