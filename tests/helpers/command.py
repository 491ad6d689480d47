"""A command module run as its door runs it."""

from __future__ import annotations

from fingerspell.cli.main import door


def command(name: str, *argv: object) -> int:
    """Returns the exit code of `fingerspell NAME ARGV…`."""
    return door(name, [str(part) for part in argv])
