"""How fast hands are drawn: pictures a second on one core, JPEG encoding included.

    python benchmarks/synth.py [--size 200] [--pictures 290]

Prints one JSON line; the target is 40 pictures a second at 200 x 200.
"""

from __future__ import annotations

import argparse
import json
import platform
import time


def measure(size: int, pictures: int) -> dict[str, object]:
    """Draws all 29 classes in turn and returns pictures a second of processor time."""
    import cv2

    from fingerspell.labels import ALPHABET
    from fingerspell.synth import draw
    from fingerspell.synth.dataset import encode

    cv2.setNumThreads(1)
    for label in ALPHABET:
        draw(label, 0, (size, size))
    start, start_cpu = time.perf_counter(), time.process_time()
    for number in range(pictures):
        encode(draw(ALPHABET[number % len(ALPHABET)], 1000 + number, (size, size)))
    wall_s, cpu_s = time.perf_counter() - start, time.process_time() - start_cpu
    return {
        "size_px": size,
        "pictures": pictures,
        "pictures_per_core_second": round(pictures / cpu_s, 1),
        "pictures_per_second": round(pictures / wall_s, 1),
        "python": platform.python_version(),
        "opencv": cv2.__version__,
        "machine": platform.machine(),
    }


def main() -> None:
    """Reads the options, measures, prints."""
    parser = argparse.ArgumentParser(description="pictures a second, drawn on one core")
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--pictures", type=int, default=290)
    args = parser.parse_args()
    print(json.dumps(measure(args.size, args.pictures)))


if __name__ == "__main__":
    main()
