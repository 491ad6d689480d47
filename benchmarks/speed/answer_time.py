"""How long does one answer take? The released file and the same weights in a single view.

    python benchmarks/speed/answer_time.py

One picture at a time on one thread, in half precision, `ROUNDS` times `REPEATS` each. Saves
`benchmarks/results/answer_time.json`.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.circumstances import record

ROUNDS = 7
REPEATS = 60
RELEASED, SINGLE_VIEW = "released", "single_view"


def median_ms(answer: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Returns the median of the milliseconds that an answer takes."""
    taken = []
    for _ in range(repeats):
        started_s = time.perf_counter()
        answer()
        taken.append(1000 * (time.perf_counter() - started_s))
    return statistics.median(taken)


def in_turn(answers: Mapping[str, Callable[[], Any]], rounds: int = ROUNDS) -> dict[str, Any]:
    """Returns each one's median over all rounds, and how often the first takes the second's time.

    `ratios` has a number a round: what the machine does beside it falls on both.
    """
    for answer in answers.values():
        median_ms(answer, repeats=5)
    found = [{name: median_ms(answer) for name, answer in answers.items()} for _ in range(rounds)]
    first, second = answers
    return {
        **{f"{name}_ms": round(statistics.median(x[name] for x in found), 2) for name in answers},
        "ratios": [round(x[first] / x[second], 3) for x in found],
    }


def networks() -> dict[str, Callable[[], Any]]:
    """Returns what answers one picture of noise: the released file, and its single view."""
    from fingerspell.export.tflite import FILES, convert
    from fingerspell.model import single_view
    from fingerspell.model.weights import released_network
    from fingerspell.runtime import STARTER, read_contract
    from fingerspell.runtime.recogniser import Pool

    contract = read_contract(STARTER)
    shape = (1, contract.height_px, contract.width_px, 3)
    picture = np.random.default_rng(0).random(shape, np.float32)
    contents = {
        RELEASED: (STARTER / FILES["fp16"]).read_bytes(),
        SINGLE_VIEW: convert(single_view(released_network()), "fp16"),
    }
    pools = {name: Pool(content, threads=1, most=1) for name, content in contents.items()}
    return {name: lambda pool=pool: pool.run(picture) for name, pool in pools.items()}


if __name__ == "__main__":
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    figures = {"rounds": ROUNDS, "repeats": REPEATS, **in_turn(networks())}
    print(f"saved {record('answer_time', 'speed/answer_time', None, figures)}")
