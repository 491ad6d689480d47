"""Synthetic hands: pictures a second on one core, JPEG encoding included.

    python benchmarks/speed/synth.py [--size 200] [--pictures 290] [--repeats 3]

Prints and saves `benchmarks/results/synth_speed.json`; the target is 40 pictures a second of
processor time at 200 x 200. Wall time says how busy the machine was.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.circumstances import record


def measure(size: int, pictures: int) -> dict[str, float]:
    """Draws all 29 classes in turn and returns pictures a second, by processor and by clock."""
    from fingerspell.labels import ALPHABET
    from fingerspell.synth import draw
    from fingerspell.synth.dataset import encode

    start, start_cpu = time.perf_counter(), time.process_time()
    for number in range(pictures):
        encode(draw(ALPHABET[number % len(ALPHABET)], 1000 + number, (size, size)))
    wall_s, cpu_s = time.perf_counter() - start, time.process_time() - start_cpu
    return {
        "pictures_per_core_second": round(pictures / cpu_s, 1),
        "pictures_per_second": round(pictures / wall_s, 1),
    }


def main() -> None:
    """Measures several times on one thread, after a picture of each class to warm up."""
    import cv2

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--pictures", type=int, default=290)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    measure(args.size, 29)
    runs = [measure(args.size, args.pictures) for _ in range(args.repeats)]
    middle = statistics.median(run["pictures_per_core_second"] for run in runs)
    figures = {"size_px": args.size, "pictures": args.pictures, "runs": runs}
    figures |= {"median_pictures_per_core_second": middle}
    record("synth_speed", "speed/synth", None, figures)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
