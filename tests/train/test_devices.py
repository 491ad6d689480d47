"""What each backend is asked for: full memory recognised, steps cut into parts."""

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
    model.compile(
        keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(1e-2, STEPS + 2),
            use_ema=averaged,
            ema_momentum=0.8,
        ),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.05),
        metrics=["accuracy"],
    )
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
        yield (
            rng.random((PICTURES, 12, 12, 3), np.float32),
            np.eye(3, dtype=np.float32)[rng.integers(0, 3, PICTURES)],
            2 * rng.random(PICTURES, np.float32),
        )


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
    run = subprocess.run(
        [sys.executable, "-m", "helpers.shared_step"],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
            "PYTHONPATH": os.pathsep.join(str(ROOT / name) for name in ("src", "tests")),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["devices"] == 2
    assert found["parts"] == ["P('batch',)"]


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


def raised(function) -> Exception:
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def exhausted(text="OOM when allocating tensor"):
    import tensorflow as tf

    return tf.errors.ResourceExhaustedError(None, None, text)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's own errors")
def test_full_memory_is_known_by_its_kind_and_not_by_words():
    import tensorflow as tf

    assert is_out_of_memory(exhausted())
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(tf.errors.InternalError(None, None, "RESOURCE_EXHAUSTED: Failed to"))
    for text in (
        "CUDNN_STATUS_ALLOC_FAILED",
        "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "failed to alloc: CUDA_ERROR_OUT_OF_MEMORY: out of memory",
    ):
        assert is_out_of_memory(tf.errors.UnknownError(None, None, text))
    for error in (
        ValueError("OOM when allocating tensor: out of memory"),
        tf.errors.InternalError(None, None, "a kernel ran out of memory ports"),
        tf.errors.InvalidArgumentError(None, None, "resource_exhausted"),
        RuntimeError("RESOURCE_EXHAUSTED: of patience"),
        OSError(28, "No space left on device"),
    ):
        assert not is_out_of_memory(error)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's own errors")
def test_full_memory_is_found_behind_other_errors():
    def caused():
        raise RuntimeError("a step failed") from exhausted()

    def while_handling():
        try:
            raise exhausted()
        finally:
            raise RuntimeError("Array has been deleted")

    class Full(keras.layers.Layer):
        def call(self, x):
            raise exhausted()

    assert is_out_of_memory(raised(caused))
    assert is_out_of_memory(raised(while_handling))
    assert is_out_of_memory(raised(lambda: Full()(np.ones(2, np.float32))))


def torch_full(kind: str, text: str) -> Exception:
    torch = pytest.importorskip("torch")
    kinds = {"torch": torch.OutOfMemoryError, "cuda": torch.cuda.OutOfMemoryError}
    return {**kinds, "plain": RuntimeError}[kind](text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("torch", "Allocation on device"),
        ("cuda", "CUDA out of memory. Tried to allocate 2.00 MiB. GPU 0 has a total capacity of"),
        ("plain", "CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 31.75 GiB total"),
        ("plain", "HIP out of memory. Tried to allocate 2.00 MiB. GPU 0 has a total capacity of"),
        ("plain", "MPS backend out of memory (MPS allocated: 18.01 GB, max allowed: 18.13 GB)"),
        ("plain", "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
        ("plain", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        ("plain", "cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        ("plain", "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
        ("plain", "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED"),
    ],
)
def test_full_memory_is_known_by_what_pytorch_and_its_libraries_say(kind, text):
    error = torch_full(kind, text)
    from fingerspell.train.devices import torch as engine

    assert engine.is_out_of_memory(error)


def test_memory_that_pytorch_truly_cannot_have_is_full():
    torch = pytest.importorskip("torch")
    from fingerspell.train.devices import torch as engine

    assert engine.is_out_of_memory(raised(lambda: torch.empty(1 << 46)))


@pytest.mark.parametrize(
    "text",
    [
        "CUDA error: device-side assert triggered",
        "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
        "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
        "a kernel ran out of memory ports",
    ],
)
def test_other_errors_of_pytorch_are_not_full_memory(text):
    pytest.importorskip("torch")
    from fingerspell.train.devices import torch as engine

    assert not engine.is_out_of_memory(RuntimeError(text))
    assert not engine.is_out_of_memory(ValueError("CUDA out of memory"))


@pytest.mark.parametrize(
    "text",
    [
        "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 7406166528 bytes.",
        "RESOURCE_EXHAUSTED: Failed to allocate request for 2.99GiB (3206250496B) on device",
        "INTERNAL: Failed to allocate 98697216 bytes for new constant",
        "INTERNAL: failed to load kernel: CUDA_ERROR_OUT_OF_MEMORY: out of memory",
        "UNKNOWN: Failed to determine best cudnn convolution algorithm for: %cudnn-conv …\n"
        "Original error: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 16777716 bytes",
        "INTERNAL: cuDNN: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "INTERNAL: cuBLAS: CUBLAS_STATUS_ALLOC_FAILED",
    ],
)
def test_full_memory_is_known_by_what_jax_and_its_libraries_say(text):
    jax = pytest.importorskip("jax")
    from fingerspell.train.devices import jax as engine

    assert engine.is_out_of_memory(jax.errors.JaxRuntimeError(text))
    assert not engine.is_out_of_memory(RuntimeError(text))


def test_memory_that_jax_truly_cannot_have_is_full():
    jax = pytest.importorskip("jax")
    from fingerspell.train.devices import jax as engine

    assert engine.is_out_of_memory(raised(lambda: jax.numpy.zeros(1 << 46).block_until_ready()))


@pytest.mark.parametrize(
    "text",
    [
        "INTERNAL: CUDNN_STATUS_EXECUTION_FAILED",
        "UNAVAILABLE: Connection reset by peer",
        "INVALID_ARGUMENT: Array has been deleted",
    ],
)
def test_other_errors_of_jax_are_not_full_memory(text):
    jax = pytest.importorskip("jax")
    from fingerspell.train.devices import jax as engine

    assert not engine.is_out_of_memory(jax.errors.JaxRuntimeError(text))


def test_errors_that_name_each_other_in_a_circle_come_to_an_end():
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one
    assert not is_out_of_memory(one)
