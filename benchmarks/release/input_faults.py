"""What the commonest faults of an app's input do to the released recogniser, on synthetic hands.

    python benchmarks/release/input_faults.py

Saves `benchmarks/results/input_faults.json`: for the right input and each fault the share of
letters read right, the share that the right input read otherwise, the median probability of the
right letter, and the label that comes most often with its share.
"""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import cv2
import numpy as np

from benchmarks.circumstances import record
from fingerspell.images import fit
from fingerspell.labels import STATIC_LETTERS
from fingerspell.runtime import MODEL_FILES, STARTER, read_contract
from fingerspell.synth import draw

SEEDS = 4
FRAME_PX = (240, 320)
"""Height and width of a small camera frame."""

Batch = Any
"""float32 (N, h, w, 3)."""


def pixels(change: Callable[[Batch], Batch]) -> Callable[[Any, tuple[int, int]], Batch]:
    """Returns a fault of the network input (h, w, 3) as one of a frame."""
    return lambda frame, size_px: change(fit(frame, size_px))


def squeezed(frame: Any, size_px: tuple[int, int]) -> Batch:
    resized = cv2.resize(frame, size_px[::-1], interpolation=cv2.INTER_AREA)
    return resized.astype(np.float32) / 255


def nearest(frame: Any, size_px: tuple[int, int]) -> Batch:
    """Each pixel one of the frame's: no average."""
    side = max(frame.shape[:2])
    padded = np.zeros((side, side, 3), np.uint8)
    top, left = (side - frame.shape[0]) // 2, (side - frame.shape[1]) // 2
    padded[top : top + frame.shape[0], left : left + frame.shape[1]] = frame
    return cv2.resize(padded, size_px[::-1], interpolation=cv2.INTER_NEAREST).astype("f4") / 255


FAULTS: dict[str, Callable[[Any, tuple[int, int]], Batch]] = {
    "none": fit,
    "from_0_to_255": pixels(lambda x: 255 * x),
    "from_minus_1_to_1": pixels(lambda x: 2 * x - 1),
    "divided_twice": pixels(lambda x: x / 255),
    "bgr": pixels(lambda x: x[..., ::-1]),
    "planes_first": pixels(lambda x: x.transpose(2, 0, 1).reshape(x.shape)),
    "squeezed": squeezed,
    "nearest": nearest,
    "mirrored": pixels(lambda x: x[:, ::-1]),
    "quarter_turn": pixels(np.rot90),
    "upside_down": pixels(lambda x: x[::-1, ::-1]),
}


def effect(rows: Batch, expected: Batch, truth: Batch, labels: tuple[str, ...]) -> dict[str, Any]:
    """Returns what answers (N, C) come to beside those to the right input."""
    best = rows.argmax(1)
    (label, count) = Counter(best.tolist()).most_common(1)[0]
    return {
        "right": float((best == truth).mean()),
        "other_letter": float((best != expected.argmax(1)).mean()),
        "probability_median": float(np.median(rows[np.arange(len(rows)), truth])),
        "most_often": labels[label],
        "most_often_share": count / len(rows),
    }


def main() -> None:
    from ai_edge_litert.interpreter import Interpreter

    contract = read_contract(STARTER)
    size_px = contract.height_px, contract.width_px
    network = Interpreter(model_path=str(STARTER / MODEL_FILES["fp16"]), num_threads=1)
    network.allocate_tensors()
    (given,), (made,) = network.get_input_details(), network.get_output_details()

    def answer(picture: Batch) -> Batch:
        network.set_tensor(given["index"], np.ascontiguousarray(picture, np.float32)[None])
        network.invoke()
        return network.get_tensor(made["index"])[0]

    hands = [(x, draw(x, seed, FRAME_PX).rgb) for x in STATIC_LETTERS for seed in range(SEEDS)]
    truth = np.array([contract.labels.index(label) for label, _ in hands])
    answers = {
        name: np.stack([answer(fault(rgb, size_px)) for _, rgb in hands])
        for name, fault in FAULTS.items()
    }
    figures = {
        "recogniser": contract.origin["finished"],
        "pictures": len(hands),
        "frame_px": list(FRAME_PX),
        "faults": {
            name: effect(rows, answers["none"], truth, contract.labels)
            for name, rows in answers.items()
        },
    }
    print(record("input_faults", "release/input_faults", None, figures).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
