"""Gathers the photographs that the released recogniser may learn from, by a stated rule.

    python benchmarks/starter_sources.py --data ../shared/data --output build/starter_sources

The sources are those whose licence lets a trained network be released. A class of which the
source itself says that its form is not the usual one is left out; the digits that are also
letters count as those letters, and some that look like none as `nothing`. What it writes goes to
`fingerspell prepare --input_dir`.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

SOURCES = (
    ("keptsecret", "keptsecret/ASLAlphabets", "Apache-2.0", "one hand, many rooms and lights"),
    ("rooms", "American Sign Language Letters, David Lee", "public domain", "several people"),
    ("massey", "Kaggle ayuraj/asl-dataset (Massey University)", "CC0", "5 hands on black"),
    ("overexposed", "t32rahman/ASL-ML", "MIT", "one hand, very bright"),
    ("plain_wall", "sakshamsood3/Hands4All", "MIT", "one man"),
    ("hawk", "HawkCodesZ/SignLang.AI", "MIT", "one man"),
    ("grey_wall_mask", "Lolzorus/IA-et-apprentissage", "MIT", "one man"),
    ("pale_sofa", "gunsai75/AI_capstone_SLR", "MIT", "one man; no K and Q"),
    ("brown_hand", "seeeeeeel/Hand_sign_language", "MIT", "one hand, left or unmirrored"),
    ("digits_218", "ardamavi/Sign-Language-Digits-Dataset", "Apache-2.0",
     "218 students; 0, 2, 6, 9 as O, V, W, F; 3, 5, 8 of two thirds of them as nothing"),
)  # fmt: skip
"""Name here, publisher, the licence stated there, who is seen."""

LEFT_OUT: Mapping[str, frozenset[str]] = {"pale_sofa": frozenset("MP")}
"""Classes whose form its source calls another than the usual one."""

NOTHING = "nothing"
RENAMED: Mapping[str, Mapping[str, str]] = {
    "digits_218": {
        "0": "O", "2": "V", "6": "W", "9": "F",
        "3": NOTHING, "5": NOTHING, "8": NOTHING,
    },
}  # fmt: skip
"""Of these sources only the named classes, under the label that they count as. 1 looks like D and
Z, 4 like B; 7 looks like no letter, and is left to measure what was never shown."""

MEASURED_FROM = 5279
"""The students were photographed one after the other, ten numbered pictures each. From this number
on, the last third of them, hands that show no letter are not learnt from: they are measured."""


def taken(source: str, classes: list[str]) -> Iterator[tuple[str, str]]:
    """Gives each class of `source` that is learnt from, and the label that it counts as."""
    names = RENAMED.get(source)
    for name in sorted(classes):
        label = name if names is None else names.get(name)
        if label is not None and name not in LEFT_OUT.get(source, ()):
            yield name, label


def is_learnt(source: str, name: str, path: Path) -> bool:
    """Whether a picture of a class that is taken is learnt from, and not kept to be measured."""
    if source not in RENAMED:
        return True
    label = RENAMED[source].get(name)
    return label is not None and (label != NOTHING or number_of(path) < MEASURED_FROM)


def number_of(path: Path) -> int:
    """Returns a photograph's number: `IMG_1234.jpg` is 1234."""
    return int(path.stem.rpartition("_")[2])


def gather(data: Path, output: Path) -> int:
    """Copies the pictures to `output`/source/label; returns how many.

    Ends with a message, nothing written, where a source is missing or `output` is there already.
    """
    missing = [source for source, *_ in SOURCES if not (data / source).is_dir()]
    if missing:
        raise SystemExit(f"{data} has no {', '.join(missing)}: name the folder of all sources")
    if output.exists():
        raise SystemExit(f"{output} is there already: remove it, or choose another --output")
    output.mkdir(parents=True)
    for source, *_ in SOURCES:
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
    parser.add_argument("--output", type=Path, default=Path("build/starter_sources"))
    args = parser.parse_args(argv)
    print(f"{gather(args.data, args.output)} pictures in {args.output}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
