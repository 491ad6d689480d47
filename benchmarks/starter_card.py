"""The released recogniser's model card, written from its contract and its measurements."""

from __future__ import annotations

import json
from pathlib import Path

from unseen_signers_page import aims, table

from page_parts import ROOT, Figures, percent
from starter_sources import SOURCES

STARTER = ROOT / "src" / "fingerspell" / "assets" / "starter"

ANEW = "calibrated anew"
"""What the weights' origin says after `run_of_card.py again`."""

TEXT = """\
# Model card: the recogniser that comes with Fingerspell

MobileNetV3Large, {classes} classes (A–Z, `del`, `nothing`, `space`), {height} × {width} pixels,
half precision. Finished {finished} with `benchmarks/train_on_card.py`, commit {commit}{calibrated}.

## Intended use

Names the handshape of the American manual alphabet in one picture or a stream of pictures:
practice, prototypes, captions that a person checks; and a first network for training on pictures
of one's own (`--weights starter`, `fingerspell adapt`).

**Not for** interpreting, medical, legal or emergency use, identifying people, judging how well
somebody signs, or anything where a wrong letter does harm. Fingerspelling is a small part of
American Sign Language, which has its own grammar and vocabulary; this recogniser does not
translate it.

## Input and output

RGB, float32 in [0, 1], shape [N, {height}, {width}, 3]; padded with black to the aspect ratio,
never squeezed. Out come float32 probabilities in the order of `training_set_labels.txt`; the
temperature is applied inside. Below {threshold:.3g} an answer should not be shown.

## What it learnt from

| source | published as | licence stated there | who |
|---|---|---|---|
{sources}

About fourteen people in all, as far as the publishers tell, and 218 for four letters; nobody
recorded skin tone, age or which hand is the leading one. `del` and `space` come from one source
alone. Beside them hands drawn by the project itself: 400 of each class at first, later more than
130,000, no two alike. The recipe was gone through three times on a processor, each from the weights
of the one before; the mean of the last two went on on a graphics card
(docs/adr/0013-on-one-card.md), and the mean of two of its ends is released. Large sources and large
classes count less than their size. Left out: M and P of `pale_sofa`, whose forms are not the usual
ones.

The very first weights were ImageNet features: Google's 8-bit *minimalistic* MobileNetV3-Large,
dequantised and carried over into the full architecture without changing what it computes. They are
not Google's own file for this architecture. No picture of any source is part of this project.

## Figures on people it has never seen

Measured by `python benchmarks/unseen signers.py`, commit {measured}. Five sources of other people, rooms
and cameras, about six hands in all. None trained it; only the upper bound of its threshold was
chosen with them in view (docs/adr/0011-the-released-recogniser.md).

{table}

{aims}

An average over so few people is uncertain, however many pictures there are. Figures on pictures of
the people it learnt from are higher and say little.

## Factors and known limits

* J and Z are movements: a still of J looks like I, a still of Z like D. Figures are given with and
  without them. Told apart or not, pictures of I and J are read as one of the two in {ij} of cases,
  those of D and Z in {dz} (mean over the five sources). The digit 1, which it was never shown,
  looks like D and Z, too: {one} of its photographs are accepted as a letter.
* Signers form E, K, M, N, P, Q, T and X differently. The T of the `kaggle_alphabet` photographs is
  another handshape: that data set is measured here and trained nothing.
* Distance matters: the columns *half* and *third* read the same pictures at so much of their size.
  It looks for one hand and reads the picture around it; what another hand or a face beside it does
  is not measured.
* Skin tones, ages, jewellery, gloves, light and backgrounds that the sources lack are untested.
  Left hands are learnt from mirrored pictures, and every picture is read mirrored, too.
* It answers to some hands that show no letter: {non-letters} of photographed digits that look like
  none are accepted at the threshold. Of three of these it has learnt other people's on the same
  sheets of paper; what it says of quite other hands and things is not measured.

More: `docs/studies/unseen signers.md`.
"""


def card(figures: Figures, contract: Figures) -> str:
    """Returns the card. `figures`: benchmarks/unseen signers.py's; `contract`: recogniser.json's."""
    origin, pairs = contract["origin"], figures["pairs_mean"]["unseen_signers"]
    return TEXT.format(
        classes=len(contract["labels"]),
        height=contract["height_px"],
        width=contract["width_px"],
        threshold=contract["threshold"],
        finished=origin.get("finished", "?")[:10],
        commit=origin.get("commit", "?"),
        calibrated=calibrated(origin["weights_origin"]),
        measured=figures["commit"],
        sources="\n".join(f"| {' | '.join(row)} |" for row in SOURCES),
        table="\n".join(table(figures["unseen_signers"], figures["unseen_signers_mean"])),
        aims="\n".join(aims(figures)),
        ij=percent(pairs["I/J"]["either"]),
        dz=percent(pairs["D/Z"]["either"]),
        one=percent(figures["digit_one"]["accepted"]),
        non_letters=percent(figures["non_letters"]["accepted"]),
    )


def calibrated(weights_origin: str) -> str:
    """Returns when temperature and threshold were learnt anew; nothing where they were not."""
    last = weights_origin.split("; ")[-1]
    return f";\n{last} (`benchmarks/run_of_card.py again`)" if last.startswith(ANEW) else ""


def contract_of(folder: Path = STARTER) -> Figures:
    """Returns the released recogniser's contract."""
    body: Figures = json.loads((folder / "recogniser.json").read_text(encoding="utf-8"))
    return body
