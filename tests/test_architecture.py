"""The house holds together: who may import whom, what every room keeps to, and one vocabulary.

Each test lists all offenders at once. `python tests/house.py` prints the figures behind the limits.
"""

from __future__ import annotations

import ast
import os
import re
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import house
from house import ROOT, SOURCE, imports, longest_chain, modules, room_of, shown, tree_of

LEAVES = {"errors", "labels", "files", "images", "install"}
MAY_IMPORT = {
    "errors": set(),
    "assets": set(),
    "install": set(),
    "labels": {"errors"},
    "machine": set(),
    "progress": set(),
    "files": {"errors"},
    "backends": {"errors", "install"},
    "images": {"errors", "install"},
    "config": {"errors"},
    "synth": {*LEAVES, "machine", "progress"},
    "dataset": {*LEAVES, "machine", "progress"},
    "report": {*LEAVES, "dataset", "progress"},
    "prepare": {*LEAVES, "config", "dataset", "machine", "progress", "report"},
    "loading": {*LEAVES, "config", "dataset", "machine", "synth"},
    "model": {*LEAVES, "assets", "config"},
    "runtime": {*LEAVES, "assets", "backends", "machine"},
    "live": {*LEAVES, "config"},
    "evaluate": {*LEAVES, "config", "report", "runtime", "live"},
    "export": {*LEAVES, "backends", "model", "runtime", "live", "synth"},
    "train": {
        *LEAVES, "assets", "config", "dataset", "evaluate", "loading", "machine", "model",
        "progress", "synth",
    },
    "serve": {*LEAVES, "config", "machine", "runtime", "live"},
    "doctor": {"errors", "assets", "backends", "dataset", "files", "install"},
    "download": {"errors", "install", "labels"},
    "pipeline": {
        *LEAVES, "assets", "backends", "config", "dataset", "evaluate", "export", "live",
        "loading", "machine", "model", "prepare", "progress", "report", "runtime", "train",
    },
    "__init__": {"runtime"},
    "__main__": {"cli"},
}  # fmt: skip
"""Which rooms a room may import; `cli` may import all, and nobody imports `cli`."""

BACKENDS = {"tensorflow", "torch", "jax"}
TRAINING_LIBRARIES = {"keras", "grain", *BACKENDS}
PICTURE_CODECS = {"simplejpeg", "PIL"}
DECODING = re.compile("imread|imdecode|imreadmulti|decode_jpeg|decode_image")

MAX_CHAIN = 12
MAX_LINES = 500
MEDIAN_LINES = (120, 190)
MAX_FILES_IN_A_ROOM = 20


def rooms_imported(path: Path) -> set[str]:
    names = [name for name in imports(path) if name.startswith("fingerspell.")]
    rooms = {name.split(".")[1] for name in names}
    return {room for room in rooms if not room.startswith("__")} - {room_of(path)}


def libraries(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def offenders(rooms: set[str], forbidden: set[str]) -> dict[str, set[str]]:
    """The files of some rooms that import a library which they must not."""
    found = {shown(p): libraries(p) & forbidden for p in modules() if room_of(p) in rooms}
    return {name: used for name, used in found.items() if used}


def reached_from(room: str) -> set[str]:
    """Every room that importing `room` can reach, at any distance."""
    edges: dict[str, set[str]] = {}
    for path in modules():
        edges.setdefault(room_of(path), set()).update(rooms_imported(path))
    seen, open_rooms = set[str](), {room}
    while open_rooms:
        now = open_rooms.pop()
        seen.add(now)
        open_rooms |= edges.get(now, set()) - seen
    return seen - {room}


def test_imports_go_only_where_the_plan_allows():
    assert {room_of(path) for path in modules()} - {"cli"} == MAY_IMPORT.keys()
    wrong = {
        shown(path): over
        for path in modules()
        if room_of(path) != "cli" and (over := rooms_imported(path) - MAY_IMPORT[room_of(path)])
    }
    assert wrong == {}


def test_the_server_reaches_nothing_that_prepares_trains_or_exports():
    assert reached_from("serve") >= {"runtime", "live", "errors"}, "at any distance"
    away = {"dataset", "prepare", "loading", "model", "train", "export", "evaluate", "report"}
    assert not reached_from("serve") & {*away, "synth", "pipeline"}


def test_no_import_chain_is_long_and_none_goes_round():
    chain = [shown(path) for path in longest_chain(house.graph())]
    assert len(chain) <= MAX_CHAIN, " > ".join(chain)


def test_each_library_is_used_only_where_it_belongs():
    answering = {"runtime", "live", "serve", "images", "doctor"}
    opener = "runtime/tensorflow_model.py"
    assert offenders(answering, TRAINING_LIBRARIES) == {opener: {"tensorflow"}}
    top = [ast.unparse(node) for node in tree_of(SOURCE / opener).body]
    assert not [line for line in top if line.startswith(("import tensorflow", "from tensorflow"))]
    elsewhere = set(MAY_IMPORT) - {"report"}
    assert offenders({*elsewhere, "cli"}, {"jinja2", "markupsafe"}) == {}
    before_installing = {"backends", "config", "doctor", "errors", "files", "install", "labels"}
    outside = {
        shown(path): foreign
        for path in modules()
        if room_of(path) in before_installing
        and (foreign := libraries(path) - {"fingerspell", "psutil"} - sys.stdlib_module_names)
    }
    assert outside == {}, "these rooms work before anything is installed"


def test_training_calls_a_backend_in_one_file_each():
    by_library: dict[str, list[str]] = {}
    for path in modules():
        if room_of(path) in {"dataset", "prepare", "loading", "model", "train"}:
            for library in libraries(path) & BACKENDS:
                by_library.setdefault(library, []).append(shown(path))
    assert {library: paths for library, paths in by_library.items() if len(paths) > 1} == {}


def test_only_images_decodes_pictures():
    """The graph that is exported decodes by itself: `tf.io.decode_jpeg` is no decoding here."""
    assert offenders({*MAY_IMPORT, "cli"} - {"images"}, PICTURE_CODECS) == {}
    calls = [
        (shown(path), called)
        for path in modules()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and room_of(path) != "images"
        if DECODING.fullmatch((called := ast.unparse(node.func)).rpartition(".")[2])
        and not called.startswith("tf.")
    ]
    assert calls == [], "use fingerspell.images.decode or read"


def test_a_command_module_imports_nothing_heavy_at_its_top():
    light = ("errors", "labels", "config", "files", "install", "machine", "cli.options")
    allowed = {"fingerspell", *(f"fingerspell.{name}" for name in light)}
    wrong = []
    for path in sorted((SOURCE / "cli").rglob("*.py")):
        for node in tree_of(path).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                if module not in allowed and module.split(".")[0] not in sys.stdlib_module_names:
                    wrong.append((shown(path), module))
    assert wrong == []


def test_help_and_doctor_come_before_anything_is_installed():
    """With the package and the standard library only, as on a machine without pip."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    start = f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r})"
    code = f"{start}; from fingerspell.cli.main import main; sys.exit(main(sys.argv[1:]))"

    def bare(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", "-c", code, *words]
        return subprocess.run(command, capture_output=True, text=True, env=clean)

    answer = bare("--help")
    assert answer.returncode == 0, answer.stderr
    assert "doctor" in answer.stdout
    answer = bare("doctor", "--quick", "--json")
    assert '"topic": "Python"' in answer.stdout, answer.stderr
    assert "Traceback" not in answer.stderr


def test_help_takes_less_than_four_tenths_of_a_second_of_processor_time():
    measure = (
        "import time; from fingerspell.cli.main import build_parser;"
        "build_parser().format_help(); print(time.process_time())"
    )
    path = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    times = [
        float(subprocess.check_output([sys.executable, "-c", measure], text=True, env=path))
        for _ in range(3)
    ]
    assert min(times) < 0.4


def test_modules_and_their_public_names_say_what_they_are_for():
    silent: list[str] = []
    for path in modules():
        told = {"add_arguments", "run"} if room_of(path) == "cli" else set()
        parts = [n for n in tree_of(path).body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
        silent += [
            f"{shown(path)}: {n.name}"
            for n in parts
            if not n.name.startswith("_") and n.name not in told and ast.get_docstring(n) is None
        ]
        if tree_of(path).body and ast.get_docstring(tree_of(path)) is None:
            silent.append(shown(path))
    assert silent == []


def test_asserts_tell_the_type_checker_something_and_check_nobodys_input():
    narrowing = re.compile(r"isinstance\(.*\)|\w[\w.]* is not None")
    asserts = [
        f"{shown(path)}: {ast.unparse(node.test)}"
        for path in modules()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Assert) and not narrowing.fullmatch(ast.unparse(node.test))
    ]
    assert asserts == []


def test_files_and_rooms_have_a_natural_size():
    sizes = {path: house.lines(path) for path in modules()}
    assert {shown(path): size for path, size in sizes.items() if size > MAX_LINES} == {}
    assert MEDIAN_LINES[0] <= statistics.median(sizes.values()) <= MEDIAN_LINES[1]
    rooms = Counter(shown(path.parent) for path in modules() if path.name != "__init__.py")
    assert {room: count for room, count in rooms.items() if count > MAX_FILES_IN_A_ROOM} == {}


NO_TEXT = {
    ".gz",
    ".webp",
    ".tflite",
    ".png",
    ".jpg",
    ".jpeg",
    ".h5",
    ".npz",
    ".pb",
    ".mp4",
    ".woff2",
    ".ico",
}
MACHINE_PATH = re.compile(r"(?<![\w.])(/(?:home|root|Users|work)/|[A-Z]:\\Users\\)\w")
REGISTRY = re.compile(
    r"--(extra-)?index-url|--find-links|\"resolved\": *\"http|registry *= *[\"']?http"
)


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY], ids=["machine path", "registry host"])
def test_no_file_names_one_machine_or_one_registry(pattern):
    found = [
        f"{name}: {match.group()}"
        for name in house.tracked()
        if (path := ROOT / name) != Path(__file__).resolve()
        and path.suffix not in NO_TEXT
        and (match := pattern.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert found == []


READ = {".py", ".md", ".toml", ".txt", ".j2", ".css", ".json", ".yml", ".html"}
HISTORY = ("docs/studies/records/", "docs/studies/data/", "benchmarks/results/")
"""What tells of the past: measurements keep the names of the commands that made them."""

EARLIER = {
    "src/fingerspell/dataset/manifest.py": r'"strangers"',
    "tests/dataset/test_manifest.py": r"strangers",
    "tests/runtime/test_library.py": r'"outsiders"',
    "tests/train/test_run_folder.py": r"looks=",
}
"""Where a name that an earlier version wrote is read, to refuse it with a reason."""

RETIRED = {
    "unseen signers": r"strangers?\b",
    "non-letters": r"outsiders?\b",
    "synthetic hands": r"drawn (hands?|letters?)|rehears\w+|drawn_per_class",
    "ablations": r"levers?\b",
    "single view, hand crop": r"\b(looks?|looking) (once|twice|closer)\b|\bcloser look|look_closer"
    r"|\blooks=|model\.looks",
    "rank 0": r"\bis_chief|\bchief\b",
    "process group": r"\bpart_ways|\bTeam\(",
    "GPU": r"\b(on|of) (one|the|a) card\b(?! for)|graphics card",
    "best weights": r"\bKeepBest\b",
    "omit it": r"leav(e|es|ing) (it|them|that|--\w+) away",
    "user_groups": r"\bgiven_groups\b",
    "dataset, prepare, loading, report": r"fingerspell[./]data\b[./]",
    "train/distributed": r"train[./]cluster\b",
    "plain English": r"as its settings ask|that is borne|\bis borne\b",
}
GLOSSARY = re.compile(r"<!-- glossary -->.*?<!-- end glossary -->", re.DOTALL)


def retired(text: str) -> list[str]:
    """The retired words in a text, each with the word that it gives way to."""
    return [
        f"{match.group()!r}: say {instead}"
        for instead, pattern in RETIRED.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]


def test_no_retired_word_is_left_in_what_people_or_programs_read_today():
    wrong = {}
    for name in house.tracked():
        path = ROOT / name
        if (
            path.suffix in READ
            and path != Path(__file__).resolve()
            and not name.startswith(HISTORY)
        ):
            text = GLOSSARY.sub("", path.read_text(encoding="utf-8", errors="replace"))
            if words := retired(re.sub(EARLIER.get(name, r"(?!)"), "", text)):
                wrong[name] = words
    assert wrong == {}


def test_a_retired_word_would_be_seen():
    assert retired("it reads strangers") == ["'strangers': say unseen signers"]
    assert retired("omit the option; an unseen signer; a model card") == []


def test_the_glossary_says_what_to_write_instead():
    table = GLOSSARY.search((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert table
    assert all(word in table.group() for word in ("unseen signers", "ablations", "rank 0", "GPU"))
