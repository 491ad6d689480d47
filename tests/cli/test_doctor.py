"""`fingerspell doctor` from the command line."""

import json

import pytest

from fingerspell import doctor
from fingerspell.cli.main import door
from fingerspell.doctor import Facts


@pytest.fixture
def machine(monkeypatch, tmp_path) -> list[Facts]:
    """The facts that the next `doctor` will find; the first of the list."""
    facts = [Facts(python=(3, 12, 1), dataset_dir=tmp_path, output_dir=tmp_path / "none")]
    monkeypatch.setattr(doctor, "gather", lambda *_, **__: facts[0])
    return facts


def test_a_failure_is_exit_code_1_and_is_printed_with_its_remedy_or_as_json(machine, capsys):
    assert door("doctor", []) == 1
    out = capsys.readouterr().out
    assert "FAIL  data set" in out and "to fix: " in out
    assert door("doctor", ["--json"]) == 1
    body = json.loads(capsys.readouterr().out)
    assert body["ok"] is False and body["findings"]


def test_a_machine_without_a_failure_is_exit_code_0(machine, capsys, tmp_path):
    machine[0] = Facts(python=(3, 12, 1), dataset_dir=tmp_path / "no", output_dir=tmp_path / "no")
    assert door("doctor", []) == 0
    assert "0 to fix" in capsys.readouterr().out


def test_quick_does_not_load_the_backend_and_folders_are_passed_on(monkeypatch, tmp_path):
    asked = {}

    def gather(dataset_dir, output_dir, *, ask_backend):
        asked.update(dataset=dataset_dir.name, output=output_dir.name, backend=ask_backend)
        return Facts(dataset_dir=tmp_path, output_dir=tmp_path)

    monkeypatch.setattr(doctor, "gather", gather)
    door("doctor", ["--quick", "--dataset_dir", "d", "--output_dir", "o"])
    assert asked == {"dataset": "d", "output": "o", "backend": False}
