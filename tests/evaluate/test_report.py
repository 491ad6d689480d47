"""The report says what was measured, for programs and for people."""

import json

import numpy as np
import pytest

from fingerspell.errors import DataError
from fingerspell.evaluate import evaluation, write_report
from fingerspell.evaluate.report import HISTORY_PNG, MATRIX_PNG, MODEL_CARD, REPORT, REPORT_HTML
from helpers.evaluated import GROUPS, HISTORY, LABELS, PROBABILITIES, RUN, TRUTH

PNG = b"\x89PNG\r\n\x1a\n"


def report(**more):
    return evaluation(TRUTH, PROBABILITIES, LABELS, groups=GROUPS, **more)


def test_the_guides_keys_the_letters_and_the_intervals_are_there():
    found = report()
    assert found["test_accuracy"] == pytest.approx(4 / 6)
    assert found["class_names"] == list(LABELS)
    assert found["confusion_matrix"][1] == [1, 1, 0, 0]
    assert found["per_class_metrics"]["B"]["recall"] == 0.5
    assert found["letters_26"] == {"accuracy": pytest.approx(4 / 6), "pictures": 6}
    assert found["letters_24"] == {"accuracy": pytest.approx(3 / 4), "pictures": 4}
    low, high = found["intervals"]["groups_95"]
    assert found["intervals"]["groups"] == 3 and low < 4 / 6 < high
    assert evaluation(TRUTH, PROBABILITIES, LABELS)["intervals"]["groups_95"] is None


def test_the_exported_model_has_the_same_figures_and_its_agreement():
    other = np.roll(PROBABILITIES, 1, axis=0)
    section = report(tflite=other)["tflite"]
    assert section["test_accuracy"] == evaluation(TRUTH, other, LABELS)["test_accuracy"]
    assert section["agreement"] == pytest.approx(2 / 6)
    assert section["max_difference"] == pytest.approx(0.8)
    exact = report(tflite=PROBABILITIES)["tflite"]
    assert (exact["agreement"], exact["max_difference"]) == (1.0, 0.0)
    with pytest.raises(DataError):
        report(tflite=PROBABILITIES[:, :3])


def test_no_pictures_give_an_empty_report_and_no_crash():
    found = evaluation(np.zeros(0, int), np.zeros((0, 4)), LABELS, groups=())
    assert found["test_accuracy"] is None
    json.dumps(found, allow_nan=False)


def test_every_file_is_written_whole(tmp_path):
    made = report(tflite=PROBABILITIES, unseen_signers={"hall": report()})
    write_report(tmp_path, made, HISTORY, RUN)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {REPORT, MATRIX_PNG, HISTORY_PNG, REPORT_HTML, MODEL_CARD}
    written = json.loads((tmp_path / REPORT).read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(made))
    for name in (MATRIX_PNG, HISTORY_PNG):
        assert (tmp_path / name).read_bytes().startswith(PNG)


def test_a_run_without_epochs_and_facts_still_gets_a_report(tmp_path):
    write_report(tmp_path, report(), {"loss": []}, {})
    assert (tmp_path / REPORT_HTML).is_file()
    assert not (tmp_path / HISTORY_PNG).exists()
