"""A folder for one process at a time: the system keeps the lock, and drops it when one dies."""

from __future__ import annotations

import errno
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fingerspell.errors import RunError

FAR_BYTES = 2**30
"""Windows locks bytes and not files: one behind the text, so that others can read that."""


TAKEN = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
"""How the systems say that somebody else holds it; anything else: there are no locks here."""


@contextmanager
def claimed(lock: Path) -> Iterator[None]:
    """Holds the file `lock` in a folder while the block runs; it names the process that does.

    The file stays. Without a process that holds it, it says nothing: whoever was killed is in
    nobody's way. Raises `RunError` where another process, or another part of this, holds it.
    """
    with lock.open("a+", encoding="utf-8") as file:
        try:
            _take(file.fileno())
        except OSError as error:
            if error.errno in TAKEN:
                file.seek(0)
                raise RunError(
                    found=f"{lock.parent} is in use by {file.read().strip() or 'another process'}",
                    expected="one process at a time in a folder",
                    fix="wait for that one or end it, or choose another --output_dir",
                ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}\n")
        file.flush()
        yield


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        os.lseek(descriptor, FAR_BYTES, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
