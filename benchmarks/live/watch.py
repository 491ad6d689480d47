"""The recogniser's whole answer to a frame: probabilities, and where the hand is."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from fingerspell.images import fit
from fingerspell.runtime import MODEL_FILES, Recogniser
from fingerspell.runtime.motion import thumbnail

HAND = ("truediv_5", "truediv_2", "Sqrt")
"""Ends of the names of tensors of `model/hand_crop.py`, `_square_of`: x and y of the hand's middle,
and the side of its own square. The crop's are of no use: it is moved into the picture."""


class Watcher:
    """Answers frame by frame with a bundle's model, the hand's place an output beside."""

    def __init__(self, folder: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        recogniser = Recogniser.load(folder)
        model = (folder / MODEL_FILES[recogniser.precision]).read_bytes()
        self.labels, self.size_px = recogniser.labels, recogniser.size_px
        self._interpreter = Interpreter(model_content=with_hand(model), num_threads=1)
        self._interpreter.allocate_tensors()
        self._put = self._interpreter.get_input_details()[0]["index"]
        self._got = [detail["index"] for detail in self._interpreter.get_output_details()]

    def watch(self, pictures: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns probabilities (F, C), hands (F, 3) as shares, and thumbnails (F, 40, 40).

        `pictures` are RGB uint8 of any size.
        """
        rows, hands, thumbnails = [], [], []
        for picture in pictures:
            pixels = fit(picture, self.size_px)
            self._interpreter.set_tensor(self._put, pixels[None])
            self._interpreter.invoke()
            first, *hand = (self._interpreter.get_tensor(index) for index in self._got)
            rows.append(first[0].copy())
            hands.append([float(value.reshape(-1)[0]) for value in hand])
            thumbnails.append(thumbnail(picture))
        return np.array(rows), np.array(hands), np.array(thumbnails)


def with_hand(model: bytes) -> bytes:
    """Returns a TFLite model with `HAND` as outputs beside the probabilities."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    tree: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model))
    graph = tree.subgraphs[0]
    names = [tensor.name.decode().rpartition("/")[2] for tensor in graph.tensors]
    graph.outputs = [*graph.outputs, *(names.index(name) for name in HAND)]
    tree.signatureDefs = None
    builder = flatbuffers.Builder(len(model))
    builder.Finish(tree.Pack(builder), b"TFL3")
    return bytes(builder.Output())
