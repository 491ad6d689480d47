"""The bytes of a found picture: a file as it is, a box cut with room around it, a row as PNG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fingerspell.errors import PictureError
from fingerspell.images import decode, encode_jpeg
from fingerspell.prepare.examine import HAND_MARGIN, _crop, content
from fingerspell.prepare.records import Box, Record, Row
from helpers.synthetic_folder import scene

MARKED = np.stack(np.broadcast_arrays(*np.ogrid[0:100, 0:200], 0), axis=2).astype(np.uint8)
"""Each pixel says where it lies: 100 rows, 200 columns."""


def found(path: Path, part: Box | Row | None = None) -> Record:
    return Record(path, "A", "s", 1, 1, "", part)


def place(rgb: np.ndarray) -> tuple[int, int, int, int]:
    """First row and column, last row and column of a crop of `MARKED`."""
    return (*map(int, rgb[0, 0, :2]), *map(int, rgb[-1, -1, :2]))


def test_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"anything")
    assert content(found(tmp_path / "x.jpg")) == b"anything"


def test_a_box_becomes_a_square_in_pixels_half_again_as_wide() -> None:
    # 40×20 pixels around column 100, row 50; in shares the box is square, in pixels it is not.
    cut = _crop(MARKED, Box(0.4, 0.4, 0.6, 0.6))
    assert HAND_MARGIN == 1.5
    assert place(cut) == (20, 70, 79, 129)


def test_a_tall_box_is_widened_by_its_height() -> None:
    assert place(_crop(MARKED, Box(0.475, 0.3, 0.525, 0.7))) == (20, 70, 79, 129)


def test_at_the_edge_nothing_is_made_up() -> None:
    assert place(_crop(MARKED, Box(0.0, 0.0, 0.2, 0.4))) == (0, 0, 49, 49)
    assert place(_crop(MARKED, Box(0.8, 0.6, 1.0, 1.0))) == (50, 150, 99, 199)
    assert _crop(MARKED, Box(0.0, 0.0, 1.0, 1.0)).shape == MARKED.shape


@pytest.mark.parametrize("at", [0.0, 0.5, 0.9999])
def test_the_smallest_box_gives_a_pixel(at: float) -> None:
    assert _crop(MARKED, Box(at, at, at + 1e-5, at + 1e-5)).shape == (1, 1, 3)


def test_a_box_is_the_same_jpeg_each_time(tmp_path: Path) -> None:
    rgb = scene(1, 120)
    (tmp_path / "x.jpg").write_bytes(encode_jpeg(rgb, 98))
    item = found(tmp_path / "x.jpg", Box(0.25, 0.25, 0.5, 0.5))
    assert content(item) == content(item)
    cut = decode(content(item))
    # 30 pixels around pixel 45, times 1.5: rows and columns 22 (22.5 to even) to 67.
    assert cut.shape == (46, 46, 3)
    assert content(item) == encode_jpeg(decode(item.path.read_bytes())[22:68, 22:68], 95)
    assert np.abs(cut.astype(int) - rgb[22:68, 22:68]).mean() < 3


def test_a_row_becomes_its_grey_picture(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, 784)
    text = ",".join(map(str, [3, *pixels])).encode()
    (tmp_path / "t.csv").write_bytes(b"label,pixel1\n" + text + b"\nrest")
    item = found(tmp_path / "t.csv", Row(13, len(text)))
    rgb = decode(content(item))
    assert np.array_equal(rgb[:, :, 0], pixels.reshape(28, 28))
    assert np.array_equal(rgb[:, :, 0], rgb[:, :, 2])
    assert content(item) == content(item)


def test_a_row_that_changed_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"label,pixel1\n1,2,3")
    with pytest.raises(PictureError, match=r"a row of t\.csv that changed"):
        content(found(tmp_path / "t.csv", Row(13, 100)))


def test_a_box_of_no_picture_is_none_either(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"no picture")
    with pytest.raises(PictureError):
        content(found(tmp_path / "x.jpg", Box(0, 0, 1, 1)))


@pytest.mark.parametrize("part", [None, Box(0, 0, 1, 1), Row(0, 1)])
def test_a_file_that_is_gone_says_so(tmp_path: Path, part: Box | Row | None) -> None:
    with pytest.raises(OSError, match="No such file"):
        content(found(tmp_path / "gone.jpg", part))
