"""Pictures that can no longer be read while a run learns from them."""

from __future__ import annotations

from fingerspell.data.manifest import Manifest
from fingerspell.errors import DataError, PictureError
from fingerspell.images import read
from fingerspell.train.devices import behind


def refuse_lost_picture(manifest: Manifest, error: BaseException) -> None:
    """Raises `DataError` where a picture that could not be read is behind `error`."""
    if found := _what_was_found(manifest, error):
        raise DataError(
            found=found,
            expected="every picture of the data set until the run has finished",
            fix="put the picture back as it was, then give the same command with --resume",
        ) from error


def _what_was_found(manifest: Manifest, error: BaseException) -> str:
    """Returns which picture is wrong, and how; nothing where it was another thing.

    TensorFlow makes text of what a generator raises: there the picture is looked for by its
    path, and read again to learn what is wrong.
    """
    for one in behind(error):
        if isinstance(one, PictureError):
            return one.found
    text, found = str(error), ""
    if PictureError.__name__ not in text:
        return found
    for path in map(manifest.absolute, manifest.samples):
        if str(path) in text:
            found = f"{path} could not be read for a moment"
            try:
                read(path)
            except PictureError as wrong:
                return wrong.found
    return found
