"""A folder for one process at a time."""

import errno
import subprocess
import sys

import pytest

from fingerspell import files
from fingerspell.errors import RunError
from fingerspell.files import locked
from helpers.killed import SOURCE

HOLDING = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(SOURCE)!r})
from fingerspell.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "a.lock"


@pytest.fixture
def other(lock):
    """Another process that holds the lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline().strip() == b"held"
        yield process
        process.kill()


def test_a_second_process_is_refused_and_told_who_is_there(lock, other):
    with pytest.raises(RunError, match=rf"process {other.pid} on "), locked(lock):
        pytest.fail("two at once")


def test_one_that_was_killed_is_in_nobodys_way(lock, other):
    other.kill()
    other.wait()
    with locked(lock):
        pass


def test_the_same_process_cannot_have_it_twice_and_can_have_it_again(lock):
    with locked(lock), pytest.raises(RunError), locked(lock):
        pytest.fail("two at once")
    with locked(lock):
        pass


def test_a_lock_file_that_nobody_holds_says_nothing(lock):
    lock.write_text("process 1 on elsewhere and much more than that", encoding="utf-8")
    with locked(lock):
        text = lock.read_text(encoding="utf-8")
    assert "elsewhere" not in text and text.startswith("process ")


def test_where_the_file_system_has_no_locks_nobody_is_kept_out(lock, monkeypatch):
    def unknown(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    library, name = ("msvcrt", "locking") if sys.platform == "win32" else ("fcntl", "flock")
    monkeypatch.setattr(getattr(files, library), name, unknown)
    with locked(lock), locked(lock):
        pass


def test_it_is_let_go_where_the_work_fails(lock):
    with pytest.raises(ZeroDivisionError), locked(lock):
        raise ZeroDivisionError
    with locked(lock):
        pass
