import dataclasses

import pytest

from fingerspell.config import Phase, progressive
from fingerspell.train.loop import WarmCosine, _ema_momentum

PHASE = Phase(name="finetune", epochs=1, learning_rate=1e-3, warmup_share=0.1)


def test_the_rate_climbs_to_its_peak_and_falls_to_a_hundredth():
    rates = [float(WarmCosine(PHASE, 100)(step)) for step in range(101)]
    assert rates[0] == pytest.approx(1e-4)
    assert max(rates) == pytest.approx(1e-3) == rates[10]
    assert rates[100] == pytest.approx(1e-5)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_a_phase_of_one_step_still_has_a_rate():
    assert float(WarmCosine(PHASE, 1)(0)) == pytest.approx(1e-3)


def test_weights_are_averaged_over_passes_and_not_over_steps():
    assert _ema_momentum(1000, 0.5) == pytest.approx(1 - 1 / 500)
    assert _ema_momentum(2, 0.5) == 0.5


def test_without_a_warm_up_the_rate_starts_at_its_peak():
    rates = [
        float(WarmCosine(dataclasses.replace(PHASE, warmup_share=0.0), 100)(step))
        for step in range(101)
    ]
    assert rates[0] == pytest.approx(1e-3)
    assert rates == sorted(rates, reverse=True)
    assert rates[1] < rates[0]


def test_without_a_decay_the_rate_stays_at_its_peak():
    rates = [
        float(WarmCosine(dataclasses.replace(PHASE, decay=None), 100)(step)) for step in range(101)
    ]
    assert rates[:10] == pytest.approx([1e-4 * (step + 1) for step in range(10)])
    assert rates[10:] == pytest.approx([1e-3] * 91)


def test_stretches_of_a_phase_go_through_one_decay():
    """But for the warm-ups, the rates are those of the phase that was cut."""
    cold = dataclasses.replace(PHASE, epochs=10, warmup_share=0.0)
    whole = [float(WarmCosine(cold, 100)(step)) for step in range(100)]
    cut = [
        float(WarmCosine(part, 10 * part.epochs)(step))
        for part in progressive(cold, {96: 0.4, 128: 0.3, 200: 0.3})
        for step in range(10 * part.epochs)
    ]
    assert cut == pytest.approx(whole, rel=1e-4)
