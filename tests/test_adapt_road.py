"""`fingerspell adapt`, all of it: pictures in, a bundle out that knows a new sign."""

import keras
import pytest

from fingerspell import pipeline
from fingerspell.config import AdaptConfig
from fingerspell.errors import FingerspellError
from fingerspell.model import build_recogniser
from fingerspell.runtime import Recogniser
from helpers.small_run import COLOURS, SMALL, write_colours
from helpers.starter_folder import starter_folder


@pytest.mark.slow
def test_a_few_pictures_become_a_bundle_that_can_be_evaluated_again(tmp_path):
    keras.utils.set_random_seed(1)
    known = ("A", "B", "nothing")
    starter = starter_folder(tmp_path / "starter", build_recogniser(SMALL, 3), known)
    mine = write_colours(tmp_path / "mine", (8, 0, 0)) / "train"
    (mine / "nothing").rename(mine / "Wave")
    config = AdaptConfig(
        input_dir=mine, output_dir=tmp_path / "adapted", steps_per_epoch=2, synthetic_per_class=80
    )
    facts = pipeline.adapt_and_export(config, "fingerspell adapt", starter)
    assert facts["adapted"]["new_classes"] == ["Wave"]
    recogniser = Recogniser.load(config.output_dir)
    assert recogniser.labels == ("A", "B", "Wave", "nothing")
    report = pipeline.evaluate_run(config.output_dir, config.dataset_dir)
    assert report["split"] == "test"
    assert report["pictures"] == facts["adapted"]["after"]["own_pictures"] >= len(COLOURS)
    assert [p.name for p in config.output_dir.iterdir() if p.name.startswith(".")] == []


def test_a_wrong_folder_costs_neither_the_old_run_nor_a_data_set_beside_it(tmp_path):
    starter = starter_folder(tmp_path / "starter", build_recogniser(SMALL, 3), ("A", "B", "C"))
    output = tmp_path / "adapted"
    (output / "dataset").mkdir(parents=True)
    for name in ("model.keras", "dataset/manifest.csv"):
        (output / name).write_text("mine", encoding="utf-8")
    config = AdaptConfig(
        input_dir=tmp_path / "mien", output_dir=output, synthetic_per_class=1, overwrite=True
    )
    with pytest.raises(FingerspellError):
        pipeline.adapt_and_export(config, "fingerspell adapt", starter)
    for name in ("model.keras", "dataset/manifest.csv"):
        assert (output / name).read_text(encoding="utf-8") == "mine"
    assert config.dataset_dir != output / "dataset"
