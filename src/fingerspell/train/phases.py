"""The two kinds of phase: head on cached features, and the whole network on pictures."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from fingerspell.config import Phase
from fingerspell.data import balance, loader
from fingerspell.model import freeze_all, head_of, unfreeze
from fingerspell.progress import Progress
from fingerspell.train import features
from fingerspell.train.checkpoint import Checkpoint
from fingerspell.train.epochs import Course, learn
from fingerspell.train.features import Batch, Features, cache_features
from fingerspell.train.schedule import compile_for
from fingerspell.train.session import Run


def run_phase(run: Run, index: int, stored: Checkpoint | None) -> None:
    """Trains phase `index`, from `stored` where an earlier session was interrupted in it."""
    phase = run.config.phases[index]
    if phase.epochs == 0:
        return
    if phase.unfrozen_from is None:
        learn(run, _head_course(run, phase, index), stored)
        (run.checkpoints / features.NAME).unlink(missing_ok=True)
    else:
        learn(run, _network_course(run, phase, index), stored)


def _head_course(run: Run, phase: Phase, index: int) -> Course:
    freeze_all(run.model)
    head, batch_size = head_of(run.model), run.config.batch_size
    steps = run.steps() * run.config.feature_views
    compile_for(head, phase, steps, run.config)

    @functools.cache
    def cached() -> dict[str, Features]:
        return _features(run)

    def batches(first_step: int) -> Iterator[Batch]:
        return features.shuffled(cached()["train"], batch_size, run.config.seed, first_step)

    def validate() -> dict[str, float]:
        val = cached()["val"]
        return dict(head.evaluate(val.x, val.y, batch_size=batch_size, verbose=0, return_dict=True))

    return Course(head, phase, index, steps, batches, validate)


def _features(run: Run) -> dict[str, Features]:
    """Returns the features of `train` and `val`, from the disk where this run made them before."""
    path = run.checkpoints / features.NAME
    stored = features.read_features(path, run.fingerprint)
    if stored is not None:
        return stored
    views = run.config.feature_views
    pictures = run.training_pictures() * views + len(run.manifest.split("val"))
    with Progress(pictures, "features", "picture") as bar:
        seen = _training_stream(run, first_step=0)
        training = cache_features(run.model, seen, run.steps() * views, bar.advance)
        held_out = validation_stream(run)
        validation = cache_features(run.model, held_out, run.validation_steps(), bar.advance)
    made = {"train": training, "val": validation}
    features.write_features(path, run.fingerprint, made)
    return made


def _network_course(run: Run, phase: Phase, index: int) -> Course:
    unfreeze(run.model, phase.unfrozen_from or "all", phase.batchnorm_momentum)
    compile_for(run.model, phase, run.steps(), run.config)
    held_out = validation_stream(run)

    def batches(first_step: int) -> Iterator[Batch]:
        return iter(_training_stream(run, first_step))

    def validate() -> dict[str, float]:
        steps = run.validation_steps()
        return dict(run.model.evaluate(held_out, steps=steps, verbose=0, return_dict=True))

    return Course(run.model, phase, index, run.steps(), batches, validate)


def _training_stream(run: Run, first_step: int) -> Any:
    samples = run.manifest.split("train")
    labels = run.manifest.labels
    return loader.training_stream(
        run.manifest,
        samples,
        labels,
        run.config.model.image_size_px,
        run.config.batch_size,
        run.config.augment,
        run.config.seed,
        balance.class_weights([s.label for s in samples], labels),
        first_batch=first_step,
    )


def validation_stream(run: Run) -> Any:
    """Returns the validation split in batches, the same on every pass."""
    return loader.labelled_stream(
        run.manifest,
        run.manifest.split("val"),
        run.manifest.labels,
        run.config.model.image_size_px,
        run.config.batch_size,
    )
