"""The report says what was measured, for programs and for people."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import numpy as np
import pytest

from fingerspell.errors import DataError
from fingerspell.evaluate import evaluation, write_report
from fingerspell.evaluate.report import HISTORY_PNG, MATRIX_PNG, MODEL_CARD, REPORT, REPORT_HTML

LABELS = ("A", "B", "J", "space")
TRUTH = np.array([0, 0, 1, 1, 2, 2])
PROBABILITIES = np.eye(4)[[0, 0, 1, 0, 2, 0]] * 0.8 + 0.05
GROUPS = ("x", "x", "y", "y", "z", "z")
HISTORY = {
    "phase": ["head", "head", "finetune"],
    "epoch": [1, 2, 1],
    "loss": [3.0, 2.0, 1.0],
    "val_loss": [3.1, 2.2, 1.5],
    "accuracy": [0.1, 0.5, 0.9],
    "val_accuracy": [0.1, 0.4, 0.8],
    "learning_rate": [1e-3, 1e-3, 1e-5],
}
RUN = {
    "command": "fingerspell train --dataset_dir <b>dataset</b>",
    "weights_origin": "weights file bird.weights.h5",
    "pictures": {"train": 70, "val": 15, "test": 15},
    "config": {"model": {"backbone": "MobileNetV3Small", "image_size_px": [96, 64]}},
}
PNG = b"\x89PNG\r\n\x1a\n"


def report(**more):
    return evaluation(TRUTH, PROBABILITIES, LABELS, groups=GROUPS, **more)


def unseen_signers():
    return {"hall": evaluation(TRUTH[:4], PROBABILITIES[:4], LABELS)}


def test_the_guides_keys_are_there():
    found = report()
    assert found["test_accuracy"] == pytest.approx(4 / 6)
    assert found["class_names"] == list(LABELS)
    assert found["confusion_matrix"][1] == [1, 1, 0, 0]
    assert found["per_class_metrics"]["B"]["recall"] == 0.5


def test_letters_are_reported_with_and_without_moving_ones():
    found = report()
    assert found["letters_26"] == {"accuracy": pytest.approx(4 / 6), "pictures": 6}
    assert found["letters_24"] == {"accuracy": pytest.approx(3 / 4), "pictures": 4}


def test_the_interval_over_groups_stands_beside_that_over_pictures():
    intervals = report()["intervals"]
    assert intervals["groups"] == 3
    assert intervals["groups_95"][0] < 4 / 6 < intervals["groups_95"][1]
    assert evaluation(TRUTH, PROBABILITIES, LABELS)["intervals"]["groups_95"] is None


def test_the_exported_model_has_the_same_figures_and_its_agreement():
    other = np.roll(PROBABILITIES, 1, axis=0)
    section = report(tflite=other)["tflite"]
    assert section["test_accuracy"] == evaluation(TRUTH, other, LABELS)["test_accuracy"]
    assert section["agreement"] == pytest.approx(2 / 6)
    assert section["max_difference"] == pytest.approx(0.8)


def test_an_exact_export_agrees_wholly():
    section = report(tflite=PROBABILITIES)["tflite"]
    assert (section["agreement"], section["max_difference"]) == (1.0, 0.0)


def test_an_export_with_other_labels_is_refused():
    with pytest.raises(DataError):
        report(tflite=PROBABILITIES[:, :3])


def test_no_pictures_give_an_empty_report_and_no_crash():
    found = evaluation(np.zeros(0, int), np.zeros((0, 4)), LABELS, groups=())
    assert found["test_accuracy"] is None
    json.dumps(found, allow_nan=False)


def test_every_file_is_written_whole(tmp_path):
    made = report(tflite=PROBABILITIES, unseen_signers=unseen_signers())
    write_report(tmp_path, made, HISTORY, RUN)
    assert {p.name for p in tmp_path.iterdir()} == {
        REPORT,
        MATRIX_PNG,
        HISTORY_PNG,
        REPORT_HTML,
        MODEL_CARD,
    }
    assert json.loads((tmp_path / REPORT).read_text(encoding="utf-8")) == json.loads(
        json.dumps(made)
    )
    assert (tmp_path / MATRIX_PNG).read_bytes().startswith(PNG)
    assert (tmp_path / HISTORY_PNG).read_bytes().startswith(PNG)


def test_the_page_needs_no_network_and_escapes_what_others_wrote(tmp_path):
    made = report(unseen_signers={"<script>hall</script>": unseen_signers()["hall"]})
    write_report(tmp_path, made, HISTORY, RUN)
    page = (tmp_path / REPORT_HTML).read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(page)
    assert tags.unclosed == []
    assert "script" not in tags.seen
    assert "link" not in tags.seen
    assert tags.sources
    assert all(source.startswith("data:image/png;base64,") for source in tags.sources)
    assert "&lt;b&gt;dataset&lt;/b&gt;" in page
    assert "66.7 %" in page


def test_the_card_names_data_limits_misuse_and_where_the_weights_come_from(tmp_path):
    write_report(tmp_path, report(unseen_signers=unseen_signers()), HISTORY, RUN)
    card = (tmp_path / MODEL_CARD).read_text(encoding="utf-8")
    assert "bird.weights.h5" in card
    assert "train 70, val 15, test 15" in card
    assert "**Not for** interpreting" in card
    assert "| hall | 75.0 % | 75.0 % | 4 |" in card
    assert "J (50.0 %)" in card
    assert "[N, 96, 64, 3]" in card


def test_a_recogniser_that_was_not_tried_on_unseen_signers_says_so(tmp_path):
    write_report(tmp_path, report(), HISTORY, RUN)
    assert "Not measured" in (tmp_path / MODEL_CARD).read_text(encoding="utf-8")
    assert "Not measured" in (tmp_path / REPORT_HTML).read_text(encoding="utf-8")


def test_a_run_without_epochs_and_facts_still_gets_a_report(tmp_path):
    write_report(tmp_path, report(), {"loss": []}, {})
    assert (tmp_path / REPORT_HTML).is_file()
    assert not (tmp_path / HISTORY_PNG).exists()


class Tags(HTMLParser):
    """Collects tags, picture sources and elements that were left open."""

    VOID = frozenset({"meta", "img", "br", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.sources: list[str] = []
        self.unclosed: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.unclosed.append(tag)

    def handle_endtag(self, tag):
        assert self.unclosed.pop() == tag


def test_the_card_names_synthetic_hands_only_where_there_were_some():
    from fingerspell.evaluate.card import model_card

    assert "2,900 hands drawn" in model_card(report(), {**RUN, "synthetic_pictures": 2900})
    assert "synthetic" not in model_card(report(), RUN)
