import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from fingerspell.train.session import _SIGNALS, handle_signals


@pytest.mark.parametrize("number", _SIGNALS)
def test_a_step_in_progress_is_finished_and_a_second_call_stops_at_once(number, capsys):
    with handle_signals() as interrupt:
        interrupt.stepping = True
        signal.raise_signal(number)
        assert interrupt.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert "finishing this step" in capsys.readouterr().out


@pytest.mark.parametrize("number", _SIGNALS)
def test_where_no_step_is_in_progress_it_stops_at_once(number):
    with handle_signals(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def test_the_handlers_of_before_come_back():
    before = [signal.getsignal(number) for number in _SIGNALS]
    with pytest.raises(RuntimeError), handle_signals():
        assert [signal.getsignal(number) for number in _SIGNALS] != before
        raise RuntimeError
    assert [signal.getsignal(number) for number in _SIGNALS] == before


def test_outside_the_main_thread_nothing_is_taken_over():
    def handlers_inside():
        with handle_signals():
            return [signal.getsignal(number) for number in _SIGNALS]

    before = [signal.getsignal(number) for number in _SIGNALS]
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(handlers_inside).result() == before
