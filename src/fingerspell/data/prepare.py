"""From folders of class-sorted pictures to a checked, split data set folder."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fingerspell.config import PrepareConfig
from fingerspell.data import report as reports
from fingerspell.data.checks import check_bad, check_counts, check_places
from fingerspell.data.examine import Picture, examine
from fingerspell.data.groups import Grouping, conflicts, find_groups
from fingerspell.data.manifest import (
    FILE_NAME,
    REPORT_NAME,
    SPLITS,
    Sample,
    read_manifest,
    text_sha256,
    to_csv,
)
from fingerspell.data.place import link_or_copy, make_ready, new_folder
from fingerspell.data.scan import Scan, scan
from fingerspell.data.split import leak, split_groups, split_random
from fingerspell.errors import DataError
from fingerspell.progress import Progress


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `prepare` did; `untouched` where the very same data set was there already."""

    dataset_dir: Path
    report: reports.Report
    untouched: bool


def prepare(config: PrepareConfig) -> Prepared:
    """Checks every picture, finds near duplicates, splits, and writes the data set folder.

    The input is only read. The output appears complete or not at all; the same input and
    settings leave an existing one untouched. Raises `DataError` for folders that make no data
    set, for too many bad files, and for an output folder that is in the way.
    """
    started = time.monotonic()
    check_places(config.input_dirs, config.output_dir)
    found = scan(config.input_dirs)
    inputs = fingerprint(config, found)
    make_ready(config.output_dir)
    if (kept := _existing(config, inputs)) is not None:
        return Prepared(config.output_dir, kept, untouched=True)
    pictures, bad = examine(found.files)
    check_bad(bad, len(found.files), config.max_bad_share)
    clashes = conflicts(pictures)
    pictures = _without(pictures, clashes)
    check_counts(pictures, found)
    grouping = find_groups(pictures, config.near_bits)
    splits, leaks = _split(config, pictures, grouping)
    samples = _samples(pictures, grouping, splits)
    with new_folder(config.output_dir) as folder:
        linked = _write_pictures(folder, samples, pictures)
        ordered = sorted(samples, key=lambda sample: sample.path)
        text = to_csv(ordered)
        report = {
            "format": reports.FORMAT,
            "inputs_sha256": inputs,
            "manifest_sha256": text_sha256(text),
            "config": reports.config_json(config),
            "pictures": len(samples),
            "groups": len(set(grouping.groups)),
            "near_duplicate_pairs": len(grouping.pairs),
            "classes": reports.class_table(ordered),
            "sources": reports.source_table(ordered),
            "leak": leaks,
            "bad": reports.bad_list(bad),
            "conflicts": reports.conflict_list(clashes),
            "ignored": [str(path) for path in found.ignored],
            "linked": linked,
            "copied": len(samples) - linked,
            "seconds": round(time.monotonic() - started, 2),
        }
        _write(folder / FILE_NAME, text)
        _write(folder / REPORT_NAME, json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return Prepared(config.output_dir, report, untouched=False)


def fingerprint(config: PrepareConfig, found: Scan) -> str:
    """Returns a SHA-256 over settings and the input files' names, sizes and times."""
    files = [[str(f.path), f.label, f.source, f.size_bytes, f.mtime_ns] for f in found.files]
    body = [reports.FORMAT, reports.config_json(config), files]
    return hashlib.sha256(json.dumps(body).encode("utf-8")).hexdigest()


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


def _without(pictures: list[Picture], clashes: Sequence[Sequence[Picture]]) -> list[Picture]:
    """Leaves all copies of a picture with two labels out: nobody can say which one is right."""
    hashes = {same[0].sha256 for same in clashes}
    return [picture for picture in pictures if picture.sha256 not in hashes]


def _split(
    config: PrepareConfig, pictures: Sequence[Picture], grouping: Grouping
) -> tuple[list[str], dict[str, dict[str, int]]]:
    """Splits by the rule asked for; returns also what it and a random split leak."""
    labels = [picture.file.label for picture in pictures]
    shares = (config.train_share, config.val_share, config.test_share)
    random = split_random(labels, shares, config.seed)
    splits = (
        random
        if config.split == "random"
        else split_groups(labels, grouping.groups, shares, config.seed)
    )
    if empty := [split for split in SPLITS if split not in splits]:
        raise DataError(
            found=f"nothing for {', '.join(empty)}: no class has three separate groups",
            expected="pictures from at least three separate recordings in some class",
            fix="add pictures of other scenes, or lower --near_bits, or use --split random "
            "(its test score will be too good)",
        )

    def counted(of: Sequence[str]) -> dict[str, int]:
        leaked = asdict(leak(of, grouping.groups, grouping.pairs))
        return {**leaked, "test_pictures": sum(split == "test" for split in of)}

    return splits, {"this_split": counted(splits), "random_split": counted(random)}


def _samples(
    pictures: Sequence[Picture], grouping: Grouping, splits: Sequence[str]
) -> list[Sample]:
    several = len({picture.file.source for picture in pictures}) > 1
    samples = []
    for picture, group, split in zip(pictures, grouping.groups, splits, strict=True):
        file = picture.file
        name = f"{file.source}__{file.path.name}" if several else file.path.name
        samples.append(
            Sample(
                f"{split}/{file.label}/{name}",
                file.label,
                split,
                group,
                file.source,
                picture.sha256,
                picture.dhash,
                picture.width,
                picture.height,
            )
        )
    return samples


def _write_pictures(folder: Path, samples: Sequence[Sample], pictures: Sequence[Picture]) -> int:
    """Links or copies every picture; returns how many were linked."""
    for parent in sorted({(folder / sample.path).parent for sample in samples}):
        parent.mkdir(parents=True)
    linked = 0
    with Progress(len(samples), "writing") as progress:
        for sample, picture in zip(samples, pictures, strict=True):
            linked += link_or_copy(picture.file.path, folder / sample.path)
            progress.advance()
    return linked


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
