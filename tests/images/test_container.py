"""HEIC and AVIF are read where their readers are; elsewhere the reason says what is missing."""

import importlib
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from fingerspell.errors import PictureError
from fingerspell.images import decode
from fingerspell.images.decode import _container_kind, container_formats
from fingerspell.install import pip
from helpers.picture_files import lying, saved

WIDE = np.zeros((64, 96, 3), np.uint8)
WIDE[:32, :48] = (250, 20, 10)
WIDE[32:, 48:] = (10, 20, 250)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    container_formats.cache_clear()
    yield
    container_formats.cache_clear()


def heic(image: Image.Image, **options: object) -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    return saved(image, "HEIF", **options)


def box(*brands: bytes) -> bytes:
    body = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    return (len(body) + 4).to_bytes(4, "big") + body + bytes(40)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (box(b"heic", b"mif1"), "HEIC"),
        (box(b"mif1", b"mif1", b"heic"), "HEIC"),
        (box(b"mif1", b"miaf", b"avif"), "AVIF"),
        (box(b"avif"), "AVIF"),
        (box(b"mif1"), "HEIC"),
        (box(b"isom", b"avif"), "film"),
        (box(b"qt  "), "film"),
        (b"\xff\xd8\xff\xe0", ""),
        (b"", ""),
    ],
)
def test_the_brand_says_what_a_container_holds(data: bytes, kind: str) -> None:
    assert _container_kind(data) == kind


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_a_container_is_turned_once_as_it_says_and_not_again_by_its_exif(
    kind: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x0119] = orientation, 6
    picture, options = lying(WIDE, orientation), {"exif": exif.tobytes(), "quality": 95}
    data = heic(picture, **options) if kind == "HEIF" else saved(picture, kind, **options)
    assert (b"irot" in data or b"imir" in data) == (orientation > 1)
    first = data.index(b"Exif\0\0")  # Its other tag becomes an orientation, as phones write it.
    data = data[:first] + data[first:].replace(b"\x01\x19\0\x03", b"\x01\x12\0\x03", 1)
    assert b"\x01\x12\0\x03\0\0\0\x01\0\x06" in data
    rgb = decode(data)
    assert rgb.shape == WIDE.shape and np.abs(rgb.astype(int) - WIDE).mean() < 6


def test_transparency_of_a_heic_is_laid_on_black() -> None:
    clear = Image.new("RGBA", (64, 64), (255, 255, 255, 0))
    assert decode(heic(clear)).max() <= 3


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_cut_off_heic_is_refused(share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = heic(Image.fromarray(noise))
    with pytest.raises(PictureError, match=r"damaged|no picture"):
        decode(data[: int(len(data) * share)])


def test_without_the_plug_in_the_reason_says_what_to_install(monkeypatch) -> None:
    asked = []

    def missing(name: str) -> object:
        asked.append(name)
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(PictureError) as refused:
        decode(box(b"heic"))
    assert "pillow-heif, is missing" in refused.value.found
    assert refused.value.fix == pip("install", "pillow-heif")
    assert asked == ["pillow_heif"]


def test_the_plug_in_is_not_looked_for_without_a_heic(monkeypatch) -> None:
    monkeypatch.setattr(importlib, "import_module", lambda name: pytest.fail(f"imported {name}"))
    decode(saved(Image.fromarray(WIDE), "AVIF"))
    decode(saved(Image.fromarray(WIDE), "PNG"))


def test_a_film_and_an_avif_without_its_reader_are_named(monkeypatch) -> None:
    from PIL import features

    monkeypatch.setattr(features, "check", lambda name: False)
    for data, said in ((box(b"avif"), "AVIF"), (box(b"isom", b"mp42"), "film")):
        with pytest.raises(PictureError, match=said):
            decode(data)
