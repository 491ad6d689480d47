"""What oneDNN brings is compared turn by turn, and the page words it."""

import pytest

import machine_page
import processor


def test_off_and_on_take_turns_for_every_row():
    asked = []

    def ask(size_px, batchnorm, setting):
        asked.append((size_px, batchnorm, setting))
        return {"pictures_per_s": 10.0 + 20.0 * (setting == "on"), "page_faults_per_picture": 7}

    rows = processor.steps(2, ask)
    assert [(row["size_px"], row["batchnorm"]) for row in rows] == [
        (96, "learns"), (96, "keeps still"), (160, "learns"), (160, "keeps still"),
    ]  # fmt: skip
    assert [one[2] for one in asked[:4]] == ["off", "on", "off", "on"]
    assert len(asked) == 4 * 2 * 2
    assert rows[0]["pictures_per_s"] == {"off": [10.0, 10.0], "on": [30.0, 30.0]}


def test_how_much_faster_is_the_middle_of_the_turns():
    off = [{"pictures_per_s": rate, "page_faults_per_picture": 9} for rate in (10.0, 20.0, 10.0)]
    on = [{"pictures_per_s": rate, "page_faults_per_picture": 3} for rate in (30.0, 30.0, 20.0)]
    row = processor.compared({"off": off, "on": on})
    assert (row["times_as_fast"], row["least"], row["most"]) == (2.0, 1.5, 3.0)
    assert row["page_faults_per_picture"] == {"off": 9, "on": 3}


def test_the_page_names_rates_and_the_whole_command():
    row = processor.compared(
        {
            "off": [{"pictures_per_s": 10.0, "page_faults_per_picture": 5000}],
            "on": [{"pictures_per_s": 25.0, "page_faults_per_picture": 40}],
        }
    )
    text = machine_page.processor(
        {
            "batch_size": 32,
            "steps": [{"size_px": 96, "batchnorm": "learns", **row}],
            "adapt": {
                "source": "silhouette",
                "count": 5,
                "off": {"wall_s": 240.4, "peak_bytes": 2.04e9},
                "on": {"wall_s": 99.6, "peak_bytes": 2.26e9},
            },
        }
    )
    assert "| 96 px | learns | 10.0 | 25.0 | 2.5, 2.5, 2.5 | 5,000 | 40 |" in text
    assert "240 s off, 100 s on; peak memory 2.0 and 2.3 GB" in text[-1]


def test_a_step_is_measured_in_a_process_with_the_setting(monkeypatch):
    seen = {}

    class Answer:
        stdout = 'noise\n{"pictures_per_s": 4.0, "page_faults_per_picture": 1}\n'

    def run(command, env, **_):
        seen.update(command=command, env=env)
        return Answer

    monkeypatch.setattr(processor.subprocess, "run", run)
    assert processor.ask(96, "learns", "off")["pictures_per_s"] == 4.0
    assert seen["command"][-3:] == ["--once", "96", "learns"]
    assert seen["env"][processor.SWITCH] == "0"


def test_a_missing_source_is_named_before_anything_is_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(processor, "steps", lambda _: pytest.fail("measured for minutes in vain"))
    with pytest.raises(SystemExit) as stop:
        processor.main(["--data", str(tmp_path)])
    assert stop.value.code == 2
    assert processor.SOURCE in capsys.readouterr().err
