import json

import pytest

from fingerspell.cli import demo
from fingerspell.cli.main import main
from fingerspell.errors import DataError, ModelError
from fingerspell.model import weights


def out_of_reach(*_: object) -> None:
    raise ModelError(found="no net", expected="a net", fix="none")


def test_without_anything_the_demo_trains_from_nothing_and_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(weights, "imagenet_backbone", out_of_reach)
    assert demo._weights_at_hand(96, tmp_path) == "none"
    assert "out of reach" in capsys.readouterr().out


def test_with_imagenet_at_hand_alone_the_demo_starts_from_it(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "imagenet_backbone", lambda *_: None)
    assert demo._weights_at_hand(96, tmp_path) == "imagenet"


def test_the_demo_starts_from_the_released_recogniser_and_asks_no_network(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "imagenet_backbone", out_of_reach)
    (tmp_path / "recogniser.json").write_text("{}", encoding="utf-8")
    assert demo._weights_at_hand(96, tmp_path) == "starter"


def test_the_demo_knows_what_to_say_of_every_start():
    assert demo._STARTS.keys() == demo._LEARNT.keys() == {"starter", "imagenet", "none"}


def test_a_second_demo_draws_anew_in_the_place_of_the_first(tmp_path):
    synthetic = tmp_path / "synthetic"
    demo._draw_into(synthetic, 1, seed=0, size_px=32)
    (first,) = (synthetic / "A").iterdir()
    demo._draw_into(synthetic, 1, seed=1, size_px=32)
    (second,) = (synthetic / "A").iterdir()
    assert second.name != first.name


def test_what_lies_there_and_no_demo_drew_is_kept(tmp_path):
    mine = tmp_path / "synthetic" / "A" / "mine.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(DataError, match="synthetic"):
        demo._draw_into(tmp_path / "synthetic", 1, seed=0, size_px=32)
    assert mine.read_bytes() == b"mine"


@pytest.mark.slow
def test_the_demo_walks_the_whole_road_twice(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "imagenet_backbone", out_of_reach)
    small = ["--per_class", "24", "--size", "32", "--epochs", "1"]
    for _ in range(2):
        assert main(["demo", "--output_dir", str(tmp_path / "demo"), *small]) == 0
    report = tmp_path / "demo" / "output" / "evaluation_report.json"
    assert json.loads(report.read_text(encoding="utf-8"))["tflite"]["agreement"] > 0.99
