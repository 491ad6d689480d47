"""Pictures from outside the data set: can they be read, and are they no part of it?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fingerspell.data.examine import examine
from fingerspell.data.found import Bad, Found
from fingerspell.data.manifest import Manifest
from fingerspell.errors import DataError


def check_outsiders(name: str, paths: Sequence[Path], manifest: Manifest) -> list[Bad]:
    """Opens every picture; returns those that cannot be read, with the reason.

    Raises `DataError` where the data set holds the bytes of any, whatever the split: what was
    trained on would pass for a stranger. Rows without a hash are passed over.
    """
    pictures, bad = examine([Found(path, "", name, _size_bytes(path), 0) for path in paths])
    known = {sample.sha256: sample for sample in manifest.samples if sample.sha256}
    if own := [picture for picture in pictures if picture.sha256 in known]:
        raise DataError(
            found=f"{len(own):,} of {len(paths):,} pictures of {name} are in the data set too, "
            f"first {own[0].file.path}, which is {known[own[0].sha256].path}",
            expected="strangers: pictures that no split of the data set holds",
            fix="take them out of that folder, or keep the whole source out of training: "
            "prepare --holdout_source",
        )
    return bad


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # Reading it will say why.
