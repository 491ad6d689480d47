"""The two kinds of phase: head on cached features, and the network on pictures."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fingerspell.config import AugmentConfig, Phase, TrainConfig
from fingerspell.loading import loader, sampling
from fingerspell.loading.sampling import class_counts
from fingerspell.model import at_size, carry, freeze_all, head_of, size_of, unfreeze
from fingerspell.model.build import feature_network
from fingerspell.progress import Progress
from fingerspell.train import features, memory
from fingerspell.train.checkpoint import Checkpoint
from fingerspell.train.distributed.process_group import Replica
from fingerspell.train.features import Batch, FeatureBlock, Rows, Shelf
from fingerspell.train.loop import learn
from fingerspell.train.session import Run
from fingerspell.train.state import PhaseTask


class WarmCosine(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A linear warm-up and then a part of a half cosine, which all of it ends at a hundredth.

        rate(t) = peak * min(1, (t + 1) / W) * (0.01 + 0.99 (1 + cos(pi p)) / 2)
        p = a + (b - a) * (t - W) / D, within [a, b]

    W = warmup_share * steps, D = steps - W, (a, b) = `phase.decay`; None: the rate stays at
    its peak. Keras's own `CosineDecay` cannot end half way, where the next phase goes on.
    Reference: Loshchilov & Hutter, SGDR, ICLR 2017.
    """

    def __init__(self, phase: Phase, steps: int) -> None:
        self.phase, self.steps = phase, steps

    def __call__(self, step: Any) -> Any:
        ops, phase = keras.ops, self.phase
        warmup = round(phase.warmup_share * self.steps)
        t = ops.cast(step, "float32")
        done = ops.clip((t - warmup) / max(1, self.steps - warmup), 0.0, 1.0)
        climbed = ops.minimum(1.0, (t + 1) / max(1, warmup))
        if phase.decay is None:
            return phase.learning_rate * climbed
        start, end = phase.decay
        cosine = ops.cos(math.pi * (start + (end - start) * done))
        return phase.learning_rate * climbed * (0.01 + 0.99 * (1 + cosine) / 2)


def averaging(steps_per_epoch: int, epochs: float) -> float:
    """Returns the decay a step that averages the weights over about `epochs` passes.

    Counted in passes and not in steps, so that small and large data sets lag alike.
    """
    return 1 - 1 / max(2.0, epochs * steps_per_epoch)


def compile_for(
    model: keras.Model, phase: Phase, steps_per_epoch: int, config: TrainConfig
) -> None:
    """Compiles `model` for one phase: Adam, cross-entropy, averaged weights where asked for."""
    optimizer = keras.optimizers.Adam(
        WarmCosine(phase, steps_per_epoch * phase.epochs),
        use_ema=config.average_epochs > 0,
        ema_momentum=averaging(steps_per_epoch, config.average_epochs),
    )
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing),
        metrics=["accuracy"],
    )
    # The averages must exist before a checkpoint can be put back into them.
    model.optimizer.build(model.trainable_variables)


def run_phase(run: Run, index: int, stored: Checkpoint | None) -> None:
    """Trains phase `index`, from `stored` where an earlier session was interrupted in it.

    What it learnt at a picture size of its own goes over into the run's network.
    """
    phase = run.config.phases[index]
    if phase.epochs == 0:
        return
    model = at_size(run.model, phase.image_size_px or run.config.model.image_size_px)
    views = _views(run, model) if phase.unfrozen_from is None else 0
    if views:
        _learn_head(run, model, index, views, stored)
    else:
        learn(run, _network_course(run, model, phase, index), stored)
    carry(model, run.model)


def _network_course(run: Run, model: keras.Model, phase: Phase, index: int) -> PhaseTask:
    """Learns from pictures; where the backbone is frozen, as many in an epoch as from features."""
    steps, before = _epoch_steps(run, phase), _steps_before(run, index)
    if phase.unfrozen_from is None:
        freeze_all(model)
    else:
        unfreeze(model, phase.unfrozen_from, phase.batchnorm_momentum)
    compile_for(model, phase, steps, run.config)

    def batches(first_step: int) -> Iterator[Batch]:
        return iter(_training_stream(run, size_of(model), before + first_step))

    reader = Replica(run.processes, model)

    def validate() -> dict[str, float]:
        held_out, count = validation_stream(run, size_of(model)), run.validation_steps()
        with reader.present() as network:
            found = network.evaluate(held_out, steps=count, verbose=0, return_dict=True)
        return run.processes.mean(found, len(run.held_out()))

    return PhaseTask(model, model, phase, index, steps, batches, validate)


def _epoch_steps(run: Run, phase: Phase) -> int:
    """Returns the steps of an epoch; a frozen one has as many as its features would have."""
    return run.steps() * (run.config.feature_views if phase.unfrozen_from is None else 1)


def _steps_before(run: Run, index: int) -> int:
    """Returns how many steps the phases before `index` have at most: no two see the same changes.

    What an earlier phase saves by stopping early is left out, not shown again.
    """
    return sum(phase.epochs * _epoch_steps(run, phase) for phase in run.config.phases[:index])


def _row(run: Run, model: keras.Model) -> np.dtype[Any]:
    return features.row_of(int(head_of(model).input_shape[-1]), len(run.manifest.labels))


def _views(run: Run, model: keras.Model) -> int:
    """Returns how many views of each picture the budget lets a frozen phase keep."""
    config, row_bytes = run.config, _row(run, model).itemsize
    return features.affordable_views(
        config.feature_views,
        config.feature_cache_bytes,
        run.steps() * config.batch_size * row_bytes,
        len(run.manifest.split("val")) * row_bytes,
    )


def _learn_head(
    run: Run, model: keras.Model, index: int, views: int, stored: Checkpoint | None
) -> None:
    """Learns from `views` views' features, which lie on the disk for as long as the phase lasts.

    Their number does not change an epoch's length, so a smaller budget is not a shorter course.
    """
    phase, config = run.config.phases[index], run.config
    freeze_all(model)
    head, steps = head_of(model), _epoch_steps(run, phase)
    compile_for(head, phase, steps, config)
    place = run.checkpoints / f"{features.FOLDER}_{run.fingerprint[:12]}_{index}"
    reader, rows = Replica(run.processes, model, head_of), dict[str, Rows]()

    def cached(name: str) -> Rows:
        if not rows:
            rows.update(_features(run, model, index, place, views))
        return rows[name]

    def batches(first_step: int) -> Iterator[Batch]:
        whole = features.shuffled(cached("train"), config.batch_size, config.seed, first_step)
        return ((x, y, weight) for x, y, weight in map(run.processes.rows, whole))

    def validate() -> dict[str, float]:
        held_out = features.in_order(cached("val"), run.pictures_at_once())
        count = run.validation_steps()
        with reader.present() as network:
            found = network.evaluate(held_out, steps=count, verbose=0, return_dict=True)
        return run.processes.mean(found, len(run.held_out()))

    learn(run, PhaseTask(model, head, phase, index, steps, batches, validate), stored)
    for part in rows.values():
        part.close()
    shutil.rmtree(place, ignore_errors=True)


def _features(run: Run, model: keras.Model, index: int, place: Path, views: int) -> dict[str, Rows]:
    """Returns the features of `train` and `val`; what this run made before is not made again.

    Of several processes each looks at its rows of every batch; learning needs those of all.
    """
    features.drop_others(place)
    shelf = Shelf(place, _row(run, model))
    splits = _splits(run, size_of(model), _steps_before(run, index), views)
    found = {split.name: shelf.find(split) for split in splits}
    missing = sum(split.count - sum(map(len, found[split.name].values())) for split in splits)
    if missing:
        with (
            Replica(run.processes, model, feature_network).present() as network,
            Progress(missing, "features", "picture") as bar,
        ):

            def look_at(batches: Callable[[], Iterable[Batch]]) -> NDArray[Any]:
                at_once = run.pictures_at_once()
                return features.look(network, batches(), at_once, bar.advance)

            def patiently(batches: Callable[[], Iterable[Batch]]) -> NDArray[Any]:
                given_away = model.variables if run.processes.devices == 1 else ()
                return memory.patiently(run, given_away, lambda: look_at(batches))

            for split in splits:
                shelf.fill(split, found[split.name], patiently)
    seen, held_out = (split.joined(found[split.name]) for split in splits)
    if run.processes.place.world > 1:
        mine, size = seen.take(np.arange(len(seen))), splits[0].batch_size
        seen = Rows([run.processes.dealt(mine, size, len(mine) * run.processes.place.world)])
    return {"train": seen, "val": held_out}


def _splits(
    run: Run, size_px: tuple[int, int], before: int, views: int
) -> tuple[FeatureBlock, FeatureBlock]:
    """Returns what the frozen network looks at: one epoch of the stream a view, and `val`."""
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
            lambda first: _training_stream(run, size_px, before + first),
        ),
        FeatureBlock(f"val{mine}", len(held_out), batch_size, rest),
    )


def _training_stream(run: Run, size_px: tuple[int, int], first_step: int) -> Any:
    samples = run.manifest.split("train")
    labels = run.manifest.labels
    return loader.training_stream(
        run.manifest,
        samples,
        labels,
        size_px,
        run.config.batch_size,
        run.config.augment,
        run.config.seed,
        sampling.class_weights(class_counts(samples, run.config.sampling), labels),
        sampling=run.config.sampling,
        first_batch=first_step,
        part=run.processes.part,
    )


def validation_stream(
    run: Run, size_px: tuple[int, int], augment: AugmentConfig | None = None
) -> Any:
    """Returns the validation split in batches, the same on every pass; changed where asked for."""
    return loader.labelled_stream(
        run.manifest,
        run.held_out(),
        run.manifest.labels,
        size_px,
        run.pictures_at_once(),
        augment=augment,
        seed=run.config.seed,
    )
