"""The model card: what it is for, what it is not for, and what is known of it."""

from __future__ import annotations

from fingerspell.report.run_report import model_card
from helpers.evaluated import RUN, evaluated


def test_the_card_names_data_limits_misuse_and_where_the_weights_come_from() -> None:
    card = model_card(evaluated(unseen=True), RUN)
    assert "bird.weights.h5" in card
    assert "Pictures: train 70, val 15, test 15. Split: as the data set's folders say.\n" in card
    assert "**Not for** interpreting" in card
    assert "|---|---|---|---|\n| hall | 75.0 % | 75.0 % | 4 |\n" in card
    assert "J (50.0 %)" in card
    assert "[N, 96, 64, 3]" in card
    assert "`fingerspell train --dataset_dir <b>dataset</b>`\ncommit –, – of training" in card


def test_a_recogniser_that_was_not_tried_on_unseen_signers_says_so() -> None:
    assert "Not measured yet: expect much lower" in model_card(evaluated(), RUN)


def test_the_card_names_synthetic_hands_only_where_there_were_some() -> None:
    card = model_card(evaluated(), {**RUN, "synthetic_pictures": 2900})
    assert "test 15. Beside them 2,900 synthetic hands" in card
    assert "synthetic" not in model_card(evaluated(), RUN)


def test_the_exported_model_is_told_where_there_is_one() -> None:
    assert "same class as the trained one on 100.0 %" in model_card(evaluated(exported=True), RUN)
    assert "TFLite" not in model_card(evaluated(), RUN)


def test_names_cannot_break_the_card() -> None:
    report = evaluated("a|b\n# <script>", unseen=True)
    card = model_card(report, {**RUN, "command": "train ` # x\n# y", "commit": "<i>*1*"})
    assert r"| a\|b \# \<script\> | 75.0 %" in card
    assert "\n`train # x # y`\ncommit \\<i\\>\\*1\\*, " in card


def test_facts_that_are_missing_are_dashes() -> None:
    card = model_card(evaluated(), {})
    assert "Network, 4 classes, 200×200 pixels. Trained –." in card
    assert "temperature (–)" in card
