"""Do the exports answer as the trained network does, on people it has never seen, and at what cost?

    python benchmarks/release/exports.py --data ../shared/data

The released recogniser is exported anew; each file, `model.onnx` too, is compared with the Keras
network on pictures of the catalogue's unseen signers, `PICTURES` in all, evenly from each.
Then each TFLite file answers one picture at a time, on 1 and on 2 threads, in turn with
MobileNetV3Large without a hand crop that was converted alike; memory is what a process of its own
has more after its first answers. Saves `benchmarks/results/exports.json`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.circumstances import record
from benchmarks.release.catalogue import UNSEEN, names_for, require_sources

PICTURES = 2400
ROUNDS = 120
THREADS = (1, 2)


def pictures(data: Path, labels: Sequence[str]) -> tuple[list[Path], NDArray[np.intp]]:
    """Returns pictures of unseen signers, as many of each source, and their classes."""
    from fingerspell.evaluate.unseen_signers import find_unseen_signers
    from fingerspell.files import evenly_spaced

    names = names_for(UNSEEN)
    paths: list[Path] = []
    y_true: list[int] = []
    for name in names:
        found = find_unseen_signers(data / name, labels)
        for index in evenly_spaced(range(len(found.paths)), PICTURES // len(names)):
            paths.append(found.paths[index])
            y_true.append(int(found.y_true[index]))
    return paths, np.array(y_true, np.intp)


def compared(bundle: Path, data: Path) -> dict[str, Any]:
    """Returns how each file answers beside Keras; raises where one is out of its bounds."""
    from fingerspell.export.verify import verify
    from fingerspell.model.weights import released_network
    from fingerspell.runtime import read_contract

    paths, y_true = pictures(data, read_contract(bundle).labels)
    report = verify(bundle, released_network(), paths, y_true)
    rows = {row.name: row for row in report.rows if row.pictures == len(paths)}
    return {
        name: {
            "pictures": row.pictures,
            "agreement": row.agreement,
            "max_difference": row.max_difference,
            "lost": row.lost,
            "worst_class_lost": row.worst_class_lost,
        }
        for name, row in rows.items()
    }


def files_of(bundle: Path) -> dict[str, Path]:
    """Returns a bundle's TFLite files by name."""
    from fingerspell.runtime import MODEL_FILES

    return {k: bundle / name for k, name in MODEL_FILES.items() if (bundle / name).is_file()}


def write_bare(folder: Path) -> dict[str, Path]:
    """Writes plain MobileNetV3Large with as many labels: of the file's input, and of the size that
    the network sees of it."""
    import keras

    from fingerspell.export import tflite
    from fingerspell.labels import ALPHABET
    from fingerspell.model.weights import starter_config

    config = starter_config()
    found = {}
    for side in sorted({config.image_size_px[0], config.network_px or 0} - {0}):
        bare = keras.applications.MobileNetV3Large(
            input_shape=(side, side, 3), weights=None, classes=len(ALPHABET)
        )
        found[f"bare MobileNetV3Large, {side} px"] = path = folder / f"bare_{side}.tflite"
        path.write_bytes(tflite.convert(bare, "fp16"))
    return found


def times(paths: dict[str, Path]) -> dict[str, Any]:
    """Returns milliseconds of an answer (p50, p95) for each file and number of threads.

    All take turns, so that a busy machine is as busy for each.
    """
    from ai_edge_litert.interpreter import Interpreter

    ready: dict[tuple[str, int], Any] = {}
    for name, path in paths.items():
        for threads in THREADS:
            ready[name, threads] = Interpreter(model_path=str(path), num_threads=threads)
            ready[name, threads].allocate_tensors()
    rng = np.random.default_rng(0)
    taken: dict[tuple[str, int], list[float]] = {key: [] for key in ready}
    for _ in range(ROUNDS):
        for key, interpreter in ready.items():
            known = interpreter.get_input_details()[0]
            interpreter.set_tensor(known["index"], rng.random(known["shape"], np.float32))
            started_s = time.perf_counter()
            interpreter.invoke()
            taken[key].append(1000 * (time.perf_counter() - started_s))
    found: dict[str, Any] = {name: {} for name in paths}
    for (name, threads), each in taken.items():
        p50, p95 = statistics.median(each), statistics.quantiles(each, n=20)[-1]
        found[name][f"threads_{threads}"] = {"p50_ms": p50, "p95_ms": p95}
    return found


def memory_mb(path: Path) -> float:
    """Returns what a fresh process needs more for a file and its first answers."""
    command = [sys.executable, __file__, "--memory_of", str(path)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def tell_memory(path: Path) -> None:
    """Prints what this process needs more, in MB, after some answers of a file."""
    from ai_edge_litert.interpreter import Interpreter

    before = psutil.Process().memory_info().rss
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    known = interpreter.get_input_details()[0]
    for _ in range(3):
        interpreter.set_tensor(known["index"], np.zeros(known["shape"], np.float32))
        interpreter.invoke()
    print((psutil.Process().memory_info().rss - before) / 1e6)


def costs(bundle: Path) -> dict[str, Any]:
    """Returns bytes, milliseconds and memory of each TFLite file and of the bare network."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {**files_of(bundle), **write_bare(Path(folder))}
        found = times(paths)
        for name, path in paths.items():
            found[name] |= {"size_bytes": path.stat().st_size, "memory_mb": memory_mb(path)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, help="folder of the sources")
    parser.add_argument("--memory_of", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.memory_of:
        tell_memory(args.memory_of)
        return
    if not args.data:
        parser.error("expected --data DIR")
    require_sources(parser, args.data, names_for(UNSEEN))

    from fingerspell.machine import load_quietly

    load_quietly("keras")
    from fingerspell.export import onnx
    from fingerspell.export.bundle import export_released

    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle"
        export_released(bundle)
        figures: dict[str, Any] = {"exports": compared(bundle, args.data), "cost": costs(bundle)}
        figures["cost"]["onnx"] = {"size_bytes": (bundle / onnx.FILE_NAME).stat().st_size}
    print(json.dumps(figures, indent=2))
    argv = ["--data", str(args.data)]
    print(f"saved {record('exports', 'release/exports', argv, figures)}")


if __name__ == "__main__":
    main()
