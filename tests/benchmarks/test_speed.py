"""The measurements of speed take turns, warm up, and save what they say."""

import json
import time
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.release import own_test
from benchmarks.speed import answer_time, loader, processor
from fingerspell.images import encode_jpeg


def test_both_answers_are_measured_in_turn_and_compared_round_by_round():
    told = []

    def waits(name, seconds):
        def answer():
            told.append(name)
            time.sleep(seconds)

        return answer

    answers = {"released": waits("r", 0.004), "single_view": waits("s", 0.001)}
    found = answer_time.in_turn(answers, rounds=2)
    assert found["released_ms"] > found["single_view_ms"] > 0.9
    assert len(found["ratios"]) == 2 and all(1 < ratio < 4.5 for ratio in found["ratios"])
    each = answer_time.REPEATS
    assert [told[10:][each * k] for k in range(4)] == ["r", "s"] * 2


@pytest.mark.slow
def test_the_released_file_and_its_single_view_are_what_is_timed():
    read = {name: answer() for name, answer in answer_time.networks().items()}
    assert {x.shape for x in read.values()} == {(1, 29)}
    assert np.abs(read["released"] - read["single_view"]).max() > 1e-4
    assert all(x.sum() == pytest.approx(1, abs=1e-2) for x in read.values())


def test_rates_are_things_a_second_of_the_best_and_the_middle_run():
    naps = iter([0.05, 0.01, 0.03])
    row = loader.rates(lambda: time.sleep(next(naps)), 10, 3)
    assert 600 < row["wall_best"] <= 1000
    assert 200 < row["wall_median"] <= 334
    assert row["cpu_best"] > row["wall_best"]


def test_a_folder_with_too_few_pictures_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="too few"):
        loader.manifest_of(tmp_path)


def test_every_step_and_the_stream_are_measured_and_saved(tmp_path, results, monkeypatch, capsys):
    monkeypatch.setattr(loader, "BATCHES", 1)
    monkeypatch.setattr(loader, "CALLS", 2)
    rng = np.random.default_rng(0)
    (tmp_path / "data" / "A").mkdir(parents=True)
    for number in range(loader.BATCH_SIZE):
        rgb = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
        (tmp_path / "data" / "A" / f"{number}.jpg").write_bytes(encode_jpeg(rgb, 90))
    loader.main(["--data", str(tmp_path / "data"), "--repeats", "1", "--no_step"])
    saved = json.loads((results / "loader.json").read_text(encoding="utf-8"))
    assert saved["pictures"] == loader.BATCH_SIZE
    assert saved["command"].startswith("python benchmarks/speed/loader.py --data")
    rows = {**saved["steps"], **saved["stream"]}
    assert {"decode", "warp", "augment, usual", "one core, 1 thread"} <= rows.keys()
    assert all(row["cpu_best"] > 0 for row in rows.values())
    assert "| augment, strong |" in capsys.readouterr().out


def test_off_and_on_take_turns_for_every_row():
    asked = []

    def ask(*words):
        asked.append(words)
        return {"pictures_per_s": 30.0 if words[2] == "on" else 10.0, "page_faults_per_picture": 7}

    rows = processor.steps(2, ask)
    each = [(96, "trained"), (96, "frozen"), (160, "trained"), (160, "frozen")]
    assert [(row["size_px"], row["batchnorm"]) for row in rows] == each
    assert asked == [(*row, setting) for row in each for setting in ("off", "on") * 2]
    assert rows[0]["pictures_per_s"] == {"off": [10.0, 10.0], "on": [30.0, 30.0]}


def test_how_much_faster_is_the_middle_of_the_turns():
    off = [{"pictures_per_s": rate, "page_faults_per_picture": 9} for rate in (10.0, 20.0, 10.0)]
    on = [{"pictures_per_s": rate, "page_faults_per_picture": 3} for rate in (30.0, 30.0, 20.0)]
    row = processor.compared({"off": off, "on": on})
    assert (row["times_as_fast"], row["least"], row["most"]) == (2.0, 1.5, 3.0)
    assert row["page_faults_per_picture"] == {"off": 9, "on": 3}


def test_a_step_is_measured_in_a_process_with_the_setting(monkeypatch):
    seen = {}
    monkeypatch.setattr(
        processor, "answer_of", lambda _, *told, environment: seen.update(told=told, **environment)
    )
    processor.ask(96, "trained", "off")
    assert seen["told"] == ("--once", "96", "trained") and seen[processor.SWITCH] == "0"


def test_the_own_test_split_is_read_as_a_whole_and_source_by_source(tmp_path, monkeypatch):
    rows = [("A", "one"), ("A", "one"), ("B", "two"), ("B", "two")]
    samples = [SimpleNamespace(label=x, source=s, group=s) for x, s in rows]
    manifest = SimpleNamespace(split=lambda name: samples * (name == "test"), absolute=id)
    read = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.1, 0.9]])
    monkeypatch.setattr(own_test, "answers", lambda recogniser, paths: read[: len(paths)])
    found = own_test.measured(SimpleNamespace(labels=("A", "B")), manifest)
    one, two = ({"pictures": 2, "accuracy": accuracy} for accuracy in (1.0, 0.5))
    assert found.pop("sources") == {"one": one, "two": two}
    assert found == {"pictures": 4, "groups": 2, "accuracy": 0.75}
