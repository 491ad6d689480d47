"""The released recogniser's own test split is read whole, and no other data set passes for it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import unseen_signers_page

import circumstances
import own_test
from fingerspell.dataset.manifest import FILE_NAME, read_manifest, to_csv
from fingerspell.runtime import STARTER, read_contract
from helpers.small_run import write_colours


class Redder:
    """Says A of what is more red than green, B of the rest."""

    labels = ("A", "B")
    size_px = (32, 32)

    def probabilities(self, batch):
        red, green = batch[..., 0].mean((1, 2)), batch[..., 1].mean((1, 2))
        a = 0.5 + (red - green) / 2
        return np.stack([a, 1 - a], axis=1)


@pytest.fixture
def dataset(tmp_path):
    """Three test pictures of A and of B, one of which lies in the other's folder."""
    folder = write_colours(tmp_path / "dataset", pictures=(2, 2, 3))
    wrong = folder / "test" / "B" / "0.jpg"
    wrong.write_bytes((folder / "test" / "A" / "0.jpg").read_bytes())
    samples = [
        replace(
            s,
            source="one" if s.label == "A" else "two",
            group=f"{s.split}{s.label}{s.path[-5] > '1'}",
        )
        for s in read_manifest(folder).samples
        if s.label != "nothing"
    ]
    (folder / FILE_NAME).write_text(to_csv(samples), encoding="utf-8", newline="\n")
    return folder


def test_the_test_split_alone_is_read_as_a_whole_and_source_by_source(dataset):
    found = own_test.measured(Redder(), read_manifest(dataset))
    assert (found["pictures"], found["groups"]) == (6, 4)
    assert found["accuracy"] == pytest.approx(5 / 6)
    assert found["sources"] == {
        "one": {"pictures": 3, "accuracy": 1.0},
        "two": {"pictures": 3, "accuracy": pytest.approx(2 / 3)},
    }


def test_another_data_set_and_a_folder_without_one_are_refused(dataset, tmp_path, capsys):
    for folder, told in ((dataset, "not the data set"), (tmp_path / "none", "none")):
        with pytest.raises(SystemExit) as ended:
            own_test.main(["--dataset_dir", str(folder)])
        assert ended.value.code == 2
        assert told in capsys.readouterr().err


def test_the_recognisers_own_data_set_is_read_and_saved(dataset, tmp_path, monkeypatch):
    contract = read_contract(STARTER)
    own = replace(contract, origin={"manifest_sha256": read_manifest(dataset).sha256})
    monkeypatch.setattr("fingerspell.runtime.read_contract", lambda _: own)
    monkeypatch.setattr("fingerspell.runtime.Recogniser.load", lambda _: Redder())
    monkeypatch.setattr(circumstances, "RESULTS", tmp_path / "results")
    assert own_test.main(["--dataset_dir", str(dataset)]) == 0
    saved = json.loads((tmp_path / "results" / "own_test.json").read_text(encoding="utf-8"))
    assert saved["accuracy"] == pytest.approx(5 / 6) and saved["commit"]
    (dataset / "test" / "A" / "1.jpg").write_bytes(b"no picture")
    with pytest.raises(SystemExit) as ended:
        own_test.main(["--dataset_dir", str(dataset)])
    assert ended.value.code == 2
    (row,) = unseen_signers_page.own_aim(saved)
    assert row.endswith("own test split, 6 pictures | ≥ 97.0 % | 83.3 % | missed by 13.7 points |")
    (row,) = unseen_signers_page.own_aim({**saved, "accuracy": 0.98})
    assert row.endswith("| 98.0 % | met |")
    assert unseen_signers_page.own_aim(None) == []
