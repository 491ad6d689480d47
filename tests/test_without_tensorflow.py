"""Training on a machine without TensorFlow, and exporting what another backend trained."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fingerspell import backends, pipeline
from fingerspell.cli.main import build_parser
from fingerspell.config import guide
from fingerspell.files import HOLDER, this_process
from fingerspell.train.run_folder import FILES
from helpers.needed import need_backend
from helpers.small_run import write_colours

ROOT = Path(__file__).resolve().parents[1]
WANTED = backends.install_backend("tensorflow")
BLOCKED = ROOT / "tests" / "helpers" / "no_tensorflow"
_SINGLE_VIEW = FILES.keys() - {"model_fast_fp16.tflite"}
EXPORTS = {"saved_model", "trained_model_graph.pb", "recogniser.json", "golden", "model.onnx",
           *(name for name in _SINGLE_VIEW if name.endswith(".tflite"))}  # fmt: skip
PROGRAM = """
import sys
from fingerspell import backends
from fingerspell.cli import main
def before_tiny(settle):
    def then(environment):
        settle(environment)
        if sys.argv[1] == "train" or settle.__name__ == "settle_for_export":
            from helpers.tiny_network import train_tiny
            train_tiny()
    return then
backends.settle = before_tiny(backends.settle)
backends.settle_for_export = before_tiny(backends.settle_for_export)
sys.exit(main.main(sys.argv[1:]))
"""
"""The command line, its network replaced once the backend is settled: one that trains at once."""


def fingerspell(
    *options: object, backend: str = "", without_tensorflow: bool = False, program: str = PROGRAM
) -> tuple[int, str, str]:
    """Runs one command in a process of its own; returns its exit code, output and complaints."""
    paths = [str(BLOCKED)] if without_tensorflow else []
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "PYTHONPATH": os.pathsep.join([*paths, str(ROOT / "src"), str(ROOT / "tests")]),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", program, *(str(option) for option in options)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, encoding="utf-8", cwd=ROOT
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def torch():
    need_backend("torch")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_colours(tmp_path_factory.mktemp("data") / "dataset", pictures=(60, 8, 8))


def options(data: Path, output: Path) -> list[object]:
    return ["--dataset_dir", data, "--output_dir", output]


SMALL = ("--weights", "none", "--img_size", 32, 32, "--epochs", 1, "--synth", 0,
         "--backbone", "MobileNetV3Small")  # fmt: skip


@pytest.fixture(scope="module")
def trained(torch, data, tmp_path_factory):
    """A run of a machine without TensorFlow, on which nobody has chosen a backend."""
    output = tmp_path_factory.mktemp("runs") / "output"
    told = fingerspell("train", *options(data, output), *SMALL, without_tensorflow=True)
    return output, *told


def test_training_and_evaluation_work_and_what_is_missing_is_said_first_and_last(trained):
    """On the backend that is installed; the report is the network's own, nothing is exported."""
    output, code, said, complaint = trained
    assert code == 2, complaint
    assert said.splitlines()[0].startswith("note: TensorFlow is not installed")
    assert "test accuracy" in said and "not exported" in said
    assert complaint.splitlines()[-3].startswith("error: TensorFlow is not installed")
    assert "trained and evaluated, but not exported" in complaint
    assert WANTED in complaint
    assert {p.name for p in output.iterdir()} >= _SINGLE_VIEW - EXPORTS
    assert not {p.name for p in output.iterdir()} & EXPORTS
    run, report = (
        json.loads((output / x).read_text(encoding="utf-8"))
        for x in ("run.json", "evaluation_report.json")
    )
    assert run["device"]["backend"] == "torch"
    assert report["pictures"] == 24 and "tflite" not in report


def test_exporting_there_says_what_it_needs(trained, data):
    code, _, complaint = fingerspell("export", *options(data, trained[0]), without_tensorflow=True)
    assert code == 2
    assert WANTED in complaint and "Traceback" not in complaint


def test_what_torch_trained_is_exported_where_tensorflow_is_though_torch_is_chosen(trained, data):
    """The command that the last line of the training named, on a machine that has both."""
    output, _, _, complaint = trained
    assert f" export --output_dir {output} --dataset_dir {data}" in complaint
    code, said, complaint = fingerspell("export", *options(data, output), backend="torch")
    assert code == 0, complaint
    assert "same class on 100.0%" in said
    assert {p.name for p in output.iterdir()} >= EXPORTS


def test_a_command_whose_package_is_missing_says_which_and_how_to_get_it(data, tmp_path):
    plain = "import sys; from fingerspell.cli.main import main; sys.exit(main(sys.argv[1:]))"
    code, _, complaint = fingerspell(
        "evaluate", *options(data, tmp_path),
        backend="tensorflow", without_tensorflow=True, program=plain,
    )  # fmt: skip
    assert code == 2
    assert "'tensorflow' is not installed" in complaint
    assert WANTED in complaint and "Traceback" not in complaint


GIVEN = (Path("my output"), Path("dataset"), (Path("her hands"), Path("his")), True)
AFTERWARDS = (
    "fingerspell export --output_dir 'my output' --dataset_dir dataset",
    "fingerspell evaluate --output_dir 'my output' --dataset_dir dataset "
    "--unseen_signers 'her hands' his --trust",
)


def test_an_export_elsewhere_leaves_the_gpu_alone_and_says_what_is_left(monkeypatch):
    seen, codes = {}, iter([0, 1])

    def run(command, env):
        seen.update(command=command, env=env)
        return subprocess.CompletedProcess(command, next(codes))

    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setattr(pipeline.subprocess, "run", run)
    pipeline._export_elsewhere(*GIVEN)
    assert seen["command"][1:4] == ["-m", "fingerspell", "export"]
    assert seen["env"]["KERAS_BACKEND"] == "tensorflow"
    assert seen["env"]["CUDA_VISIBLE_DEVICES"] == "-1"
    assert seen["env"][HOLDER] == this_process(), "it may write where this process does"
    with pytest.raises(pipeline.ExportError) as told:
        pipeline._export_elsewhere(*GIVEN)
    assert all(command in told.value.fix for command in AFTERWARDS)


@pytest.mark.parametrize("command", AFTERWARDS)
def test_the_commands_can_be_typed(command):
    program, *words = shlex.split(command)
    assert program == "fingerspell"
    assert build_parser().parse_args(words).output_dir == GIVEN[0]


def test_without_unseen_signers_none_are_named():
    fix = pipeline._not_exported(Path("output"), Path("dataset")).fix
    assert "--unseen_signers" not in fix and "--trust" not in fix


def test_the_road_hands_on_what_was_given(monkeypatch):
    """Everything but the end of it is left out: nothing is trained."""
    stood_in = ("_parity_samples", "_all_unseen_signers", "train", "evaluate_run", "summary")
    for name in ("read_manifest", *stood_in):
        monkeypatch.setattr(pipeline, name, lambda *_, **__: {"labels": ()})
    monkeypatch.setattr(backends, "is_installed", lambda name: False)
    monkeypatch.setattr(pipeline.keras.backend, "backend", lambda: "torch")
    config = guide(dataset_dir=GIVEN[1], output_dir=GIVEN[0], trust=True)
    with pytest.raises(pipeline.ExportError) as told:
        pipeline.train_and_export(config, "", GIVEN[2])
    assert all(command in told.value.fix for command in AFTERWARDS)
    monkeypatch.setattr(backends, "is_installed", lambda name: True)
    seen = []
    monkeypatch.setattr(pipeline, "_export_elsewhere", lambda *given: seen.append(given))
    pipeline.train_and_export(config, "", GIVEN[2])
    assert seen == [GIVEN]
