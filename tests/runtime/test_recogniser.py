"""A bundle folder made ready to read pictures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import fingerspell
from fingerspell.errors import BundleError, PictureError
from fingerspell.images import fit
from fingerspell.runtime import MODEL_FILES, Recogniser
from fingerspell.runtime.contract import FILE_NAME
from helpers.tiny_bundle import COLOURS, LABELS, SIZE_PX, picture, tiny_bundle

SOURCE = Path(fingerspell.__file__).parents[1]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / "bundle")


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory: pytest.TempPathFactory) -> Recogniser:
    return Recogniser.load(tiny_bundle(tmp_path_factory.mktemp("bundle")))


def rewrite(bundle: Path, **changes: object) -> None:
    path = bundle / FILE_NAME
    body = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**body, **changes}), encoding="utf-8")


def colours(count: int, seed: int = 0) -> np.ndarray:
    """Random plain colours as a batch: most are unsure, so no two rows are equal."""
    rng = np.random.default_rng(seed)
    return np.broadcast_to(rng.random((count, 1, 1, 3), np.float32), (count, *SIZE_PX, 3)).copy()


@pytest.mark.parametrize("precision", list(MODEL_FILES))
@pytest.mark.parametrize("label", LABELS)
def test_every_precision_reads_every_label(bundle: Path, precision: str, label: str):
    answer = Recogniser.load(bundle, precision=precision).recognise(picture(label))
    assert (answer.label, answer.accepted) == (label, True)
    assert answer.confidence > 0.9


def test_it_says_what_the_contract_says(recogniser: Recogniser):
    assert recogniser.labels == LABELS
    assert recogniser.size_px == SIZE_PX
    assert recogniser.threshold == 0.7
    assert recogniser.name == "TinyColours float32"
    assert recogniser.mock is False


def test_probabilities_are_float32_in_label_order_and_add_up_to_one(recogniser: Recogniser):
    batch = np.stack([fit(picture(label), SIZE_PX) for label in LABELS])
    rows = recogniser.probabilities(batch)
    assert rows.dtype == np.float32 and rows.shape == (6, 6)
    assert rows.argmax(axis=1).tolist() == list(range(6))
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-5)


def test_the_network_gets_red_green_blue_from_zero_to_one(recogniser: Recogniser):
    prototypes = np.array(list(COLOURS.values())) / 255
    colour = np.array([0.5, 0.3, 0.2])
    scores = -40 * ((colour - prototypes) ** 2).sum(axis=1)
    expected = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    batch = np.broadcast_to(colour.astype(np.float32), (1, *SIZE_PX, 3))
    np.testing.assert_allclose(recogniser.probabilities(batch)[0], expected, atol=1e-5)


def test_a_batch_gives_what_its_pictures_give_alone(recogniser: Recogniser):
    batch = colours(17)
    alone = np.concatenate([recogniser.probabilities(batch[i : i + 1]) for i in range(17)])
    np.testing.assert_array_equal(recogniser.probabilities(batch), alone)


def test_an_empty_batch_gives_no_rows(recogniser: Recogniser):
    assert recogniser.probabilities(np.empty((0, *SIZE_PX, 3), np.float32)).shape == (0, 6)


def test_a_batch_that_is_not_contiguous_is_read_right(recogniser: Recogniser):
    batch = colours(4)
    swapped = np.ascontiguousarray(batch[..., ::-1])[..., ::-1]
    np.testing.assert_array_equal(
        recogniser.probabilities(swapped), recogniser.probabilities(batch)
    )


def test_eight_threads_get_the_answers_that_one_gets(recogniser: Recogniser):
    batches = [colours(5, seed) for seed in range(64)]
    expected = [recogniser.probabilities(batch) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            for got, want in zip(
                pool.map(recogniser.probabilities, batches), expected, strict=True
            ):
                np.testing.assert_array_equal(got, want)


def test_a_picture_of_any_shape_is_padded_not_squeezed(recogniser: Recogniser):
    # A strip of red across a black square: squeezed it would be pure red.
    strip = picture("A", (10, 200))
    assert recogniser.recognise(strip).label == "nothing"


def test_an_answer_below_the_threshold_is_not_accepted(recogniser: Recogniser):
    between = ((np.array(COLOURS["A"]) + np.array(COLOURS["B"])) / 2).astype(np.uint8)
    answer = recogniser.recognise(np.broadcast_to(between, (*SIZE_PX, 3)).copy())
    assert answer.confidence < 0.7
    assert answer.accepted is False


def test_the_likeliest_labels_come_best_first(recogniser: Recogniser):
    top = recogniser.recognise(picture("C")).top(3)
    assert len(top) == 3 and top[0][0] == "C"
    assert [p for _, p in top] == sorted((p for _, p in top), reverse=True)
    assert len(recogniser.recognise(picture("C")).top(99)) == 6


@pytest.mark.parametrize(
    ("batch", "found"),
    [
        (np.zeros((1, *SIZE_PX, 3), np.uint8), "uint8"),
        (np.zeros((1, *SIZE_PX, 3), np.float64), "float64"),
        (np.zeros((*SIZE_PX, 3), np.float32), r"\(48, 40, 3\)"),
        (np.zeros((1, *SIZE_PX[::-1], 3), np.float32), r"\(1, 40, 48, 3\)"),
        (np.zeros((1, *SIZE_PX, 1), np.float32), r"\(1, 48, 40, 1\)"),
        (np.full((1, *SIZE_PX, 3), 255, np.float32), "to 255"),
        (np.full((1, *SIZE_PX, 3), -1, np.float32), "from -1"),
        (np.full((1, *SIZE_PX, 3), np.nan, np.float32), "nan"),
        ([[0.0]], "list"),
    ],
)
def test_arrays_that_no_picture_makes_are_refused(recogniser: Recogniser, batch, found: str):
    with pytest.raises(PictureError, match=found):
        recogniser.probabilities(batch)


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((0, 10, 3), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        [[0]],
        None,
    ],
)
def test_anything_but_a_picture_is_refused(recogniser: Recogniser, rgb):
    with pytest.raises(PictureError, match="decode"):
        recogniser.recognise(rgb)


def test_a_folder_without_a_contract_is_refused(tmp_path: Path):
    with pytest.raises(BundleError, match=r"no recogniser\.json"):
        Recogniser.load(tmp_path)


def test_a_contract_that_is_not_json_is_refused(bundle: Path):
    (bundle / FILE_NAME).write_text("{", encoding="utf-8")
    with pytest.raises(BundleError, match="cannot be read"):
        Recogniser.load(bundle)


def test_an_unknown_precision_is_refused(bundle: Path):
    with pytest.raises(BundleError, match="float32, fp16, int8"):
        Recogniser.load(bundle, precision="float64")


def test_a_missing_model_is_refused(bundle: Path):
    (bundle / "model_int8.tflite").unlink()
    with pytest.raises(BundleError, match=r"no model_int8\.tflite"):
        Recogniser.load(bundle, precision="int8")


def test_a_model_changed_by_one_bit_is_refused(bundle: Path):
    path = bundle / "model.tflite"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(BundleError, match="SHA-256"):
        Recogniser.load(bundle)


def test_a_model_that_the_contract_does_not_list_is_refused(bundle: Path):
    rewrite(bundle, files={})
    with pytest.raises(BundleError, match="lists"):
        Recogniser.load(bundle)


def test_bytes_that_are_no_model_are_refused(bundle: Path):
    import hashlib

    junk = b"not a flatbuffer" * 100
    (bundle / "model.tflite").write_bytes(junk)
    rewrite(bundle, files={"model.tflite": hashlib.sha256(junk).hexdigest()})
    with pytest.raises(BundleError, match="does not load"):
        Recogniser.load(bundle)


def test_a_label_too_few_is_refused(bundle: Path):
    rewrite(bundle, labels=list(LABELS[:-1]))
    with pytest.raises(BundleError, match="6 outputs"):
        Recogniser.load(bundle)


def test_height_and_width_the_wrong_way_round_are_refused(bundle: Path):
    rewrite(bundle, height_px=SIZE_PX[1], width_px=SIZE_PX[0])
    with pytest.raises(BundleError, match=r"\(1, 40, 48, 3\)"):
        Recogniser.load(bundle)


def test_neither_tensorflow_nor_keras_is_loaded(bundle: Path):
    program = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from fingerspell.runtime import Recogniser, MockRecogniser\n"
        "import fingerspell.live, fingerspell.serve.app, fingerspell.cli.predict\n"
        "import fingerspell.cli.serve, fingerspell.serve.smoke\n"
        "r = Recogniser.load(Path(sys.argv[1]))\n"
        "assert r.recognise(np.zeros((9, 9, 3), np.uint8)).label == 'nothing'\n"
        "heavy = {'tensorflow', 'keras', 'torch', 'matplotlib', 'grain'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(bundle)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    assert done.returncode == 0, done.stderr
