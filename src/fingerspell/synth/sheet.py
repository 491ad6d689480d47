"""The contact sheet of all handshapes and the page that describes them, from `signs/*.toml`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from fingerspell.synth.anatomy import AVERAGE
from fingerspell.synth.arrays import Bytes
from fingerspell.synth.camera import frame, view_matrix
from fingerspell.synth.light import Light
from fingerspell.synth.pose import sample_pose
from fingerspell.synth.render import Cast, render
from fingerspell.synth.signs import Sign, Variant, load_signs
from fingerspell.synth.skeleton import stand
from fingerspell.synth.skin import sample_look
from fingerspell.synth.surface import PALM, clothe

_PAPER = 0.93
_STEP = 3
"""Brightness is rounded to steps: nobody sees it, and the PNG is a third of the size."""


def _portrait(variant: Variant, size_px: int = 150, tone: int = 4) -> Bytes:
    """Draws an average hand exactly as the table says, on paper, in soft light."""
    large = size_px * 2
    rng = np.random.default_rng(4)
    direction = np.array([-0.5, -0.6, 0.62])
    light = Light(
        towards=direction / np.linalg.norm(direction),
        key=np.array([1.05, 1.0, 0.95]),
        sky=np.full(3, 0.55),
        ground=np.full(3, 0.35),
        softness=5.0,
        exposure=0.95,
    )
    look = replace(sample_look(rng, tone, False, False), blush=0.7, crease=1.0)
    scene = np.full((large, large, 3), _PAPER, np.float32)
    cast = Cast(build=AVERAGE, look=look, light=light, scene=scene)
    skeleton = stand(sample_pose(rng, variant, AVERAGE, slack=0), AVERAGE)
    cones = clothe(skeleton, AVERAGE)
    camera = frame(
        cones,
        cones.part <= PALM,
        view_matrix(*variant.view),
        (large, large),
        fill=0.84,
        offset=(0.0, 0.0),
        distance_mm=650.0,
    )
    picture = render(cast, skeleton, camera).picture
    small = cv2.resize(picture, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return (np.clip(np.round(small * 255 / _STEP) * _STEP, 0, 255)).astype(np.uint8)


def _contact_sheet(signs: Sequence[Sign], columns: int = 7, size_px: int = 150) -> Bytes:
    """Returns one picture of all signs that show a hand: each first variant with its label."""
    cells = []
    for sign in signs:
        cell = _portrait(sign.variants[0], size_px)
        font, black = cv2.FONT_HERSHEY_SIMPLEX, (40, 40, 40)
        cv2.putText(cell, sign.label, (6, 20), font, 0.6, black, 2, cv2.LINE_AA)
        cells.append(cell)
    paper = np.full_like(cells[0], round(_PAPER * 255 / _STEP) * _STEP)
    cells += [paper] * (-len(cells) % columns)
    rows = [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    sheet: Bytes = np.vstack(rows)
    return sheet


def _shown_signs() -> tuple[Sign, ...]:
    """All signs with a hand, letters first, then the controls, then the digits."""
    signs = [sign for sign in load_signs().values() if sign.variants[0].show == "hand"]
    return tuple(sorted(signs, key=lambda sign: (sign.label.isdigit(), sign.label)))


def _page(picture: str) -> str:
    """Returns the Markdown page: the contact sheet and, for each sign, what the hand does."""
    lines = [
        "# Handshapes",
        "",
        "<!-- Written by `fingerspell synth sheet`; the text is in `synth/signs/*.toml`. -->",
        "",
        "Every handshape that Fingerspell draws, as the viewer sees a right hand. A left hand is",
        "the same, mirrored. J and Z are movements: the picture shows where they begin.",
        "",
        f"![All handshapes]({picture})",
        "",
        "| sign | what the hand does | ways of making it (share) |",
        "|---|---|---|",
    ]
    for sign in (*_shown_signs(), load_signs()["nothing"]):
        total = sum(variant.share for variant in sign.variants)
        ways = ", ".join(f"{v.name} ({v.share / total:.0%})" for v in sign.variants)
        lines.append(f"| {sign.label} | {sign.words} | {ways} |")
    lines += ["", "## Sources", ""]
    sources = dict.fromkeys(sign.source for sign in load_signs().values())
    lines += [f"* {source}" for source in sources]
    lines += [
        "",
        "## Correcting or adding a sign",
        "",
        "A sign is one file, `src/fingerspell/synth/signs/<LABEL>.toml`: joint angles in degrees",
        "for each way that people make it, what the thumb touches, and how the hand is turned.",
        "Change it, run `fingerspell synth sheet`, and look. Tests check that no joint bends",
        "further than a joint can and that each thumb is where its letter needs it.",
        "",
    ]
    return "\n".join(lines)


def write_sheet(docs_dir: Path) -> tuple[Path, Path]:
    """Writes `images/handshapes.png` and `handshapes.md` below `docs_dir`; returns both."""
    picture, text = docs_dir / "images" / "handshapes.png", docs_dir / "handshapes.md"
    picture.parent.mkdir(parents=True, exist_ok=True)
    sheet = _contact_sheet(_shown_signs())
    _, data = cv2.imencode(".png", sheet[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    picture.write_bytes(data.tobytes())
    text.write_text(_page("images/handshapes.png"), encoding="utf-8", newline="\n")
    return picture, text
