"""Class sizes are judged once: doctor and training say the same words."""

import pytest

from fingerspell.config import TrainConfig
from fingerspell.dataset.balance import size_warning
from fingerspell.doctor.folders import check_dataset
from fingerspell.train import checks
from helpers.small_run import write_colours


@pytest.mark.parametrize(
    ("counts", "topic", "words"),
    [
        ({"A": 100, "B": 34}, None, ""),
        ({"A": 100, "B": 20}, "class imbalance", "B has 20 training pictures, A has 100"),
        ({"A": 100, "B": 4, "C": 9}, "classes", "too few to learn B, C"),
        ({"A": 9, "B": 9}, "classes", "too few to learn A, B"),
    ],
)
def test_very_small_classes_are_named_then_uneven_ones(counts, topic, words):
    found = size_warning(counts)
    assert (found and found[0]) == topic
    assert words in (found or ("", ""))[1]


def test_training_says_what_the_doctor_says_and_refuses_no_batch(tmp_path, capsys):
    folder = write_colours(tmp_path / "dataset")
    _, sizes = check_dataset(folder)
    assert sizes.state == "WARN"
    checks.check(TrainConfig(dataset_dir=folder, output_dir=tmp_path / "output", batch_size=999))
    assert capsys.readouterr().out == f"warning: {sizes.found}; {sizes.fix}\n"
    assert not (tmp_path / "output").exists()
