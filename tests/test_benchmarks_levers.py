"""The levers' study and the training engine's page say what was measured."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

import circumstances
import engine_page
import levers
import machine_page
import run_by_run
import time_to_quality
from fingerspell.config import SamplingConfig, TrainConfig
from fingerspell.dataset.manifest import read_manifest
from fingerspell.loading.sampling import epoch_length
from helpers.small_run import write_colours


def row(phase: str, clock_s: float, held_out: float) -> dict[str, object]:
    return {"phase": phase, "clock_s": clock_s, "pictures": 100, "size_px": [64, 64],
            "held_out": held_out, "val": held_out + 0.1, "test": held_out - 0.1}  # fmt: skip


def test_a_phase_bears_all_seconds_since_the_one_before():
    rows = [row("head", 30.0, 0.1), row("head", 40.0, 0.2), row("finetune", 90.0, 0.3)]
    found = time_to_quality.phases(rows)
    assert [(x["epochs"], x["seconds"], x["pictures_per_s"]) for x in found] == [
        (2, 40.0, 5.0),
        (1, 50.0, 2.0),
    ]


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Both studies as if they had been measured."""
    people = {"sources": {"dev_x": {"letters_26": 0.3, "letters_24": 0.35}},
              "mean_letters_26": 0.3, "mean_letters_24": 0.35}  # fmt: skip
    shared = {"unseen_signers": people, "whole_s": 90.0, "peak_memory_bytes": 2e9}
    sides = {
        "guide": {**shared, "epochs_asked": 50, "limit_s": 1500.0,
                  "curve": [row("frozen", 60.0, 0.5), row("finetune", 600.0, 0.6)]},
        "ours": {**shared, "curve": [row("head", 20.0, 0.4), row("finetune", 60.0, 0.7)]},
    }  # fmt: skip
    for side in sides.values():
        side["phases"] = time_to_quality.phases(side["curve"])
    machine = {"system": "Linux", "processor": "P", "cores": 2}
    said = {"machine": machine, "commit": "abc", "versions": {"python": "3"},
            "finished": "2026-01-01T00", "command": "python x"}  # fmt: skip
    runs = [
        {"lever": lever, "seed": seed, "unseen_signers": people["sources"], "commit": "abc",
         **dict.fromkeys(levers.SCORES, value + seed / 100), "train_s": 100 * value}
        for lever, value in ((levers.FULL, 0.5), ("no averaged weights", 0.4))
        for seed in (1, 2)
    ]  # fmt: skip
    monkeypatch.setattr(circumstances, "RESULTS", tmp_path)
    commands = {"guide": "python g", "ours": "python o --recipe configs/quick.py"}
    circumstances.save(
        "time_to_quality",
        {**said, **time_to_quality.compared(sides), "sides": sides, "sources": ["s"], "seed": 1,
         "commands": commands},
    )  # fmt: skip
    plan = {"sources": ["s"], "pictures": {"train": 3, "val": 2, "test": 1}, "image_px": 64,
            "epochs": 4}  # fmt: skip
    levers.write(runs, said, plan)
    return tmp_path


def test_the_headline_is_the_guides_best_on_pictures_that_nobody_learnt_from(measured):
    found = json.loads((measured / "time_to_quality.json").read_text("utf-8"))
    assert found["headline"] == {
        "accuracy": 0.6, "guide_s": 600.0, "ours_s": 60.0, "times_faster": 10.0,
    }  # fmt: skip


def test_the_page_says_what_was_measured(measured):
    page = engine_page.engine()
    assert "60.0 % of the held-out pictures: 10.0 min against 60 s, 10.0 times as fast" in page
    assert "configs/quick.py" in page
    assert "| no averaged weights | -10 s (-10 – -10) | -10.0 (-10.0 – -10.0) |" in page


def test_the_page_says_what_was_not_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(circumstances, "RESULTS", tmp_path)
    page = engine_page.engine()
    assert page.count("Not measured") == 5
    assert "no GPU was at hand" in page


def test_the_loaders_speed_stands_beside_what_was_aimed_at():
    rate = {"cpu_best": 2345.6, "cpu_median": 2100.0, "wall_best": 900.0, "wall_median": 800.0}
    figures = {
        "pictures": 2900, "mean_file_bytes": 9876, "repeats": 5,
        "targets": {"pictures_per_s": 2000},
        "steps": {"decode": rate},
        "stream": {"one core, 1 thread": {**rate, "cpu_best": 2500.0}},
    }  # fmt: skip
    text = "\n".join(machine_page.loader(figures))
    assert "**2,500 pictures a second** at best, 2,100 on the median; aimed at were 2,000" in text
    assert "| decode | 2,346 | 2,100 | 900 | 800 |" in text
    assert "processor time (" not in text
    step = {"batch_size": 32, "step_cpu_s": 1.5, "backend": "tensorflow", "loading_cpu_s": 0.016,
            "loading_share": 0.0106}  # fmt: skip
    assert "1.1 % of both" in "\n".join(machine_page.loader({**figures, "training_step": step}))


def test_a_card_that_was_too_small_says_so():
    row = {"policy": "mixed_float16", "batch_size": 32, "pictures_per_s": 1234.5, "step_ms": 25.92,
           "peak_bytes": 4.2e9}  # fmt: skip
    figures = {
        "gpus": ["Card"], "backend": "torch", "matmul": [{"flops_per_s": 5e13, "dtype": "float16"}],
        "rows": [{**row, "share_of_bound": 0.123}],
        "capped": [{"policy": "float32", "batch_size": 128, "out_of_memory": True}],
        "target": {"peak_bytes": 5.5e9, "batch_size": 32, "reached": True},
    }  # fmt: skip
    text = "\n".join(machine_page.gpu(figures))
    assert "| mixed_float16 | 32 | 1,234 | 25.9 ms | 4.20 GB | 12.3 % |" in text
    assert "| float32, under a cap of 6 GiB | 128 | out of memory | | | |" in text
    assert "5.5 GB at batch 32 in mixed precision: reached" in text


def test_every_backends_card_has_its_section(measured):
    said = json.loads((measured / "levers.json").read_text("utf-8"))
    figures = {key: said[key] for key in ("machine", "versions", "commit", "finished", "command")}
    figures |= {"gpus": ["Card"], "matmul": [], "rows": [], "capped": [], "target": None}
    for backend in ("jax", "torch"):
        circumstances.save(f"gpu_{backend}", {**figures, "backend": backend})
    page = engine_page.engine()
    assert "## On a GPU: jax" in page
    assert "## On a GPU: torch" in page
    assert "no GPU was at hand" not in page


def test_a_lever_is_compared_with_the_full_recipe_of_the_same_seed():
    runs = [
        {"lever": lever, "seed": seed, **dict.fromkeys(levers.SCORES, value)}
        for lever, seed, value in (
            (levers.FULL, 1, 0.5), (levers.FULL, 2, 0.9), ("off", 1, 0.4), ("off", 2, 0.9),
        )
    ]  # fmt: skip
    off = levers.summary(runs)[1]
    assert off["val"] == pytest.approx({"mean": 0.65, "lowest": 0.4, "highest": 0.9})
    assert off["to_full"]["val"] == pytest.approx({"mean": -0.05, "lowest": -0.1, "highest": 0.0})


def test_a_run_with_other_settings_is_not_taken_for_this_one(tmp_path):
    path = tmp_path / "run.json"
    assert run_by_run.kept(path, "a") is None
    path.write_text(json.dumps({"fingerprint": "a", "val": 0.5}), encoding="utf-8")
    assert run_by_run.kept(path, "a") == {"fingerprint": "a", "val": 0.5}
    assert run_by_run.kept(path, "b") is None


@pytest.fixture
def full(tmp_path) -> TrainConfig:
    args = argparse.Namespace(
        work=tmp_path, weights=Path("w.h5"), side=128, epochs=12, batch_size=8
    )
    return levers.full(args, tmp_path)


@pytest.fixture
def films(tmp_path):
    """A data set as if each class were two films of four frames: an epoch is half of it."""
    manifest = read_manifest(write_colours(tmp_path / "dataset"))
    grouped = (replace(s, group=f"{s.label}/{n % 2}") for n, s in enumerate(manifest.samples))
    return replace(manifest, samples=tuple(grouped))


@pytest.mark.parametrize(
    ("lever", "moved"),
    [
        ("no cached features", {"feature_cache_bytes"}),
        ("no small pictures first", {"phases"}),
        ("no sampling by groups", {"phases", "sampling", "average_epochs"}),
        ("no averaged weights", {"average_epochs"}),
        ("no warm-up", {"phases"}),
        ("wide augmentation", {"augment"}),
        ("BatchNormalization trained, at 1e-3", {"phases"}),
        ("with synthetic hands", {"synthetic_per_class"}),
    ],
)
def test_a_lever_moves_nothing_but_itself(lever, moved, full, films):
    changed = {**levers.LEVERS, **levers.MORE}[lever](full, films)
    names = [field.name for field in fields(TrainConfig)]
    assert {name for name in names if getattr(changed, name) != getattr(full, name)} == moved


def test_without_small_pictures_there_are_as_many_epochs_and_one_whole_cosine(full):
    assert [p.image_size_px for p in full.phases] == [None, (96, 96), (128, 128)]
    head, whole = levers.without_small_pictures(full, None).phases
    assert head == full.phases[0]
    assert (whole.epochs, whole.image_size_px, whole.decay) == (8, None, (0.0, 1.0))


def test_without_sampling_as_many_pictures_are_learnt_from(full, films):
    samples = films.split("train")
    off = levers.without_sampling(full, films)
    assert off.sampling == SamplingConfig()
    assert epoch_length(samples, full.sampling) == 12
    assert epoch_length(samples, off.sampling) == 24
    assert [p.epochs for p in full.phases] == [4, 5, 3]
    assert [p.epochs for p in off.phases] == [2, 2, 2]
    assert off.average_epochs == full.average_epochs / 2
