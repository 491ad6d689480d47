"""What the documentation says is true: commands, links, files, defaults."""

import itertools
import json
import re
import shlex
from pathlib import Path

import pytest

from fingerspell.assets import STARTER
from fingerspell.cli.main import COMMANDS, DOORS, build_parser
from fingerspell.cli.reference import PROGRAMS, _verbs_of, _whole
from fingerspell.config import ModelConfig, PrepareConfig, TrainConfig
from fingerspell.labels import ALPHABET
from fingerspell.live import rules_at
from fingerspell.train.run_folder import FILES
from house import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
DOOR = re.compile(r'door\("(\w+)"\)')
GUIDE = """
pip install -r backend/requirements_training.txt
python backend/prepare_dataset.py --input_dir path/to/your/87k_images --output_dir dataset
python backend/train_finetune.py --dataset_dir dataset --epochs 50 --batch_size 32
tensorboard --logdir output/logs
python backend/run_smoke_test.py
python backend/app.py
""".strip().splitlines()


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def command_lines(text: str) -> list[str]:
    """The lines of code blocks that are commands to type."""
    typed = ("", "bash", "sh", "powershell", "console")
    blocks = [body for language, body in FENCE.findall(text) if language in typed]
    return [line.strip() for body in blocks for line in body.splitlines()]


def door_of(script: Path) -> str:
    """The command that a program under `backend/` opens."""
    assert script.is_file(), f"no {script.name}"
    (name,) = DOOR.findall(script.read_text(encoding="utf-8"))
    return str(name)


def check(line: str) -> None:
    """Raises unless our own parsers, or the files it names, agree with a command."""
    words = shlex.split(line, comments=True)
    if words[0] == "fingerspell":
        build_parser().parse_args(words[1:])
    elif words[:2] == ["python", "run.py"]:
        if words[2] not in ("test", "bench"):
            build_parser().parse_args(words[2:])
    elif words[0] == "python" and words[1].startswith("backend/"):
        name = door_of(ROOT / words[1])
        build_parser((name,)).parse_args([name, *words[2:]])
    elif words[0] == "python" and words[1].startswith("benchmarks/"):
        text = (ROOT / words[1]).read_text(encoding="utf-8")
        beside = [
            ROOT / f"{name.replace('.', '/')}.py"
            for name in re.findall(r"^from (benchmarks[\w.]*) import", text, re.M)
        ]
        text += "".join(path.read_text(encoding="utf-8") for path in beside if path.is_file())
        options = [word for word in words if word.startswith("--")]
        assert all(f'("{option}"' in text for option in options), line
    elif words[0] == "pip":
        assert all((ROOT / b).is_file() for a, b in itertools.pairwise(words) if a == "-r")
    elif words[0] == "tensorboard":
        assert words[1] == "--logdir"
    else:
        modules = ("fingerspell.cli.reference", "fingerspell.cli.release")
        assert words[:2] == ["python", "-m"] and words[2] in modules, f"unknown: {line}"


def test_every_command_in_a_code_block_is_understood(capsys):
    wrong = []
    for path in PAGES:
        for line in command_lines(path.read_text(encoding="utf-8")):
            if line.startswith(("python ", "fingerspell ", "pip ", "tensorboard ")):
                try:
                    check(line)
                except (SystemExit, AssertionError):
                    wrong.append(f"{shown(path)}: {line}\n{capsys.readouterr().err}")
    assert wrong == []


def inline_commands() -> list[str]:
    return [
        code
        for path in PAGES
        for code in INLINE.findall(FENCE.sub("", path.read_text(encoding="utf-8")))
        if code.startswith(("fingerspell ", "python backend/", "python run.py "))
        and not re.search(r"VERB|…|\||\[", code)
    ]


@pytest.mark.parametrize("code", inline_commands())
def test_every_command_in_a_sentence_names_a_verb_and_options_that_exist(code):
    words = shlex.split(code)
    script = ROOT / words[1]
    verb = door_of(script) if words[1].startswith("backend/") else words[1 + (words[1] == "run.py")]
    if verb not in ("test", "bench"):
        assert verb in {*COMMANDS, *PROGRAMS}
        options = _verbs_of(build_parser((verb,)))[verb]._actions
        known = {x for action in options for x in action.option_strings}
        assert {word for word in words if word.startswith("--")} <= known


def test_the_checks_of_commands_can_fail():
    for wrong in (
        "fingerspell doctor --no_such_option",
        "python backend/no_such_door.py",
        "pip install -r backend/none.txt",
        "python benchmarks/release/sources.py --no_such_option",
        "python setup.py",
    ):
        with pytest.raises((SystemExit, AssertionError)):
            check(wrong)


def test_two_commands_and_the_training_guides_stand_there_word_for_word():
    assert FENCE.findall(page("README.md"))[0][1] == "python run.py demo\npython run.py test\n"
    for name in ("README.md", "docs/guide.md"):
        assert set(GUIDE) <= set(command_lines(page(name)))


def test_the_command_reference_is_fresh_and_names_the_programs_as_they_are():
    assert page("docs/cli.md") == _whole(), "run: python -m fingerspell.cli.reference"
    for verb, script in {**DOORS, **PROGRAMS}.items():
        assert door_of(ROOT / "backend" / script) == verb


def anchors(path: Path) -> set[str]:
    """The headings of a page, as GitHub makes anchors of them."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    heads = [line.lstrip("#") for line in text.splitlines() if line.startswith("#")]
    plain = [re.sub(r"[`*\[\]]|\(.*?\)", "", head).strip().lower() for head in heads]
    return {re.sub(r"[^\w\- ]", "", head).replace(" ", "-") for head in plain}


def test_every_relative_link_leads_somewhere_and_no_page_stands_alone():
    wrong, linked = [], set()
    for path in PAGES:
        for target in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
            name, _, anchor = target.partition("#")
            if "://" not in target and not target.startswith("mailto:"):
                goal = (path.parent / name).resolve() if name else path
                linked |= {goal} - {path}
                if not goal.exists() or (anchor and anchor not in anchors(goal)):
                    wrong.append(f"{shown(path)}: {target}")
    assert wrong == []
    assert [shown(p) for p in PAGES if p.parent == ROOT / "docs" and p not in linked] == []


def test_the_guide_lists_the_files_of_a_run_and_no_others():
    section = page("docs/guide.md").split("## 4. Look at the result")[1].split("\n## ")[0]
    listed = {name.rstrip("/") for name in re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)}
    assert listed == set(FILES)


def test_the_documentation_quotes_the_defaults_of_the_code():
    train = TrainConfig(dataset_dir=Path(), output_dir=Path())
    how, guide, mobile = rules_at((), 0.5).evidence, page("docs/guide.md"), page("docs/mobile.md")
    height, width = ModelConfig().image_size_px
    assert f"[1, {height}, {width}, 3]" in mobile
    assert f"[1, {len(ALPHABET)}]" in mobile
    released = json.loads((STARTER / "recogniser.json").read_text(encoding="utf-8"))["threshold"]
    assert f"({train.threshold} to {released}, fitted for each run)" in mobile
    assert f"{released} for the released recogniser" in guide
    assert f"at {how.need_s} s of evidence" in guide and f"after a gap ({how.release_s} s)" in guide
    assert f"evidence ({how.open_need_s} s) and one frame from {how.open_probability} on" in guide
    assert f"within {how.vouch_s:g} s;" in guide and f"or {how.idle_s:g} s without a new" in guide
    majority, hold = (rules_at((), 0.5, rules=name) for name in ("majority", "hold"))
    assert majority.voting is not None
    assert (
        f"last {majority.voting.votes} frames show, each from {majority.voting.threshold}" in guide
    )
    assert f"held for {hold.evidence.need_s} s" in guide
    shares = PrepareConfig(input_dirs=(Path(),), output_dir=Path())
    assert (shares.train_share, shares.val_share, shares.test_share) == (0.70, 0.15, 0.15)
    assert "70, 15 and 15 per cent" in guide


def test_the_versions_that_the_documentation_names_are_the_pinned_ones():
    pins = page("backend/requirements_training.txt")
    (version,) = re.findall(r"^tensorflow==(\S+)$", pins, re.MULTILINE)
    pages = [*PAGES, ROOT / "backend" / "requirements_training.txt"]
    text = "".join(path.read_text(encoding="utf-8") for path in pages)
    assert set(re.findall(r"tensorflow\[and-cuda\]==([\d.]+)", text)) == {version}


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "adr").glob("*")), ids=shown)
def test_a_decision_has_a_number_and_a_title(path):
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)
    assert re.match(rf"# 0*{int(path.name[:4])}\b\W+\w", path.read_text(encoding="utf-8"))


def test_every_reported_fault_names_a_test_that_exists():
    tests = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")
    )
    named = re.findall(r"`(test_\w+)`", page("docs/studies/reported_faults.md"))
    assert len(named) > 30
    assert [name for name in named if f"def {name}(" not in tests] == []
