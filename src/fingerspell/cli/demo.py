"""`fingerspell demo`: every stage on synthetic hands, with nothing to download."""

import argparse
import os
from pathlib import Path

from fingerspell import backends
from fingerspell.machine import load_quietly

HELP = "draw hands, prepare, train, export, evaluate and smoke-test, all in one go"
_NOTHING = "none"
_STARTS = {
    "starter": "the released recogniser",
    "imagenet": "ImageNet's weights",
    _NOTHING: "nothing",
}
_LEARNT = {
    "starter": "This recogniser started from the released one and saw some synthetic hands more",
    "imagenet": "This recogniser has seen some synthetic hands and no photograph of one",
    _NOTHING: "This recogniser has seen some synthetic hands and no photograph",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--output_dir", type=Path, default=Path("demo"), help="folder for everything it makes")
    add("--per_class", type=int, default=60, help="synthetic pictures a class")
    add("--epochs", type=int, default=18, help="passes over both phases, at most")
    add("--size", type=int, default=96, help="side of the pictures in pixels")
    add("--seed", type=int, default=42, help="another seed, another run")


def run(args: argparse.Namespace) -> int:
    """Runs every stage again; returns the smoke test's exit code."""
    backends.require_known(os.environ)
    from fingerspell.train.run_folder import held

    with held(args.output_dir / "output"):
        return _run_stages(args, args.output_dir)


def _run_stages(args: argparse.Namespace, base: Path) -> int:
    from fingerspell.config import AugmentConfig, ModelConfig, PrepareConfig, TrainConfig
    from fingerspell.config.phase import two_phases

    synthetic, dataset, output = base / "synthetic", base / "dataset", base / "output"
    load_quietly("keras")
    weights = _weights_at_hand(args.size)
    prepare_config = PrepareConfig(
        input_dirs=(synthetic,), output_dir=dataset, seed=args.seed, overwrite=True
    )
    train_config = TrainConfig(
        dataset_dir=dataset,
        output_dir=output,
        model=ModelConfig(weights=weights, image_size_px=(args.size, args.size)),
        phases=two_phases(args.epochs, pretrained=weights != _NOTHING),
        augment=AugmentConfig(mirror_share=0.0),
        batch_size=16,
        seed=args.seed,
        overwrite=True,
    )
    from fingerspell import pipeline
    from fingerspell.prepare.prepare import prepare
    from fingerspell.train.run_folder import open_folder

    open_folder(output, overwrite=True, resume=False)
    print(f"1/4  drawing {args.per_class} pictures of every class into {synthetic}", flush=True)
    _draw_into(synthetic, args.per_class, args.seed, args.size)
    print(f"2/4  preparing {dataset}", flush=True)
    prepare(prepare_config)
    print(
        f"3/4  training from {_STARTS[weights]}, exporting and evaluating in {output}", flush=True
    )
    report = pipeline.train_and_export(train_config, "fingerspell demo")
    print("4/4  one picture of every class through the real server", flush=True)
    code = _smoke(output, dataset)
    print(pipeline.summary(output, report))
    print(
        f"{_LEARNT[weights]}: it shows the stages, not the accuracy. docs/guide.md goes on with "
        "real pictures."
    )
    return code


def _weights_at_hand(size_px: int, starter: Path | None = None) -> str:
    """Returns the best start that needs no download: `starter`, else `imagenet`, else `none`.

    `starter` is the released recogniser's folder, by default the package's own.
    """
    from fingerspell.config import ModelConfig
    from fingerspell.errors import ModelError
    from fingerspell.model.weights import imagenet_backbone, starter_facts
    from fingerspell.runtime import STARTER

    try:
        starter_facts(starter or STARTER)
        return "starter"
    except ModelError:
        pass  # Not released in this copy.
    try:
        imagenet_backbone(ModelConfig(image_size_px=(size_px, size_px)))
    except ModelError:
        print("ImageNet's weights are out of reach: the demo trains from nothing", flush=True)
        return _NOTHING
    return "imagenet"


def _draw_into(synthetic: Path, per_class: int, seed: int, size_px: int) -> None:
    """Draws the data set again; replaces that of an earlier demo."""
    import shutil

    from fingerspell.synth import write_dataset

    if (synthetic / "truth.jsonl").is_file():
        shutil.rmtree(synthetic)
    write_dataset(synthetic, per_class, seed, (size_px, size_px))


def _smoke(output: Path, dataset: Path) -> int:
    """Runs the smoke test as its own command would."""
    from fingerspell.cli import smoke as command

    return command.run(argparse.Namespace(bundle=output, dataset_dir=dataset))
