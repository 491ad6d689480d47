"""What the package brings with it: the released recogniser."""

from pathlib import Path

STARTER = Path(__file__).resolve().parent / "starter"
"""The released recogniser: a bundle of one half-precision model, and the weights to train on."""


def has_starter(folder: Path = STARTER) -> bool:
    """Says whether a released recogniser is there: not every copy of the source brings one."""
    return (folder / "recogniser.json").is_file()
