"""`fingerspell train`: prepared pictures → a finished run folder."""

import argparse
import importlib.util
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from fingerspell import backends
from fingerspell.cli.options import Given, add_recipe, configured
from fingerspell.config import TrainConfig, load_recipe
from fingerspell.errors import require
from fingerspell.install import pip
from fingerspell.machine import load_quietly

HELP = "train a recogniser in two phases, evaluate it and export it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_recipe(parser)
    add = parser.add_argument
    add("--unseen_signers", type=Path, nargs="+", default=[], metavar="FOLDER",
        help="class folders of other people, to be reported")  # fmt: skip
    add("--trust", action="store_true", help="do not hash the pictures again before training")
    add("--overwrite", action="store_true", help="replace the run in output_dir")
    add("--resume", action="store_true", help="continue the run in output_dir")
    add("--save_every_steps", type=int, action=Given, default=0, metavar="N",
        help="write a checkpoint after every N steps too; 0: every 5 minutes and after each "
        "epoch only (default: %(default)s)")  # fmt: skip
    add("--workers", type=int, metavar="N", help="train in N processes that share every batch, "
        "each with a GPU of its own where there are any (KERAS_BACKEND=jax, "
        "docs/cluster.md)")  # fmt: skip
    add("--ray", metavar="ADDRESS", help="start them on the Ray cluster at this address, and not "
        "on this machine alone")  # fmt: skip
    add("--tune", type=int, metavar="N", help="try N settings of the ranges that the recipe's "
        "search_space declares, judged on the validation pictures, and write the best as a "
        "recipe, best.py; the same command continues a search that was stopped")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Trains, exports and evaluates, or searches, while nobody else writes into the run folder."""
    backends.require_known(os.environ)
    flags = {name: True for name in ("trust", "overwrite", "resume") if getattr(args, name)}
    config = configured(args, **flags)
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    program = Path(sys.argv[0]).name.replace("__main__.py", "fingerspell")
    command = shlex.join([program, *sys.argv[1:]])
    from fingerspell.train import run_folder
    from fingerspell.train.distributed.rank import rank_from

    with run_folder.held(config.output_dir, rank_from(os.environ).rank):
        return (_train if args.tune is None else _search)(args, config, command)


def _train(args: argparse.Namespace, config: TrainConfig, command: str) -> int:
    _check(args, config)
    load_quietly("keras")
    from fingerspell import pipeline

    report = pipeline.train_and_export(
        config, command, args.unseen_signers, workers=args.workers, ray=args.ray
    )
    if report:
        print(pipeline.summary(config.output_dir, report))
    return 0


def _check(args: argparse.Namespace, config: TrainConfig) -> None:
    """Refuses what would stop a run before Keras is imported, which takes seconds."""
    from fingerspell.train import checks
    from fingerspell.train.distributed import launch

    require(
        args.ray is None or args.workers is not None,
        found=f"--ray {args.ray} without --workers",
        expected="how many processes to start on the cluster",
        fix="add --workers 2, or as many as the cluster has GPUs",
    )
    if args.workers is not None:
        backend = backends.chosen(os.environ, backends.keras_home())
        launch.check(config, args.workers, backend)
    checks.check(config, args.unseen_signers)


def _search(args: argparse.Namespace, config: TrainConfig, command: str) -> int:
    """Searches the recipe's ranges; returns 1 where no setting could be trained."""
    space = load_recipe(args.config).ranges(config) if args.config else {}
    require(
        len(space) > 0,
        found=f"--tune with {args.config or 'the built-in recipe'}, which declares no ranges",
        expected="a recipe file with a search_space, such as configs/robust.py",
        fix='search_space = {"finetune.learning_rate": (1e-5, 1e-3, "log")}, and --config FILE',
    )
    others = {"--unseen_signers": args.unseen_signers, "--workers": args.workers, "--ray": args.ray}
    beside = [name for name, value in others.items() if value]
    require(
        not beside,
        found=f"{' and '.join(beside)} together with --tune",
        expected="a search in one process, that no unseen signer decides",
        fix="train the best setting with them afterwards: --config OUTPUT_DIR/best.py",
    )
    require(
        importlib.util.find_spec("optuna") is not None,
        found="--tune without the package 'optuna'",
        expected="what searching needs beside what training needs",
        fix=pip("install", "optuna==5.*"),
    )
    from fingerspell.train import checks

    require(
        args.tune >= 1, found=f"--tune {args.tune}", expected="1 trial or more", fix="use --tune 20"
    )
    checks.check(replace(config, overwrite=False, resume=True))  # A search goes on by itself.
    load_quietly("keras")
    from fingerspell.train import tune

    tried = tune.tune(config, space, args.tune, command)
    print(tune.summary(config.output_dir, tried))
    return int(bool(tried[0].reason))
