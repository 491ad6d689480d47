"""The measurements of speed take turns, warm up, and save what they say."""

import json
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from benchmarks.release import own_test
from benchmarks.speed import answer_time, gpu, loader, on_gpu
from fingerspell.doctor.facts import Gpu
from fingerspell.images import encode_jpeg


def test_both_answers_are_measured_in_turn_and_compared_round_by_round():
    told = []
    answers = {
        name: lambda name=name, s=s: (told.append(name), time.sleep(s))
        for name, s in (("released", 0.004), ("single_view", 0.001))
    }
    found = answer_time.in_turn(answers, rounds=2)
    assert found["released_ms"] > found["single_view_ms"] > 0.9
    assert len(found["ratios"]) == 2 and all(1 < ratio < 4.5 for ratio in found["ratios"])
    turns = [told[10:][answer_time.REPEATS * k] for k in range(4)]
    assert turns == ["released", "single_view"] * 2


@pytest.mark.slow
def test_the_released_file_and_its_single_view_are_what_is_timed():
    read = {name: answer() for name, answer in answer_time.networks().items()}
    assert {x.shape for x in read.values()} == {(1, 29)}
    assert np.abs(read["released"] - read["single_view"]).max() > 1e-4
    assert all(x.sum() == pytest.approx(1, abs=1e-2) for x in read.values())


def test_rates_are_things_a_second_of_the_best_and_the_middle_run():
    naps = iter([0.05, 0.01, 0.03])
    row = loader.rates(lambda: time.sleep(next(naps)), 10, 3)
    assert 600 < row["wall_best"] <= 1000
    assert 200 < row["wall_median"] <= 334
    assert row["cpu_best"] > row["wall_best"]


def test_every_step_and_the_stream_are_measured_and_saved(tmp_path, results, monkeypatch, capsys):
    monkeypatch.setattr(loader, "BATCHES", 1)
    monkeypatch.setattr(loader, "CALLS", 2)
    rng = np.random.default_rng(0)
    with pytest.raises(SystemExit, match="too few"):
        loader.manifest_of(tmp_path)
    (tmp_path / "data" / "A").mkdir(parents=True)
    for number in range(loader.BATCH_SIZE):
        rgb = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
        (tmp_path / "data" / "A" / f"{number}.jpg").write_bytes(encode_jpeg(rgb, 90))
    loader.main(["--data", str(tmp_path / "data"), "--repeats", "1", "--no_step"])
    saved = json.loads((results / "loader.json").read_text(encoding="utf-8"))
    assert saved["pictures"] == loader.BATCH_SIZE
    assert saved["command"].startswith("python benchmarks/speed/loader.py --data")
    rows = {**saved["steps"], **saved["stream"]}
    assert {"decode", "warp", "augment, usual", "one core, 1 thread"} <= rows.keys()
    assert all(row["cpu_best"] > 0 for row in rows.values())
    assert "| augment, strong |" in capsys.readouterr().out


def test_the_own_test_split_is_read_as_a_whole_and_source_by_source(tmp_path, monkeypatch):
    rows = [("A", "one"), ("A", "one"), ("B", "two"), ("B", "two")]
    samples = [SimpleNamespace(label=x, source=s, group=s) for x, s in rows]
    manifest = SimpleNamespace(split=lambda name: samples * (name == "test"), absolute=id)
    read = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.1, 0.9]])
    monkeypatch.setattr(own_test, "answers", lambda recogniser, paths: read[: len(paths)])
    found = own_test.measured(SimpleNamespace(labels=("A", "B")), manifest)
    one, two = ({"pictures": 2, "accuracy": accuracy} for accuracy in (1.0, 0.5))
    assert found.pop("sources") == {"one": one, "two": two}
    assert found == {"pictures": 4, "groups": 2, "accuracy": 0.75}


FLOPS = 10**9
PEAK = 100e12


class Device:
    """Trains 1,000 pictures a second whatever the batch, in 0.1 GB a picture."""

    def __init__(self, gpus=("RTX",), mixed="mixed_bfloat16", fits=64) -> None:
        self.gpus, self.mixed, self.fits = list(gpus), mixed, fits
        self.asked = []

    def __call__(self, what, **arguments):
        self.asked.append((what, arguments))
        if what == "look":
            return {"backend": "torch", "gpus": self.gpus, "mixed": self.mixed}
        if what == "matmul":
            share = 1.0 if arguments["dtype"] != "float32" else 0.25
            return {"dtype": arguments["dtype"], "side": 8192, "flops_per_s": PEAK * share}
        batch = arguments["batch_size"]
        told = {name: arguments[name] for name in ("batch_size", "size_px", "policy")}
        if "cap" in arguments:
            told["cap_bytes"], batch = arguments["cap"][0], 2 * batch
        if batch > self.fits:
            return {**told, "out_of_memory": True}
        return {**told, "step_ms": float(batch), "pictures_per_s": 1000.0,
                "flops_per_picture": FLOPS, "peak_bytes": batch * 10**8}  # fmt: skip


def shares(device, size_px=200):
    return gpu.with_shares(gpu.measure(device, size_px, 5, total_bytes=0))


@pytest.fixture
def saved(results, monkeypatch):
    monkeypatch.setattr(gpu, "nvidia", lambda: ((Gpu("RTX", 24_000, 24_000, "570.1"),), ""))
    return results


def test_without_a_gpu_nothing_is_printed_saved_or_made_up(saved, capsys):
    device = Device(gpus=())
    assert gpu.main([], device) == 2
    out, err = capsys.readouterr()
    assert out == "" and "no GPU that torch sees" in err and "doctor" in err
    assert 'pip install ".[torch]"' in err
    assert not saved.exists()
    assert [what for what, _ in device.asked] == ["look"]


def test_without_a_package_that_it_needs_it_names_the_command(tmp_path):
    """As a program, on a path that holds neither the project nor the package."""
    (tmp_path / "keras.py").write_text(
        "raise ModuleNotFoundError('no', name='absent_package')", encoding="utf-8"
    )
    task = json.dumps({"what": "look", "arguments": {}})
    done = subprocess.run(
        [sys.executable, gpu.__file__, "--task", task], capture_output=True, encoding="utf-8",
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path), "KERAS_BACKEND": ""},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "'absent_package' is not installed" in done.stderr
    assert 'pip install ".[torch]"' in done.stderr and "Traceback" not in done.stderr


def test_a_word_that_is_no_backend_measures_nothing(saved, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "pytorch")
    device = Device()
    assert gpu.main([], device) == 2
    assert "KERAS_BACKEND=pytorch" in capsys.readouterr().err and device.asked == []


def test_every_batch_is_measured_in_both_precisions_where_the_gpu_has_both():
    device = Device()
    shares(device)
    told = [(a["policy"], a["batch_size"]) for what, a in device.asked if what == "train"]
    assert told == [(x, batch) for x in ("mixed_bfloat16", "float32") for batch in (32, 64, 128)]
    device = Device(mixed="float32")
    assert len(shares(device)["rows"]) == 3
    assert [a["dtype"] for what, a in device.asked if what == "matmul"] == ["float32"]


def test_mixed_batches_are_measured_once_more_as_on_a_gpu_of_6_gib():
    device, small, large = Device(), 6 * 2**30, 24 * 2**30
    rows = gpu.measure(device, 200, 5, large)["rows"]
    assert [a["cap"] for _, a in device.asked if "cap" in a] == [(small, large)] * 3
    assert [row.get("cap_bytes") for row in rows] == [None] * 6 + [small] * 3
    assert "out_of_memory" not in rows[1] and rows[7]["out_of_memory"]
    assert len(gpu.measure(device, 200, 5, small)["rows"]) == 6


def test_the_cap_is_set_before_the_backend_is_used(monkeypatch):
    seen = {}
    monkeypatch.setattr(gpu, "answer_of", lambda *_, environment: seen.update(environment) or {})
    gpu.ask("train", cap=(6, 24))
    assert seen == {"XLA_PYTHON_CLIENT_MEM_FRACTION": "0.2500"}
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    cuda = pytest.importorskip("torch").cuda
    monkeypatch.setattr(cuda, "set_per_process_memory_fraction", lambda x: seen.update(torch=x))
    on_gpu.limit_memory(6, 24)
    assert seen["torch"] == 0.25


def test_the_share_may_be_of_what_the_maker_says():
    rows = gpu.with_shares(gpu.measure(Device(), 200, 5, 0), peak_tflops=200)["rows"]
    assert (rows[0]["share_of_bound"], rows[3]["share_of_bound"]) == (0.005, 0.04)


@pytest.mark.parametrize(("fits", "reached"), [(64, True), (16, False)])
def test_the_target_is_the_memory_of_32_pictures_in_mixed_precision(fits, reached):
    """3.2 GB are within 5.5; a batch that does not fit at all is not."""
    assert shares(Device(fits=fits))["target"]["reached"] is reached
    assert shares(Device(fits=fits), size_px=160)["target"] is None


def test_figures_are_printed_and_saved_with_their_circumstances(saved, capsys):
    """1,000 pictures a second of 1 GFLOP are 1 TFLOP/s: 1 % of 100, 4 % of 25."""
    assert gpu.main(["--size", "200"], Device()) == 0
    out = capsys.readouterr().out
    assert "| mixed_bfloat16 | 32 | 1,000 | 32.0 ms | 3.20 GB | 1.0 % |" in out
    assert "| float32 | 32 | 1,000 | 32.0 ms | 3.20 GB | 4.0 % |" in out
    assert "mixed precision: reached." in out
    assert "| mixed_bfloat16, 6 GiB at most | 32 |" in out
    assert out.count("out of memory") == 4
    told = json.loads((saved / "gpu_torch.json").read_text(encoding="utf-8"))
    assert told["command"] == "python benchmarks/speed/gpu.py --size 200"
    assert told["gpu"] == [{"driver": "570.1", "memory_mib": 24_000}]
    assert told["versions"] and len(told["rows"]) == 9


def test_a_measuring_process_that_breaks_is_no_figure(monkeypatch, tmp_path):
    (tmp_path / "child.py").write_text("import sys; sys.exit(3)", encoding="utf-8")
    monkeypatch.setattr(gpu, "__file__", str(tmp_path / "child.py"))
    with pytest.raises(gpu.RunError, match="code 3"):
        gpu.ask("look")


def test_operations_are_counted_as_the_papers_count_them():
    """Howard et al., Searching for MobileNetV3, 2019, table 3: 219 million multiply-adds."""
    backbone = keras.applications.MobileNetV3Large(
        input_shape=(224, 224, 3), weights=None, include_top=True, classes=1000
    )
    assert on_gpu.forward_flops(backbone) / 2 == pytest.approx(219e6, rel=0.03)


def test_the_median_step_is_timed_after_the_warm_up(monkeypatch):
    image = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(image)
    model = keras.Model(image, keras.layers.Dense(on_gpu.CLASSES, activation="softmax")(x))
    model.compile("sgd", "categorical_crossentropy")
    ticks = iter([*range(3), *range(100, 200, 7)])
    monkeypatch.setattr(on_gpu.time, "perf_counter", lambda: next(ticks))
    assert on_gpu.step_s(model, 4, 8, steps=6, warm_up=3) == 7


def test_a_matrix_product_is_counted_as_two_operations_a_term():
    told = on_gpu.matmul("float32", side=64, repeats=2)
    assert told["flops_per_s"] > 1e6 and told["side"] == 64
