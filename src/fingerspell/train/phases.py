"""The two kinds of phase: head on cached features, and the whole network on pictures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from fingerspell.config import Phase, TrainConfig
from fingerspell.data import balance, loader
from fingerspell.data.manifest import Manifest
from fingerspell.model import freeze_all, head_of, unfreeze
from fingerspell.progress import Progress
from fingerspell.train import checkpoint
from fingerspell.train.features import Features, cache_features
from fingerspell.train.folder import CHECKPOINTS, HISTORY, LOGS, write_json
from fingerspell.train.history import Epoch, to_columns
from fingerspell.train.keep import KeepBest
from fingerspell.train.schedule import compile_for
from fingerspell.train.watch import Board, Watch


@dataclass(slots=True)
class Run:
    """What the phases of one run share."""

    config: TrainConfig
    manifest: Manifest
    model: keras.Model
    fingerprint: str
    rows: list[Epoch] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Returns the run folder."""
        return self.config.output_dir

    def training_pictures(self) -> int:
        return len(self.manifest.split("train"))

    def steps(self) -> int:
        """Returns the steps of one epoch; the last, incomplete batch is filled from the next."""
        return max(1, self.training_pictures() // self.config.batch_size)

    def validation_steps(self) -> int:
        """Returns the batches of one validation pass, the last of them maybe short."""
        return math.ceil(len(self.manifest.split("val")) / self.config.batch_size)


def run_phase(run: Run, index: int, position: checkpoint.Position | None) -> None:
    """Trains phase `index`, from `position` where an earlier run was interrupted in it."""
    phase = run.config.phases[index]
    if phase.epochs == 0:
        return
    if phase.unfrozen_from is None:
        _train_head(run, phase)
    else:
        _train_network(run, phase, index, position)


def _train_head(run: Run, phase: Phase) -> None:
    freeze_all(run.model)
    training, validation = _features(run)
    head = head_of(run.model)
    steps = max(1, len(training.y) // run.config.batch_size)
    compile_for(head, phase, steps, run.config)
    kept = KeepBest(phase.patience_epochs)
    head.fit(
        training.x,
        training.y,
        sample_weight=training.weight,
        validation_data=(validation.x, validation.y),
        batch_size=run.config.batch_size,
        epochs=phase.epochs,
        callbacks=_callbacks(run, phase, kept, len(training.y), lambda _: None),
        verbose=0,
    )
    kept.restore()


def _features(run: Run) -> tuple[Features, Features]:
    views = run.config.feature_views
    pictures = run.training_pictures() * views + len(run.manifest.split("val"))
    with Progress(pictures, "features", "picture") as bar:
        seen = _training_stream(run, start_epoch=0)
        training = cache_features(run.model, seen, run.steps() * views, bar.advance)
        held_out = validation_stream(run)
        validation = cache_features(run.model, held_out, run.validation_steps(), bar.advance)
    return training, validation


def _train_network(
    run: Run, phase: Phase, index: int, position: checkpoint.Position | None
) -> None:
    unfreeze(run.model, phase.unfrozen_from or "all", phase.batchnorm_momentum)
    steps = run.steps()
    compile_for(run.model, phase, steps, run.config)
    kept = KeepBest(phase.patience_epochs)
    done = 0
    if position is not None and position.phase == index:
        checkpoint.restore(run.folder / CHECKPOINTS, run.model, kept, position)
        done = position.epoch
    if kept.waited_epochs >= phase.patience_epochs or done >= phase.epochs:
        kept.restore()
        return

    def saved(row: Epoch) -> None:
        where = checkpoint.Position(
            phase=index,
            epoch=row.epoch,
            best_loss=kept.best_loss,
            waited_epochs=kept.waited_epochs,
            fingerprint=run.fingerprint,
            rows=tuple(run.rows),
        )
        checkpoint.save(run.folder / CHECKPOINTS, run.model, kept, where)

    run.model.fit(
        _training_stream(run, start_epoch=done),
        steps_per_epoch=steps,
        validation_data=validation_stream(run),
        validation_steps=run.validation_steps(),
        shuffle=False,  # The stream is shuffled already.
        epochs=phase.epochs,
        initial_epoch=done,
        callbacks=_callbacks(run, phase, kept, steps * run.config.batch_size, saved),
        verbose=0,
    )
    kept.restore()


def _callbacks(
    run: Run, phase: Phase, kept: KeepBest, pictures: int, saved: Callable[[Epoch], None]
) -> list[keras.callbacks.Callback]:
    board = Board(run.folder / LOGS)

    def told(row: Epoch) -> None:
        run.rows.append(row)
        board.add(len(run.rows), row)
        write_json(run.folder / HISTORY, to_columns(run.rows))
        saved(row)

    averaged = [keras.callbacks.SwapEMAWeights()] if run.config.average_epochs > 0 else []
    return [kept, *averaged, Watch(phase.name, phase.epochs, pictures, told)]


def _training_stream(run: Run, start_epoch: int) -> Any:
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
        first_batch=start_epoch * run.steps(),
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
