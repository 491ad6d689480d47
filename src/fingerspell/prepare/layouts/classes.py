"""Class folders: one set, nested, with a folder a person, or already split; labels in names."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fingerspell.dataset.manifest import is_split_name, split_of
from fingerspell.errors import DataError
from fingerspell.files import natural
from fingerspell.labels import ALPHABET, label_of
from fingerspell.prepare.layouts.tree import Folder, every, left_over
from fingerspell.prepare.records import Bad, Record, Source

_NAME = re.compile(
    r"([^\W\d_]+(?:[ _-][^\W\d_]+)*?)(?:[ _-]?\d+|[ _-]?\(\d+\)|[ _-]test)"
    r"|(\d)(?:[ _-]\d+|[ _-]?\(\d+\)|[ _-]test)",
    re.IGNORECASE,
)
_CAMERA = frozenset(
    {
        "capture", "dji", "dsc", "dscf", "dscn", "foto", "frame", "gopr", "image", "img", "mvimg",
        "photo", "pic", "picture", "pxl", "sam", "screenshot", "snapshot", "vid", "video",
        "webcam", "win",
    }
)  # fmt: skip
"""What cameras and telephones call every picture."""


def _label_in(name: str) -> str | None:
    """Returns what stands before `_test` or before a number, None where nothing does.

    Only letters, and single digits, make a label: the days in `IMG_20240131_1.jpg` are no classes,
    and neither is the `IMG` of `IMG_1.jpg`.
    """
    match = _NAME.fullmatch(name.rpartition(".")[0] or name)
    label = match and (match[1] or match[2])
    return None if label is None or label.casefold() in _CAMERA else label


def _labels_in(folder: Folder) -> list[str]:
    """Returns a label for each picture of a folder; empty unless all say one, two at least."""
    labels = [label for file in folder.pictures if (label := _label_in(file.name))]
    whole = len(labels) == len(folder.pictures) and len(set(labels)) >= 2
    return labels if whole else []


def read_by_name(tree: Folder, name: str) -> Source | None:
    """Reads the labels out of the files' names; None where they don't all say one."""
    folder = _flat(tree)
    labels = _labels_in(folder)
    if not labels:
        return None
    source = Source(name, "names", ignored=left_over(tree, {folder.path}))
    source.records = [
        Record(Path(file.path), source.label(label), name, file.size_bytes, file.mtime_ns)
        for file, label in zip(folder.pictures, labels, strict=True)
    ]
    return source


def _flat(folder: Folder) -> Folder:
    """Goes down to a test folder where nothing lies beside it, as archives unpack it."""
    while not folder.pictures and len(folder.folders) == 1:
        if split_of(folder.folders[0].name) != "test":
            break
        folder = folder.folders[0]
    return folder


EXPECTED = "one sub-folder a class, with its pictures inside: FOLDER/A/*.jpg, FOLDER/B/*.jpg"

_NO_CLASS = frozenset({"images", "jpegimages"})

_PERSON = re.compile(
    r"(person|people|signer|subject|user|participant|volunteer|actor|performer|student|session|day|"
    r"take|rec|recording|video|film|clip|scene|cam|camera)([ _-].+|[ _-]?\d+)|\d{4}-?\d\d-?\d\d",
    re.IGNORECASE,
)
_SHORT_PERSON = re.compile(r"[psu]\d+", re.IGNORECASE)
_LEAST_PERSONS = 3
"""Fewer in every class cannot be told apart in train, val and test."""


@dataclass(frozen=True, slots=True)
class _Class:
    """The folder that is called like a class, the one with its pictures, and those of persons."""

    folder: Folder
    inner: Folder
    persons: tuple[Folder, ...]

    def parts(self) -> Iterator[tuple[str, Folder]]:
        """Yields every folder that holds pictures, with the name of its person or ""."""
        if self.inner.pictures:
            yield "", self.inner
        for person in self.persons:
            yield from ((person.name, folder) for folder in every(person) if folder.pictures)


@dataclass(frozen=True, slots=True)
class _ClassSet:
    """Class folders that belong together: `parts` are (split or "", folder of the classes)."""

    folder: Folder
    parts: tuple[tuple[str, Folder], ...]


def is_called_like_a_person(name: str) -> bool:
    """Returns whether a folder is called like a person or recording: `signer_2`, `person_anna`."""
    return _PERSON.fullmatch(name.strip()) is not None


def read_classes(tree: Folder, name: str) -> Source | None:
    """Reads class folders; None where there are none.

    A class may hold a folder for each person or recording. Raises `DataError` for several sets,
    and where nobody can tell which of two levels of folders are the classes.
    """
    sets = class_sets(tree)
    if not sets and _classes(tree):
        sets = [_ClassSet(tree, (("", tree),))]
    if not sets:
        return None
    if len(sets) > 1:
        raise _several(tree, sets)
    return _read(sets[0], tree, name)


def class_sets(folder: Folder) -> list[_ClassSet]:
    """Returns the topmost folders with at least two classes, or with ready-made splits."""
    splits, own = _splits(folder), _classes(folder)
    if len({split for split, _ in splits}) >= 2:
        if len(own) >= 2:
            raise DataError(
                found=f"class folders and ready-made splits side by side in {folder.path}",
                expected=EXPECTED,
                fix="hand over the one or the other",
            )
        return [_ClassSet(folder, tuple(splits))]
    if len(own) >= 2:
        return [_ClassSet(folder, (("", folder),))]
    if any(one.persons for one in own):
        return []  # One class alone; what lies below are its persons.
    return [one for child in folder.folders for one in class_sets(child)]


def _classes(folder: Folder) -> list[_Class]:
    """Returns the sub-folders that are classes, less flat splits and an annotator's `images`.

    Pictures lie right in a class folder, in an inner one of the same name or in a lone `images`;
    or, the most of them, in folders of persons: then they are taken at any depth.
    """
    named = (child for child in folder.folders if child.name.casefold() not in _NO_CLASS)
    kids = [_Class(child, inner := _innermost(child), _persons(inner)) for child in named]
    kids = [kid for kid in kids if not _is_flat_split(kid.folder.name, kid.inner)]
    if not _have_persons(folder, kids):
        kids = [replace(kid, persons=()) for kid in kids]
    return [kid for kid in kids if kid.inner.pictures or kid.persons]


def _persons(folder: Folder) -> tuple[Folder, ...]:
    """Returns the sub-folders with pictures, where they hold more than the folder itself."""
    named = (child for child in folder.folders if child.name.casefold() not in _NO_CLASS)
    below = tuple(child for child in named if _count([child]))
    return below if _count(below) > len(folder.pictures) else ()


def _count(folders: Sequence[Folder]) -> int:
    return sum(len(inner.pictures) for folder in folders for inner in every(folder))


def _have_persons(root: Folder, kids: Sequence[_Class]) -> bool:
    """Returns whether the folders inside of `kids`, the sub-folders of `root`, are persons.

    They are none where any is called like a class or a split. Keras reads the upper level as the
    classes; so does this, where names or the shape of the tree confirm it: the same persons in
    several classes, several classes with several persons, or flat classes beside. Raises
    `DataError` where they do not.
    """
    nested = [kid for kid in kids if kid.persons]
    uppers = [kid.folder for kid in kids if kid.persons or kid.inner.pictures]
    lowers = [person for kid in nested for person in kid.persons]
    classes = {label_of(folder.name) for folder in uppers}.union(ALPHABET)
    no_persons = any(label_of(x.name) in classes or split_of(x.name) for x in lowers)
    if no_persons or not lowers:
        return False
    called = _are_called_like_persons(lowers) and not _are_called_like_persons(uppers)
    if len(uppers) < 2:
        return called
    if called or any(map(_is_usual, uppers)):
        return True
    several = [kid for kid in nested if len(kid.persons) > 1]
    shared = len({folder.name for folder in lowers}) < len(lowers)
    flat = len(uppers) - len(nested)
    deeper = any(f.pictures for x in lowers for f in every(x) if f is not _innermost(x))
    people = all(_SHORT_PERSON.fullmatch(x.name) or is_called_like_a_person(x.name) for x in uppers)
    if people or deeper or not (shared or len(several) != 1 or flat > 1):
        asked = several or nested
        raise DataError(
            found=f"two levels of folders in {root.path}, and either may be the classes: "
            + _some([f"{kid.folder.name}/{kid.persons[0].name}" for kid in asked]),
            expected=EXPECTED,
            fix=_how_to_part([kid.folder for kid in asked], asked[0].persons[0].name),
        )
    return True


def _are_called_like_persons(folders: Iterable[Folder]) -> bool:
    return all(is_called_like_a_person(folder.name) for folder in folders)


def _innermost(folder: Folder) -> Folder:
    """Goes down from `C` to `C/C` and `C/images` where nothing else lies in it."""
    while not folder.pictures and len(folder.folders) == 1:
        (inner,) = folder.folders
        if label_of(inner.name) != label_of(folder.name) and inner.name.casefold() not in _NO_CLASS:
            break
        folder = inner
    return folder


def _splits(folder: Folder) -> list[tuple[str, Folder]]:
    """Returns (split, folder of its classes) for the sub-folders named after a split."""
    splits = []
    for child in folder.folders:
        if split := split_of(child.name):
            sets = class_sets(child)
            roots = [part for one in sets for _, part in one.parts]
            if not sets and _classes(child):
                roots = [child]  # A split may hold one class only.
            if len(roots) == 1:
                splits.append((split, roots[0]))
    return splits


def _is_flat_split(name: str, folder: Folder) -> bool:
    """A folder like `asl_alphabet_test` whose pictures say their class: it is none itself."""
    if is_split_name(name):
        return True
    marked = all(split_of(Path(file.name).stem) == "test" for file in folder.pictures)
    return bool(split_of(name)) and (marked or bool(_labels_in(folder)))


def _read(classes: _ClassSet, tree: Folder, name: str) -> Source:
    split = any(split for split, _ in classes.parts)
    source = Source(name, "ready-made splits" if split else "class folders")
    used = set()
    found = [(part, one) for part, root in classes.parts for one in _nested_checked(root)]
    persons: dict[str, set[str]] = defaultdict(set)
    for _, one in found:
        persons[label_of(one.folder.name)] |= {person.name for person in one.persons}
    apart = max(map(len, persons.values()), default=0) >= _LEAST_PERSONS
    for part, one in found:
        used |= {folder.path for _, folder in one.parts()}
        if not one.folder.name.strip():
            source.unusable.append(Bad(Path(one.folder.path), "a class folder without a name"))
            continue
        label = source.label(one.folder.name)
        source.records += [
            Record(Path(file.path), label, name, file.size_bytes, file.mtime_ns, part,
                   person=person if apart else "")
            for person, folder in one.parts()
            for file in folder.pictures
        ]  # fmt: skip
    source.ignored = left_over(tree, used)
    if any(persons.values()):
        uppers = [one.folder for _, one in found if one.persons]
        source.layout += _persons_told(persons, apart, [] if split else uppers)
    if loose := _flat_tests(tree):
        source.layout += (
            f"; {loose:,} test pictures without class folders passed over "
            "(the usual ones are copies of training pictures)"
        )
    return source


def _persons_told(persons: Mapping[str, set[str]], apart: bool, uppers: Sequence[Folder]) -> str:
    """Says which level of folders was taken for the classes, and how to choose the other."""
    names = sorted(set[str]().union(*persons.values()), key=natural)
    so = "each on one side of the split"
    if not apart:
        so = (
            f"fewer than {_LEAST_PERSONS} a class: only near duplicates are kept together, and "
            "the test may show persons of the training pictures"
        )
    told = (
        f": the upper folders are the classes ({_some(sorted(persons))}), the lower ones "
        f"({_some(names)}) persons or recordings, {so}"
    )
    if all(map(is_called_like_a_person, names)) or all(map(_is_usual, uppers)):
        return told
    return f"{told}; if it is the other way round, {_as_sources(uppers)}"


def _nested_checked(root: Folder) -> list[_Class]:
    """Returns the classes; raises `DataError` for one that would be left out unnoticed."""
    classes = _classes(root)
    read = {one.folder.path for one in classes}
    for child in filter(_is_usual, root.folders):
        deeper = [folder for folder in every(child) if folder.pictures]
        if deeper and child.path not in read:
            raise DataError(
                found=f"no pictures right in the class folder {child.path}, but some in "
                f"{deeper[0].path}",
                expected=EXPECTED,
                fix=f"move the pictures up into {child.path}",
            )
    return classes


def _flat_tests(tree: Folder) -> int:
    tests = (folder for folder in every(tree) if split_of(folder.name) == "test")
    return sum(len(folder.pictures) for folder in tests if _is_flat_split(folder.name, folder))


def _several(tree: Folder, sets: Sequence[_ClassSet]) -> DataError:
    names = [Path(os.path.relpath(one.folder.path, tree.path)).as_posix() for one in sets]
    split, root = sets[0].parts[0]
    below = _classes(root)[0].folder.name
    return DataError(
        found=f"{len(sets)} folders with classes of their own in {tree.path}: {_some(names)}",
        expected=EXPECTED,
        fix=_how_to_part([one.folder for one in sets], below, bool(split)),
    )


def _how_to_part(uppers: Sequence[Folder], below: str, split: bool = False) -> str:
    """Says how to lay out either of two levels of folders as the classes: only the user knows."""
    if _are_called_like_persons(uppers):
        return _as_sources(uppers)
    upper = uppers[0].name
    lay = f"train/{upper}/{below}" if split else f"{upper}/person_{below}"
    return (
        f"if {below} is a person or recording of the class {upper}, name it so: {lay}; if {below} "
        f"is a class, {_as_sources(uppers)}"
    )


def _as_sources(folders: Sequence[Folder]) -> str:
    more = " …" if len(folders) > 3 else ""
    paths = " ".join(folder.path for folder in folders[:3])
    return f"name each as a source: --input_dir {paths}{more}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _is_usual(folder: Folder) -> bool:
    return label_of(folder.name) in ALPHABET
