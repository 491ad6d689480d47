"""How findings are printed."""

import json

from fingerspell.doctor.finding import as_json, as_text, exit_code, fail, ok, warn

FINDINGS = [ok("Python", "3.12"), warn("GPU", "not seen", "use WSL2"), fail("disk", "full", "free")]


def test_only_a_failure_is_an_exit_code():
    assert [exit_code(some) for some in (FINDINGS, FINDINGS[:2], [])] == [1, 0, 0]


def test_each_finding_is_a_line_with_its_remedy_below_or_an_object_for_programs():
    lines = as_text(FINDINGS).splitlines()
    assert lines[0].split() == ["OK", "Python", "3.12"]
    assert lines[1].startswith("WARN  GPU") and lines[2].strip() == "to fix: use WSL2"
    assert lines[-1] == "1 fine, 1 to know of, 1 to fix"
    body = json.loads(as_json(FINDINGS))
    gpu = {"state": "WARN", "topic": "GPU", "found": "not seen", "fix": "use WSL2"}
    assert body["ok"] is False and body["findings"][1] == gpu
