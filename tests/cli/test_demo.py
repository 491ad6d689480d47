import json

import pytest

from fingerspell.cli import demo
from fingerspell.cli.main import main
from fingerspell.errors import ModelError
from fingerspell.model import weights


def out_of_reach(_config: object) -> None:
    raise ModelError(found="no net", expected="a net", fix="none")


def test_without_anything_the_demo_trains_from_nothing_and_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(weights, "imagenet_backbone", out_of_reach)
    assert demo.weights_at_hand(96, tmp_path) == "none"
    assert "out of reach" in capsys.readouterr().out


def test_with_imagenet_at_hand_alone_the_demo_starts_from_it(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "imagenet_backbone", lambda _config: None)
    assert demo.weights_at_hand(96, tmp_path) == "imagenet"


def test_the_demo_starts_from_the_released_recogniser_and_asks_no_network(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "imagenet_backbone", out_of_reach)
    (tmp_path / "recogniser.json").write_text("{}", encoding="utf-8")
    assert demo.weights_at_hand(96, tmp_path) == "starter"


def test_the_demo_knows_what_to_say_of_every_start():
    assert demo.STARTS.keys() == demo.LEARNT.keys() == {"starter", "imagenet", "none"}


def test_a_second_demo_draws_anew_and_keeps_what_is_not_its_own(tmp_path):
    drawn = tmp_path / "drawn"
    demo.draw_into(drawn, 1, seed=0, size_px=32)
    before = (drawn / "A" / "drawn-A-000000000.jpg").read_bytes()
    demo.draw_into(drawn, 1, seed=0, size_px=32)
    assert (drawn / "A" / "drawn-A-000000000.jpg").read_bytes() == before


@pytest.mark.slow
def test_the_demo_walks_the_whole_road_twice(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "imagenet_backbone", out_of_reach)
    small = ["--per_class", "24", "--size", "32", "--epochs", "1"]
    for _ in range(2):
        assert main(["demo", "--output_dir", str(tmp_path / "demo"), *small]) == 0
    report = tmp_path / "demo" / "output" / "evaluation_report.json"
    assert json.loads(report.read_text(encoding="utf-8"))["tflite"]["agreement"] > 0.99
