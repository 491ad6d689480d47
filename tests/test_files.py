"""Which files are pictures, atomic writes, locks, and the exchange of two data sets."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

import pytest
from PIL import Image

from fingerspell import files
from fingerspell.errors import DataError, RunError
from fingerspell.files import HOLDER, locked, this_process
from fingerspell.images.decode import _FORMATS, container_formats
from helpers.endings import ALSO_PICTURES, NO_PICTURES, picture, touch_all
from helpers.killed import SOURCE, killed_at_step

needs_links = pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege there")

# --- names ---------------------------------------------------------------------------------------


def test_the_endings_are_those_of_every_format_that_is_decoded():
    decoded = {*_FORMATS, *container_formats("AVIF"), *container_formats("HEIC")}
    assert "AVIF" in decoded and "HEIF" in decoded, "both are installed with the package"
    endings = {e for e, kind in Image.registered_extensions().items() if kind in decoded}
    assert set(files.PICTURE_ENDINGS) == endings


def test_pictures_are_known_by_their_ending(tmp_path):
    named = ["A1.jpg", "A1.JPG", "a.b.avif", *ALSO_PICTURES]
    others = [*NO_PICTURES, "A1", "A1.mp4", "A1.AAE", "jpg", "A1.pdf"]
    paths = [tmp_path / name for name in [*named, *others]]
    for path in paths:
        path.write_bytes(b"BM and other text that is no picture")
    assert [path.name for path in filter(files.is_picture, paths)] == named


@pytest.mark.parametrize("ending", files.PICTURE_ENDINGS)
def test_pictures_are_known_by_their_first_bytes_too(tmp_path, ending):
    for name in ("A1", "A1.bak", "A1.jpg~"):
        (tmp_path / name).write_bytes(picture(ending))
        assert files.is_picture(tmp_path / name)
    for name in ("A1.txt", "._A1", "A1.jpg:Zone.Identifier"):
        (tmp_path / name).write_bytes(picture(ending))
        assert not files.is_picture(tmp_path / name)


def test_a_wrong_ending_may_still_be_a_picture(tmp_path):
    touch_all(tmp_path, ["A10.jpg", "A2.jpg", "A3", "A4.odd", *NO_PICTURES])
    listed = [path.name for path in files.possible_pictures(tmp_path)]
    assert listed == ["A2.jpg", "A3", "A4.odd", "A10.jpg"]
    (tmp_path / "A4.odd").write_bytes(picture(".png"))
    assert [path.name for path in files.pictures(tmp_path)] == ["A2.jpg", "A4.odd", "A10.jpg"]


def test_hidden_folders_are_not_looked_into_and_a_linked_one_is_told(tmp_path):
    touch_all(tmp_path, ["b/2.heic", "a/1.jfif", ".cache/3.jpg", "b/__MACOSX/4.jpg", "a/._1.jpg"])
    below, others = files.pictures_below(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in below] == ["a/1.jfif", "b/2.heic"]
    assert sorted(path.name for path in others) == ["._1.jpg", "3.jpg", "4.jpg"]
    assert [path.name for path in files.folders(tmp_path)] == ["a", "b"]
    assert files.passed_over(tmp_path, others[:0]) == ""
    (tmp_path / "b" / "away").symlink_to(tmp_path / "a", target_is_directory=True)
    assert files.pictures_below(tmp_path / "b")[1][0].name == "away"
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
def test_picks_are_evenly_spaced(count, ends, picked):
    assert files.evenly_spaced(range(10), count, ends=ends) == picked


# --- writing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_appears_whole_or_not_at_all(tmp_path, durable):
    path = tmp_path / "run.json"
    files.write_json(path, {"path": Path("é")})
    assert path.read_bytes() == '{\n  "path": "é"\n}\n'.encode()
    with (
        pytest.raises(OSError, match="No space"),
        files.written_aside(path, durable=durable) as temporary,
    ):
        temporary.write_bytes(b"half")
        raise OSError("No space left on device")
    assert path.read_bytes().startswith(b"{")
    with files.written_aside(path, durable=durable) as temporary:
        temporary.write_bytes(b"new")
        assert path.read_bytes().startswith(b"{")
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"], "nothing temporary is left"


def test_a_folder_that_is_not_there_yet_is_judged_by_where_it_will_be(tmp_path):
    assert files.nearest_existing(tmp_path / "a" / "b") == tmp_path
    assert files.nearest_existing(tmp_path) == tmp_path
    assert files.why_not_writable(tmp_path / "a" / "b") == ""
    assert list(tmp_path.iterdir()) == [], "the trial leaves nothing behind"
    (tmp_path / "file").write_bytes(b"")
    assert files.why_not_writable(tmp_path / "file" / "run"), "a file in the way is the reason"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_told(tmp_path):
    tmp_path.chmod(0o500)
    try:
        assert files.why_not_writable(tmp_path) == "Permission denied"
    finally:
        tmp_path.chmod(0o700)


# --- a folder for one process at a time ----------------------------------------------------------

HOLDING = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(SOURCE)!r})
from fingerspell.files import locked
lock = Path(sys.argv[1])
with locked(lock.parent, lock):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "new" / "folder" / ".lock"


def hold(lock: Path) -> AbstractContextManager[None]:
    return locked(lock.parent, lock)


def test_a_second_process_is_refused_until_the_first_is_killed(lock, monkeypatch):
    """Unless the first one started it: the one that exports for a training."""
    command = [sys.executable, "-c", HOLDING, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout and other.stdout.readline().strip() == b"held"
        refused = rf"(?s)folder is in use by process {other.pid} on .*--output_dir"
        for holder in ("", this_process(), lock.read_text(encoding="utf-8").strip()):
            monkeypatch.setenv(HOLDER, holder)
            ours = holder.startswith(f"process {other.pid} ")
            told = nullcontext() if ours else pytest.raises(RunError, match=refused)
            with told, hold(lock):
                assert ours, "two at once"
        assert lock.is_file(), "it is the other's"
        other.kill()
        other.wait()
        with hold(lock):
            assert lock.read_text(encoding="utf-8").strip() == this_process()


def test_the_same_process_cannot_have_it_twice_and_can_have_it_again(lock):
    with hold(lock), pytest.raises(RunError), hold(lock):
        pytest.fail("two at once")
    with pytest.raises(ZeroDivisionError), hold(lock):
        raise ZeroDivisionError
    with hold(lock):
        pass


@pytest.mark.parametrize("before", [(), ("new",), ("new/folder/model.keras",)])
def test_nothing_stays_of_a_lock_but_what_else_came_to_be(tmp_path, lock, before):
    for name in before:
        (tmp_path / name).mkdir(parents=True)
    there = sorted(tmp_path.rglob("*"))
    with hold(lock):
        assert lock.is_file()
    assert sorted(tmp_path.rglob("*")) == there
    with hold(lock):
        (lock.parent / "run.json").touch()
    assert [p.name for p in lock.parent.iterdir() if p.is_file()] == ["run.json"]


def test_a_lock_file_that_nobody_holds_says_nothing(lock):
    lock.parent.mkdir(parents=True)
    lock.write_text("process 1 on elsewhere and much more than that", encoding="utf-8")
    with hold(lock):
        text = lock.read_text(encoding="utf-8")
    assert "elsewhere" not in text and text.startswith("process ")


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be removed there")
def test_a_lock_on_a_file_that_its_holder_removed_is_no_lock(lock, monkeypatch):
    """The first one ends between the moments in which the second opens and locks the file."""
    acquire, first = files._acquire, ExitStack()
    first.enter_context(hold(lock))

    def late(descriptor: int) -> None:
        monkeypatch.setattr(files, "_acquire", acquire)
        first.close()
        acquire(descriptor)

    (lock.parent / "run.json").touch()
    monkeypatch.setattr(files, "_acquire", late)
    with hold(lock), pytest.raises(RunError), hold(lock):
        pytest.fail("two at once")


def failing(reason: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(reason, os.strerror(reason))

    return fail


def test_where_the_file_system_has_no_locks_nobody_is_kept_out(lock, monkeypatch):
    library, name = ("msvcrt", "locking") if sys.platform == "win32" else ("fcntl", "flock")
    monkeypatch.setattr(getattr(files, library), name, failing(errno.ENOLCK))
    with hold(lock), hold(lock):
        pass


# --- the exchange of two folders: killed anywhere, full, forbidden, over links -------------------

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
NEW = {"1.jpg": b"1.jpg", "2.jpg": b"2.jpg", "put.jpg": b"made", "manifest.csv": b"new"}
OLD = {"train/old.jpg": b"old", "manifest.csv": b"old"}


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


def write_old(folder: Path) -> None:
    (folder / "train").mkdir(parents=True)
    for name in OLD:
        (folder / name).write_bytes(b"old")


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Path]:
    """A data set that is there already, in a folder of its own; nothing is left beside it."""
    folder = tmp_path / "sets" / "dataset"
    write_old(folder)
    yield folder
    assert siblings(folder) == []


def check_that_no_half_comes_back(new: Path) -> None:
    """Should somebody move the new set away: the old one, perhaps half deleted, stays gone."""
    aside = new.parent.parent / "aside"
    shutil.copytree(new.parent, aside)
    shutil.rmtree(aside / new.name)
    files._recover(aside / new.name)
    assert not (aside / new.name).exists() or content(aside / new.name) == OLD
    shutil.rmtree(aside)


def test_killed_before_any_step_the_old_set_is_there_or_the_new_one(old, pictures):
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
            write_old(old)
    assert len(seen) >= 20
    assert seen == sorted(seen, key=["old", "absent", "new"].index), "back and forth"
    assert set(seen) == {"old", "absent", "new"}
    assert content(old) == NEW
    assert content(pictures) == {"1.jpg": b"1.jpg", "2.jpg": b"2.jpg"}


def test_a_file_that_is_there_is_never_written_into(tmp_path, pictures):
    """It may be a link: on a disk that ignores case, A1.jpg and a1.jpg are one file."""
    target = tmp_path / "taken.jpg"
    os.link(pictures / "1.jpg", target)
    with pytest.raises(FileExistsError):
        files.link_or_copy(pictures / "2.jpg", target)
    assert (pictures / "1.jpg").read_bytes() == b"1.jpg"


@pytest.mark.parametrize("reason", [errno.EXDEV, errno.EMLINK, errno.EPERM])
def test_where_no_link_can_be_made_the_bytes_are_copied(tmp_path, pictures, monkeypatch, reason):
    monkeypatch.setattr(os, "link", failing(reason))
    assert files.link_or_copy(pictures / "1.jpg", tmp_path / "copy.jpg") is False
    assert (tmp_path / "copy.jpg").read_bytes() == b"1.jpg"
    assert (tmp_path / "copy.jpg").stat().st_nlink == 1


@needs_links
def test_a_link_to_a_picture_becomes_the_picture(tmp_path, pictures):
    (tmp_path / "link.jpg").symlink_to(pictures / "1.jpg")
    files.link_or_copy(tmp_path / "link.jpg", tmp_path / "set.jpg")
    assert not (tmp_path / "set.jpg").is_symlink()
    assert (tmp_path / "set.jpg").read_bytes() == b"1.jpg"


@needs_links
def test_an_output_folder_that_is_a_link_stays_one(tmp_path, old):
    link = tmp_path / "dataset"
    link.symlink_to(old, target_is_directory=True)
    with files.replaced_folder(link) as folder:
        assert folder.parent == old.parent, "it grows on the disk where it will lie"
        (folder / "manifest.csv").write_bytes(b"new")
    assert link.is_symlink()
    assert content(old) == {"manifest.csv": b"new"}
    assert siblings(link) == []


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS])
def test_a_full_or_forbidden_disk_is_three_lines_and_leaves_the_old_set(old, reason):
    said = f"cannot write .*dataset: {os.strerror(reason)}"
    with pytest.raises(DataError, match=said), files.replaced_folder(old) as folder:
        (folder / "1.jpg").write_bytes(b"half")
        failing(reason)()
    assert content(old) == OLD


@pytest.mark.parametrize("rename", [1, 2])
def test_an_exchange_that_fails_half_way_is_taken_back(old, monkeypatch, rename):
    """As on Windows, where a folder with an open file cannot be moved."""
    whole, calls = Path.rename, iter(range(1, 9))

    def sometimes(self: Path, target: Path) -> Path:
        if next(calls) == rename:
            raise PermissionError(errno.EACCES, "in use")
        return whole(self, target)

    monkeypatch.setattr(Path, "rename", sometimes)
    with pytest.raises(DataError, match="in use"), files.replaced_folder(old) as folder:
        (folder / "manifest.csv").write_bytes(b"new")
    assert content(old) == OLD


def test_manifest_and_reports_are_on_the_disk_before_the_exchange(old, monkeypatch):
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
