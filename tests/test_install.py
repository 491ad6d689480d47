"""Every mend is a command that works where it is read: it names the Python that runs."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fingerspell import backends, install
from fingerspell.cli import main
from helpers.command import command
from house import ROOT

RUN_PY = ROOT / "run.py"


def test_pip_is_that_of_the_python_that_runs():
    words = shlex.split(install.pip("--version"))
    assert words[0] == sys.executable
    assert subprocess.run(words, capture_output=True).returncode == 0
    for fix in (install.training(), install.server(), backends.install_backend("jax")):
        assert fix.startswith(f"{sys.executable} -m pip install ")
    pins = Path(shlex.split(install.training())[-1])
    assert pins.is_absolute() and pins.is_file()


@pytest.mark.parametrize(
    ("words", "posix", "powershell"),
    [
        (("/a/python", "x==1.*"), '/a/python "x==1.*"', '/a/python "x==1.*"'),
        (("/a b/python", "-m"), '"/a b/python" -m', '& "/a b/python" -m'),
        (("C:\\a\\python.exe", "jax[cuda12]==1"), "", 'C:\\a\\python.exe "jax[cuda12]==1"'),
        (("/a$b/python",), "'/a$b/python'", '& "/a$b/python"'),
    ],
)
def test_a_command_is_quoted_for_its_shell(words, posix, powershell):
    assert posix in ("", install.command(*words, windows=False))
    assert install.command(*words, windows=True) == powershell


@pytest.fixture
def stamped(tmp_path, monkeypatch):
    """Makes this Python that of an environment of run.py, which holds the given sets."""

    def make(**sets: str) -> None:
        (tmp_path / "stamp.json").write_text(json.dumps({"python": "3", **sets}))
        monkeypatch.setattr(install, "_STAMP", str(tmp_path / "stamp.json"))

    return make


def test_what_run_py_made_is_mended_by_run_py(stamped):
    """pip would put TensorFlow beside the tensorflow-cpu that run.py takes on some machines."""
    stamped(server="x")
    assert install.training() == install.run_py("train", "--help")
    assert backends.install_backend("tensorflow") == install.training()
    assert "-m pip install" in backends.install_backend("torch")
    stamped(server="x", training="y")
    anew = install.run_py("train", "--help")
    assert install.training() == f"delete {sys.prefix}, then {anew}"
    assert Path(shlex.split(anew)[1]) == RUN_PY


def test_a_python_that_takes_no_packages_is_sent_to_run_py(monkeypatch, tmp_path):
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(install.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(install.sys, "base_prefix", sys.prefix)
    assert install.training().startswith(install.run_py("VERB"))
    monkeypatch.setattr(install.sys, "base_prefix", "elsewhere")
    assert install.training().startswith(install.pip("install"))


@pytest.mark.parametrize(
    ("program", "fix", "said"),
    [
        ("fingerspell", "python backend/app.py --port 1", "fingerspell serve --port 1"),
        (
            "fingerspell/__main__.py",
            "fingerspell export",
            f"{sys.executable} -m fingerspell export",
        ),
        ("backend/app.py", "python backend/train_finetune.py", "python backend/train_finetune.py"),
        ("fingerspell", "see fingerspell.images or /x/fingerspell train", None),
    ],
)
def test_our_own_commands_are_told_as_this_one_was_started(program, fix, said, monkeypatch):
    monkeypatch.setattr(sys, "argv", [program])
    assert main.as_started(fix) == (said or fix)


def test_under_run_py_every_command_of_ours_is_run_pys(stamped, tmp_path, monkeypatch, capsys):
    stamped(server="x")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("USE_MOCK_MODEL", raising=False)
    assert command("predict", "x.jpg", "--bundle", "none") == 2
    command("doctor", "--quick")
    told = capsys.readouterr()
    assert f"train first ({install.run_py('train')} --dataset_dir dataset)" in told.err
    assert f"to fix: {install.run_py('prepare')} --input_dir PICTURES" in told.out
    for plain in ("python backend/", " fingerspell ", " pip install"):
        assert plain not in told.err + told.out.replace("-m pip", "")
