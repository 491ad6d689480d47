"""Checks of a run that need no Keras: what would stop it is said before the slow imports."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fingerspell.config.phase import require_weights
from fingerspell.config.train import TrainConfig
from fingerspell.dataset.balance import size_warning
from fingerspell.dataset.manifest import read_manifest
from fingerspell.errors import require
from fingerspell.labels import ALPHABET
from fingerspell.train import run_folder


def check(config: TrainConfig, unseen_signers: Sequence[Path] = ()) -> None:
    """Raises a `FingerspellError` for a run folder, weights or pictures that cannot be used.

    Prints a warning of very small or uneven classes. Writes nothing.
    """
    run_folder.require_free(config.output_dir, overwrite=config.overwrite, resume=config.resume)
    require_weights(config.model.weights)
    manifest = read_manifest(config.dataset_dir)
    unknown = [x for x in config.class_weight if x not in {*manifest.labels, *ALPHABET}]
    require(
        not unknown,
        found=f"class_weight names {', '.join(unknown)}",
        expected=f"classes of the data set ({', '.join(manifest.labels)})",
        fix="correct the name in the recipe, or leave it out",
    )
    if unseen_signers:
        from fingerspell.evaluate.unseen_signers import find_unseen_signers  # NumPy and OpenCV.

        for folder in unseen_signers:
            find_unseen_signers(folder, manifest.labels)
    if found := size_warning(Counter(sample.label for sample in manifest.split("train"))):
        _, sizes, remedy = found
        print(f"warning: {sizes}; {remedy}", flush=True)
