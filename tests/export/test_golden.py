"""The golden set: varied pictures, what they become, and what each file answers."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from fingerspell import images
from fingerspell.errors import BundleError
from fingerspell.export import golden
from fingerspell.runtime import Recogniser
from helpers.exports import LABELS, SIZE_PX


def test_64_pictures_of_every_kind_are_small_and_the_same_each_time():
    made = golden.pictures()
    assert len(made) == 64
    assert golden.pictures.__wrapped__() == made
    assert sum(map(len, made.values())) < 600_000
    opened = {name: Image.open(io.BytesIO(content)) for name, content in made.items()}
    assert {x.format for x in opened.values()} == {"PNG", "JPEG"}
    assert {x.getexif().get(0x0112, 1) for x in opened.values()} == set(range(1, 9))
    shapes = [(x.width, x.height) for x in opened.values()]
    assert (1, 1) in shapes and max(map(max, shapes)) > 600
    assert min(w / h for w, h in shapes) < 0.25 and max(w / h for w, h in shapes) > 4
    assert sum(w % 2 or h % 2 for w, h in shapes) > 32


def test_a_png_keeps_its_colours_and_an_exif_turned_picture_comes_out_upright():
    """Orientation 6 says: turn by 90 degrees clockwise."""
    rgb = np.zeros((32, 64, 3), np.uint8)
    rgb[:, :32] = 255, 250, 240
    np.testing.assert_array_equal(images.decode(images.encode.encode_png(rgb)), rgb)
    turned = images.decode(images.encode.with_orientation(images.encode_jpeg(rgb), 6))
    assert turned.shape == (64, 32, 3)
    assert turned[:24].min() > 200 and turned[40:].max() < 50


def test_the_answers_are_those_of_each_file_and_the_inputs_those_of_the_runtime(exported):
    known = golden.read(exported.folder, SIZE_PX, len(LABELS))
    batch = golden.tensors([one.content for one in known], SIZE_PX)
    assert golden.require_same_input(known, batch) == 0
    for precision in ("float32", "fp16", "int8"):
        answers = Recogniser.load(exported.folder, precision=precision).probabilities(batch)
        written = np.stack([one.probabilities[precision] for one in known])
        np.testing.assert_allclose(answers, written, atol=1e-6)
    assert len({int(one.probabilities["float32"].argmax()) for one in known}) > 1
    folder = exported.folder / "golden"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_000_000


@pytest.mark.parametrize(
    ("spoil", "off"),
    [(lambda x: x[..., ::-1], True), (lambda x: x / 255, True), (lambda x: x + 1e-7, False)],
    ids=["swapped colours", "scaled twice", "last bits"],
)
def test_another_input_is_refused_and_other_last_bits_are_counted(exported, spoil, off):
    known = golden.read(exported.folder, SIZE_PX, len(LABELS))[:3]
    batch = spoil(golden.tensors([one.content for one in known], SIZE_PX)).astype(np.float32)
    if off:
        with pytest.raises(BundleError, match=r"golden/A_whole\.jpg comes out as another picture"):
            golden.require_same_input(known, batch)
    else:
        assert golden.require_same_input(known, batch) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "format 2; newer"),
        ({"size_px": [64, 32]}, "pictures for"),
        ({"pictures": [{}]}, "file"),
    ],
)
def test_another_golden_json_is_refused_with_its_reason(exported, tmp_path, change, said):
    body = json.loads((exported.folder / "golden" / "golden.json").read_text(encoding="utf-8"))
    (tmp_path / "golden").mkdir()
    (tmp_path / "golden" / "golden.json").write_text(json.dumps({**body, **change}))
    with pytest.raises(BundleError, match=said):
        golden.read(tmp_path, SIZE_PX, len(LABELS))
