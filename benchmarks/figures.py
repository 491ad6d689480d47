"""Holds the figures in the documentation against the saved measurements that they name.

A figure in a sentence carries a comment with a file and a path of keys, lists by index:

    89.4 %<!-- unseen_signers.json unseen_signers_mean.letters_24 -->

The number must equal the value, rounded to the digits shown. The unit says how the value is
scaled: % times 100; MB and GB of bytes; ms, s and min of the unit that the key's ending names.
`python benchmarks/pages.py --check` names what does not hold.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (ROOT / "benchmarks" / "results", ROOT / "docs" / "studies" / "data")

NUMBER = r"(?P<number>\d[\d,]*(?:\.\d+)?)"
UNIT = r"(?:\s?(?P<unit>%|percent\b|ms\b|min\b|s\b|MB\b|GB\b|pictures/s|points\b))?"
COMMENT = r"<!--\s*(?P<file>\w+\.json)\s+(?P<path>[^<>]+?)\s*-->"
FIGURE = re.compile(rf"{NUMBER}{UNIT}[*_]*\s?{COMMENT}")
ANY_COMMENT = re.compile(COMMENT)
BARE = re.compile(rf"{NUMBER}\s?(?:%|ms\b|pictures/s|pictures a second|MB\b)[*_]*+(?!\s?<!--)")
BLOCK = re.compile(r"^<!-- begin \w+ -->$.*?^<!-- end -->$", re.M | re.S)
CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]*`", re.M | re.S)

SECONDS = {"ms": 1e-3, "s": 1.0, "min": 60.0}


def value_at(body: Any, path: str) -> Any:
    """Follows a path such as `mean.5.own_after` or `ratios.0`; a key itself may hold dots.

    Raises `KeyError` with the part that is not there.
    """
    if isinstance(body, list):
        body = {str(place): value for place, value in enumerate(body)}
    for key in sorted(body if isinstance(body, Mapping) else (), key=len, reverse=True):
        if path == key:
            return body[key]
        if path.startswith(f"{key}."):
            return value_at(body[key], path[len(key) + 1 :])
    raise KeyError(path)


def scaled(value: float, unit: str, path: str) -> float:
    """Returns a saved value in the unit that is shown."""
    key = path.rpartition(".")[2]
    if unit in ("%", "percent", "points"):
        return 100 * value
    if unit in ("MB", "GB"):
        return value / (1e6 if unit == "MB" else 1e9)
    if unit in SECONDS:
        saved = next((x for x in ("ms", "min", "s") if key.endswith(f"_{x}")), unit)
        return value * SECONDS[saved] / SECONDS[unit]
    return value


def agrees(shown: str, value: float) -> bool:
    """Whether a number as printed is the value, rounded to the digits shown."""
    plain = shown.replace(",", "")
    digits = len(plain.partition(".")[2])
    return abs(float(plain) - value) <= 0.5 * 10**-digits * (1 + 1e-9)


def wrong_figures(text: str, folders: Sequence[Path] = FOLDERS) -> list[str]:
    """Returns what is wrong with each commented figure of a page; empty where all hold."""
    told = []
    text = CODE.sub("", text)
    for match in FIGURE.finditer(text):
        said = f"{match['number']} {match['unit'] or ''}".strip()
        where = f"{said}: {match['file']} {match['path']}"
        saved = next((x / match["file"] for x in folders if (x / match["file"]).is_file()), None)
        try:
            value = value_at(json.loads(saved.read_text(encoding="utf-8")), match["path"])
        except (KeyError, AttributeError):
            told.append(f"{where}: no such {'path' if saved else 'file'}")
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            told.append(f"{where}: no number there")
        elif not agrees(match["number"], scaled(value, match["unit"] or "", match["path"])):
            told.append(f"{where}: the file says {value}")
    lone = len(ANY_COMMENT.findall(text)) - len(FIGURE.findall(text))
    return told + [f"{lone} comments stand behind no number"] * bool(lone)


def bare_figures(text: str, allowed: Mapping[str, str] | None = None) -> list[str]:
    """Returns figures with a unit that carry no comment and stand in no generated block.

    `allowed` maps a piece of a line to the reason why its figures need none.
    """
    told = []
    for line in CODE.sub("", BLOCK.sub("", text)).splitlines():
        if any(piece in line for piece in allowed or {}):
            continue
        told += [f"{match[0].strip()}: {line.strip()[:90]}" for match in BARE.finditer(line)]
    return told
