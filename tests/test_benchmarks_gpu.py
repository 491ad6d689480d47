"""The GPU benchmark's arithmetic, on a card made up for the purpose."""

import json
import os
import subprocess
import sys

import keras
import pytest

import circumstances
import gpu
import on_gpu

FLOPS = 10**9
PEAK = 100e12


class Card:
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
        if batch > self.fits:
            return {**told, "out_of_memory": True}
        return {**told, "step_ms": float(batch), "pictures_per_s": 1000.0,
                "flops_per_picture": FLOPS, "peak_bytes": batch * 10**8}  # fmt: skip


@pytest.fixture
def results(monkeypatch, tmp_path):
    monkeypatch.setattr(circumstances, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(gpu, "nvidia", lambda: ((gpu_of(24_000),), ""))
    return tmp_path / "results"


def gpu_of(memory_mib):
    from fingerspell.doctor.facts import Gpu

    return Gpu("RTX", memory_mib, memory_mib, "570.1")


def shares(card, peak_tflops=None, size_px=200):
    return gpu.with_shares(gpu.measure(card, size_px, 5, 24 * 2**30), peak_tflops)


def test_without_a_gpu_nothing_is_printed_saved_or_made_up(results, capsys):
    card = Card(gpus=())
    assert gpu.main([], card) == 2
    out, err = capsys.readouterr()
    assert out == "" and "no GPU that torch sees" in err and "doctor" in err
    assert 'pip install ".[torch]"' in err
    assert not results.exists()
    assert [what for what, _ in card.asked] == ["look"]


def alone(folder, *options):
    """Runs the benchmark as a program, on a path that holds neither the project nor `folder`."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "KERAS_BACKEND": ""}
    return subprocess.run(
        [sys.executable, gpu.__file__, *options],
        capture_output=True, encoding="utf-8", cwd=folder, env=environment,
    )  # fmt: skip


def test_it_is_a_program_of_its_own(tmp_path):
    done = alone(tmp_path, "--help")
    assert done.returncode == 0, done.stderr
    assert "--peak_tflops" in done.stdout


def test_without_a_package_that_it_needs_it_names_the_command(tmp_path):
    (tmp_path / "keras.py").write_text(
        "raise ModuleNotFoundError('no', name='absent_package')", encoding="utf-8"
    )
    task = json.dumps({"what": "look", "arguments": {}})
    done = alone(tmp_path, "--task", task)
    assert done.returncode == 2, done.stderr
    assert "'absent_package' is not installed" in done.stderr
    assert 'pip install ".[torch]"' in done.stderr and "Traceback" not in done.stderr


def test_a_word_that_is_no_backend_measures_nothing(results, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "pytorch")
    card = Card()
    assert gpu.main([], card) == 2
    assert "KERAS_BACKEND=pytorch" in capsys.readouterr().err and card.asked == []


def test_every_batch_is_measured_in_both_precisions_and_under_the_cap():
    card = Card()
    shares(card)
    trained = [a for what, a in card.asked if what == "train"]
    told = [(a["policy"], a["batch_size"], a["cap_bytes"]) for a in trained]
    assert told == [
        *(("mixed_bfloat16", batch, None) for batch in (32, 64, 128)),
        *(("float32", batch, None) for batch in (32, 64, 128)),
        *(("mixed_bfloat16", batch, 6 * 2**30) for batch in (32, 64, 128)),
    ]


def test_a_card_with_full_precision_only_is_measured_once():
    card = Card(mixed="float32")
    assert len(shares(card)["rows"]) == 3
    assert [a["dtype"] for what, a in card.asked if what == "matmul"] == ["float32"]


def test_the_share_is_of_what_the_card_computed_in_the_same_precision():
    """1,000 pictures a second of 1 GFLOP are 1 TFLOP/s: 1 % of 100, 4 % of 25."""
    found = {row["policy"]: row["share_of_bound"] for row in shares(Card())["rows"][::3]}
    assert found == {"mixed_bfloat16": 0.01, "float32": 0.04}


def test_the_makers_figure_replaces_the_half_precision_bound_only():
    found = {row["policy"]: row["share_of_bound"] for row in shares(Card(), 200.0)["rows"][::3]}
    assert found == {"mixed_bfloat16": 0.005, "float32": 0.04}


@pytest.mark.parametrize(("fits", "reached"), [(64, True), (16, False)])
def test_the_target_is_the_memory_of_32_pictures_in_mixed_precision(fits, reached):
    """3.2 GB are within 5.5; a batch that does not fit at all is not."""
    assert shares(Card(fits=fits))["target"]["reached"] is reached


def test_a_card_that_needs_more_than_the_target_misses_it(monkeypatch):
    monkeypatch.setitem(gpu.TARGET, "peak_bytes", int(3.1e9))
    assert shares(Card())["target"]["reached"] is False


def test_other_sizes_have_no_target():
    assert shares(Card(), size_px=160)["target"] is None


def test_figures_are_printed_and_saved_with_their_circumstances(results, capsys):
    assert gpu.main(["--peak_tflops", "142"], Card()) == 0
    out = capsys.readouterr().out
    assert "1,000 pictures/s" in out and "3.20 GB" in out and "reached" in out
    assert out.count("out of memory") == 3
    saved = json.loads((results / "gpu_torch.json").read_text(encoding="utf-8"))
    assert saved["command"].endswith("--size 200 --steps 50 --peak_tflops 142")
    assert saved["driver"] == ["570.1"] and saved["versions"] and len(saved["rows"]) == 6


def test_jax_hears_of_its_limit_before_it_is_loaded():
    capped = gpu.environment(6 * 2**30, 24 * 2**30)
    assert capped["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "0.2500"
    assert gpu.environment(6 * 2**30, 4 * 2**30)["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "1.0000"
    assert gpu.environment(None, 0)["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"


def test_a_measuring_process_answers_and_one_that_breaks_is_no_figure(monkeypatch, tmp_path):
    script = tmp_path / "child.py"
    script.write_text("print('chatter'); print('{\"a\": 1}')", encoding="utf-8")
    monkeypatch.setattr(gpu, "__file__", str(script))
    assert gpu.ask("look") == {"a": 1}
    script.write_text("import sys; sys.exit(3)", encoding="utf-8")
    with pytest.raises(gpu.RunError, match="code 3"):
        gpu.ask("look")
    assert sys.executable


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
    clocks = []
    plain = on_gpu.Clock
    monkeypatch.setattr(on_gpu, "Clock", lambda: clocks.append(plain()) or clocks[0])
    seconds = on_gpu.step_s(model, 4, 8, 6)
    assert len(clocks[0].ended_s) == on_gpu.WARM_UP + 6
    assert 0 < seconds < 1


def test_a_matrix_product_is_counted_as_two_operations_a_term():
    told = on_gpu.matmul("float32", side=64, repeats=2)
    assert told["flops_per_s"] > 1e6 and told["side"] == 64


def test_the_processor_is_no_gpu():
    seen = on_gpu.look()
    if not seen["gpus"]:
        assert seen["mixed"] == "float32"
        with pytest.raises(gpu.RunError):
            gpu.require_gpu(seen)
