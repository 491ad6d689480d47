"""SavedModel and frozen graph take pixels and JPEG bytes, the latter in an old server unchanged."""

import json
import subprocess
import sys

import numpy as np

from helpers.exports import fitted, jpegs, tiny_recogniser

OLD_SERVER = """
import json, sys
import numpy as np
import tensorflow as tf
tf1 = tf.compat.v1
tf1.disable_eager_execution()
graph_def = tf1.GraphDef()
with open(sys.argv[1], "rb") as file:
    graph_def.ParseFromString(file.read())
tf1.import_graph_def(graph_def, name="")
with open(sys.argv[2], "rb") as file:
    jpeg = file.read()
with tf1.Session() as session:
    one = session.run("final_result:0", {"DecodeJpeg/contents:0": jpeg})
    many = session.run("final_result:0", {"image:0": np.load(sys.argv[3])})
print(json.dumps([one.tolist(), many.tolist()]))
"""


def test_a_fresh_tensorflow_1_process_reads_jpeg_bytes_and_batches_of_pixels(exported, tmp_path):
    (tmp_path / "hand.jpg").write_bytes(jpegs()[1])
    np.save(tmp_path / "batch.npy", fitted()[:3])
    graph = exported.folder / "trained_model_graph.pb"
    done = subprocess.run(
        [sys.executable, "-c", OLD_SERVER, graph, tmp_path / "hand.jpg", tmp_path / "batch.npy"],
        capture_output=True,
        text=True,
        check=True,
    )
    one, many = json.loads(done.stdout)
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


def test_a_loaded_saved_model_can_be_called_and_takes_one_jpeg(exported):
    """Its signatures are proven on batches by every export."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(exported.folder / "saved_model"))
    expected = tiny_recogniser().predict(fitted()[:5], verbose=0)
    np.testing.assert_allclose(loaded(fitted()[:5]), expected, atol=1e-4)
    answer = loaded.signatures["jpeg"](jpeg=tf.constant(jpegs()[0]))["probabilities"]
    np.testing.assert_allclose(answer, expected[:1], atol=1e-4)
