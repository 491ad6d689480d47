import pytest

from fingerspell.config import Phase
from fingerspell.train.schedule import averaging, learning_rate

PHASE = Phase(name="finetune", epochs=1, learning_rate=1e-3, warmup_share=0.1)


def test_the_rate_climbs_to_its_peak_and_falls_to_a_hundredth():
    rates = [float(learning_rate(PHASE, 100)(step)) for step in range(101)]
    assert rates[0] == pytest.approx(1e-4)
    assert max(rates) == pytest.approx(1e-3) == rates[10]
    assert rates[100] == pytest.approx(1e-5)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_a_phase_of_one_step_still_has_a_rate():
    assert float(learning_rate(PHASE, 1)(0)) == pytest.approx(1e-3)


def test_weights_are_averaged_over_passes_and_not_over_steps():
    assert averaging(1000, 0.5) == pytest.approx(1 - 1 / 500)
    assert averaging(2, 0.5) == 0.5
