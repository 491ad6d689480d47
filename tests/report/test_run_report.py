"""A run's page, its model card and its two plots: whole, escaped, true to the evaluation."""

import base64
import warnings
from typing import Any

import numpy as np
import pytest

from fingerspell.images import decode
from fingerspell.labels import ALPHABET
from fingerspell.report.fonts import lettering
from fingerspell.report.plots import _confusion_figure, _history_figure, confusion_png
from fingerspell.report.run_report import model_card, run_page
from helpers.evaluated import HISTORY, RUN, evaluated
from helpers.html_page import Page

NASTY = "<script>hall</script>\"'&"
MATRIX, CURVES = b"a matrix", b"some curves"


def page(
    report: Any = None, run: Any = None, curves: bytes | None = CURVES, **numbered: str
) -> Page:
    run = RUN if run is None else run
    return Page(run_page(report or evaluated(), run, MATRIX, curves, numbered))


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


def test_what_has_no_pictures_has_a_dash_and_no_bar_and_no_confusions_are_said() -> None:
    shown = page()
    assert "space – – – 0" in shown.text()
    bars = [value for tag, name, value in shown.attributes if (tag, name) == ("span", "style")]
    assert bars == ["width:100%", "width:50%", "width:50%"]
    faultless = page(evaluated() | {"top_confusions": []}).text()
    assert "No test picture was taken for another class." in faultless
    assert "In the matrix" not in faultless
    assert "In the matrix: a क , b ب ." in page(a="क", b="ب").text()


def test_what_was_not_measured_is_said_and_what_is_not_there_is_left_out() -> None:
    shown = page(curves=None, run={})
    assert "Unseen signers Not measured." in shown.text()
    assert "Exported model" not in shown.text()
    assert "Training" not in shown.text()
    assert "Circumstances split as the data set's folders say training – memory" in shown.text()


def test_the_card_names_data_limits_misuse_and_where_the_weights_come_from() -> None:
    card = model_card(evaluated(unseen=True), RUN)
    assert "bird.weights.h5" in card
    assert "Pictures: train 70, val 15, test 15. Split: as the data set's folders say.\n" in card
    assert "**Not for** interpreting" in card
    assert "|---|---|---|---|\n| hall | 75.0 % | 75.0 % | 4 |\n" in card
    assert "\n* Least often recognised on its own test pictures: B (50.0 %), J (50.0 %).\n" in card
    assert "[N, 96, 64, 3]" in card
    assert "`fingerspell train --dataset_dir <b>dataset</b>`\ncommit –, – of training" in card


def test_the_card_tells_what_there_is_and_no_more() -> None:
    bare = model_card(evaluated(), {})
    assert "Not measured yet: expect much lower" in bare
    assert "Network, 4 classes, 200×200 pixels. Trained –." in bare
    assert "temperature (–)" in bare
    assert "synthetic" not in bare
    assert "TFLite" not in bare
    for recall, said in (1.0, "* None of its own test pictures was"), (None, "pictures: –."):
        for scores in (report := evaluated())["per_class_metrics"].values():
            scores["recall"] = recall
        assert said in model_card(report, {})
    full = model_card(evaluated(exported=True), {**RUN, "synthetic_pictures": 2900})
    assert "test 15. Beside them 2,900 synthetic hands" in full
    assert "same class as the trained one on 100.0 %" in full
    guessed = evaluated(exported=True) | {"guessing": {"accuracy": 0.5, "suspected": True}}
    proven = model_card(guessed, {**RUN, "proven_pictures": 120})
    assert "\n\nWARNING: " in proven
    assert "of these pictures. Every exported file was compared with it on 120 pict" in proven
    assert "120 pictures of the data set.\n" in proven
    few = {**RUN, "proven_pictures": 9, "proven_synthetic_pictures": 191}
    assert "on 9 pictures of the data set and 191 synthetic ones.\n" in model_card(guessed, few)
    for card in (bare, full, proven):
        for mark in ("## ", "The exported", "WARNING"):
            assert card.count(f"\n{mark}") == card.count(f"\n\n{mark}"), "a paragraph of its own"


@pytest.mark.parametrize(
    ("inside", "full", "said"),
    [
        ("weights and activations", 0.985, "computes in 8 bits throughout (full int8). It names"),
        ("weights", 0.946, "full int8 named the trained class on 94.6 % of the pictures only. It"),
        ("weights", None, "full int8 could not be made or does not load on older phones. It names"),
    ],
)
def test_the_card_says_what_is_8_bits_inside_why_and_how_often_it_agrees(inside, full, said):
    int8 = {"inside": inside, "full_int8_agreement": full, "agreement": 0.992}
    card = model_card(evaluated(exported=True), {**RUN, "int8": int8})
    assert f"\n\n`model_int8.tflite` {'computes' if full == 0.985 else 'has its weights'}" in card
    assert said in card and "the trained class on 99.2 % of them.\n\n## Figures on" in card


def test_names_cannot_break_the_card() -> None:
    report = evaluated("a|b\n# <script>", unseen=True)
    card = model_card(report, {**RUN, "command": "train ` # x\n# y", "commit": "<i>*1*"})
    assert r"| a\|b \# \<script\> | 75.0 %" in card
    assert "\n`train # x # y`\ncommit \\<i\\>\\*1\\*, " in card


COUNTS = np.diag(np.arange(1, 30)) + np.eye(29, k=1, dtype=int) * 2


def test_all_29_classes_are_named_numbers_are_pictures_and_colours_are_shares() -> None:
    axes = _confusion_figure(COUNTS, lettering(ALPHABET)).axes[0]
    columns = [tick.get_text() for tick in axes.get_xticklabels()]
    assert columns == [*ALPHABET, *ALPHABET], "below and above"
    assert tuple(tick.get_text() for tick in axes.get_yticklabels()) == ALPHABET
    shares = axes.images[0].get_array()
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert shares[0, 1] == 2 / 3
    assert sorted({int(text.get_text()) for text in axes.texts}) == list(range(1, 30))
    axes = _confusion_figure(np.array([[3, 0], [0, 0]]), lettering("AB")).axes[0]
    assert axes.images[0].get_array()[1].tolist() == [0, 0], "a class without pictures"


@pytest.mark.parametrize("classes", [2, 10])
def test_long_labels_are_shortened_and_neither_cut_off_nor_squeeze_the_matrix(classes: int) -> None:
    names = lettering(("W" * 30, *ALPHABET[: classes - 1]))
    counts = np.eye(classes, dtype=int)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = decode(confusion_png(counts.tolist(), names))
    edges = (picture[0], picture[-1], picture[:, 0], picture[:, -1])
    assert all((edge == 255).all() for edge in edges)
    assert (
        _confusion_figure(counts, names).axes[0].get_yticklabels()[0].get_text() == "W" * 23 + "…"
    )


def test_phases_are_joined_and_their_boundary_marked() -> None:
    loss, accuracy, rate = _history_figure(HISTORY).axes
    assert [list(line.get_xdata()) for line in loss.lines[:2]] == [[1, 2, 3], [1, 2, 3]]
    assert list(loss.lines[2].get_xdata()) == [2.5, 2.5]
    assert [text.get_text() for text in loss.texts] == ["head", "finetune"]
    named = [text.get_text() for text in accuracy.get_legend().get_texts()]
    assert named == ["training", "validation (best 80.0%, epoch 3)"]
    assert len(accuracy.texts) == 0
    assert list(rate.lines[0].get_ydata()) == [1e-3, 1e-3, 1e-5]
    bare = _history_figure({"loss": [2.0, 1.0], "accuracy": [0.2, 0.4]})
    assert len(bare.axes[0].lines) == 1, "no validation, and no boundary of its one phase"
