"""Which files are pictures, atomic writes, write checks and evenly spaced picks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from fingerspell import files
from fingerspell.images.decode import _FORMATS, container_formats
from helpers.endings import ALSO_PICTURES, NO_PICTURES, touch_all


def test_the_endings_are_those_of_every_format_that_is_decoded() -> None:
    decoded = {*_FORMATS, *container_formats("AVIF"), *container_formats("HEIC")}
    assert "AVIF" in decoded and "HEIF" in decoded, "both are installed with the package"
    endings = {e for e, kind in Image.registered_extensions().items() if kind in decoded}
    assert set(files.PICTURE_ENDINGS) == endings


@pytest.mark.parametrize("name", ["A1.jpg", "A1.JPG", "a.b.avif", *ALSO_PICTURES])
def test_pictures_are_known_by_their_ending(name: str) -> None:
    assert files.is_picture(name)


@pytest.mark.parametrize("name", [*NO_PICTURES, "A1", "A1.mp4", "jpg"])
def test_notes_caches_and_hidden_files_are_no_pictures(name: str) -> None:
    assert not files.is_picture(name)


def test_a_wrong_ending_may_still_be_a_picture(tmp_path: Path) -> None:
    touch_all(tmp_path, ["A10.jpg", "A2.jpg", "A3", "A4.odd", *NO_PICTURES])
    listed = [path.name for path in files.possible_pictures(tmp_path)]
    assert listed == ["A2.jpg", "A3", "A4.odd", "A10.jpg"]
    assert [path.name for path in files.pictures(tmp_path)] == ["A10.jpg", "A2.jpg"]


def test_hidden_folders_are_not_looked_into(tmp_path: Path) -> None:
    touch_all(tmp_path, ["b/2.heic", "a/1.jfif", ".cache/3.jpg", "b/__MACOSX/4.jpg", "a/._1.jpg"])
    below = [path.relative_to(tmp_path).as_posix() for path in files.pictures_below(tmp_path)]
    assert below == ["a/1.jfif", "b/2.heic"]
    assert [path.name for path in files.folders(tmp_path)] == ["a", "b"]
    assert files.folders(tmp_path / "gone") == []


@pytest.mark.parametrize(
    ("count", "ends", "picked"),
    [
        (4, False, [0, 2, 5, 7]),
        (4, True, [0, 3, 6, 9]),
        (1, False, [0]),
        (1, True, [5]),
        (10, True, list(range(10))),
        (12, False, [0, 0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9]),
    ],
)
def test_picks_are_evenly_spaced(count: int, ends: bool, picked: list[int]) -> None:
    assert files.evenly_spaced(range(10), count, ends=ends) == picked


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "run.json"
    files.write_json(path, {"path": Path("é")})
    assert path.read_bytes() == '{\n  "path": "é"\n}\n'.encode()
    with (
        pytest.raises(OSError, match="No space"),
        files.written_aside(path, durable=durable) as temporary,
    ):
        temporary.write_bytes(b"half")
        assert path.read_bytes().startswith(b"{")
        raise OSError("No space left on device")
    assert path.read_bytes().startswith(b"{")
    with files.written_aside(path, durable=durable) as temporary:
        temporary.write_bytes(b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"], "nothing temporary is left"


def test_text_has_the_same_line_ends_on_every_system(tmp_path: Path) -> None:
    files.write_text(tmp_path / "a.txt", "é\n")
    files.write_bytes(tmp_path / "b.txt", "é\n".encode())
    assert (tmp_path / "a.txt").read_bytes() == (tmp_path / "b.txt").read_bytes()


def test_a_folder_that_is_not_there_yet_is_judged_by_where_it_will_be(tmp_path: Path) -> None:
    assert files.nearest_existing(tmp_path / "a" / "b") == tmp_path
    assert files.nearest_existing(tmp_path) == tmp_path
    assert files.why_not_writable(tmp_path / "a" / "b") == ""
    assert list(tmp_path.iterdir()) == [], "the trial leaves nothing behind"


def test_a_file_in_the_way_is_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert files.why_not_writable(tmp_path / "file" / "run")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert files.why_not_writable(tmp_path) == "Permission denied"
    finally:
        tmp_path.chmod(0o700)
