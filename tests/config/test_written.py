"""A run written down as a recipe reads back as the same run."""

from dataclasses import replace
from pathlib import Path

import pytest

from fingerspell.config import (
    AugmentConfig,
    SamplingConfig,
    as_recipe,
    guide,
    load_recipe,
    with_settings,
)
from fingerspell.errors import ConfigError


def written(run, path, title="The best.", text=("found by a search",)):
    path.write_text(as_recipe(run, title, path.as_posix(), text), encoding="utf-8")
    return load_recipe(path)


def course(run):
    """What a run is, without where it lies and what it was read from."""
    return replace(run, output_dir=Path(), recipe_file="", recipe_sha256="")


MANY = {
    "epochs": 7, "weights": "none", "image_size_px": (64, 96), "augment": AugmentConfig(zoom=0.1),
    "sampling": SamplingConfig(group_power=0.5), "label_smoothing": 1e-4,
}  # fmt: skip


@pytest.mark.parametrize(
    "run",
    [
        guide(),
        guide(**MANY, dataset_dir=Path("my pictures") / 'of "hands"'),
        guide(dataset_dir=Path("H\xe4nde \U0001f919"), weights="it's \U0001f919\u2028 'here'"),
        with_settings(guide(), {"finetune.learning_rate": 0.00012345678901234567}),
    ],
)
def test_a_written_run_reads_back_as_the_same_run(run, tmp_path):
    assert course(written(run, tmp_path / "best.py").config()) == course(run)


def test_a_written_run_says_how_to_run_it_and_takes_options(tmp_path):
    path = tmp_path / "best.py"
    file = written(guide(), path)
    text = path.read_text(encoding="utf-8")
    assert f"fingerspell train --config {path.as_posix()}" in text
    assert text.startswith('"""The best.') and "found by a search" in text
    assert file.config(seed=7, batch_size=8).batch_size == 8
    with pytest.raises(ConfigError, match="'epochs'"):
        file.config(epochs=3)


def test_a_windows_path_and_quotes_in_the_text_do_no_harm(tmp_path):
    command = 'fingerspell train --config C:\\Users\\new """x"""'
    assert written(guide(), tmp_path / "best.py", text=(command,)).config()


def test_one_run_of_a_recipe_is_not_written_into_it(tmp_path):
    run = guide(resume=True, trust=True, output_dir=Path("elsewhere"))
    again = written(run, tmp_path / "best.py").config()
    assert (again.resume, again.trust, again.output_dir) == (False, False, Path("output"))
