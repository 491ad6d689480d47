"""From folders of class-sorted pictures to a checked, split data set folder."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from fingerspell import __version__
from fingerspell.config import PrepareConfig
from fingerspell.data import holdout
from fingerspell.data import report as reports
from fingerspell.data.assign import Assigned, assign
from fingerspell.data.card import CARD_NAME, data_card
from fingerspell.data.checks import check_bad, check_counts, check_places
from fingerspell.data.examine import Picture, examine
from fingerspell.data.fill import samples_of, write_pictures
from fingerspell.data.found import Bad
from fingerspell.data.given import coverage, given_groups, table_text
from fingerspell.data.groups import conflicts, find_groups
from fingerspell.data.manifest import (
    FILE_NAME,
    HELD_OUT,
    REPORT_NAME,
    Sample,
    read_manifest,
    text_sha256,
    to_csv,
)
from fingerspell.data.page import PAGE_NAME, write_page
from fingerspell.data.place import make_ready, new_folder
from fingerspell.data.scan import Scan, scan, source_names
from fingerspell.data.spread import Qualities, quality_json
from fingerspell.errors import DataError


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `prepare` did; `untouched` where the very same data set was there already."""

    dataset_dir: Path
    report: reports.Report
    untouched: bool


@dataclass(frozen=True, slots=True)
class _Checked:
    """The usable pictures and their groups: to learn from and of strangers; what was left out.

    `named` says of how many pictures the user named the group; None where nothing was asked.
    """

    own: holdout.Side
    strangers: holdout.Side
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
    own, strangers = checked.own, checked.strangers
    assigned = assign(config, own.pictures, own.grouping)
    pictures = [*own.pictures, *strangers.pictures]
    groups = [*own.grouping.groups, *strangers.grouping.groups]
    splits = [*assigned.splits, *[HELD_OUT] * len(strangers.pictures)]
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
    given = given_groups(usable, config.group_by, config.groups_csv, left_out)
    if given is not None:
        holdout.refuse_shared(usable, given, config.holdout_sources)
    named = None if given is None else coverage(usable, given)
    grouping = find_groups(usable, config.near_bits, given)
    own, strangers, copies = holdout.divide(usable, grouping, config.holdout_sources)
    labels = {f.label for f in found.files if f.source not in config.holdout_sources}
    check_counts(own.pictures, labels, len(copies))
    holdout.check_strangers(strangers, config.holdout_sources, labels)
    return _Checked(own, strangers, bad, clashes, copies, named)


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
        "copies_of_strangers": [str(picture.file.path) for picture in checked.copies],
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
