"""What the doctor asks the machine, with machines that answer badly."""

import subprocess
import sys
from pathlib import Path

import pytest

from fingerspell.doctor import facts
from fingerspell.doctor.facts import Gpu, ask, ask_all, gather, nvidia, parse_gpus


@pytest.mark.parametrize("released", [True, False])
def test_whether_this_copy_brings_a_recogniser_is_looked_at(monkeypatch, tmp_path, released):
    monkeypatch.setattr(facts, "has_starter", lambda: released)
    found = facts.gather(tmp_path, tmp_path, ask_backend=False)
    assert found.starter is released


def test_nvidias_table_is_read():
    table = "NVIDIA H100, 81559, 80900, 570.86\nTesla T4, [N/A], 5, 535.1\nnonsense\n"
    assert parse_gpus(table) == (
        Gpu("NVIDIA H100", 81559, 80900, "570.86"),
        Gpu("Tesla T4", 0, 5, "535.1"),
    )


def test_a_machine_without_nvidia_smi_has_no_gpu_and_no_complaint(monkeypatch):
    monkeypatch.setattr(facts.shutil, "which", lambda _: None)
    assert nvidia() == ((), "")


@pytest.mark.parametrize("error", [OSError("no driver"), subprocess.TimeoutExpired("x", 1)])
def test_an_nvidia_smi_that_breaks_or_hangs_is_a_complaint(monkeypatch, error):
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(facts.shutil, "which", lambda name: name)
    monkeypatch.setattr(facts.subprocess, "run", broken)
    assert nvidia() == ((), str(error))


def test_an_nvidia_smi_that_fails_is_quoted(monkeypatch):
    answer = subprocess.CompletedProcess([], 9, stdout="NVIDIA-SMI has failed\nmore", stderr="")
    monkeypatch.setattr(facts.shutil, "which", lambda name: name)
    monkeypatch.setattr(facts.subprocess, "run", lambda *_, **__: answer)
    assert nvidia() == ((), "NVIDIA-SMI has failed")


def probing(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setitem(facts.PROBES, "tensorflow", code)


def test_a_backend_is_asked_in_a_process_of_its_own(monkeypatch):
    probing(monkeypatch, "import sys as m; m.__version__ = '9'; gpus = ['GPU:0']; cuda = True")
    probe = ask("tensorflow")
    assert probe is not None
    assert (probe.version, probe.gpus, probe.cuda_build, probe.error) == ("9", ("GPU:0",), True, "")


def test_a_backend_that_chatters_on_standard_output_is_understood(monkeypatch):
    code = "print('hello'); import sys as m; m.__version__ = '9'; gpus = []; cuda = False"
    probing(monkeypatch, code)
    assert ask("tensorflow").version == "9"


def test_a_backend_that_does_not_load_is_quoted(monkeypatch):
    probing(monkeypatch, "raise ImportError('DLL load failed')")
    assert ask("tensorflow").error == "ImportError: DLL load failed"


def test_a_backend_that_kills_its_process_is_reported(monkeypatch):
    probing(monkeypatch, "import os; os._exit(132)")
    assert "132" in ask("tensorflow").error


def test_a_backend_that_hangs_is_given_up(monkeypatch):
    probing(monkeypatch, "import time; time.sleep(60)")
    assert ask("tensorflow", timeout_s=0.2).error == "no answer within 0 s"


def test_every_backend_answers_for_itself(monkeypatch):
    probing(monkeypatch, "raise ImportError('DLL load failed')")
    code = "import sys as m; m.__version__ = '9'; gpus = ['GPU:0']; cuda = True"
    monkeypatch.setitem(facts.PROBES, "torch", code)
    told = ask_all(["tensorflow", "torch"])
    assert told["tensorflow"].error and not told["tensorflow"].gpus
    assert told["torch"].gpus == ("GPU:0",) and not told["torch"].error


def test_a_file_in_place_of_the_run_folder_cannot_be_written_to(tmp_path):
    (tmp_path / "output").write_bytes(b"")
    assert gather(tmp_path, tmp_path / "output", ask_backend=False).write_error
    assert gather(tmp_path, tmp_path / "new" / "run", ask_backend=False).write_error == ""


def test_this_machine_can_be_looked_over_without_a_backend(tmp_path):
    here = facts.gather(tmp_path / "dataset", tmp_path / "new" / "output", ask_backend=False)
    assert here.python == sys.version_info[:3]
    assert here.probe is None
    assert here.free_disk_bytes and here.memory_bytes != 0
    assert not Path(tmp_path / "new").exists(), "looking makes nothing"
