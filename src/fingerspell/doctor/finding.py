"""One line of the doctor's report."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class State(StrEnum):
    """How bad it is: `WARN` works with a drawback, `FAIL` does not work."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was checked, what was found and, unless it is fine, how to fix it."""

    state: State
    topic: str
    found: str
    fix: str = ""


def ok(topic: str, found: str) -> Finding:
    """A finding that needs nothing."""
    return Finding(State.OK, topic, found)


def warn(topic: str, found: str, fix: str) -> Finding:
    """A finding that the user should know of."""
    return Finding(State.WARN, topic, found, fix)


def fail(topic: str, found: str, fix: str) -> Finding:
    """A finding that stops a command from working."""
    return Finding(State.FAIL, topic, found, fix)


def exit_code(findings: Sequence[Finding]) -> int:
    """Returns 1 where something failed, else 0."""
    return int(any(finding.state is State.FAIL for finding in findings))


def as_text(findings: Sequence[Finding]) -> str:
    """One line a finding, its remedy below it."""
    width = max((len(finding.topic) for finding in findings), default=0)
    lines = []
    for finding in findings:
        lines.append(f"{finding.state:<4}  {finding.topic:<{width}}  {finding.found}")
        if finding.fix:
            lines.append(f"{'':<4}  {'':<{width}}  to fix: {finding.fix}")
    return "\n".join([*lines, _summary(findings)]) + "\n"


def as_json(findings: Sequence[Finding]) -> str:
    """The same as JSON: `{"ok": true, "findings": [{state, topic, found, fix}]}`."""
    body = {"ok": exit_code(findings) == 0, "findings": [asdict(x) for x in findings]}
    return json.dumps(body, indent=2) + "\n"


def _summary(findings: Sequence[Finding]) -> str:
    counts = {state: sum(x.state is state for x in findings) for state in State}
    return f"{counts[State.OK]} fine, {counts[State.WARN]} to know of, {counts[State.FAIL]} to fix"
