"""`data_card.md`: what an unseen signer must know before training on a data set or quoting its scores."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fingerspell import __version__
from fingerspell.data.examples import grouped, split_order
from fingerspell.data.wording import group_kind, headline, named_by, naming, thin
from fingerspell.dataset.manifest import HELD_OUT, Sample
from fingerspell.dataset.quality import Qualities, bands, remarked, source_medians
from fingerspell.labels import MOVING, in_order

_MEANING = re.compile(r"[\\`*{}\[\]<>|#~&]|(?<![^\W_])_|_(?![^\W_])")
"""Markdown's and HTML's signs; an underscore only where it does not stand inside a word."""

CARD_NAME = "data_card.md"

CARD = """\
# Data card: pictures of handshapes

{headline}. Made by Fingerspell {version}.

## Intended use

Training and testing a recogniser of single handshapes of the American manual alphabet.

**Not for** identifying people, judging how well somebody signs, or statements about skin tones:
who is in the pictures, and whether they agreed to this use, is unknown to this program.

## Where the pictures come from

{source_table}

Licence and consent: stated by whom you got the pictures from; unknown to this program.

## Classes

{class_table}

## How it was made

`fingerspell prepare` with these settings:

{settings}

{left_out}.
Manifest SHA-256: `{manifest}`

## Split and leaks

{rule}

| | this split | a random split |
|---|---:|---:|
{leaks}
{held_out}

## Light and skin tone

Skin tone as photographed (individual typology angle; light moves it as much as skin does):
{skin}.

{light_table}

{remarks}

## Known limits

{limits}
"""


def data_card(report: Mapping[str, Any], samples: Sequence[Sample], qualities: Qualities) -> str:
    """Returns the card as Markdown; names from outside cannot break its tables.

    `report`: what `report.json` holds. `qualities`: by `Sample.path`.
    """
    own = [sample for sample in samples if sample.split != HELD_OUT]
    return CARD.format(
        version=__version__,
        headline=headline(report),
        source_table=_sources(samples),
        class_table=_classes(samples),
        settings=_settings(report["config"]),
        left_out=_left_out(report),
        manifest=report.get("manifest_sha256", ""),
        rule=_rule(report),
        leaks=_leaks(report["leak"]),
        held_out=_held_out(report),
        skin=_shares(bands(qualities[sample.path] for sample in samples)),
        light_table=_light(samples, qualities),
        remarks=_remarks(samples, qualities),
        limits="\n".join(f"* {limit}" for limit in _limits(report, own)),
    )


def _sources(samples: Sequence[Sample]) -> str:
    parts = grouped(samples, lambda sample: sample.source)
    return _counts("source", [(source, parts[source], parts[source]) for source in sorted(parts)])


def _classes(samples: Sequence[Sample]) -> str:
    """Pictures of every split; groups are those to learn from, as in the headline."""
    parts = grouped(samples, lambda sample: sample.label)
    return _counts(
        "class",
        [
            (label, parts[label], [s for s in parts[label] if s.split != HELD_OUT])
            for label in in_order(parts)
        ],
    )


def _counts(what: str, parts: Sequence[tuple[str, Sequence[Sample], Sequence[Sample]]]) -> str:
    """A line for each name: its samples by split, and the groups of the last."""
    splits = split_order(sample for _, part, _ in parts for sample in part)
    rows = [
        (
            name,
            *(f"{sum(sample.split == split for sample in part):,}" for split in splits),
            f"{len({sample.group for sample in grouped_part}):,}",
        )
        for name, part, grouped_part in parts
    ]
    return _table((what, *splits, "groups"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top, *body = (f"| {' | '.join(map(_plain, line))} |" for line in (head, *rows))
    return "\n".join((top, "|---|" + "---:|" * (len(head) - 1), *body))


def _plain(text: object) -> str:
    """Takes the meaning from what Markdown or HTML would read as more than letters."""
    one_line = " ".join(str(text).encode("utf-8", "replace").decode("utf-8").split())
    return _MEANING.sub(r"\\\g<0>", one_line)


def _settings(config: Mapping[str, Any]) -> str:
    """One line a setting. Of a path only the last part: a card is for showing around."""
    lines = []
    for name, value in config.items():
        values = [str(part) for part in (value if isinstance(value, list | tuple) else [value])]
        if name in ("input_dirs", "groups_csv"):
            values = [re.split(r"[\\/]", path.rstrip("\\/"))[-1] for path in values]
        said = ", ".join(map(_plain, values))
        lines.append(f"* {_plain(name.replace('_', ' '))}: {said or '–'}")
    return "\n".join(lines)


def _left_out(report: Mapping[str, Any]) -> str:
    bad, clashes = len(report.get("bad", ())), len(report.get("conflicts", ()))
    copies = len(report.get("copies_of_unseen_signers", ()))
    return (
        f"Left out: {bad:,} files that cannot be used, {clashes:,} pictures that lie under "
        f"several classes, {copies:,} copies of held-out pictures"
    )


def _rule(report: Mapping[str, Any]) -> str:
    kind, crossing = group_kind(report), report["leak"]["this_split"]["crossing_pairs"]
    told = f" {said}." if (said := naming(report, example=False)) else ""
    if report["config"].get("split") == "random":
        return (
            "At random, picture by picture: near duplicates may lie on both sides, and then the\n"
            f"test's score is too good.{told}"
        )
    if kept := ", ".join(report.get("kept_splits", ())):
        return (
            f"As the folders of {_plain(kept)} give it; none of the {kind} lies on two sides.\n"
            f"Other sources by groups.{told}"
        )
    if named_by(report):
        return (
            f"By {kind}: each stays on one side, and so do exact duplicates. Groups that were\n"
            f"named apart may look alike: {crossing:,} near-duplicate pairs lie on several "
            f"sides.{told}"
        )
    return (
        "By groups: exact and near duplicates, such as neighbouring frames of one video, stay on\n"
        "one side. The test may still show the people and rooms of the training pictures."
    )


def _leaks(leak: Mapping[str, Mapping[str, int]]) -> str:
    this, random = leak["this_split"], leak["random_split"]
    rows = {
        "test pictures with a near duplicate in train": "test_pictures_with_twin_in_train",
        "test pictures": "test_pictures",
        "near-duplicate pairs on several sides": "crossing_pairs",
        "groups on several sides": "torn_groups",
    }
    return "\n".join(f"| {said} | {this[key]:,} | {random[key]:,} |" for said, key in rows.items())


def _held_out(report: Mapping[str, Any]) -> str:
    names = ", ".join(_plain(name) for name in report.get("held_out", ()))
    return (
        f"\nHeld out as unseen signers, never trained on: {names}."
        if names
        else "\nNo source was held out: scores on these pictures do not tell how unseen signers fare."
    )


def _shares(counts: Mapping[str, int]) -> str:
    total = max(1, sum(counts.values()))
    return ", ".join(f"{name} {100 * count / total:.0f} %" for name, count in counts.items())


def _light(samples: Sequence[Sample], qualities: Qualities) -> str:
    def said(value: float | None) -> str:
        return "–" if value is None else f"{value:g}"

    rows = [
        (source, said(m["brightness"]), said(m["sharpness"]), said(m["skin_ita_deg"]))
        for source, m in source_medians(samples, qualities).items()
    ]
    return _table(("median of", "brightness", "sharpness", "skin tone, ITA°"), rows)


def _remarks(samples: Sequence[Sample], qualities: Qualities) -> str:
    counts = {name: len(those) for name, those in remarked(samples, qualities).items()}
    return "To look at: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()) + "."


def _limits(report: Mapping[str, Any], own: Sequence[Sample]) -> list[str]:
    """Says what these very pictures cannot show; `own`: those to learn from."""
    limits = [
        "How many people are in the pictures is unknown to this program; a source is often one "
        "hand in one room, and then however many pictures there are, it is one person."
    ]
    by_label = grouped(own, lambda sample: sample.label)
    several = len({sample.source for sample in own}) > 1
    if not several:
        limits.append("All pictures to learn from come from one source.")
    alone = [
        label for label, part in by_label.items() if len({sample.source for sample in part}) == 1
    ]
    if alone and several:
        limits.append(f"In one source only: {_names(alone)}; its hand, room and camera go along.")
    limits += [f"Classes with {_plain(said)}." for said in thin(report)]
    if missed := report.get("missed_points"):
        limits.append(f"Off the shares asked for, as groups allow no better: {_names(missed)}.")
    if moving := [label for label in by_label if label in MOVING]:
        limits.append(f"{_names(moving)}: movements in the alphabet; a still shows part of them.")
    limits.append("Skin tones, left hands, lighting and backgrounds that are missing are untested.")
    return limits


def _names(labels: Any) -> str:
    return ", ".join(_plain(label) for label in in_order(labels))
