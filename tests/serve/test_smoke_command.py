"""The smoke test: exit code 0 only if every class folder's sample is answered."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fingerspell.images import encode_jpeg
from fingerspell.runtime import MockRecogniser
from fingerspell.serve import smoke
from fingerspell.serve.smoke import folder_samples
from helpers.command import command
from helpers.endings import picture as one_picture
from helpers.tiny_bundle import COLOURS, LABELS, picture, tiny_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / "bundle")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "dataset"
    for split in ("train", "val", "test"):
        for label in LABELS:
            put(folder / split / label / "1.jpg", label)
    return folder


def put(path: Path, label: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_jpeg(picture(label)))


def test_every_class_is_answered_over_http(bundle: Path, dataset: Path, capsys):
    assert command("smoke", "--bundle", bundle, "--dataset_dir", dataset) == 0
    out = capsys.readouterr().out
    assert "6 of 6 classes answered over HTTP, 6 of them read right" in out
    assert out.splitlines()[1].split()[:2] == ["A", "A"]
    assert "smoke test passed" in out and "warning" not in out
    assert command("smoke", "--bundle", bundle, "--samples", dataset / "train") == 0
    assert "6 of 6" in capsys.readouterr().out


def test_a_class_that_the_test_split_lacks_is_taken_from_another(dataset: Path):
    shutil.rmtree(dataset / "test" / "A")
    (dataset / "test" / "B" / "1.jpg").unlink()
    names = {sample.label: Path(sample.name).parts[-3] for sample in folder_samples(dataset)}
    assert (names["A"], names["B"], names["C"]) == ("val", "val", "test")


def test_a_wrong_answer_is_shown_and_warned_of_but_is_no_failure(
    bundle: Path, dataset: Path, capsys
):
    put(dataset / "test" / "A" / "1.jpg", "B")
    assert command("smoke", "--bundle", bundle, "--dataset_dir", dataset) == 0
    out = capsys.readouterr().out
    assert "5 of them read right" in out and "warning" in out
    label, answer, score, _, verdict = out.splitlines()[1].split()
    assert (label, answer, score, verdict) == ("A", "B", "100.0%", "wrong")


@pytest.mark.parametrize(
    ("spoil", "code", "said"),
    [
        (lambda data: (data / "test/A/1.jpg").write_bytes(b"no"), 1, "FAILED     HTTP 415"),
        (lambda data: (data / "test/A/1.jpg").write_bytes(b"no"), 1, "smoke test FAILED"),
        (lambda data: (data / "test/extra").mkdir(), 1, "no picture in"),
        (lambda data: [shutil.rmtree(x) for x in data.glob("*/C")], 0, "warning: no samples of C"),
    ],
)
def test_a_sample_that_cannot_be_read_or_is_missing_is_told(
    bundle: Path, dataset: Path, capsys, spoil, code: int, said: str
):
    spoil(dataset)
    assert command("smoke", "--bundle", bundle, "--dataset_dir", dataset) == code
    assert said in capsys.readouterr().out


def test_the_stand_in_needs_neither_model_nor_pictures_but_takes_what_is_there(
    tmp_path: Path, request, capsys, monkeypatch
):
    monkeypatch.setenv("USE_MOCK_MODEL", "1")
    monkeypatch.chdir(tmp_path)
    assert command("smoke") == 0
    assert "29 of 29 classes answered over HTTP, 29 of them read right" in capsys.readouterr().out
    request.getfixturevalue("dataset")
    assert command("smoke") == 0
    assert "6 of 6 classes answered" in capsys.readouterr().out


def test_without_a_model_or_pictures_it_says_what_to_do(
    bundle: Path, tmp_path: Path, capsys, monkeypatch
):
    monkeypatch.delenv("USE_MOCK_MODEL", raising=False)
    monkeypatch.chdir(tmp_path)
    assert command("smoke") == 2
    assert "USE_MOCK_MODEL=1" in capsys.readouterr().err
    assert command("smoke", "--bundle", bundle, "--dataset_dir", tmp_path / "none") == 2
    assert "prepare_dataset.py" in capsys.readouterr().err


def test_a_server_that_breaks_fails_the_smoke_test():
    class Broken(MockRecogniser):
        def recognise(self, rgb):
            raise RuntimeError("broken")

    samples = [smoke._Sample("A", "a", encode_jpeg(picture("A")))]
    (row,) = smoke.try_all(Broken(), samples)
    assert row.fault.startswith("HTTP 500")


@pytest.mark.parametrize(
    "change",
    [
        {"predicted_label": "B"},
        {"predictions": []},
        {"predictions": [{"label": "?", "score": 0.9}]},
        {"accepted": False},
        {"top_prediction": None},
        {"threshold": "high"},
    ],
)
def test_an_answer_that_contradicts_itself_is_a_fault(change: dict[str, object]):
    top = {"label": "A", "score": 0.9}
    good = {
        "predictions": [top, {"label": "B", "score": 0.1}],
        "top_prediction": top,
        "predicted_label": "A",
        "accepted": True,
        "threshold": 0.7,
    }
    assert smoke._fault(200, good, "AB") == ""
    assert smoke._fault(200, {**good, **change}, "AB") != ""


@pytest.mark.parametrize("name", ["1.avif", "1.heic", "1.jfif"])
def test_a_sample_of_any_picture_format_is_answered(bundle: Path, dataset: Path, capsys, name: str):
    sample = dataset / "test" / "A" / "1.jpg"
    sample.with_name(name).write_bytes(one_picture(Path(name).suffix, COLOURS["A"]))
    sample.rename(sample.with_name("._1.jpg"))
    (dataset / "test" / ".cache").mkdir()
    assert command("smoke", "--bundle", bundle, "--dataset_dir", dataset) == 0
    assert "6 of 6 classes answered over HTTP, 6 of them read right" in capsys.readouterr().out
    assert Path(folder_samples(dataset)[0].name).name == name
