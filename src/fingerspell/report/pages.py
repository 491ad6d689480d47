"""Renders the templates; both kinds escape every value unless it is marked as safe.

A page is one HTML file with style and pictures inside: it asks the network for nothing. A card is
Markdown whose values cannot become headings, links, table borders or HTML.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from fingerspell.dataset.manifest import SPLITS, Sample
from fingerspell.errors import PictureError
from fingerspell.images import encode_jpeg, glance
from fingerspell.report.text import UNKNOWN, part_of, percent

_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = "style.css"

_THUMB_PX = 96
"""Longer side of a picture on the page; shown at three quarters of it, sharp on a phone too."""

_THUMB_QUALITY = 72

_MEANING = re.compile(r"[\\`*{}\[\]<>|#~&]|(?<![^\W_])_|_(?![^\W_])")
"""Markdown's and HTML's signs; an underscore only where it does not stand inside a word."""


def page(template: str, **values: object) -> str:
    """Returns an HTML page with the style sheet inside."""
    style = Markup((_TEMPLATES / _STYLE).read_text(encoding="utf-8"))
    return _HTML.get_template(template).render(style=style, **values)


def card(template: str, **values: object) -> str:
    """Returns a card as Markdown."""
    return _MARKDOWN.get_template(template).render(**values)


def _markdown(value: object) -> str:
    """Takes the meaning from what Markdown or HTML would read as more than letters."""
    if isinstance(value, Markup):
        return value
    one_line = " ".join(str(value).encode("utf-8", "replace").decode("utf-8").split())
    return _MEANING.sub(r"\\\g<0>", one_line)


def _code(value: object) -> Markup:
    """Returns a value as a Markdown code span, in which no sign has a meaning but the backtick."""
    return Markup(f"`{' '.join(str(value).replace('`', '').split())}`")


def table(head: Sequence[object], rows: Iterable[Sequence[object]], numbers: bool = True) -> Markup:
    """Returns a Markdown table of plain texts; `numbers`: all but the first column to the right."""
    top, *body = (f"| {' | '.join(map(_markdown, line))} |" for line in (head, *rows))
    rule = "|---|" + ("---:|" if numbers else "---|") * (len(head) - 1)
    return Markup("\n".join((top, rule, *body)))


def data_uri(content: bytes, kind: str) -> str:
    """Returns bytes as an address that holds them; `kind`: a media type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class Thumb:
    """One small picture: what it shows, its split's style class, and its address.

    Without an address the page says `no preview`.
    """

    text: str
    kind: str
    uri: str


def thumbs(folder: Path, samples: Iterable[Sample]) -> list[Thumb]:
    """Returns a small picture of each sample below a data set folder."""
    return [
        Thumb(
            f"{s.label}, {s.split}, {s.source}, group {s.group}",
            split_style(s.split),
            thumb_uri(folder / s.path),
        )
        for s in samples
    ]


def split_style(split: str) -> str:
    """Returns the style class that marks a split."""
    return split if split in SPLITS else "other"


def thumb_uri(path: Path) -> str:
    """Returns a small copy of a picture as a data address; nothing where it cannot be opened."""
    try:
        return data_uri(_small_jpeg(path), "image/jpeg")
    except (OSError, PictureError):
        return ""


def _small_jpeg(path: Path) -> bytes:
    rgb = glance(path.read_bytes(), _THUMB_PX).rgb
    height, width = rgb.shape[:2]
    scale = _THUMB_PX / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    return encode_jpeg(rgb, _THUMB_QUALITY)


def _environment(*, html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=html,
        finalize=None if html else _markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"part_of": part_of, "UNKNOWN": UNKNOWN, "table": table}
    environment.filters |= {"percent": percent, "code": _code}
    return environment


_HTML = _environment(html=True)
_MARKDOWN = _environment(html=False)
