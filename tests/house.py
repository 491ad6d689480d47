"""Measures how the package is built: `python tests/house.py` prints the figures.

Imports are read from the source text, also those inside functions; nothing of the package is run.
"""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "fingerspell"
ROADS = (("prepare/prepare.py", "prepare"), ("train/run.py", "train"))
"""Where the settings of the two main commands enter."""


def modules(source: Path = SOURCE) -> list[Path]:
    """Every Python file of the package."""
    return sorted(source.rglob("*.py"))


def shown(path: Path, source: Path = SOURCE) -> str:
    """A file's path below the package."""
    return path.relative_to(source).as_posix()


def room_of(path: Path, source: Path = SOURCE) -> str:
    """The folder of the package that a file lies in, or its own name at the top."""
    return path.relative_to(source).parts[0].removesuffix(".py")


@cache
def tree_of(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path, source: Path = SOURCE) -> Iterator[str]:
    """Every module a file imports anywhere, as a dotted name; relative imports count too."""
    package = ("fingerspell", *path.relative_to(source).parent.parts)
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{start}.{name.name}" for name in node.names)


def file_of(name: str, source: Path = SOURCE) -> Path | None:
    """The file in which a dotted name of the package lies; a package's face is looked through."""
    parts = name.split(".")[1:]
    for length in range(len(parts), 0, -1):
        place = source.joinpath(*parts[:length])
        if place.with_suffix(".py").is_file():
            return place.with_suffix(".py")
        face = place / "__init__.py"
        if face.is_file() and length < len(parts):
            behind = names_from(face).get(parts[length])
            return (file_of(behind, source) if behind else None) or face
    return None


@cache
def names_from(path: Path) -> dict[str, str]:
    """The names that a file takes out of modules, each with the dotted name of its origin."""
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0
        for alias in node.names
    }


def graph(source: Path = SOURCE) -> dict[Path, set[Path]]:
    """Which file of the package imports which."""
    edges: dict[Path, set[Path]] = {}
    for path in modules(source):
        names = (name for name in imports(path, source) if name.startswith("fingerspell."))
        goals = {goal for name in names if (goal := file_of(name, source)) is not None}
        edges[path] = goals - {path}
    return edges


def longest_chain(edges: dict[Path, set[Path]]) -> list[Path]:
    """The longest row of files of which each imports the next; raises where imports go round."""

    @cache
    def below(path: Path) -> tuple[Path, ...]:
        return (path, *max((below(goal) for goal in edges.get(path, ())), key=len, default=()))

    return list(max((below(path) for path in edges), key=len, default=()))


class Walk:
    """Follows one parameter through the calls that pass it on, in the order of the source.

    `stays` are the files entered; a file that is entered again after another stands there twice.
    """

    def __init__(self, source: Path = SOURCE) -> None:
        self.source, self.stays = source, list[Path]()
        self._done: set[tuple[Path, str, str]] = set()

    def enter(self, path: Path, function: str, parameter: str) -> None:
        """Walks on inside one function, once for each of its parameters."""
        node = _definition(path, function)
        if node is None or (path, function, parameter) in self._done:
            return
        self._done.add((path, function, parameter))
        if self.stays[-1:] != [path]:
            self.stays.append(path)
        carried = {parameter}
        for part in ast.walk(node):
            if isinstance(part, ast.Assign) and _comes_from(part.value, carried):
                carried |= {name for target in part.targets for name in _names(target)}
            elif isinstance(part, ast.For | ast.comprehension) and _is_part_of(part.iter, carried):
                carried |= _names(part.target)
        calls = (n for n in ast.walk(node) if isinstance(n, ast.Call))
        for call in sorted(calls, key=lambda n: (n.end_lineno, n.end_col_offset)):
            self._follow(path, call, carried)

    def _follow(self, path: Path, call: ast.Call, carried: set[str]) -> None:
        goal, name = _callee(path, call.func, self.source)
        node = _definition(goal, name) if goal else None
        if goal is None or node is None:
            return
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args) if a.arg != "self"]
        passed = [
            *zip(names, call.args, strict=False),
            *[(k.arg, k.value) for k in call.keywords if k.arg],
        ]
        for parameter, value in passed:
            if _is_part_of(value, carried):
                self.enter(goal, name, parameter)


def _names(target: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def _is_part_of(value: ast.expr, names: set[str]) -> bool:
    """Whether an expression is one of `names`, or an attribute or item of one."""
    while isinstance(value, ast.Attribute | ast.Subscript | ast.Starred):
        value = value.value
    return isinstance(value, ast.Name) and value.id in names


def _comes_from(value: ast.expr, names: set[str]) -> bool:
    """Whether an expression is a part of one of `names`, or a call that is handed one."""
    if isinstance(value, ast.Call):
        return any(_is_part_of(v, names) for v in (*value.args, *(k.value for k in value.keywords)))
    return _is_part_of(value, names)


def _definition(path: Path, name: str) -> ast.FunctionDef | None:
    holder, _, method = name.partition(".")
    body = tree_of(path).body
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name == holder:
            body, name = node.body, method or "__init__"
    return next((n for n in body if isinstance(n, ast.FunctionDef) and n.name == name), None)


def _callee(path: Path, function: ast.expr, source: Path) -> tuple[Path | None, str]:
    """The file and name of what a call names: defined here, imported, or behind a module."""
    name = ""
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        name = names_from(path).get(function.value.id, "") + f".{function.attr}"
    elif isinstance(function, ast.Name):
        if _definition(path, function.id):
            return path, function.id
        name = names_from(path).get(function.id, "")
    goal = file_of(name, source) if name.startswith("fingerspell.") else None
    return goal, name.rpartition(".")[2]


def lines(path: Path) -> int:
    """How many lines a file has."""
    return len(path.read_text(encoding="utf-8").splitlines())


def tracked() -> list[str]:
    """The files of a commit by their paths below `ROOT`, or those of a copy without git."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    away = {".venv", "__pycache__", ".git", "node_modules", "dataset", "output", "demo"}
    found = (ROOT / x for x in listed) if listed else ROOT.rglob("*")
    names = [path.relative_to(ROOT) for path in found if path.is_file()]
    return [name.as_posix() for name in names if listed or not away & set(name.parts)]


def main(root: Path) -> None:
    """Prints every figure of a checkout."""
    source = root / "src" / "fingerspell"
    sizes = [lines(path) for path in modules(source)]
    chain = longest_chain(graph(source))
    print(f"longest import chain: {len(chain)}: {' > '.join(shown(p, source) for p in chain)}")
    for file, function in ROADS:
        path = source / file if (source / file).is_file() else source / "data/prepare.py"
        walk = Walk(source)
        walk.enter(path, function, "config")
        files = len(set(walk.stays))
        print(f"{function}(config): {files} files, {len(walk.stays) - files} returns")
    print(f"src: {len(sizes)} files, {sum(sizes):,} lines, median {statistics.median(sizes):.0f}")
    public = sum(
        isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        for path in modules(source)
        for node in tree_of(path).body
    )
    print(f"public functions and classes in src: {public}")
    for folder in ("benchmarks", "tests"):
        print(f"{folder}: {sum(map(lines, (root / folder).rglob('*.py'))):,} lines")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT)
