"""`golden/`: 64 synthetic pictures and what a bundle answers, for any runtime to be held to.

`golden.json` lists each picture with its SHA-256, the SHA-256 of the network input that it becomes
(float32, little endian, rows first), that input's means over a 4 × 4 grid, and the probabilities of
each TFLite file. Another processor may round the last bits of a resized picture otherwise: then
the hash differs and the means do not.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerspell import images
from fingerspell.errors import BundleError
from fingerspell.export import tflite
from fingerspell.images import Pixels
from fingerspell.images.encode import encode_jpeg, encode_png, with_orientation
from fingerspell.runtime import MODEL_FILES
from fingerspell.synth import draw

FOLDER = "golden"
FILE_NAME = "golden.json"
TOLERANCE = {"float32": 1e-4, "fp16": 1e-3, "fast": 1e-3, "int8": 0.1}
"""How far another runtime's probabilities may be off; 8-bit kernels round in several ways."""

_FORMAT = 1
_HANDS = "ABCDLVWY"
_SIDE_PX = 224
_GRID = 4
_MEANS_TOLERANCE = 1e-5
_DIGITS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One picture of `golden/` and what is expected of it.

    `tensor` is the SHA-256 of the network input, `means` float32 (4, 4, 3) its block means,
    `probabilities` those of each precision, float32 (C,) in label order.
    """

    name: str
    content: bytes
    tensor: str
    means: NDArray[np.float32]
    probabilities: dict[str, NDArray[np.float32]]

    @property
    def path(self) -> str:
        """The picture's path inside the bundle."""
        return f"{FOLDER}/{self.name}"


@cache
def pictures() -> dict[str, bytes]:
    """Returns 64 pictures by file name: 8 hands, each in 8 shapes and encodings."""
    made: dict[str, bytes] = {}
    for number, label in enumerate(_HANDS):
        rgb = draw(label, number, (_SIDE_PX, _SIDE_PX)).rgb
        turned = encode_jpeg(_middle(rgb, 200, 150))
        made |= {
            f"{label}_whole.jpg": encode_jpeg(rgb),
            f"{label}_odd.jpg": encode_jpeg(_middle(rgb, 221, 203 + number)),
            f"{label}_turned.jpg": with_orientation(turned, 2 + number % 7),
            f"{label}_tall.jpg": encode_jpeg(_middle(rgb, _SIDE_PX, 47 + number)),
            f"{label}_large.jpg": encode_jpeg(_middle(rgb, 160, 213).repeat(3, 0).repeat(3, 1), 80),
            f"{label}_wide.png": encode_png(_middle(rgb, 31 + number, 131)),
            f"{label}_small.png": encode_png(_middle(rgb, 64, 63)),
            f"{label}_tiny.png": encode_png(_middle(rgb, 1 + number, 1 + 2 * number)),
        }
    return made


def _middle(rgb: Pixels, height: int, width: int) -> Pixels:
    top, left = (rgb.shape[0] - height) // 2, (rgb.shape[1] - width) // 2
    return rgb[top : top + height, left : left + width]


def tensors(contents: Iterable[bytes], size_px: tuple[int, int]) -> NDArray[np.float32]:
    """Returns the network input float32 (N, h, w, 3) of encoded pictures."""
    return np.stack([images.load(content, size_px) for content in contents])


def write(folder: Path, size_px: tuple[int, int]) -> None:
    """Writes `golden/` beside the TFLite files of a folder, with their answers."""
    (folder / FOLDER).mkdir()
    for name, content in pictures().items():
        (folder / FOLDER / name).write_bytes(content)
    batch = tensors(pictures().values(), size_px)
    present = {k: folder / name for k, name in MODEL_FILES.items() if (folder / name).is_file()}
    answers = {k: tflite.probabilities(path.read_bytes(), batch) for k, path in present.items()}
    body = {
        "format": _FORMAT,
        "size_px": list(size_px),
        "tolerance": {precision: TOLERANCE[precision] for precision in answers},
        "pictures": [
            {
                "file": name,
                "sha256": hashlib.sha256(content).hexdigest(),
                "tensor_sha256": tensor_hash(batch[i]),
                "means": np.round(block_means(batch[i]).astype(float), _DIGITS).tolist(),
                "probabilities": {
                    precision: np.round(rows[i].astype(float), _DIGITS).tolist()
                    for precision, rows in answers.items()
                },
            }
            for i, (name, content) in enumerate(pictures().items())
        ],
    }
    text = json.dumps(body, separators=(",", ":")).replace('{"file"', '\n{"file"')
    (folder / FOLDER / FILE_NAME).write_text(f"{text}\n", encoding="utf-8", newline="\n")


def tensor_hash(tensor: NDArray[np.float32]) -> str:
    """Returns the SHA-256 of a network input, float32 little endian, rows first."""
    return hashlib.sha256(np.ascontiguousarray(tensor, "<f4").tobytes()).hexdigest()


def block_means(tensor: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the means (4, 4, 3) of a network input (h, w, 3); rows split as evenly as can be."""
    rows = np.array_split(tensor.astype(np.float64), _GRID)
    blocks = [[part.mean((0, 1)) for part in np.array_split(row, _GRID, axis=1)] for row in rows]
    return np.array(blocks, np.float32)


def read(bundle: Path, size_px: tuple[int, int], classes: int) -> list[Golden]:
    """Reads `golden/`; raises `BundleError` for one that is damaged or of another bundle."""
    folder = bundle / FOLDER
    try:
        body = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        if (number := body["format"]) != _FORMAT:
            raise ValueError(f"format {number!r}; newer than this version, if it is larger")
        if body["size_px"] != list(size_px):
            raise ValueError(f"pictures for {body['size_px']} pixels")
        found = [_golden(folder, entry) for entry in body["pictures"]]
        if any(row.shape != (classes,) for one in found for row in one.probabilities.values()):
            raise ValueError(f"not {classes} probabilities a picture")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(
            found=f"{folder / FILE_NAME} that cannot be used ({error})",
            expected=f"format {_FORMAT} with all its pictures, as this bundle was exported",
            fix="copy the whole folder again, or export it again",
        ) from error
    return found


def _golden(folder: Path, entry: dict[str, Any]) -> Golden:
    content = (folder / entry["file"]).read_bytes()
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise ValueError(f"{entry['file']} has changed")
    return Golden(
        name=entry["file"],
        content=content,
        tensor=entry["tensor_sha256"],
        means=np.array(entry["means"], np.float32),
        probabilities={
            precision: np.array(row, np.float32)
            for precision, row in entry["probabilities"].items()
        },
    )


def require_same_input(golden: list[Golden], batch: NDArray[np.float32]) -> int:
    """Returns how many inputs (N, h, w, 3) differ in their last bits alone.

    Raises `BundleError` for a picture that is decoded, turned, padded or scaled otherwise.
    """
    others = [
        (one, tensor)
        for one, tensor in zip(golden, batch, strict=True)
        if tensor_hash(tensor) != one.tensor
    ]
    for one, tensor in others:
        off = float(np.abs(block_means(tensor) - one.means).max())
        if not off <= _MEANS_TOLERANCE:
            raise BundleError(
                found=f"{one.path} comes out as another picture: off by {off:.2g} of 1",
                expected=f"the pixels that the export saw, to {_MEANS_TOLERANCE:g}",
                fix="compare the versions of this package and of the one that exported, and how "
                "each turns, pads and scales a picture",
            )
    return len(others)
