"""The manifest of a data set folder: reading, checks before training, SHA-256 verification.

    dataset/{train,val,test}/<CLASS>/*           split by prepare
    dataset/unseen_signers/<SOURCE>/<CLASS>/*    held-out sources, in no training run
    dataset/manifest.csv                         one line a picture (`Sample`)
    dataset/report.json                          what prepare did

A folder with `train`, `val` and `test` that others made needs no manifest.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import cached_property
from operator import attrgetter
from pathlib import Path, PurePosixPath

from fingerspell import files
from fingerspell.errors import DataError
from fingerspell.labels import in_order
from fingerspell.machine import reading_threads
from fingerspell.progress import Progress

FILE_NAME = "manifest.csv"
REPORT_NAME = "report.json"
SPLITS = ("train", "val", "test")
HELD_OUT = "unseen_signers"
"""The split of whole sources that are kept for testing: no picture of them is trained on."""

OLD_HELD_OUT = "strangers"
"""What `HELD_OUT` was called by earlier versions: such a data set is refused."""

_SPLIT_NAMES: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
"""The spellings of each split's folder in data sets that others made."""

_SPLIT_OF = {spelling: split for split, names in _SPLIT_NAMES.items() for spelling in names}
_ALL = (*SPLITS, HELD_OUT)
_CHUNK = 256
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture. `path` is relative to the data set's folder, with forward slashes.

    `sha256` and `dhash` are hexadecimal; both are empty, and width and height 0, where a folder
    was made by others and never hashed.
    """

    path: str
    label: str
    split: str
    group: str
    source: str
    sha256: str = ""
    dhash: str = ""
    width: int = 0
    height: int = 0


COLUMNS = tuple(f.name for f in fields(Sample))


@dataclass(frozen=True)
class Manifest:
    """All samples of a data set folder; `labels` is the prediction order, fixed here."""

    dataset_dir: Path
    samples: tuple[Sample, ...]
    labels: tuple[str, ...]
    sha256: str

    def split(self, name: str) -> tuple[Sample, ...]:
        """Returns the samples of `train`, `val`, `test` or `HELD_OUT`, in the manifest's order."""
        return self._by_split.get(name, ())

    def held_out(self) -> dict[str, tuple[Sample, ...]]:
        """Returns the held-out samples of each source, by the source's name."""
        held_out = self.split(HELD_OUT)
        sources = dict.fromkeys(sample.source for sample in held_out)
        return {name: tuple(x for x in held_out if x.source == name) for name in sources}

    def absolute(self, sample: Sample) -> Path:
        """Returns where the picture lies."""
        return self.dataset_dir / sample.path

    @cached_property
    def _by_split(self) -> dict[str, tuple[Sample, ...]]:
        return {s: tuple(x for x in self.samples if x.split == s) for s in _ALL}


@dataclass(frozen=True, slots=True)
class SmallDataset:
    """The data set, what the user's own source is called in it, and which files were left out."""

    manifest: Manifest
    source: str
    left_out: tuple[str, ...]


def split_of(name: str) -> str:
    """Returns the split that a name speaks of, or "": `Train`, `asl_alphabet_test`, `val2017`."""
    splits = {_SPLIT_OF[word] for word in _words(name) if word in _SPLIT_OF}
    return splits.pop() if len(splits) == 1 else ""


def is_split_name(name: str) -> bool:
    """Returns whether a name says a split and nothing else: `valid`, `TEST`, `train2017`."""
    words = _words(name)
    return len(words) == 1 and words[0] in _SPLIT_OF


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[\W\d_]+", name.casefold()) if word]


def to_csv(samples: Iterable[Sample]) -> str:
    """Returns the manifest's text: a header, one line a picture, lines closed by a newline."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(attrgetter(*COLUMNS), samples))
    return out.getvalue()


def text_sha256(text: str) -> str:
    """Returns the SHA-256 of a text's UTF-8 bytes, hexadecimal."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def read_manifest(dataset_dir: Path) -> Manifest:
    """Reads and checks a data set folder.

    A folder with `train`, `val` (or `valid`) and `test` but no manifest, as others make them, is
    scanned instead: every picture then is a group of its own. Raises `DataError` for anything
    that training must not start on: no pictures, one class, unknown columns, missing files, a
    group on both sides of a split. Between train, val and test that is allowed where the report
    says `split=random`; a held-out source shares a group with nobody, ever. Whether the files
    still hold what prepare saw is another question: see `verify`.
    """
    if not dataset_dir.is_dir():
        raise _no_folder(dataset_dir)
    path = dataset_dir / FILE_NAME
    return read_prepared(dataset_dir) if path.is_file() else _scan(dataset_dir)


def read_prepared(dataset_dir: Path) -> Manifest:
    """Reads and checks a data set folder that has a manifest; raises what `read_manifest` does."""
    path = dataset_dir / FILE_NAME
    text = _text(path)
    samples = _parse(text, path)
    _check_paths(samples, dataset_dir)
    _check_groups(samples, path, torn_allowed=split_rule(dataset_dir) == "random")
    return _manifest(dataset_dir, samples, text_sha256(text))


def _no_folder(dataset_dir: Path) -> DataError:
    if files.previous_of(dataset_dir).is_dir():
        return DataError(
            found=f"no folder {dataset_dir}: prepare was killed while it put a new one there",
            expected="a data set folder",
            fix="run prepare once more: it begins by bringing the old one back",
        )
    return DataError(
        found=f"no folder {dataset_dir}",
        expected="a data set folder with train, val and test",
        fix="python backend/prepare_dataset.py --input_dir PICTURES --output_dir dataset",
    )


def split_rule(dataset_dir: Path) -> str:
    """Returns the split rule that the report names; `groups` where it names none."""
    try:
        report = json.loads((dataset_dir / REPORT_NAME).read_text(encoding="utf-8"))
        return str(report["config"]["split"])
    except (OSError, ValueError, KeyError, TypeError):
        return "groups"


def _scan(dataset_dir: Path) -> Manifest:
    """Builds a manifest of a `train|val|test` folder that has none; nothing is decoded.

    Raises `DataError` where a file is no picture by its first bytes: training would stop there.
    """
    samples, others = list[Sample](), list[Path]()
    for split, folder in _split_folders(dataset_dir).items():
        for class_dir in files.folders(folder):
            for picture in files.possible_pictures(class_dir):
                if not files.starts_like_picture(picture):
                    others.append(picture)
                path, label = picture.relative_to(dataset_dir).as_posix(), class_dir.name
                samples.append(Sample(path, label, split, path, dataset_dir.name))
    if others:
        raise DataError(
            found=f"{len(others):,} file(s) that are no pictures in a data set, first {others[0]}",
            expected="nothing but pictures in the class folders",
            fix=f"python backend/prepare_dataset.py --input_dir {dataset_dir} "
            "--output_dir dataset, which keeps the splits and omits such files, or remove them",
        )
    if not samples:
        raise DataError(
            found=f"neither {FILE_NAME} nor class folders under train, val and test "
            f"in {dataset_dir}",
            expected="a data set as prepare makes it, or train/A/*.jpg, val/A/*.jpg, test/A/*.jpg",
            fix=f"python backend/prepare_dataset.py --input_dir {dataset_dir} --output_dir dataset",
        )
    return _manifest(dataset_dir, samples, text_sha256(to_csv(samples)))


def _split_folders(dataset_dir: Path) -> dict[str, Path]:
    """Returns the folders of the splits that exist, whatever their spelling."""
    by_name = {path.name.lower(): path for path in files.folders(dataset_dir)}
    return {
        split: by_name[names[0]]
        for split, spellings in _SPLIT_NAMES.items()
        if (names := [name for name in spellings if name in by_name])
    }


def _manifest(dataset_dir: Path, samples: Sequence[Sample], sha256: str) -> Manifest:
    labels = in_order(sample.label for sample in samples if sample.split != HELD_OUT)
    manifest = Manifest(dataset_dir, tuple(samples), labels, sha256)
    if len(labels) < 2:
        raise DataError(
            found=f"only the class {', '.join(labels) or '(none)'} in {dataset_dir}",
            expected="at least two classes",
            fix="prepare a folder with one sub-folder a class",
        )
    for split in ("train", "val"):
        if not manifest.split(split):
            raise _unfit(
                f"no pictures in {split} of {dataset_dir}",
                "pictures in train and val (test may be empty)",
            )
    known = {sample.label for sample in manifest.split("train")}
    if missing := [label for label in labels if label not in known]:
        raise DataError(
            found=f"classes without a training picture: {', '.join(missing)}",
            expected="every class in train",
            fix="add pictures, or take the class out of val and test",
        )
    return manifest


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unfit(f"{path} is not UTF-8 text", "a CSV file") from error


def _parse(text: str, path: Path) -> list[Sample]:
    rows = csv.reader(io.StringIO(text, newline=""))
    header = tuple(next(rows, ()))
    if header != COLUMNS:
        found = f"columns {', '.join(header) or '(none)'} in {path}"
        raise _unfit(found, ", ".join(COLUMNS))
    samples = []
    for number, row in enumerate(rows, start=2):
        if row[2:3] == [OLD_HELD_OUT]:
            raise _unfit(
                f"{path} was made by an earlier version: it calls its held-out split "
                f"{OLD_HELD_OUT}",
                f"a data set whose held-out sources lie in {HELD_OUT}",
                "run prepare again with --overwrite, with the same --input_dir and "
                "--holdout_source",
            )
        try:
            path_, label, split, group, source, sha256, dhash, width, height = row
            sample = Sample(
                path_, label, split, group, source, sha256, dhash, int(width), int(height)
            )
            if sample.split not in _ALL:
                raise ValueError(f"split {sample.split!r}")
        except (ValueError, TypeError) as error:
            raise _unfit(
                f"line {number} of {path} cannot be read ({error})",
                f"{len(COLUMNS)} columns, split one of {', '.join(_ALL)}",
            ) from error
        samples.append(sample)
    return samples


def _unfit(found: str, expected: str, fix: str = "run prepare again with --overwrite") -> DataError:
    """Returns the error for a data set that another run of prepare mends."""
    return DataError(found=found, expected=expected, fix=fix)


def _check_paths(samples: Sequence[Sample], dataset_dir: Path) -> None:
    for sample in samples:
        parts = PurePosixPath(sample.path).parts
        if ".." in parts or Path(sample.path).is_absolute():
            found = f"the manifest names a picture outside its folder: {sample.path}"
            raise _unfit(found, "paths below the data set folder")
    roots = [*(dataset_dir / s for s in SPLITS), *files.folders(dataset_dir / HELD_OUT)]
    # Two listings a class instead of one question a picture: seconds less on 87,000 pictures.
    there = {p.relative_to(dataset_dir).as_posix() for p in files.in_subfolders(roots)}
    missing = [sample.path for sample in samples if sample.path not in there]
    if missing:
        raise _unfit(
            f"{len(missing):,} of {len(samples):,} pictures are missing, first {missing[0]}",
            f"every picture that {FILE_NAME} names in {dataset_dir}",
        )


def _check_groups(samples: Sequence[Sample], path: Path, *, torn_allowed: bool) -> None:
    homes: dict[str, str] = {}
    for sample in samples:
        home = homes.setdefault(sample.group, sample.split)
        if home == sample.split or (torn_allowed and HELD_OUT not in (home, sample.split)):
            continue
        found = f"group {sample.group} lies in {home} and {sample.split}, in {path}"
        raise _unfit(found, "near-duplicate pictures on one side of the split")


def verify(manifest: Manifest, splits: Sequence[str] = (*SPLITS, HELD_OUT)) -> int:
    """Hashes every picture of `splits` again; returns how many there were to compare.

    Rows without a hash (a folder that others made) are only looked through for leaks. Files that
    the manifest does not name are never read by anybody and do no harm. Raises `DataError` naming
    the first pictures that were changed or are gone, and where all splits are looked at and one
    file lies in several of them, unless the report says `split=random`.
    """
    whole = set(SPLITS) <= set(splits)
    samples = [s for split in splits for s in manifest.split(split) if s.sha256 or whole]
    hashes = _hashes(samples, manifest.dataset_dir) if samples else []
    known = [(s, sha256) for s, sha256 in zip(samples, hashes, strict=True) if s.sha256]
    changed = [sample.path for sample, sha256 in known if sample.sha256 != sha256]
    if changed:
        named = ", ".join(changed[:_NAMED]) + (", …" if len(changed) > _NAMED else "")
        raise DataError(
            found=f"{len(changed):,} of {len(known):,} pictures in {manifest.dataset_dir} are "
            f"not what prepare saw: {named}",
            expected="the very bytes whose SHA-256 the manifest gives",
            fix="run prepare again with --overwrite, or pass --trust to go on all the same",
        )
    if whole and split_rule(manifest.dataset_dir) != "random":
        _refuse_equal_files(manifest.dataset_dir, samples, hashes)
    if len(known) < len(samples):
        print("note: others made this split; near duplicates across it, which prepare finds, "
              "were not looked for", flush=True)  # fmt: skip
    return len(known)


def leaking(names: str, groups: str, twins: int, fix: str) -> DataError:
    """Returns the error for a ready-made split with `groups` on several sides."""
    return DataError(
        found=f"the ready-made split of {names} leaks: {groups} lie on several sides, "
        f"{twins:,} test pictures have a twin in train",
        expected="near-duplicate pictures, and those of a person, on one side of the split",
        fix=fix,
    )


def _refuse_equal_files(
    dataset_dir: Path, samples: Sequence[Sample], hashes: Sequence[str]
) -> None:
    """Raises `DataError` where equal files lie in several splits."""
    homes: dict[str, dict[str, str]] = {}
    for sample, sha256 in zip(samples, hashes, strict=True):
        homes.setdefault(sha256, {}).setdefault(sample.split, sample.path)
    homes.pop("", None)  # What cannot be read is told by the loader.
    torn = {sha256: list(home.values()) for sha256, home in homes.items() if len(home) > 1}
    if torn:
        spoilt = {sha256 for sha256 in torn if {"train", "test"} <= homes[sha256].keys()}
        twins = sum(s.split == "test" and h in spoilt for s, h in zip(samples, hashes, strict=True))
        one, other = next(iter(torn.values()))[:2]
        raise leaking(
            dataset_dir.name,
            f"{len(torn):,} groups of equal files, first {one} and {other},",
            twins,
            f"python backend/prepare_dataset.py --input_dir {dataset_dir} --output_dir "
            f"{dataset_dir}_afresh --resplit splits its pictures afresh; --trust lets it leak",
        )


def _hashes(samples: Sequence[Sample], dataset_dir: Path) -> list[str]:
    """Returns the SHA-256 of each picture, in order; "" for what cannot be read.

    Threads suffice: reading and hashing release Python's lock.
    """
    chunks = [samples[i : i + _CHUNK] for i in range(0, len(samples), _CHUNK)]
    folder = str(dataset_dir)
    hashes: list[str] = []
    with (
        Progress(len(samples), "checking hashes") as progress,
        ThreadPoolExecutor(reading_threads()) as pool,
    ):
        for part in pool.map(lambda chunk: [_hash(folder, s) for s in chunk], chunks):
            hashes += part
            progress.advance(len(part))
    return hashes


def _hash(folder: str, sample: Sample) -> str:
    try:
        # Plain strings: building a Path would take as long as hashing the picture.
        with open(f"{folder}/{sample.path}", "rb", buffering=0) as file:  # noqa: PTH123
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""
