"""`report.html`: a data set to look at, in one file, by day and by night, without a network."""

from __future__ import annotations

from html import escape
from pathlib import Path

from fingerspell.data import page_parts as parts
from fingerspell.data.page_parts import Samples
from fingerspell.data.page_pictures import conflicts, families, remarks, spread
from fingerspell.data.page_tables import classes, sources, sources_by_class
from fingerspell.data.wording import Report, group_kind, held_out_pictures, named_by, naming
from fingerspell.dataset.quality import Qualities

PAGE_NAME = "report.html"

LISTED = 200
"""Most lines of a list; the others are in report.json."""


def write_page(folder: Path, report: Report, samples: Samples, qualities: Qualities) -> None:
    """Writes `report.html` into the data set folder, whose pictures must be in place.

    `qualities`: by `Sample.path`. Only the pictures that are shown are opened.
    """
    text = page_html(folder, report, samples, qualities)
    # A file name may hold bytes that are no UTF-8; the page shows question marks for them.
    (folder / PAGE_NAME).write_text(text, encoding="utf-8", errors="replace", newline="\n")


def page_html(folder: Path, report: Report, samples: Samples, qualities: Qualities) -> str:
    """Returns the page; every text from outside is escaped. See `write_page`."""
    sections = [
        _headline(report),
        parts.section("What the split is worth", _split(report)),
        parts.section("Classes", classes(folder, samples)),
        parts.section("Sources", sources(report, samples) + sources_by_class(report, samples)),
        parts.section("Light, sharpness and skin tone", spread(samples, qualities)),
        parts.section("Pictures to look at", remarks(folder, samples, qualities)),
        parts.section("Largest groups", families(report, folder, samples)),
        parts.section("One picture, several classes", conflicts(report)),
        parts.section("Copies of held-out pictures", _copies(report)),
        parts.section("Files that cannot be used", _bad(report)),
        parts.section("Folders passed over", _ignored(report)),
        parts.section("How folders were read", _read(report)),
        parts.section("Settings", _settings(report)),
    ]
    body = "\n".join(part for part in sections if part)
    return parts.PAGE.format(style=parts.STYLE, body=body)


def _headline(report: Report) -> str:
    held_out = len(report["held_out"])
    figures = (
        (report["pictures"], "pictures"),
        (held_out_pictures(report), "pictures held out"),
        (len(report["classes"]), "classes"),
        (len(report["sources"]) - held_out, "sources"),
        (held_out, "sources held out"),
        (report["groups"], group_kind(report)),
        (len(report.get("copies_of_unseen_signers", ())), "copies of held-out pictures, left out"),
        (len(report.get("conflicts", ())), "pictures under several classes, left out"),
        (len(report.get("bad", ())), "files that cannot be used"),
    )
    tiles = "".join(
        f"<li><b>{count:,}</b>{escape(text)}</li>"
        for count, text in figures
        if count or "held" not in text
    )
    return f'<ul class="tiles">{tiles}</ul><p>{escape(naming(report))}</p>'


def _split(report: Report) -> str:
    this, random = report["leak"]["this_split"], report["leak"]["random_split"]
    rule = str(report["config"].get("split", ""))
    told = _told(report)
    held_out = ", ".join(report.get("held_out", ()))
    told += (
        f" Held out are the unseen signers: {held_out}. Their figures count most."
        if held_out
        else " No source was held out, so nothing here tells how unseen signers fare."
    )
    if kept := ", ".join(report.get("kept_splits", ())):
        rule = f"as {kept} came"
    cards = _leak_card(f"This split ({rule})", this)
    if rule != "random":
        cards += _leak_card("A random split of the same pictures", random)
    return f'<div class="pair">{cards}</div><p></p><p>{escape(told)}</p>{_missed(report)}'


def _told(report: Report) -> str:
    """Says in words what crosses this split."""
    this = report["leak"]["this_split"]
    named_apart = named_by(report) and not this["torn_groups"]
    apart = ", in groups that were named apart" if named_apart else ""
    if this["test_pictures_with_twin_in_train"]:
        return (
            "Near duplicates, such as neighbouring frames of one video, lie on both sides of this "
            f"split{apart}. A network can answer the test from memory, so its score says nothing "
            "about pictures of another day or person."
        )
    if this["crossing_pairs"] or this["torn_groups"]:
        return (
            f"No test picture has a near duplicate in train, but {this['crossing_pairs']:,} "
            f"near-duplicate pairs{apart and apart + ','} and {this['torn_groups']:,} "
            f"{group_kind(report)} lie on several sides."
        )
    return (
        "No near duplicates lie on both sides of this split, so the test cannot be answered from "
        "memory. It may still hold the people and rooms of the training pictures."
    )


def _leak_card(title: str, leak: dict[str, int]) -> str:
    twins, tested = leak["test_pictures_with_twin_in_train"], leak["test_pictures"]
    return (
        f'<div class="card"><h3>{escape(title)}</h3>'
        f'<p class="big {"bad" if twins else "good"}">{parts.share(twins, tested)}</p>'
        f"<p>of the test pictures have a near duplicate in train ({twins:,} of {tested:,})</p>"
        f'<p class="note">{leak["crossing_pairs"]:,} near-duplicate pairs and '
        f"{leak['torn_groups']:,} groups lie on several sides</p></div>"
    )


def _missed(report: Report) -> str:
    missed = report.get("missed_points") or {}
    if not missed:
        return ""
    rows = [(str(label), f"{points:.1f}") for label, points in missed.items()]
    return (
        "<h3>Classes off the shares asked for</h3><p>Their groups are too large or too few to be "
        "divided more finely.</p>" + parts.table(("class", "percentage points off"), rows[:LISTED])
    )


def _copies(report: Report) -> str:
    copies = [str(path) for path in report.get("copies_of_unseen_signers") or ()]
    if not copies:
        return ""
    told = (
        "<p>Left out, with the films that they come from: they would make unseen signers known.</p>"
    )
    return told + parts.folded(parts.listed(copies, LISTED), len(copies), "pictures")


def _bad(report: Report) -> str:
    bad = report.get("bad") or ()
    if not bad:
        return "<p>Every file was a whole picture.</p>"
    rows = [(str(b["path"]), str(b["reason"])) for b in bad[:LISTED]]
    table = parts.table(("file", "why"), rows, figures=False) + parts.more(len(bad), LISTED)
    return parts.folded(table, len(bad), "files")


def _ignored(report: Report) -> str:
    ignored = [str(path) for path in report.get("ignored") or ()]
    return parts.folded(parts.listed(ignored, LISTED), len(ignored), "folders") if ignored else ""


def _read(report: Report) -> str:
    layouts = [(str(s), str(text)) for s, text in (report.get("layouts") or {}).items()]
    renamed = [
        (str(r["folder"]), str(r["label"]), str(r["source"])) for r in report.get("renamed") or ()
    ]
    body = ""
    if layouts:
        body += parts.table(("source", "layout"), layouts[:LISTED], figures=False)
    if renamed:
        body += "<h3>Class names</h3>" + parts.table(
            ("folder or name", "became class", "in source"), renamed[:LISTED], figures=False
        )
        body += parts.more(len(renamed), LISTED)
    return body


def _settings(report: Report) -> str:
    facts = {**report["config"], "manifest SHA-256": report.get("manifest_sha256", "")}
    return (
        "<dl>"
        + "".join(
            f"<dt>{escape(name.replace('_', ' '))}</dt><dd>{escape(_flat(value))}</dd>"
            for name, value in facts.items()
            if value not in ("", None, [], ())
        )
        + "</dl>"
    )


def _flat(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
