"""LiteRT.js and a page's scaling against Python: the released network on the golden pictures.

    python benchmarks/browser/runtimes.py

Needs what `benchmarks/browser/chromium.py` names. Saves `benchmarks/results/runtimes.json`: for
each file and each way of scaling the largest difference of a pixel and of a probability, and how
many pictures get another letter; for camera-sized pictures (639 × 480) alone, too; size and
processor time of the half-precision file, with and without its last layer.
"""

import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from benchmarks.browser import chromium
from benchmarks.circumstances import record
from fingerspell.machine import load_quietly


def compared(found: Any, expected: Any, pixels: list[float] | None = None) -> dict[str, Any]:
    """Returns how far answers (N, C) are from those expected."""
    found = np.array(found)
    off = np.abs(found - expected).max(1)
    return {
        "pictures": len(found),
        **({"pixel_max": max(pixels)} if pixels else {}),
        "probability_max": float(off.max()),
        "probability_median": float(np.median(off)),
        "other_letter": int((found.argmax(1) != expected.argmax(1)).sum()),
    }


def costs(contents: dict[str, bytes], pictures: Any) -> dict[str, Any]:
    """Returns bytes, and the median processor time of an answer on one thread of LiteRT in Python.

    The files take turns, so that a busy machine is as busy for each.
    """
    from ai_edge_litert.interpreter import Interpreter

    ready = {k: Interpreter(model_content=x, num_threads=1) for k, x in contents.items()}
    times: dict[str, list[float]] = {name: [] for name in ready}
    for interpreter in ready.values():
        interpreter.allocate_tensors()
    for picture in pictures:
        for name, interpreter in ready.items():
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None])
            started = time.thread_time()
            interpreter.invoke()
            times[name].append(time.thread_time() - started)
    return {
        name: {"size_bytes": len(x), "processor_ms": 1000 * statistics.median(times[name])}
        for name, x in contents.items()
    }


def main() -> None:
    """Converts the released weights, so that the file is what an export writes today."""
    load_quietly("keras")
    from fingerspell.export import features, golden, tflite
    from fingerspell.model.weights import released_network, starter_facts
    from fingerspell.runtime import STARTER

    facts = starter_facts(STARTER)
    network = released_network()
    contents = golden.pictures()
    tensors = golden.tensors(contents.values(), network.input_shape[1:3])
    files = {name: tflite.convert(network, name) for name in tflite.FILES}
    models = {k: chromium.Model(content=x, tensors=tensors) for k, x in files.items()}
    page = chromium.answers(models, contents, "float32")
    ours = {k: tflite.probabilities(x, tensors) for k, x in files.items()}
    large = [i for i, name in enumerate(contents) if "large" in name]
    expected = ours["float32"]
    figures: dict[str, Any] = {
        "recogniser": facts["origin"]["finished"],
        "browser": page["agent"],
        "cost": costs(
            {"fp16": files["fp16"], "features": features.with_features(files["fp16"])}, tensors
        ),
        "litert_js": {k: compared(page["answers"][k], ours[k]) for k in ours},
        "scaling": {
            way: compared(found, expected, page["pixels"][way])
            for way, found in page["scaled"].items()
        },
        "scaling_of_camera_pictures": {
            way: compared(np.array(found)[large], expected[large])
            for way, found in page["scaled"].items()
        },
    }
    print(record("runtimes", "browser/runtimes", None, figures).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
