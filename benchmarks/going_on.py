"""The released network goes on with other synthetic hands: does it read unseen signers better?

    python benchmarks/going_on.py --data ../shared/data --dataset_dir dataset

From its weights it learns a little more from the photographs that may teach it and from hands
drawn as a choice says, changed as `configs/unseen signers.py` changes them; its BatchNormalization
keeps still. Reads ten sources of unseen signers with one look: with the weights at the end, and with
the mean of these and the released ones. Two cores get more done with one run each: `--part 1/2`
and `--part 2/2`, and a last call that saves `benchmarks/results/going_on.json`.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from circumstances import circumstances, save
from run_by_run import Job, run_by_run
from short_runs import asked, part
from source_names import STRANGERS, STUDY_ONLY, require_sources

ROOT = Path(__file__).resolve().parents[1]
STEPS, BATCH, DRAWN, RATE = 700, 32, 200, 3e-4
RELEASED = "released, not gone on with"


@dataclass(frozen=True, slots=True)
class Choice:
    """How hands are drawn: factors of `SynthConfig`."""

    name: str
    factors: Mapping[str, float]


CHOICES = (
    Choice("hands drawn as in the recipe", {}),
    Choice("hands drawn further apart", {"view": 1.6, "slack": 1.4, "people": 1.4}),
)


def one(choice: Choice | None, seed: int, args: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Goes on from the released weights, or not at all without a choice; returns what is read."""
    import keras

    from fingerspell.assets import STARTER
    from fingerspell.config.recipe import load_recipe
    from fingerspell.dataset.manifest import read_manifest
    from fingerspell.loading.loader import training_stream
    from fingerspell.machine import commit
    from fingerspell.model import unfreeze
    from fingerspell.model.weights import build_starter
    from fingerspell.synth.config import SynthConfig
    from fingerspell.train.schedule import compile_for
    from fingerspell.train.synthetic import draw_samples

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    manifest, source = read_manifest(ROOT / args.dataset_dir), commit()
    model = build_starter(manifest.labels, STARTER)
    if choice is None:
        return {"commit": source, "end": read(model, manifest.labels, ROOT / args.data)}
    recipe = replace(
        load_recipe(ROOT / "configs" / "unseen signers.py").config(
            dataset_dir=manifest.dataset_dir, output_dir=work, seed=seed
        ),
        average_epochs=0,
    )
    phase = replace(
        recipe.phases[-1], epochs=1, learning_rate=RATE, batchnorm_momentum=None, decay=(0.0, 1.0)
    )
    size_px = recipe.model.image_size_px
    folder = work / f"{choice.name.replace(' ', '_')}_{seed}"
    synthetic = draw_samples(
        folder, manifest.labels, DRAWN, seed, max(size_px), SynthConfig(**choice.factors)
    )
    stream = training_stream(
        manifest, [*manifest.split("train"), *synthetic], manifest.labels, size_px, BATCH,
        recipe.augment, seed, sampling=recipe.sampling,
    )  # fmt: skip
    released = model.get_weights()
    unfreeze(model, "all", phase.batchnorm_momentum)
    compile_for(model, phase, args.steps, recipe)
    told = model.fit(
        (batch for batch in stream), steps_per_epoch=args.steps, shuffle=False, verbose=2
    )
    end = read(model, manifest.labels, ROOT / args.data)
    model.set_weights([(a + b) / 2 for a, b in zip(released, model.get_weights(), strict=True)])
    return {
        "commit": source,
        "loss": float(told.history["loss"][-1]),
        "end": end,
        "mean": read(model, manifest.labels, ROOT / args.data),
    }


def read(model: Any, labels: tuple[str, ...], data: Path) -> dict[str, Any]:
    """Returns the accuracy on both groups of unseen signers, with one look."""
    from reading import packaged, unseen_signers

    network, size_px = packaged(model), tuple(model.input_shape[1:3])
    return {
        group: unseen_signers(network, data, labels, size_px, names)
        for group, names in (("studied", STUDY_ONLY), ("unseen_signers", STRANGERS))
    }


def main(argv: list[str] | None = None) -> int:
    """Does the runs that are left, and saves the JSON."""
    from fingerspell.dataset.manifest import read_manifest

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--data", type=Path, default=Path("../shared/data"))
    add("--dataset_dir", type=Path, required=True, help="of starter_sources.py, prepared")
    add("--seeds", type=int, nargs="+", default=[1, 2])
    add("--steps", type=int, default=STEPS, help=f"of {BATCH} pictures")
    add("--part", type=part, default=(1, 1), metavar="K/N", help="every Nth run, from the Kth")
    add("--work", type=Path, default=Path("build/going_on"))
    args = parser.parse_args(argv)
    require_sources(parser, ROOT / args.data)
    manifest, work = read_manifest(ROOT / args.dataset_dir), ROOT / args.work
    work.mkdir(parents=True, exist_ok=True)
    number, of = args.part

    def jobs() -> Iterator[Job]:
        runs: list[tuple[int, Choice | None]] = [(s, c) for s in args.seeds for c in CHOICES]
        for seed, choice in [*runs, (0, None)][number - 1 :: of]:
            name = RELEASED if choice is None else choice.name
            known = {
                "name": name,
                "seed": seed,
                "steps": 0 if choice is None else args.steps,
                "factors": None if choice is None else choice.factors,
                "fingerprint": f"{name} {seed} {args.steps} {choice} {manifest.sha256}",
            }
            path = work / f"{name.replace(' ', '_')}_{seed}.json"
            yield Job(f"{name}, seed {seed}", path, known, partial(one, choice, seed, args, work))

    def told(runs: list[dict[str, Any]]) -> None:
        if of > 1:
            return
        command = shlex.join(["python", "benchmarks/going_on.py", *asked(argv)])
        said = circumstances(command)
        said["commit"] = ", ".join(sorted({run["commit"] for run in runs}))
        plan = {
            "steps": args.steps,
            "batch_size": BATCH,
            "rate": RATE,
            "synthetic_per_class": DRAWN,
        }
        save("going_on", {**said, **plan, "runs": runs})

    return run_by_run(jobs(), float("inf"), told)


if __name__ == "__main__":
    raise SystemExit(main())
