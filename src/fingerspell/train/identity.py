"""Which run it is: everything that decides its course, as one hash."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

from fingerspell.config import TrainConfig
from fingerspell.data.manifest import Manifest
from fingerspell.train import folder

NO_COURSE = (
    "output_dir", "dataset_dir", "trust", "overwrite", "resume", "save_every_min",
    "save_every_steps", "recipe_file", "recipe_sha256",
)  # fmt: skip
"""Settings that do not decide how a run goes: where it lies, what it is called."""


def fingerprint(config: TrainConfig, manifest: Manifest) -> str:
    """Returns a hash of everything that decides a run's course, to refuse a foreign checkpoint."""
    return _hash_of(dataclasses.asdict(config), manifest.sha256)


def _hash_of(settings: dict[str, Any], manifest_sha256: str) -> str:
    course = {name: value for name, value in settings.items() if name not in NO_COURSE}
    text = json.dumps([course, manifest_sha256], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def trained_facts(config: TrainConfig, manifest: Manifest) -> dict[str, Any]:
    """Returns what `run.json` says of this very run, where it is to be gone on with and is trained.

    Nothing where it is not, or where the folder holds another run.
    """
    place = config.output_dir
    if not (config.resume and all((place / name).is_file() for name in (folder.RUN, folder.MODEL))):
        return {}
    facts = folder.read_json(place / folder.RUN)
    there = _hash_of(facts.get("config", {}), facts.get("manifest_sha256", ""))
    return facts if there == fingerprint(config, manifest) else {}
