"""Fingerspell as a library: `from fingerspell import Recogniser`, with every kind of picture."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fingerspell
from fingerspell import Answer, Recogniser
from fingerspell.errors import ExportError, PictureError
from fingerspell.images import encode_jpeg
from fingerspell.runtime import STARTER, MockRecogniser, Predictor
from fingerspell.runtime.contract import FILE_NAME, read_contract
from fingerspell.synth import draw
from helpers.tiny_bundle import picture

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(params=["recogniser", "mock"])
def predictor(request: pytest.FixtureRequest, recogniser: Recogniser) -> Predictor:
    return recogniser if request.param == "recogniser" else MockRecogniser()


@pytest.mark.parametrize("page", ["README.md", "docs/guide.md"])
def test_the_python_code_of_a_page_runs_as_it_stands_there(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    hand = draw("B", 2, (200, 200)).rgb
    Path("hand.jpg").write_bytes(encode_jpeg(hand))
    blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    using = [code for code in blocks if "from fingerspell import" in code]
    assert using
    for code in using:
        names: dict[str, object] = {}
        exec(compile(code, page, "exec"), names)
        assert isinstance(names["answer"], Answer) and names["answer"].label == "B"
    assert "B" in capsys.readouterr().out


def test_without_a_folder_the_released_recogniser_is_loaded():
    released = Recogniser.load()
    assert released.contract == read_contract(STARTER) == Recogniser.load(str(STARTER)).contract
    hand = draw("L", 3, (200, 200)).rgb
    assert released.recognise(hand).label == "L"


def test_a_path_bytes_and_pixels_get_the_same_answer(predictor: Predictor, tmp_path: Path):
    data = encode_jpeg(picture("C", (60, 80)))
    path = tmp_path / "hand.jpg"
    path.write_bytes(data)
    rgb = fingerspell.images.decode(data)
    answers = [predictor.recognise(kind) for kind in (path, str(path), data, bytearray(data), rgb)]
    for answer in answers[1:]:
        assert answer.label == answers[0].label
        np.testing.assert_array_equal(answer.probabilities, answers[0].probabilities)


def test_a_file_is_turned_upright_before_it_is_read(recogniser: Recogniser, tmp_path: Path):
    from PIL import Image

    rgb = np.concatenate([picture("A", (40, 80)), picture("B", (40, 80))])  # red above green
    upright, turned = tmp_path / "upright.png", tmp_path / "turned.png"
    Image.fromarray(rgb).save(upright)
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying, to be turned a quarter clockwise
    Image.fromarray(np.ascontiguousarray(np.rot90(rgb))).save(turned, exif=exif)
    np.testing.assert_array_equal(
        recogniser.recognise(turned).probabilities, recogniser.recognise(upright).probabilities
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "hand"), (b"<html></html>", r"hand\.jpg.*HTML"), (b"\xff\xd8\xff", r"hand\.jpg")],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_a_file_that_is_missing_or_no_picture_is_named(predictor, tmp_path, kind, content, said):
    path = tmp_path / "hand.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PictureError, match=said) as caught:
        predictor.recognise(kind(path))
    assert caught.value.fix


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.zeros((10, 10, 3), np.float32), "float32"),
        (np.zeros((10, 10, 3), np.int64), "int64"),
        (np.zeros((10, 10), np.uint8), r"\(10, 10\)"),
        (np.zeros((10, 10, 4), np.uint8), r"\(10, 10, 4\)"),
        (np.zeros((0, 10, 3), np.uint8), r"\(0, 10, 3\)"),
        ([[0]], "list"),
        (None, "NoneType"),
        (b"\xff\xd8\xff", "damaged|no picture"),
    ],
)
def test_bytes_or_an_array_that_are_no_picture_are_refused(predictor: Predictor, array, found: str):
    with pytest.raises(PictureError, match=found):
        predictor.recognise(array)


IMPORTED = """
heavy = {"numpy", "cv2", "PIL", "ai_edge_litert"}
import fingerspell
assert not heavy & set(sys.modules), heavy & set(sys.modules)
assert fingerspell.Recogniser.__name__ == "Recogniser"
assert "numpy" in sys.modules
"""
RECOGNISED = """
import numpy as np
from fingerspell.runtime import Recogniser, MockRecogniser
import fingerspell.live, fingerspell.serve.app, fingerspell.serve.smoke
import fingerspell.cli.predict, fingerspell.cli.serve
recogniser = Recogniser.load(sys.argv[1])
assert recogniser.recognise(np.zeros((9, 9, 3), np.uint8)).label == "nothing"
heavy = {"tensorflow", "keras", "torch", "matplotlib", "grain"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


@pytest.mark.parametrize("program", [IMPORTED, RECOGNISED], ids=["imported", "recognised"])
def test_only_what_is_needed_is_loaded(bundle: Path, program: str):
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}", str(bundle)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_the_package_has_no_other_names():
    assert set(fingerspell.__all__) == {"Answer", "Recogniser", "__version__"}
    with pytest.raises(AttributeError, match="no attribute 'Recognizer'"):
        fingerspell.Recognizer  # noqa: B018


def test_a_bundle_with_older_words_answers_but_is_not_released(bundle: Path, tmp_path: Path):
    from fingerspell.export.release import release

    body = json.loads((bundle / FILE_NAME).read_text(encoding="utf-8"))
    body["origin"] = {"looks": "closer", "rejection": {"threshold": 0.7, "outsiders": 100}}
    (bundle / FILE_NAME).write_text(json.dumps(body), encoding="utf-8")
    assert Recogniser.load(bundle).recognise(picture("B")).label == "B"
    with pytest.raises(ExportError, match=r"origin\.looks") as caught:
        release(bundle, tmp_path / "target", np.zeros((1, 48, 40, 3), np.float32))
    assert "fingerspell export" in caught.value.fix
    assert not (tmp_path / "target").exists()
