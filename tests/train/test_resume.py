"""A run may die anywhere: it ends like one that was left alone, to the last bit."""

import dataclasses
import json
import signal

import numpy as np
import pytest

from fingerspell.config import AugmentConfig
from fingerspell.dataset.manifest import read_manifest
from fingerspell.errors import RunError
from fingerspell.train import checkpoint, features, loop, phases, run
from fingerspell.train.checkpoint import Epoch
from fingerspell.train.distributed.rank import Rank
from fingerspell.train.run import fingerprint
from fingerspell.train.session import Run
from fingerspell.train.synthetic import with_synthetic
from helpers.run_files import assert_same_run, curves
from helpers.small_run import FINETUNE, small_config, train

pytestmark = pytest.mark.usefixtures("tiny_network", "plain_steps")

STEPS = 15
"""Of the whole run: 2 epochs of the head and 3 of the network, 3 steps each."""
EVERY_STEP, EPOCHS_ONLY = 0.0, 1e6


class Died(BaseException):
    """Nothing in the program catches it, as nothing catches SIGKILL."""


@pytest.fixture(scope="module")
def straight(data, tmp_path_factory):
    """The run that nobody interrupted."""
    folder = tmp_path_factory.mktemp("straight") / "output"
    train(lively(data, folder))
    return folder


def lively(data, folder, **changes):
    """Augmented and shuffled, so that another picture or another mask would show."""
    return small_config(data, folder, **{"augment": AugmentConfig(), **changes})


def dies(monkeypatch, owner, name, *, at=1, after=True):
    """Makes the `at`-th call of `owner.name` die, after or before it did its work."""
    whole, calls = getattr(owner, name), iter(range(1, 1000))

    def deadly(*args, **kwargs):
        fatal = next(calls) == at
        if fatal and not after:
            raise Died
        result = whole(*args, **kwargs)
        if fatal:
            raise Died
        return result

    monkeypatch.setattr(owner, name, deadly)


def die_once(data, folder, owner, name, **how):
    save_every_min = how.pop("save_every_min", EVERY_STEP)
    with pytest.MonkeyPatch.context() as patch:
        dies(patch, owner, name, **how)
        with pytest.raises(Died):
            train(lively(data, folder, resume=True, save_every_min=save_every_min))


def finish(data, folder, **changes):
    train(lively(data, folder, resume=True, **changes))


def names(folder):
    return sorted(p.name for p in (folder / "checkpoints").iterdir())


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
        die_once(
            data, tmp_path, loop.Steps, "on_train_batch_end", at=at, save_every_min=save_every_min
        )
        done, sessions = (
            checkpoint.latest(tmp_path / "checkpoints").position.total_steps,
            sessions + 1,
        )
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
    die_once(data, tmp_path, loop.Steps, "on_train_batch_end")
    assert any(name.startswith("features_") for name in names(tmp_path))
    monkeypatch.setattr(features, "extract", None)
    die_once(data, tmp_path, loop.Steps, "on_train_batch_end")


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


def fails_at(monkeypatch, owner, name, calls):
    """Makes these calls of `owner.name` find the disk full."""
    whole, numbers = getattr(owner, name), iter(range(1, 1000))

    def sometimes_full(*args, **kwargs):
        if next(numbers) in calls:
            raise OSError(28, "No space left on device")
        return whole(*args, **kwargs)

    monkeypatch.setattr(owner, name, sometimes_full)


def test_without_room_for_tensorboard_a_run_trains_all_the_same(
    straight, data, tmp_path, monkeypatch, capsys
):
    fails_at(monkeypatch, loop._Board, "__init__", range(1, 1000))
    train(lively(data, tmp_path))
    assert capsys.readouterr().out.count("TensorBoard's log could not be written (") == 5
    assert_same_run(tmp_path, straight)


def test_tensorboard_may_fail_with_errors_of_tensorflow(tmp_path, monkeypatch, capsys):
    """Where TensorFlow is installed, TensorBoard writes through it: no `OSError` comes."""

    class FullError(Exception):
        pass

    def full(self, step, row):
        raise FullError("No space left on device")

    monkeypatch.setattr(loop._Board, "add", full)
    curves = loop._Curves(tmp_path)
    curves.add([Epoch("head", 1, 0.5, 0.9, 0.6, 0.8, 1e-3, 2.0, 100.0)])
    curves.close()
    assert capsys.readouterr().out == (
        "warning: TensorBoard's log could not be written (No space left on device); going on\n"
    )


def test_a_run_that_dies_before_its_last_history_is_written_still_has_all_of_it(
    straight, data, tmp_path
):
    """The checkpoint comes first: it holds the curves too."""
    with pytest.MonkeyPatch.context() as patch:
        dies(patch, loop, "write_json", at=6, after=False)
        with pytest.raises(Died):
            train(lively(data, tmp_path, resume=True))
    assert checkpoint.latest(tmp_path / "checkpoints").position.epoch == 3
    finish(data, tmp_path)
    assert_same_run(tmp_path, straight)


def test_damaged_files_cost_time_are_told_of_and_change_nothing(straight, data, tmp_path, capsys):
    die_once(data, tmp_path, loop.Steps, "on_train_batch_end", at=5)
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
    die_once(data, tmp_path, loop.Steps, "on_train_batch_end", at=3)
    for path in (tmp_path / "checkpoints").glob("step_*.npz"):
        path.write_bytes(b"no archive")
    for _ in range(2):
        with pytest.raises(RunError, match=r"(?s)no checkpoint .* is whole.*--overwrite"):
            finish(data, tmp_path)


def test_a_checkpoint_without_the_optimizers_state_is_refused(data, tmp_path):
    die_once(data, tmp_path, loop.Steps, "on_train_batch_end", at=2)
    folder = tmp_path / "checkpoints"
    stored = checkpoint.latest(folder)
    kept = {k: v for k, v in stored.arrays.items() if not k.startswith("optimizer/")}
    checkpoint.save(folder, checkpoint.Checkpoint(stored.position, kept))
    with pytest.raises(RunError, match=r"optimizer \(0 variables\)"):
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


def test_other_settings_do_not_pass_for_a_finished_run(straight, data):
    for changed in ({"seed": 43}, {"batch_size": 4}):
        with pytest.raises(RunError, match="other settings, another data set"):
            finish(data, straight, **changed)


def test_a_finished_run_without_checkpoints_is_not_replaced(data, tmp_path):
    (tmp_path / "model.keras").write_bytes(b"months of work")
    with pytest.raises(RunError, match="without its checkpoints"):
        finish(data, tmp_path)
    assert (tmp_path / "model.keras").read_bytes() == b"months of work"


def test_how_often_it_is_saved_may_change_on_the_way(data, tmp_path):
    one, manifest = lively(data, tmp_path), read_manifest(data)
    for changed in ({"save_every_min": 1.0}, {"save_every_steps": 7}):
        other = dataclasses.replace(one, **changed)
        assert fingerprint(one, manifest) == fingerprint(other, manifest)


@pytest.mark.parametrize(("every", "saved"), [(2, [0, 2, 3, 4, 6, 6, 8, 9]), (0, [0, 3, 6, 9])])
def test_a_checkpoint_is_written_after_so_many_steps(data, tmp_path, monkeypatch, every, saved):
    """Beside those at the start and at each epoch's end, here after three steps."""
    written, whole = [], checkpoint.save

    def note(folder, stored):
        written.append(stored.position.total_steps)
        whole(folder, stored)

    monkeypatch.setattr(checkpoint, "save", note)
    phases = (FINETUNE,)
    train(lively(data, tmp_path, phases=phases, save_every_min=EPOCHS_ONLY, save_every_steps=every))
    assert written == saved


def test_synthetic_hands_are_told_apart_by_their_run(data, tmp_path):
    for count in (1, 2):
        config = lively(data, tmp_path, synthetic_per_class=count)
        plain = read_manifest(data)
        this = Run(config, plain, None, fingerprint(config, plain))
        mixed = with_synthetic(plain, this.synthetic, count, seed=42, side_px=32)
        assert sum(s.source == "synthetic" for s in mixed.samples) == 3 * count


def test_ctrl_c_finishes_the_step_saves_and_says_how_to_go_on(
    straight, data, tmp_path, monkeypatch
):
    whole, calls = loop.Steps.on_train_batch_end, iter(range(1, 1000))

    def press(self, batch, logs=None):
        if next(calls) == 8:
            signal.raise_signal(signal.SIGINT)
        whole(self, batch, logs)

    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(loop.Steps, "on_train_batch_end", press)
        with pytest.raises(KeyboardInterrupt, match=r"finetune, epoch 1/3, step 2/3.*--resume"):
            train(lively(data, tmp_path, save_every_min=EPOCHS_ONLY))
    assert signal.getsignal(signal.SIGINT) is before
    assert checkpoint.latest(tmp_path / "checkpoints").position.total_steps == 8
    finish(data, tmp_path)
    assert_same_run(tmp_path, straight)


def poisoned(data, folder, monkeypatch, poison):
    """Runs with `poison(state, logs) -> logs` at the eleventh step; returns the error."""
    whole = loop.Steps.on_train_batch_end

    def after_step(self, batch, logs=None):
        broken = self.state.run.total_steps == 10
        whole(self, batch, poison(self.state, logs) if broken else logs)

    monkeypatch.setattr(loop.Steps, "on_train_batch_end", after_step)
    with pytest.raises(RunError) as error:
        train(lively(data, folder, save_every_min=EVERY_STEP))
    return str(error.value)


def test_a_loss_that_is_no_number_stops_the_run_at_its_step(data, tmp_path, monkeypatch):
    said = poisoned(data, tmp_path, monkeypatch, lambda _, logs: {**logs, "loss": float("nan")})
    assert "a loss of nan in finetune, epoch 2/3, step 2/3, at a learning rate of 0.00" in said
    stored = checkpoint.latest(tmp_path / "checkpoints")
    assert stored.position.total_steps == 10
    assert all(np.isfinite(a).all() for a in stored.arrays.values() if a.dtype.kind == "f")


def test_weights_that_are_no_numbers_are_never_saved(data, tmp_path, monkeypatch):
    """A gradient can break down while the loss of its step was still fine."""

    def poison(state, logs):
        kernel = state.run.model.trainable_variables[0]
        kernel.assign(np.full(kernel.shape, np.inf, np.float32))
        return logs

    assert "weights that are not finite" in poisoned(data, tmp_path, monkeypatch, poison)
    assert checkpoint.latest(tmp_path / "checkpoints").position.total_steps == 10


def test_early_stopping_counts_over_sessions(data, tmp_path):
    """At a rate of nearly nothing the loss never gains: the phase ends after two more epochs."""
    still = dataclasses.replace(
        FINETUNE, learning_rate=1e-9, epochs=9, patience_epochs=2, batchnorm_momentum=None
    )
    settings = {"phases": (still,), "average_epochs": 0.0}
    train(lively(data, tmp_path / "one", **settings))
    with pytest.MonkeyPatch.context() as patch:
        dies(patch, loop, "_validate", at=3, after=False)
        with pytest.raises(Died):
            train(lively(data, tmp_path / "two", **settings))
    finish(data, tmp_path / "two", **settings)
    assert curves(tmp_path / "one")["epoch"] == [1, 2, 3]
    assert_same_run(tmp_path / "one", tmp_path / "two")


def test_a_checkpoint_of_an_earlier_version_is_refused(data, tmp_path):
    """Its settings had other names, so that its fingerprint is another."""
    folder = tmp_path / "checkpoints"
    old = checkpoint.Position(fingerprint="of settings with other names", total_steps=3)
    checkpoint.save(folder, checkpoint.Checkpoint(old, {}))
    with pytest.raises(RunError, match=r"(?s)another version.*--overwrite"):
        train(lively(data, tmp_path, resume=True))
