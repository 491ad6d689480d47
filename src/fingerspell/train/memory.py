"""Out of memory: the same step or prediction with fewer pictures at a time."""

import gc
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import keras

from fingerspell.config.phase import Phase
from fingerspell.dataset.manifest import Manifest
from fingerspell.errors import DataError, PictureError, RunError
from fingerspell.images import read
from fingerspell.model import backbone_of
from fingerspell.train.checkpoint import assign, copied
from fingerspell.train.devices import behind, is_out_of_memory, train_in_parts
from fingerspell.train.session import Run

T = TypeVar("T")


def split_step(batch_size: int, parts: int, where: str, devices: int = 1) -> tuple[int, str]:
    """Returns into how many equal parts a step is split next, and the message about it.

    Equal, because then the mean over the parts' means is the mean over the batch. A part is at
    most half as large as before, and has as many rows on each of the `devices`. Raises `RunError`
    where a part already is one picture on each.
    """
    share = batch_size // devices
    found = next((count for count in range(2 * parts, share + 1) if share % count == 0), None)
    if found is None:
        raise _too_small(where, devices)
    return found, (
        f"memory is full at {batch_size // parts} pictures at once: going on with "
        f"{found} x {batch_size // found} a step, the same effective batch"
    )


def compute_in_parts(model: keras.Model, network: keras.Model, phase: Phase, parts: int) -> None:
    """Splits the training steps of `network`, which is `model` or its head, into `parts`.

    Trained BatchNormalization uses each part's statistics. Its averages move with every part, so
    the momentum becomes `momentum ** (1 / parts)`: they average over as many pictures as before.
    """
    train_in_parts(network, parts)
    if phase.batchnorm_momentum is None:
        return
    for layer in backbone_of(model).layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = phase.batchnorm_momentum ** (1 / parts)


def retry_smaller(run: Run, variables: Sequence[Any], work: Callable[[], T]) -> T:
    """Returns `work()`; while memory is full, halves `run.pictures_at_once()` and repeats it.

    For inference: the results are the same. `variables` are those of its network, which are
    restored: JAX donates their buffers to a batch that fails.
    """
    before = copied(variables)
    while True:
        try:
            return work()
        except Exception as error:
            if not is_out_of_memory(error):
                refuse_missing_picture(run.manifest, error)
                raise
        gc.collect()
        _halve(run)
        assign(variables, before)


def _halve(run: Run) -> None:
    full = run.pictures_at_once()
    if full == 1:
        raise _too_small("inference")
    run.halvings += 1
    print(
        f"memory is full at {full} pictures at once: going on with {run.pictures_at_once()}, "
        "which changes no result",
        flush=True,
    )


def too_small_for(where: str, processes: int) -> RunError:
    """Returns the error for one process of several without memory: no rank can retry alone."""
    return RunError(
        found=f"memory is full in {where}, in one of {processes} processes",
        expected=f"memory for the 1/{processes} of a batch that each process computes",
        fix="use a smaller --batch_size, or more processes",
    )


def _too_small(where: str, devices: int = 1) -> RunError:
    each = f" on each of {devices} devices" if devices > 1 else ""
    return RunError(
        found=f"memory is full at one picture at once{each}, in {where}",
        expected="memory for at least one picture",
        fix="use a smaller --img_size or --backbone MobileNetV3Small, or end other programs that "
        "use the memory (nvidia-smi names those on a GPU)",
    )


def refuse_missing_picture(manifest: Manifest, error: BaseException) -> None:
    """Raises `DataError` where `error` was caused by a picture that could not be read."""
    if found := _unreadable_picture(manifest, error):
        raise DataError(
            found=found,
            expected="every picture of the data set until the run has finished",
            fix="put the picture back as it was, then give the same command with --resume",
        ) from error


def _unreadable_picture(manifest: Manifest, error: BaseException) -> str:
    """Returns which picture could not be read, and why; empty for other causes.

    TensorFlow turns what a generator raises into text: there the picture is found by its path, and
    read again to learn the reason.
    """
    for one in behind(error):
        if isinstance(one, PictureError):
            return one.found
    text, found = str(error), ""
    if PictureError.__name__ not in text:
        return found
    for path in map(manifest.absolute, manifest.samples):
        if str(path) in text:
            found = f"{path} could not be read for a moment"
            try:
                read(path)
            except PictureError as wrong:
                return wrong.found
    return found
