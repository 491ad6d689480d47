"""Every picture is opened once; what is wrong with one is said, and the others go on."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fingerspell.dataset.quality import measure
from fingerspell.images import MAX_BYTES, Glance, decode, encode_jpeg
from fingerspell.prepare.examine import Picture, _examine_one, examine
from fingerspell.prepare.near_duplicates import dhash, words
from fingerspell.prepare.records import Bad, Record, Row
from helpers.picture_files import saved
from helpers.synthetic_folder import scene

MODULE = sys.modules["fingerspell.prepare.examine"]


def found(path: Path, data: bytes) -> Record:
    path.write_bytes(data)
    return Record(path, "A", "source", len(data), 0)


def files(folder: Path, count: int) -> list[Record]:
    return [found(folder / f"A{i}.jpg", encode_jpeg(scene(i))) for i in range(count)]


def test_a_picture_is_hashed_as_it_lies_on_the_disk(tmp_path) -> None:
    data = encode_jpeg(np.full((30, 40, 3), 200, np.uint8))
    picture = _examine_one(found(tmp_path / "a.jpg", data))
    assert isinstance(picture, Picture)
    assert picture.sha256 == hashlib.sha256(data).hexdigest()
    assert (picture.width, picture.height) == (40, 30)
    assert picture.quality.brightness == pytest.approx(200 / 255, abs=0.01)


def test_the_size_is_that_of_the_upright_picture(tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = saved(Image.new("RGB", (40, 30)), "JPEG", exif=exif)
    picture = _examine_one(found(tmp_path / "a.jpg", lying))
    assert isinstance(picture, Picture)
    assert (picture.width, picture.height) == (30, 40)


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
    assert [b.path.name for b in bad] == ["bad0.jpg", "bad7.jpg", "bad19.jpg"]


def test_nothing_to_examine_is_nothing(capsys) -> None:
    assert examine([]) == ([], [])


def reason(result: Picture | Bad) -> str:
    assert isinstance(result, Bad)
    return result.reason


def test_every_reason_is_said(tmp_path) -> None:
    whole = encode_jpeg(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    for data, word in [
        (b"", "empty"),
        (b"just text", "no picture"),
        (whole[: len(whole) // 2], "damaged"),
        (whole[: len(whole) // 2] + b"\xff\xd9", "damaged"),
    ]:
        assert word in reason(_examine_one(found(tmp_path / "x.jpg", data)))


def test_a_file_that_is_gone_is_bad_and_not_fatal(tmp_path) -> None:
    gone = Record(tmp_path / "gone.jpg", "A", "source", 10, 0)
    assert "cannot be read" in reason(_examine_one(gone))


def test_a_file_that_may_not_be_read_is_bad_and_not_fatal(tmp_path, monkeypatch) -> None:
    def locked(file: Record) -> bytes:
        raise PermissionError(13, "Permission denied", str(file.path))

    monkeypatch.setattr(MODULE, "content", locked)
    locked_file = found(tmp_path / "locked.jpg", b"x")
    assert reason(_examine_one(locked_file)) == "cannot be read (Permission denied)"


def test_a_file_that_is_too_long_is_not_opened(tmp_path) -> None:
    huge = Record(tmp_path / "never opened.jpg", "A", "source", MAX_BYTES + 1, 0)
    assert "at most" in reason(_examine_one(huge))


def test_a_row_of_a_long_table_is_opened_all_the_same(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(MODULE, "content", lambda file: encode_jpeg(scene(0)))
    row = Record(tmp_path / "table.csv", "A", "source", MAX_BYTES + 1, 0, part=Row(0, 10))
    assert isinstance(_examine_one(row), Picture)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("odd"), ValueError("odd")])
def test_no_error_of_a_decoder_costs_the_other_pictures(tmp_path, monkeypatch, error) -> None:
    def fails(data: bytes, side_px: int) -> Glance:
        if data == b"odd one":
            raise error
        return Glance(scene(0), 48, 48)

    monkeypatch.setattr(MODULE, "glance", fails)
    some = [*files(tmp_path, 3), found(tmp_path / "odd.jpg", b"odd one")]
    pictures, bad = examine(some)
    assert len(pictures) == 3
    assert "memory" in bad[0].reason or "odd" in bad[0].reason


def slowly(seen: list[int]):
    def examine_one(file: Record) -> Bad:
        seen.append(1)
        time.sleep(0.01)
        return Bad(file.path, "slow")

    return examine_one


def many(count: int) -> Sequence[Record]:
    return [Record(Path("a.jpg"), "A", "source", 1, 0)] * count


@pytest.mark.skipif(sys.platform == "win32", reason="signals reach the main thread otherwise")
def test_ctrl_c_stops_within_the_pictures_in_hand(monkeypatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(MODULE, "_examine_one", slowly(seen))
    monkeypatch.setattr(MODULE, "_CHUNK", 1000)
    timer = threading.Timer(0.15, lambda: os.kill(os.getpid(), signal.SIGINT))
    # Programs that a shell starts in the background are born deaf to Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer.start()
    started = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            examine(many(5000))
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - started < 10  # All of them would take 25 s.
    assert len(seen) < 2000


def test_an_error_while_showing_progress_stops_the_work_too(monkeypatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(MODULE, "_examine_one", slowly(seen))
    monkeypatch.setattr(MODULE.Progress, "advance", lambda self, count: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        examine(many(5000))
    assert len(seen) < 1000
