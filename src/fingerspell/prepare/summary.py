"""`report.json` of a data set: settings, counts, leaks and left-out files; console summary."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

from fingerspell import __version__
from fingerspell.config.prepare import PrepareConfig
from fingerspell.dataset.manifest import HELD_OUT, SPLITS, Sample
from fingerspell.dataset.quality import EMPTY
from fingerspell.labels import NOTHING, in_order
from fingerspell.prepare.examine import Picture
from fingerspell.prepare.records import Bad
from fingerspell.prepare.scan import Scan
from fingerspell.prepare.split import Assigned
from fingerspell.prepare.user_groups import table_text
from fingerspell.report.text import data_headline, named_by, naming, off_shares, thin

FORMAT = 3
Report = dict[str, Any]
_USUAL_LAYOUT = "class folders"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What is in no split: bad files, pictures under two classes, copies of held-out pictures."""

    bad: Sequence[Bad]
    conflicts: Sequence[Sequence[Picture]]
    copies: Sequence[Picture]


def fingerprint(config: PrepareConfig, scanned: Scan) -> str:
    """Returns a SHA-256 over version, settings and the input files' names, sizes and times."""
    settings = _config_json(config)
    start = {name: len(str(folder)) for name, folder in scanned.sources}
    records = [
        [r.source, str(r.path)[start[r.source] :], r.label, r.size_bytes, r.mtime_ns,
         r.part and astuple(r.part)]
        for r in scanned.records
    ]  # fmt: skip
    table = table_text(config.groups_csv) if config.groups_csv else ""
    body = [__version__, FORMAT, settings, table, records]
    return hashlib.sha256(json.dumps(body).encode("utf-8")).hexdigest()


def figures(
    config: PrepareConfig,
    scanned: Scan,
    left_out: LeftOut,
    named: dict[str, Any] | None,
    assigned: Assigned,
    samples: Sequence[Sample],
) -> Report:
    """Returns what the report says of pictures, splits and what was left out."""
    own = [sample for sample in samples if sample.split != HELD_OUT]
    return {
        "config": _config_json(config),
        "layouts": dict(scanned.layouts),
        "renamed": [asdict(renamed) for renamed in scanned.renamed],
        "pictures": len(own),
        "groups": len({sample.group for sample in own}),
        "classes": _class_table(own),
        "sources": source_table(samples),
        "held_out": sorted({s.source for s in samples if s.split == HELD_OUT}),
        "kept_splits": list(assigned.kept),
        "missed_points": assigned.missed_points,
        "leak": assigned.leaks,
        "bad": [{"path": str(b.path), "reason": b.reason} for b in left_out.bad],
        "conflicts": [
            {"sha256": same[0].sha256, "paths": [str(p.file.path) for p in same]}
            for same in left_out.conflicts
        ],
        "copies_of_unseen_signers": [str(picture.file.path) for picture in left_out.copies],
        "ignored": [str(path) for path in scanned.ignored],
        "companions": dict(scanned.companions),
        **({"named": named} if named else {}),
    }


def _class_table(samples: Iterable[Sample]) -> dict[str, dict[str, int]]:
    """Returns pictures a split and groups for each class, in prediction order."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    groups: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        counts[sample.label][sample.split] += 1
        groups[sample.label].add(sample.group)
    return {
        label: {**{s: counts[label][s] for s in SPLITS}, "groups": len(groups[label])}
        for label in in_order(counts)
    }


def source_table(samples: Iterable[Sample]) -> dict[str, dict[str, int]]:
    """Returns pictures a split for each source; `unseen_signers` only where any are held out."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in samples:
        counts[sample.source][sample.split] += 1
    splits = (*SPLITS, *[HELD_OUT] * any(c[HELD_OUT] for c in counts.values()))
    return {source: {s: counts[source][s] for s in splits} for source in sorted(counts)}


def summary(report: Report, output_dir: Path) -> str:
    """Returns the report as the console shows it."""
    lines = [
        data_headline(report),
        *filter(None, [naming(report)]),
        *_layouts(report["layouts"]),
        *_renamed(report["renamed"]),
        "",
        *_classes(report["classes"]),
        "",
        *_leaks(report),
        *_thin(report),
        *filter(None, [off_shares(report) * (report["config"]["split"] == "groups")]),
        *_unseen_signers(report),
        *_listed("bad file(s) left out", [f"{b['path']}: {b['reason']}" for b in report["bad"]]),
        *_listed(
            "picture(s) lie under two classes; all copies left out",
            [", ".join(c["paths"]) for c in report["conflicts"]],
        ),
        *_listed("file(s) and folder(s) passed over, no pictures of a class", report["ignored"]),
        *_companions(report.get("companions", {})),
        *_listed(
            "picture(s) that show nothing, black or of one colour: leave them out of the input, "
            "as depth maps beside photographs",
            [x for x in report["quality"]["remarks"].get(EMPTY, ()) if f"/{NOTHING}/" not in x],
        ),
        f"{output_dir}: {report['linked']:,} pictures linked, {report['copied']:,} copied, "
        f"in {report['seconds']:.1f} s",
    ]
    return "\n".join(lines)


def _companions(counts: dict[str, int]) -> list[str]:
    """One line for what lies beside pictures and is none, such as `.AAE` and `.xmp`."""
    each = ", ".join(f"{count:,} {ending}" for ending, count in counts.items())
    return [f"{sum(counts.values()):,} companion(s) of pictures passed over ({each})"] * bool(
        counts
    )


def _config_json(config: PrepareConfig) -> dict[str, Any]:
    """Returns what decides the outcome; not where it goes, nor whether it may overwrite."""
    return {
        "input_dirs": [str(folder.resolve()) for folder in config.input_dirs],
        "shares": list(config.shares),
        "seed": config.seed,
        "split": config.split,
        "near_bits": config.near_bits,
        "max_bad_share": config.max_bad_share,
        "resplit": config.resplit,
        "group_by": config.group_by,
        "groups_csv": str(config.groups_csv.resolve()) if config.groups_csv else "",
        "holdout_sources": sorted(config.holdout_sources),
    }


def _classes(classes: dict[str, dict[str, int]]) -> list[str]:
    """One line a class, in as many columns as 100 characters allow."""
    width = max(5, *(len(label) for label in classes))
    head = f"{'class':<{width}} {'train':>6} {'val':>5} {'test':>5} {'groups':>6}"
    rows = [
        f"{label:<{width}} {c['train']:>6,} {c['val']:>5,} {c['test']:>5,} {c['groups']:>6,}"
        for label, c in classes.items()
    ]
    columns = max(1, min(len(rows), 100 // (len(head) + 4)))
    tall = -(-len(rows) // columns)
    lines = ["    ".join([head] * columns)]
    lines += ["    ".join(rows[i::tall]) for i in range(tall)]
    total = {s: sum(c[s] for c in classes.values()) for s in SPLITS}
    lines.append(
        f"{'all':<{width}} {total['train']:>6,} {total['val']:>5,} {total['test']:>5,} "
        f"{sum(c['groups'] for c in classes.values()):>6,}"
    )
    return lines


def _leaks(report: Report) -> list[str]:
    this, random = report["leak"]["this_split"], report["leak"]["random_split"]
    lines = [f"split by {report['config']['split']}, seed {report['config']['seed']}:"]
    if report["kept_splits"]:
        lines = [f"split of {', '.join(report['kept_splits'])}: kept as its folders give it"]
    lines.append(_leak_line("this split leaks", this))
    if report["config"]["split"] != "random":
        lines.append(_leak_line("a random split would leak", random))
    return lines


def _leak_line(what: str, leak: dict[str, int]) -> str:
    return (
        f"  {what} {leak['crossing_pairs']:,} near-duplicate pairs, "
        f"{leak['torn_groups']:,} groups; "
        f"{leak['test_pictures_with_twin_in_train']:,} of {leak['test_pictures']:,} test pictures "
        "have a twin in train"
    )


def _layouts(layouts: dict[str, str]) -> list[str]:
    """Says how a source is laid out where it isn't the usual way."""
    told = [f"{source}: {what}" for source, what in layouts.items() if what != _USUAL_LAYOUT]
    return [line for x in told for line in _wrapped(x)]


def _renamed(renamed: Sequence[dict[str, str]]) -> list[str]:
    """The table of class names that were read otherwise than they are written."""
    table: dict[str, list[str]] = defaultdict(list)
    for row in renamed:
        table[row["source"]].append(f"{row['folder']} → {row['label']}")
    return [
        line
        for source, names in table.items()
        for line in _wrapped(f"class names of {source}: {', '.join(names)}")
    ]


def _wrapped(text: str) -> list[str]:
    """Lines of 98 characters; no path or name is broken."""
    return wrap(text, 98, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _unseen_signers(report: Report) -> list[str]:
    lines = [
        f"held out: {source}, {report['sources'][source][HELD_OUT]:,} pictures, in no training "
        f"run ({HELD_OUT}/{source})"
        for source in report["held_out"]
    ]
    if report["copies_of_unseen_signers"]:
        lines.append(
            f"{len(report['copies_of_unseen_signers']):,} copies of held-out pictures in other "
            "sources left out"
        )
    return lines


def _thin(report: Report) -> list[str]:
    """Says which classes are not tested or watched, and what helps where likeness is to blame."""
    lines = thin(report)
    ours = report["config"]["split"] == "groups" and not report["kept_splits"]
    if lines and ours and not named_by(report):
        lines.append("  if these are separate photographs and not one video, try --near_bits 8")
    return lines


def _listed(what: str, items: Sequence[str], most: int = 5) -> list[str]:
    if not items:
        return []
    more = [f"  … and {len(items) - most:,} more in report.json"] if len(items) > most else []
    return [f"{len(items):,} {what}:", *(f"  {item}" for item in items[:most]), *more]
