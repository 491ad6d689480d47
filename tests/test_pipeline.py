"""The main road from door to door, small: one run, exported, proven and evaluated."""

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from fingerspell import pipeline
from fingerspell.cli.main import main
from fingerspell.dataset.manifest import read_manifest
from fingerspell.errors import DataError
from fingerspell.export.parity import LEAST_PICTURES
from fingerspell.labels import read_labels
from fingerspell.runtime import Recogniser
from fingerspell.train.run_folder import FILES
from helpers.small_run import FINETUNE, small_config, with_hashes, write_colours

BUNDLE = {
    "saved_model", "trained_model_graph.pb", "model.tflite", "model_fp16.tflite",
    "model_int8.tflite", "model_features_fp16.tflite", "model.onnx", "golden", "parity.json",
    "training_set_labels.txt", "recogniser.json", "model_card.md",
}  # fmt: skip

pytestmark = pytest.mark.usefixtures("tiny_network_with_grid")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A prepared data set with a held-out source that is called like the unseen signers' folder.

    It is small: 168 pictures to train, validate and test on.
    """
    folder = tmp_path_factory.mktemp("road")
    write_colours(folder / "other", pictures=(1, 1, 2), seed=2)
    held_out = (folder / "other" / "test").rename(folder / "dev_colours")
    return with_hashes(write_colours(folder / "dataset", pictures=(40, 8, 8)), held_out)


@pytest.fixture(scope="module")
def unseen_signers(tmp_path_factory):
    """Twelve pictures of others, one that is broken, and what a Mac lays beside a picture."""
    folder = tmp_path_factory.mktemp("road") / "others"
    write_colours(folder / "split", pictures=(1, 1, 4), seed=1)
    (folder / "split" / "test" / "A" / "broken.jpg").write_bytes(b"no picture")
    (folder / "split" / "test" / "A" / "._0.jpg").write_bytes(b"no picture either")
    return (folder / "split" / "test").rename(folder / "dev_colours")


@pytest.fixture(scope="module")
def road(dataset, unseen_signers, tmp_path_factory):
    output = tmp_path_factory.mktemp("road") / "output"
    config = small_config(dataset, output, phases=(FINETUNE,))
    return output, pipeline.train_and_export(config, "fingerspell train", [unseen_signers])


def read(folder, name="run.json"):
    return json.loads((folder / name).read_text(encoding="utf-8"))


def test_every_promised_file_is_there_and_nothing_half_written(road):
    missing = [name for name in FILES if not (road[0] / name).exists()]
    assert missing == ["model_fast_fp16.tflite"], "every model has a single view"
    names = [path.name for path in road[0].rglob("*")]
    assert [x for x in names if ".writing" in x or x.startswith(".exporting")] == []


def test_the_exported_file_scores_what_the_trained_model_scores(road):
    report = read(road[0], "evaluation_report.json")
    assert (report["split"], report["pictures"]) == ("test", 24)
    assert report["tflite"]["agreement"] == 1.0
    assert report["tflite"]["test_accuracy"] == report["test_accuracy"] == road[1]["test_accuracy"]
    assert report["test_accuracy"] > 0.6, "a road that trains nothing would stay at a third"


def test_the_bundle_says_how_its_threshold_came_about_and_the_run_how_long_it_took(road):
    run, contract = read(road[0]), read(road[0], "recogniser.json")
    assert contract["origin"]["rejection"] == run["rejection"]
    assert contract["origin"]["views"] == "single"
    assert contract["threshold"] == run["rejection"]["threshold"]
    assert {"fitted", "reached", "coverage"} <= run["rejection"].keys()
    assert all(run[name] > 0 for name in ("train_s", "export_s", "evaluate_s"))


def test_held_out_sources_and_folders_are_reported_by_name_even_where_they_are_called_alike(road):
    sections = road[1]["unseen_signers"]
    assert list(sections) == ["dev_colours", "dev_colours_2"]
    held_out, folder = sections.values()
    assert (held_out["pictures"], held_out["letters_26"]["pictures"]) == (6, 4)
    assert (folder["pictures"], folder["letters_26"]["pictures"]) == (12, 8)


def test_a_broken_picture_of_a_stranger_costs_no_training_and_is_named(road, unseen_signers):
    output, report = road
    sections = report["unseen_signers"].values()
    broken = str(unseen_signers / "A" / "broken.jpg")
    assert [section["unreadable_pictures"] for section in sections] == [[], [broken]]
    told = pipeline.summary(output, report)
    assert told.count("cannot be read") == 1
    assert f"1 that cannot be read left out, first {broken}" in told


@pytest.fixture
def no_training(dataset, tmp_path):
    """Checks that a pipeline ends with some words before it writes anything."""

    def check(words, *people, folder=dataset):
        with pytest.raises(DataError, match=words):
            pipeline.train_and_export(small_config(folder, tmp_path / "output"), "", people)
        assert not (tmp_path / "output").exists()

    return check


def test_unseen_signers_who_are_not_there_or_cannot_be_read_cost_no_training(no_training, tmp_path):
    no_training("absent", tmp_path / "absent")
    (tmp_path / "people" / "A").mkdir(parents=True)
    (tmp_path / "people" / "A" / "1.jpg").write_bytes(b"no picture")
    no_training("none of the 1 pictures of people can be read", tmp_path / "people")


@pytest.mark.parametrize(
    "own", ["train/A/0.jpg", "test/A/0.jpg", "unseen_signers/dev_colours/A/0.jpg"]
)
def test_pictures_of_the_data_set_are_no_unseen_signers_and_cost_no_training(
    no_training, dataset, unseen_signers, tmp_path, capsys, own
):
    people = tmp_path / "people"
    shutil.copytree(unseen_signers, people)
    shutil.copyfile(dataset / own, people / "A" / "3.jpg")
    no_training("1 of 13 pictures of people are in the data set too", people)
    told = capsys.readouterr().out
    assert f"note: passed over in {people}: 1 file(s) that are no pictures: ._0.jpg\n" in told


def test_a_held_out_source_of_unknown_classes_only_costs_no_training(no_training, tmp_path):
    digits = tmp_path / "digits"
    digits.mkdir()
    write_colours(tmp_path / "other", pictures=(1, 1, 1))
    (tmp_path / "other" / "test" / "A").rename(digits / "7")
    folder = with_hashes(write_colours(tmp_path / "dataset"), digits)
    no_training("digits has no picture of A, B, nothing", folder=folder)


def test_a_ready_made_split_that_leaks_costs_no_training(no_training, tmp_path):
    folder = write_colours(tmp_path / "others")
    shutil.copyfile(folder / "train" / "A" / "0.jpg", folder / "test" / "A" / "copy.jpg")
    no_training("the ready-made split of others leaks: 1 groups of equal files", folder=folder)


def test_held_out_sources_stand_on_the_page_in_the_card_and_in_the_summary(road):
    output, report = road
    told = [(output / x).read_text(encoding="utf-8") for x in ("report.html", "model_card.md")]
    assert all("dev_colours_2" in text for text in told)
    assert "unseen signers dev_colours: " in pipeline.summary(output, report)
    nobody = {"accuracy": None, "pictures": 0}
    digits = {**report, "unseen_signers": {"digits": {"letters_26": nobody, "letters_24": nobody}}}
    assert "unseen signers digits: – of 26 letters" in pipeline.summary(output, digits)


def test_an_altered_test_picture_is_not_scored_unless_trusted(road, dataset, tmp_path):
    copied, output = tmp_path / "dataset", tmp_path / "output"
    shutil.copytree(dataset, copied)
    shutil.copytree(road[0], output)
    (copied / "train" / "A" / "0.jpg").write_bytes(b"not looked at here")
    assert pipeline.evaluate_run(output, copied)["pictures"] == 24
    assert read(output)["manifest_checked"] and read(output)["evaluated_pictures_checked"]
    shutil.copyfile(copied / "test" / "A" / "0.jpg", copied / "test" / "B" / "0.jpg")
    with pytest.raises(DataError, match=r"test/B/0\.jpg"):
        pipeline.evaluate_run(output, copied)
    options = ["evaluate", "--output_dir", str(output), "--dataset_dir", str(copied)]
    assert main(options) == 2
    assert main([*options, "--trust"]) == 0
    assert read(output)["evaluated_pictures_checked"] is False


def test_a_small_data_set_is_exported_and_it_is_said_on_how_many_pictures(road):
    proof = read(road[0], "parity.json")
    assert (proof["pictures"], proof["synthetic_pictures"]) == (LEAST_PICTURES, 32)
    assert {one["pictures"] for one in proof["exports"].values()} == {LEAST_PICTURES}
    card = (road[0] / "model_card.md").read_text(encoding="utf-8")
    assert "on 168 pictures of the data set and 32 synthetic ones." in card
    assert "\n`model_int8.tflite` " in card


def test_a_run_is_exported_into_a_folder_of_its_own_and_stays_as_it_is(road, tmp_path, capsys):
    run, bundle = road[0], tmp_path / "made" / "bundle"
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.name != ".lock"}
    assert main(["export", str(run), "--out", str(bundle)]) == 0
    assert before == {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.name != ".lock"}
    assert {path.name for path in bundle.iterdir()} == {
        path.name for path in run.iterdir() if path.name in BUNDLE
    }
    assert read(bundle / "golden", "golden.json") == read(run / "golden", "golden.json")
    assert main(["verify", str(bundle)]) == 0
    capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("export RUN --out PICTURES", r"pictures holds mine.txt and no recogniser.json"),
        ("export RUN --out OTHER", "other holds a run (run.json)"),
        ("export RUN --out PICTURES/mine.txt", "mine.txt is a file"),
        ("export RUN --output_dir PICTURES", "two run folders"),
        ("export RUN --released --out PICTURES/new", "--released with a run"),
        ("export --released", "without --out"),
    ],
)
def test_no_export_is_mixed_into_what_is_no_bundle(road, tmp_path, capsys, words, said):
    folders = {"RUN": road[0], "PICTURES": tmp_path / "pictures", "OTHER": tmp_path / "other"}
    for name, files in (("pictures", ("mine.txt",)), ("other", ("run.json", "recogniser.json"))):
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).touch()
    for name, folder in folders.items():
        words = words.replace(name, str(folder))
    assert main(words.split()) == 2
    assert said in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {"mine.txt"}


def test_a_data_set_that_is_gone_is_to_be_named(road, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(road[0], run)
    facts = read(run)
    facts["config"]["dataset_dir"] = str(tmp_path / "gone")
    (run / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    assert main(["export", str(run), "--out", str(tmp_path / "bundle")]) == 2
    told = capsys.readouterr().err
    assert "gone, where this run's data set was" in told and "--dataset_dir DIR" in told
    assert not (tmp_path / "bundle").exists()


def test_labels_stand_in_the_same_order_everywhere(road, dataset):
    output = road[0]
    order = read_manifest(dataset).labels
    assert read_labels(output / "training_set_labels.txt") == order
    assert Recogniser.load(output).labels == order
    with zipfile.ZipFile(output / "model.tflite") as inside:
        assert tuple(inside.read("labels.txt").decode().split()) == order


def test_another_data_set_cannot_pass_for_the_runs_own(road, tmp_path):
    other = write_colours(tmp_path / "other", pictures=(60, 9, 9))
    with pytest.raises(DataError, match="not the data set that this run was trained on"):
        pipeline.evaluate_run(road[0], other)


def test_parity_pictures_are_unseen_ones_first_and_never_more_than_there_are(dataset):
    manifest = read_manifest(dataset)
    for there, used in ((manifest, 168), (replace(manifest, samples=manifest.samples * 2), 240)):
        chosen = pipeline._parity_samples(there)
        assert len(chosen) == used
        untrained = len(there.split("test")) + len(there.split("val"))
        assert {s.split for s in chosen[:untrained]} == {"test", "val"}
    assert len(pipeline._spaced(manifest.samples, 10_000)) == len(manifest.samples)


def test_a_finished_run_is_not_trained_exported_or_evaluated(road, dataset, monkeypatch, capsys):
    for name in ("train", "launch", "export_run", "evaluate_run"):
        monkeypatch.setattr(pipeline, name, None)
    config = small_config(dataset, road[0], phases=(FINETUNE,), resume=True)
    for workers in (None, 2):
        assert pipeline.train_and_export(config, "fingerspell train", workers=workers) == {}
        said = capsys.readouterr().out
        assert f"this run is finished: its network is {road[0] / 'model.keras'}" in said


def test_what_a_finished_training_still_lacks_is_made_up_for(
    road, dataset, tmp_path, monkeypatch, capsys
):
    output = tmp_path / "output"
    shutil.copytree(road[0], output)
    facts = read(output)
    del facts["evaluate_s"]
    (output / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    done = []
    monkeypatch.setattr(pipeline, "export_run", lambda *_: done.append("exported"))
    monkeypatch.setattr(pipeline, "evaluate_run", lambda *_, **__: {"split": "test"})
    config = small_config(dataset, output, phases=(FINETUNE,), resume=True)
    assert pipeline.train_and_export(config, "fingerspell train") == {"split": "test"}
    assert done == ["exported"]
    assert "168 pictures are few to train on; `fingerspell adapt`" in capsys.readouterr().out


def test_a_second_run_into_a_folder_exits_with_2_and_says_how_to_go_on(road, dataset, capsys):
    before = (road[0] / "model.tflite").read_bytes()
    code = main(["train", "--dataset_dir", str(dataset), "--output_dir", str(road[0]),
                 "--weights", "none", "--img_size", "32", "32"])  # fmt: skip
    assert code == 2
    assert "--resume" in capsys.readouterr().err
    assert (road[0] / "model.tflite").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--img_size", "16", "16"], "at least 32 pixels"),
        (["--epochs", "0"], "at least 1 pass"),
        (["--weights", "absent.h5"], "no such file"),
        (["--backbone", "ResNet50"], "one of MobileNetV3Large"),
        (["--overwrite", "--resume"], "one of the two"),
    ],
)
def test_bad_settings_exit_with_2_and_write_nothing(dataset, tmp_path, capsys, options, words):
    output = tmp_path / "output"
    common = ["--dataset_dir", str(dataset), "--output_dir", str(output)]
    assert main(["train", *common, "--img_size", "32", "32", "--weights", "none", *options]) == 2
    assert words in capsys.readouterr().err
    assert not Path(output).exists()
