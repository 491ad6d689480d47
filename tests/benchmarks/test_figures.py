"""A figure in the documentation is the one in its file, rounded as shown, or the check says so."""

import json

import pytest

from benchmarks.figures import bare_figures, value_at, wrong_figures

SAVED = {
    "share": 0.8937,
    "times": {"fast_ms": 13.24, "slow_s": 0.75, "a.b, 0.5": 7},
    "rows": [{"rate": 1985.4}, {"peak_bytes": 946_000_000}],
    "met": True,
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "made.json").write_text(json.dumps(SAVED), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "89.4 %<!-- made.json share -->",
        "**89 %**<!-- made.json share --> of them",
        "0.894<!-- made.json share -->",
        "13.2 ms<!-- made.json times.fast_ms -->",
        "750 ms<!-- made.json times.slow_s -->",
        "7<!-- made.json times.a.b, 0.5 -->",
        "1,985 pictures/s<!-- made.json rows.0.rate -->",
        "946 MB<!-- made.json rows.1.peak_bytes --> and 0.9 GB<!-- made.json rows.1.peak_bytes -->",
        "```\n12 %<!-- made.json share -->\n```",
    ],
)
def test_a_figure_as_it_was_measured_passes(folder, text):
    assert wrong_figures(text, [folder]) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("89.3 %<!-- made.json share -->", "the file says 0.8937"),
        ("90 %<!-- made.json share -->", "the file says"),
        ("0.75 ms<!-- made.json times.slow_s -->", "the file says"),
        ("1 %<!-- other.json share -->", "no such file"),
        ("1 %<!-- made.json shares -->", "no such path"),
        ("1 %<!-- made.json rows.2.rate -->", "no such path"),
        ("1 %<!-- made.json share.more -->", "no such path"),
        ("1<!-- made.json rows -->", "no number there"),
        ("1<!-- made.json met -->", "no number there"),
        ("nothing before it <!-- made.json share -->", "1 comments stand behind no number"),
    ],
)
def test_a_figure_that_does_not_hold_is_told(folder, text, told):
    (line,) = wrong_figures(text, [folder])
    assert told in line


def test_a_path_that_leads_nowhere_is_a_key_error():
    for path in ("", "none", "rows.x", "share.0"):
        with pytest.raises(KeyError):
            value_at(SAVED, path)


def test_a_figure_without_comment_or_block_is_told():
    text = """Reads 89.4 % of them, **12 ms**, 5 MB, 235 pictures/s.
Reads **89.4 %**<!-- made.json share --> and 89.4 %<!-- made.json share -->.

<!-- begin table -->
| 77 % |
<!-- end -->

`--threshold 90 %` and

```
A 97 %
```
"""
    assert [line.partition(":")[0] for line in bare_figures(text)] == [
        "89.4 %", "12 ms**", "5 MB", "235 pictures/s",
    ]  # fmt: skip
    assert bare_figures(text, {"Reads 89.4 %": "a sample"}) == []
