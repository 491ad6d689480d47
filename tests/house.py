"""Measures how the package is built: `python tests/house.py` prints the figures.

Imports are read from the source text, also those inside functions; nothing of the package is run.
"""

from __future__ import annotations

import ast
import statistics
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
            return _behind(face, parts[length], source) or face
    return None


def _behind(face: Path, name: str, source: Path) -> Path | None:
    for node in tree_of(face).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return file_of(f"{node.module}.{alias.name}", source)
    return None


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

    `files` are those entered; `returns` counts how often a file is entered again after another.
    """

    def __init__(self, source: Path = SOURCE) -> None:
        self.source, self.stays = source, list[Path]()
        self._done: set[tuple[Path, str, str]] = set()

    @property
    def files(self) -> set[Path]:
        """Every file entered."""
        return set(self.stays)

    @property
    def returns(self) -> int:
        """How often a file is entered that was left before."""
        return len(self.stays) - len(self.files)

    def enter(self, path: Path, function: str, parameter: str) -> None:
        """Walks on inside one function, once for each of its parameters."""
        node = _definition(path, function)
        if node is None or (path, function, parameter) in self._done:
            return
        self._done.add((path, function, parameter))
        self._stay(path)
        carried = {parameter}
        for part in ast.walk(node):
            if isinstance(part, ast.Assign) and _comes_from(part.value, carried):
                carried |= {
                    n.id for t in part.targets for n in ast.walk(t) if isinstance(n, ast.Name)
                }
            elif isinstance(part, ast.For | ast.comprehension) and _is_part_of(part.iter, carried):
                carried |= _names(part.target)
        for call in sorted(
            (n for n in ast.walk(node) if isinstance(n, ast.Call)),
            key=lambda n: (n.end_lineno, n.end_col_offset),
        ):
            self._follow(path, call, carried)

    def _stay(self, path: Path) -> None:
        if not self.stays or self.stays[-1] != path:
            self.stays.append(path)

    def _follow(self, path: Path, call: ast.Call, carried: set[str]) -> None:
        found = _callee(path, call.func, self.source)
        if found is None:
            return
        goal, name = found
        node = _definition(goal, name)
        if node is None:
            return
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args) if a.arg != "self"]
        passed = [
            *[(names[i], v) for i, v in enumerate(call.args) if i < len(names)],
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
    for node in tree_of(path).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
        if isinstance(node, ast.ClassDef) and node.name == holder:
            wanted = method or "__init__"
            return next(
                (n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == wanted), None
            )
    return None


def _callee(path: Path, function: ast.expr, source: Path) -> tuple[Path, str] | None:
    """The file and name of what a call names: defined here, imported, or behind a module."""
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        name = _imported(path).get(function.value.id, "") + f".{function.attr}"
    elif isinstance(function, ast.Name):
        if _definition(path, function.id):
            return path, function.id
        name = _imported(path).get(function.id, "")
    else:
        return None
    goal = file_of(name, source) if name.startswith("fingerspell.") else None
    return (goal, name.rsplit(".", 1)[1]) if goal else None


@cache
def _imported(path: Path) -> dict[str, str]:
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0
        for alias in node.names
    }


def lines(folder: str, root: Path = ROOT) -> int:
    """How many lines of Python a folder of the project has."""
    files = (root / folder).rglob("*.py")
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)


def main(root: Path) -> None:
    """Prints every figure of a checkout."""
    source = root / "src" / "fingerspell"
    sizes = [len(path.read_text(encoding="utf-8").splitlines()) for path in modules(source)]
    chain = longest_chain(graph(source))
    print(f"longest import chain: {len(chain)}: {' > '.join(shown(p, source) for p in chain)}")
    for file, function in ROADS:
        path = source / file if (source / file).is_file() else source / "data/prepare.py"
        walk = Walk(source)
        walk.enter(path, function, "config")
        print(f"{function}(config): {len(walk.files)} files, {walk.returns} returns")
    print(f"src: {len(sizes)} files, {sum(sizes):,} lines, median {statistics.median(sizes):.0f}")
    public = sum(
        isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        for path in modules(source)
        for node in tree_of(path).body
    )
    print(f"public functions and classes in src: {public}")
    print(f"benchmarks: {lines('benchmarks', root):,} lines, tests: {lines('tests', root):,} lines")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT)
