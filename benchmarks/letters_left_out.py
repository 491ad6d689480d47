"""Is a recogniser silent before a letter that no training has shown it?

    python benchmarks/letters_left_out.py --data ../shared/data --weights FILE

Trains a recogniser on the sources that may be released as every training does, but without every
sixth letter: neither photographed nor drawn, nor had by the weights that it begins with. Then
sources that it has not seen show it these letters and the ones it knows. Temperature and threshold
are those that the training fitted. What is trained stays in --work, so a second call only reads.
Saves `benchmarks/results/letters_left_out.json`.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from synthetic_hands import program
from unseen_signers import answers

from circumstances import circumstances, save
from levers import ROOT, prepare
from source_names import STRANGERS, STUDY_ONLY
from starter_sources import gather

NAME = "letters_left_out"
LEFT = ("F", "L", "R", "X")
"""Every sixth letter; J and Z, which are movements, are not among them."""

EPOCHS = 4


def gathered(data: Path, output: Path) -> list[Path]:
    """Gathers the sources that may be released without the letters; returns their folders."""
    if not output.exists():
        gather(data, output)
    for folder in output.glob("*/*"):
        if folder.name in LEFT:
            shutil.rmtree(folder)
    return sorted(output.iterdir())


def trained(args: argparse.Namespace) -> Path:
    """Returns the run, trained unless it is there."""
    work, data = ROOT / args.work, ROOT / args.data
    run = work / "run"
    if not (run / "recogniser.json").is_file():
        prepare(gathered(data, work / "sources"), args.work / "dataset")
        program(
            "train", "--config", "configs/unseen signers.py", "--dataset_dir", str(work / "dataset"),
            "--output_dir", str(run), "--weights", str(args.weights), "--epochs", str(args.epochs),
            "--seed", str(args.seed), "--overwrite", "--trust",
        )  # fmt: skip
    return run


def letters(recogniser: Any, folder: Path, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the answers to pictures of some letters, and the name of what each shows."""
    paths = {name: sorted((folder / name).glob("*")) for name in names}
    shown = np.array([name for name, found in paths.items() for _ in found])
    every = [path for found in paths.values() for path in found]
    return answers(recogniser, every), shown


def one_source(recogniser: Any, folder: Path) -> dict[str, Any]:
    """Returns what is accepted of the letters that are known, and of those that are not."""
    from fingerspell.labels import STATIC_LETTERS
    from fingerspell.labels import NOTHING

    known = [x for x in STATIC_LETTERS if x in recogniser.labels and (folder / x).is_dir()]
    left = [x for x in LEFT if (folder / x).is_dir()]
    found = {}
    for group, names in (("known", known), ("left", left)):
        read, shown = letters(recogniser, folder, names)
        said = np.array(recogniser.labels)[read.argmax(axis=1)]
        accepted = (read.max(axis=1) >= recogniser.threshold) & (said != NOTHING)
        found[group] = {
            "pictures": len(shown),
            "accepted": float(accepted.mean()),
            "right": float((said == shown).mean()),
            "each": {name: float(accepted[shown == name].mean()) for name in names},
        }
    return found


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--data", type=Path, default=Path("../shared/data"))
    add("--weights", type=Path, required=True, help="of MobileNetV3Large without its top")
    add("--epochs", type=int, default=EPOCHS)
    add("--seed", type=int, default=1)
    add("--work", type=Path, default=Path("build/letters_left_out"))
    args = parser.parse_args(argv)
    given = sys.argv[1:] if argv is None else argv

    from fingerspell.runtime import Recogniser

    recogniser = Recogniser.load(trained(args))
    sources = {
        name: one_source(recogniser, ROOT / args.data / name) for name in (*STUDY_ONLY, *STRANGERS)
    }
    said = circumstances(shlex.join(["python", f"benchmarks/{NAME}.py", *given]))
    figures = {"left": list(LEFT), "threshold": recogniser.threshold, "epochs": args.epochs,
               "size_px": list(recogniser.size_px), "sources": sources}  # fmt: skip
    print(f"saved {save(NAME, {**said, **figures})}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
