"""A data set of a few pictures: checked and grouped like a large one, and beside synthetic ones."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from fingerspell.config import PrepareConfig
from fingerspell.dataset.manifest import (
    FILE_NAME,
    REPORT_NAME,
    Manifest,
    read_manifest,
    text_sha256,
    to_csv,
)
from fingerspell.files import make_ready, new_folder
from fingerspell.prepare.examine import Picture, examine
from fingerspell.prepare.groups import conflicts, find_groups
from fingerspell.prepare.prepare import check_bad, check_places, samples_of, write_pictures
from fingerspell.prepare.scan import scan, source_names
from fingerspell.prepare.split import split_groups

LEAST_GROUPS = 4
"""With fewer, holding one back would cost a class a third of what it can learn from, or more."""


@dataclass(frozen=True, slots=True)
class SmallDataset:
    """The data set, what the user's own source is called in it, and which files were left out."""

    manifest: Manifest
    source: str
    left_out: tuple[str, ...]


def prepare_small_dataset(
    input_dir: Path, synthetic_dir: Path, dataset_dir: Path, *, test_share: float, seed: int
) -> SmallDataset:
    """Writes the data set folder of `input_dir`'s pictures, some of them held back in `test`.

    Near duplicates stay together: a class with fewer than `LEAST_GROUPS` groups of them is
    trained on whole, because each of them counts. `synthetic_dir` holds class folders under `train`
    and `val`, which stay as they are; it brings every class that must not be forgotten. Unusable
    pictures are left out, and named. Raises `DataError` where none is usable.
    """
    check_places((input_dir,), dataset_dir)
    names = source_names((input_dir, synthetic_dir))
    found = scan((input_dir, synthetic_dir))
    make_ready(dataset_dir)
    pictures, bad = examine(found.files)
    bad = [*found.unusable, *bad]
    own = [p for p in pictures if p.file.source == names[0]]
    check_bad(bad, len(bad) + len(own), 1.0)
    twice = {p.sha256 for same in conflicts(own) for p in same}
    chosen = [p for p in own if p.sha256 not in twice]
    groups, splits = _placed(chosen, test_share, seed)
    synthetic = [p for p in pictures if p.file.source == names[1]]
    samples = samples_of(
        [*chosen, *synthetic],
        [*groups, *(f"{names[1]}/{p.file.label}/{p.file.file_name}" for p in synthetic)],
        [*splits, *(p.file.split for p in synthetic)],
    )
    ordered = sorted(samples, key=lambda sample: sample.path)
    text = to_csv(ordered)
    report = {"config": {"split": "groups"}, "manifest_sha256": text_sha256(text)}
    with new_folder(dataset_dir) as folder:
        write_pictures(folder, samples, [*chosen, *synthetic])
        _write(folder / FILE_NAME, text)
        _write(folder / REPORT_NAME, json.dumps(report, indent=1) + "\n")
    left_out = (
        *(f"{b.path}: {b.reason}" for b in bad),
        *(f"{p.file.path}: lies under several classes" for p in own if p.sha256 in twice),
    )
    return SmallDataset(read_manifest(dataset_dir), names[0], left_out)


def _placed(
    pictures: list[Picture], test_share: float, seed: int
) -> tuple[tuple[str, ...], list[str]]:
    """Returns the group and the split of every picture; classes of few groups are not tested."""
    near_bits = PrepareConfig(input_dirs=(Path(),), output_dir=Path()).near_bits
    groups = find_groups(pictures, near_bits).groups
    labels = [picture.file.label for picture in pictures]
    splits = split_groups(labels, groups, (1 - test_share, 0.0, test_share), seed)
    counts = Counter(label for label, _ in set(zip(labels, groups, strict=True)))
    whole = {g for x, g in zip(labels, groups, strict=True) if counts[x] < LEAST_GROUPS}
    return groups, [
        "train" if group in whole else split for group, split in zip(groups, splits, strict=True)
    ]


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
