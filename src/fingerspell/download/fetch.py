"""Brings a public data set here through `kagglehub`, which needs no account for these.

The archive grows in a hidden folder beside the goal, where `kagglehub` finds it again and continues
after an interruption; the unpacked set gets its name in one step, complete.
"""

import json
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from fingerspell.download.catalogue import CATALOGUE, PublicSet
from fingerspell.errors import DataError
from fingerspell.install import pip

CACHE = "KAGGLEHUB_CACHE"
"""The environment variable that tells `kagglehub` where to keep what it fetches."""

_AGAIN = "run the same command again: it continues where it stopped"


def fetch(name: str, output_dir: Path) -> Path:
    """Returns the folder `output_dir/name`, downloaded unless it is there already.

    In a Kaggle or Colab notebook, where the set may be attached, its folder is returned instead.
    Raises `DataError` without the package, the network, the room, or Kaggle's consent; what was
    fetched so far is kept for the next try.
    """
    goal, cache = output_dir / name, output_dir / f".{name}.download"
    if goal.is_dir():
        shutil.rmtree(cache, ignore_errors=True)
        return goal
    hub = _kagglehub()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _check_room(cache, CATALOGUE[name])
        with _environment(CACHE, str(cache.resolve())):
            found = Path(hub.dataset_download(CATALOGUE[name].handle))
        if not found.is_relative_to(cache.resolve()):
            return found
        found.rename(goal)
    except DataError:
        raise
    except Exception as error:
        if _is_damaged(error):
            shutil.rmtree(cache, ignore_errors=True)
        if (said := _explain(error, name, goal)) is None:
            raise
        raise said from error
    shutil.rmtree(cache, ignore_errors=True)
    return goal


def _explain(error: Exception, name: str, goal: Path) -> DataError | None:
    """Returns the error to show a user; None for an error of another kind."""
    handle = CATALOGUE[name].handle
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403, 404):
        return DataError(
            found=f"Kaggle refuses {handle} (status {status})",
            expected="a public data set, for which no account is needed",
            fix="look it up on Kaggle's site; if it asks for an account now, set KAGGLE_API_TOKEN, "
            f"or fetch the archive with a browser and unpack it into {goal}",
        )
    if status == 429:
        return DataError(
            found="Kaggle answers that too much was asked for (429)",
            expected="a pause between downloads",
            fix="wait a quarter of an hour, then " + _AGAIN,
        )
    if status is not None:
        return DataError(
            found=f"Kaggle answers with an error of its own ({status})",
            expected="the data set",
            fix="wait a little, then " + _AGAIN,
        )
    if _is_network(error):
        return DataError(
            found=f"the connection to Kaggle failed ({type(error).__name__})",
            expected="a network that reaches Kaggle until the last byte",
            fix="check the connection (behind a proxy: set HTTPS_PROXY), then " + _AGAIN,
        )
    if isinstance(error, OSError):
        return DataError(
            found=f"cannot write {goal}: {error.strerror or error}",
            expected="a folder that may be written, with room for the archive and its pictures",
            fix="choose another --output_dir, or free some space",
        )
    if _is_damaged(error):
        return DataError(
            found=f"what came for {handle} is damaged ({error})",
            expected="an archive that unpacks",
            fix="run the same command again: it starts afresh, the damaged archive is deleted",
        )
    return None


def _is_network(error: Exception) -> bool:
    """No answer, half an answer, or a page instead of one, as from a hotel's login."""
    import requests

    return isinstance(error, (requests.exceptions.RequestException, json.JSONDecodeError))


def _is_damaged(error: Exception) -> bool:
    """An archive cut short, longer than it should be, with other bytes, or none at all."""
    kinds = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError)
    corrupt = type(error).__name__ == "DataCorruptionError"
    no_archive = isinstance(error, ValueError) and "archive" in str(error)
    return corrupt or no_archive or isinstance(error, kinds)


def _kagglehub() -> ModuleType:
    try:
        import kagglehub
    except ImportError as error:
        raise DataError(
            found="the package kagglehub is not installed",
            expected="kagglehub, which fetches data sets from Kaggle",
            fix=pip("install", "kagglehub>=1,<2"),
        ) from error
    module: ModuleType = kagglehub
    return module


def _check_room(folder: Path, wanted: PublicSet) -> None:
    """Refuses before the first byte where archive and pictures cannot lie side by side."""
    there = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    needed, free = 2 * wanted.size_bytes - there, shutil.disk_usage(folder).free
    if free < needed:
        raise DataError(
            found=f"{free / 1e9:.1f} GB free for {folder.parent}",
            expected=f"{needed / 1e9:.1f} GB, for the archive and its pictures",
            fix="free some space, or choose another --output_dir",
        )


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
