"""How findings are printed."""

import json

from fingerspell.doctor.finding import as_json, as_text, exit_code, fail, ok, warn

FINDINGS = [ok("Python", "3.12"), warn("GPU", "not seen", "use WSL2"), fail("disk", "full", "free")]


def test_only_a_failure_is_an_exit_code():
    assert exit_code(FINDINGS) == 1
    assert exit_code(FINDINGS[:2]) == 0
    assert exit_code([]) == 0


def test_each_finding_is_a_line_with_its_remedy_below():
    lines = as_text(FINDINGS).splitlines()
    assert lines[0].split() == ["OK", "Python", "3.12"]
    assert lines[1].startswith("WARN  GPU") and lines[2].strip() == "to fix: use WSL2"
    assert lines[-1] == "1 fine, 1 to know of, 1 to fix"


def test_the_same_as_json():
    body = json.loads(as_json(FINDINGS))
    assert body["ok"] is False
    assert body["findings"][1] == {
        "state": "WARN",
        "topic": "GPU",
        "found": "not seen",
        "fix": "use WSL2",
    }
