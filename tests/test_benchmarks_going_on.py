"""Going on from the released weights: which hands are drawn, what is read, how it is told."""

import argparse
import json

import numpy as np
import pytest

import circumstances
import going_on
import read_otherwise_page
from fingerspell.images import encode_jpeg
from going_on import Choice
from source_names import STRANGERS, STUDY_ONLY


@pytest.fixture
def little(monkeypatch):
    monkeypatch.setattr(going_on, "DRAWN", 12)


@pytest.fixture
def sources(tmp_path):
    """A data folder with two pictures of every source, and a prepared data set of two classes."""
    from fingerspell.config import PrepareConfig
    from fingerspell.prepare.prepare import prepare

    rng = np.random.default_rng(0)

    def write(folder, count):
        for label in "AB":
            (folder / label).mkdir(parents=True)
            for number in range(count):
                rgb = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
                (folder / label / f"{number}.jpg").write_bytes(encode_jpeg(rgb, 90))

    for name in (*STUDY_ONLY, *STRANGERS):
        write(tmp_path / "data" / name, 1)
    write(tmp_path / "mine", 12)
    prepare(PrepareConfig(input_dirs=(tmp_path / "mine",), output_dir=tmp_path / "dataset"))
    return tmp_path


def test_the_network_moves_and_both_ends_are_read(little, sources, monkeypatch):
    seen = []

    def read(model, labels, data):
        seen.append({v.path: np.array(v) for v in model.variables})
        assert labels == ("A", "B")
        return {"studied": {"mean_letters_24": 0.5}, "unseen_signers": {"mean_letters_24": 0.5}}

    monkeypatch.setattr(going_on, "read", read)
    args = argparse.Namespace(
        dataset_dir=sources / "dataset", data=sources / "data", steps=1, seeds=[1]
    )
    nothing = going_on.one(None, 0, args, sources / "work")
    assert nothing.keys() == {"commit", "end"}
    found = going_on.one(Choice("usual", {}), 1, args, sources / "work")
    assert found.keys() == {"commit", "loss", "end", "mean"}
    start, end, mean = seen
    moved = {name for name in start if not np.array_equal(start[name], end[name])}
    assert any(name.endswith("kernel") for name in moved)
    assert not any("moving_" in name or name.endswith("gamma") for name in moved)
    for name in (name for name in moved if "seed" not in name):
        np.testing.assert_allclose(mean[name], (start[name] + end[name]) / 2, atol=1e-6)


def test_the_last_call_saves_what_the_parts_have_done(sources, monkeypatch, capsys):
    monkeypatch.setattr(circumstances, "RESULTS", sources / "results")
    made = []

    def one(choice, seed, args, work):
        made.append((choice and choice.name, seed))
        score = {group: {"mean_letters_24": 0.5} for group in ("studied", "unseen_signers")}
        return {"commit": "abc", "end": score, **({"mean": score} if choice else {})}

    monkeypatch.setattr(going_on, "one", one)
    given = ["--data", str(sources / "data"), "--dataset_dir", str(sources / "dataset"),
             "--work", str(sources / "work")]  # fmt: skip
    assert going_on.main([*given, "--part", "1/2"]) == 0
    assert going_on.main([*given, "--part", "2/2"]) == 0
    assert not (sources / "results").exists()
    assert len(made) == 5
    assert going_on.main(given) == 0
    assert len(made) == 5, "what is done is not done again"
    saved = json.loads((sources / "results" / "going_on.json").read_text(encoding="utf-8"))
    assert [run["seed"] for run in saved["runs"]] == [1, 1, 2, 2, 0]
    assert saved["runs"][1]["factors"]["view"] > 1


def test_a_missing_source_is_named_at_once(sources, capsys):
    given = ["--data", str(sources), "--dataset_dir", str(sources / "dataset")]
    with pytest.raises(SystemExit) as stop:
        going_on.main(given)
    assert stop.value.code == 2
    assert STUDY_ONLY[0] in capsys.readouterr().err


def test_the_page_tells_points_to_the_released_network():
    def score(studied, unseen_signers):
        return {
            "studied": {"mean_letters_24": studied},
            "unseen_signers": {"mean_letters_24": unseen_signers},
        }

    text = read_otherwise_page.going_on(
        {
            "command": "c", "commit": "abc", "finished": "2026-01-01", "versions": {},
            "machine": {"system": "s", "processor": "p", "cores": 2},
            "steps": 10, "batch_size": 32, "rate": 3e-4, "synthetic_per_class": 20,
            "runs": [
                {"name": "usual", "seed": 1, "steps": 10, "factors": {}, "end": score(0.83, 0.88),
                 "mean": score(0.84, 0.89)},
                {"name": "apart", "seed": 1, "steps": 10, "factors": {"view": 1.6},
                 "end": score(0.85, 0.90), "mean": score(0.86, 0.885)},
                {"name": "released", "seed": 0, "steps": 0, "factors": None,
                 "end": score(0.84, 0.89)},
            ],
        }
    )  # fmt: skip
    assert "| apart | 1 | 85.0 % (+1.0) | 90.0 % (+1.0) | 86.0 % (+2.0) | 88.5 % (-0.5) |" in text
    assert "| released |  | 84.0 % (+0.0) | 89.0 % (+0.0) | – | – |" in text
    assert "320 pictures more at 0.0003" in " ".join(text)
    assert "`view` 1.6 times" in " ".join(text)
