"""A run may die anywhere: it ends like one that was left alone, to the last bit."""

import dataclasses
import itertools
import json
import signal
from unittest.mock import Mock

import numpy as np
import pytest

from fingerspell.config import AugmentConfig
from fingerspell.dataset.manifest import read_manifest
from fingerspell.errors import RunError
from fingerspell.train import checkpoint, features, loop, phases, run
from fingerspell.train.checkpoint import Epoch
from fingerspell.train.distributed.rank import Rank
from fingerspell.train.run import fingerprint
from fingerspell.train.run_folder import HISTORY
from fingerspell.train.session import Run
from fingerspell.train.synthetic import with_synthetic
from helpers.dying_run import EACH_STEP, before_each_step_ends, train_until_it_dies
from helpers.run_files import assert_same_run, curves
from helpers.small_run import FINETUNE, small_config, train

pytestmark = pytest.mark.usefixtures("tiny_network", "plain_steps")

STEPS = 15
"""Of the whole run: 2 epochs of the head and 3 of the network, 3 steps each."""
EVERY_STEP, EPOCHS_ONLY = 0.0, 1e6


@pytest.fixture(scope="module")
def straight(data, tmp_path_factory):
    """The run that nobody interrupted."""
    folder = tmp_path_factory.mktemp("straight") / "output"
    train(lively(data, folder))
    return folder


def lively(data, folder, **changes):
    """Augmented and shuffled, so that another picture or another mask would show."""
    return small_config(data, folder, **{"augment": AugmentConfig(), **changes})


def die_once(data, folder, owner, name, save_every_min=EVERY_STEP, **how):
    config = lively(data, folder, resume=True, save_every_min=save_every_min)
    train_until_it_dies(config, owner, name, **how)


def finish(data, folder, **changes):
    train(lively(data, folder, resume=True, **changes))


def names(folder):
    return sorted(p.name for p in (folder / "checkpoints").iterdir())


def steps_done(folder):
    return checkpoint.latest(folder / "checkpoints").position.total_steps


def test_one_command_serves_for_the_first_start_and_after_the_end(
    straight, data, tmp_path, monkeypatch
):
    """Saved at every step or at every epoch: two runs that nobody interrupts are the same."""
    finish(data, tmp_path, save_every_min=EVERY_STEP)
    kept = ["step_00000014.npz", "step_00000015.npz", "weights_origin.txt"]
    assert names(tmp_path) == kept
    assert_same_run(tmp_path, straight)
    monkeypatch.setattr(run, "_train", None)
    finish(data, tmp_path)
    assert_same_run(tmp_path, straight)


@pytest.mark.parametrize("save_every_min", [EVERY_STEP, EPOCHS_ONLY])
def test_a_run_that_dies_again_and_again_ends_like_one_that_did_not(
    straight, data, tmp_path, save_every_min
):
    """Saved at every step, each session gets two steps further; else it repeats its epoch."""
    at = 2 if save_every_min == EVERY_STEP else 4
    done = sessions = 0
    while done < STEPS - at:
        die_once(data, tmp_path, *EACH_STEP, save_every_min, at=at)
        done, sessions = steps_done(tmp_path), sessions + 1
    finish(data, tmp_path)
    assert sessions >= 4
    assert_same_run(tmp_path, straight)


def test_a_run_may_die_at_any_moment(straight, data, tmp_path):
    for owner, name, how in (
        (features, "extract", {"at": 2, "after": False}),
        (features, "write_rows", {"after": False}),
        (features, "write_rows", {}),
        (features, "map_rows", {}),
        (phases, "_features", {}),
        (loop, "_validate", {"after": False}),
        (loop, "_validate", {}),
        (checkpoint.os, "fsync", {"at": 3, "after": False}),
        (phases, "learn", {"after": False}),
        (loop, "_validate", {"at": 2}),
        (run, "calibrate", {"after": False}),
        (run, "save_recogniser", {"after": False}),
        (run, "save_recogniser", {}),
    ):
        die_once(data, tmp_path, owner, name, **how)
    finish(data, tmp_path)
    assert not [name for name in names(tmp_path) if name.startswith(".")]
    assert_same_run(tmp_path, straight)


def test_features_that_are_whole_are_not_made_again(data, tmp_path, monkeypatch):
    die_once(data, tmp_path, *EACH_STEP)
    assert any(name.startswith("features_") for name in names(tmp_path))
    monkeypatch.setattr(features, "extract", None)
    die_once(data, tmp_path, *EACH_STEP)


def fails_at(monkeypatch, owner, name, calls, error=OSError):
    """Makes these calls of `owner.name` find the disk full."""
    whole, numbers = getattr(owner, name), itertools.count(1)

    def sometimes_full(*args, **kwargs):
        if next(numbers) in calls:
            raise error(28, "No space left on device")
        return whole(*args, **kwargs)

    monkeypatch.setattr(owner, name, sometimes_full)


def test_a_full_disk_is_told_of_and_does_not_end_the_run(
    straight, data, tmp_path, monkeypatch, capsys
):
    whole = checkpoint._write_whole
    lost = ["train_00000000.npy", "val_00000001.npy", "step_00000003.npz", "step_00000012.npz"]

    def sometimes_full(path, write):
        if path.name in lost:
            lost.remove(path.name)
            raise OSError(28, "No space left on device")
        whole(path, write)

    monkeypatch.setattr(checkpoint, "_write_whole", sometimes_full)
    fails_at(monkeypatch, loop, "write_json", (2, 3))
    fails_at(monkeypatch, loop._Board, "add", (1, 2))
    fails_at(monkeypatch, loop._Board, "close", (1,))
    train(lively(data, tmp_path))
    said = capsys.readouterr().out
    assert said.count("features could not be written") == 1
    assert said.count("no checkpoint could be written") == 2
    assert said.count("the history could not be written (") == 2
    assert said.count("TensorBoard's log could not be written (") == 3
    assert_same_run(tmp_path, straight)


@pytest.mark.parametrize(("name", "error"), [("__init__", OSError), ("add", RuntimeError)])
def test_without_room_for_tensorboard_the_curves_are_kept_all_the_same(
    tmp_path, monkeypatch, capsys, name, error
):
    """Where TensorFlow is installed, TensorBoard writes through it: no `OSError` comes."""
    fails_at(monkeypatch, loop._Board, name, (1, 2), error)
    curves, row = loop._Curves(tmp_path), Epoch("head", 1, 0.5, 0.9, 0.6, 0.8, 1e-3, 2.0, 100.0)
    curves.add([row])
    curves.add([row, row])
    curves.close()
    assert capsys.readouterr().out.count("TensorBoard's log could not be written (") == 2
    assert json.loads((tmp_path / HISTORY).read_text(encoding="utf-8"))["epoch"] == [1, 1]


def test_a_run_that_dies_before_its_last_history_is_written_still_has_all_of_it(
    straight, data, tmp_path
):
    """The checkpoint comes first: it holds the curves too."""
    die_once(data, tmp_path, loop, "write_json", EPOCHS_ONLY, at=6, after=False)
    assert checkpoint.latest(tmp_path / "checkpoints").position.epoch == 3
    finish(data, tmp_path)
    assert_same_run(tmp_path, straight)


def test_damaged_files_cost_time_are_told_of_and_change_nothing(straight, data, tmp_path, capsys):
    die_once(data, tmp_path, *EACH_STEP, at=5)
    before, newest = sorted((tmp_path / "checkpoints").glob("step_*.npz"))
    piece = next((tmp_path / "checkpoints").glob("features_*/train_00000001.npy"))
    for path in (newest, piece):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    finish(data, tmp_path)
    said = capsys.readouterr().out
    assert f"{newest.name} is damaged" in said
    assert f"going back to the checkpoint before it, {before.name}" in said
    assert "cached features are damaged (train_00000001.npy: its checksum is wrong)" in said
    assert_same_run(tmp_path, straight)


def test_without_one_whole_checkpoint_the_run_refuses_to_go_on(data, tmp_path):
    """Nor does it go on without the state of the optimizer."""
    die_once(data, tmp_path, *EACH_STEP, at=3)
    folder = tmp_path / "checkpoints"
    stored = checkpoint.latest(folder)
    kept = {k: v for k, v in stored.arrays.items() if not k.startswith("optimizer/")}
    checkpoint.save(folder, checkpoint.Checkpoint(stored.position, kept))
    with pytest.raises(RunError, match=r"optimizer \(0 variables\)"):
        finish(data, tmp_path)
    for path in folder.glob("step_*.npz"):
        path.write_bytes(b"no archive")
    for _ in range(2):
        with pytest.raises(RunError, match=r"(?s)no checkpoint .* is whole.*--overwrite"):
            finish(data, tmp_path)


def test_a_finished_run_says_so_at_once_and_draws_nothing_anew(data, tmp_path, monkeypatch, capsys):
    train(lively(data, tmp_path, synthetic_per_class=1))
    before = (tmp_path / "run.json").read_bytes()
    monkeypatch.setattr(run, "with_synthetic", None)
    monkeypatch.setattr(run, "build_recogniser", None)
    capsys.readouterr()
    again = train(lively(data, tmp_path, synthetic_per_class=1, resume=True, save_every_steps=7))
    assert again == json.loads(before)
    assert (tmp_path / "run.json").read_bytes() == before
    said = capsys.readouterr().out
    assert said == f"this run is trained: its network is {tmp_path / 'model.keras'}\n"


def test_of_several_processes_the_first_alone_speaks_of_a_finished_run(
    straight, data, monkeypatch, capsys
):
    for name, value in Rank(1, 2, "here:1").environment.items():
        monkeypatch.setenv(name, value)
    assert train(lively(data, straight, resume=True)) == {}
    assert capsys.readouterr().out == ""


def test_neither_another_run_nor_one_without_checkpoints_is_gone_on_with_or_replaced(
    straight, data, tmp_path
):
    """The settings of an earlier version, which had other names, are others too."""
    for changed in ({"seed": 43}, {"batch_size": 4}):
        with pytest.raises(RunError, match=r"(?s)other settings.*another version.*--overwrite"):
            finish(data, straight, **changed)
    (tmp_path / "model.keras").write_bytes(b"months of work")
    with pytest.raises(RunError, match="without its checkpoints"):
        finish(data, tmp_path)
    assert (tmp_path / "model.keras").read_bytes() == b"months of work"


@pytest.mark.parametrize(("every", "saved"), [(2, [0, 2, 3, 4, 6, 6, 8, 9]), (0, [0, 3, 6, 9])])
def test_a_checkpoint_is_written_after_so_many_steps(data, tmp_path, monkeypatch, every, saved):
    """Beside those at the start and at each epoch's end, here after three steps."""
    written = Mock(wraps=checkpoint.save)
    monkeypatch.setattr(checkpoint, "save", written)
    often = {"save_every_min": EPOCHS_ONLY, "save_every_steps": every}
    train(lively(data, tmp_path, phases=(FINETUNE,), **often))
    assert [call.args[1].position.total_steps for call in written.call_args_list] == saved


def test_synthetic_hands_are_told_apart_by_their_run(data, tmp_path):
    plain = read_manifest(data)
    for count in (1, 2):
        config = lively(data, tmp_path, synthetic_per_class=count)
        this = Run(config, plain, None, fingerprint(config, plain))
        mixed = with_synthetic(plain, this.synthetic, count, seed=42, side_px=32)
        assert sum(s.source == "synthetic" for s in mixed.samples) == 3 * count


def test_ctrl_c_finishes_the_step_saves_and_says_how_to_go_on(
    straight, data, tmp_path, monkeypatch
):
    def press(state):
        if state.run.total_steps == 7:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        before_each_step_ends(patch, press)
        with pytest.raises(KeyboardInterrupt, match=r"finetune, epoch 1/3, step 2/3.*--resume"):
            train(lively(data, tmp_path, save_every_min=EPOCHS_ONLY))
    assert signal.getsignal(signal.SIGINT) is before
    assert steps_done(tmp_path) == 8
    finish(data, tmp_path)
    assert_same_run(tmp_path, straight)


@pytest.mark.parametrize("broken", ["loss", "weights"])
def test_a_loss_or_weights_that_are_no_numbers_stop_the_run_and_are_never_saved(
    data, tmp_path, monkeypatch, broken
):
    """A gradient can break down while the loss of its step, the eleventh, was still fine."""
    whole = loop.Steps.on_train_batch_end

    def after_step(self, batch, logs=None):
        kernel = self.state.run.model.trainable_variables[0]
        if self.state.run.total_steps == 10 and broken == "weights":
            kernel.assign(np.full(kernel.shape, np.inf, np.float32))
        elif self.state.run.total_steps == 10:
            logs = {**logs, "loss": float("nan")}
        whole(self, batch, logs)

    monkeypatch.setattr(*EACH_STEP, after_step)
    what = "a loss of nan" if broken == "loss" else "weights that are not finite"
    where = f"{what} in finetune, epoch 2/3, step 2/3, at a learning rate of 0.00"
    with pytest.raises(RunError, match=where):
        train(lively(data, tmp_path, save_every_min=EVERY_STEP))
    stored = checkpoint.latest(tmp_path / "checkpoints")
    assert stored.position.total_steps == 10
    assert all(np.isfinite(a).all() for a in stored.arrays.values() if a.dtype.kind == "f")


def test_early_stopping_counts_over_sessions_and_is_announced(data, tmp_path, capsys):
    """At a rate of nearly nothing the loss never gains: the phase ends after two more epochs."""
    still = dataclasses.replace(
        FINETUNE, learning_rate=1e-9, epochs=9, patience_epochs=2, batchnorm_momentum=None
    )
    settings = {"phases": (still,), "average_epochs": 0.0}
    train(lively(data, tmp_path / "one", **settings))
    said = "finetune stops early, after 3 of 9 epochs: no lower validation loss since epoch 1"
    assert said in capsys.readouterr().out
    config = lively(data, tmp_path / "two", **settings)
    train_until_it_dies(config, loop, "_validate", at=3, after=False)
    finish(data, tmp_path / "two", **settings)
    assert curves(tmp_path / "one")["epoch"] == [1, 2, 3]
    assert_same_run(tmp_path / "one", tmp_path / "two")
