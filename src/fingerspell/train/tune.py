"""Hyperparameter search over the ranges that a recipe declares; resumable after a kill."""

import gc
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import keras
import optuna
from optuna.trial import FrozenTrial, TrialState

from fingerspell.config import Choice, Range, Space, TrainConfig, as_recipe, with_settings
from fingerspell.dataset.manifest import Manifest, read_manifest, split_rule, verify
from fingerspell.errors import ConfigError, RunError, require
from fingerspell.files import write_text
from fingerspell.model import build_recogniser, require_layer
from fingerspell.model.build import ALL
from fingerspell.train import run_folder
from fingerspell.train.run import fingerprint, train
from fingerspell.train.state import DivergedError

_STORE, _TRIALS, _BEST = "tune.db", "trials", "best.py"
_STUDY, _MARK, _REASON = "fingerspell", "search", "reason"


@dataclass(frozen=True, slots=True)
class _Trial:
    """One setting of the search; a run that could not be trained has a reason and no loss."""

    number: int
    settings: Mapping[str, Any]
    loss: float
    accuracy: float
    reason: str = ""


def tune(base: TrainConfig, space: Space, trials: int, command: str) -> list[_Trial]:
    """Tries `trials` settings of `space` and returns all that were tried, the best first.

    Each is a run of its own in `output_dir/trials/NNN`, judged by its loss on the validation
    split: neither the test split nor any unseen signer is used. The same call continues where an
    earlier one ended or was killed: trial n is a function of the seed, n and the results before
    it. `output_dir/best.py` is the best setting so far, after every trial.
    """
    require(trials >= 1, found=f"--tune {trials}", expected="1 trial or more", fix="use --tune 20")
    manifest = read_manifest(base.dataset_dir)
    if split_rule(base.dataset_dir) == "random":
        print("warning: validation pictures have near duplicates in training (--split random): "
              "the search will prefer what remembers pictures", flush=True)  # fmt: skip
    _require_layers(base, space)
    if not base.trust:
        verify(manifest)
    folder = base.output_dir
    run_folder.open_folder(folder, overwrite=False, resume=True)
    if base.overwrite:
        _remove_search(folder)
    base = replace(base, trust=True, overwrite=False, resume=True)
    study = _open_study(folder, space, fingerprint(base, manifest))
    return _search(study, base, manifest, space, trials, command)


def _require_layers(base: TrainConfig, space: Space) -> None:
    """Refuses layers that the network does not have, before they cost trials.

    Where the backbone itself is searched for, each trial has layers of its own.
    """
    named = {phase.unfrozen_from for phase in base.phases}
    for name, values in space.items():
        if name.endswith(".unfrozen_from") and isinstance(values, Choice):
            named |= {value for value in values.values if isinstance(value, str)}
    if named <= {None, ALL} or "model.backbone" in space:
        return
    keras.utils.clear_session()  # Keras counts layers that have no name of their own.
    model = build_recogniser(base.model, 2)
    for layer in named:
        require_layer(model, layer)
    keras.utils.clear_session()


def _search(
    study: optuna.Study,
    base: TrainConfig,
    manifest: Manifest,
    space: Space,
    trials: int,
    command: str,
) -> list[_Trial]:
    """Tries what is left to try, and returns all that was tried, the best first."""
    try:
        while len(_ended(study)) < trials:
            trial = _next_trial(study, space, base.seed)
            tried = _try_out(study, trial, base, manifest, command)
            print(_line(tried, trials), flush=True)
            _write_best(base.output_dir, base, _results(study), command)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(
            f"stopped after {len(_ended(study))} of {trials} trials; to go on: the same command"
            " (without --overwrite)"
        ) from stop
    return _results(study)


def _remove_search(folder: Path) -> None:
    """Removes an earlier search, and nothing else."""
    for name in (_STORE, _BEST):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / _TRIALS, ignore_errors=True)


def _open_study(folder: Path, space: Space, run_fingerprint: str) -> optuna.Study:
    """Opens the search in `folder` or begins one; refuses that of other settings or ranges."""
    from sqlalchemy.engine import URL

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    url = URL.create("sqlite", database=str(folder / _STORE))
    study = optuna.create_study(
        storage=url.render_as_string(), study_name=_STUDY, load_if_exists=True
    )
    mark = sha256(f"{run_fingerprint} {sorted(space.items())}".encode()).hexdigest()
    if study.user_attrs.setdefault(_MARK, mark) != mark:
        raise RunError(
            found=f"{folder / _STORE} holds a search with other settings, ranges or pictures",
            expected="the same command, recipe and data set as before, to go on with it",
            fix="start afresh with --overwrite, or choose another --output_dir",
        )
    study.set_user_attr(_MARK, mark)
    return study


def _ended(study: optuna.Study) -> list[FrozenTrial]:
    """Returns the trials that need not be tried again."""
    states = (TrialState.COMPLETE, TrialState.FAIL)
    trials: list[FrozenTrial] = study.get_trials(deepcopy=False, states=states)
    return trials


def _next_trial(study: optuna.Study, space: Space, seed: int) -> optuna.Trial:
    """Returns the trial that was interrupted, or a new one, with a value for every setting.

    The sampler is made anew for each trial, so that a search that went on after a kill draws
    what an uninterrupted one would have drawn.
    """
    open_ones = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    number = open_ones[0].number if open_ones else len(study.get_trials(deepcopy=False))
    study.sampler = optuna.samplers.TPESampler(seed=seed + number)
    trial = optuna.Trial(study, open_ones[0]._trial_id) if open_ones else study.ask()
    for name, values in space.items():
        _suggest(trial, name, values)
    return trial


def _suggest(trial: optuna.Trial, name: str, values: Range | Choice) -> None:
    """Samples a value of the trial; one that it has already stays."""
    if isinstance(values, Choice):
        trial.suggest_categorical(name, values.values)
    elif values.whole:
        trial.suggest_int(name, int(values.low), int(values.high), log=values.log)
    else:
        trial.suggest_float(name, values.low, values.high, log=values.log)


def _try_out(
    study: optuna.Study, trial: optuna.Trial, base: TrainConfig, manifest: Manifest, command: str
) -> _Trial:
    """Trains one setting, or reads the run that was finished before a kill, and notes its loss."""
    folder = base.output_dir / _TRIALS / f"{trial.number:03d}"
    try:
        config = with_settings(replace(base, output_dir=folder), trial.params)
        run_json = folder / run_folder.RUN
        if run_json.is_file():
            facts = run_folder.read_json(run_json)
        else:
            facts = train(config, manifest, command)
    except (ConfigError, DivergedError) as error:
        trial.set_user_attr(_REASON, error.found)
        study.tell(trial.number, state=TrialState.FAIL)
    else:
        trial.set_user_attr("accuracy", facts["validation"]["accuracy"])
        study.tell(trial.number, facts["validation"]["loss"])
    # A trial is never resumed, and twenty of them would fill the disk.
    shutil.rmtree(folder / run_folder.CHECKPOINTS, ignore_errors=True)
    keras.utils.clear_session()
    gc.collect()
    return _read_trial(study.get_trials(deepcopy=False)[trial.number])


def _read_trial(trial: FrozenTrial) -> _Trial:
    return _Trial(
        number=trial.number,
        settings=trial.params,
        loss=math.inf if trial.value is None else trial.value,
        accuracy=trial.user_attrs.get("accuracy", math.nan),
        reason=trial.user_attrs.get(_REASON, ""),
    )


def _results(study: optuna.Study) -> list[_Trial]:
    return sorted((_read_trial(t) for t in _ended(study)), key=lambda t: (t.loss, t.number))


def _write_best(folder: Path, base: TrainConfig, tried: Sequence[_Trial], command: str) -> None:
    """Writes the best setting as a recipe, once there is one."""
    best = tried[0]
    if best.reason:
        return
    config = with_settings(base, best.settings)
    path = (folder / _BEST).as_posix()
    title = f"The best of {len(tried)} settings: {best.loss:.4f} validation loss."
    text = [f"{best.accuracy:.1%} of the validation pictures; trial {best.number:03d} of",
            "", f"    {command}", "", "which decided:", "",
            *(f"    {name} = {value!r}" for name, value in best.settings.items())]  # fmt: skip
    write_text(folder / _BEST, as_recipe(config, title, path, text))


def _line(trial: _Trial, trials: int) -> str:
    values = ", ".join(f"{name}={_short(value)}" for name, value in trial.settings.items())
    outcome = trial.reason or f"val loss {trial.loss:.4f}  accuracy {trial.accuracy:6.1%}"
    return f"trial {trial.number:03d} of {trials}  {outcome}  |  {values}"


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def summary(folder: Path, tried: Sequence[_Trial], shown: int = 10) -> str:
    """Returns the console summary of a search: the best settings, and their file."""
    lines = [_line(trial, len(tried)) for trial in tried[:shown]]
    best = f"the best: fingerspell train --config {(folder / _BEST).as_posix()} --output_dir …"
    nothing = "no setting could be trained: narrow the ranges"
    return "\n".join([*lines, nothing if tried[0].reason else best])
