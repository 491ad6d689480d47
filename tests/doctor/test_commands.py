"""The doctor's remedies are commands that this program understands."""

import shlex

import pytest

from fingerspell.cli.main import build_parser
from fingerspell.doctor.folders import _EVALUATE, _EXPORT, _PREPARE, _TRAIN

DOORS = {"backend/prepare_dataset.py": "prepare", "backend/train_finetune.py": "train"}


@pytest.mark.parametrize(
    "command", [f"{_PREPARE} d", f"{_TRAIN} o --resume", f"{_EXPORT} o", f"{_EVALUATE} o"]
)
def test_a_remedy_can_be_typed_as_it_stands(command):
    program, *words = shlex.split(command)
    if program == "python":
        words[0] = DOORS[words[0]]
    build_parser((words[0],)).parse_args(words)
