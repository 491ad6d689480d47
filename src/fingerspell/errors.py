"""Errors that a user can fix, in three parts: what was found, what was expected, how to fix it."""

from collections.abc import Callable, Sequence


class FingerspellError(ValueError):
    """Something the user can fix.

    The command line prints it as three lines and leaves with exit code 2.
    """

    def __init__(self, *, found: str, expected: str, fix: str) -> None:
        self.found = found
        self.expected = expected
        self.fix = fix
        super().__init__(f"{found}\n  expected: {expected}\n  to fix:   {fix}")

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments do not survive the default pickling of exceptions.
        return (_rebuild, (type(self), self.found, self.expected, self.fix))


def _rebuild(kind: type[FingerspellError], found: str, expected: str, fix: str) -> FingerspellError:
    return kind(found=found, expected=expected, fix=fix)


class ConfigError(FingerspellError):
    """A setting that cannot work."""


class PictureError(FingerspellError):
    """Bytes that are not a usable picture."""


class DataError(FingerspellError):
    """A folder of pictures, or a manifest, that cannot be used as it is."""


class ModelError(FingerspellError):
    """Weights or a saved model that do not fit."""


class RunError(FingerspellError):
    """A run folder that is in the way, incomplete or not writable."""


class ExportError(FingerspellError):
    """An export that does not answer as the trained model does."""


class BundleError(FingerspellError):
    """A bundle that cannot be loaded by the runtime."""


def require(holds: bool, *, found: str, expected: str, fix: str) -> None:
    """Raises `ConfigError` unless `holds`."""
    if not holds:
        raise ConfigError(found=found, expected=expected, fix=fix)


def checks_of(part: object, prefix: str = "") -> Callable[[str, bool, str, str], None]:
    """Returns a check of one setting of `part`: `check(name, holds, expected, fix)`."""

    def check(name: str, holds: bool, expected: str, fix: str) -> None:
        require(holds, found=f"{prefix}{name}={getattr(part, name)}", expected=expected, fix=fix)

    return check


def require_one_of(name: str, value: str, known: Sequence[str], fix: str) -> None:
    """Refuses a value that is none of those `known`."""
    require(
        value in known, found=f"{name}={value!r}", expected=f"one of {', '.join(known)}", fix=fix
    )


def require_seed(seed: int) -> None:
    """Refuses a seed below 0, which no generator takes."""
    require(seed >= 0, found=f"seed={seed}", expected="a whole number from 0", fix="use --seed 42")


def require_smoothing(share: float) -> None:
    """Refuses a label smoothing that leaves nothing to the true class, or is below none."""
    require(
        0 <= share < 1,
        found=f"label_smoothing={share}",
        expected="a share from 0 up to, not including, 1",
        fix="use 0.05, or 0 for none",
    )
