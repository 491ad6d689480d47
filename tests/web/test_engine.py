"""The studio's engine in Node: the live rules, scaling and motion are held to Python's."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np

from fingerspell.images import fit
from fingerspell.runtime.motion import motion, thumbnail
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


def test_the_engine_says_what_python_says(node: str, tmp_path: Path):
    write_cases(tmp_path)
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
