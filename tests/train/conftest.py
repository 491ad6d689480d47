import json

import pytest

from fingerspell.train.run import train
from helpers.small_run import small_config, write_colours


@pytest.fixture(scope="session")
def colours(tmp_path_factory):
    return write_colours(tmp_path_factory.mktemp("colours") / "dataset")


@pytest.fixture(scope="session")
def finished(colours, tmp_path_factory):
    """One whole run, shared: (its folder, what run.json says)."""
    folder = tmp_path_factory.mktemp("runs") / "output"
    train(small_config(colours, folder), command="fingerspell train")
    return folder, json.loads((folder / "run.json").read_text(encoding="utf-8"))
