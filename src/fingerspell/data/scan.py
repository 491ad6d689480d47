"""What lies in the folders a user hands over: pictures, their class and their source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fingerspell.data import layout
from fingerspell.data.found import Bad, Found, Renamed
from fingerspell.errors import DataError

_DEPTH = 4
_CLASSES = "one sub-folder a class, with its pictures inside: FOLDER/A/*.jpg, FOLDER/B/*.jpg"


@dataclass(frozen=True, slots=True)
class Scan:
    """Everything found, in source, class and natural file order, and what was passed over.

    `layouts` says for each source in a few words how its folder is laid out.
    """

    files: tuple[Found, ...]
    ignored: tuple[Path, ...]
    unusable: tuple[Bad, ...] = ()
    renamed: tuple[Renamed, ...] = ()
    layouts: tuple[tuple[str, str], ...] = ()


def scan(input_dirs: Sequence[Path]) -> Scan:
    """Lists the pictures of one or several class-sorted folders; nothing is opened.

    Each folder is a source, named after itself. The class folders may lie deeper, as in
    `asl_alphabet_train/asl_alphabet_train/A`. Raises `DataError` for everything that is not one
    set of class folders.
    """
    found: list[Found] = []
    ignored: list[Path] = []
    for input_dir, source in zip(input_dirs, source_names(input_dirs), strict=True):
        try:
            root = class_root(input_dir)
            classes = layout.class_pictures(root)
            ignored += [p for p in layout.folders(root) if p.name not in classes]
            for label, pictures in classes.items():
                ignored += layout.folders(root / label)
                found += [_found(path, label, source) for path in pictures]
        except OSError as error:
            raise DataError(
                found=f"cannot list {error.filename or input_dir}: {error.strerror or error}",
                expected="folders that may be read",
                fix="check the permissions",
            ) from error
    _check_classes(found, input_dirs)
    return Scan(tuple(found), tuple(ignored))


def source_names(input_dirs: Sequence[Path]) -> list[str]:
    """Returns one name a folder: its own, with a number where two are called alike."""
    names: list[str] = []
    for folder in input_dirs:
        base = folder.resolve().name or "pictures"
        name, number = base, 2
        while name in names:
            name, number = f"{base}_{number}", number + 1
        names.append(name)
    return names


def class_root(folder: Path) -> Path:
    """Returns the folder whose children are the classes; raises `DataError` if there isn't one."""
    if not folder.exists():
        raise DataError(found=f"no folder {folder}", expected=_CLASSES, fix="check --input_dir")
    if not folder.is_dir():
        raise DataError(found=f"{folder} is a file", expected=_CLASSES, fix="unpack it first")
    roots = _roots(folder, _DEPTH)
    if len(roots) == 1:
        return roots[0]
    if roots:
        raise _several(folder, roots)
    if layout.class_pictures(folder):
        return folder
    loose = len(layout.files(folder))
    raise DataError(
        found=f"{loose:,} files but no class folders in {folder}"
        if loose
        else f"no pictures in {folder}",
        expected=_CLASSES,
        fix="sort the pictures into one folder a class",
    )


def _roots(folder: Path, depth: int) -> list[Path]:
    """Folders with at least two class folders: `folder` itself, or the topmost ones below it."""
    children = layout.folders(folder)
    if sum(1 for child in children if _holds_pictures(child)) >= 2:
        return [folder]
    if depth == 0:
        return []
    return [root for child in children for root in _roots(child, depth - 1)]


def _holds_pictures(folder: Path) -> bool:
    return bool(layout.files(folder))


def _several(folder: Path, roots: Sequence[Path]) -> DataError:
    names = ", ".join(root.relative_to(folder).as_posix() for root in roots[:6])
    more = f" and {len(roots) - 6} more" if len(roots) > 6 else ""
    if len(layout.split_folders(folder)) == len(roots):
        return DataError(
            found=f"{folder} is split already: {names}",
            expected="one set of class folders that prepare may split",
            fix=f"train on it as it is: python backend/train_finetune.py --dataset_dir {folder}",
        )
    given = " ".join(str(root) for root in roots[:3])
    return DataError(
        found=f"{len(roots)} folders with classes of their own in {folder}: {names}{more}",
        expected=_CLASSES,
        fix=f"name each as a source: --input_dir {given}" + (" …" if len(roots) > 3 else ""),
    )


def _found(path: Path, label: str, source: str) -> Found:
    status = path.stat()
    return Found(path, label, source, status.st_size, status.st_mtime_ns)


def _check_classes(found: Sequence[Found], input_dirs: Sequence[Path]) -> None:
    labels = sorted({item.label for item in found})
    if len(labels) < 2:
        raise DataError(
            found=f"only the class {', '.join(labels)} in {', '.join(map(str, input_dirs))}",
            expected="at least two classes",
            fix="hand over the folder that holds the class folders, not one class",
        )
