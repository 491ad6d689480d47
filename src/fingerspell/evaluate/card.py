"""`model_card.md`: what an unseen signer must know before using the recogniser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fingerspell.evaluate.words import UNKNOWN, duration, headline, megabytes, percent, split_rule

CARD = """\
# Model card: Fingerspell recogniser

{backbone}, {classes} classes, {height}×{width} pixels. Trained {finished}.

## Intended use

Names the handshape of the American manual alphabet in one picture or a stream of pictures:
practice, prototypes, captions that a person checks.

**Not for** interpreting, medical, legal or emergency use, identifying people, or judging how well
somebody signs. Fingerspelling is a small part of American Sign Language, which has its own
grammar and vocabulary; this recogniser does not translate it.

## Input and output

RGB, float32 in [0, 1], shape [N, {height}, {width}, 3]; padded with black to the aspect ratio,
never squeezed. Out come float32 probabilities in the order of `training_set_labels.txt`; the
temperature ({temperature}) is applied inside. Below the threshold of {threshold} an answer should
not be shown.

## Data

Pictures: {pictures}.{synthetic} Split: {split}.
Weights before training: {origin}.

## Figures on the run's own test pictures

{own}
{tflite}
## Figures on other people

{unseen_signers}

## Known limits

* J and Z are movements: a still of J looks like I, a still of Z like D. Figures are therefore
  given with and without them.
* {weakest}
* Test pictures of the same people, rooms and cameras as the training pictures say little about
  other people: look at the figures on other people first.
* Skin tones, left hands, lighting and backgrounds that the training pictures lack are untested.
* An average over pictures of few people is uncertain, however many pictures there are.

## How it was made

`{command}`
commit {commit}, {time} of training, {memory} of memory at most, {versions}.
"""


def model_card(report: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """Returns the card as Markdown. `report`: `evaluation`'s; `run`: what `run.json` says."""
    config = run.get("config", {})
    model = config.get("model", {})
    height, width = model.get("image_size_px", (200, 200))
    return CARD.format(
        backbone=model.get("backbone", "Network"),
        classes=len(report["class_names"]),
        height=height,
        width=width,
        finished=run.get("finished", UNKNOWN),
        temperature=_number(run.get("temperature")),
        threshold=_number(report["acceptance"]["threshold"]),
        pictures=_counts(run.get("pictures", {})),
        synthetic=_synthetic(run.get("synthetic_pictures", 0)),
        split=split_rule(run),
        origin=run.get("weights_origin", UNKNOWN),
        own=_table(report),
        tflite=_tflite(report),
        unseen_signers=_unseen_signers(report),
        weakest=_weakest(report),
        command=run.get("command") or "fingerspell train",
        commit=run.get("commit") or UNKNOWN,
        time=duration(run.get("train_s")),
        memory=megabytes(run.get("peak_memory_bytes")),
        versions=_counts(run.get("versions", {})),
    )


def _synthetic(count: int) -> str:
    said = f" Beside them {count:,} hands drawn by the project itself, in train only."
    return said if count else ""


def _table(section: Mapping[str, Any]) -> str:
    rows = "\n".join(f"| {name} | {figure} |" for name, figure in headline(section))
    return f"| figure | value |\n|---|---|\n{rows}\n"


def _tflite(report: Mapping[str, Any]) -> str:
    exported = report.get("tflite")
    if exported is None:
        return ""
    return (
        f"\nThe exported TFLite model: accuracy {percent(exported['test_accuracy'])}, the same "
        f"class as the trained one on {percent(exported['agreement'])} of these pictures.\n"
    )


def _unseen_signers(report: Mapping[str, Any]) -> str:
    unseen_signers = report.get("unseen_signers") or {}
    if not unseen_signers:
        return "Not measured yet: expect much lower figures than above on people it has not seen."
    rows = [
        f"| {name} | {percent(s['letters_26']['accuracy'])} "
        f"| {percent(s['letters_24']['accuracy'])} | {s['letters_26']['pictures']:,} |"
        for name, s in unseen_signers.items()
    ]
    head = "| pictures of | 26 letters | 24 without J and Z | pictures |\n|---|---|---|---|\n"
    return head + "\n".join(rows)


def _weakest(report: Mapping[str, Any]) -> str:
    known = [
        (scores["recall"], name)
        for name, scores in report["per_class_metrics"].items()
        if scores["recall"] is not None
    ]
    worst = ", ".join(f"{name} ({percent(recall)})" for recall, name in sorted(known)[:3])
    return f"Least often recognised on its own test pictures: {worst or UNKNOWN}."


def _counts(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in counts.items()) or UNKNOWN


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3g}"
