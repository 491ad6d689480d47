"""How long `fingerspell prepare` takes, beside what people use instead, in one run.

    python benchmarks/prepare/speed.py [--pictures 87000] [--peers imagededup cleanvision]

Draws the pictures once (hands.py), reads them all so that none of the rivals pays for a cold disk,
and runs each in a process of its own: `prepare` as a user calls it, our validation and hashing
alone, and the rivals that contenders.py describes. The other libraries get environments of their
own below the work folder. Saves `benchmarks/results/prepare_speed.json`.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.circumstances import record
from benchmarks.measured import Measured, measured
from benchmarks.prepare import tables
from benchmarks.prepare.hands import jittered_hands

SOURCE_PATH = {"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")}
CONTENDERS = Path(__file__).with_name("contenders.py")
PEERS = ("imagededup", "cleanvision")
TARGETS = {"wall_s": 60.0, "peak_bytes": 1_000_000_000, "times_faster": 5.0}

Row = dict[str, Any]


def measure(pictures: int, work: Path, peers: tuple[str, ...]) -> dict[str, Any]:
    """Returns a row a contender, and how many times faster ours is than the best of the others."""
    folder = jittered_hands(work / "hands", pictures)
    size_bytes = sum(len(path.read_bytes()) for path in folder.glob("*/*"))  # Warms the cache too.
    rows: dict[str, Row] = {"prepare": ours(folder, work)}
    for name in ("examine", "plain"):
        rows[name] = contender(name, folder, work, sys.executable)
    for name in peers:
        python = environment(name, work)
        rows[name] = contender(name, folder, work, python) if python else {"absent": "no install"}
    return {
        "pictures": pictures,
        "mean_file_bytes": round(size_bytes / pictures),
        "targets": TARGETS,
        "contenders": rows,
        "times_faster": times_faster(rows),
    }


def ours(folder: Path, work: Path) -> Row:
    """`fingerspell prepare` as a user calls it."""
    output = work / "dataset"
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-m", "fingerspell", "prepare", "--input_dir", str(folder)]
    spent = costs(measured([*command, "--output_dir", str(output)], work / "prepare", SOURCE_PATH))
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    shutil.rmtree(output)
    return {**spent, "pictures": report["pictures"], "groups": report["groups"]}


def contender(name: str, folder: Path, work: Path, python: str) -> Row:
    """One of benchmarks/prepare/contenders.py with its own time for each stage."""
    run = measured([python, str(CONTENDERS), name, str(folder)], work / name, SOURCE_PATH)
    return {**costs(run), **json.loads(run.output.splitlines()[-1])}


def costs(run: Measured) -> Row:
    """Returns seconds and peak bytes; stops where a contender failed: no figure is better."""
    if run.returncode != 0:
        raise SystemExit(f"a contender ended with {run.returncode}; see *.err in the work folder")
    return {"wall_s": run.wall_s, "cpu_s": run.cpu_s, "peak_bytes": run.peak_bytes}


def environment(name: str, work: Path) -> str | None:
    """Returns the Python of a library's own environment; None where it cannot be installed."""
    folder = work / "peers" / name
    python = str(folder / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    probe = [python, "-c", f"import {name}"]
    if folder.exists() and subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [python, "-m", "pip", "install", "--quiet", name]
    failed = subprocess.run(install, capture_output=True, check=False).returncode != 0
    return None if failed else python


def times_faster(rows: dict[str, Row]) -> dict[str, float]:
    """Compares like with like.

    `validate_hash`: seconds inside the process until every picture is decoded and hashed, against
    the fastest rival. `whole`: from the command to the split folder, against the plain loop, the
    only rival that does all of it.
    """
    hashed = {name: x["validate_hash_s"] for name, x in rows.items() if "validate_hash_s" in x}
    ours_s = hashed.pop("examine")
    return {
        "validate_hash": round(min(hashed.values()) / ours_s, 2),
        "whole": round(rows["plain"]["wall_s"] / rows["prepare"]["wall_s"], 2),
    }


def main(argv: list[str] | None = None) -> int:
    """Measures, saves the JSON, prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=int, default=87_000)
    parser.add_argument("--work", type=Path, default=Path("build/prepare_speed"))
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    args = parser.parse_args(argv)
    figures = measure(args.pictures, args.work.resolve(), tuple(args.peers))
    record("prepare_speed", "prepare/speed", argv, figures)
    print("\n".join(tables.speed()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
