"""What each backend is asked for: full memory recognised, steps cut into parts."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from fingerspell.train.devices import is_out_of_memory, train_in_parts

ROOT = Path(__file__).resolve().parents[2]
PICTURES, STEPS = 24, 6


def network(policy: str = "float32", *, averaged: bool = True) -> keras.Model:
    """A frozen BatchNormalization, averages, a rate that changes: all that counts steps."""
    keras.utils.set_random_seed(3)
    keras.config.set_dtype_policy(policy)
    image = keras.Input((12, 12, 3))
    x = keras.layers.Conv2D(4, 5, strides=4)(image)
    frozen = keras.layers.BatchNormalization(trainable=False)
    x = keras.layers.GlobalAveragePooling2D()(frozen(x))
    x = keras.layers.Dense(3, activation="softmax", dtype="float32")(x)
    model = keras.Model(image, x)
    rate = keras.optimizers.schedules.CosineDecay(1e-2, STEPS + 2)
    optimizer = keras.optimizers.Adam(rate, use_ema=averaged, ema_momentum=0.8)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.05)
    model.compile(optimizer, loss, metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    return model


@pytest.fixture(autouse=True)
def float32_again():
    yield
    keras.config.set_dtype_policy("float32")


def batches():
    """Weights between 0 and 2, so that a mean of weighted means would not pass for the mean."""
    rng = np.random.default_rng(5)
    for _ in range(STEPS):
        x = rng.random((PICTURES, 12, 12, 3), np.float32)
        y = np.eye(3, dtype=np.float32)[rng.integers(0, 3, PICTURES)]
        yield x, y, 2 * rng.random(PICTURES, np.float32)


def learnt(parts: int):
    """Returns everything that six steps have moved, and the epoch's curves."""
    model = network()
    train_in_parts(model, parts)
    curves = model.fit(batches(), steps_per_epoch=STEPS, shuffle=False, verbose=0).history
    values = [*model.variables, *model.optimizer.variables, model.optimizer.learning_rate]
    return [np.array(keras.ops.convert_to_numpy(v)) for v in values], curves


@pytest.fixture(scope="module")
def whole():
    return learnt(1)


@pytest.mark.parametrize("parts", [2, PICTURES])
def test_a_step_in_parts_is_the_step_of_the_whole_batch(whole, parts):
    """Weights, moments, averages, rate and counters, loss and accuracy."""
    values, curves = learnt(parts)
    for one, other in zip(values, whole[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    for name in ("loss", "accuracy"):
        np.testing.assert_allclose(curves[name], whole[1][name], rtol=1e-6)


def test_each_part_lies_on_all_devices_that_share_a_batch():
    """JAX: a part on one device would leave that one as full as the whole batch did."""
    pytest.importorskip("jax")
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "XLA_FLAGS": f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=2",
        "PYTHONPATH": os.pathsep.join(str(ROOT / name) for name in ("src", "tests")),
    }
    command = [sys.executable, "-m", "helpers.shared_step"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == {"devices": 2, "parts": ["P('batch',)"]}


def test_jax_deals_out_the_rows_of_a_batch_in_turn():
    pytest.importorskip("jax")
    from fingerspell.train.devices.jax import _cut

    pieces = _cut(np.arange(24).reshape(12, 2), 3)
    assert pieces.shape == (3, 4, 2)
    assert pieces[1, :, 0].tolist() == [2, 8, 14, 20]


def test_parts_may_go_back_to_one_kind_of_step_that_is_keras_own():
    model = network()
    own = model.train_step
    train_in_parts(model, 1)
    assert model.train_step == own


def test_one_part_with_infinite_gradients_skips_the_whole_step():
    """Half precision: the loss scale is halved once a step and not once a part."""
    model = network("mixed_float16", averaged=False)
    train_in_parts(model, 4)
    model.optimizer.dynamic_scale.assign(2.0**120)
    before = model.get_weights()
    model.fit(batches(), steps_per_epoch=STEPS, shuffle=False, verbose=0)
    assert float(model.optimizer.dynamic_scale) == 2.0 ** (120 - STEPS)
    assert int(model.optimizer.iterations) == 0
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


FULL = {
    "torch": (
        "CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 31.75 GiB total",
        "HIP out of memory. Tried to allocate 2.00 MiB. GPU 0 has a total capacity of",
        "MPS backend out of memory (MPS allocated: 18.01 GB, max allowed: 18.13 GB)",
        "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
    ),
    "jax": (
        "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 7406166528 bytes.",
        "RESOURCE_EXHAUSTED: Failed to allocate request for 2.99GiB (3206250496B) on device",
        "INTERNAL: Failed to allocate 98697216 bytes for new constant",
        "INTERNAL: failed to load kernel: CUDA_ERROR_OUT_OF_MEMORY: out of memory",
        "UNKNOWN: Failed to determine best cudnn convolution algorithm for: %cudnn-conv …\n"
        "Original error: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 16777716 bytes",
        "INTERNAL: cuDNN: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "INTERNAL: cuBLAS: CUBLAS_STATUS_ALLOC_FAILED",
    ),
}
OTHER = {
    "torch": (
        "CUDA error: device-side assert triggered",
        "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
        "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
        "a kernel ran out of memory ports",
    ),
    "jax": (
        "INTERNAL: CUDNN_STATUS_EXECUTION_FAILED",
        "UNAVAILABLE: Connection reset by peer",
        "INVALID_ARGUMENT: Array has been deleted",
    ),
}


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_full_memory_is_known_by_what_a_backend_and_its_libraries_say(backend):
    library = pytest.importorskip(backend)
    engine = importlib.import_module(f"fingerspell.train.devices.{backend}")
    own, foreign = RuntimeError, ValueError
    if backend == "jax":
        own, foreign = library.errors.JaxRuntimeError, RuntimeError
    found = {text: engine.is_out_of_memory(own(text)) for text in FULL[backend] + OTHER[backend]}
    assert found == dict.fromkeys(FULL[backend], True) | dict.fromkeys(OTHER[backend], False)
    assert not any(engine.is_out_of_memory(foreign(text)) for text in FULL[backend])
    if backend == "torch":
        for kind in (library.OutOfMemoryError, library.cuda.OutOfMemoryError):
            assert engine.is_out_of_memory(kind("Allocation on device"))


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_memory_that_truly_cannot_be_had_is_full(backend):
    library = pytest.importorskip(backend)
    engine = importlib.import_module(f"fingerspell.train.devices.{backend}")
    with pytest.raises(Exception) as error:
        library.empty(1 << 46) if backend == "torch" else library.numpy.zeros(1 << 46).item()
    assert engine.is_out_of_memory(error.value)


needs_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="its errors")


def exhausted():
    import tensorflow as tf

    return tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")


@needs_tensorflow
def test_full_memory_is_known_by_its_kind_and_not_by_words():
    import tensorflow as tf

    errors = tf.errors
    for kind, text, full in (
        (errors.ResourceExhaustedError, "OOM when allocating tensor", True),
        (errors.InternalError, "RESOURCE_EXHAUSTED: Failed to", True),
        (errors.UnknownError, "CUDNN_STATUS_ALLOC_FAILED", True),
        (errors.UnknownError, "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED", True),
        (errors.UnknownError, "failed to alloc: CUDA_ERROR_OUT_OF_MEMORY: out of memory", True),
        (errors.InternalError, "a kernel ran out of memory ports", False),
        (errors.InvalidArgumentError, "resource_exhausted", False),
    ):
        assert is_out_of_memory(kind(None, None, text)) is full, text
    assert is_out_of_memory(MemoryError())
    for error in (
        ValueError("OOM when allocating tensor: out of memory"),
        RuntimeError("RESOURCE_EXHAUSTED: of patience"),
        OSError(28, "No space left on device"),
    ):
        assert not is_out_of_memory(error)


@needs_tensorflow
def test_full_memory_is_found_behind_other_errors():
    class Full(keras.layers.Layer):
        def call(self, x):
            raise exhausted()

    caused, handling = RuntimeError("a step failed"), RuntimeError("Array has been deleted")
    caused.__cause__ = handling.__context__ = exhausted()
    with pytest.raises(Exception) as layered:
        Full()(np.ones(2, np.float32))
    assert all(is_out_of_memory(error) for error in (caused, handling, layered.value))
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one
    assert not is_out_of_memory(one), "they name each other in a circle"
