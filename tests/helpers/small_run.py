"""A data set that a small network learns in seconds, and a run on it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from fingerspell.config import AugmentConfig, ModelConfig, Phase, TrainConfig
from fingerspell.dataset.manifest import FILE_NAME, HELD_OUT, Sample, read_manifest, to_csv
from fingerspell.images import encode_jpeg

SMALL = ModelConfig(backbone="MobileNetV3Small", weights="none", image_size_px=(32, 32))
COLOURS = {"A": (200, 40, 40), "B": (40, 200, 40), "nothing": (40, 40, 200)}
SIDE_PX = 32
STILL = AugmentConfig(**dict.fromkeys(AugmentConfig.__slots__, 0.0))


def write_colours(folder: Path, pictures: tuple[int, int, int] = (8, 4, 4), seed: int = 0) -> Path:
    """Writes train, val and test folders of noisy plain colours, one colour a class."""
    rng = np.random.default_rng(seed)
    for split, count in zip(("train", "val", "test"), pictures, strict=True):
        for label, colour in COLOURS.items():
            (folder / split / label).mkdir(parents=True)
            for number in range(count):
                noise = rng.integers(-30, 31, (SIDE_PX, SIDE_PX, 3))
                rgb = np.clip(noise + colour, 0, 255).astype(np.uint8)
                (folder / split / label / f"{number}.jpg").write_bytes(encode_jpeg(rgb, 95))
    return folder


def with_hashes(folder: Path, *unseen_signers: Path) -> Path:
    """Gives a `train|val|test` folder the manifest that prepare would; unseen signers move in."""
    samples = list(read_manifest(folder).samples)
    for source in unseen_signers:
        goal = folder / HELD_OUT / source.name
        goal.parent.mkdir(exist_ok=True)
        source.rename(goal)
        for path in sorted(goal.rglob("*.jpg")):
            name = path.relative_to(folder).as_posix()
            label = path.parent.name
            samples.append(Sample(name, label, HELD_OUT, name, source.name, "", "", 0, 0))
    hashed = [
        replace(s, sha256=hashlib.sha256((folder / s.path).read_bytes()).hexdigest())
        for s in samples
    ]
    (folder / FILE_NAME).write_text(to_csv(hashed), encoding="utf-8", newline="\n")
    return folder


HEAD = Phase(name="head", epochs=2, learning_rate=3e-3)
FINETUNE = Phase(
    name="finetune", epochs=3, learning_rate=1e-3, unfrozen_from="all", batchnorm_momentum=0.9
)


def small_config(dataset_dir: Path, output_dir: Path, **changes: object) -> TrainConfig:
    """Returns a run that ends in seconds: MobileNetV3Small at 32 pixels."""
    settings = {
        "dataset_dir": dataset_dir,
        "output_dir": output_dir,
        "model": SMALL,
        "phases": (HEAD, FINETUNE),
        "augment": STILL,
        "batch_size": 8,
        "feature_views": 1,
        **changes,
    }
    return TrainConfig(**settings)  # type: ignore[arg-type]


def train(config: TrainConfig, command: str = "") -> dict[str, object]:
    """Reads the data set of a run and trains it."""
    from fingerspell.train.run import train_in_process

    return train_in_process(config, command)
