"""How long `fingerspell prepare` takes, beside what people use instead, in one run.

    python benchmarks/prepare_speed.py [--pictures 87000] [--peers imagededup cleanvision]

Draws the pictures once (benchmarks/jittered_hands.py), reads them all so that none of the rivals
pays for a cold disk, and runs each in a process of its own: `prepare` as a user calls it, our
validation and hashing alone, and the rivals that benchmarks/contenders.py describes. The other
libraries get environments of their own below the work folder. Saves
`benchmarks/results/prepare_speed.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from circumstances import circumstances, save
from jittered_hands import jittered_hands
from measured import Measured, measured

ROOT = Path(__file__).resolve().parents[1]
CONTENDERS = ROOT / "benchmarks" / "contenders.py"
PEERS = ("imagededup", "cleanvision")
PICTURES = 87_000
TARGETS = {"wall_s": 60.0, "peak_bytes": 1_000_000_000, "times_faster": 5.0}

Row = dict[str, Any]


def measure(pictures: int, work: Path, peers: tuple[str, ...]) -> dict[str, Any]:
    """Returns a row a contender, and how many times faster ours is than the best of the others."""
    folder = jittered_hands(work / "hands", pictures)
    size_bytes = warm(folder)
    rows: dict[str, Row] = {}
    rows["prepare"] = ours(folder, work)
    rows["examine"] = contender("examine", folder, work, sys.executable)
    rows["plain"] = contender("plain", folder, work, sys.executable)
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


def warm(folder: Path) -> int:
    """Reads every file once; returns how many bytes there are."""
    return sum(len(path.read_bytes()) for path in folder.glob("*/*"))


def ours(folder: Path, work: Path) -> Row:
    """`fingerspell prepare` as a user calls it."""
    output = work / "dataset"
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-m", "fingerspell", "prepare", "--input_dir", str(folder)]
    run = checked(
        measured([*command, "--output_dir", str(output)], work / "prepare", source_path())
    )
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    shutil.rmtree(output)
    return {**costs(run), "pictures": report["pictures"], "groups": report["groups"]}


def contender(name: str, folder: Path, work: Path, python: str) -> Row:
    """One of benchmarks/contenders.py with its own time for each stage."""
    run = measured([python, str(CONTENDERS), name, str(folder)], work / name, source_path())
    stages: dict[str, Any] = json.loads(checked(run).output.splitlines()[-1])
    return {**costs(run), **stages}


def source_path() -> dict[str, str]:
    """Returns the environment in which a process of its own finds this source."""
    return {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "benchmarks")])}


def costs(run: Measured) -> Row:
    """Returns wall and processor seconds and peak bytes."""
    return {"wall_s": run.wall_s, "cpu_s": run.cpu_s, "peak_bytes": run.peak_bytes}


def checked(run: Measured) -> Measured:
    """Stops where a contender failed: a figure of a broken run is worse than none."""
    if run.returncode != 0:
        raise SystemExit(f"a contender ended with {run.returncode}; see *.err in the work folder")
    return run


def environment(name: str, work: Path) -> str | None:
    """Returns the Python of a library's own environment; None where it cannot be installed."""
    folder = work / "peers" / name
    scripts = folder / ("Scripts" if sys.platform == "win32" else "bin")
    python = str(scripts / "python")
    probe = [python, "-c", f"import {name}"]
    if folder.exists() and subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [python, "-m", "pip", "install", "--quiet", name]
    if subprocess.run(install, capture_output=True, check=False).returncode != 0:
        return None
    return python


def times_faster(rows: dict[str, Row]) -> dict[str, float]:
    """Compares like with like.

    `validate_hash`: seconds inside the process until every picture is decoded and hashed, against
    the fastest rival. `whole`: from the command to the split folder, against the plain loop, the
    only rival that does all of it.
    """
    rivals = [
        float(row[key])
        for name, row in rows.items()
        for key in ("validate_hash_s", "validate_hash_groups_s")
        if name != "examine" and key in row
    ]
    return {
        "validate_hash": round(min(rivals) / rows["examine"]["validate_hash_s"], 2),
        "whole": round(rows["plain"]["wall_s"] / rows["prepare"]["wall_s"], 2),
    }


def table(figures: dict[str, Any]) -> str:
    """Returns the figures for a terminal."""
    head = f"{'':<12}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}  stages"
    lines = [f"{figures['pictures']:,} pictures of {figures['mean_file_bytes']:,} bytes", head]
    for name, row in figures["contenders"].items():
        if "absent" in row:
            continue
        stages = [f"{key[:-2]} {value}" for key, value in row.items() if _is_stage(key)]
        lines.append(
            f"{name:<12}{row['wall_s']:>9.1f}{row['cpu_s']:>9.1f}{row['peak_bytes'] / 1e6:>9.0f}"
            f"  {', '.join(stages)}".rstrip()
        )
    faster = figures["times_faster"]
    lines.append(
        f"times faster: validation and hashing {faster['validate_hash']}, "
        f"the whole {faster['whole']} (target {TARGETS['times_faster']:.0f})"
    )
    return "\n".join(lines)


def _is_stage(key: str) -> bool:
    return key.endswith("_s") and key not in ("wall_s", "cpu_s")


def main(argv: list[str] | None = None) -> int:
    """Measures, prints the table, saves the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--work", type=Path, default=Path("build/prepare_speed"))
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    args = parser.parse_args(argv)
    figures = measure(args.pictures, args.work.resolve(), tuple(args.peers))
    print(table(figures))
    given = sys.argv[1:] if argv is None else argv
    command = shlex.join(["python", "benchmarks/prepare_speed.py", *given])
    save("prepare_speed", {**circumstances(command), **figures})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
