import dataclasses
import json
from unittest.mock import Mock

import numpy as np
import pytest

from fingerspell.config import PrepareConfig, two_phases
from fingerspell.dataset.manifest import read_manifest
from fingerspell.errors import ConfigError, DataError
from fingerspell.evaluate.calibration import apply_temperature, fit_temperature
from fingerspell.labels import read_labels
from fingerspell.model import backbone_of, load_recogniser, views_network, views_of
from fingerspell.model.hand_crop import hand_box_of
from fingerspell.prepare.prepare import prepare
from fingerspell.train.calibrate import calibrate
from fingerspell.train.run import _hash_of, fingerprint
from helpers.small_run import FINETUNE, HEAD, SMALL, small_config, train, with_hashes, write_colours
from helpers.synthetic_folder import alphabet

pytestmark = pytest.mark.usefixtures("tiny_network_with_grid")


def history(folder) -> dict:
    return json.loads((folder / "training_history.json").read_text(encoding="utf-8"))


def test_both_phases_train_all_their_epochs_and_are_one_curve(finished):
    """A second phase that goes on counting from the first trains nothing."""
    rows = history(finished[0])
    assert rows["phase"] == ["head"] * 2 + ["finetune"] * 3
    assert rows["epoch"] == [1, 2, 1, 2, 3]
    assert {len(values) for values in rows.values()} == {5}
    assert list((finished[0] / "logs").glob("events.out.tfevents.*")), "TensorBoard finds them"


def test_the_run_records_its_labels_in_prediction_order_and_its_circumstances(finished):
    folder, facts = finished
    assert read_labels(folder / "training_set_labels.txt") == ("A", "B", "nothing")
    assert facts["labels"] == ["A", "B", "nothing"]
    assert facts["config"]["seed"] == 42
    assert facts["versions"]["keras"].startswith("3.")
    assert facts["pictures"] == {"train": 24, "val": 12, "test": 12}
    assert facts["device"]["precision"] == "float32"
    assert facts["peak_memory_bytes"] > 50e6
    assert facts["temperature"] > 0
    assert len(facts["manifest_sha256"]) == 64
    assert facts["manifest_checked"] is False, "there are no hashes to check"


def test_a_run_of_no_epochs_keeps_its_first_weights_and_is_whole(finished, data, tmp_path):
    """So a released network gets another hand localisation or calibration without a training."""
    none = tuple(dataclasses.replace(phase, epochs=0) for phase in (HEAD, FINETUNE))
    first = finished[0] / "model.keras"
    like_it = dataclasses.replace(SMALL, weights=str(first))
    train(small_config(data, tmp_path, phases=none, model=like_it))
    assert set(history(tmp_path)) == set(history(finished[0]))
    assert not any(history(tmp_path).values())
    networks = (load_recogniser(path) for path in (tmp_path / "model.keras", first))
    for ours, theirs in zip(*(backbone_of(x).get_weights() for x in networks), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_second_phase_moves_the_backbone(finished, data, tmp_path):
    train(small_config(data, tmp_path, phases=(HEAD,)))
    networks = (load_recogniser(folder / "model.keras") for folder in (tmp_path, finished[0]))
    before, after = (backbone_of(network).get_weights() for network in networks)
    assert max(np.abs(a - b).max() for a, b in zip(after, before, strict=True)) > 1e-4


def test_a_second_look_is_for_answers_and_changes_nothing_that_is_learnt(
    finished, data, tmp_path, monkeypatch
):
    """The temperature is fitted to what both looks say: fitted on one look, the answers that ship
    would not be the ones that were measured.
    """
    pictures = np.random.default_rng(0).random((6, *SMALL.image_size_px, 3), np.float32)
    fitted = Mock(wraps=fit_temperature)

    def noted(run, *rest):
        looks = np.asarray(views_network(run.model)(pictures))
        found = calibrate(run, *rest)
        expected = apply_temperature(looks, found.temperature)
        np.testing.assert_allclose(np.asarray(run.model(pictures)), expected, atol=1e-5)
        assert (views_of(run.model), looks.shape) == ("hand_crop", (6, 2, 3))
        return found

    few = {"HANDS": 26, "SCENES": 6, "EMPTY": 6, "EPOCHS": 2, "FIRST_EPOCHS": 1}
    for name, value in few.items():
        monkeypatch.setattr(f"fingerspell.train.hand_box._{name}", value)
    monkeypatch.setattr("fingerspell.train.run.calibrate", noted)
    monkeypatch.setattr("fingerspell.train.calibrate.fit_temperature", fitted)
    closer = dataclasses.replace(SMALL, views="hand_crop")
    facts = train(small_config(data, tmp_path, model=closer))
    assert [call.args[0].shape for call in fitted.call_args_list] == [(12, 2, 3)]
    once, both = (load_recogniser(x / "model.keras") for x in (finished[0], tmp_path))
    for a, b in zip(*(backbone_of(x).get_weights() for x in (once, both)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert history(tmp_path)["val_loss"] == history(finished[0])["val_loss"]
    assert (views_of(once), views_of(both)) == ("single", "hand_crop")
    assert np.abs(hand_box_of(both).layers[0][0]).max() > 0
    assert facts["config"]["model"]["views"] == "hand_crop"


def test_neither_where_a_run_lies_nor_how_often_it_is_saved_decides_its_course(data, tmp_path):
    manifest, one = read_manifest(data), small_config(data, tmp_path / "one")
    for changed in (
        {"output_dir": tmp_path / "two", "resume": True},
        {"save_every_min": 1.0},
        {"save_every_steps": 7},
        {"trust": True},
    ):
        other = dataclasses.replace(one, **changed)
        assert fingerprint(one, manifest) == fingerprint(other, manifest)
    assert fingerprint(one, manifest) != fingerprint(dataclasses.replace(one, seed=1), manifest)


def test_a_run_of_before_there_was_a_network_size_goes_on(data, tmp_path):
    manifest, now = read_manifest(data), small_config(data, tmp_path)
    settings = dataclasses.asdict(now)
    del settings["model"]["network_px"]
    assert _hash_of(settings, manifest.sha256) == fingerprint(now, manifest)
    model = dataclasses.replace(SMALL, image_size_px=(64, 64), network_px=32)
    other = dataclasses.replace(now, model=dataclasses.replace(model, network_px=None))
    for config in (dataclasses.replace(now, model=model), other):
        assert fingerprint(config, manifest) != fingerprint(now, manifest)


def test_what_would_stop_a_run_stops_it_before_anything_is_written(data, tmp_path):
    wrong = dataclasses.replace(FINETUNE, unfrozen_from="block_99")
    for dataset, changes, kind, words in (
        (tmp_path / "absent", {}, DataError, "no folder"),
        (data, {"phases": (HEAD, wrong)}, ConfigError, "block_99"),
    ):
        with pytest.raises(kind, match=words):
            train(small_config(dataset, tmp_path / "output", **changes))
        assert not (tmp_path / "output").exists()


def test_a_batch_larger_than_a_class_and_than_all_pictures_trains(tmp_path):
    rare = write_colours(tmp_path / "rare")
    for number in range(5):
        (rare / "train" / "B" / f"{number}.jpg").unlink()
    facts = train(small_config(rare, tmp_path / "output", phases=(HEAD,), batch_size=32))
    assert facts["pictures"]["train"] == 19
    assert history(tmp_path / "output")["epoch"] == [1, 2]


def test_changed_pictures_stop_a_run_that_does_not_trust_them_and_the_run_says_so(tmp_path):
    folder = with_hashes(write_colours(tmp_path / "dataset"))
    picture, output = folder / "val" / "A" / "0.jpg", tmp_path / "output"
    whole = picture.read_bytes()
    picture.write_bytes((folder / "val" / "B" / "0.jpg").read_bytes())
    with pytest.raises(DataError, match=r"1 of 48 pictures .*val/A/0\.jpg"):
        train(small_config(folder, output))
    assert not output.exists()
    trusting = small_config(folder, output, phases=(HEAD,), trust=True)
    assert train(trusting)["manifest_checked"] is False
    picture.write_bytes(whole)
    checking = small_config(folder, output, phases=(HEAD,), overwrite=True)
    assert train(checking)["manifest_checked"] is True


def test_a_users_pictures_are_never_touched_though_the_data_set_is_linked_to_them(tmp_path):
    """Linked files share their bytes: writing into the data set would write into the input."""
    hands, goal = alphabet(tmp_path / "hands"), tmp_path / "dataset"
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in hands.rglob("*.jpg")}
    prepare(PrepareConfig(input_dirs=(hands,), output_dir=goal))
    assert all(path.stat().st_nlink > 1 for path in before), "nothing is linked here"
    train(small_config(goal, tmp_path / "output", phases=(HEAD,)))
    prepare(PrepareConfig(input_dirs=(hands,), output_dir=goal, seed=1, overwrite=True))
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in hands.rglob("*.jpg")} == before


@pytest.mark.parametrize(
    ("epochs", "of_each"),
    [(1, [1, 0]), (2, [2, 0]), (3, [3, 0]), (4, [2, 2]), (6, [2, 4]), (9, [3, 6]), (50, [15, 35])],
)
def test_every_run_begins_with_the_head_and_few_epochs_are_all_its(epochs, of_each):
    """Pretrained statistics are kept, and random ones trained, for which a head learns nothing."""
    assert [phase.epochs for phase in two_phases(epochs)] == of_each
    assert two_phases(epochs)[1].batchnorm_momentum is None
    fresh = two_phases(epochs, pretrained=False)
    assert [phase.epochs for phase in fresh] == [0, epochs]
    assert fresh[1].batchnorm_momentum == 0.95
