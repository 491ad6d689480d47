"""Reads handshapes, tables of joint angles: `signs/*.toml`, one file a sign.

A file says in plain words what the hand does, and lists the variants that real signers use. All
angles are degrees, in the frame of `anatomy`: the viewer looks at the palm of a right hand.
"""

import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from fingerspell.errors import ConfigError
from fingerspell.synth.anatomy import FINGERS

_SIGNS_DIR = Path(__file__).parent / "signs"
_SHOWS = ("hand", "arm", "face", "none")
THUMB_PARTS = ("mcp", "ip", "tip")
PLACES = ("mcp", "proximal", "pip", "middle", "dip", "distal", "tip")


@dataclass(frozen=True, slots=True)
class Touch:
    """A point of the thumb rests against a point of a finger.

    `side` is the direction, in the hand frame, from the finger to the thumb; `gap` 1 is skin on
    skin, smaller presses in, larger leaves air.
    """

    part: str
    finger: str
    place: str
    side: tuple[float, float, float]
    gap: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way of making a sign.

    `fingers` has four rows (index to little) of bend at the three joints and spread;
    `thumb` is out, front, roll, and bend of its two joints; `under` names the fingers that are
    folded over it; `roll` twists a finger at its knuckle, as when the thumb pushes between two;
    `wrist` is bend and lean; `view` turn (thumb side to the viewer), tilt (fingertips to the
    viewer) and lean (anticlockwise); `slack` is the standard deviation of each bend, `view_slack`
    that of each view angle. `show` is `hand`, `arm` (the hand is out of the
    picture), `face` (somebody without a hand) or `none`.
    """

    name: str
    share: float
    fingers: tuple[tuple[float, float, float, float], ...]
    thumb: tuple[float, float, float, float, float]
    touches: tuple[Touch, ...] = ()
    under: tuple[str, ...] = ()
    roll: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    wrist: tuple[float, float] = (0.0, 0.0)
    view: tuple[float, float, float] = (0.0, 0.0, 0.0)
    slack: float = 6.0
    view_slack: tuple[float, float, float] = (15.0, 11.0, 10.0)
    show: str = "hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A label with its description, its source and its variants."""

    label: str
    words: str
    source: str
    variants: tuple[Variant, ...] = field(default=())


def _parse(text: str, name: str) -> Sign:
    """Reads one sign file; raises `ConfigError` that names the file and the entry."""
    try:
        body = tomllib.loads(text)
        variants = tuple(_variant(entry) for entry in body["variant"])
        if not variants:
            raise ValueError("no [[variant]]")
        return Sign(
            label=body["label"], words=body["words"], source=body["source"], variants=variants
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            found=f"sign file {name}: {type(error).__name__}: {error}",
            expected="label, words, source and [[variant]] tables of joint angles",
            fix="compare with synth/signs/A.toml",
        ) from error


def _variant(entry: dict[str, Any]) -> Variant:
    fingers: tuple[Any, ...] = tuple(tuple(float(x) for x in entry[finger]) for finger in FINGERS)
    if any(len(row) != 4 for row in fingers):
        raise ValueError("a finger needs four angles: three bends and the spread")
    extra: dict[str, Any] = {
        key: tuple(float(x) for x in entry[key])
        for key in ("wrist", "view", "view_slack", "roll")
        if key in entry
    }
    if entry.get("show", "hand") not in _SHOWS:
        raise ValueError(f"show = {entry['show']!r}")
    thumb: tuple[Any, ...] = tuple(float(x) for x in entry["thumb"])
    if len(thumb) != 5:
        raise ValueError("the thumb needs five angles: out, front, roll and two bends")
    return Variant(
        name=str(entry["name"]),
        share=float(entry.get("share", 1.0)),
        fingers=fingers,
        thumb=thumb,
        touches=tuple(_touch(part, rest) for part, rest in entry.get("touch", {}).items()),
        under=_fingers(entry.get("under", [])),
        slack=float(entry.get("slack", 6.0)),
        show=entry.get("show", "hand"),
        **extra,
    )


def _fingers(names: list[str]) -> tuple[str, ...]:
    if not set(names) <= set(FINGERS):
        raise ValueError(f"under = {names}")
    return tuple(names)


def _touch(part: str, rest: dict[str, Any]) -> Touch:
    finger, place = str(rest["at"]).split(".")
    if part not in THUMB_PARTS or finger not in FINGERS or place not in PLACES:
        raise ValueError(f"touch.{part} at {rest['at']!r}")
    x, y, z = (float(v) for v in rest["side"])
    return Touch(part, finger, place, (x, y, z), float(rest.get("gap", 1.0)))


@lru_cache(maxsize=4)
def load_signs(folder: Path = _SIGNS_DIR) -> dict[str, Sign]:
    """Returns all signs of a folder by label."""
    files = sorted(folder.glob("*.toml"))
    signs = [_parse(path.read_text(encoding="utf-8"), path.name) for path in files]
    return {sign.label: sign for sign in signs}


def find_sign(label: str, folder: Path = _SIGNS_DIR) -> Sign:
    """Returns one sign; raises `ConfigError` for a label that nobody has described."""
    signs = load_signs(folder)
    if label not in signs:
        raise ConfigError(
            found=f"no handshape for the label {label!r}",
            expected=f"one of {' '.join(signs)}",
            fix=f"add {label}.toml beside synth/signs/A.toml",
        )
    return signs[label]
