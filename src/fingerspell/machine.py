"""Facts of the machine: cores, package versions, git commit, peak memory; library logging."""

import faulthandler
import importlib
import importlib.metadata
import logging
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

_MOST = 8
"""Python's lock keeps more than a few reading threads from working at once, and a picture of
50 million pixels takes 300 MB in each of them."""


def usable_cores() -> int:
    """Returns the cores that this process may run on, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def reading_threads() -> int:
    """Returns the threads for reading pictures: decoding and hashing release Python's lock."""
    return max(2, min(_MOST, usable_cores()))


_PACKAGES = ("fingerspell", "keras", "tensorflow", "tensorflow-cpu", "torch", "jax", "grain",
            "numpy", "opencv-python-headless", "simplejpeg", "ai-edge-litert")  # fmt: skip

_FIGURES = "benchmarks/results"


def versions() -> dict[str, str]:
    """Returns the versions of what computes the figures; absent packages are left out."""
    installed = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return installed


def machine() -> dict[str, Any]:
    """Returns the system, the processor and the number of cores this process may use."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": usable_cores(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")), "")


def commit() -> str:
    """Returns the git commit of the source, with `+` where it was changed; empty outside git.

    Figures that a study has just written into `benchmarks/results` are no change of the source.
    """
    here = Path(__file__).parent
    try:
        git = ["git", "-C", str(here)]
        head = subprocess.run(
            [*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True
        )
        dirty = subprocess.run(
            [*git, "status", "--porcelain", "-uno", "--", ":(top)", f":(top,exclude){_FIGURES}"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head.stdout.strip() + ("+" if dirty.stdout.strip() else "")


def peak_memory_bytes() -> int:
    """Returns the largest resident memory of this process so far."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)  # macOS counts bytes.


def silence_libraries() -> None:
    """Shows errors only: absent profilers and re-traced graphs are no news to a user.

    Keras re-traces its prediction function for a short last batch, once; TensorFlow warns of it
    with five lines.
    """
    for name in ("absl", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)


_NEWS = re.compile(
    r"WARNING: All log messages before absl|fully_quantize: |([\d-]{10} [\d:.]+: )?[IW](\d{4})? "
)
_CUDA = re.compile(r"([\d-]{10} [\d:.]+: )?E(\d{4})? .*(cuda|cuinit|cudnn|cublas|cufft|gpu)", re.I)


def _concerns_user(line: str, has_gpu: bool) -> bool:
    """Whether a line of a native library is more than news: CUDA is, only where a GPU is."""
    return not (_NEWS.match(line) or (not has_gpu and _CUDA.match(line)))


@contextmanager
def quiet_start() -> Iterator[None]:
    """Hides what TensorFlow's native code writes to standard error in the block, unless it matters.

    While it loads and looks for GPUs, it tells of kernels and of absent CUDA drivers, beside
    Python's logging and TF_CPP_MIN_LOG_LEVEL. All other lines come afterwards; every line, where
    the block raises; a crash still shows where it happened.
    """
    sys.stderr.flush()
    real, failed = os.dup(2), True
    watched = faulthandler.is_enabled()
    with TemporaryFile() as held:
        try:
            faulthandler.enable(real)
            os.dup2(held.fileno(), 2)
            yield
            failed = False
        finally:
            os.dup2(real, 2)
            faulthandler.enable(2) if watched else faulthandler.disable()
            os.close(real)
            held.seek(0)
            has_gpu = failed or shutil.which("nvidia-smi") is not None
            lines = held.read().decode("utf-8", "replace").splitlines(keepends=True)
            sys.stderr.write("".join(x for x in lines if failed or _concerns_user(x, has_gpu)))


def load_quietly(module: str) -> None:
    """Imports a module as `quiet_start` does."""
    with quiet_start():
        importlib.import_module(module)
