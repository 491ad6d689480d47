"""Writes the pages of measurements and the released model card from `benchmarks/results` alone.

python benchmarks/pages.py
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from unseen_signers_page import unseen_signers

from engine_page import engine
from page_parts import ROOT, Figures, found, percent, read, said, written
from starter_card import STARTER, card, contract_of

STUDIES = ROOT / "docs" / "studies"


def preparing() -> str:
    """Returns the page about `fingerspell prepare`."""
    speed, search, recall, twins, damage = (
        read(f"prepare_{part}") for part in ("speed", "search", "recall", "twins", "damage")
    )
    return "\n".join(
        [
            "# Preparing: how fast, how thorough, how robust",
            "",
            *written("prepare.py"),
            *_speed(speed),
            *_search(search),
            *_recall(recall),
            *_twins(twins),
            *_damage(damage),
        ]
    )


def synthetic_hands() -> str:
    """Returns the page about what synthetic hands teach."""
    alone, mixed = read("synthetic_hands_alone"), read("synthetic_hands_mixed")
    speed, tracker = read("synth_speed"), read("synth_tracker")
    return "\n".join(
        [
            "# Synthetic hands: are they hands, and what do they teach?",
            "",
            *written("synthetic_hands.py, synth.py, synth_tracker.py"),
            "The hands are mended between measurements: each section names its commit, and "
            "sections of different commits may have read different hands.",
            "",
            *_mixed(mixed),
            *_alone(alone),
            *_tracker(tracker),
            "## How fast they are drawn",
            "",
            f"{speed['median_pictures_per_core_second']:.0f} pictures of {speed['size_px']} px a "
            f"second on one core, the median of {len(speed['runs'])} repeats.",
            "",
            said(speed),
            "",
        ]
    )


PAGES: Mapping[str, Callable[[], str]] = {
    "preparing.md": preparing,
    "synthetic_hands.md": synthetic_hands,
    "engine.md": engine,
    "unseen signers.md": unseen_signers,
}


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f} MB"


def _speed(speed: Figures) -> list[str]:
    lines = [
        f"## {speed['pictures']:,} pictures of 200 × 200, {speed['mean_file_bytes']:,} bytes each",
        "",
        "| | wall | processor | peak memory | until every picture is decoded and hashed |",
        "|---|---|---|---|---|",
    ]
    for name, row in speed["contenders"].items():
        if "absent" in row:
            lines.append(f"| {name} | not installed | | | |")
            continue
        hashed = row.get("validate_hash_s", row.get("validate_hash_groups_s"))
        lines.append(
            f"| {name} | {row['wall_s']:.1f} s | {row['cpu_s']:.1f} s | "
            f"{_megabytes(row['peak_bytes'])} | {f'{hashed:.1f} s' if hashed else '–'} |"
        )
    faster = speed["times_faster"]
    return [
        *lines,
        "",
        "`prepare` is the whole command, from the folder to the written data set; `examine` its "
        "decoding, hashing and measuring alone; `plain` the Pillow loop that people write "
        "(`benchmarks/contenders.py` says what each does).",
        "",
        f"Against the best of the others: {faster['validate_hash']:.1f} times as fast at decoding "
        f"and hashing, {faster['whole']:.1f} times over the whole. Aimed at were "
        f"{speed['targets']['wall_s']:.0f} s, {_megabytes(speed['targets']['peak_bytes'])} and "
        f"{speed['targets']['times_faster']:.0f} times.",
        "",
        said(speed),
        "",
    ]


def _search(search: Figures) -> list[str]:
    lines = [
        "## The search for near duplicates alone",
        "",
        "| hashes of one class and source | wall | processor | peak memory | groups | by comparing "
        "every pair |",
        "|---|---|---|---|---|---|",
    ]
    for row in search["sizes"]:
        exact = (
            f"{row['tables']['true_groups']:,} groups, {row['every_pair_s']:.0f} s"
            if "tables" in row
            else "–"
        )
        lines.append(
            f"| {row['hashes']:,} | {row['search_s'] + row['connect_s']:.1f} s | "
            f"{row['cpu_s']:.1f} s | {_megabytes(row['peak_bytes'])} | {row['groups']:,} | "
            f"{exact} |"
        )
    return [*lines, "", said(search), ""]


def _recall(recall: Figures) -> list[str]:
    lines = [
        "## What ends in one group",
        "",
        "At the shipped `near_bits` of 18. *Neighbours*: literally neighbouring frames of one run "
        "that share a group. *Merged*: pairs of runs, hands or photographs of a class that share "
        "one; the fewer, the better. [The record](../adr/0002-near-duplicate-hash.md) explains "
        "the rows.",
        "",
        "| | neighbours | merged | groups | pictures |",
        "|---|---|---|---|---|",
    ]
    for name, by_bits in recall["sources"].items():
        row = by_bits["18"]
        near = percent(row["neighbours"]) if row.get("neighbours") is not None else "–"
        merged = f"{row['merged']:,} of {row['pairs']:,}" if row.get("pairs") else "–"
        lines.append(
            f"| {name} | {near} | {merged} | {row['groups']['all']:,} | {row['pictures']:,} |"
        )
    return [*lines, "", said(recall), ""]


def _twins(twins: Figures) -> list[str]:
    bits = str(twins["twin_bits"])
    apart, black = twins["sources"], twins["hands on black"]
    return [
        "## Copies in other sources",
        "",
        f"Across sources two pictures of a class are joined at {bits} bits. Of "
        f"{apart['pairs']:,} pairs of pictures in two unrelated sources {apart['near'][bits]:,} "
        f"are that near; of {black['pairs']:,} pairs of two people's hands cut out on black, "
        f"{black['near'][bits]:,}.",
        "",
        "| pictures scaled and saved again | found |",
        "|---|---|",
        *(f"| {how} | {percent(found[bits])} |" for how, found in twins["copies"].items()),
        "",
        said(twins),
        "",
    ]


def _damage(damage: Figures) -> list[str]:
    return [
        "## Damaged files",
        "",
        f"{damage['files']:,} files with flipped bits, cut off, wrongly named, claiming absurd "
        f"sizes or empty, of every format: {damage['listed']:,} listed with a reason, "
        f"{damage['accepted']:,} still decode and were taken. Not decodable and yet not listed: "
        f"{damage['undecodable_but_not_listed']:,}; sound pictures listed: "
        f"{damage['good_listed']:,}. Peak memory {_megabytes(damage['peak_bytes'])}, with sound "
        "pictures of 49 million pixels among them.",
        "",
        said(damage),
        "",
    ]


def _mixed(mixed: Figures) -> list[str]:
    unseen_signers = list(mixed["runs"][0]["unseen_signers"])
    lines = [
        "## Mixed into a user's photographs",
        "",
        f"Photographs of {', '.join(mixed['sources'])}, leak-safe, with and without synthetic hands, "
        f"{mixed['image_px']} px. Accuracy on the 24 static letters of people that no run was "
        "trained on:",
        "",
        "| drawn a class | seed | own test pictures | " + " | ".join(unseen_signers) + " | mean |",
        "|---|---|---|" + "---|" * (len(unseen_signers) + 1),
    ]
    for run in sorted(mixed["runs"], key=lambda run: (run["synthetic_per_class"], run["seed"])):
        scores = " | ".join(percent(run["unseen_signers"][s]["letters_24"]) for s in unseen_signers)
        lines.append(
            f"| {run['synthetic_per_class']} | {run['seed']} | {percent(run['test_accuracy'])} | "
            f"{scores} | **{percent(run['mean_letters_24'])}** |"
        )
    lines += [
        "",
        *(
            f"* {count} drawn a class: mean over seeds {percent(m['mean_letters_24'])}, from "
            f"{percent(m['lowest'])} to {percent(m['highest'])}."
            for count, m in mixed["mean"].items()
        ),
    ]
    return [*lines, "", said(mixed), ""]


def _alone(alone: Figures) -> list[str]:
    unseen_signers = alone["unseen_signers"]
    letters = sorted({x for s in unseen_signers.values() for x in s["recall"] if len(x) == 1})
    lines = [
        "## Alone, without any photograph",
        "",
        f"{alone['synthetic_per_class']} synthetic pictures of each of the 29 classes, "
        f"{alone['image_px']} px; from ImageNet's weights, seed 1. Photographs of people are only "
        "read:",
        "",
        "| | 26 letters | the 24 static ones |",
        "|---|---|---|",
        *(
            f"| {name} | {percent(s['letters_26'])} | {percent(s['letters_24'])} |"
            for name, s in unseen_signers.items()
        ),
        f"| mean | {percent(alone['mean_letters_26'])} | **{percent(alone['mean_letters_24'])}** |",
        "",
        "Share of each letter that is read right:",
        "",
        "| letter | " + " | ".join(unseen_signers) + " |",
        "|---|" + "---|" * len(unseen_signers),
    ]
    for letter in letters:
        cells = (s["recall"].get(letter) for s in unseen_signers.values())
        lines.append(
            f"| {letter} | "
            + " | ".join("–" if c is None else f"{100 * c:.0f}" for c in cells)
            + " |"
        )
    return [*lines, "", said(alone), ""]


def _tracker(tracker: Figures) -> list[str]:
    lines = [
        "## Does a hand tracker take them for hands?",
        "",
        "Share of letters' pictures in which MediaPipe finds a hand, as they are and with a margin "
        "around them; `synthetic` is the default close framing, `synthetic_webcam` a hand that fills about "
        "half of the picture, the others are real photographs.",
        "",
        "| pictures | margin | found |",
        "|---|---|---|",
        *(
            f"| {row['folder']} | {row['margin']:.0%} | {percent(row['found'])} |"
            for row in tracker["rows"]
        ),
    ]
    return [*lines, "", said(tracker), ""]


def main() -> int:
    STUDIES.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (STUDIES / name).write_text(page(), encoding="utf-8", newline="\n")
    figures = found("unseen_signers")
    if figures is not None:
        told = card(figures, contract_of())
        (STARTER / "model_card.md").write_text(told, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
