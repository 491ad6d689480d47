"""Before and after a training on the card: where it begins, and a run folder of where it ended.

    python benchmarks/run_of_card.py start --output START.npz
    python benchmarks/run_of_card.py end CARD/base.npz CARD/mixup_192.npz --output_dir output
    python benchmarks/run_of_card.py again --output_dir output
    fingerspell export --output_dir output
    fingerspell evaluate --output_dir output

`start` writes the released recogniser's layers and weights for `train_on_card.py`. `end` makes a
run of one end, or of the mean of several that have a stage in common; `card.json` must lie beside
them. Where the hand is, temperature and threshold are learnt here, as after any training. `again`
makes a run of the weights that are released, for when what is answered by them has changed: where
the hand is stays, temperature and threshold are learnt anew.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fingerspell.assets import STARTER
from fingerspell.config import ModelConfig, Phase, TrainConfig
from fingerspell.config.recipe import load_recipe
from fingerspell.dataset.manifest import Manifest, read_manifest, split_rule
from fingerspell.errors import FingerspellError, RunError
from fingerspell.labels import ALPHABET
from fingerspell.machine import commit, machine, peak_memory_bytes, silence_libraries, versions
from fingerspell.model import backbone_of, build_recogniser, head_of, load_recogniser
from fingerspell.model.build import LOGITS
from fingerspell.model.weights import (
    build_starter,
    starter_config,
    starter_facts,
    starter_origin,
    with_released_views,
)
from fingerspell.train import run_folder
from fingerspell.train.checkpoint import to_columns
from fingerspell.train.run import finish
from fingerspell.train.session import Run
from page_parts import read
from starter_card import ANEW
from twin import Arrays, halved, load_network, save_network, written_down

ROOT = Path(__file__).resolve().parents[1]
CARD = "card.json"
RELEASED = ("base", "mixup_192")
"""Of `results/ends_of_card.json`: the mean of these ends is the released recogniser."""

SETTINGS: dict[str, Any] = {"weights": "starter"}
"""Of the recipe for unseen signers, what is other here."""

AT_ONCE = 32
"""Pictures that are looked at together where nothing is learnt."""

Facts = dict[str, Any]


def start(output: Path, weights: Path | None = None, run: Path | None = None) -> None:
    """Writes what a training on the card begins with: the released recogniser, a run's, or a new
    one, whose backbone comes from a file of weights and whose head from chance."""
    if run is not None:
        model = load_recogniser(run / run_folder.MODEL)
    elif weights is None:
        model = build_starter(starter_facts()["labels"])
    else:
        keras.utils.set_random_seed(1)
        model = build_recogniser(ModelConfig(weights="none"), len(ALPHABET))
        backbone_of(model).load_weights(weights)
    layers, arrays = written_down(model)
    save_network(output, layers, halved(arrays))
    print(f"saved {output}")


def mean_of(ends: Sequence[Path]) -> Arrays:
    """Returns the mean of the weights of several ends, name by name."""
    found = [load_network(end)[1] for end in ends]
    return {k: np.mean([one[k].astype(np.float32) for one in found], axis=0) for k in found[0]}


def way_to(card: Facts, name: str) -> list[Facts]:
    """Returns the figures of the stages that lead to the end `name`, in order."""
    by_name = {stage["name"]: stage for stage in card["stages"]}
    way: list[Facts] = []
    while name in by_name:
        way.insert(0, by_name[name])
        name = by_name[name]["stage"]["of"]
    return way


def config_of(card: Facts, stages: Sequence[Facts], dataset: Path, output: Path) -> TrainConfig:
    """Returns the recipe for unseen signers as it was gone through on the card."""
    recipe = load_recipe(ROOT / "configs" / "unseen signers.py").config(
        dataset_dir=dataset, output_dir=output, batch_size=card["batch"], seed=card["seed"],
        **SETTINGS,
    )  # fmt: skip
    phases = tuple(
        Phase(
            name=one["name"], epochs=1, learning_rate=one["stage"]["rate"], unfrozen_from="all",
            batchnorm_momentum=0.95, patience_epochs=0,
            image_size_px=(one["stage"]["side"], one["stage"]["side"]),
        )
        for one in stages
    )  # fmt: skip
    augment = dataclasses.replace(recipe.augment, **stages[-1]["stage"]["augment"])
    return dataclasses.replace(
        recipe, phases=phases, augment=augment, label_smoothing=stages[-1]["stage"]["smoothing"]
    )


def fill(model: Any, arrays: Arrays) -> None:
    """Puts weights into a recogniser by the names that `twin.written_down` gives them."""
    for layer in (*backbone_of(model).layers, head_of(model).get_layer(LOGITS)):
        for variable in layer.weights:
            variable.assign(arrays[f"{layer.name}/{variable.name}"])


def end(ends: Sequence[Path], dataset_dir: Path, output_dir: Path, command: str) -> Facts:
    """Makes a run folder of where a training on the card ended; returns its `run.json`."""
    silence_libraries()
    manifest, source = read_manifest(dataset_dir), commit()
    card = json.loads((ends[0].parent / CARD).read_text(encoding="utf-8"))
    ways = [way_to(card, path.stem) for path in ends]
    stages = list({one["name"]: one for way in ways for one in way}.values())
    config = config_of(card, stages, dataset_dir, output_dir)
    model = build_recogniser(config.model, len(manifest.labels))
    fill(model, mean_of(ends))
    run = Run(config, manifest, model, fingerprint="")
    run_folder.open_folder(output_dir, overwrite=False, resume=False)
    answers = finish(run)
    # Losses with and without MixUp are no curve; `card` has each stage's figures.
    run_folder.write_json(output_dir / run_folder.HISTORY, to_columns([]))
    facts = {**answers, **told(card, ends, stages, config, manifest), "command": command,
             "commit": source}  # fmt: skip
    run_folder.write_json(output_dir / run_folder.RUN, facts)
    return facts


def again(dataset_dir: Path, output_dir: Path, command: str, starter: Path = STARTER) -> Facts:
    """Makes a run folder of the released weights as they answer now; returns its `run.json`."""
    silence_libraries()
    manifest, known = read_manifest(dataset_dir), starter_facts(starter)
    origin = known["origin"]
    if manifest.sha256 != origin["manifest_sha256"]:
        raise RunError(
            found=f"{dataset_dir} is not what the released recogniser learnt from",
            expected="the data set that benchmarks/starter_sources.py tells how to make",
            fix="make it anew, with the sources of the release, and name it with --dataset_dir",
        )
    card = read("ends_of_card")["card"]
    stages = way_to(card, RELEASED[-1])
    config = dataclasses.replace(
        config_of(card, stages, dataset_dir, output_dir),
        model=starter_config(starter),
        batch_size=AT_ONCE,
    )
    model = with_released_views(build_starter(manifest.labels, starter), starter)
    run_folder.open_folder(output_dir, overwrite=False, resume=False)
    answers = finish(Run(config, manifest, model, fingerprint=""))
    run_folder.write_json(output_dir / run_folder.HISTORY, to_columns([]))
    calibrated = f"{ANEW} {answers['finished'][:10]}, commit {commit()}"
    facts = {
        **answers,
        **told(card, [Path(name) for name in RELEASED], stages, config, manifest),
        **{key: origin[key] for key in ("finished", "commit")},
        "weights_origin": f"{origin['weights_origin']}; {calibrated}",
        "temperature": known["temperature"] * answers["temperature"],
        "command": command,
    }
    run_folder.write_json(output_dir / run_folder.RUN, facts)
    return facts


def told(
    card: Facts, ends: Sequence[Path], stages: Sequence[Facts], config: TrainConfig,
    manifest: Manifest,
) -> Facts:  # fmt: skip
    """Returns what `run.json` says of how it was trained."""
    origin = starter_origin(starter_facts())
    if len(ends) > 1:
        origin += f"; the mean of {' and '.join(path.stem for path in ends)}"
    return {
        "config": dataclasses.asdict(config),
        "labels": list(manifest.labels),
        "weights_origin": origin,
        "manifest_sha256": manifest.sha256,
        "manifest_checked": False,
        "split_rule": split_rule(config.dataset_dir),
        "pictures": dict(Counter(s.split for s in manifest.samples)),
        "synthetic_pictures": max(one["drawings"] for one in stages),
        "device": {"backend": f"torch {card['torch']}", "gpus": [card["device"]],
                   "precision": "mixed_bfloat16"},
        "processes": 1,
        "devices": 1,
        "machine": machine(),
        "versions": versions(),
        "train_s": round(sum(one["stage"]["seconds"] for one in stages), 1),
        "peak_memory_bytes": peak_memory_bytes(),
        "card": list(stages),
    }  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="what", required=True)
    first = commands.add_parser("start")
    first.add_argument("--output", type=Path, required=True)
    first.add_argument("--weights", type=Path, help="of a backbone, instead of the released one's")
    first.add_argument("--run", type=Path, help="a finished run's recogniser instead")
    last = commands.add_parser("end")
    last.add_argument("ends", type=Path, nargs="+")
    anew = commands.add_parser("again")
    for one in (last, anew):
        one.add_argument("--dataset_dir", type=Path, default=Path("dataset"))
        one.add_argument("--output_dir", type=Path, required=True)
    args = parser.parse_args(argv)
    ends = getattr(args, "ends", [])
    named = [*ends, ends[0].parent / CARD] if ends else [getattr(args, "weights", None)]
    if missing := [path for path in named if path is not None and not path.is_file()]:
        parser.error(f"no file {', '.join(map(str, missing))}")
    if args.what == "start":
        start(args.output, args.weights, args.run)
        return 0
    command = shlex.join(["python", "benchmarks/run_of_card.py", *(argv or sys.argv[1:])])
    try:
        if args.what == "end":
            end(args.ends, args.dataset_dir, args.output_dir, command)
        else:
            again(args.dataset_dir, args.output_dir, command)
    except FingerspellError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
