"""What does each lever of the training engine cost and bring? Each switched off alone.

    python benchmarks/levers.py --data ../shared/data --weights FILE --budget_s 1800

One small recipe with all levers, and the same with one of them off: seconds, accuracy on groups
of pictures that it never saw (val, test) and on unseen signers, several seeds each. Films and single
photographs lie together, as in users' folders. `--more` adds the recipe's other choices: warm-up,
wide augmentation, trained BatchNormalization, synthetic hands.

Seed by seed, every finished run is kept in --work: a second call does what is left, and runs
whose settings or data have changed anew. Saves `benchmarks/results/levers.json` after each.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from circumstances import circumstances, save
from run_by_run import Job, run_by_run

if TYPE_CHECKING:
    from fingerspell.config import TrainConfig
    from fingerspell.dataset.manifest import Manifest

ROOT = Path(__file__).resolve().parents[1]
NAME = "levers"
FULL = "full"
SEEDS = (1, 2, 3)
SIDE_PX = 128
SHARES = {96: 0.6, 128: 0.4}
EPOCHS = 12
SCORES = ("train_s", "val", "test", "unseen_signers_26", "unseen_signers_24")


def full(args: argparse.Namespace, output: Path) -> TrainConfig:
    """Returns the recipe with every lever on; a third of its epochs train the head."""
    from fingerspell.config import ModelConfig, SamplingConfig, TrainConfig, progressive, two_phases

    head, finetune = two_phases(args.epochs, patience_epochs=0)
    shares = {args.side * small // SIDE_PX: share for small, share in SHARES.items()}
    return TrainConfig(
        dataset_dir=ROOT / args.work / "dataset",
        output_dir=output,
        model=ModelConfig(weights=str(ROOT / args.weights), image_size_px=(args.side, args.side)),
        batch_size=args.batch_size,
        phases=(head, *progressive(finetune, shares)),
        sampling=SamplingConfig(group_power=0.5),
        overwrite=True,
    )


def without_cache(config: TrainConfig, _: Manifest) -> TrainConfig:
    """The frozen backbone looks at the pictures in every epoch."""
    return replace(config, feature_cache_bytes=0)


def without_small_pictures(config: TrainConfig, _: Manifest) -> TrainConfig:
    """The whole network is tuned at its own picture size from the first epoch on."""
    head, *stretches = config.phases
    epochs = sum(phase.epochs for phase in stretches)
    whole = replace(
        stretches[0], name="finetune", epochs=epochs, image_size_px=None, decay=(0.0, 1.0)
    )
    return replace(config, phases=(head, whole))


def without_sampling(config: TrainConfig, manifest: Manifest) -> TrainConfig:
    """Every frame counts; fewer epochs, so that as many pictures are learnt from as before.

    Weights are averaged over as many pictures as before, too: only which pictures come differs.
    """
    from fingerspell.config import SamplingConfig
    from fingerspell.loading.sampling import epoch_length

    samples = manifest.split("train")
    share = epoch_length(samples, config.sampling) / len(samples)
    return replace(
        config,
        phases=tuple(replace(p, epochs=max(1, round(p.epochs * share))) for p in config.phases),
        average_epochs=config.average_epochs * share,
        sampling=SamplingConfig(),
    )


def without_averaging(config: TrainConfig, _: Manifest) -> TrainConfig:
    """The latest weights are validated and kept, not an average."""
    return replace(config, average_epochs=0.0)


def without_warmup(config: TrainConfig, _: Manifest) -> TrainConfig:
    """Every phase begins at its peak rate."""
    return replace(config, phases=tuple(replace(p, warmup_share=0.0) for p in config.phases))


def with_wide_augmentation(config: TrainConfig, _: Manifest) -> TrainConfig:
    """Pictures are changed as far as `configs/robust.py` says."""
    from fingerspell.config.recipe import load_recipe

    return replace(config, augment=load_recipe(ROOT / "configs" / "robust.py").config().augment)


def with_trained_batchnorm(config: TrainConfig, _: Manifest) -> TrainConfig:
    """BatchNormalization learns the pictures' statistics, which bears a rate of 1e-3."""
    head, *stretches = config.phases
    moved = (replace(p, batchnorm_momentum=0.95, learning_rate=1e-3) for p in stretches)
    return replace(config, phases=(head, *moved))


def with_synthetic_hands(config: TrainConfig, _: Manifest) -> TrainConfig:
    """20 synthetic hands of every class are mixed in; epochs grow by them."""
    return replace(config, synthetic_per_class=20)


Change = Callable[["TrainConfig", "Manifest"], "TrainConfig"]
LEVERS: Mapping[str, Change] = {
    FULL: lambda config, _: config,
    "no cached features": without_cache,
    "no small pictures first": without_small_pictures,
    "no sampling by groups": without_sampling,
    "no averaged weights": without_averaging,
}
MORE: Mapping[str, Change] = {
    "no warm-up": without_warmup,
    "wide augmentation": with_wide_augmentation,
    "BatchNormalization trained, at 1e-3": with_trained_batchnorm,
    "with synthetic hands": with_synthetic_hands,
}


def one(config: TrainConfig, data: Path) -> dict[str, Any]:
    """Trains one run and reads every picture that it has not seen; returns its figures."""
    import keras

    from fingerspell.dataset.manifest import read_manifest
    from fingerspell.model import load_recogniser
    from fingerspell.train.run import train
    from reading import accuracy, packaged, unseen_signers

    keras.backend.clear_session()
    facts = train(config)
    manifest = read_manifest(config.dataset_dir)
    size_px = config.model.image_size_px
    network = packaged(load_recogniser(config.output_dir / "model.keras"))
    people = unseen_signers(network, data, manifest.labels, size_px)
    return {
        "train_s": facts["train_s"],
        **{split: accuracy(network, manifest, split, size_px) for split in ("val", "test")},
        "unseen_signers_26": people["mean_letters_26"],
        "unseen_signers_24": people["mean_letters_24"],
        "unseen_signers": people["sources"],
        "epochs": {phase.name: phase.epochs for phase in config.phases},
        "commit": facts["commit"],
    }


def summary(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns mean and range of every lever, and its difference to the full recipe seed by seed."""
    base = {run["seed"]: run for run in runs if run["lever"] == FULL}
    rows = []
    for lever in dict.fromkeys(run["lever"] for run in runs):
        own = [run for run in runs if run["lever"] == lever]
        paired = [(run, base[run["seed"]]) for run in own if run["seed"] in base]
        rows.append(
            {
                "lever": lever,
                "seeds": [run["seed"] for run in own],
                **{score: _spread([run[score] for run in own]) for score in SCORES},
                "to_full": {
                    score: _spread([run[score] - other[score] for run, other in paired])
                    for score in SCORES
                    if paired
                },
            }
        )
    return rows


def _spread(values: list[float]) -> dict[str, float]:
    return {"mean": statistics.fmean(values), "lowest": min(values), "highest": max(values)}


def prepare(sources: list[Path], dataset: Path) -> None:
    """Makes the leak-safe data set, unless it is there: its manifest decides what is kept."""
    from fingerspell.config import PrepareConfig
    from fingerspell.prepare.prepare import prepare as made

    if not (ROOT / dataset / "manifest.csv").is_file():
        inputs = tuple(ROOT / source for source in sources)
        made(PrepareConfig(input_dirs=inputs, output_dir=ROOT / dataset, overwrite=True))


def write(runs: list[dict[str, Any]], said: dict[str, Any], plan: dict[str, Any]) -> None:
    """Saves all runs so far; the commit is the runs' own, and not that of a later call."""
    commits = sorted({run["commit"] for run in runs})
    figures = {**plan, "summary": summary(runs), "runs": runs}
    save(NAME, {**said, "commit": ", ".join(commits), **figures})


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--data", type=Path, default=Path("../shared/data"))
    add("--weights", required=True, help="of MobileNetV3Large without its top")
    add("--sources", nargs="+", default=["kaggle_alphabet", "rooms"])
    add("--seeds", type=int, nargs="+", default=list(SEEDS))
    add("--more", action="store_true", help="also the recipe's other choices")
    add("--epochs", type=int, default=EPOCHS)
    add("--side", type=int, default=SIDE_PX, help="of the network, in pixels")
    add("--batch_size", type=int, default=32)
    add("--budget_s", type=float, default=float("inf"), help="no run begins after so long")
    add("--work", type=Path, default=Path("build/levers"))
    args = parser.parse_args(argv)
    given = sys.argv[1:] if argv is None else argv
    dataset = args.work / "dataset"
    prepare([args.data / name for name in args.sources], dataset)

    from fingerspell.dataset.manifest import read_manifest
    from fingerspell.train.run import fingerprint

    manifest = read_manifest(ROOT / dataset)
    counts = {split: len(manifest.split(split)) for split in ("train", "val", "test")}
    plan = {"sources": args.sources, "pictures": counts, "image_px": args.side,
            "epochs": args.epochs, "batch_size": args.batch_size}  # fmt: skip
    levers = {**LEVERS, **(MORE if args.more else {})}

    def jobs() -> Iterator[Job]:
        for seed in args.seeds:
            for number, (lever, change) in enumerate(levers.items()):
                output = ROOT / args.work / f"run_{number}"
                config = replace(change(full(args, output), manifest), seed=seed)
                yield Job(
                    f"{lever}, seed {seed}",
                    ROOT / args.work / f"{number}_{seed}.json",
                    {"lever": lever, "seed": seed, "fingerprint": fingerprint(config, manifest)},
                    partial(one, config, ROOT / args.data),
                )

    def told(runs: list[dict[str, Any]]) -> None:
        write(runs, circumstances(shlex.join(["python", f"benchmarks/{NAME}.py", *given])), plan)

    return run_by_run(jobs(), args.budget_s, told)


if __name__ == "__main__":
    raise SystemExit(main())
