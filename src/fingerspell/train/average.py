"""Several runs' networks as one, by the mean of their weights.

Reference: Izmailov et al., Averaging Weights Leads to Wider Optima and Better Generalization,
UAI 2018; Wortsman et al., Model soups, ICML 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fingerspell.config import AugmentConfig, TrainConfig
from fingerspell.data.manifest import read_manifest
from fingerspell.errors import RunError, require
from fingerspell.model import (
    backbone_of,
    copy_at,
    head_of,
    load_recogniser,
    size_of,
)
from fingerspell.model.saved import config_of
from fingerspell.train import folder
from fingerspell.train.machine import commit, machine, versions
from fingerspell.train.quiet import quieten_libraries
from fingerspell.train.run import finish
from fingerspell.train.session import Run


def average(
    runs: Sequence[Path], dataset_dir: Path, output_dir: Path, command: str = ""
) -> dict[str, Any]:
    """Averages finished runs on one data set into a new run; returns what its `run.json` says.

    Each run should have gone on from the weights of the one before: the mean of strangers' weights
    computes nothing. Everything but the weights is the last run's; where the hand is, temperature
    and threshold are learnt anew. Writes `model.keras`, labels, history and `run.json`, as
    training does. Raises a `FingerspellError` for fewer than two runs, for runs on other data or
    of another architecture, and where `output_dir` holds a run.
    """
    require(
        len(runs) >= 2,
        found=f"{len(runs)} run",
        expected="at least two runs to average",
        fix="name another run folder",
    )
    quieten_libraries()
    manifest, source = read_manifest(dataset_dir), commit()
    facts = [folder.read_json(run / folder.RUN) for run in runs]
    for run, known in zip(runs, facts, strict=True):
        if known["manifest_sha256"] != manifest.sha256:
            raise RunError(
                found=f"{run} was not trained on {dataset_dir}",
                expected="runs on one data set: what one held out, another must not have learnt",
                fix="pass the --dataset_dir of all these runs, and no other run",
            )
    networks = [load_recogniser(run / folder.MODEL) for run in runs]
    last, newest = facts[-1], networks[-1]
    config = TrainConfig(
        dataset_dir=dataset_dir,
        output_dir=output_dir,
        model=config_of(newest, size_of(newest)),
        augment=AugmentConfig(**last["config"]["augment"]),
        seed=last["config"]["seed"],
        threshold=last["config"]["threshold"],
    )
    mean = Run(config, manifest, _mean_of(runs, networks), fingerprint="")
    folder.open_folder(output_dir, overwrite=False, resume=False)
    answers = finish(mean)
    folder.write_json(output_dir / folder.HISTORY, folder.read_json(runs[-1] / folder.HISTORY))
    told = {
        **last,
        **answers,
        "command": command,
        "weights_origin": f"the mean of {len(runs)} runs; the first: {facts[0]['weights_origin']}",
        "averaged": [
            {key: known[key] for key in ("finished", "commit", "weights_origin", "train_s")}
            for known in facts
        ],
        "machine": machine(),
        "versions": versions(),
        "commit": source,
        "train_s": round(sum(known["train_s"] for known in facts), 1),
    }
    folder.write_json(output_dir / folder.RUN, told)
    return told


def _mean_of(runs: Sequence[Path], networks: Sequence[keras.Model]) -> keras.Model:
    """Returns a network that looks once, with the mean of the runs' weights."""
    copy = copy_at(networks[-1], size_of(networks[-1]))
    for part in (backbone_of, head_of):
        weights = [part(network).get_weights() for network in networks]
        shapes = [[array.shape for array in one] for one in weights]
        for run, found in zip(runs, shapes, strict=True):
            if found != shapes[-1]:
                raise RunError(
                    found=f"the network of {run} has other parts than that of {runs[-1]}",
                    expected="networks of one architecture",
                    fix="average runs with the same --backbone and classes",
                )
        part(copy).set_weights([np.mean(same, axis=0) for same in zip(*weights, strict=True)])
    return copy
