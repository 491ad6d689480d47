"""`fingerspell doctor` from the command line."""

import json
from dataclasses import replace

from fingerspell import doctor
from fingerspell.cli.main import door
from fingerspell.doctor import Facts


def test_what_is_to_fix_is_exit_code_1_and_printed_with_its_remedy_or_as_json(
    monkeypatch, capsys, tmp_path
):
    facts = Facts(python=(3, 12, 1), dataset_dir=tmp_path, output_dir=tmp_path / "none")
    monkeypatch.setattr(doctor, "gather", lambda *_, **__: facts)
    assert door("doctor", []) == 1
    out = capsys.readouterr().out
    assert "FAIL  data set" in out and "to fix: " in out
    assert door("doctor", ["--json"]) == 1
    body = json.loads(capsys.readouterr().out)
    assert body["ok"] is False and body["findings"]
    facts = replace(facts, dataset_dir=tmp_path / "none")
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
