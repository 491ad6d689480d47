"""Judges facts: every check of the doctor, as a pure function of `Facts`."""

from fingerspell.backends import EXPORTER, REQUIREMENTS, VARIABLE, install_backend
from fingerspell.doctor.facts import Facts, Gpu, backend_installed
from fingerspell.doctor.finding import Finding, fail, ok, warn
from fingerspell.doctor.folders import check_dataset, check_run
from fingerspell.doctor.packages import check_packages
from fingerspell.install import made_by_run_py, pip, training

_OLDEST, _NEWEST = (3, 11), (3, 13)
_GIB = 2**30

_OLDEST_DRIVER = 525
"""CUDA 12, which TensorFlow 2.21 is built with, runs on NVIDIA drivers from 525 on."""

_CUDA_13_DRIVER = 580
_SMALL_GPU_MIB = 6000
_WSL = "use WSL2 (there: python3 run.py train)"


def examine(facts: Facts) -> list[Finding]:
    """Returns every finding about a machine, in the order a newcomer needs them."""
    return [
        _check_python(facts),
        *check_packages(facts.installed, facts.pinned_server, facts.pinned_training),
        _check_backend(facts),
        *_check_other_backends(facts),
        *_check_exporting(facts),
        *_check_gpu(facts),
        _check_memory(facts),
        _check_disk(facts),
        _check_writing(facts),
        _check_weights(facts),
        _check_starter(facts),
        *check_dataset(facts.dataset_dir),
        *check_run(facts.output_dir),
    ]


def _check_python(facts: Facts) -> Finding:
    """Python between the oldest that the code needs and the newest that TensorFlow has."""
    where = f"Python {'.'.join(map(str, facts.python))} on {facts.system} {facts.machine}"
    if facts.bits != 64:
        return fail("Python", f"{where}, 32-bit", "install a 64-bit Python 3.12")
    if facts.python[:2] < _OLDEST:
        return fail("Python", where, "install Python 3.12, delete .venv, python3.12 run.py doctor")
    if facts.python[:2] > _NEWEST:
        return warn(
            "Python",
            f"{where}: the server runs, TensorFlow has no wheel",
            "to train, install Python 3.13, delete .venv, python3.13 run.py doctor",
        )
    return ok("Python", where)


def _check_memory(facts: Facts) -> Finding:
    """Main memory: training at 200×200 and batch 32 wants about 3 GiB."""
    total, free = facts.memory_bytes, facts.free_memory_bytes
    if total is None:
        return ok("memory", "could not be read on this system")
    found = f"{total / _GIB:.1f} GiB" + (
        f", {free / _GIB:.1f} GiB free" if free is not None else ""
    )
    if (free if free is not None else total) < 3 * _GIB:
        return warn("memory", found, "close other programs, or train with --batch_size 16")
    return ok("memory", found)


def _check_disk(facts: Facts) -> Finding:
    """Room for a run (about 0.2 GB) and a data set's copies."""
    free = facts.free_disk_bytes
    if free is None:
        return ok("disk", "could not be read on this system")
    found = f"{free / _GIB:.1f} GiB free for {facts.output_dir}"
    if free < _GIB // 2:
        return fail("disk", found, "free at least 1 GiB, or choose another --output_dir")
    if free < 3 * _GIB:
        return warn("disk", found, "free some space before preparing a large data set")
    return ok("disk", found)


def _check_writing(facts: Facts) -> Finding:
    if facts.write_error:
        return fail(
            "writing",
            f"{facts.output_dir} cannot be written: {facts.write_error}",
            "choose another --output_dir, or give yourself the right to write there",
        )
    return ok("writing", f"{facts.output_dir} can be written")


def _check_weights(facts: Facts) -> Finding:
    """Whether `--weights imagenet` works without a connection."""
    if facts.weights_cached:
        return ok("ImageNet weights", f"in {facts.weights_folder}")
    return warn(
        "ImageNet weights",
        "not on this machine yet: the first training fetches them (about 12 MB)",
        "offline, training starts from the released recogniser by itself (--weights starter)"
        if facts.starter
        else "offline, train with --weights PATH, or --weights none",
    )


def _check_starter(facts: Facts) -> Finding:
    """Whether there is a recogniser before the first training."""
    if facts.starter:
        return ok("released recogniser", "in this copy: try fingerspell predict PICTURE")
    return warn(
        "released recogniser",
        "none in this copy: adapt, --bundle starter and --weights starter need one",
        "install a release, or train one of your own: fingerspell train --dataset_dir dataset",
    )


def _check_backend(facts: Facts) -> Finding:
    """Whether the Keras backend that would be used can be loaded."""
    name, probe = facts.backend, facts.probe
    if name not in REQUIREMENTS:
        return fail(
            "backend",
            f"Keras would use {name!r}",
            "set KERAS_BACKEND to tensorflow, torch or jax (or correct ~/.keras/keras.json)",
        )
    if not backend_installed(name, facts.installed):
        command = training() if name == EXPORTER else install_backend(name)
        return warn("backend", f"{name} is not installed: no training, no export", command)
    if probe is None:
        return ok("backend", f"{name} (not loaded)")
    if probe.error:
        return fail("backend", f"{name} does not load: {probe.error}", _reinstall(facts, name))
    return ok("backend", f"{name} {probe.version}, {_gpus_of(probe.gpus)}")


def _gpus_of(gpus: tuple[str, ...]) -> str:
    return "no GPU" if not gpus else f"{len(gpus)} GPU{'s' if len(gpus) > 1 else ''}"


def _reinstall(facts: Facts, name: str) -> str:
    asked = REQUIREMENTS[name]
    if "tensorflow-cpu" in facts.installed:
        asked = asked.replace("tensorflow==", "tensorflow-cpu==")
    anew = pip("install", "--force-reinstall", asked)
    if name != EXPORTER:
        return anew
    anew = training() if made_by_run_py() else anew
    return f"{anew}; on Windows also install the newest Microsoft Visual C++ Redistributable"


def _check_other_backends(facts: Facts) -> list[Finding]:
    """The backends that could be used instead: nobody needs more than one."""
    return [_other(facts, name) for name in REQUIREMENTS if name != facts.backend]


def _other(facts: Facts, name: str) -> Finding:
    topic = "other backend"
    if not backend_installed(name, facts.installed):
        return ok(topic, f"{name} is not installed; to add it: {install_backend(name)}")
    probe = facts.probes.get(name)
    if probe is None:
        return ok(topic, f"{name} (not loaded)")
    if probe.error:
        return warn(topic, f"{name} does not load: {probe.error}", _reinstall(facts, name))
    found = f"{name} {probe.version}, {_gpus_of(probe.gpus)}; to use it: {_choose(facts, name)}"
    return ok(topic, found)


def _choose(facts: Facts, name: str) -> str:
    """Returns what to type in this system's usual shell."""
    if facts.system == "Windows":
        return f"$env:{VARIABLE} = '{name}' in PowerShell"
    return f"export {VARIABLE}={name}"


def _check_exporting(facts: Facts) -> list[Finding]:
    """Training runs on any backend, exporting on TensorFlow alone."""
    if facts.backend == EXPORTER or backend_installed(EXPORTER, facts.installed):
        return []
    found = "tensorflow is not installed: training and evaluation work, exporting does not"
    return [warn("exporting", found, install_backend(EXPORTER))]


def _check_gpu(facts: Facts) -> list[Finding]:
    """NVIDIA's view of the GPU against the backend's."""
    if facts.smi_error:
        return [
            warn(
                "GPU",
                f"nvidia-smi fails: {facts.smi_error}",
                "restart the computer; if it stays, reinstall the NVIDIA driver",
            )
        ]
    if not facts.gpus:
        return [ok("GPU", "no NVIDIA GPU: training runs on the processor, slower but the same")]
    return [_gpu_seen(facts), *(x for gpu in facts.gpus for x in _gpu_itself(gpu))]


def _gpu_seen(facts: Facts) -> Finding:
    names = ", ".join(gpu.name for gpu in facts.gpus)
    probe = facts.probe
    if probe is None or probe.error:
        return warn("GPU", f"{names}; the backend was not asked", "fix the backend first")
    if probe.gpus:
        return ok("GPU", f"{names}; {facts.backend} uses {len(probe.gpus)}")
    return warn("GPU", f"{names}, but {facts.backend} does not see it", _gpu_remedy(facts))


def _gpu_remedy(facts: Facts) -> str:
    seeing = [name for name, probe in facts.probes.items() if probe.gpus]
    if seeing:
        return f"{seeing[0]} sees it: {_choose(facts, seeing[0])}"
    return {"torch": _torch_remedy, "jax": _jax_remedy}.get(facts.backend, _tensorflow_remedy)(
        facts
    )


def _torch_remedy(facts: Facts) -> str:
    if facts.probe is not None and facts.probe.cuda_build:
        return "update the NVIDIA driver; in a container, start it with --gpus all"
    if facts.system == "Windows":  # The usual wheel there is the processor's.
        return f"{pip('uninstall', '-y', 'torch')}, then {_torch_cuda()}"
    return _reinstall(facts, "torch")


def _jax_remedy(facts: Facts) -> str:
    if facts.system == "Windows":
        return f"JAX has no GPU there: {_WSL}, or {_torch_on_windows(facts)}"
    cuda = "cuda13" if _newest_driver(facts) >= _CUDA_13_DRIVER else "cuda12"
    return pip("install", REQUIREMENTS["jax"].replace("jax==", f"jax[{cuda}]=="))


def _tensorflow_remedy(facts: Facts) -> str:
    if facts.system == "Windows":  # no TensorFlow GPU on native Windows since 2.11
        return f"{_WSL}, or {_torch_on_windows(facts)}"
    version = facts.pinned_training.get("tensorflow", "2.21.0")
    with_cuda = pip("install", f"tensorflow[and-cuda]=={version}")
    if "tensorflow-cpu" in facts.installed and made_by_run_py():
        return training()
    if "tensorflow-cpu" in facts.installed:
        return f"{pip('uninstall', '-y', 'tensorflow-cpu')}, then {with_cuda}"
    if "nvidia-cudnn-cu12" not in facts.installed:
        return with_cuda
    if facts.library_path:
        return "unset LD_LIBRARY_PATH: it may name an older CUDA before the one pip installed"
    return "update the NVIDIA driver; in a container, start it with --gpus all"


def _torch_cuda() -> str:
    return f"{pip('install')} and what pytorch.org gives after these words for Pip and CUDA"


def _torch_on_windows(facts: Facts) -> str:
    return f"PyTorch: {_torch_cuda()}, then {_choose(facts, 'torch')}"


def _newest_driver(facts: Facts) -> int:
    majors = [gpu.driver.split(".")[0] for gpu in facts.gpus]
    return max((int(major) for major in majors if major.isdigit()), default=0)


def _gpu_itself(gpu: Gpu) -> list[Finding]:
    findings = []
    major = gpu.driver.split(".")[0]
    if major.isdigit() and int(major) < _OLDEST_DRIVER:
        findings.append(
            warn(
                "CUDA",
                f"driver {gpu.driver} of {gpu.name} is older than {_OLDEST_DRIVER}: CUDA errors",
                "update the NVIDIA driver",
            )
        )
    if 0 < gpu.memory_mib < _SMALL_GPU_MIB:
        findings.append(
            warn("GPU memory", f"{gpu.memory_mib} MiB on {gpu.name}", "train with --batch_size 16")
        )
    elif 0 < gpu.free_mib < gpu.memory_mib // 2:
        findings.append(
            warn(
                "GPU memory",
                f"{gpu.free_mib} of {gpu.memory_mib} MiB free on {gpu.name}",
                "nvidia-smi names the program that holds the rest; or train with --batch_size 16",
            )
        )
    return findings
