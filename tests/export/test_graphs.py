"""SavedModel and frozen graph take pixels and JPEG bytes, the latter in an old server unchanged."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from fingerspell import images
from fingerspell.export.parity import TOLERANCE
from fingerspell.runtime import Recogniser, open_model
from helpers.exports import LABELS, fitted, jpegs, tiny_recogniser

OLD_SERVER = """
import json, os, sys
import numpy as np
import tensorflow as tf
tf1 = tf.compat.v1
tf1.disable_eager_execution()
graph_def = tf1.GraphDef()
labels = [line.rstrip() for line in tf1.gfile.GFile("training_set_labels.txt")]
with tf1.gfile.FastGFile("trained_model_graph.pb", "rb") as file:
    graph_def.ParseFromString(file.read())
tf1.import_graph_def(graph_def, name="")
with open(sys.argv[1], "rb") as file:
    jpeg = file.read()
with tf1.Session() as session:
    softmax = session.graph.get_tensor_by_name("final_result:0")
    one = session.run(softmax, {"DecodeJpeg/contents:0": jpeg})
    many = session.run(softmax, {"image:0": np.load(sys.argv[2])})
best = one[0].argsort()[-len(one[0]):][::-1]
print(json.dumps([one.tolist(), many.tolist(), [labels[node] for node in best], os.listdir()]))
"""
"""As the scripts around `retrain.py` read their graph: labels a line each, one JPEG at a time."""

TWO_FILES = ["trained_model_graph.pb", "training_set_labels.txt"]


def test_a_fresh_tensorflow_1_process_reads_jpeg_bytes_and_batches_of_pixels(exported, tmp_path):
    """All that it was given is the two files that such a server has."""
    (tmp_path / "hand.jpg").write_bytes(jpegs()[1])
    np.save(tmp_path / "batch.npy", fitted()[:3])
    (tmp_path / "server").mkdir()
    for name in TWO_FILES:
        shutil.copy(exported.folder / name, tmp_path / "server")
    done = subprocess.run(
        [sys.executable, "-c", OLD_SERVER, tmp_path / "hand.jpg", tmp_path / "batch.npy"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path / "server",
    )
    one, many, ranked, files = json.loads(done.stdout)
    assert sorted(files) == TWO_FILES
    assert ranked == [LABELS[i] for i in np.argsort(one[0])[::-1]]
    expected = tiny_recogniser().predict(fitted()[:3], verbose=0)
    np.testing.assert_allclose(one, expected[1:2], atol=1e-4)
    np.testing.assert_allclose(many, expected, atol=1e-4)


def test_the_graph_holds_no_variables_and_no_control_flow(exported):
    import tensorflow as tf

    graph_def = tf.compat.v1.GraphDef()
    graph_def.ParseFromString((exported.folder / "trained_model_graph.pb").read_bytes())
    ops = {node.op for node in graph_def.node}
    assert not ops & {"VarHandleOp", "ReadVariableOp", "VariableV2", "If", "While"}
    assert len(graph_def.library.function) == 0


def test_a_loaded_saved_model_can_be_called_and_takes_one_file(exported):
    """Its signatures are proven on batches by every export."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(exported.folder / "saved_model"))
    expected = tiny_recogniser().predict(fitted()[:5], verbose=0)
    np.testing.assert_allclose(loaded(fitted()[:5]), expected, atol=1e-4)
    png = tf.io.encode_png(images.decode(jpegs()[0])).numpy()
    for content in (jpegs()[0], png):
        answer = loaded.signatures["serving_bytes"](image_bytes=tf.constant(content))
        np.testing.assert_allclose(answer["probabilities"], expected[:1], atol=1e-4)


@pytest.mark.parametrize("name", ["saved_model", "trained_model_graph.pb", "model.tflite"])
def test_each_exported_model_is_served_as_the_bundle_is(exported, tmp_path, name):
    """Beside its contract; and as copied to another folder with its labels alone."""
    bundle = Recogniser.load(exported.folder)
    copy = shutil.copytree if (exported.folder / name).is_dir() else shutil.copy
    copy(exported.folder / name, tmp_path / name)
    shutil.copy(exported.folder / TWO_FILES[1], tmp_path)
    for path in (exported.folder / name, tmp_path / name):
        opened = open_model(path)
        assert (opened.labels, opened.size_px, opened.threshold) == (LABELS, bundle.size_px, 0.7)
        for jpeg in jpegs()[:3]:
            np.testing.assert_allclose(
                opened.recognise(jpeg).probabilities,
                bundle.recognise(jpeg).probabilities,
                atol=TOLERANCE,
            )
