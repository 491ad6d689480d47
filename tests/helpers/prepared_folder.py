"""A small data set folder in place, with its samples, qualities and report, for page and card."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fingerspell.dataset.manifest import HELD_OUT, Sample
from fingerspell.dataset.quality import Quality
from fingerspell.images import encode_jpeg
from fingerspell.prepare.summary import _class_table, source_table
from helpers.synthetic_folder import frame

SPLITS = ("train", "val", "test")


def run(
    label: str, source: str = "kitchen", *, split: str, group: str, pictures: int = 3
) -> list[Sample]:
    """The samples of one run of neighbouring frames, 48 pixels wide."""
    return [
        Sample(
            f"{split}/{label}/{source}__{group.replace('/', '_')}_{i}.jpg",
            label, split, group, source, "ab" * 32, "cd" * 16, 48, 48,
        )
        for i in range(pictures)
    ]  # fmt: skip


def write_pictures(folder: Path, samples: Iterable[Sample]) -> None:
    """Draws every sample's picture where its path says."""
    for number, sample in enumerate(samples):
        path = folder / sample.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_jpeg(frame(number, 0)))


def qualities(samples: Iterable[Sample]) -> dict[str, Quality]:
    """Every picture of usual light, its skin tone 20°."""
    return {sample.path: Quality(skin_ita_deg=20.0) for sample in samples}


def two_classes() -> list[Sample]:
    """Classes A and B, a run in each split."""
    return [
        sample
        for label in "AB"
        for split in SPLITS
        for sample in run(label, split=split, group=f"kitchen/{label}/{split}")
    ]


def report(
    samples: Sequence[Sample],
    *,
    config: dict[str, Any] | None = None,
    this_split: dict[str, int] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """What `report.json` holds, as far as page and card read it; `config` and `this_split`: what
    differs there.
    """
    own = [sample for sample in samples if sample.split != HELD_OUT]
    return {
        "config": {
            "input_dirs": ["/home-of-somebody/private/kitchen"], "shares": [0.7, 0.15, 0.15],
            "seed": 7, "split": "groups", "near_bits": 18, "max_bad_share": 0.01,
            **(config or {}),
        },
        "manifest_sha256": "f" * 64,
        "pictures": len(own),
        "groups": len({sample.group for sample in own}),
        "classes": _class_table(own),
        "sources": source_table(samples),
        "held_out": sorted({sample.source for sample in samples} - {s.source for s in own}),
        "kept_splits": [],
        "leak": {
            "this_split": {**leak(0, 0, 0, 6), **(this_split or {})},
            "random_split": leak(4, 1234, 5, 8),
        },
        "missed_points": {}, "layouts": {}, "renamed": [], "bad": [], "conflicts": [],
        "copies_of_unseen_signers": [], "ignored": [],
        **more,
    }  # fmt: skip


def leak(torn: int, pairs: int, twins: int, pictures: int) -> dict[str, int]:
    """What the report says of a split."""
    return {"torn_groups": torn, "crossing_pairs": pairs,
            "test_pictures_with_twin_in_train": twins, "test_pictures": pictures}  # fmt: skip
