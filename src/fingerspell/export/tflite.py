"""TFLite conversion in float32, float16 and int8, with builtin operations only.

MobileNetV3's hard-swish and squeeze-excite may not survive 8-bit activations, and whether they do
depends on the trained weights. So it is measured for each model: full int8 where it agrees with
float32 often enough, else 8-bit weights only (docs/adr/0003).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fingerspell.errors import ExportError
from fingerspell.export.graphs import frozen_of
from fingerspell.export.parity import difference

Precision = Literal["float32", "fp16", "int8"]

FILES: dict[Precision, str] = {
    "float32": "model.tflite",
    "fp16": "model_fp16.tflite",
    "int8": "model_int8.tflite",
}
FAST = "model_fast_fp16.tflite"
"""The single view of a recogniser with a hand crop."""

_LEAST_REPRESENTATIVE = 20

_LEAST_AGREEMENT = 0.98
"""Of full int8 with float32, on pictures that neither trained the network nor set the ranges: on
training pictures a network is so sure of itself that full int8 agreed on 100 % of them and on
94.6 % of unseen ones."""

_PHONES = (2, 12)
"""The oldest TensorFlow Lite to serve: `tflite_flutter` 0.12.1 carries it on iOS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Int8:
    """A TFLite file, what has 8 bits inside, and how full int8 did.

    None: it does not load, here or on older phones, or there were too few pictures to make it.
    """

    content: bytes
    inside: Literal["weights and activations", "weights"]
    full_agreement: float | None


def convert(
    model: Any, precision: Precision, representative: Sequence[NDArray[np.float32]] = ()
) -> bytes:
    """Returns the bytes of one TFLite file, whose input is one picture (1, h, w, 3).

    `int8` computes in 8 bits throughout when it is given representative pictures (real ones,
    float32 (h, w, 3) in [0, 1]; see `convert_int8`); without them only the weights have 8 bits.
    Raises `ExportError` for operations that need more than the builtin set.
    """
    import tensorflow as tf

    network = frozen_of(model, pictures=1)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([network], tf.Module())
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "fp16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "int8":
        # A scale for each row needs FULLY_CONNECTED 12, which TensorFlow Lite has since 2.17.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if precision == "int8" and representative:
        converter.representative_dataset = lambda: ([picture[None]] for picture in representative)
    converted = _run(converter)
    require_builtin(converted)
    return converted


def convert_int8(
    model: Any,
    representative: Sequence[NDArray[np.float32]],
    float32: bytes,
    unseen: NDArray[np.float32],
) -> _Int8:
    """Returns full int8 where it names `float32`'s class often enough, else 8-bit weights.

    `representative` are real training pictures, float32 (h, w, 3) in [0, 1]: random noise sets
    wrong ranges, and so do fewer than 20. `unseen` (N, h, w, 3) are the pictures that decide.
    """
    agreement = None
    if len(representative) >= _LEAST_REPRESENTATIVE:
        full = convert(model, "int8", representative)
        agreement = _agreement(float32, full, unseen)
    if agreement is not None and agreement >= _LEAST_AGREEMENT:
        return _Int8(content=full, inside="weights and activations", full_agreement=agreement)
    return _Int8(content=convert(model, "int8"), inside="weights", full_agreement=agreement)


def least_runtime(content: bytes) -> str:
    """Returns the oldest TensorFlow Lite that runs a file, such as `2.4.0`.

    The converter computes it from the versions of the operations and leaves it in the file.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.Model.GetRootAsModel(bytearray(content), 0)
    entries = [model.Metadata(i) for i in range(model.MetadataLength())]
    (buffer,) = [e.Buffer() for e in entries if e.Name() == b"min_runtime_version"]
    return bytes(model.Buffers(buffer).DataAsNumpy()).rstrip(b"\0").decode()


def require_builtin(content: bytes) -> None:
    """Raises `ExportError` where a phone would need Flex or custom ops."""
    foreign = _custom_ops(content)
    if foreign:
        raise ExportError(
            found=f"operations outside the builtin set: {', '.join(foreign)}",
            expected="builtin operations only, so that the file loads without Flex",
            fix="export the model in float32 and without string or image-decoding layers",
        )


def probabilities(content: bytes, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Runs float32 (N, h, w, 3) through LiteRT one picture at a time, as a phone does."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    answer = interpreter.get_output_details()[0]["index"]
    rows = []
    for picture in pictures:
        interpreter.set_tensor(entry, picture[None])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(answer)[0].copy())
    return np.stack(rows)


def _custom_ops(content: bytes) -> tuple[str, ...]:
    """Returns the operations that a plain interpreter does not have: Flex and custom ones."""
    from tensorflow.lite.python import schema_py_generated as schema

    builtin = vars(schema.BuiltinOperator)
    names = (name for name, _ in _operations(content))
    return tuple(name for name in names if name not in builtin or name == "CUSTOM")


def _operations(content: bytes) -> tuple[tuple[str, int], ...]:
    """Returns (name, version) of the operations of a TFLite file, custom ones by their own name."""
    from tensorflow.lite.python import schema_py_generated as schema

    names = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}
    model = schema.Model.GetRootAsModel(bytearray(content), 0)
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    return tuple(
        (
            (code.CustomCode() or b"CUSTOM").decode()
            if code.BuiltinCode() == schema.BuiltinOperator.CUSTOM
            else names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())],
            code.Version(),
        )
        for code in codes
    )


def _run(converter: Any) -> bytes:
    """Runs a converter; what it cannot express in builtin operations becomes an `ExportError`."""
    from tensorflow.lite.python.convert_phase import ConverterError

    try:
        return bytes(converter.convert())
    except ConverterError as error:
        reason = next((line for line in str(error).splitlines() if "op" in line), str(error))
        raise ExportError(
            found=f"a network that cannot be converted ({reason.strip()[:200]})",
            expected="layers that TFLite's builtin operations can express",
            fix="export the model that fingerspell.model builds, in float32",
        ) from error


def _agreement(float32: bytes, full: bytes, pictures: NDArray[np.float32]) -> float | None:
    """Returns the share of pictures with the same top class, None where int8 does not load: here,
    or on older phones (a hand crop in 8 bits has SQRT 2)."""
    if tuple(map(int, least_runtime(full).split(".")))[:2] > _PHONES:
        return None
    try:
        found = probabilities(full, pictures)
    except (RuntimeError, ValueError):  # Ranges that a quantised hard-swish cannot express.
        return None
    return difference(probabilities(float32, pictures), found).agreement
