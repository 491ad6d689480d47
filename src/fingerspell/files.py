"""Files and folders: which ones are pictures, atomic writes, file locks, replacing a whole folder.

Standard library only: `doctor` uses it before anything is installed.
"""

import errno
import hashlib
import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypeVar

from fingerspell.errors import DataError, RunError

_T = TypeVar("_T")
_StrPath = str | os.PathLike[str]

PICTURE_ENDINGS = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".bmp", ".gif", ".tif", ".tiff",
    ".avif", ".avifs", ".heic", ".heics", ".heif", ".heifs", ".hif",
)  # fmt: skip
"""What files are called that `images.decode` can read."""

_NOTES = (".txt", ".md", ".csv", ".json", ".xml", ".html", ".yaml", ".yml", ".names", ".data")
_COMPANIONS = (
    ".aae", ".xmp", ".thm", ".mov", ".mp4", ".ini", ".db", ".lnk", ".url", "zone.identifier",
)  # fmt: skip
"""What phones, photo managers and Windows leave beside pictures; also the films of live photos."""

_STARTS = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+",
)  # fmt: skip
_BOXES = (b"ftyphei", b"ftyphev", b"ftypavi", b"ftypmif1", b"ftypmsf1")

_HIDDEN = frozenset({"__macosx", "icon\r"})
"""The folder in which an archive keeps what macOS knows of each file; a folder's own icon."""


def is_hidden(name: str) -> bool:
    """Returns whether a file or folder belongs to the system or a file manager, by its name."""
    return name.startswith(".") or name.casefold() in _HIDDEN


def is_note(name: str) -> bool:
    """Returns whether a file describes pictures, or goes with them, instead of being one."""
    return name.lower().endswith(_NOTES) or is_companion(name)


def is_companion(name: str) -> bool:
    """Returns whether phones, photo managers or the system left a file beside pictures."""
    return name.lower().endswith(_COMPANIONS)


def is_picture(path: Path) -> bool:
    """Returns whether a file is taken for a picture: by its name, or by its first bytes.

    Hidden files and notes are none. Only what is called like neither is opened.
    """
    if is_hidden(path.name) or is_note(path.name) or not path.is_file():
        return False
    return path.name.lower().endswith(PICTURE_ENDINGS) or starts_like_picture(path)


def starts_like_picture(path: Path) -> bool:
    """Returns whether the first bytes are those of a format that `images.decode` can read."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError:
        return False
    return (
        start.startswith(_STARTS)
        or start[4:].startswith(_BOXES)
        or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")
        or (start[:2] == b"BM" and start[6:10] == bytes(4))
    )


def folders(folder: Path) -> list[Path]:
    """Returns the visible sub-folders in name order; empty where `folder` is none."""
    if not folder.is_dir():
        return []
    inner = (p for p in folder.iterdir() if p.is_dir() and not is_hidden(p.name))
    return sorted(inner, key=lambda p: p.name)


def in_subfolders(parents: Iterable[Path]) -> Iterator[Path]:
    """Yields what lies in the visible sub-folders of some folders, such as class folders."""
    return (path for parent in parents for inner in folders(parent) for path in inner.iterdir())


def pictures(folder: Path) -> list[Path]:
    """Returns the pictures of a folder in natural order (A2 before A10)."""
    return sorted_out(folder, folder.iterdir())[0]


def pictures_below(folder: Path) -> tuple[list[Path], list[Path]]:
    """Returns the pictures at any depth of a folder, and the other files: what is passed over.

    A folder that is a link is not looked into, but passed over.
    """
    return sorted_out(folder, folder.rglob("*"))


def sorted_out(folder: Path, paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Returns which of some paths below a folder are pictures, and the other files among them.

    Nothing in a hidden folder is a picture. Both in natural order, folder by folder.
    """
    there: tuple[list[Path], list[Path]] = ([], [])
    for path in paths:
        hidden = any(map(is_hidden, path.relative_to(folder).parts))
        if not path.is_dir() or path.is_symlink():
            there[hidden or not is_picture(path)].append(path)
    for both in there:
        both.sort(key=lambda p: (p.parent, natural(p.name)))
    return there


def passed_over(folder: Path, others: Sequence[Path]) -> str:
    """Returns a sentence that counts and names what no picture is taken from; else ""."""
    if not others:
        return ""
    names = ", ".join(path.name for path in others[:3]) + ", …" * (len(others) > 3)
    return f"passed over in {folder}: {len(others):,} file(s) that are no pictures: {names}"


def possible_pictures(folder: Path) -> list[Path]:
    """Returns all visible files but notes, in natural order.

    For folders of which every file is decoded anyway, and what is no picture is told.
    """
    visible = (p for p in folder.iterdir() if p.is_file() and not is_hidden(p.name))
    return sorted((p for p in visible if not is_note(p.name)), key=lambda p: natural(p.name))


def natural(name: str) -> tuple[tuple[tuple[int, str | int], ...], str]:
    """Returns a sort key that counts digits as numbers, so that frames keep their order."""
    parts = re.split(r"(\d+)", name)
    # The name itself decides between `1` and `01`, whatever order the folder was listed in.
    return tuple((0, int(p)) if p.isdecimal() else (1, p) for p in parts if p), name


def evenly_spaced(items: Sequence[_T], count: int, *, ends: bool = False) -> list[_T]:
    """Returns `count` items at even distances; of fewer items some are repeated.

    The first is always among them; the last is, too, with `ends`. One item alone with `ends` is
    the middle one.
    """
    if not ends:
        return [items[i * len(items) // count] for i in range(count)]
    if count == 1:
        return [items[len(items) // 2]]
    return [items[i * (len(items) - 1) // (count - 1)] for i in range(count)]


@contextmanager
def written_aside(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Writes a file atomically: yields a temporary path and renames it to `path` at the end.

    The old file stays until the new one is whole. With `durable` the data is flushed to the disk
    before the rename and the rename after it, so that both survive a power cut.
    """
    temporary = path.with_name(f".{path.name}.writing{path.suffix}")
    try:
        yield temporary
        if durable:
            _flush(temporary)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        _flush_names(path.parent)


def hashes(paths: Iterable[Path], folder: Path) -> dict[str, str]:
    """Returns each file's SHA-256 by its path below a folder, with forward slashes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
    }


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file atomically."""
    with written_aside(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text atomically, with `\\n` line ends on every system."""
    with written_aside(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, body: Any) -> None:
    """Writes JSON atomically; paths become strings."""
    write_text(path, json.dumps(body, indent=2, ensure_ascii=False, default=str) + "\n")


def remove(path: Path) -> None:
    """Removes a file, or a folder with all that is in it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _flush(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _flush_names(folder: Path) -> None:
    """Flushes a rename; Windows neither needs nor allows it."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def nearest_existing(path: Path) -> Path:
    """Returns the path, or the first of its parents that exists."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def why_not_writable(folder: Path) -> str:
    """Returns why no file can be made in a folder, or in the one it would be made in; else ""."""
    try:
        with TemporaryFile(dir=nearest_existing(folder)):  # Nameless: a kill leaves nothing behind.
            return ""
    except OSError as error:
        return error.strerror or str(error)


_HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
"""How the systems say that another process holds a lock; anything else: there are no locks."""

_FAR_BYTES = 2**30
"""Windows locks bytes and not files: one behind the text, so that others can read that."""


HOLDER = "FINGERSPELL_LOCK_HOLDER"
"""Environment variable of a process that the holder of a lock started: what the lock file says."""

_OPENINGS = 9
"""A lock file that was removed between opening and locking it is opened anew, so often."""


def this_process() -> str:
    """Returns what a lock file says of its holder: process and machine."""
    return f"process {os.getpid()} on {platform.node()}"


@contextmanager
def locked(folder: Path, lock: Path) -> Iterator[None]:
    """Holds the exclusive lock of `folder`, the file `lock`, which names the process, for a block.

    The file is removed at the end, and so are folders that were made for it and stayed empty. A
    killed process releases its lock. Raises `RunError` where another process, or another part of
    this one, holds it; one that the holder started to work for it passes (`HOLDER`).
    """
    made = [path for path in (lock.parent, *lock.parent.parents) if not path.exists()]
    try:
        file = _acquired(folder, lock)
        try:
            yield
        finally:
            if file:
                _release(file, lock)
    finally:
        for path in made:
            with suppress(OSError):
                path.rmdir()


def _acquired(folder: Path, lock: Path) -> FileIO | None:
    """Returns the locked file; None where this process works for the one that holds it."""
    for opening in range(1, _OPENINGS + 1):
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("a+b", buffering=0)
        try:
            _acquire(file.fileno())
        except OSError as error:
            if error.errno in _HELD:
                file.seek(0)
                holder = file.read().decode("utf-8", "replace").strip()
                file.close()
                if holder and holder == os.environ.get(HOLDER):
                    return None
                raise RunError(
                    found=f"{folder} is in use by {holder or 'another process'}",
                    expected="one process at a time in a folder",
                    fix="wait for that one or end it, or choose another --output_dir",
                ) from error
        if opening == _OPENINGS or _lies_at(file, lock):
            break
        file.close()
    with suppress(OSError):  # On a full disk the lock holds all the same, without a name.
        file.truncate(0)
        file.write(f"{this_process()}\n".encode())
    return file


def _lies_at(file: FileIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _release(file: FileIO, lock: Path) -> None:
    """Removes a lock file, while it is still held where the system can do that."""
    if sys.platform == "win32":
        file.close()
    with suppress(OSError):  # On Windows the next one may have opened it already.
        lock.unlink()
    file.close()


if sys.platform == "win32":
    import msvcrt

    def _acquire(descriptor: int) -> None:
        os.lseek(descriptor, _FAR_BYTES, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _acquire(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def link_or_copy(source: Path, target: _StrPath) -> bool:
    """Hard-links where the file system allows, copies elsewhere; returns whether it linked.

    Never writes into a file that is there already: it might be a link to somebody's picture.
    """
    try:
        # A link to a link would break with it; asking each file is cheaper than resolving each.
        os.link(source.resolve() if os.path.islink(source) else source, target)  # noqa: PTH114
    except OSError:
        with source.open("rb") as old, open(target, "xb") as new:  # noqa: PTH123
            shutil.copyfileobj(old, new, 1 << 20)
        return False
    return True


def previous_of(output_dir: Path) -> Path:
    """Returns the hidden sibling that holds the old folder for the moment of the exchange."""
    return _sibling(output_dir, "previous")


def _sibling(output_dir: Path, kind: str) -> Path:
    # Resolved: where the folder is a link, its target is replaced, on the target's own disk.
    resolved = output_dir.resolve()
    return resolved.parent / f".{resolved.name}.{kind}"


@contextmanager
def replaced_folder(output_dir: Path) -> Iterator[Path]:
    """Replaces a folder atomically: yields an empty one that takes its place at the end.

    When the block fails, nothing is left behind. The new folder grows in a hidden sibling; two
    renames exchange the folders. A kill between the two leaves the old one under its hidden name,
    and the next `_recover` brings it back. The files at the top (manifest and reports) are flushed
    before the exchange; pictures that were copied may be cut short by a power cut, which `verify`
    finds. Raises `DataError` where nothing can be written.
    """
    partial = _sibling(output_dir, "partial")
    with _as_data_error(output_dir):
        output_dir.parent.mkdir(parents=True, exist_ok=True)
        _recover(output_dir)
        try:
            partial.mkdir()
            yield partial
            for path in partial.iterdir():
                if path.is_file():
                    _flush(path)
            if output_dir.exists():
                output_dir.resolve().rename(previous_of(output_dir))
            partial.rename(output_dir.resolve())
        finally:
            with suppress(OSError):
                _recover(output_dir)


@contextmanager
def locked_beside(output_dir: Path) -> Iterator[None]:
    """Holds the lock of a folder that is replaced as a whole: its file lies beside the folder.

    Raises `DataError` where nothing can be written there; see `locked`.
    """
    _require_room(output_dir)
    with locked(output_dir, _sibling(output_dir, "lock")):
        yield


def require_replaceable(output_dir: Path) -> None:
    """Raises `DataError` before the long work where `output_dir` cannot be written; recovers it."""
    with _as_data_error(output_dir):
        _recover(output_dir)
    _require_room(output_dir)


def _require_room(output_dir: Path) -> None:
    if reason := why_not_writable(output_dir.parent):
        raise _unwritable(output_dir, reason)


def _recover(output_dir: Path) -> None:
    """Cleans up after a killed exchange: brings the old folder back, drops half-written ones."""
    previous = previous_of(output_dir)
    discarded = _sibling(output_dir, "discarded")  # So a half-deleted folder never comes back.
    _drop(discarded)
    _drop(_sibling(output_dir, "partial"))
    if previous.exists() and output_dir.exists():
        previous.rename(discarded)
        _drop(discarded)
    elif previous.exists():
        previous.rename(output_dir.resolve())


def _drop(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


@contextmanager
def _as_data_error(output_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(output_dir, error.strerror or str(error)) from error


def _unwritable(output_dir: Path, reason: str) -> DataError:
    return DataError(
        found=f"cannot write {output_dir}: {reason}",
        expected="a folder that may be written, with room for the pictures",
        fix="choose another --output_dir, or free some space",
    )
