"""Judges facts: every check of the doctor, as a pure function of `Facts`."""

from __future__ import annotations

from fingerspell.doctor.compute import (
    check_backend,
    check_exporting,
    check_gpu,
    check_other_backends,
)
from fingerspell.doctor.facts import Facts
from fingerspell.doctor.finding import Finding, fail, ok, warn
from fingerspell.doctor.folders import check_dataset, check_run
from fingerspell.doctor.packages import check_packages

_OLDEST, _NEWEST = (3, 11), (3, 13)
_GIB = 2**30


def examine(facts: Facts) -> list[Finding]:
    """Returns every finding about a machine, in the order a newcomer needs them."""
    return [
        _check_python(facts),
        *check_packages(facts.installed, facts.pinned_server, facts.pinned_training),
        check_backend(facts),
        *check_other_backends(facts),
        *check_exporting(facts),
        *check_gpu(facts),
        _check_memory(facts),
        _check_disk(facts),
        _check_writing(facts),
        _check_weights(facts),
        _check_starter(facts),
        *check_dataset(facts.dataset_dir),
        *check_run(facts.output_dir),
    ]


def _check_python(facts: Facts) -> Finding:
    """Python between the oldest that the code needs and the newest that TensorFlow has."""
    where = f"Python {'.'.join(map(str, facts.python))} on {facts.system} {facts.machine}"
    if facts.bits != 64:
        return fail("Python", f"{where}, 32-bit", "install a 64-bit Python 3.12")
    if facts.python[:2] < _OLDEST:
        return fail("Python", where, "install Python 3.12, delete .venv, python3.12 run.py doctor")
    if facts.python[:2] > _NEWEST:
        return warn(
            "Python",
            f"{where}: the server runs, TensorFlow has no wheel",
            "to train, install Python 3.13, delete .venv, python3.13 run.py doctor",
        )
    return ok("Python", where)


def _check_memory(facts: Facts) -> Finding:
    """Main memory: training at 200×200 and batch 32 wants about 3 GiB."""
    total, free = facts.memory_bytes, facts.free_memory_bytes
    if total is None:
        return ok("memory", "could not be read on this system")
    found = f"{total / _GIB:.1f} GiB" + (
        f", {free / _GIB:.1f} GiB free" if free is not None else ""
    )
    if (free if free is not None else total) < 3 * _GIB:
        return warn("memory", found, "close other programs, or train with --batch_size 16")
    return ok("memory", found)


def _check_disk(facts: Facts) -> Finding:
    """Room for a run (about 0.2 GB) and a data set's copies."""
    free = facts.free_disk_bytes
    if free is None:
        return ok("disk", "could not be read on this system")
    found = f"{free / _GIB:.1f} GiB free for {facts.output_dir}"
    if free < _GIB // 2:
        return fail("disk", found, "free at least 1 GiB, or choose another --output_dir")
    if free < 3 * _GIB:
        return warn("disk", found, "free some space before preparing a large data set")
    return ok("disk", found)


def _check_writing(facts: Facts) -> Finding:
    """Whether a run can be written where it is asked for."""
    if facts.write_error:
        return fail(
            "writing",
            f"{facts.output_dir} cannot be written: {facts.write_error}",
            "choose another --output_dir, or give yourself the right to write there",
        )
    return ok("writing", f"{facts.output_dir} can be written")


def _check_weights(facts: Facts) -> Finding:
    """Whether `--weights imagenet` works without a connection."""
    if facts.weights_cached:
        return ok("ImageNet weights", f"in {facts.weights_folder}")
    return warn(
        "ImageNet weights",
        "not on this machine yet: the first training fetches them (about 12 MB)",
        "offline, training starts from the released recogniser by itself (--weights starter)"
        if facts.starter
        else "offline, train with --weights PATH, or --weights none",
    )


def _check_starter(facts: Facts) -> Finding:
    """Whether there is a recogniser before the first training."""
    if facts.starter:
        return ok("released recogniser", "in this copy: try fingerspell predict PICTURE")
    return warn(
        "released recogniser",
        "none in this copy: adapt, --bundle starter and --weights starter need one",
        "install a release, or train one of your own: fingerspell train --dataset_dir dataset",
    )
