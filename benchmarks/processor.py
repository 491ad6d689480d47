"""What oneDNN's kernels bring to training on a processor: on and off in turn, in one sitting.

    python benchmarks/processor.py --data ../shared/data

TensorFlow takes them by itself only where the processor has AVX-512 VNNI or the like; this
project takes them everywhere (docs/adr/0014-onednn.md). Steps of MobileNetV3Large as the second
phase trains it, each row in a process of its own, `--repeats` times with each setting; then
`fingerspell adapt` whole, on five pictures a class of one source. Saves
`benchmarks/results/processor.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from adapt import class_folders, deal, grouped
from circumstances import circumstances, save
from measured import measured

SWITCH = "TF_ENABLE_ONEDNN_OPTS"
SETTINGS = {"off": "0", "on": "1"}
SIZES_PX = (96, 160)
BATCHNORM: Mapping[str, float | None] = {"learns": 0.95, "keeps still": None}
BATCH_SIZE, WARM_UP, STEPS = 32, 3, 8
SOURCE, COUNT = "silhouette", 5

Row = dict[str, Any]
Ask = Callable[[int, str, str], Row]
"""What `once` measures: side in pixels, what BatchNormalization does, the setting."""


def once(size_px: int, batchnorm: str) -> Row:
    """Returns pictures a second at the median step, and page faults a picture, of this process."""
    from on_gpu import network, step_s

    model = network(size_px, WARM_UP + STEPS, BATCHNORM[batchnorm])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    seconds = step_s(model, BATCH_SIZE, size_px, STEPS, WARM_UP)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    return {
        "pictures_per_s": round(BATCH_SIZE / seconds, 1),
        "page_faults_per_picture": round(faults / BATCH_SIZE / (WARM_UP + STEPS)),
    }


def ask(size_px: int, batchnorm: str, setting: str) -> Row:
    """Returns what `once` finds in a process of its own, with the kernels on or off."""
    command = [sys.executable, __file__, "--once", str(size_px), batchnorm]
    environment = {**os.environ, SWITCH: SETTINGS[setting], "TF_CPP_MIN_LOG_LEVEL": "2"}
    answer = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: Row = json.loads(answer.stdout.splitlines()[-1])
    return found


def steps(repeats: int, ask: Ask = ask) -> list[Row]:
    """Returns a row for each size and each treatment of BatchNormalization."""
    rows = []
    for size_px in SIZES_PX:
        for batchnorm in BATCHNORM:
            taken: dict[str, list[Row]] = {setting: [] for setting in SETTINGS}
            for _ in range(repeats):
                for setting, found in taken.items():
                    found.append(ask(size_px, batchnorm, setting))
            rows.append({"size_px": size_px, "batchnorm": batchnorm, **compared(taken)})
            print(json.dumps(rows[-1]), flush=True)
    return rows


def compared(taken: Mapping[str, Sequence[Row]]) -> Row:
    """Returns the figures by setting, and how many times as fast `on` was, turn by turn."""
    rates = {name: [one["pictures_per_s"] for one in rows] for name, rows in taken.items()}
    ratios = [on / off for off, on in zip(rates["off"], rates["on"], strict=True)]
    return {
        "pictures_per_s": rates,
        "page_faults_per_picture": {
            name: statistics.median(one["page_faults_per_picture"] for one in rows)
            for name, rows in taken.items()
        },
        "times_as_fast": round(statistics.median(ratios), 2),
        "least": round(min(ratios), 2),
        "most": round(max(ratios), 2),
    }


def adapting(data: Path) -> Row:
    """Returns what the whole command takes with each setting, and the memory that it needs."""
    given, _ = deal(grouped(data / SOURCE), COUNT, seed=1)
    told: Row = {"source": SOURCE, "count": COUNT, "pictures": len(given)}
    with tempfile.TemporaryDirectory() as work:
        class_folders(given, Path(work) / "mine")
        for setting, value in SETTINGS.items():
            command = [
                sys.executable, "-m", "fingerspell", "adapt",
                "--input_dir", f"{work}/mine", "--output_dir", f"{work}/{setting}",
            ]  # fmt: skip
            run = measured(command, Path(work) / f"{setting}.log", {SWITCH: value})
            if run.returncode:
                raise SystemExit(Path(work, f"{setting}.err").read_text(encoding="utf-8"))
            told[setting] = {"wall_s": run.wall_s, "peak_bytes": run.peak_bytes}
            print(json.dumps(told), flush=True)
    return told


def main(argv: Sequence[str] | None = None) -> int:
    """Measures, prints, saves the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--once", nargs=2, metavar=("SIZE", "BATCHNORM"), help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.once:
        print(json.dumps(once(int(args.once[0]), args.once[1])))
        return 0
    if not (args.data / SOURCE).is_dir():
        parser.error(f"{args.data} has no {SOURCE}: name the folder of all sources")
    given = sys.argv[1:] if argv is None else argv
    figures = {"batch_size": BATCH_SIZE, "steps": steps(args.repeats)}
    figures["adapt"] = adapting(args.data)
    told = circumstances(shlex.join(["python", "benchmarks/processor.py", *given]))
    save("processor", {**told, **figures})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
