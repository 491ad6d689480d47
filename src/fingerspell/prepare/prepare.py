"""Which file of a data set folder holds which picture, and how it gets there."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from fingerspell import __version__
from fingerspell.config import PrepareConfig
from fingerspell.dataset.manifest import (
    FILE_NAME,
    HELD_OUT,
    REPORT_NAME,
    SPLITS,
    Sample,
    read_manifest,
    text_sha256,
    to_csv,
)
from fingerspell.dataset.quality import Qualities, quality_json
from fingerspell.errors import DataError
from fingerspell.files import link_or_copy, make_ready, new_folder, put
from fingerspell.prepare import holdout
from fingerspell.prepare import summary as reports
from fingerspell.prepare.examine import Picture, content, examine
from fingerspell.prepare.groups import conflicts, find_groups
from fingerspell.prepare.records import Bad, same_name
from fingerspell.prepare.scan import Scan, scan, source_names
from fingerspell.prepare.split import Assigned, assign
from fingerspell.prepare.user_groups import coverage, table_text, user_groups
from fingerspell.progress import Progress
from fingerspell.report.data_card import CARD_NAME, data_card
from fingerspell.report.data_report import PAGE_NAME, write_page


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `prepare` did; `untouched` where the very same data set was there already."""

    dataset_dir: Path
    report: reports.Report
    untouched: bool


@dataclass(frozen=True, slots=True)
class _Checked:
    """The usable pictures and their groups: to learn from and of unseen signers; what was left out.

    `named` says of how many pictures the user named the group; None where nothing was asked.
    """

    own: holdout.Side
    unseen_signers: holdout.Side
    bad: list[Bad]
    conflicts: list[list[Picture]]
    copies: list[Picture]
    named: dict[str, Any] | None


def prepare(config: PrepareConfig) -> Prepared:
    """Checks every picture, finds near duplicates, splits, and writes the data set folder.

    The input is only read. The output appears complete or not at all; the same input and
    settings leave an existing one untouched. Raises `DataError` for folders that make no data
    set, for too many bad files, and for an output folder that is in the way.
    """
    started = time.monotonic()
    check_places(config.input_dirs, config.output_dir)
    holdout.check_names(config.holdout_sources, source_names(config.input_dirs))
    found = scan(config.input_dirs)
    inputs = fingerprint(config, found)
    make_ready(config.output_dir)
    if (kept := _existing(config, inputs)) is not None:
        return Prepared(config.output_dir, kept, untouched=True)
    checked = _check(config, found)
    own, unseen_signers = checked.own, checked.unseen_signers
    assigned = assign(config, own.pictures, own.grouping)
    pictures = [*own.pictures, *unseen_signers.pictures]
    groups = [*own.grouping.groups, *unseen_signers.grouping.groups]
    splits = [*assigned.splits, *[HELD_OUT] * len(unseen_signers.pictures)]
    samples = samples_of(pictures, groups, splits)
    qualities = {s.path: p.quality for s, p in zip(samples, pictures, strict=True)}
    ordered = sorted(samples, key=lambda sample: sample.path)
    text = to_csv(ordered)
    with new_folder(config.output_dir) as folder:
        linked = write_pictures(folder, samples, pictures)
        _write(folder / FILE_NAME, text)
        report = {
            "format": reports.FORMAT,
            "inputs_sha256": inputs,
            "manifest_sha256": text_sha256(text),
            **_figures(config, found, checked, assigned, ordered),
            "near_duplicate_pairs": len(own.grouping.pairs),
            "quality": quality_json(ordered, qualities),
            "linked": linked,
            "copied": len(samples) - linked,
            "seconds": round(time.monotonic() - started, 2),
        }
        _write_reports(folder, report, ordered, qualities)
    return Prepared(config.output_dir, report, untouched=False)


def fingerprint(config: PrepareConfig, found: Scan) -> str:
    """Returns a SHA-256 over version, settings and the input files' names, sizes and times."""
    names = source_names(config.input_dirs)
    start = {n: len(str(folder)) for n, folder in zip(names, config.input_dirs, strict=True)}
    files = [
        [f.source, str(f.path)[start[f.source] :], f.label, f.size_bytes, f.mtime_ns,
         f.part and astuple(f.part)]
        for f in found.files
    ]  # fmt: skip
    table = table_text(config.groups_csv) if config.groups_csv else ""
    body = [__version__, reports.FORMAT, reports.config_json(config), table, files]
    return hashlib.sha256(json.dumps(body).encode("utf-8")).hexdigest()


def _existing(config: PrepareConfig, inputs: str) -> reports.Report | None:
    """Returns the report of the same data set if it is there, whole; None to make one."""
    path = config.output_dir / REPORT_NAME
    if config.overwrite or not path.is_file():
        return None
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        same = report["inputs_sha256"] == inputs
        if same and _is_whole(config.output_dir, report["manifest_sha256"]):
            return report
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    raise DataError(
        found=f"{config.output_dir} holds "
        + ("a damaged data set" if same else "a data set of other pictures or settings"),
        expected="a new folder, or permission to replace that one",
        fix="add --overwrite, or choose another --output_dir",
    )


def _is_whole(dataset_dir: Path, manifest_sha256: str) -> bool:
    if not all((dataset_dir / name).is_file() for name in (PAGE_NAME, CARD_NAME)):
        return False
    try:
        return read_manifest(dataset_dir).sha256 == manifest_sha256
    except DataError:
        return False


def _check(config: PrepareConfig, found: Scan) -> _Checked:
    """Opens every picture, groups them, and leaves out what nobody should learn from."""
    pictures, bad = examine(found.files)
    bad = [*found.unusable, *bad]
    check_bad(bad, len(found.files) + len(found.unusable), config.max_bad_share)
    clashes = conflicts(pictures)
    usable = _without(pictures, clashes)
    left_out = [*(b.path for b in bad), *(p.file.path for same in clashes for p in same)]
    given = user_groups(usable, config.group_by, config.groups_csv, left_out)
    if given is not None:
        holdout.refuse_shared(usable, given, config.holdout_sources)
    named = None if given is None else coverage(usable, given)
    grouping = find_groups(usable, config.near_bits, given)
    own, unseen_signers, copies = holdout.divide(usable, grouping, config.holdout_sources)
    labels = {f.label for f in found.files if f.source not in config.holdout_sources}
    check_counts(own.pictures, labels, len(copies))
    holdout.check_unseen_signers(unseen_signers, config.holdout_sources, labels)
    return _Checked(own, unseen_signers, bad, clashes, copies, named)


def _without(pictures: list[Picture], clashes: Sequence[Sequence[Picture]]) -> list[Picture]:
    """Leaves all copies of a picture with two labels out: nobody can say which one is right."""
    hashes = {same[0].sha256 for same in clashes}
    return [picture for picture in pictures if picture.sha256 not in hashes]


def _figures(
    config: PrepareConfig, found: Scan, checked: _Checked, assigned: Assigned,
    samples: Sequence[Sample],
) -> reports.Report:  # fmt: skip
    """Returns what the report says of pictures, splits and what was left out."""
    own = [sample for sample in samples if sample.split != HELD_OUT]
    return {
        "config": reports.config_json(config),
        "layouts": dict(found.layouts),
        "renamed": [asdict(renamed) for renamed in found.renamed],
        "pictures": len(own),
        "groups": len({sample.group for sample in own}),
        "classes": reports.class_table(own),
        "sources": reports.source_table(samples),
        "held_out": sorted({s.source for s in samples if s.split == HELD_OUT}),
        "kept_splits": list(assigned.kept),
        "missed_points": assigned.missed_points,
        "leak": assigned.leaks,
        "bad": reports.bad_list(checked.bad),
        "conflicts": reports.conflict_list(checked.conflicts),
        "copies_of_unseen_signers": [str(picture.file.path) for picture in checked.copies],
        "ignored": [str(path) for path in found.ignored],
        **({"named": checked.named} if checked.named else {}),
    }


def _write_reports(
    folder: Path, report: reports.Report, samples: Sequence[Sample], qualities: Qualities
) -> None:
    """Writes the report for programs, for people, and for those who get the data set."""
    write_page(folder, report, samples, qualities)
    _write(folder / CARD_NAME, data_card(report, samples, qualities))
    # Last: whoever finds it finds everything.
    _write(folder / REPORT_NAME, json.dumps(report, indent=1, ensure_ascii=False) + "\n")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


OURS = frozenset({FILE_NAME, REPORT_NAME, PAGE_NAME, CARD_NAME, *SPLITS, HELD_OUT})
"""What lies at the top of a data set folder."""

MIN_PICTURES = 3
"""A class needs one picture for each split."""


def check_places(input_dirs: Sequence[Path], output_dir: Path) -> None:
    """Refuses an output that touches an input, or that holds anything but a data set."""
    try:
        _check_places(input_dirs, output_dir)
    except (OSError, RuntimeError) as error:  # RuntimeError: links that go in a circle.
        raise DataError(
            found=f"cannot look at --input_dir or --output_dir: {error}",
            expected="folders that may be read",
            fix="check paths, links and permissions",
        ) from error


def _check_places(input_dirs: Sequence[Path], output_dir: Path) -> None:
    output = output_dir.resolve()
    for folder in input_dirs:
        source = folder.resolve()
        if output == source or source in output.parents or output in source.parents:
            raise DataError(
                found=f"output {output_dir} and input {folder} lie inside one another",
                expected="two separate folders: the input is never touched",
                fix="--output_dir dataset, beside the pictures",
            )
    if not output.exists():
        return
    if not output.is_dir():
        raise DataError(
            found=f"{output_dir} is a file",
            expected="a folder, or nothing yet",
            fix="choose another --output_dir",
        )
    names = {path.name for path in output.iterdir()}
    if names and not {FILE_NAME, REPORT_NAME} <= names:
        raise DataError(
            found=f"{output_dir} exists and is not a data set made by prepare",
            expected="an empty or new folder, or a data set of this program",
            fix="choose another --output_dir, or remove that folder yourself",
        )
    if foreign := sorted(name for name in names if name not in OURS and not name.startswith(".")):
        raise DataError(
            found=f"{output_dir} holds more than a data set: {', '.join(foreign[:5])}",
            expected="nothing that prepare did not write: the folder is replaced as a whole",
            fix="move these elsewhere, or choose another --output_dir",
        )


def check_bad(bad: Sequence[Bad], total: int, most: float) -> None:
    """Refuses when nothing can be decoded, or more than the share `most` can't."""
    if len(bad) == total:
        raise DataError(
            found=f"none of {total:,} files is a usable picture, first {bad[0].path}: "
            f"{bad[0].reason}",
            expected="JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC pictures",
            fix="check --input_dir",
        )
    if len(bad) > most * total:
        listed = "; ".join(f"{b.path}: {b.reason}" for b in bad[:3])
        raise DataError(
            found=f"{len(bad):,} of {total:,} files are bad: {listed}",
            expected=f"at most {most:.1%} bad files",
            fix=f"mend them, or allow more: --max_bad {len(bad) / total + 0.01:.2f}",
        )


def check_counts(pictures: Sequence[Picture], labels: Collection[str], copies: int = 0) -> None:
    """Refuses classes that cannot be split in three, counted over the usable pictures.

    `copies` were left out, because held-out sources hold the same pictures.
    """
    counts = Counter(picture.file.label for picture in pictures)
    few = [f"{label} ({counts[label]})" for label in sorted(labels) if counts[label] < MIN_PICTURES]
    if few:
        raise DataError(
            found=f"too few usable pictures in class {', '.join(few)}"
            + (f", after {copies:,} copies of held-out pictures were left out" if copies else ""),
            expected=f"at least {MIN_PICTURES} a class: one each for train, val and test",
            fix="add pictures, or take the class folder out",
        )


_MOST_BYTES = 255
"""The longest file name that the usual file systems hold, in UTF-8."""

_LONGEST_END = 16
"""Bytes of an extension, its dot included; what is longer is part of the name."""

_ATTEMPTS = 8
"""A mark would have to be the name of another picture by chance, each time."""


def samples_of(
    pictures: Sequence[Picture], groups: Sequence[str], splits: Sequence[str]
) -> list[Sample]:
    """Returns the manifest's rows: where each picture will lie, and what is known of it.

    No two lie in the same place, also where capitals make no difference. The order of the
    pictures decides nothing.
    """
    return [
        Sample(
            place,
            picture.file.label,
            split,
            group,
            picture.file.source,
            picture.sha256,
            picture.dhash,
            picture.width,
            picture.height,
        )
        for picture, group, split, place in zip(
            pictures, groups, splits, _places(pictures, splits), strict=True
        )
    ]


def _places(pictures: Sequence[Picture], splits: Sequence[str]) -> list[str]:
    """Returns where each picture lies; names too long, or met twice, get a mark of their own."""
    several = len({picture.file.source for picture in pictures}) > 1
    places = [_place(*each, several) for each in zip(pictures, splits, strict=True)]
    for attempt in range(_ATTEMPTS):
        odd = _odd(places)
        for i in odd:
            places[i] = _marked(places[i], pictures[i], attempt)
        if not odd:
            break
    return places


def _odd(places: Sequence[str]) -> list[int]:
    """Returns which file names are too long, and which places are those of others too."""
    keys = [same_name(place) for place in places]
    met = Counter(keys)
    return [i for i, place in enumerate(places) if met[keys[i]] > 1 or _too_long(place)]


def _too_long(place: str) -> bool:
    return len(place.rpartition("/")[2].encode("utf-8")) > _MOST_BYTES


def _marked(place: str, picture: Picture, attempt: int) -> str:
    """Returns the place with a mark before the extension, the name cut where it is too long.

    The mark says which picture of which source it is, and is another in each attempt.
    """
    file, (folder, _, name) = picture.file, place.rpartition("/")
    identity = "\0".join((str(attempt), file.source, file.label, file.file_name))
    mark = "~" + hashlib.sha256(identity.encode("utf-8")).hexdigest()[:8]
    end = PurePosixPath(name).suffix
    if len(end.encode("utf-8")) > _LONGEST_END:
        end = ""
    room = _MOST_BYTES - len(f"{mark}{end}".encode())
    stem = name.removesuffix(end).encode("utf-8")[:room].decode("utf-8", "ignore")
    return f"{folder}/{stem}{mark}{end}"


def _place(picture: Picture, split: str, several: bool) -> str:
    """Returns where a picture lies in the data set, with forward slashes."""
    file = picture.file
    if split == HELD_OUT:
        return f"{split}/{file.source}/{file.label}/{file.file_name}"
    name = f"{file.source}__{file.file_name}" if several else file.file_name
    return f"{split}/{file.label}/{name}"


def write_pictures(folder: Path, samples: Sequence[Sample], pictures: Sequence[Picture]) -> int:
    """Links, copies or writes every picture; returns how many were linked."""
    for parent in sorted({sample.path.rpartition("/")[0] for sample in samples}):
        (folder / parent).mkdir(parents=True)
    linked = 0
    with Progress(len(samples), "writing") as progress:
        for sample, picture in zip(samples, pictures, strict=True):
            target = f"{folder}/{sample.path}"  # As text: a `Path` takes as long as the link.
            if picture.file.part is None:
                linked += link_or_copy(picture.file.path, target)
            else:
                put(content(picture.file), target)
            progress.advance()
    return linked
