import dataclasses
import json

import numpy as np
import pytest

from fingerspell.config import AugmentConfig, PrepareConfig, two_phases
from fingerspell.errors import ConfigError, DataError, ModelError, RunError
from fingerspell.evaluate.calibration import apply_temperature, fit_temperature, log_loss
from fingerspell.labels import read_labels
from fingerspell.model import backbone_of, load_recogniser, views_network, views_of
from fingerspell.model.hand_crop import hand_box_of
from fingerspell.prepare.prepare import prepare
from fingerspell.train.calibrate import _choose_threshold, calibrate
from fingerspell.train.phases import validation_stream
from fingerspell.train.run import check_batch, fingerprint
from helpers.small_run import FINETUNE, HEAD, SMALL, small_config, train, with_hashes, write_colours
from helpers.synthetic_folder import alphabet

pytestmark = pytest.mark.usefixtures("tiny_network_with_grid")


def history(folder) -> dict:
    return json.loads((folder / "training_history.json").read_text(encoding="utf-8"))


def test_both_phases_train_all_their_epochs(finished):
    """A second phase that goes on counting from the first trains nothing."""
    rows = history(finished[0])
    assert rows["phase"] == ["head"] * 2 + ["finetune"] * 3
    assert rows["epoch"] == [1, 2, 1, 2, 3]


def test_every_curve_is_as_long_as_the_run(finished):
    assert {len(values) for values in history(finished[0]).values()} == {5}


def test_the_second_phase_moves_the_backbone(finished, colours, tmp_path):
    head_only = tmp_path / "head_only"
    train(small_config(colours, head_only, phases=(HEAD,)))
    before = load_recogniser(head_only / "model.keras").get_layer("backbone").get_weights()
    after = load_recogniser(finished[0] / "model.keras").get_layer("backbone").get_weights()
    assert max(np.abs(a - b).max() for a, b in zip(after, before, strict=True)) > 1e-4


@pytest.fixture
def quickly_placed(monkeypatch):
    for name, value in (("_HANDS", 26), ("_SCENES", 6)):
        monkeypatch.setattr(f"fingerspell.train.hand_box.{name}", value)


def test_a_second_look_is_for_answers_and_changes_nothing_that_is_learnt(
    finished, colours, tmp_path, quickly_placed
):
    closer = dataclasses.replace(SMALL, views="hand_crop")
    facts = train(small_config(colours, tmp_path / "hand_crop", model=closer))
    once, both = (load_recogniser(x / "model.keras") for x in (finished[0], tmp_path / "hand_crop"))
    for a, b in zip(*(backbone_of(x).get_weights() for x in (once, both)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert history(tmp_path / "hand_crop")["val_loss"] == history(finished[0])["val_loss"]
    assert (views_of(once), views_of(both)) == ("single", "hand_crop")
    assert np.abs(hand_box_of(both).kernel).max() > 0
    assert facts["config"]["model"]["views"] == "hand_crop"


def test_the_temperature_is_fitted_to_what_both_looks_say(
    colours, tmp_path, monkeypatch, quickly_placed
):
    """Fitted on one look, the answers that ship would not be the ones that were measured."""
    pictures = np.random.default_rng(0).random((6, *SMALL.image_size_px, 3), np.float32)
    seen = []

    def fitted(probabilities, truth):
        seen.append(probabilities.shape)
        return fit_temperature(probabilities, truth)

    def noted(run, *rest):
        looks = np.asarray(views_network(run.model)(pictures))
        found = calibrate(run, *rest)
        expected = apply_temperature(looks, found.temperature)
        np.testing.assert_allclose(np.asarray(run.model(pictures)), expected, atol=1e-5)
        seen.append((views_of(run.model), looks.shape))
        return found

    monkeypatch.setattr("fingerspell.train.run.calibrate", noted)
    monkeypatch.setattr("fingerspell.train.calibrate.fit_temperature", fitted)
    closer = dataclasses.replace(SMALL, views="hand_crop")
    train(small_config(colours, tmp_path / "hand_crop", model=closer, phases=(HEAD,)))
    assert seen == [(12, 2, 3), ("hand_crop", (6, 2, 3))]


def by_colour(pictures, *_, **__):
    """Answers by the mean of each channel, as a network that has learnt colours would."""
    batches = [pictures] if isinstance(pictures, np.ndarray) else [x for x, *_ in pictures]
    raised = np.exp(5 * np.concatenate(batches).mean(axis=(1, 2)))
    return raised / raised.sum(axis=1, keepdims=True)


def test_temperature_and_threshold_are_fitted_to_changed_pictures(colours, tmp_path, monkeypatch):
    """As they are, validation pictures show the training's own people: too easy a measure."""
    seen = {}

    def noted(run, *rest):
        run.model.predict = by_colour
        monkeypatch.setattr("fingerspell.train.calibrate.views_network", lambda model: model)
        size_px, steps = run.config.model.image_size_px, run.validation_steps()
        for name, change in (("plain", None), ("harder", run.config.augment)):
            stream = validation_stream(run, size_px, change)
            seen[name] = run.model.predict(stream, steps=steps, verbose=0)
        seen["validated"] = calibrate(run, *rest)
        return seen["validated"]

    def fitted(probabilities, truth):
        seen["fitted"] = probabilities
        return fit_temperature(probabilities, truth)

    def chosen(truth, calibrated, *rest):
        seen["chosen"] = calibrated
        return _choose_threshold(truth, calibrated, *rest)

    monkeypatch.setattr("fingerspell.train.run.calibrate", noted)
    monkeypatch.setattr("fingerspell.train.calibrate.fit_temperature", fitted)
    monkeypatch.setattr("fingerspell.train.calibrate._choose_threshold", chosen)
    train(small_config(colours, tmp_path / "run", augment=AugmentConfig()))
    assert np.abs(seen["plain"] - seen["harder"]).max() > 0.01
    np.testing.assert_allclose(seen["fitted"], seen["harder"], atol=1e-6)
    temperature = seen["validated"].temperature
    np.testing.assert_allclose(
        seen["chosen"], apply_temperature(seen["harder"], temperature), atol=1e-6
    )
    truth = np.repeat(np.arange(3), len(seen["plain"]) // 3)
    assert seen["validated"].accuracy == (seen["plain"].argmax(axis=1) == truth).mean()
    assert seen["validated"].loss == pytest.approx(
        log_loss(truth, apply_temperature(seen["plain"], temperature)), abs=1e-6
    )


def test_the_run_folder_names_labels_in_prediction_order(finished):
    folder, facts = finished
    assert read_labels(folder / "training_set_labels.txt") == ("A", "B", "nothing")
    assert facts["labels"] == ["A", "B", "nothing"]


def test_the_run_records_its_circumstances(finished):
    facts = finished[1]
    assert facts["config"]["seed"] == 42
    assert facts["versions"]["keras"].startswith("3.")
    assert facts["pictures"] == {"train": 24, "val": 12, "test": 12}
    assert facts["device"]["precision"] == "float32"
    assert facts["peak_memory_bytes"] > 50e6
    assert facts["temperature"] > 0
    assert len(facts["manifest_sha256"]) == 64


def test_tensorboard_finds_the_curves(finished):
    assert list((finished[0] / "logs").glob("events.out.tfevents.*"))


def test_a_run_in_the_way_is_left_alone_and_both_ways_on_are_named(finished, colours):
    before = (finished[0] / "model.keras").read_bytes()
    with pytest.raises(RunError, match=r"(?s)--resume.*--overwrite"):
        train(small_config(colours, finished[0]))
    assert (finished[0] / "model.keras").read_bytes() == before


def test_a_checkpoint_of_other_settings_is_refused(finished, colours):
    with pytest.raises(RunError, match="other settings"):
        train(small_config(colours, finished[0], resume=True, seed=7))


def test_where_the_run_lies_does_not_decide_its_course(colours, tmp_path):
    from fingerspell.dataset.manifest import read_manifest

    manifest = read_manifest(colours)
    one = small_config(colours, tmp_path / "one")
    assert fingerprint(one, manifest) == fingerprint(
        dataclasses.replace(one, output_dir=tmp_path / "two", resume=True), manifest
    )
    assert fingerprint(one, manifest) != fingerprint(dataclasses.replace(one, seed=1), manifest)


def test_a_batch_larger_than_the_smallest_class_is_refused(colours, tmp_path):
    with pytest.raises(ConfigError, match="only 8 training pictures"):
        train(small_config(colours, tmp_path / "output", batch_size=9))
    assert not (tmp_path / "output").exists()


def test_a_missing_data_set_writes_nothing(tmp_path):
    with pytest.raises(DataError, match="no folder"):
        train(small_config(tmp_path / "absent", tmp_path / "output"))
    assert not (tmp_path / "output").exists()


@pytest.fixture
def altered(tmp_path):
    """A data set with hashes, one picture of which was changed afterwards."""
    folder = with_hashes(write_colours(tmp_path / "dataset"))
    picture = folder / "val" / "A" / "0.jpg"
    picture.write_bytes((folder / "val" / "B" / "0.jpg").read_bytes())
    return folder


def test_a_changed_picture_stops_the_run_before_anything_is_written(altered, tmp_path):
    with pytest.raises(DataError, match=r"1 of 48 pictures .*val/A/0\.jpg"):
        train(small_config(altered, tmp_path / "output"))
    assert not (tmp_path / "output").exists()


def test_who_trusts_the_pictures_trains_all_the_same_and_the_run_says_so(altered, tmp_path):
    config = small_config(altered, tmp_path / "output", phases=(HEAD,), trust=True)
    assert train(config)["manifest_checked"] is False


def test_a_run_says_that_its_pictures_were_checked(tmp_path):
    folder = with_hashes(write_colours(tmp_path / "dataset"))
    assert train(small_config(folder, tmp_path / "output", phases=(HEAD,)))["manifest_checked"]


def test_nothing_was_checked_where_there_are_no_hashes(finished):
    assert finished[1]["manifest_checked"] is False


def test_a_users_pictures_are_never_touched_though_the_data_set_is_linked_to_them(tmp_path):
    """Linked files share their bytes: writing into the data set would write into the input."""
    hands, goal = alphabet(tmp_path / "hands"), tmp_path / "dataset"
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in hands.rglob("*.jpg")}
    prepare(PrepareConfig(input_dirs=(hands,), output_dir=goal))
    assert all(path.stat().st_nlink > 1 for path in before), "nothing is linked here"
    train(small_config(goal, tmp_path / "output", phases=(HEAD,)))
    prepare(PrepareConfig(input_dirs=(hands,), output_dir=goal, seed=1, overwrite=True))
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in hands.rglob("*.jpg")} == before


def test_trust_does_not_decide_a_runs_course(colours, tmp_path):
    from fingerspell.dataset.manifest import read_manifest

    one = small_config(colours, tmp_path)
    trusting = dataclasses.replace(one, trust=True)
    manifest = read_manifest(colours)
    assert fingerprint(one, manifest) == fingerprint(trusting, manifest)


def test_unknown_weights_write_nothing(colours, tmp_path):
    model = dataclasses.replace(SMALL, weights=str(tmp_path / "absent.h5"))
    with pytest.raises(ModelError, match="no such file"):
        train(small_config(colours, tmp_path / "output", model=model))
    assert not (tmp_path / "output").exists()


def test_an_unknown_layer_is_told_before_the_first_phase(colours, tmp_path):
    wrong = dataclasses.replace(FINETUNE, unfrozen_from="block_99")
    config = small_config(colours, tmp_path / "output", phases=(HEAD, wrong))
    with pytest.raises(ConfigError, match="block_99"):
        train(config)
    assert not (tmp_path / "output").exists()


def test_rare_classes_decide_the_largest_batch(tmp_path):
    from fingerspell.dataset.manifest import read_manifest

    folder = write_colours(tmp_path / "dataset")
    for number in range(5):
        (folder / "train" / "B" / f"{number}.jpg").unlink()
    with pytest.raises(ConfigError, match="'B' has only 3"):
        check_batch(32, read_manifest(folder))


def test_the_guides_fifty_epochs_are_fifteen_and_thirty_five():
    assert [phase.epochs for phase in two_phases(50)] == [15, 35]
    assert [phase.epochs for phase in two_phases(1)] == [0, 1]


def test_pretrained_statistics_are_kept_and_random_ones_trained():
    assert two_phases(9)[1].batchnorm_momentum is None
    fresh = two_phases(9, pretrained=False)
    assert [phase.epochs for phase in fresh] == [0, 9]
    assert fresh[1].batchnorm_momentum == 0.95


def test_a_faster_second_phase_is_refused(colours, tmp_path):
    fast = dataclasses.replace(FINETUNE, learning_rate=HEAD.learning_rate)
    with pytest.raises(ConfigError, match="is not below head"):
        small_config(colours, tmp_path, phases=(HEAD, fast))
