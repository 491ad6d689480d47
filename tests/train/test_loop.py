"""What one phase is made of: its rates, its steps, its best weights, its way to stop."""

import dataclasses
import signal
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from fingerspell.config import Phase, SamplingConfig, progressive
from fingerspell.dataset.manifest import Manifest, Sample
from fingerspell.train.loop import WarmCosine, _ema_momentum
from fingerspell.train.session import _SIGNALS, Run, handle_signals
from fingerspell.train.state import _BestWeights
from helpers.small_run import small_config

PHASE = Phase(name="finetune", epochs=1, learning_rate=1e-3, warmup_share=0.1)


def rates_of(steps, **changes):
    schedule = WarmCosine(dataclasses.replace(PHASE, **changes), steps)
    return [float(schedule(step)) for step in range(steps + 1)]


def test_the_rate_climbs_to_its_peak_and_falls_to_a_hundredth():
    rates = rates_of(100)
    assert rates[0] == pytest.approx(1e-4)
    assert max(rates) == pytest.approx(1e-3) == rates[10]
    assert rates[100] == pytest.approx(1e-5)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates_of(1)[0] == pytest.approx(1e-3)


def test_without_a_warm_up_the_rate_starts_at_its_peak():
    rates = rates_of(100, warmup_share=0.0)
    assert rates[0] == pytest.approx(1e-3)
    assert rates == sorted(rates, reverse=True)
    assert rates[1] < rates[0]


def test_without_a_decay_the_rate_stays_at_its_peak():
    rates = rates_of(100, decay=None)
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


def test_weights_are_averaged_over_passes_and_not_over_steps():
    assert _ema_momentum(1000, 0.5) == pytest.approx(1 - 1 / 500)
    assert _ema_momentum(2, 0.5) == 0.5


@pytest.mark.parametrize(("power", "steps"), [(1.0, 25), (0.5, 2), (0.0, 1)])
def test_an_epoch_has_the_steps_that_its_deck_fills(tmp_path, power, steps):
    """Two films of 100 frames: at a power of a half they are 20 pictures, 2 batches of 8."""
    films = tuple(
        Sample(f"{label}{i}", label, "train", label, "home", "", "", 0, 0)
        for label in ("A", "B")
        for i in range(100)
    )
    config = small_config(tmp_path, tmp_path, sampling=SamplingConfig(group_power=power))
    assert Run(config, Manifest(tmp_path, films, ("A", "B"), ""), None, "").steps() == steps


@pytest.mark.parametrize(
    ("losses", "patience", "epochs", "best"),
    [
        pytest.param([1.0, 0.5, 0.9], 9, 3, 2, id="the best, not the last"),
        pytest.param([1.0, 1.1, 1.2, 1.3, 0.1], 3, 4, 1, id="patience ends"),
        pytest.param([1.0, 0.9999, 0.9998, 0.9997], 2, 3, 1, id="too small a gain"),
        pytest.param([float("nan"), 0.7, float("nan")], 5, 3, 2, id="no number"),
        pytest.param([0.5, 1.1, 1.2, 1.3, 1.4], 0, 5, 1, id="without patience"),
    ],
)
def test_training_lasts_as_long_as_patience_does_and_the_best_weights_come_back(
    losses, patience, epochs, best
):
    """The weights are the number of their epoch."""
    kept, restored = _BestWeights(patience), []
    for lasted, loss in enumerate(losses, start=1):
        kept.consider(loss, SimpleNamespace(get_weights=lambda epoch=lasted: [epoch]))
        if kept.exhausted:
            break
    kept.restore(SimpleNamespace(set_weights=restored.extend))
    assert (lasted, restored) == (epochs, [best])


@pytest.mark.parametrize("number", _SIGNALS)
def test_a_step_in_progress_is_finished_and_a_second_call_stops_at_once(number, capsys):
    with handle_signals() as interrupt:
        interrupt.stepping = True
        signal.raise_signal(number)
        assert interrupt.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert "finishing this step" in capsys.readouterr().out
    with handle_signals(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)  # No step is in progress.


def handlers():
    return [signal.getsignal(number) for number in _SIGNALS]


def test_the_handlers_of_before_come_back_and_another_thread_takes_nothing_over():
    before = handlers()
    with pytest.raises(RuntimeError), handle_signals():
        assert handlers() != before
        raise RuntimeError
    assert handlers() == before

    def handlers_inside():
        with handle_signals():
            return handlers()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(handlers_inside).result() == before
