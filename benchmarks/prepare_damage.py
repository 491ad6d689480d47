"""What `fingerspell prepare` makes of thousands of damaged files among some good ones.

    python benchmarks/prepare_damage.py [--files 2000]

Every file must end either in the data set, and then really decode, or in report.json with a
reason; the program must not crash, and its memory must stay bounded. Saves
`benchmarks/results/prepare_damage.json`.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import damaged_files
from circumstances import circumstances, save
from measured import measured
from prepare_speed import source_path

FILES = 2_000
GOOD_A_CLASS = 40
CLASSES = ("A", "B", "C")
VAST_PX = 7_000
"""Side of the largest square pictures that are still unpacked: 49 million pixels."""

MOST_BYTES = 1_500_000_000


def measure(files: int, work: Path, vast_px: int = VAST_PX) -> dict[str, Any]:
    """Makes the files, runs `prepare` on them in a process of its own, and reads its report."""
    shutil.rmtree(work, ignore_errors=True)
    folder, output = work / "pictures", work / "dataset"
    good = write_good(folder)
    made = {
        path: damage
        for place, label in enumerate(CLASSES)
        for path, damage in damaged_files.write(
            folder / label, files // len(CLASSES) + (place < files % len(CLASSES)), seed=place
        )
    }
    for suffix, data in damaged_files.vast(vast_px).items():
        path = folder / CLASSES[0] / f"vast{suffix}"
        path.write_bytes(data)
        made[path] = "vast, but whole"
    command = [sys.executable, "-m", "fingerspell", "prepare", "--max_bad", "1"]
    command += ["--input_dir", str(folder), "--output_dir", str(output)]
    run = measured(command, work / "prepare", source_path())
    figures = {
        "files": len(made),
        "good_files": len(good),
        "exit_status": run.returncode,
        "crashed": run.returncode < 0 or not (output / "report.json").is_file(),
        "wall_s": run.wall_s,
        "peak_bytes": run.peak_bytes,
        "most_bytes": MOST_BYTES,
    }
    if figures["crashed"]:
        return figures
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    return {**figures, **accounted(report, good, made)}


def write_good(folder: Path) -> set[Path]:
    """Writes sound synthetic pictures of three classes."""
    from fingerspell.synth import draw
    from fingerspell.synth.dataset import encode

    paths = set()
    for label in CLASSES:
        (folder / label).mkdir(parents=True)
        for seed in range(GOOD_A_CLASS):
            path = folder / label / f"good{seed:03d}.jpg"
            path.write_bytes(encode(draw(label, seed, (96, 96))))
            paths.add(path)
    return paths


def accounted(report: dict[str, Any], good: set[Path], made: dict[Path, str]) -> dict[str, Any]:
    """Holds the report against what `images.read` says of every file on its own."""
    listed = {Path(entry["path"]): str(entry["reason"]) for entry in report["bad"]}
    refused = {path for path in made if not decodes(path)}
    accepted = set(made) - refused
    return {
        "listed": len(set(made) & set(listed)),
        "accepted": len(accepted),
        "undecodable_but_not_listed": len(refused - set(listed)),
        "decodable_but_listed": len(accepted & set(listed)),
        "without_reason": sum(not reason for reason in listed.values()),
        "good_listed": len(good & set(listed)),
        "pictures": report["pictures"],
        "by_damage": by_damage(made, refused),
    }


def by_damage(made: dict[Path, str], refused: set[Path]) -> dict[str, dict[str, int]]:
    """Counts the files of every kind of damage, and how many were refused."""
    total = Counter(made.values())
    bad = Counter(damage for path, damage in made.items() if path in refused)
    return {damage: {"files": total[damage], "refused": bad[damage]} for damage in total}


def decodes(path: Path) -> bool:
    """Whether the house's own reader takes a file."""
    from fingerspell.errors import PictureError
    from fingerspell.images import read

    try:
        return read(path).shape[2] == 3
    except PictureError:
        return False


def sound(figures: dict[str, Any]) -> bool:
    """Whether everything held that must hold."""
    wrong = ("undecodable_but_not_listed", "decodable_but_listed", "without_reason", "good_listed")
    return (
        not figures["crashed"]
        and figures["peak_bytes"] < MOST_BYTES
        and not any(figures[key] for key in wrong)
    )


def table(figures: dict[str, Any]) -> str:
    """Returns the figures for a terminal."""
    if figures["crashed"]:
        return f"CRASHED with exit status {figures['exit_status']}"
    lines = [
        f"{figures['files']:,} damaged files: {figures['listed']:,} listed with a reason, "
        f"{figures['accepted']:,} decode in spite of it",
        f"undecodable but not listed: {figures['undecodable_but_not_listed']}; "
        f"good files listed: {figures['good_listed']}; "
        f"peak {figures['peak_bytes'] / 1e6:.0f} MB in {figures['wall_s']:.1f} s",
    ]
    for damage, counts in figures["by_damage"].items():
        lines.append(f"  {damage:<18}{counts['refused']:>5} of {counts['files']} refused")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Measures, prints the table, saves the JSON; 1 where something did not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--work", type=Path, default=Path("build/prepare_damage"))
    args = parser.parse_args(argv)
    figures = measure(args.files, args.work.resolve())
    print(table(figures))
    given = sys.argv[1:] if argv is None else argv
    command = shlex.join(["python", "benchmarks/prepare_damage.py", *given])
    save("prepare_damage", {**circumstances(command), **figures})
    return 0 if sound(figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
