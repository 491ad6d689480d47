"""Gathers the photographs that the released recogniser may learn from, by a stated rule.

    python benchmarks/release/sources.py --data ../shared/data --output build/release_sources

The sources are those of the catalogue whose licence lets a trained network be released. Of some the
statement is weak, as the model card says of each; `--strict_licences` leaves these out.
A class of which the source itself says that its form is not the usual one is omitted; the digits
that are also letters count as those letters, and some that look like none as `nothing`. What it
writes goes to `fingerspell prepare --input_dir`.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.release.catalogue import RELEASE, names_for

OMITTED: Mapping[str, frozenset[str]] = {"pale_sofa": frozenset("MP")}
"""Classes whose form its source calls another than the usual one."""

NOTHING = "nothing"
RENAMED: Mapping[str, Mapping[str, str]] = {
    "digits_218": {
        "0": "O", "2": "V", "6": "W", "9": "F",
        "3": NOTHING, "5": NOTHING, "8": NOTHING,
    },
}  # fmt: skip
"""Of these sources only the named classes, under the label that they count as. 1 looks like D and
Z, 4 like B; 7 looks like no letter, and stays out to measure what was never shown."""

MEASURED_FROM = 5279
"""The students were photographed one after the other, ten pictures each, `IMG_1234.jpg`. From this
number on, the last third of them, non-letters are not learnt from: they are measured."""


def taken(source: str, classes: list[str]) -> Iterator[tuple[str, str]]:
    """Gives each class of `source` that is learnt from, and the label that it counts as."""
    names = RENAMED.get(source)
    for name in sorted(classes):
        label = name if names is None else names.get(name)
        if label is not None and name not in OMITTED.get(source, ()):
            yield name, label


def is_learnt(source: str, name: str, path: Path) -> bool:
    """Whether a picture of a class that is taken is learnt from, and not kept to be measured."""
    if source not in RENAMED:
        return True
    label = RENAMED[source].get(name)
    number = path.stem.rpartition("_")[2]
    return label is not None and (label != NOTHING or int(number) < MEASURED_FROM)


def gather(data: Path, output: Path, sources: Sequence[str] | None = None) -> int:
    """Copies the pictures to `output`/source/label; returns how many.

    Ends with a message, nothing written, where a source is missing or `output` is there already.
    """
    chosen = names_for(RELEASE) if sources is None else sources
    missing = [source for source in chosen if not (data / source).is_dir()]
    if missing:
        raise SystemExit(f"{data} has no {', '.join(missing)}: name the folder of all sources")
    if output.exists():
        raise SystemExit(f"{output} is there already: remove it, or choose another --output")
    output.mkdir(parents=True)
    for source in chosen:
        folder = data / source
        for name, label in taken(source, [p.name for p in folder.iterdir() if p.is_dir()]):
            (output / source / label).mkdir(parents=True, exist_ok=True)
            for path in sorted((folder / name).iterdir()):
                if is_learnt(source, name, path):
                    shutil.copy2(path, output / source / label)
    return sum(1 for path in output.rglob("*") if path.is_file())


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--output", type=Path, default=Path("build/release_sources"))
    parser.add_argument(
        "--strict_licences", action="store_true", help="only where the publisher states the licence"
    )
    args = parser.parse_args(argv)
    chosen = names_for(RELEASE, strict=args.strict_licences)
    print(f"{gather(args.data, args.output, chosen)} pictures in {args.output}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
