"""Which source a figure comes from, and what native libraries may say."""

import os
import subprocess

import pytest

from fingerspell import machine


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A repository of two committed files."""
    for name in ("src/code.py", "benchmarks/results/old.json"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("{}")
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    for given in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "x")):
        subprocess.run(["git", "-C", str(tmp_path), *given], check=True)
    monkeypatch.setattr(machine, "__file__", str(tmp_path / "src" / "code.py"))
    return tmp_path


def test_a_commit_is_named_and_changed_code_is_marked(source):
    assert len(machine.commit()) == 12
    (source / "benchmarks" / "results" / "old.json").write_text('{"run": 1}')
    assert not machine.commit().endswith("+"), "a study has just written these figures"
    (source / "src" / "code.py").write_text("changed")
    assert machine.commit().endswith("+")


def test_outside_git_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "__file__", str(tmp_path / "code.py"))
    assert machine.commit() == ""


NEWS = (
    "fully_quantize: 0, inference_type: 6, input_inference_type: FLOAT32",
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1796034713.309737   21912 port.cc:153] oneDNN custom operations are on.",
    "W0000 00:00:1796034713.309737   21912 gpu_device.cc:2344] Cannot dlopen some GPU libraries.",
    "2026-11-30 10:30:00.123456: I tensorflow/core/util/port.cc:153] oneDNN",
)
CUDA = (
    "E0000 00:00:1796034713.3  21 cuda_dnn.cc:8579] Unable to register cuDNN factory",
    "2026-11-30 10:30:00.1: E external/xla/cuda_driver.cc:1] failed call to cuInit: UNKNOWN ERROR",
)
NEWER = ("E0000 00:00:1796034713.3  21 file.cc:1] disk full", "Segmentation fault")


@pytest.mark.parametrize(
    ("smi", "raised", "heard"),
    [
        (None, None, NEWER),
        ("/usr/bin/nvidia-smi", None, (*CUDA, *NEWER)),
        (None, ImportError, (*NEWS, *CUDA, *NEWER)),
    ],
)
def test_news_of_a_library_that_loads_is_hidden_and_all_is_shown_where_it_fails(
    monkeypatch, capfd, smi, raised, heard
):
    """CUDA's errors concern those who have a GPU."""
    monkeypatch.setattr(machine.shutil, "which", lambda _: smi)
    try:
        with machine.quiet_start():
            os.write(2, "".join(f"{line}\n" for line in (*NEWS, *CUDA, *NEWER)).encode())
            if raised:
                raise raised
    except ImportError:
        assert raised
    os.write(2, b"afterwards\n")
    assert sorted(capfd.readouterr().err.splitlines()) == sorted((*heard, "afterwards"))
