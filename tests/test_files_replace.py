"""The exchange of two data sets: killed anywhere, full, forbidden, over links."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fingerspell import files
from fingerspell.errors import DataError
from helpers.killed import SOURCE, killed_at_step

needs_links = pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege there")

EXCHANGE = """
from pathlib import Path
from fingerspell import files
goal, pictures = Path(sys.argv[2]), Path(sys.argv[3])
counting = True
files.require_replaceable(goal)
with files.replaced_folder(goal) as folder:
    for picture in pictures.iterdir():
        files.link_or_copy(picture, folder / picture.name)
    (folder / "put.jpg").write_bytes(b"made")
    (folder / "manifest.csv").write_bytes(b"new")
"""


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def siblings(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.parent.iterdir() if path.name.startswith("."))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("1.jpg", "2.jpg"):
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A data set that is there already, in a folder of its own."""
    folder = tmp_path / "sets" / "dataset"
    (folder / "train").mkdir(parents=True)
    (folder / "train" / "old.jpg").write_bytes(b"old")
    (folder / "manifest.csv").write_bytes(b"old")
    return folder


NEW = {"1.jpg": b"1.jpg", "2.jpg": b"2.jpg", "put.jpg": b"made", "manifest.csv": b"new"}
OLD = {"train/old.jpg": b"old", "manifest.csv": b"old"}


def check_that_no_half_comes_back(new: Path) -> None:
    """Should somebody move the new set away: the old one, perhaps half deleted, stays gone."""
    aside = new.parent.parent / "aside"
    shutil.copytree(new.parent, aside)
    shutil.rmtree(aside / new.name)
    files._recover(aside / new.name)
    assert not (aside / new.name).exists() or content(aside / new.name) == OLD
    shutil.rmtree(aside)


def test_killed_before_any_step_the_old_set_is_there_or_the_new_one(
    old: Path, pictures: Path
) -> None:
    """Every single step, in order: each kill is followed by a run that tidies up after it."""
    seen = []
    for step in range(1, 200):
        if not killed_at_step(EXCHANGE, step, str(old), str(pictures)):
            break
        if old.exists() and content(old) == NEW:
            check_that_no_half_comes_back(old)
        absent = not old.exists()
        assert not absent or files.previous_of(old).is_dir()
        files._recover(old)
        assert content(old) in (OLD, NEW), f"a mixture after step {step}"
        assert siblings(old) == [], f"left over after step {step}"
        seen.append("absent" if absent else "old" if content(old) == OLD else "new")
        if content(old) == NEW:  # Put the old one back: each step is tried on the same ground.
            shutil.rmtree(old)
            with files.replaced_folder(old) as folder:
                (folder / "train").mkdir()
                (folder / "train" / "old.jpg").write_bytes(b"old")
                (folder / "manifest.csv").write_bytes(b"old")
    assert len(seen) >= 20
    assert seen == sorted(seen, key=["old", "absent", "new"].index), "back and forth"
    assert set(seen) == {"old", "absent", "new"}
    assert content(old) == NEW and siblings(old) == []
    assert content(pictures) == {"1.jpg": b"1.jpg", "2.jpg": b"2.jpg"}


def test_what_was_half_deleted_is_never_brought_back(old: Path) -> None:
    half = old.parent / f".{old.name}.discarded"
    half.mkdir()
    (half / "manifest.csv").write_bytes(b"older")
    old.rename(old.with_name("moved away by its owner"))
    files._recover(old)
    assert not old.exists() and siblings(old) == []


def test_a_file_that_is_there_is_never_written_into(tmp_path: Path, pictures: Path) -> None:
    """It may be a link: on a disk that ignores case, A1.jpg and a1.jpg are one file."""
    target = tmp_path / "taken.jpg"
    os.link(pictures / "1.jpg", target)
    with pytest.raises(FileExistsError):
        files.link_or_copy(pictures / "2.jpg", target)
    assert (pictures / "1.jpg").read_bytes() == b"1.jpg"


@pytest.mark.parametrize("reason", [errno.EXDEV, errno.EMLINK, errno.EPERM])
def test_where_no_link_can_be_made_the_bytes_are_copied(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    monkeypatch.setattr(os, "link", failing(reason))
    assert files.link_or_copy(pictures / "1.jpg", tmp_path / "copy.jpg") is False
    assert (tmp_path / "copy.jpg").read_bytes() == b"1.jpg"
    assert (tmp_path / "copy.jpg").stat().st_nlink == 1


@needs_links
def test_a_link_to_a_picture_becomes_the_picture(tmp_path: Path, pictures: Path) -> None:
    (tmp_path / "link.jpg").symlink_to(pictures / "1.jpg")
    files.link_or_copy(tmp_path / "link.jpg", tmp_path / "set.jpg")
    assert not (tmp_path / "set.jpg").is_symlink()
    assert (tmp_path / "set.jpg").read_bytes() == b"1.jpg"


@needs_links
def test_an_output_folder_that_is_a_link_stays_one(tmp_path: Path, old: Path) -> None:
    link = tmp_path / "dataset"
    link.symlink_to(old, target_is_directory=True)
    with files.replaced_folder(link) as folder:
        assert folder.parent == old.parent, "it grows on the disk where it will lie"
        (folder / "manifest.csv").write_bytes(b"new")
    assert link.is_symlink()
    assert content(old) == {"manifest.csv": b"new"}
    assert siblings(link) == siblings(old) == []


def failing(reason: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(reason, os.strerror(reason))

    return fail


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS])
def test_a_full_or_forbidden_disk_is_three_lines_and_leaves_the_old_set(
    old: Path, reason: int
) -> None:
    with pytest.raises(DataError, match=os.strerror(reason)), files.replaced_folder(old) as folder:
        (folder / "1.jpg").write_bytes(b"half")
        failing(reason)()
    assert content(old) == OLD and siblings(old) == []


def test_manifest_and_reports_are_on_the_disk_before_the_exchange(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    whole = Path.rename
    monkeypatch.setattr(os, "fsync", lambda _: done.append("flushed"))
    monkeypatch.setattr(
        Path, "rename", lambda self, goal: (done.append("renamed"), whole(self, goal))[1]
    )
    with files.replaced_folder(old) as folder:
        (folder / "manifest.csv").write_bytes(b"new")
        (folder / "report.json").write_bytes(b"new")
    assert done[:3] == ["flushed", "flushed", "renamed"]


@pytest.mark.parametrize("rename", [1, 2])
def test_an_exchange_that_fails_half_way_is_taken_back(
    old: Path, monkeypatch: pytest.MonkeyPatch, rename: int
) -> None:
    """As on Windows, where a folder with an open file cannot be moved."""
    whole, calls = Path.rename, iter(range(1, 9))

    def sometimes(self: Path, target: Path) -> Path:
        if next(calls) == rename:
            raise PermissionError(errno.EACCES, "in use")
        return whole(self, target)

    monkeypatch.setattr(Path, "rename", sometimes)
    with pytest.raises(DataError, match="in use"), files.replaced_folder(old) as folder:
        (folder / "manifest.csv").write_bytes(b"new")
    assert content(old) == OLD and siblings(old) == []


LIMITED = """
import os, resource, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from fingerspell import files
from fingerspell.errors import DataError
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
os.link = lambda *_: (_ for _ in ()).throw(OSError(18, "another disk"))
try:
    with files.replaced_folder(Path(sys.argv[2])) as folder:
        files.link_or_copy(Path(sys.argv[3]), folder / "1.jpg")
except DataError as error:
    print(error.found)
"""


@pytest.mark.skipif(os.name == "nt", reason="limits of file size are POSIX's")
def test_a_disk_that_takes_no_more_is_told_by_the_system_itself(old: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(bytes(100_000))
    said = subprocess.run(
        [sys.executable, "-c", LIMITED, str(SOURCE), str(old), str(large)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.startswith(f"cannot write {old}: File too large")
    assert content(old) == OLD and siblings(old) == []
