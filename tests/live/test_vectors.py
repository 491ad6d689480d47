"""Streams and their signs as JSON, which implementations in other languages are held to."""

import json

import pytest

from fingerspell.live import RULES, rules_as_json
from live.make_vectors import HERE, KNOWN, read

FILES = {name: json.loads((HERE / f"{name}.json").read_text(encoding="utf-8")) for name in RULES}


@pytest.mark.parametrize("name", RULES)
def test_the_vectors_are_what_the_rules_read_today(name: str):
    made = "run: python tests/live/make_vectors.py"
    assert FILES[name]["rules"] == rules_as_json(KNOWN[name]), made
    for number, stream in enumerate(FILES[name]["streams"]):
        assert {key: stream[key] for key in ("counted", "signs")} == read(stream, KNOWN[name]), (
            f"{number}; {made}"
        )


def test_there_are_enough_streams_of_all_kinds_and_they_stay_small():
    streams = [stream for file in FILES.values() for stream in file["streams"]]
    labels = {label for stream in streams for _, label, _ in stream["counted"]}
    assert len(streams) >= 300 and labels >= {*"AJLZ", "del", "space"}
    assert sum(path.stat().st_size for path in HERE.iterdir()) <= 1_500_000
    texts = [stream["counted"][-1][2] for stream in streams if stream["counted"]]
    assert any("LL" in text for text in texts) and len(set(texts)) > 100
