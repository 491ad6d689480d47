"""The doctor's judgements, on machines made up for the purpose, and how they are printed."""

import json
from dataclasses import replace

import pytest

from fingerspell.doctor import Facts, Finding, State, checks
from fingerspell.doctor.facts import Gpu, Probe
from fingerspell.doctor.finding import as_json, as_text, fail, ok, warn
from fingerspell.doctor.packages import check_packages, installed, pinned
from fingerspell.install import pip
from house import ROOT

PIP = pip()

GIB = checks._GIB
PINS = {"tensorflow": "2.21.0", "keras": "3.15.1"}
H100 = Gpu("H100", 81559, 81000, "570.86")
WELL = Facts(
    python=(3, 12, 1),
    installed={**PINS, "numpy": "2.4.6"},
    pinned_server={"numpy": "2.4.6"},
    pinned_training=PINS,
    probes={"tensorflow": Probe("2.21.0")},
    memory_bytes=16 * GIB,
    free_memory_bytes=8 * GIB,
    free_disk_bytes=50 * GIB,
    weights_cached=True,
    starter=True,
)
TORCH = {"backend": "torch", "probes": {"torch": Probe("2.13.0")}}
JAX = {"backend": "jax", "probes": {"jax": Probe("0.10.2")}}
BOTH = {"probes": {"tensorflow": Probe("2.21.0"), "torch": Probe("2.13.0", ("RTX 3060",), True)}}


def machine(**changes: object) -> Facts:
    return replace(WELL, **changes)


def states(findings: list[Finding]) -> list[State]:
    return [finding.state for finding in findings]


def test_a_well_machine_has_nothing_to_mend(tmp_path):
    findings = checks.examine(machine(dataset_dir=tmp_path / "none", output_dir=tmp_path / "none"))
    unwell = [finding.topic for finding in findings if finding.state is not State.OK]
    assert unwell == ["data set"], "there is none yet"


def test_every_finding_that_is_not_ok_says_how_to_mend_it(tmp_path):
    ill = Facts(
        python=(3, 10, 0), backend="theano", free_disk_bytes=0, memory_bytes=GIB,
        write_error="read-only", pinned_server=PINS, pinned_training={"grain": "1"},
        gpus=(Gpu("GTX 960", 2048, 100, "470.1"),), dataset_dir=tmp_path, output_dir=tmp_path,
    )  # fmt: skip
    unwell = [finding for finding in checks.examine(ill) if finding.state is not State.OK]
    assert len(unwell) >= 9
    assert all(finding.fix for finding in unwell)


def memory(total: float | None, free: float | None) -> dict[str, object]:
    return {"memory_bytes": total and total * GIB, "free_memory_bytes": free and free * GIB}


@pytest.mark.parametrize(
    ("check", "changes", "state"),
    [
        (checks._check_python, {"python": (3, 10, 9)}, "FAIL"),
        (checks._check_python, {"python": (3, 11, 0)}, "OK"),
        (checks._check_python, {"python": (3, 13, 9)}, "OK"),
        (checks._check_python, {"python": (3, 14, 0)}, "WARN"),
        (checks._check_python, {"bits": 32}, "FAIL"),
        (checks._check_memory, memory(16, 8), "OK"),
        (checks._check_memory, memory(16, 1), "WARN"),
        (checks._check_memory, memory(2, None), "WARN"),
        (checks._check_memory, memory(16, None), "OK"),
        (checks._check_memory, memory(None, None), "OK"),
        (checks._check_disk, {"free_disk_bytes": GIB // 10}, "FAIL"),
        (checks._check_disk, {"free_disk_bytes": 2 * GIB}, "WARN"),
        (checks._check_disk, {"free_disk_bytes": 9 * GIB}, "OK"),
        (checks._check_disk, {"free_disk_bytes": None}, "OK"),
        (checks._check_writing, {"write_error": "Permission denied"}, "FAIL"),
        (checks._check_writing, {}, "OK"),
    ],
)
def test_python_memory_disk_and_folder_must_be_enough(check, changes, state):
    assert check(machine(**changes)).state == state


@pytest.mark.parametrize(
    ("changes", "state", "fix"),
    [
        ({"backend": "mxnet"}, "FAIL", "KERAS_BACKEND"),
        (
            {"installed": {}},
            "WARN",
            f"{PIP} install -r {ROOT / 'backend/requirements_training.txt'}",
        ),
        ({"backend": "torch"}, "WARN", f'{PIP} install "torch==2.13.*"'),
        ({"probes": {"tensorflow": Probe(error="DLL load failed")}}, "FAIL", "Visual C++"),
        ({"probes": {}}, "OK", ""),
        ({"installed": {"tensorflow-cpu": "2.21.0"}}, "OK", ""),
    ],
)
def test_the_backend_must_load(changes, state, fix):
    finding = checks._check_backend(machine(**changes))
    assert finding.state == state
    assert fix in finding.fix


def test_every_other_backend_says_whether_it_is_there_and_what_to_type():
    here = {**PINS, "torch": "2.13.0"}
    torch, jax = checks._check_other_backends(machine(**BOTH, installed=here))
    assert torch.found == "torch 2.13.0, 1 GPU; to use it: export KERAS_BACKEND=torch"
    assert jax.found == f'jax is not installed; to add it: {PIP} install "jax==0.10.*"'
    assert states([torch, jax]) == [State.OK, State.OK]
    broken = {**BOTH["probes"], "torch": Probe(error="DLL load failed")}
    torch, _ = checks._check_other_backends(machine(probes=broken, installed=here))
    assert torch.state is State.WARN and "--force-reinstall" in torch.fix


def test_without_tensorflow_exporting_is_what_is_missing():
    (finding,) = checks._check_exporting(machine(**TORCH, installed={"torch": "2.13.0"}))
    assert finding.state is State.WARN and "training and evaluation work" in finding.found
    assert finding.fix == f'{PIP} install "tensorflow==2.21.*"'
    assert checks._check_exporting(machine(**TORCH, installed={"tensorflow-cpu": "2.21.0"})) == []


SEES_IT = {"tensorflow": Probe("2.21.0", ("/physical_device:GPU:0",), True)}


def test_no_nvidia_gpu_and_one_in_use_are_no_fault_but_a_driver_that_does_not_answer_is():
    assert states(checks._check_gpu(WELL)) == [State.OK]
    assert states(checks._check_gpu(machine(gpus=(H100,), probes=SEES_IT))) == [State.OK]
    (finding,) = checks._check_gpu(machine(smi_error="couldn't communicate with the NVIDIA driver"))
    assert "driver" in finding.found and finding.state is State.WARN


@pytest.mark.parametrize(
    ("changes", "fix"),
    [
        ({"system": "Windows"}, "WSL2"),
        ({"system": "Windows"}, "$env:KERAS_BACKEND = 'torch'"),
        (
            {"installed": {"tensorflow-cpu": "2.21.0"}},
            f"{PIP} uninstall -y tensorflow-cpu, then {PIP}",
        ),
        ({}, f'{PIP} install "tensorflow[and-cuda]==2.21.0"'),
        (
            {"installed": {**PINS, "nvidia-cudnn-cu12": "9"}, "library_path": "/usr/cuda"},
            "unset LD_LIBRARY_PATH",
        ),
        ({"installed": {**PINS, "nvidia-cudnn-cu12": "9"}}, "--gpus all"),
        (
            {**TORCH, "system": "Windows"},
            f"{PIP} uninstall -y torch, then {PIP} install and what pytorch.org",
        ),
        (TORCH, f'{PIP} install --force-reinstall "torch==2.13.*"'),
        ({**TORCH, "probes": {"torch": Probe("2.13.0", (), True)}}, "--gpus all"),
        (JAX, f'{PIP} install "jax[cuda12]==0.10.*"'),
        ({**JAX, "gpus": (Gpu("new", 0, 0, "580.1"),)}, 'pip install "jax[cuda13]==0.10.*"'),
        ({**JAX, "system": "Windows"}, "WSL2"),
        (BOTH, "torch sees it: export KERAS_BACKEND=torch"),
        ({**BOTH, "system": "Windows"}, "torch sees it: $env:KERAS_BACKEND = 'torch'"),
    ],
)
def test_a_gpu_that_the_backend_does_not_see_is_explained(changes, fix):
    (finding,) = checks._check_gpu(machine(**{"gpus": (H100,), **changes}))
    assert finding.state is State.WARN
    assert fix in finding.fix


@pytest.mark.parametrize(
    ("gpu", "topics"),
    [
        (Gpu("old driver", 24000, 24000, "470.82"), ["CUDA"]),
        (Gpu("small", 4096, 4096, "570.1"), ["GPU memory"]),
        (Gpu("busy", 24000, 2000, "570.1"), ["GPU memory"]),
        (Gpu("unknown memory", 0, 0, "[N/A]"), []),
        (Gpu("unknown free memory", 24000, 0, "570.1"), []),
        (H100, []),
    ],
)
def test_old_drivers_and_scarce_memory_are_named(gpu, topics):
    found = checks._check_gpu(machine(gpus=(gpu,), probes=SEES_IT))
    assert [finding.topic for finding in found[1:]] == topics


def test_a_released_recogniser_is_named_only_where_there_is_one():
    for starter in (True, False):
        finding = checks._check_weights(machine(weights_cached=False, starter=starter))
        assert finding.state is State.WARN and "--weights" in finding.fix
        assert ("starter" in finding.fix) is starter
    assert checks._check_starter(machine(starter=True)).state is State.OK
    finding = checks._check_starter(machine(starter=False))
    assert finding.state is State.WARN and "none in this copy" in finding.found
    assert "adapt" in finding.found and "train" in finding.fix


SERVER = {"numpy": "2.4.6", "pillow": "13.0.0"}
TRAINING = {"tensorflow": "2.21.0"}
ALL = {**SERVER, **TRAINING}


@pytest.mark.parametrize(
    ("here", "topic", "state", "said"),
    [
        (ALL, "packages", "OK", "3 installed"),
        ({**SERVER, "tensorflow-cpu": "2.21.0"}, "packages", "OK", ""),
        ({"numpy": "2.4.6", **TRAINING}, "server packages", "FAIL", "pillow"),
        (SERVER, "training packages", "WARN", "tensorflow"),
        ({**ALL, "numpy": "1.26.0"}, "versions", "WARN", "numpy 1.26.0 (pinned 2.4.6)"),
        ({**ALL, "tensorflow-cpu": "2.21.0"}, "clash", "FAIL", "tensorflow-cpu"),
        ({**ALL, "opencv-python": "5", "opencv-python-headless": "5"}, "clash", "FAIL", "opencv"),
    ],
)
def test_what_is_pinned_must_be_there_alone_and_more_so_for_the_server(here, topic, state, said):
    (finding,) = check_packages(here, SERVER, TRAINING)
    assert (finding.topic, finding.state) == (topic, state)
    assert said in finding.found
    if topic == "versions":
        assert finding.fix == f"{PIP} install numpy==2.4.6"


def test_pins_are_read_from_the_requirement_files(tmp_path):
    text = "# words ==\n-r other.txt\nPython_Multipart==0.0.34\nml.dtypes==1\n\n"
    (tmp_path / "requirements.txt").write_text(text, encoding="utf-8")
    found = pinned("requirements.txt", tmp_path)
    assert found == {"python-multipart": "0.0.34", "ml-dtypes": "1"}
    assert pinned("none.txt", tmp_path) == {}
    assert "numpy" in pinned("requirements.txt")
    assert "tensorflow" in pinned("requirements_training.txt")
    assert "numpy" in installed()


FINDINGS = [ok("Python", "3.12"), warn("GPU", "not seen", "use WSL2"), fail("disk", "full", "free")]


def test_each_finding_is_a_line_with_its_remedy_below_or_an_object_for_programs():
    lines = as_text(FINDINGS).splitlines()
    assert lines[0].split() == ["OK", "Python", "3.12"]
    assert lines[1].startswith("WARN  GPU") and lines[2].strip() == "to fix: use WSL2"
    assert lines[-1] == "1 fine, 1 to know of, 1 to fix"
    body = json.loads(as_json(FINDINGS))
    gpu = {"state": "WARN", "topic": "GPU", "found": "not seen", "fix": "use WSL2"}
    assert body["ok"] is False and body["findings"][1] == gpu
