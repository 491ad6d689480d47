"""The run's page: whole, escaped, and true to the evaluation."""

from __future__ import annotations

import base64
from typing import Any

from fingerspell.report.run_report import run_page
from helpers.evaluated import RUN, evaluated
from helpers.html_page import Page

NASTY = "<script>hall</script>\"'&"
MATRIX, CURVES = b"a matrix", b"some curves"


def page(report: Any = None, run: Any = None, curves: bytes | None = CURVES) -> Page:
    return Page(run_page(report or evaluated(), RUN if run is None else run, MATRIX, curves))


def test_the_page_needs_no_network_and_shows_both_plots() -> None:
    shown = page()
    plots = [base64.b64decode(link.partition("base64,")[2]) for link in shown.links()[1:]]
    assert plots == [MATRIX, CURVES]
    assert all(link.startswith("data:") for link in shown.links())
    assert shown.alts() == ["confusion matrix", "loss, accuracy and learning rate by epoch"]


def test_names_from_outside_are_only_ever_text() -> None:
    report = evaluated(NASTY, unseen=True, exported=True)
    report["per_class_metrics"][NASTY] = report["per_class_metrics"].pop("A")
    report["top_confusions"][0] |= {"truth": NASTY, "answer": NASTY}
    shown = page(report, {**RUN, "commit": NASTY, "machine": {NASTY: NASTY}})
    assert "script" not in shown.tags
    assert "b" not in shown.tags
    assert {name for _, name, _ in shown.attributes if name.startswith("on")} == set()
    assert shown.text().count(NASTY) == 7
    assert "--dataset_dir <b>dataset</b>" in shown.text()


def test_the_score_stands_first_and_every_figure_below() -> None:
    text = page(evaluated(unseen=True, exported=True)).text()
    assert "Fingerspell report 66.7 % of 6 test pictures recognised rightly, 4 classes" in text
    assert "pictures of 26 letters 24 without J, Z pictures hall 75.0 % 75.0 % 4" in text
    assert "accuracy 66.7 % 95 % interval over 3 groups" in text
    assert "same class as the trained model 100.0 % largest difference of a probability 0" in text
    assert "true class answer pictures share B A 1 50.0 % J A 1 50.0 %" in text
    assert "class recall precision F1 pictures A 100.0 % 50.0 % 66.7 % 2" in text
    assert "confidence mean accuracy pictures" in text
    assert "first weights weights file bird.weights.h5" in text


def test_a_class_without_pictures_has_a_dash_and_no_bar() -> None:
    shown = page()
    assert "space – – – 0" in shown.text()
    bars = [value for tag, name, value in shown.attributes if (tag, name) == ("span", "style")]
    assert bars == ["width:100%", "width:50%", "width:50%"]


def test_what_was_not_measured_is_said_and_what_is_not_there_is_left_out() -> None:
    shown = page(curves=None, run={})
    assert "Unseen signers Not measured." in shown.text()
    assert "Exported model" not in shown.text()
    assert "Training" not in shown.text()
    assert "Circumstances split as the data set's folders say training – memory" in shown.text()


def test_a_faultless_test_has_no_confusions() -> None:
    assert (
        "No test picture was taken for another class."
        in page(evaluated() | {"top_confusions": []}).text()
    )
