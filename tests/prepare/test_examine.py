"""Every picture, box and row is opened once; what is wrong with one is said, the others go on."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fingerspell.dataset.manifest import Manifest, read_manifest
from fingerspell.dataset.quality import measure
from fingerspell.errors import DataError, PictureError
from fingerspell.images import MAX_BYTES, Glance, decode, encode_jpeg
from fingerspell.prepare.examine import (
    HAND_MARGIN,
    Picture,
    _crop,
    _examine_one,
    check_unseen_pictures,
    content,
    examine,
)
from fingerspell.prepare.near_duplicates import dhash, words
from fingerspell.prepare.records import Bad, Box, Record, Row
from helpers.picture_files import saved
from helpers.small_run import with_hashes, write_colours
from helpers.synthetic_folder import scene

MODULE = sys.modules["fingerspell.prepare.examine"]


def found(path: Path, data: bytes, part: Box | Row | None = None) -> Record:
    path.write_bytes(data)
    return Record(path, "A", "source", len(data), 0, part=part)


def files(folder: Path, count: int) -> list[Record]:
    return [found(folder / f"A{i}.jpg", encode_jpeg(scene(i))) for i in range(count)]


def test_a_picture_is_hashed_as_it_lies_on_the_disk_and_measured_upright(tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = saved(Image.new("RGB", (40, 30), (200, 200, 200)), "JPEG", exif=exif)
    picture = _examine_one(found(tmp_path / "a.jpg", lying))
    assert isinstance(picture, Picture)
    assert picture.sha256 == hashlib.sha256(lying).hexdigest()
    assert (picture.width, picture.height) == (30, 40)
    assert picture.quality.brightness == pytest.approx(200 / 255, abs=0.01)


def test_a_large_photograph_is_judged_by_a_reduced_one(tmp_path) -> None:
    large = np.asarray(cv2.resize(scene(1), (1200, 900), interpolation=cv2.INTER_CUBIC))
    data = encode_jpeg(large)
    picture = _examine_one(found(tmp_path / "a.jpg", data))
    assert isinstance(picture, Picture)
    assert (picture.width, picture.height) == (1200, 900)
    one, other = words([picture.dhash]), words([dhash(decode(data))])
    assert np.bitwise_count(one ^ other).sum() <= 2
    whole = measure(decode(data))
    assert picture.quality.brightness == pytest.approx(whole.brightness, abs=0.01)
    assert picture.quality.sharpness == pytest.approx(whole.sharpness, rel=0.15)


def test_good_and_bad_come_in_the_order_given(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(MODULE, "_CHUNK", 3)
    some = files(tmp_path, 20)
    for place in (0, 7, 19):
        some[place] = found(tmp_path / f"bad{place}.jpg", b"no picture")
    pictures, bad = examine(some)
    assert [p.file for p in pictures] == [f for f in some if not f.path.name.startswith("bad")]
    told = [(b.path.name, b.reason) for b in bad]
    assert told == [(f"bad{n}.jpg", "10 bytes that are no picture") for n in (0, 7, 19)]
    assert examine([]) == ([], [])


def test_a_file_that_is_too_long_is_not_opened_but_a_row_of_a_long_table_is(
    tmp_path, monkeypatch
) -> None:
    huge = Record(tmp_path / "never opened.jpg", "A", "source", MAX_BYTES + 1, 0)
    bad = _examine_one(huge)
    assert isinstance(bad, Bad) and "at most" in bad.reason
    monkeypatch.setattr(MODULE, "content", lambda file: encode_jpeg(scene(0)))
    assert isinstance(_examine_one(replace(huge, part=Row(0, 10))), Picture)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "does not fit into memory"),
        (RuntimeError("odd"), "cannot be examined (odd)"),
        (PermissionError(13, "Permission denied"), "cannot be read (Permission denied)"),
    ],
)
def test_no_error_of_one_picture_costs_the_others(tmp_path, monkeypatch, error, reason) -> None:
    def fails(data: bytes, side_px: int) -> Glance:
        if data == b"odd one":
            raise error
        return Glance(scene(0), 48, 48)

    monkeypatch.setattr(MODULE, "glance", fails)
    some = [*files(tmp_path, 3), found(tmp_path / "odd.jpg", b"odd one")]
    pictures, bad = examine(some)
    assert len(pictures) == 3
    assert [one.reason for one in bad] == [reason]


MANY = [Record(Path("a.jpg"), "A", "source", 1, 0)] * 5000


@pytest.fixture
def begun(monkeypatch) -> list[Record]:
    """The pictures that were begun; each takes 10 ms."""
    begun: list[Record] = []

    def slowly(file: Record) -> Bad:
        begun.append(file)
        time.sleep(0.01)
        return Bad(file.path, "slow")

    monkeypatch.setattr(MODULE, "_examine_one", slowly)
    return begun


@pytest.mark.skipif(sys.platform == "win32", reason="signals reach the main thread otherwise")
def test_ctrl_c_stops_within_the_pictures_in_hand(monkeypatch, begun: list[Record]) -> None:
    monkeypatch.setattr(MODULE, "_CHUNK", 1000)
    timer = threading.Timer(0.15, lambda: os.kill(os.getpid(), signal.SIGINT))
    # Programs that a shell starts in the background are born deaf to Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            examine(MANY)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(begun) < 2000


def test_an_error_while_showing_progress_stops_the_work_too(
    monkeypatch, begun: list[Record]
) -> None:
    monkeypatch.setattr(MODULE.Progress, "advance", lambda self, count: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        examine(MANY)
    assert len(begun) < 1000


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return read_manifest(with_hashes(write_colours(tmp_path / "dataset", (2, 1, 1))))


@pytest.fixture
def others(tmp_path: Path) -> list[Path]:
    """Four pictures that the data set does not hold."""
    return sorted((write_colours(tmp_path / "others", (4, 4, 4)) / "test" / "nothing").iterdir())


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_picture_of_any_split_is_that_of_no_unseen_signer_whatever_it_is_called(
    manifest: Manifest, others: list[Path], split: str
) -> None:
    assert check_unseen_pictures("ann", others, manifest) == []
    own = manifest.split(split)[0]
    shutil.copyfile(manifest.absolute(own), others[2])
    with pytest.raises(DataError, match="1 of 4 pictures of ann are in the data set") as caught:
        check_unseen_pictures("ann", others, manifest)
    assert others[2].name in str(caught.value) and own.path in str(caught.value)
    unhashed = replace(manifest, samples=tuple(replace(s, sha256="") for s in manifest.samples))
    assert check_unseen_pictures("ann", others, unhashed) == [], "nothing is known of them"


def test_what_cannot_be_read_is_named_and_does_not_stop_the_rest(
    manifest: Manifest, others: list[Path]
) -> None:
    others[1].write_bytes(others[1].read_bytes()[:300])
    others[2].write_bytes(b"")
    folder, absent = (others[0].with_name(name) for name in ("folder.jpg", "absent.jpg"))
    folder.mkdir()
    bad = check_unseen_pictures("ann", [*others, folder, absent], manifest)
    assert [one.path for one in bad] == [others[1], others[2], folder, absent]
    assert all(one.reason for one in bad)


MARKED = np.stack(np.broadcast_arrays(*np.ogrid[0:100, 0:200], 0), axis=2).astype(np.uint8)
"""Each pixel says where it lies: 100 rows, 200 columns."""


@pytest.mark.parametrize(
    ("box", "corners"),
    [
        # 40×20 pixels around column 100, row 50; in shares the box is square, in pixels it is not.
        (Box(0.4, 0.4, 0.6, 0.6), (20, 70, 79, 129)),
        (Box(0.475, 0.3, 0.525, 0.7), (20, 70, 79, 129)),
        (Box(0.0, 0.0, 0.2, 0.4), (0, 0, 49, 49)),
        (Box(0.8, 0.6, 1.0, 1.0), (50, 150, 99, 199)),
        (Box(0.0, 0.0, 1.0, 1.0), (0, 0, 99, 199)),
        (Box(0.0, 0.0, 1e-5, 1e-5), (0, 0, 0, 0)),
        (Box(0.9999, 0.9999, 1.0, 1.0), (99, 199, 99, 199)),
    ],
    ids=["wide", "tall", "first corner", "last corner", "the whole", "a pixel", "the last pixel"],
)
def test_a_box_becomes_a_square_in_pixels_half_again_as_wide_and_nothing_is_made_up(
    box: Box, corners: tuple[int, int, int, int]
) -> None:
    assert HAND_MARGIN == 1.5
    cut = _crop(MARKED, box)
    assert (*cut[0, 0, :2].tolist(), *cut[-1, -1, :2].tolist()) == corners


def test_a_box_is_the_same_jpeg_each_time(tmp_path: Path) -> None:
    data = encode_jpeg(scene(1, 120), 98)
    item = found(tmp_path / "x.jpg", data, Box(0.25, 0.25, 0.5, 0.5))
    # 30 pixels around pixel 45, times 1.5: rows and columns 22 (22.5 to even) to 67.
    assert content(item) == encode_jpeg(decode(data)[22:68, 22:68], 95)
    assert content(item) == content(item)


def test_a_row_becomes_its_grey_picture(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, 784)
    text = ",".join(map(str, [3, *pixels])).encode()
    item = found(tmp_path / "t.csv", b"label,pixel1\n" + text + b"\nrest", Row(13, len(text)))
    rgb = decode(content(item))
    assert np.array_equal(rgb, np.repeat(pixels.reshape(28, 28, 1), 3, axis=2))
    assert content(item) == content(item)


def test_a_row_that_changed_and_a_box_of_no_picture_are_none(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"a row of t\.csv that changed"):
        content(found(tmp_path / "t.csv", b"label,pixel1\n1,2,3", Row(13, 100)))
    with pytest.raises(PictureError):
        content(found(tmp_path / "x.jpg", b"no picture", Box(0, 0, 1, 1)))


@pytest.mark.parametrize("part", [None, Box(0, 0, 1, 1), Row(0, 1)])
def test_a_file_that_is_gone_says_so(tmp_path: Path, part: Box | Row | None) -> None:
    gone = Record(tmp_path / "gone.jpg", "A", "s", 1, 1, part=part)
    assert _examine_one(gone) == Bad(gone.path, "cannot be read (No such file or directory)")
