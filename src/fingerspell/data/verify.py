"""The manifest is law: are the files still what prepare saw?"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fingerspell.cores import reading_threads
from fingerspell.data.manifest import HELD_OUT, SPLITS, Manifest, Sample
from fingerspell.errors import DataError
from fingerspell.progress import Progress

_CHUNK = 256
_NAMED = 3


def verify(manifest: Manifest, splits: Sequence[str] = (*SPLITS, HELD_OUT)) -> int:
    """Hashes every picture of `splits` again; returns how many there were to compare.

    Rows without a hash (a folder that others made) are passed over: nothing is known of them.
    Files that the manifest does not name are never read by anybody and do no harm. Raises
    `DataError` naming the first pictures that were changed or are gone.
    """
    samples = [s for split in splits for s in manifest.split(split) if s.sha256]
    changed = _changed(samples, manifest.dataset_dir) if samples else []
    if changed:
        named = ", ".join(changed[:_NAMED]) + (", …" if len(changed) > _NAMED else "")
        raise DataError(
            found=f"{len(changed):,} of {len(samples):,} pictures in {manifest.dataset_dir} are "
            f"not what prepare saw: {named}",
            expected="the very bytes whose SHA-256 the manifest gives",
            fix="run prepare again with --overwrite, or pass --trust to go on all the same",
        )
    return len(samples)


def _changed(samples: Sequence[Sample], dataset_dir: Path) -> list[str]:
    """Returns the paths whose bytes are others, or cannot be read, in order.

    Threads suffice: reading and hashing release Python's lock.
    """
    chunks = [samples[i : i + _CHUNK] for i in range(0, len(samples), _CHUNK)]
    folder = str(dataset_dir)
    changed: list[str] = []
    with (
        Progress(len(samples), "checking hashes") as progress,
        ThreadPoolExecutor(reading_threads()) as pool,
    ):
        for found in pool.map(lambda chunk: [(s.path, _differs(folder, s)) for s in chunk], chunks):
            changed += [path for path, differs in found if differs]
            progress.advance(len(found))
    return changed


def _differs(folder: str, sample: Sample) -> bool:
    try:
        # Plain strings: building a Path would take as long as hashing the picture.
        with open(f"{folder}/{sample.path}", "rb", buffering=0) as file:  # noqa: PTH123
            return hashlib.sha256(file.read()).hexdigest() != sample.sha256
    except OSError:
        return True
