"""What oneDNN's kernels bring to training on a processor: on and off in turn, in one sitting.

    python benchmarks/speed/processor.py --data ../shared/data

TensorFlow takes them by itself only where the processor has AVX-512 VNNI or the like; this
project takes them everywhere (docs/adr/0014-onednn.md). Steps of MobileNetV3Large as the second
phase trains it, each row in a process of its own, `--repeats` times with each setting; then
`fingerspell adapt` whole, on five pictures a class of one source. Saves
`benchmarks/results/processor.json`.
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.circumstances import record
from benchmarks.measured import answer_of, measured
from benchmarks.release.adapt import class_folders, deal, grouped
from benchmarks.release.catalogue import require_sources

SWITCH = "TF_ENABLE_ONEDNN_OPTS"
SETTINGS = {"off": "0", "on": "1"}
SIZES_PX = (96, 160)
BATCHNORM: Mapping[str, float | None] = {"trained": 0.95, "frozen": None}
BATCH_SIZE, WARM_UP, STEPS = 32, 3, 8
FAULTS = "page_faults_per_picture"
SOURCE, COUNT = "silhouette", 5

Row = dict[str, Any]


def once(size_px: int, batchnorm: str) -> Row:
    """Returns pictures a second at the median step, and page faults a picture, of this process."""
    from benchmarks.speed.on_gpu import network, step_s

    model = network(size_px, WARM_UP + STEPS, BATCHNORM[batchnorm])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    seconds = step_s(model, BATCH_SIZE, size_px, STEPS, WARM_UP)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    return {
        "pictures_per_s": round(BATCH_SIZE / seconds, 1),
        FAULTS: round(faults / BATCH_SIZE / (WARM_UP + STEPS)),
    }


def ask(size_px: int, batchnorm: str, setting: str) -> Row:
    """Returns what `once` finds in a process of its own, with the kernels on or off."""
    environment = {SWITCH: SETTINGS[setting], "TF_CPP_MIN_LOG_LEVEL": "2"}
    return answer_of(__file__, "--once", str(size_px), batchnorm, environment=environment)


def steps(repeats: int, ask: Callable[[int, str, str], Row] = ask) -> list[Row]:
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
        FAULTS: {name: statistics.median(x[FAULTS] for x in rows) for name, rows in taken.items()},
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
            command = [sys.executable, "-m", "fingerspell", "adapt", "--input_dir", f"{work}/mine"]
            command += ["--output_dir", f"{work}/{setting}"]
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
    require_sources(parser, args.data, [SOURCE])
    figures = {"batch_size": BATCH_SIZE, "steps": steps(args.repeats)}
    figures["adapt"] = adapting(args.data)
    record("processor", "speed/processor", argv, figures)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
