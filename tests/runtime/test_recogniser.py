"""A bundle folder made ready to read pictures."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from fingerspell.errors import BundleError, PictureError
from fingerspell.images import fit
from fingerspell.runtime import MODEL_FILES, Recogniser
from fingerspell.runtime.answer import only
from fingerspell.runtime.contract import FILE_NAME, Contract
from fingerspell.synth import draw
from helpers.tiny_bundle import COLOURS, LABELS, SIZE_PX, picture


def colours(count: int, seed: int = 0) -> np.ndarray:
    """Random plain colours as a batch: most are unsure, so no two rows are equal."""
    rng = np.random.default_rng(seed)
    return np.broadcast_to(rng.random((count, 1, 1, 3), np.float32), (count, *SIZE_PX, 3)).copy()


@pytest.mark.parametrize("precision", MODEL_FILES)
def test_every_precision_reads_every_label(bundle: Path, precision: str):
    predictor = Recogniser.load(bundle, precision=precision)
    answers = [predictor.recognise(picture(label)) for label in LABELS]
    assert [(answer.label, answer.accepted) for answer in answers] == [(x, True) for x in LABELS]
    assert min(answer.confidence for answer in answers) > 0.9


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


def test_a_batch_gives_what_its_pictures_give_alone_contiguous_or_not(recogniser: Recogniser):
    batch = colours(17)
    alone = np.concatenate([recogniser.probabilities(batch[i : i + 1]) for i in range(17)])
    np.testing.assert_array_equal(recogniser.probabilities(batch), alone)
    assert recogniser.probabilities(np.empty((0, *SIZE_PX, 3), np.float32)).shape == (0, 6)
    swapped = np.ascontiguousarray(batch[..., ::-1])[..., ::-1]
    np.testing.assert_array_equal(recogniser.probabilities(swapped), alone)


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


def test_a_single_view_is_watched_without_a_square(recogniser: Recogniser):
    strip = picture("A", (10, 200))
    answer, square = recogniser.watch(strip)
    expected = recogniser.recognise(strip).probabilities
    np.testing.assert_array_equal(answer.probabilities, expected)
    assert square is None


@pytest.mark.parametrize(("top", "left"), [(0, 0), (40, 100), (120, 60)])
def test_the_released_recogniser_says_where_it_saw_the_hand(top: int, left: int):
    small = cv2.resize(draw("B", 2, (80, 80)).rgb, (80, 80))
    rgb = np.full((200, 200, 3), 128, np.uint8)
    rgb[top : top + 80, left : left + 80] = small
    released = Recogniser.load()
    answer, (x, y, side) = released.watch(rgb)
    np.testing.assert_array_equal(
        answer.probabilities, released.probabilities(fit(rgb, released.size_px)[None])[0]
    )
    assert 0.1 < side < 0.5
    assert max(abs(x * 200 - left - 40), abs(y * 200 - top - 40)) <= 30


def test_the_likeliest_labels_come_best_first(recogniser: Recogniser):
    answer = recogniser.recognise(picture("C"))
    top = answer.top(99)
    assert top[0] == ("C", pytest.approx(answer.confidence)) and answer.top(3) == top[:3]
    assert len(top) == 6
    assert [p for _, p in top] == sorted((p for _, p in top), reverse=True)


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


JUNK = b"not a flatbuffer" * 100


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": list(LABELS[:-1])}, "6 outputs"),
        ({"height_px": SIZE_PX[1], "width_px": SIZE_PX[0]}, r"\(1, 40, 48, 3\)"),
        ({"files": {"model.tflite": hashlib.sha256(JUNK).hexdigest()}}, "does not load"),
    ],
)
def test_a_contract_and_a_model_that_do_not_fit_together_are_refused(bundle: Path, changes, said):
    if "files" in changes:
        (bundle / "model.tflite").write_bytes(JUNK)
    body = json.loads((bundle / FILE_NAME).read_text(encoding="utf-8"))
    (bundle / FILE_NAME).write_text(json.dumps({**body, **changes}), encoding="utf-8")
    with pytest.raises(BundleError, match=said):
        Recogniser.load(bundle)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("labels", "AB"), ("labels", []), ("labels", ["A", "A"]), ("labels", ["A", 1]),
        ("height_px", "8"), ("width_px", 0), ("threshold", 7), ("threshold", None),
        ("threshold", float("nan")), ("temperature", 0), ("files", []),
    ],
)  # fmt: skip
def test_a_contract_that_no_export_writes_is_refused_and_the_key_named(key, value):
    body = json.loads(Contract(labels=("A", "B"), height_px=8, width_px=8, threshold=0.5).to_json())
    assert Contract.from_json(json.dumps(body)).labels == ("A", "B")
    with pytest.raises(BundleError, match=f"no usable {key}\\)"):
        Contract.from_json(json.dumps({**body, key: value}))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_contract_in_another_encoding_is_refused(bundle, encoding):
    text = (bundle / FILE_NAME).read_text(encoding="utf-8")
    (bundle / FILE_NAME).write_text(text, encoding=encoding)
    with pytest.raises(BundleError, match="cannot be read"):
        Recogniser.load(bundle)


def test_a_bundle_of_before_whose_contract_names_no_runtimes_loads(bundle):
    body = json.loads((bundle / FILE_NAME).read_text(encoding="utf-8"))
    del body["least_runtime"]
    (bundle / FILE_NAME).write_text(json.dumps(body), encoding="utf-8")
    assert Recogniser.load(bundle).contract.least_runtime == {}


def test_one_bit_changed_a_broken_contract_or_none_and_an_unknown_precision_are_refused(bundle):
    data = bytearray((bundle / "model.tflite").read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / "model.tflite").write_bytes(data)
    with pytest.raises(BundleError, match="SHA-256"):
        Recogniser.load(bundle)
    with pytest.raises(BundleError, match="float32, fp16, int8"):
        Recogniser.load(bundle, precision="float64")
    (bundle / FILE_NAME).write_text("{", encoding="utf-8")
    with pytest.raises(BundleError, match="cannot be read"):
        Recogniser.load(bundle)
    (bundle / FILE_NAME).unlink()
    with pytest.raises(BundleError, match=r"no recogniser\.json"):
        Recogniser.load(bundle)


def test_only_allowed_labels_are_answered_and_their_probabilities_add_up(bundle: Path):
    every, rows = Recogniser.load(bundle), colours(20)
    some = Recogniser.load(bundle, labels=[*LABELS[:2], LABELS[3]])
    assert some.labels == every.labels and some.allowed == (*LABELS[:2], LABELS[3])
    kept = every.probabilities(rows) * [1, 1, 0, 1, 0, 0]
    expected = kept / kept.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(some.probabilities(rows), expected, rtol=1e-6)
    answer = some.recognise(picture(LABELS[2]))
    assert answer.label in some.allowed and {x for x, _ in answer.top(9)} <= set(some.allowed)
    assert some.recognise(picture(LABELS[2]), labels=LABELS[2]).confidence == 1
    again = every.recognise(picture(LABELS[2]), labels=some.allowed)
    np.testing.assert_array_equal(again.probabilities, answer.probabilities)


def test_allowed_labels_without_any_probability_share_it():
    rows = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0]], np.float32)
    allowed = only(rows, ("A", "B", "C", "D"), ("B", "C"))
    np.testing.assert_array_equal(allowed, np.array([[0, 0.5, 0.5, 0], [0, 1, 0, 0]], np.float32))
