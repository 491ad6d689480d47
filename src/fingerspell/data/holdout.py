"""Whole sources that nothing is trained on: the strangers' test set."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fingerspell.data.examine import Picture
from fingerspell.errors import DataError


def check_names(wanted: Collection[str], sources: Collection[str]) -> None:
    """Raises `DataError` for a name that is no source, or where no source is left to train on."""
    if unknown := [name for name in wanted if name not in sources]:
        raise DataError(
            found=f"no source called {', '.join(unknown)}",
            expected=f"one of {', '.join(sources)}: sources are named after their folders",
            fix="check --holdout_source",
        )
    if wanted and set(sources) <= set(wanted):
        raise DataError(
            found=f"every source is held out: {', '.join(sources)}",
            expected="at least one source to train on",
            fix="add a folder to --input_dir, or hold out fewer",
        )


def divide(
    pictures: Sequence[Picture], names: Collection[str]
) -> tuple[list[Picture], list[Picture], list[Picture]]:
    """Returns pictures to learn from, strangers, and the copies of strangers left out of both.

    A file that lies byte for byte in a held-out source too would make its people known.
    """
    strangers = [picture for picture in pictures if picture.file.source in names]
    known = {picture.sha256 for picture in strangers}
    others = [picture for picture in pictures if picture.file.source not in names]
    copies = [picture for picture in others if picture.sha256 in known]
    return [picture for picture in others if picture.sha256 not in known], strangers, copies


def refuse_shared(own: Collection[str], held_out: Collection[str]) -> None:
    """Raises `DataError` where a group that the user named lies on both sides."""
    if shared := sorted(set(own) & set(held_out)):
        raise DataError(
            found=f"group {shared[0]} lies in a held-out source and in one to learn from"
            + (f", and {len(shared) - 1} more do" if len(shared) > 1 else ""),
            expected="strangers that are in no training picture",
            fix="hold out every source that shows them, or correct the groups",
        )
