"""How fast hands are drawn: pictures a second on one core, JPEG encoding included.

    python benchmarks/synth.py [--size 200] [--pictures 290] [--repeats 3]

Prints and saves `benchmarks/results/synth_speed.json`; the target is 40 pictures a second of
processor time at 200 x 200. Wall time says how busy the machine was.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

from circumstances import circumstances, save


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


def repeat(size: int, pictures: int, repeats: int) -> dict[str, Any]:
    """Measures several times on one thread, after a picture of each class to warm up."""
    import cv2

    cv2.setNumThreads(1)
    measure(size, 29)
    runs = [measure(size, pictures) for _ in range(repeats)]
    middle = statistics.median(run["pictures_per_core_second"] for run in runs)
    return {
        "size_px": size,
        "pictures": pictures,
        "median_pictures_per_core_second": middle,
        "runs": runs,
    }


def main() -> None:
    """Reads the options, measures, prints, saves."""
    parser = argparse.ArgumentParser(description="pictures a second, drawn on one core")
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--pictures", type=int, default=290)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    figures = repeat(args.size, args.pictures, args.repeats)
    command = (
        f"python benchmarks/synth.py --size {args.size} --pictures {args.pictures} "
        f"--repeats {args.repeats}"
    )
    print(json.dumps(figures))
    save("synth_speed", {**circumstances(command), **figures})


if __name__ == "__main__":
    main()
