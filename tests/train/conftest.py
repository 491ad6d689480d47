import json

import pytest

from helpers.small_run import small_config, train, write_colours
from helpers.tiny_network import tiny_backbone_with_grid


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Plain colours, in a data set that nobody changes."""
    return write_colours(tmp_path_factory.mktemp("data") / "dataset")


@pytest.fixture(scope="session")
def finished(data, tmp_path_factory):
    """One whole run of a tiny network, shared: (its folder, what run.json says)."""
    folder = tmp_path_factory.mktemp("runs") / "output"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fingerspell.model.build.build_backbone", tiny_backbone_with_grid)
        train(small_config(data, folder), command="fingerspell train")
    return folder, json.loads((folder / "run.json").read_text(encoding="utf-8"))
