"""A few real steps, measured in a folder that is thrown away, and what a whole run takes."""

import json
import tempfile
import time
from dataclasses import asdict, replace
from unittest.mock import Mock

import pytest

from fingerspell.cli import estimate as command
from fingerspell.dataset.manifest import read_manifest
from fingerspell.errors import ConfigError, DataError
from fingerspell.machine import machine as here
from fingerspell.train import estimate as module
from fingerspell.train import forecast
from fingerspell.train.estimate import _handful, estimate
from helpers import plain_steps
from helpers.command import command as typed
from helpers.small_run import FINETUNE, HEAD, small_config

pytestmark = pytest.mark.usefixtures("tiny_network", "plain_steps")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where temporary folders are made, so that one left behind is seen."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr(module, "_HEAD_STEPS", 6)
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


@pytest.fixture
def config(data, tmp_path):
    phases = (HEAD, replace(FINETUNE, epochs=30))
    return small_config(data, tmp_path / "output", phases=phases, synthetic_per_class=6)


def test_every_phase_is_a_stage_memory_and_disk_are_the_runs_and_nothing_is_left_behind(
    config, place, monkeypatch, capsys
):
    with monkeypatch.context() as patch:
        plain_steps.keras_own(patch)
        expected, device = estimate(config)
    # 24 photographs, and six synthetic hands of each of three classes: 42 pictures, 8 a step.
    told = [(each.name, each.epochs, each.steps) for each in expected.stages]
    assert told == [("start", 0, 0), ("head", 2, 5), ("finetune", 30, 5), ("finish", 0, 0)]
    assert all(each.seconds > 0 for each in expected.stages)
    assert expected.memory_bytes > 50e6
    assert (expected.gpu_memory_bytes is None) == (not device.gpus)
    assert expected.disk.checkpoint_bytes > 0
    assert expected.disk.synthetic_bytes > 0
    # Two views are twice the training pictures and once validation's.
    more, _ = estimate(replace(config, feature_views=2))
    rows = expected.disk.features_bytes // (40 + 12)
    assert more.disk.features_bytes == rows * (2 * 40 + 12)
    assert list(place.iterdir()) == [] and not config.output_dir.exists()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("changes", "stage"),
    [
        ({"phases": (replace(HEAD, epochs=0), FINETUNE)}, "finetune"),
        ({"phases": (HEAD,), "feature_cache_bytes": 0}, "head"),
    ],
)
def test_a_phase_that_is_skipped_costs_nothing_and_one_without_a_cache_no_disk(
    config, place, changes, stage
):
    expected, _ = estimate(replace(config, **changes))
    assert [each.name for each in expected.stages] == ["start", stage, "finish"]
    assert expected.disk.features_bytes == 0
    assert expected.stages[1].seconds > 0


def test_phases_that_compute_alike_are_measured_once(config, place, monkeypatch):
    measured = Mock(wraps=module.run_phase)
    monkeypatch.setattr(module, "run_phase", measured)
    again = replace(FINETUNE, name="again", epochs=4, learning_rate=1e-4)
    expected, _ = estimate(replace(config, phases=(FINETUNE, again)))
    assert [call.args[1] for call in measured.call_args_list] == [0]
    assert [each.epochs for each in expected.stages] == [0, 3, 4, 0]


def test_hands_that_are_no_letter_are_synthetic_once_and_not_once_a_picture(
    config, place, monkeypatch
):
    """Their second counted for every validation picture that was not measured."""
    whole = module.non_letters
    slowly = Mock(side_effect=lambda *arguments: time.sleep(1.0) or whole(*arguments))

    def one_of_validation(manifest, *_):
        samples = (*manifest.split("train"), manifest.split("val")[0])
        return replace(manifest, samples=samples)

    monkeypatch.setattr(module, "non_letters", slowly)
    monkeypatch.setattr(module, "_handful", one_of_validation)
    expected, _ = estimate(config)
    assert slowly.call_count == 1
    assert 1.0 <= expected.stages[-1].seconds < 10.0


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [({}, 438.0), ({"export_s": None}, None), ({"machine": {"cores": 96}}, None)],
)
def test_exporting_takes_what_it_took_a_run_of_the_same_network_here(config, changes, seconds):
    config.output_dir.mkdir()
    facts = {"config": asdict(config), "machine": here(), "export_s": 438.0, **changes}
    told = {k: v for k, v in facts.items() if v is not None}
    (config.output_dir / "run.json").write_text(json.dumps(told, default=str), encoding="utf-8")
    assert module._export_s(config) == seconds
    larger = replace(config, model=replace(config.model, image_size_px=(64, 64)))
    assert module._export_s(larger) is None
    stages = [] if seconds is None else [forecast.Stage(forecast.EXPORT, seconds)]
    expected = forecast.Forecast(stages=stages, memory_bytes=1, gpu_memory_bytes=None, disk=None)
    assert any("exporting" in text for text in expected.not_included) == (seconds is None)


def test_a_handful_is_exactly_as_many_pictures_as_are_measured(data):
    few = _handful(read_manifest(data), batch_size=4, steps=3)
    assert (len(few.split("train")), len(few.split("val"))) == (12, 16)
    assert {sample.label for sample in few.split("train")} == {"A", "B", "nothing"}


def test_what_would_stop_a_run_stops_the_estimate(config, place, tmp_path):
    with pytest.raises(DataError):
        estimate(replace(config, dataset_dir=tmp_path / "absent"))


SMALL = ("--weights", "none", "--backbone", "MobileNetV3Small", "--img_size", 32, 32,
         "--batch_size", 8, "--epochs", 2, "--synth", 0)  # fmt: skip


def test_the_command_prints_time_memory_disk_and_no_price_that_nobody_gave(data, place, capsys):
    assert typed("estimate", "--dataset_dir", data, *SMALL) == 0
    told = capsys.readouterr().out
    assert "in all, at most" in told and "memory:" in told and "disk:" in told
    assert "not in this: exporting and proving" in told and "run estimate there" in told
    assert "cost" not in told


def test_the_command_prints_a_table_of_costs_for_the_users_own_prices(data, place, capsys):
    prices = ("--watts", 200, "--price_per_kwh", 0.5, "--cloud", "big=2.5,10", "slow=0.1")
    assert typed("estimate", "--dataset_dir", data, *SMALL, "--json", *prices) == 0
    told = json.loads(capsys.readouterr().out)
    here, big, slow = told["costs"]
    assert here["price"] == pytest.approx(here["seconds"] / 3600 * 0.2 * 0.5)
    assert big["seconds"] == pytest.approx(here["seconds"] / 10)
    assert slow["price"] == pytest.approx(here["seconds"] / 3600 * 0.1)
    assert told["seconds"] == pytest.approx(here["seconds"], abs=0.1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--price_per_kwh", 0.3), "--price_per_kwh without --watts"),
        (("--watts", 0), "--watts without --price_per_kwh"),
        (("--watts", 0, "--price_per_kwh", 0.3), "watts above 0"),
        (("--watts", "inf", "--price_per_kwh", 0.3), "watts above 0"),
        (("--watts", 200, "--price_per_kwh", -0.3), "a price from 0"),
        (("--watts", 200, "--price_per_kwh", "nan"), "a price from 0"),
        (("--cloud", "big"), "NAME=PRICE"),
    ],
)
def test_prices_that_cannot_be_end_with_2_before_anything_is_measured(
    data, place, capsys, monkeypatch, options, words
):
    monkeypatch.setattr(module, "estimate", None)
    assert typed("estimate", "--dataset_dir", data, *options) == 2
    assert words in capsys.readouterr().err


def test_a_decimal_comma_is_seen_for_what_it_is_read_as():
    """`rented=1,20` is a price of 1 and twenty times the speed: the table says so."""
    command._check_prices(200.0, 0.0)  # Electricity may be free.
    lines = command._cost_table([forecast.rented_cost(7200, forecast.read_offer("rented=1,20"))])
    assert lines[0].split("  ")[-1] == "cost"
    assert lines[1].split() == ["rented", "1.00", "20", "6", "min", "00", "s", "0.10"]


def test_tables_are_aligned():
    rows = [("stage", "time"), ("a long name", "3 s")]
    assert command._table(rows) == ["stage        time", "a long name   3 s"]


PACE = forecast.Pace(setup_s=10, step_s=0.5, extract_s=0.01, check_s=0.002, save_s=1)


def test_an_epoch_takes_its_steps_validation_and_checkpoint_and_a_frozen_phase_looks_once():
    work = forecast.Work(name="finetune", epochs=3, steps=100, validation=500)
    assert forecast.stage(work, PACE) == forecast.Stage("finetune", 10 + 3 * (50 + 1 + 1), 3, 100)
    once = forecast.Work(name="head", epochs=1, steps=100, validation=500, extracted=2000)
    twice = replace(once, epochs=2)
    assert forecast.stage(once, PACE).seconds == pytest.approx(10 + 20 + 52)
    more = forecast.stage(twice, PACE).seconds - forecast.stage(once, PACE).seconds
    assert more == pytest.approx(52)


def test_stages_add_up_and_only_checkpoints_and_exports_stay_on_the_disk():
    sizes = {"checkpoint_bytes": 60, "features_bytes": 500, "synthetic_bytes": 30}
    disk = forecast.Disk(**sizes, weights_bytes=12)
    assert disk.stays_bytes == 2 * 60 + 66
    assert disk.most_bytes == disk.stays_bytes + 60 + 500 + 30
    stages = [forecast.Stage("start", 5), forecast.Stage("finetune", 7)]
    expected = forecast.Forecast(stages=stages, memory_bytes=1, gpu_memory_bytes=None, disk=disk)
    assert expected.seconds == 12


def test_electricity_costs_kilowatt_hours_and_a_faster_machine_is_rented_for_less_time():
    here = forecast.Cost("this machine", 7200, 0.2, price_per_h=0.1, speedup=1)
    assert forecast.local_cost(7200, watts=250, price_per_kwh=0.4) == here
    assert forecast.read_offer("big=3.00,8") == forecast._Offer("big", 3.0, 8)
    big = forecast.Cost("big", 900, 0.75, 3.0, 8)
    assert forecast.rented_cost(7200, forecast._Offer("big", 3.0, speedup=8)) == big
    assert forecast.read_offer("my own=0") == forecast._Offer("my own", 0.0, 1)


@pytest.mark.parametrize(
    "text", ["big", "big=", "=3", "big=cheap", "big=1,0", "big=1,-2", "big=-1", "big=1,2,3",
             "big=nan", "big=inf", "big=1,nan"],
)  # fmt: skip
def test_what_is_no_offer_is_told(text):
    with pytest.raises(ConfigError, match=r"(?s)--cloud.*NAME=PRICE.*rented=1\.20,8"):
        forecast.read_offer(text)
