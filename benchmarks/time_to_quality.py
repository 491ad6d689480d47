"""How long until a recogniser is as good as the guide's recipe gets? Both, one after the other.

    python benchmarks/time_to_quality.py --data ../shared/data --weights FILE --limit_s 1500

First the guide's recipe as people write it (`guide_recipe.py`), then one of the package's own,
each in a process of its own on the same leak-safe data set, the same weights and threads. Their
clocks start with the program, imports included, and hold all that a recipe does by itself:
drawing hands, caching features, validating, saving. What this script adds is not on them.
`reached.py` defines when an accuracy is reached. Saves `benchmarks/results/time_to_quality.json`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from circumstances import circumstances, save
from course import read_course, weights_of
from reached import best, held, ladder, rung

ROOT = Path(__file__).resolve().parents[1]
SCORES = ("held_out", "val", "test")
NAME = "time_to_quality"


def run(arguments: list[str]) -> str:
    """Runs a program of this project from its root; returns the command."""
    print("$", shlex.join(["python", *arguments]), flush=True)
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True)
    return shlex.join(["python", *arguments])


def prepare(sources: list[Path], dataset: Path) -> str:
    """Makes the leak-safe data set that both sides learn from."""
    arguments = ["-m", "fingerspell", "prepare", "--input_dir", *map(str, sources)]
    return run([*arguments, "--output_dir", str(dataset), "--overwrite"])


def trained(args: argparse.Namespace, dataset: Path) -> dict[str, str]:
    """Trains both sides, the guide's first; returns their commands."""
    shared = ["--dataset_dir", str(dataset), "--weights", args.weights, "--seed", str(args.seed)]
    guide = ["benchmarks/guide_recipe.py", *shared, "--output_dir", str(args.work / "guide")]
    guide += ["--epochs", str(args.epochs), "--side", str(args.side)]
    guide += ["--unfreeze_last", str(args.unfreeze_last), "--limit_s", f"{args.limit_s:g}"]
    ours = ["benchmarks/watched.py", *shared, "--output_dir", str(args.work / "ours")]
    return {"guide": run(guide), "ours": run([*ours, "--recipe", str(args.recipe)])}


def read(args: argparse.Namespace, dataset: Path) -> dict[str, Any]:
    """Returns each side's curve, its unseen signers, and what else it noted."""
    from fingerspell.dataset.manifest import read_manifest
    from fingerspell.model import load_recogniser
    from reading import curve, packaged, unseen_signers

    manifest = read_manifest(ROOT / dataset)
    labels, data = manifest.labels, ROOT / args.data
    sides: dict[str, Any] = {}
    for name, network_of in (("guide", _guide(labels)), ("ours", _ours(args, labels))):
        folder = ROOT / args.work / name
        epochs, facts = read_course(folder)
        rows = curve(folder, epochs, manifest, network_of)
        if name == "guide":
            size_px = epochs[0].size_px
            network = network_of(size_px)
            network.model.set_weights(weights_of(folder, facts["kept_epoch"]))
        else:
            network = packaged(load_recogniser(folder / "run" / "model.keras"))
            size_px = network.model.input_shape[1:3]
        people = unseen_signers(network, data, labels, size_px)
        sides[name] = {**facts, "curve": rows, "phases": phases(rows), "unseen_signers": people}
    return sides


def _guide(labels: tuple[str, ...]) -> Any:
    from guide_recipe import FRONT, HEAD, build
    from reading import Network

    if list(labels) != sorted(labels):  # Keras numbers its class folders by name.
        raise SystemExit(f"labels are not in the order of their names: {labels}")

    def network_of(size_px: tuple[int, int]) -> Network:
        model = build(len(labels), size_px[0], None)
        return Network(model, model.get_layer(FRONT), model.get_layer(HEAD), scale=255.0)

    return network_of


def _ours(args: argparse.Namespace, labels: tuple[str, ...]) -> Any:
    from fingerspell.config import ModelConfig
    from fingerspell.model import build_recogniser
    from reading import Network, packaged

    _, facts = read_course(ROOT / args.work / "ours")
    backbone = facts["config"]["model"]["backbone"]

    def network_of(size_px: tuple[int, int]) -> Network:
        config = ModelConfig(backbone=backbone, weights="none", image_size_px=size_px)
        return packaged(build_recogniser(config, len(labels)))

    return network_of


def phases(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns each phase's epochs, seconds and pictures learnt from a second, all costs in it."""
    found, before_s = [], 0.0
    for name, part in itertools.groupby(rows, key=lambda row: row["phase"]):
        epochs = list(part)
        seconds = epochs[-1]["clock_s"] - before_s
        pictures = sum(row["pictures"] for row in epochs)
        before_s = epochs[-1]["clock_s"]
        found.append(
            {
                "phase": name,
                "epochs": len(epochs),
                "seconds": round(seconds, 1),
                "pictures": pictures,
                "pictures_per_s": round(pictures / seconds, 1),
            }
        )
    return found


def compared(sides: dict[str, Any]) -> dict[str, Any]:
    """Returns the times to each accuracy; the headline is the guide's best on all held-out."""
    curves = {
        score: tuple(
            (
                [row[score] for row in sides[side]["curve"]],
                [row["clock_s"] for row in sides[side]["curve"]],
            )
            for side in ("guide", "ours")
        )
        for score in SCORES
    }
    for side in ("guide", "ours"):
        for row, reached in zip(
            sides[side]["curve"],
            held([row["held_out"] for row in sides[side]["curve"]]),
            strict=True,
        ):
            row["held"] = reached
    return {
        "headline": rung(best(curves["held_out"][0][0]), *curves["held_out"]),
        "best": {
            score: {"guide": best(guide[0]), "ours": best(ours[0])}
            for score, (guide, ours) in curves.items()
        },
        "ladders": {score: ladder(*pair) for score, pair in curves.items()},
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--data", type=Path, default=Path("../shared/data"))
    add("--weights", required=True, help="of MobileNetV3Large without its top; both start from it")
    add("--sources", nargs="+", default=["kaggle_alphabet"])
    add("--recipe", type=Path, default=Path("configs/quick.py"), help="the package's own")
    add("--limit_s", type=float, default=1500, help="of the guide's own clock")
    add("--epochs", type=int, default=50, help="of the guide's recipe")
    add("--side", type=int, default=200, help="of the guide's recipe, in pixels")
    add("--unfreeze_last", type=int, default=0, help="backbone layers it tunes; 0 for all")
    add("--seed", type=int, default=42)
    add("--work", type=Path, default=Path("build/time_to_quality"))
    add("--read", action="store_true", help="measure the trainings that lie in --work again")
    args = parser.parse_args(argv)
    own = [part for part in (argv or sys.argv[1:]) if part != "--read"]
    said = circumstances(shlex.join(["python", f"benchmarks/{NAME}.py", *own]))
    dataset = args.work / "dataset"
    commands = ROOT / args.work / "commands.json"
    if args.read:
        noted = json.loads(commands.read_text(encoding="utf-8"))
        said = {**said, **noted.pop("said")}
    else:
        sources = [args.data / name for name in args.sources]
        noted = {"prepare": prepare(sources, dataset), **trained(args, dataset)}
        said["finished"] = circumstances("")["finished"]
        text = json.dumps({**noted, "said": said})
        commands.write_text(text, encoding="utf-8", newline="\n")
    sides = read(args, dataset)
    figures = {**compared(sides), "sources": args.sources, "seed": args.seed, "commands": noted}
    save(NAME, {**said, **figures, "sides": sides})
    print(json.dumps(figures["headline"]), json.dumps(figures["best"]))
    for name, side in sides.items():
        print(name, json.dumps({k: v for k, v in side["unseen_signers"].items() if k != "sources"}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
