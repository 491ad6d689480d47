"""Swaps a new recogniser in while the server runs: no request is lost, and a bad one is refused.

The files are looked at every few seconds, which works on every system and for every way of putting
them there. What is still being copied is left alone until it stays as it is.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fingerspell.errors import ConfigError, FingerspellError
from fingerspell.live import LiveRules
from fingerspell.runtime import Predictor
from fingerspell.runtime.contract import FILE_NAME
from fingerspell.serve.service import Service

_log = logging.getLogger("uvicorn.error")
_BESIDE = (FILE_NAME, "training_set_labels.txt")

Signature = tuple[tuple[str, int, int], ...]


def signature(path: Path) -> Signature:
    """Returns name, size and time of the last change of every file of a bundle or a model."""
    own = [path, *(path.parent / name for name in _BESIDE)] if path.is_file() else []
    found = own or [*path.glob("*"), *path.glob("variables/*")]
    files = []
    for file in sorted(found):
        try:
            about = file.stat()
        except OSError:
            continue
        if file.is_file():
            files.append((file.name, about.st_size, about.st_mtime_ns))
    return tuple(files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """Where the served recogniser lies, how it is loaded anew, and how often to look, in seconds.

    `loaded` is its signature from before it was loaded for the first time.
    """

    path: Path
    loaded: Signature
    load: Callable[[], tuple[Predictor, LiveRules]]
    every_s: float


async def keep_current(service: Service, how: Reload) -> None:
    """Looks at the files for ever, and swaps in what changed and then stayed as it is."""
    tried = seen = how.loaded
    run = asyncio.get_running_loop().run_in_executor
    # One thread for all of them: what loading frees comes back to the thread that allocated it.
    thread = ThreadPoolExecutor(1, "reload")
    try:
        while True:
            await asyncio.sleep(how.every_s)
            now = await run(thread, signature, how.path)
            settled, seen = now == seen, now
            if settled and now != tried:
                tried = now
                await run(thread, swap, service, how.load)
    finally:
        thread.shutdown(wait=False, cancel_futures=True)


def swap(service: Service, load: Callable[[], tuple[Predictor, LiveRules]]) -> bool:
    """Loads a recogniser and serves it from the next picture on; False where it is refused.

    What is being read is finished by the old one. Other labels are refused: the texts and frames
    of open streams are of the old ones.
    """
    old = service.recogniser
    try:
        new, rules = load()
        if new.labels != old.labels or new.allowed != old.allowed:
            raise ConfigError(
                found=f"a recogniser of the {len(new.allowed)} labels {' '.join(new.allowed)}",
                expected=f"the {len(old.allowed)} that are served: {' '.join(old.allowed)}",
                fix="start the server anew to serve other labels",
            )
        new.recognise(np.zeros((*new.size_px, 3), np.uint8))
    except (FingerspellError, OSError, ValueError, RuntimeError, MemoryError) as error:
        _log.warning("the new recogniser is refused, the old one serves on: %s", error)
        service.metrics.swaps.labels("refused").inc()
        return False
    service.recogniser, service.rules, service.sessions.rules = new, rules, rules
    service.metrics.swaps.labels("swapped").inc()
    _log.info("a new recogniser serves: %s, threshold %g", new.name, new.threshold)
    return True
