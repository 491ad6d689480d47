"""The studio's engine in Node: the live rules, scaling and motion are held to Python's."""

import gzip
import json
import os
import subprocess
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from fingerspell.images import fit
from fingerspell.labels import ALPHABET
from fingerspell.live import Sign
from fingerspell.live.words import WordList, WordRules, decode
from fingerspell.runtime.motion import motion, thumbnail
from fingerspell.serve.studio import STATIC
from house import ROOT
from live.make_vectors import HERE as VECTORS

WEB = ROOT / "web"
SIZES = {"camera": (480, 640), "square": (480, 480), "tall": (333, 201), "tiny": (61, 50)}


def write_cases(folder: Path) -> None:
    """Writes pictures with what Python makes of them."""
    rng, cases = np.random.default_rng(5), []
    for name, (height, width) in SIZES.items():
        coarse = rng.integers(0, 256, (7, 9, 3)).astype(np.float32)
        rows, columns = np.arange(height) * 7 // height, np.arange(width) * 9 // width
        rgb = np.clip(coarse[rows][:, columns] + rng.normal(0, 20, (height, width, 3)), 0, 255)
        rgb = rgb.astype(np.uint8)
        (folder / f"{name}.rgba").write_bytes(np.dstack([rgb, np.full_like(rgb[..., 0], 255)]))
        (folder / f"{name}.fit").write_bytes(fit(rgb, (200, 200)).astype("<f4"))
        moved = motion(thumbnail(rgb), thumbnail(255 - rgb))
        sizes = {"height": height, "width": width, "size_px": [200, 200]}
        cases.append({"name": name, **sizes, "motion": moved})
    (folder / "cases.json").write_text(json.dumps(cases), encoding="utf-8")


def write_words(folder: Path) -> None:
    """Writes words as they may be seen, and what Python's decoder makes of them."""
    listed = gzip.decompress((WEB / "static" / "words.txt.gz").read_bytes()).decode()
    words = WordList([(w, float(n)) for w, n in map(str.split, listed.splitlines())], ALPHABET)
    rng, cases = np.random.default_rng(9), []
    for word in ("HELLO", "HELO", "BOKK", "PRIVATE", "QXZ", "THER", "A", "I", "WOLRD", "ZEBRA"):
        signs = []
        for letter in word:
            evidence = rng.dirichlet(np.full(len(ALPHABET), 0.1)) * 0.5
            evidence[ALPHABET.index(letter)] += 0.5
            signs.append(Sign(letter, 0.0, 0.1, tuple(evidence.tolist()), letter))
        signs[-1] = replace(signs[-1], evidence=(0.0,) * len(ALPHABET))  # One that was typed.
        cases.append({"signs": [asdict(sign) for sign in signs],
                      "decoded": asdict(decode(signs, words))})  # fmt: skip
    told = {"labels": ALPHABET, "rules": asdict(WordRules()), "list": listed, "cases": cases}
    (folder / "words.json").write_text(json.dumps(told), encoding="utf-8")


def test_the_engine_says_what_python_says(node: str, tmp_path: Path):
    write_cases(tmp_path)
    write_words(tmp_path)
    built = tmp_path / "built"
    subprocess.run([node, WEB / "build.mjs", "--tests", built], check=True)
    told = {**os.environ, "VECTORS": str(VECTORS), "CASES": str(tmp_path)}
    run = subprocess.run(
        [node, "--test", *sorted(built.glob("*.test.mjs"))],
        env=told, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-1000:]
    assert "# pass 0" not in run.stdout


def test_types_are_right(node: str):
    checked = subprocess.run(
        [node, WEB / "node_modules" / "typescript" / "bin" / "tsc", "--noEmit", "-p", WEB],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


def test_the_built_files_are_those_of_the_sources(node: str, tmp_path: Path):
    subprocess.run([node, WEB / "build.mjs", "--out", tmp_path], check=True)

    def contents(folder: Path) -> dict[str, bytes]:
        files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.*")}
        # Another version of Node packs otherwise.
        return {
            name: gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            for name, path in files.items()
        }

    built, kept = contents(tmp_path), contents(STATIC)
    stale = [name for name in built.keys() | kept.keys() if built.get(name) != kept.get(name)]
    assert stale == [], "run: node web/build.mjs"
