"""What is said of letters that a recogniser was never shown is counted right."""

from __future__ import annotations

import numpy as np
import pytest

import letters_left_out
import short_runs_page
import starter_sources
from fingerspell.images import encode_jpeg
from fingerspell.labels import ALPHABET
from letters_left_out import LEFT

KNOWN = tuple(label for label in ALPHABET if label not in LEFT)


class Reader:
    """Answers by how bright a picture is: dark A surely, grey `nothing` surely, white B hardly."""

    labels, size_px, threshold = KNOWN, (32, 32), 0.9

    def probabilities(self, batch):
        out = np.zeros((len(batch), len(KNOWN)), np.float32)
        for row, picture in zip(out, batch, strict=True):
            level = float(np.mean(picture))
            label, sure = ("A", 0.95) if level < 0.3 else ("nothing", 0.95)
            label, sure = ("B", 0.6) if level > 0.7 else (label, sure)
            row[KNOWN.index(label)] = sure
        return out


def folder_of(tmp_path, shown):
    for name, levels in shown.items():
        (tmp_path / name).mkdir()
        for number, level in enumerate(levels):
            path = tmp_path / name / f"{number}.jpg"
            path.write_bytes(encode_jpeg(np.full((32, 32, 3), level, np.uint8), 95))
    return tmp_path


def test_only_sure_letters_are_accepted_known_ones_and_others_apart(tmp_path):
    folder = folder_of(
        tmp_path, {"A": [0, 0, 128, 250], "B": [250, 0], "F": [0, 128, 250, 0], "Z": [0]}
    )
    found = letters_left_out.one_source(Reader(), folder)
    assert found["known"]["pictures"] == 6  # Z is a movement and counts nowhere.
    assert found["known"]["right"] == pytest.approx(3 / 6)
    assert found["known"]["accepted"] == pytest.approx(3 / 6)
    assert found["left"] == {
        "pictures": 4, "accepted": 0.5, "right": 0.0, "each": {"F": 0.5},
    }  # fmt: skip


def test_the_letters_are_gathered_from_no_source(tmp_path, monkeypatch):
    monkeypatch.setattr(starter_sources, "SOURCES", (("hawk", "", "", ""),))
    (tmp_path / "data").mkdir()
    folder_of(tmp_path / "data", {})
    for label in ("A", *LEFT):
        (tmp_path / "data" / "hawk" / label).mkdir(parents=True)
        (tmp_path / "data" / "hawk" / label / "1.jpg").write_bytes(b"x")
    for _ in range(2):
        (source,) = letters_left_out.gathered(tmp_path / "data", tmp_path / "out")
        assert [path.name for path in source.iterdir()] == ["A"]


def test_the_page_gives_means_over_sources(monkeypatch):
    monkeypatch.setattr(short_runs_page, "said", lambda _: "how")

    def source(right, accepted, left, each):
        return {"known": {"right": right, "accepted": accepted},
                "left": {"accepted": left, "each": each}}  # fmt: skip

    lines = short_runs_page.letters_left_out(
        {"left": ["F", "L"], "threshold": 0.9, "epochs": 4, "sources": {
            "one": source(0.8, 0.6, 0.2, {"F": 0.1, "L": 0.3}),
            "two": source(0.6, 0.4, 0.3, {"F": 0.3})}}
    )  # fmt: skip
    assert "| two | 60.0 % | 40.0 % | 30.0 % |" in lines
    assert "| **mean** | 70.0 % | 50.0 % | 25.0 % |" in lines
    assert "Accepted one by one: F 20.0 %, L 30.0 %." in lines
