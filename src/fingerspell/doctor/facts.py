"""Facts about the machine: Python, packages, GPU, memory, disk. `checks` judges them."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from fingerspell.assets import has_starter
from fingerspell.backends import chosen, keras_home
from fingerspell.doctor.packages import installed, pinned
from fingerspell.files import nearest_existing, why_not_writable

_PROBE_TIMEOUT_S = 60.0
_PROBES = {
    "tensorflow": (
        "import tensorflow as m;"
        "gpus = [d.name for d in m.config.list_physical_devices('GPU')];"
        "cuda = m.test.is_built_with_cuda()"
    ),
    "torch": (
        "import torch as m;"
        "gpus = [m.cuda.get_device_name(i) for i in range(m.cuda.device_count())];"
        "cuda = m.version.cuda is not None"
    ),
    "jax": (
        "import jax as m;"
        "gpus = [str(d) for d in m.devices() if d.platform == 'gpu'];"
        "cuda = bool(gpus)"
    ),
}
"""What each Keras backend is asked in a process of its own: a crash there is an answer too."""

_WEIGHTS_FILE = "weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5"


@dataclass(frozen=True, slots=True)
class Gpu:
    """One line of nvidia-smi."""

    name: str
    memory_mib: int
    free_mib: int
    driver: str


@dataclass(frozen=True, slots=True)
class Probe:
    """What the backend said of itself; `error` is set where it could not be loaded."""

    version: str = ""
    gpus: tuple[str, ...] = ()
    cuda_build: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A machine as the doctor sees it. `None` stands for: could not be found out."""

    python: tuple[int, int, int] = (3, 11, 0)
    bits: int = 64
    system: str = "Linux"
    machine: str = "x86_64"
    installed: Mapping[str, str] = field(default_factory=dict)
    pinned_server: Mapping[str, str] = field(default_factory=dict)
    pinned_training: Mapping[str, str] = field(default_factory=dict)
    backend: str = "tensorflow"
    probes: Mapping[str, Probe] = field(default_factory=dict)
    gpus: tuple[Gpu, ...] = ()
    smi_error: str = ""
    library_path: str = ""
    memory_bytes: int | None = None
    free_memory_bytes: int | None = None
    free_disk_bytes: int | None = None
    write_error: str = ""
    weights_cached: bool = False
    weights_folder: Path = Path()
    starter: bool = False
    dataset_dir: Path = Path("dataset")
    output_dir: Path = Path("output")

    @property
    def probe(self) -> Probe | None:
        """What the backend said that would be used; nothing where it was not asked."""
        return self.probes.get(self.backend)


def gather(dataset_dir: Path, output_dir: Path, *, ask_backend: bool = True) -> Facts:
    """Asks the machine; each backend is loaded in a process of its own, for at most a minute."""
    here = installed()
    gpus, smi_error = nvidia()
    memory, free_memory = _memory_bytes()
    return Facts(
        python=sys.version_info[:3],
        bits=64 if sys.maxsize > 2**32 else 32,
        system=platform.system(),
        machine=platform.machine(),
        installed=here,
        pinned_server=pinned("requirements.txt"),
        pinned_training=pinned("requirements_training.txt"),
        backend=chosen(os.environ, keras_home()),
        probes=_ask_all([name for name in _PROBES if backend_installed(name, here)])
        if ask_backend
        else {},
        gpus=gpus,
        smi_error=smi_error,
        library_path=os.environ.get("LD_LIBRARY_PATH", ""),
        memory_bytes=memory,
        free_memory_bytes=free_memory,
        free_disk_bytes=shutil.disk_usage(nearest_existing(output_dir)).free,
        write_error=why_not_writable(output_dir),
        weights_cached=(keras_home() / "models" / _WEIGHTS_FILE).is_file(),
        weights_folder=keras_home() / "models",
        starter=has_starter(),
        dataset_dir=dataset_dir,
        output_dir=output_dir,
    )


def backend_installed(backend: str, here: Mapping[str, str]) -> bool:
    """Says whether the backend's distribution is there."""
    return backend in here or (backend == "tensorflow" and "tensorflow-cpu" in here)


def _ask_all(names: Sequence[str]) -> dict[str, Probe]:
    with ThreadPoolExecutor() as pool:
        return dict(zip(names, pool.map(_ask, names), strict=True))


def _ask(backend: str, timeout_s: float = _PROBE_TIMEOUT_S) -> Probe:
    """Loads a backend in a process of its own and asks it for GPUs."""
    tail = "; import json; print(json.dumps([m.__version__, gpus, cuda]))"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        answer = subprocess.run(
            [sys.executable, "-c", _PROBES[backend] + tail],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return Probe(error=f"no answer within {timeout_s:.0f} s")
    if answer.returncode != 0:
        said = answer.stderr.strip().splitlines()
        return Probe(error=said[-1] if said else f"ended with code {answer.returncode}")
    version, gpus, cuda = json.loads(answer.stdout.strip().splitlines()[-1])
    return Probe(version=version, gpus=tuple(gpus), cuda_build=bool(cuda))


def nvidia(timeout_s: float = 20.0) -> tuple[tuple[Gpu, ...], str]:
    """Returns what nvidia-smi lists, and its complaint where it fails; both empty without it."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return (), ""
    query = "--query-gpu=name,memory.total,memory.free,driver_version"
    try:
        answer = subprocess.run(
            [program, query, "--format=csv,noheader,nounits"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return (), str(error)
    if answer.returncode != 0:
        return (), (answer.stdout + answer.stderr).strip().splitlines()[0]
    return _parse_gpus(answer.stdout), ""


def _parse_gpus(table: str) -> tuple[Gpu, ...]:
    """Reads nvidia-smi's `name, total MiB, free MiB, driver` lines; `[N/A]` counts as 0."""
    rows = [[cell.strip() for cell in row.split(",")] for row in table.splitlines()]
    return tuple(
        Gpu(row[0], _whole(row[1]), _whole(row[2]), row[3]) for row in rows if len(row) == 4
    )


def _whole(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _memory_bytes() -> tuple[int | None, int | None]:
    """Returns total and available memory, through psutil where it is installed."""
    try:
        import psutil

        memory = psutil.virtual_memory()
    except ImportError:
        return _system_memory_bytes(), None
    return int(memory.total), int(memory.available)


def _system_memory_bytes() -> int | None:
    """Asks POSIX; Windows has no `sysconf` and gives `None`."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
