"""What the doctor asks the machine, with machines that answer badly."""

import re
import subprocess
import sys
from unittest.mock import Mock

import pytest

from fingerspell.doctor import facts
from fingerspell.doctor.facts import Gpu, Probe, _ask, _ask_all, _parse_gpus, gather, nvidia


def test_nvidias_table_is_read_and_without_it_there_is_no_gpu_and_no_complaint(monkeypatch):
    table = "NVIDIA H100, 81559, 80900, 570.86\nTesla T4, [N/A], 5, 535.1\nnonsense\n"
    assert _parse_gpus(table) == (
        Gpu("NVIDIA H100", 81559, 80900, "570.86"),
        Gpu("Tesla T4", 0, 5, "535.1"),
    )
    monkeypatch.setattr(facts.shutil, "which", lambda _: None)
    assert nvidia() == ((), "")


SAYS_NO = subprocess.CompletedProcess([], 9, stdout="NVIDIA-SMI has failed\nmore", stderr="")


@pytest.mark.parametrize(
    ("outcome", "complaint"),
    [
        ({"side_effect": OSError("no driver")}, "no driver"),
        ({"side_effect": subprocess.TimeoutExpired("x", 1)}, "Command 'x' timed out after 1 sec"),
        ({"return_value": SAYS_NO}, "NVIDIA-SMI has failed"),
    ],
)
def test_an_nvidia_smi_that_breaks_hangs_or_fails_is_a_complaint(monkeypatch, outcome, complaint):
    monkeypatch.setattr(facts.shutil, "which", lambda name: name)
    monkeypatch.setattr(facts.subprocess, "run", Mock(**outcome))
    gpus, said = nvidia()
    assert gpus == () and said.startswith(complaint) and "more" not in said


WELL = "import sys as m; m.__version__ = '9'; gpus = ['GPU:0']; cuda = True"
BROKEN = "raise ImportError('DLL load failed')"


@pytest.mark.parametrize("chatter", ["", "print('hello'); "])
def test_a_backend_is_asked_in_a_process_of_its_own(monkeypatch, chatter):
    monkeypatch.setitem(facts._PROBES, "tensorflow", chatter + WELL)
    assert _ask("tensorflow") == Probe("9", ("GPU:0",), True)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (BROKEN, r"^ImportError: DLL load failed$"),
        ("import os; os._exit(132)", "132"),
        ("import time; time.sleep(60)", r"^no answer within 1 s$"),
    ],
)
def test_a_backend_that_breaks_dies_or_hangs_is_reported(monkeypatch, code, error):
    monkeypatch.setitem(facts._PROBES, "tensorflow", code)
    timeout_s = 1.0 if "sleep" in code else 60
    assert re.search(error, _ask("tensorflow", timeout_s=timeout_s).error)


def test_every_backend_answers_for_itself(monkeypatch):
    monkeypatch.setitem(facts._PROBES, "tensorflow", BROKEN)
    monkeypatch.setitem(facts._PROBES, "torch", WELL)
    answers = _ask_all(["tensorflow", "torch"])
    assert answers["tensorflow"].error and not answers["tensorflow"].gpus
    assert answers["torch"].gpus == ("GPU:0",) and not answers["torch"].error


def test_a_file_in_place_of_the_run_folder_cannot_be_written_to(tmp_path):
    (tmp_path / "output").write_bytes(b"")
    assert gather(tmp_path, tmp_path / "output", ask_backend=False).write_error
    assert gather(tmp_path, tmp_path / "new" / "run", ask_backend=False).write_error == ""


@pytest.mark.parametrize("released", [True, False])
def test_this_machine_can_be_looked_over_without_a_backend(monkeypatch, tmp_path, released):
    monkeypatch.setattr(facts, "has_starter", lambda: released)
    here = gather(tmp_path / "dataset", tmp_path / "new" / "output", ask_backend=False)
    assert here.python == sys.version_info[:3]
    assert (here.probe, here.starter) == (None, released)
    assert here.free_disk_bytes and here.memory_bytes != 0
    assert not (tmp_path / "new").exists(), "looking makes nothing"
