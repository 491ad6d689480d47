"""Which source a figure comes from."""

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
