"""What would stop a run is said before the libraries that take seconds to import."""

import json
import os
import subprocess
import sys

import pytest

from house import ROOT

REFUSALS = {
    "a folder that is not there": (("--overwrite", "--dataset_dir", "absent"), "no folder absent"),
    "a run in the way": ((), "already holds a run"),
    "no such weights": (("--overwrite", "--weights", "absent.h5"), "no such file"),
    "no such people": (("--overwrite", "--unseen_signers", "absent"), "absent"),
    "processes on this backend": (("--overwrite", "--workers", "2"), "KERAS_BACKEND=tensorflow"),
    "a cluster without processes": (("--overwrite", "--ray", "x"), "--ray x without --workers"),
    "a class weight of no class": (("--overwrite", "--config", "w.py"), "class_weight names Jay"),
    "no trial": (("--overwrite", "--tune", "0", "--config", "r.py"), "--tune 0"),
}
RECIPE = (
    "from fingerspell.config import guide\n"
    "search_space = {'finetune.learning_rate': (1e-5, 1e-3, 'log')}\n"
    "def recipe(**given): return guide(**given)\n"
)
WEIGHT = (
    "from fingerspell.config import guide\n"
    "def recipe(**given): return guide(**{**given, 'class_weight': {'Jay': 0.5, 'Z': 0.5}})\n"
)
PROGRAM = """
import contextlib, io, json, sys
from fingerspell.cli.main import main
told = {}
for name, words in json.loads(sys.argv[1]).items():
    with contextlib.redirect_stderr(io.StringIO()) as err:
        code = main(["train", *words])
    told[name] = [code, err.getvalue(), [x for x in ("keras", "tensorflow") if x in sys.modules]]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(data, tmp_path_factory):
    """Every refusal in one process that has never seen Keras."""
    folder = tmp_path_factory.mktemp("refused")
    (folder / "output").mkdir()
    (folder / "output" / "run.json").write_text("{}", encoding="utf-8")
    (folder / "r.py").write_text(RECIPE, encoding="utf-8")
    (folder / "w.py").write_text(WEIGHT, encoding="utf-8")
    words = {k: ["--dataset_dir", str(data), *map(str, v[0])] for k, v in REFUSALS.items()}
    clean = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(words)],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT / "src"), "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
    )
    assert (folder / "output" / "run.json").read_text(encoding="utf-8") == "{}"
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("what", REFUSALS)
def test_what_stops_a_run_ends_with_2_before_keras_is_imported(told, what):
    code, said, imported = told[what]
    assert (code, imported) == (2, [])
    assert REFUSALS[what][1] in said
