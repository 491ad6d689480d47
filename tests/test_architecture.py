"""The house holds together: who may import whom, and what every room keeps to."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "fingerspell"

LEAVES = {"errors", "labels", "images"}
MAY_IMPORT = {
    "errors": set(),
    "assets": set(),
    "backends": {"errors"},
    "cores": set(),
    "labels": set(),
    "progress": set(),
    "images": {"errors"},
    "config": {"errors"},
    "data": {*LEAVES, "config", "cores", "progress", "report", "synth"},
    "report": {*LEAVES, "data", "progress"},
    "synth": {*LEAVES, "config", "cores", "progress"},
    "model": {*LEAVES, "assets", "config"},
    "runtime": {*LEAVES, "assets"},
    "live": {*LEAVES, "config"},
    "evaluate": {*LEAVES, "config", "report", "runtime", "live"},
    "export": {*LEAVES, "backends", "model", "runtime", "live"},
    "train": {
        *LEAVES, "assets", "config", "cores", "data", "evaluate", "model", "progress", "synth",
    },
    "serve": {*LEAVES, "config", "runtime", "live"},
    "doctor": {"errors", "assets", "backends"},
    "download": {"errors", "labels"},
    "pipeline": {
        *LEAVES, "assets", "backends", "config", "data", "evaluate", "export", "live", "model",
        "progress", "report", "runtime", "train",
    },
    "__init__": set(),
    "__main__": {"cli"},
}  # fmt: skip
"""Which rooms a room may import; `cli` may import all, and nobody imports `cli`."""

PUBLIC_ROOMS = sorted(MAY_IMPORT.keys() - {"__init__", "__main__"})
PICTURE_CODECS = {"simplejpeg", "PIL"}
DECODING = re.compile(r"\b(imread|imdecode|imreadmulti|decode_jpeg|decode_image)\b")


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def shown(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports anywhere, as a dotted name; relative imports count too."""
    package = ("fingerspell", *path.relative_to(SOURCE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{start}.{name.name}" for name in node.names)


def rooms_imported(path: Path) -> set[str]:
    rooms = {name.split(".")[1] for name in imports(path) if name.startswith("fingerspell.")}
    return {room for room in rooms if not room.startswith("__")} - {room_of(path)}


def libraries(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


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


def test_every_room_is_in_the_plan():
    assert {room_of(path) for path in modules()} - {"cli"} <= MAY_IMPORT.keys()


@pytest.mark.parametrize("path", modules(), ids=shown)
def test_imports_go_only_where_the_plan_allows(path):
    if room_of(path) != "cli":
        assert rooms_imported(path) <= MAY_IMPORT[room_of(path)]


def test_the_server_reaches_neither_data_nor_model_nor_train_nor_export():
    assert reached_from("serve") >= {"runtime", "live"}
    assert not reached_from("serve") & {
        "data", "model", "train", "export", "evaluate", "report", "synth",
    }  # fmt: skip


def test_reports_read_the_manifest_and_quality_and_nothing_else_of_a_data_set():
    known = {
        "fingerspell.dataset.manifest",
        "fingerspell.dataset.quality",
        "fingerspell.dataset.quality",
    }
    asked = {
        name.rpartition(".")[0]
        for path in modules()
        if room_of(path) == "report"
        for name in imports(path)
        if name.startswith("fingerspell.data")
    }
    assert asked == known


def test_what_answers_needs_no_template_library():
    wanted = {shown(path) for path in modules() if libraries(path) & {"jinja2", "markupsafe"}}
    assert {name.partition("/")[0] for name in wanted} == {"report"}


def test_an_import_over_two_corners_would_be_seen(tmp_path, monkeypatch):
    for name, text in {
        "serve": "from fingerspell import runtime",
        "runtime": "def f():\n    from fingerspell.train import run",
        "train": "",
    }.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys.modules[__name__], "SOURCE", tmp_path)
    assert reached_from("serve") == {"runtime", "train"}


@pytest.mark.parametrize("path", modules(), ids=shown)
def test_what_answers_needs_no_training_library(path):
    if room_of(path) in {"runtime", "live", "serve", "images", "doctor"}:
        assert not libraries(path) & {"keras", "tensorflow", "torch", "jax", "grain"}


@pytest.mark.parametrize("path", modules(), ids=shown)
def test_what_comes_before_installing_needs_the_standard_library_only(path):
    if room_of(path) in {"backends", "config", "doctor", "errors", "labels"}:
        assert libraries(path) - {"fingerspell", "psutil"} <= sys.stdlib_module_names


def test_training_calls_a_backend_in_one_file_each():
    by_library: dict[str, list[str]] = {}
    for path in modules():
        if room_of(path) in {"data", "model", "train"}:
            for library in libraries(path) & {"tensorflow", "torch", "jax"}:
                by_library.setdefault(library, []).append(shown(path))
    assert {library: paths for library, paths in by_library.items() if len(paths) > 1} == {}


@pytest.mark.parametrize("path", modules(), ids=shown)
def test_only_images_decodes_pictures(path):
    if room_of(path) != "images":
        assert not libraries(path) & PICTURE_CODECS
        assert not DECODING.findall(_code_only(path)), "use fingerspell.images.decode or read"


def _code_only(path: Path) -> str:
    """The names that the code calls; strings and comments are free to mention them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return " ".join(_last_name(call) for call in calls if "tf" not in _first_name(call))


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _first_name(node: ast.expr) -> str:
    """The graph that is exported decodes by itself: `tf.io.decode_jpeg` is no decoding here."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return getattr(node, "id", "")


@pytest.mark.parametrize("path", sorted((SOURCE / "cli").glob("*.py")), ids=shown)
def test_a_command_module_imports_nothing_heavy_at_its_top(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {
        name
        for node in top
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [x.name for x in node.names]
        )
    }
    ours = {name for name in names if name.startswith("fingerspell")}
    light = {"errors", "labels", "config", "cli.options"}  # The last is held to this test itself.
    assert ours <= {"fingerspell", *(f"fingerspell.{name}" for name in light)}
    assert {name.split(".")[0] for name in names - ours} <= sys.stdlib_module_names


def bare(code: str) -> subprocess.CompletedProcess[str]:
    """Runs code with the package and the standard library only, as on a machine without pip."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    start = f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r})\n"
    command = [sys.executable, "-I", "-S", "-c", start + code]
    return subprocess.run(command, capture_output=True, text=True, env=clean)


def test_the_command_line_explains_itself_before_anything_is_installed():
    answer = bare("from fingerspell.cli.main import main; main(['--help'])")
    assert answer.returncode == 0, answer.stderr
    assert "doctor" in answer.stdout


def test_the_doctor_comes_before_anything_is_installed():
    answer = bare("from fingerspell.cli.main import main; main(['doctor', '--quick', '--json'])")
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


def public(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Functions and classes at the top of a module that others may use."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node


@pytest.mark.parametrize("path", modules(), ids=shown)
def test_modules_and_their_public_names_say_what_they_are_for(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {"add_arguments", "run"} if room_of(path) == "cli" else set()  # by cli/main.py
    silent = [node.name for node in public(tree) if ast.get_docstring(node) is None]
    assert set(silent) - told == set()
    if tree.body and path.name != "__init__.py":
        assert ast.get_docstring(tree)


@pytest.mark.parametrize("path", modules(), ids=shown)
def test_asserts_tell_the_type_checker_something_and_check_nobodys_input(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    asserts = [node.test for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    narrowing = re.compile(r"isinstance\(.*\)|\w[\w.]* is not None")
    assert [ast.unparse(x) for x in asserts if not narrowing.fullmatch(ast.unparse(x))] == []


@pytest.mark.parametrize("path", modules(), ids=shown)
def test_a_file_stays_readable(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


NO_TEXT = {".tflite", ".png", ".jpg", ".jpeg", ".h5", ".npz", ".pb", ".mp4", ".woff2", ".ico"}
MACHINE_PATH = re.compile(r"(?<![\w.])(/(?:home|root|Users|work)/|[A-Z]:\\Users\\)\w")
REGISTRY = re.compile(
    r"--(extra-)?index-url|--find-links|\"resolved\": *\"http|registry *= *[\"']?http"
)


def tracked() -> list[Path]:
    """The files of a commit, or those of a copy without git."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / line for line in listed.stdout.splitlines()]
    else:
        away = {".venv", "__pycache__", ".git", "node_modules", "dataset", "output", "demo"}
        paths = [path for path in ROOT.rglob("*") if not away & set(path.relative_to(ROOT).parts)]
    return [path for path in paths if path.is_file() and path.suffix not in NO_TEXT]


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY], ids=["machine path", "registry host"])
def test_no_file_names_one_machine_or_one_registry(pattern):
    this = Path(__file__).resolve()
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked()
        if path.resolve() != this
        and (match := pattern.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert found == []
