"""How long an answer takes is measured in turn, on what is released."""

import time

import numpy as np
import pytest
import unseen_signers_page

import answer_time
from answer_time import ONCE, RELEASED


def test_both_are_measured_in_turn_and_compared_round_by_round():
    told = []

    def waits(name, seconds):
        def answer():
            told.append(name)
            time.sleep(seconds)

        return answer

    found = answer_time.in_turn({RELEASED: waits("r", 0.004), ONCE: waits("o", 0.001)}, rounds=2)
    assert found["released_ms"] > found["once_ms"] > 0.9
    assert len(found["ratios"]) == 2 and all(1 < ratio < 4.5 for ratio in found["ratios"])
    rounds = ["r", "o"] * 2
    after_warm_up = told[10:]
    each = answer_time.REPEATS
    assert [after_warm_up[each * k] for k in range(4)] == rounds


def test_the_released_file_and_its_one_look_are_what_is_timed():
    read = {name: answer() for name, answer in answer_time.networks().items()}
    assert {x.shape for x in read.values()} == {(1, 29)}
    assert np.abs(read[RELEASED] - read[ONCE]).max() > 1e-4
    assert all(x.sum() == pytest.approx(1, abs=1e-2) for x in read.values())


def test_the_page_quotes_both_and_how_far_rounds_are_apart():
    figures = {"released_ms": 8.64, "once_ms": 3.2, "ratios": [2.6, 2.81], "command": "c",
               "commit": "abc", "finished": "2026-01-01", "versions": {},
               "machine": {"system": "s", "processor": "p", "cores": 2}}  # fmt: skip
    page = "\n".join(unseen_signers_page._answer_time(figures))
    assert "8.6 ms as released, 3.2 ms" in page and "2.6 to 2.8 times as long in 2 rounds" in page
