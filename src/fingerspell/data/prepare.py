"""From folders of class-sorted pictures to a checked, split data set folder."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from fingerspell.config import PrepareConfig
from fingerspell.data import holdout
from fingerspell.data import report as reports
from fingerspell.data.assign import Assigned, assign
from fingerspell.data.card import CARD_NAME, data_card
from fingerspell.data.checks import check_bad, check_counts, check_places
from fingerspell.data.examine import Picture, examine
from fingerspell.data.fill import samples_of, write_pictures
from fingerspell.data.found import Bad
from fingerspell.data.given import given_groups
from fingerspell.data.groups import Grouping, conflicts, find_groups
from fingerspell.data.manifest import (
    FILE_NAME,
    HELD_OUT,
    REPORT_NAME,
    Sample,
    read_manifest,
    text_sha256,
    to_csv,
)
from fingerspell.data.page import write_page
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
    """The usable pictures: to learn from and of strangers; and what was left out."""

    own: list[Picture]
    strangers: list[Picture]
    bad: list[Bad]
    conflicts: list[list[Picture]]
    copies: list[Picture]


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
    grouping, strange = _group(config, checked)
    assigned = assign(config, checked.own, grouping)
    pictures = [*checked.own, *checked.strangers]
    splits = [*assigned.splits, *[HELD_OUT] * len(checked.strangers)]
    samples = samples_of(pictures, [*grouping.groups, *strange.groups], splits)
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
            "near_duplicate_pairs": len(grouping.pairs),
            "quality": quality_json(ordered, qualities),
            "linked": linked,
            "copied": len(samples) - linked,
            "seconds": round(time.monotonic() - started, 2),
        }
        _write_reports(folder, report, ordered, qualities)
    return Prepared(config.output_dir, report, untouched=False)


def fingerprint(config: PrepareConfig, found: Scan) -> str:
    """Returns a SHA-256 over settings and the input files' names, sizes and times."""
    files = [
        [str(f.path), f.label, f.source, f.size_bytes, f.mtime_ns, f.part and astuple(f.part)]
        for f in found.files
    ]
    body = [reports.FORMAT, reports.config_json(config), _groups_text(config), files]
    return hashlib.sha256(json.dumps(body).encode("utf-8")).hexdigest()


def _groups_text(config: PrepareConfig) -> str:
    """Returns the text of the table of groups: another text is another data set."""
    try:
        return config.groups_csv.read_text(encoding="utf-8") if config.groups_csv else ""
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            found=f"cannot read {config.groups_csv}: {error}",
            expected="a CSV table with the columns path and group",
            fix="check --groups",
        ) from error


def _existing(config: PrepareConfig, inputs: str) -> reports.Report | None:
    """Returns the report of the same data set if it is there, whole; None if there is nothing."""
    path = config.output_dir / REPORT_NAME
    if not path.is_file():
        return None
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        same = report["inputs_sha256"] == inputs
        if same and read_manifest(config.output_dir).sha256 == report["manifest_sha256"]:
            return report
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if config.overwrite:
        return None
    raise DataError(
        found=f"{config.output_dir} holds "
        + ("a damaged data set" if same else "a data set of other pictures or settings"),
        expected="a new folder, or permission to replace that one",
        fix="add --overwrite, or choose another --output_dir",
    )


def _check(config: PrepareConfig, found: Scan) -> _Checked:
    """Opens every picture and leaves out what nobody should learn from or be tested on."""
    pictures, bad = examine(found.files)
    bad = [*found.unusable, *bad]
    check_bad(bad, len(found.files) + len(found.unusable), config.max_bad_share)
    clashes = conflicts(pictures)
    own, strangers, copies = holdout.divide(_without(pictures, clashes), config.holdout_sources)
    labels = {f.label for f in found.files if f.source not in config.holdout_sources}
    check_counts(own, labels, len(copies))
    return _Checked(own, strangers, bad, clashes, copies)


def _without(pictures: list[Picture], clashes: Sequence[Sequence[Picture]]) -> list[Picture]:
    """Leaves all copies of a picture with two labels out: nobody can say which one is right."""
    hashes = {same[0].sha256 for same in clashes}
    return [picture for picture in pictures if picture.sha256 not in hashes]


def _group(config: PrepareConfig, checked: _Checked) -> tuple[Grouping, Grouping]:
    """Groups the pictures to learn from and, apart from them, those of strangers."""
    skipped = [
        *(bad.path for bad in checked.bad),
        *(picture.file.path for picture in checked.copies),
        *(picture.file.path for same in checked.conflicts for picture in same),
    ]
    everyone = [*checked.own, *checked.strangers]
    both = given_groups(everyone, config.group_by, config.groups_csv, skipped)
    count = len(checked.own)
    own = find_groups(checked.own, config.near_bits, both and both[:count])
    strange = find_groups(checked.strangers, config.near_bits, both and both[count:])
    holdout.refuse_shared(own.groups, strange.groups)
    return own, strange


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
