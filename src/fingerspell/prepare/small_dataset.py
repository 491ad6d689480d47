"""Data set of a user's few pictures beside synthetic hands, for adapting the recogniser."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from fingerspell.config.prepare import PrepareConfig
from fingerspell.dataset.manifest import (
    FILE_NAME,
    REPORT_NAME,
    SmallDataset,
    read_manifest,
    text_sha256,
    to_csv,
)
from fingerspell.files import replaced_folder, require_replaceable, write_text
from fingerspell.prepare.examine import Picture, check_bad, examine
from fingerspell.prepare.groups import find_groups, without_conflicts
from fingerspell.prepare.prepare import check_places, samples_of, write_pictures
from fingerspell.prepare.scan import scan
from fingerspell.prepare.split import split_groups

_LEAST_GROUPS = 4
"""With fewer, holding one back would cost a class a third of what it can learn from, or more."""


def prepare_small_dataset(
    input_dir: Path, synthetic_dir: Path, dataset_dir: Path, *, test_share: float, seed: int
) -> SmallDataset:
    """Writes the data set folder of `input_dir`'s pictures, some of them held back in `test`.

    Near duplicates stay together: a class with fewer than `_LEAST_GROUPS` groups of them is
    trained on whole, because each of them counts. `synthetic_dir` holds class folders under `train`
    and `val`, which stay as they are; it brings every class that must not be forgotten. Unusable
    pictures are left out, and named. Raises `DataError` where none is usable.
    """
    check_places((input_dir,), dataset_dir)
    scanned = scan((input_dir, synthetic_dir))
    (own_source, _), (synthetic_source, _) = scanned.sources
    require_replaceable(dataset_dir)
    pictures, bad = examine(scanned.records)
    bad = [*scanned.unusable, *bad]
    own = [p for p in pictures if p.file.source == own_source]
    check_bad(bad, len(bad) + len(own), 1.0)
    chosen, conflicts = without_conflicts(own)
    groups, splits = _placed(chosen, test_share, seed)
    synthetic = [p for p in pictures if p.file.source == synthetic_source]
    samples = samples_of(
        [*chosen, *synthetic],
        [*groups, *(f"{synthetic_source}/{p.file.label}/{p.file.file_name}" for p in synthetic)],
        [*splits, *(p.file.split for p in synthetic)],
    )
    text = to_csv(sorted(samples, key=lambda sample: sample.path))
    report = {"config": {"split": "groups"}, "manifest_sha256": text_sha256(text)}
    with replaced_folder(dataset_dir) as folder:
        write_pictures(folder, samples, [*chosen, *synthetic])
        write_text(folder / FILE_NAME, text)
        write_text(folder / REPORT_NAME, json.dumps(report, indent=1) + "\n")
    twice = {p.file.path for same in conflicts for p in same}
    left_out = (
        *(f"{b.path}: {b.reason}" for b in bad),
        *(f"{p.file.path}: lies under several classes" for p in own if p.file.path in twice),
    )
    return SmallDataset(read_manifest(dataset_dir), own_source, left_out)


def _placed(
    pictures: list[Picture], test_share: float, seed: int
) -> tuple[tuple[str, ...], list[str]]:
    """Returns the group and the split of every picture; classes of few groups are not tested."""
    near_bits = PrepareConfig(input_dirs=(Path(),), output_dir=Path()).near_bits
    groups = find_groups(pictures, near_bits).groups
    labels = [picture.file.label for picture in pictures]
    splits = split_groups(labels, groups, (1 - test_share, 0.0, test_share), seed)
    counts = Counter(label for label, _ in set(zip(labels, groups, strict=True)))
    whole = {g for x, g in zip(labels, groups, strict=True) if counts[x] < _LEAST_GROUPS}
    return groups, [
        "train" if group in whole else split for group, split in zip(groups, splits, strict=True)
    ]
