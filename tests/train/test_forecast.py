"""From what a few steps took to what a run takes."""

import pytest

from fingerspell.errors import ConfigError
from fingerspell.train.forecast import (
    Cost,
    Disk,
    Forecast,
    Pace,
    Stage,
    Work,
    _Offer,
    local_cost,
    read_offer,
    rented_cost,
    stage,
)

PACE = Pace(setup_s=10, step_s=0.5, extract_s=0.01, check_s=0.002, save_s=1)


def test_every_epoch_has_its_steps_its_validation_and_its_checkpoint():
    work = Work(name="finetune", epochs=3, steps=100, validation=500)
    assert stage(work, PACE) == Stage("finetune", 10 + 3 * (50 + 1 + 1), 3, 100)


def test_a_frozen_phase_looks_at_its_pictures_once():
    once = Work(name="head", epochs=1, steps=100, validation=500, extracted=2000)
    twice = Work(name="head", epochs=2, steps=100, validation=500, extracted=2000)
    assert stage(once, PACE).seconds == pytest.approx(10 + 20 + 52)
    assert stage(twice, PACE).seconds - stage(once, PACE).seconds == pytest.approx(52)


def test_a_run_takes_the_time_of_its_stages():
    disk = Disk(checkpoint_bytes=1, features_bytes=1, synthetic_bytes=1, weights_bytes=1)
    stages = [Stage("start", 5), Stage("finetune", 7)]
    forecast = Forecast(stages=stages, memory_bytes=1, gpu_memory_bytes=None, disk=disk)
    assert forecast.seconds == 12


def test_checkpoints_and_exports_stay_and_features_and_synthetic_hands_go():
    disk = Disk(checkpoint_bytes=60, features_bytes=500, synthetic_bytes=30, weights_bytes=12)
    assert disk.stays_bytes == 60 + 2 * 60
    assert disk.most_bytes == disk.stays_bytes + 60 + 500 + 30


def test_electricity_costs_hours_times_kilowatts_times_price():
    here = Cost("this machine", 7200, 0.2, price_per_h=0.1, speedup=1)
    assert local_cost(7200, watts=250, price_per_kwh=0.4) == here


def test_a_faster_machine_is_rented_for_less_time():
    assert rented_cost(7200, _Offer("big", 3.0, speedup=8)) == Cost("big", 900, 0.75, 3.0, 8)


def test_offers_are_read():
    assert read_offer("big=1.20,8") == _Offer("big", 1.2, 8)
    assert read_offer("same=0.5") == _Offer("same", 0.5, 1)
    assert read_offer("my own=0") == _Offer("my own", 0.0, 1)


@pytest.mark.parametrize(
    "text", ["big", "big=", "=3", "big=cheap", "big=1,0", "big=1,-2", "big=-1", "big=1,2,3",
             "big=nan", "big=inf", "big=1,nan"],
)  # fmt: skip
def test_what_is_no_offer_is_told(text):
    with pytest.raises(ConfigError, match=r"(?s)--cloud.*NAME=PRICE.*rented=1\.20,8"):
        read_offer(text)
