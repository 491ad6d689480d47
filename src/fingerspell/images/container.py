"""HEIC, HEIF and AVIF: pictures in the kind of container that also holds films.

AVIF comes with Pillow. HEIC and HEIF need the plug-in `pillow-heif`; it is looked for only when
such a file is met, and nothing else needs it.
"""

from __future__ import annotations

import importlib
from functools import cache

from PIL import Image

_BRANDS = {
    "HEIC": (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    "AVIF": (b"avif", b"avis"),
}
_PICTURES_OF_SOME_KIND = (b"mif1", b"msf1")
_LONGEST_BRANDS_BYTES = 256


def container_kind(data: bytes) -> str:
    """Returns `HEIC`, `AVIF`, `film` for any other container, or nothing for another file.

    Phones also write the brand `mif1`, a picture of some kind: then the first compatible brand
    that is known says which; HEIC where none does.
    """
    if data[4:8] != b"ftyp":
        return ""
    end = min(int.from_bytes(data[:4], "big"), _LONGEST_BRANDS_BYTES)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, end, 4))]
    general = brands[0] in _PICTURES_OF_SOME_KIND
    for brand in brands if general else brands[:1]:
        for kind, own in _BRANDS.items():
            if brand in own:
                return kind
    return "HEIC" if general else "film"


@cache
def container_formats(kind: str) -> tuple[str, ...]:
    """Returns the names under which Pillow opens a kind; empty where what it takes is missing."""
    if kind == "AVIF":
        return ("AVIF",) if _has_avif() else ()
    return ("HEIF",) if kind == "HEIC" and _register_heif() else ()


def missing(kind: str) -> str:
    """Says what a container is that cannot be opened here, and how to open it."""
    return {
        "HEIC": "a HEIC picture, and the plug-in that reads it is missing: pip install pillow-heif",
        "AVIF": "an AVIF picture, and this Pillow reads none: pip install --upgrade pillow",
    }.get(kind, "a film or another file in a film's container")


def _has_avif() -> bool:
    from PIL import features

    Image.init()
    return "AVIF" in Image.OPEN and bool(features.check("avif"))


def _register_heif() -> bool:
    try:
        heif = importlib.import_module("pillow_heif")
    except ImportError:
        return False
    # One thread a picture: `prepare` and the server open several pictures at once by themselves.
    heif.register_heif_opener(
        thumbnails=False, depth_images=False, aux_images=False, decode_threads=1
    )
    return True
