"""The two kinds of phase: the head on cached features, and the network on pictures."""

import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fingerspell.config.phase import Phase
from fingerspell.config.train import AugmentConfig
from fingerspell.loading import loader, sampling
from fingerspell.loading.sampling import class_counts
from fingerspell.model import at_size, carry, freeze_all, head_of, size_of, unfreeze
from fingerspell.model.build import feature_network
from fingerspell.progress import Progress
from fingerspell.train import features, memory
from fingerspell.train.checkpoint import Checkpoint
from fingerspell.train.distributed.replica import Replica
from fingerspell.train.features import Batch, FeatureBlock, FeatureStore, Rows
from fingerspell.train.loop import compile_for, learn
from fingerspell.train.session import Run
from fingerspell.train.state import PhaseTask

_Source = tuple[Callable[[int], Iterator[Batch]], Callable[[], dict[str, float]]]
"""Batches from a step of the phase on, and its validation."""


def run_phase(run: Run, index: int, stored: Checkpoint | None) -> None:
    """Trains phase `index`, from `stored` where an earlier session was interrupted in it.

    A phase with a picture size of its own trains a copy, whose weights are then copied back. With
    a frozen backbone the head trains on cached features, as far as the cache has room for any.
    """
    phase = run.config.phases[index]
    if phase.epochs == 0:
        return
    model = at_size(run.model, phase.image_size_px or size_of(run.model))
    steps, before = _epoch_steps(run, phase), _steps_before(run, index)
    views = cached_views(run) if phase.unfrozen_from is None else 0
    network = head_of(model) if views else model
    if phase.unfrozen_from is None:
        freeze_all(model)
    else:
        unfreeze(model, phase.unfrozen_from, phase.batchnorm_momentum)
    compile_for(network, phase, steps, run.config)
    source = (
        _cached_features(run, model, index, before, views)
        if views
        else _pictures(run, model, before)
    )
    with source as (batches, validate):
        learn(run, PhaseTask(model, network, phase, index, steps, batches, validate), stored)
    carry(model, run.model)


@contextlib.contextmanager
def _pictures(run: Run, model: keras.Model, before: int) -> Iterator[_Source]:
    """Gives batches of pictures and the validation on pictures."""
    size_px = size_of(model)

    def batches(first_step: int) -> Iterator[Batch]:
        return iter(training_stream(run, size_px, before + first_step))

    replica = Replica(run.processes, model)
    yield batches, _validation(run, replica, lambda: validation_stream(run, size_px))


@contextlib.contextmanager
def _cached_features(
    run: Run, model: keras.Model, index: int, before: int, views: int
) -> Iterator[_Source]:
    """Gives batches and validation of features of `views` views, cached on the disk meanwhile.

    Their number does not change an epoch's length, so a smaller cache does not shorten the phase.
    """
    config = run.config
    folder = run.checkpoints / f"{features.FOLDER}_{run.fingerprint[:12]}_{index}"
    replica, rows = Replica(run.processes, model, head_of), dict[str, Rows]()

    def cached(name: str) -> Rows:
        if not rows:
            rows.update(_features(run, model, folder, before, views))
        return rows[name]

    def batches(first_step: int) -> Iterator[Batch]:
        whole = features.shuffled(cached("train"), config.batch_size, config.seed, first_step)
        return ((x, y, weight) for x, y, weight in map(run.processes.rows, whole))

    yield (
        batches,
        _validation(run, replica, lambda: features.in_order(cached("val"), run.pictures_at_once())),
    )
    for part in rows.values():
        part.close()
    shutil.rmtree(folder, ignore_errors=True)


def _validation(
    run: Run, replica: Replica, held_out: Callable[[], Iterable[Batch]]
) -> Callable[[], dict[str, float]]:
    """Returns the function that validates a phase: loss and accuracy, the mean of all processes."""

    def validate() -> dict[str, float]:
        stream, count = held_out(), run.validation_steps()
        with replica.synced() as network:
            found = network.evaluate(stream, steps=count, verbose=0, return_dict=True)
        return run.processes.mean(found, len(run.held_out()))

    return validate


def _epoch_steps(run: Run, phase: Phase) -> int:
    """Returns the steps of an epoch; a frozen phase has `feature_views` times as many."""
    return run.steps() * (run.config.feature_views if phase.unfrozen_from is None else 1)


def _steps_before(run: Run, index: int) -> int:
    """Returns the most steps that the phases before `index` can have: no two share augmentations.

    Steps that an earlier phase saves by stopping early are skipped.
    """
    return sum(phase.epochs * _epoch_steps(run, phase) for phase in run.config.phases[:index])


def feature_row(run: Run) -> np.dtype[Any]:
    """Returns the dtype of a cached feature row of this run."""
    return features.row_of(int(head_of(run.model).input_shape[-1]), len(run.manifest.labels))


def cached_views(run: Run) -> int:
    """Returns how many views of each picture a frozen phase caches within its budget."""
    config, row_bytes = run.config, feature_row(run).itemsize
    return features.affordable_views(
        config.feature_views,
        config.feature_cache_bytes,
        run.steps() * config.batch_size * row_bytes,
        len(run.manifest.split("val")) * row_bytes,
    )


def _features(
    run: Run, model: keras.Model, folder: Path, before: int, views: int
) -> dict[str, Rows]:
    """Returns the features of `train` and `val`; computes those that are not cached yet.

    Each of several processes computes its rows of every batch; training needs the rows of all.
    """
    features.remove_others(folder)
    store = FeatureStore(folder, feature_row(run))
    blocks = _feature_blocks(run, size_of(model), before, views)
    found = {block.name: store.find(block) for block in blocks}
    missing = sum(block.count - sum(map(len, found[block.name].values())) for block in blocks)
    if missing:
        with (
            Replica(run.processes, model, feature_network).synced() as network,
            Progress(missing, "features", "picture") as bar,
        ):

            def compute(batches: Callable[[], Iterable[Batch]]) -> NDArray[Any]:
                donated = model.variables if run.processes.devices == 1 else ()
                return memory.retry_smaller(
                    run,
                    donated,
                    lambda: features.extract(
                        network, batches(), run.pictures_at_once(), bar.advance
                    ),
                )

            for block in blocks:
                store.complete(block, found[block.name], compute)
    seen, held_out = (block.joined(found[block.name]) for block in blocks)
    _, world = run.processes.part
    if world > 1:
        mine, size = seen.take(np.arange(len(seen))), blocks[0].batch_size
        seen = Rows([run.processes.undealt(mine, size, len(mine) * world)])
    return {"train": seen, "val": held_out}


def _feature_blocks(
    run: Run, size_px: tuple[int, int], before: int, views: int
) -> tuple[FeatureBlock, FeatureBlock]:
    """Returns the blocks to cache: one epoch of the training stream a view, and `val`."""
    batch_size, held_out = run.config.batch_size, run.held_out()
    rank, world = run.processes.part
    mine = "" if world == 1 else f"_{rank}_of_{world}"

    def rest(first: int) -> Any:
        left = held_out[first * batch_size :]
        return loader.labelled_stream(run.manifest, left, run.manifest.labels, size_px, batch_size)

    return (
        FeatureBlock(
            f"train{mine}",
            run.steps() * views * (batch_size // world),
            batch_size // world,
            lambda first: training_stream(run, size_px, before + first),
        ),
        FeatureBlock(f"val{mine}", len(held_out), batch_size, rest),
    )


def training_stream(run: Run, size_px: tuple[int, int], first_step: int) -> Any:
    """Returns the endless stream of augmented training batches, from a step of the run on."""
    samples, labels, config = run.manifest.split("train"), run.manifest.labels, run.config
    return loader.training_stream(
        run.manifest,
        samples,
        labels,
        size_px,
        config.batch_size,
        config.augment,
        config.seed,
        sampling.class_weights(class_counts(samples, config.sampling), labels, config.class_weight),
        sampling=config.sampling,
        first_batch=first_step,
        part=run.processes.part,
    )


def validation_stream(
    run: Run, size_px: tuple[int, int], augment: AugmentConfig | None = None
) -> Any:
    """Returns the validation split in batches, the same on every pass; augmented with `augment`."""
    return loader.labelled_stream(
        run.manifest,
        run.held_out(),
        run.manifest.labels,
        size_px,
        run.pictures_at_once(),
        augment=augment,
        seed=run.config.seed,
    )
