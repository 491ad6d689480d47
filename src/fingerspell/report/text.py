"""Text of reports: the same words on the console, the pages and the cards."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fingerspell import progress
from fingerspell.dataset.manifest import HELD_OUT

Report = Mapping[str, Any]
"""What `report.json` (of a data set) or `evaluation_report.json` (of a run) holds."""

UNKNOWN = "–"

_FEW_EPOCHS = 12
"""Fewer passes than a quick run's are a likely reason for a network that has learnt nothing."""


def percent(share: float | None) -> str:
    """Returns `95.2 %`, or a dash where nothing is known; rounds nothing to none or to all."""
    if share is None:
        return UNKNOWN
    if 0 < share < 0.0005 or 0.9995 <= share < 1:
        return "<0.1 %" if share < 0.5 else ">99.9 %"
    return f"{100 * share:.1f} %"


def _span(interval: Sequence[float] | None) -> str:
    """Returns `93.1 – 96.8 %`, or a dash."""
    return UNKNOWN if interval is None else f"{100 * interval[0]:.1f} – {100 * interval[1]:.1f} %"


def part_of(part: int, whole: int) -> str:
    """Returns a share in per cent; what is not quite none or all is not rounded to it."""
    if part in (0, whole) or whole == 0:
        return "0 %" if part == 0 else "100 %"
    share = 100 * part / whole
    return "<1 %" if share < 0.5 else ">99 %" if share > 99.5 else f"{share:.0f} %"


def duration(seconds: float | None) -> str:
    """Returns `4 min 12 s`, or a dash."""
    return UNKNOWN if seconds is None else progress.duration(seconds)


def megabytes(size_bytes: float | None) -> str:
    """Returns `812 MB`, or a dash."""
    return UNKNOWN if size_bytes is None else f"{size_bytes / 1e6:,.0f} MB"


# --- a data set --------------------------------------------------------------------------------


def data_headline(report: Report) -> str:
    """Returns how much there is to learn from and, named apart, how much is held out."""
    sources = len(report["held_out"])
    return (
        f"{report['pictures']:,} pictures{_held_out(held_out_pictures(report))}, "
        f"{len(report['classes']):,} classes, {report['groups']:,} {group_kind(report)}, "
        f"{len(report['sources']) - sources:,} source(s){_held_out(sources)}"
    )


def _held_out(count: int) -> str:
    return f" + {count:,} held out" if count else ""


def held_out_pictures(report: Report) -> int:
    """Returns how many pictures of unseen signers there are."""
    return sum(counts.get(HELD_OUT, 0) for counts in report["sources"].values())


def named_by(report: Report) -> str:
    """Returns the option or folders that named groups, or nothing: then likeness makes them."""
    config = report["config"]
    if config.get("group_by"):
        return "--group_by"
    return (
        "--groups" if config.get("groups_csv") else "folders of persons" * bool(report.get("named"))
    )


def group_kind(report: Report) -> str:
    """Returns what the groups are."""
    if not (option := named_by(report)):
        return "groups of near duplicates"
    return f"groups named by {option}" + (" or of near duplicates" if _unnamed(report) else "")


def naming(report: Report, example: bool = True) -> str:
    """Returns of how many pictures the user's option named the group, or nothing without one."""
    if not (named := report.get("named")):
        return ""
    option, total = named_by(report), named["pictures"]
    if not _unnamed(report):
        return f"{option} named the group of all {total:,} pictures"
    first = f"; first unnamed {named['examples'][0]}" if example else ""
    return (
        f"{option} named the group of {named['named']:,} of {total:,} pictures{first}; "
        "those without fall back to near duplicates"
    )


def _unnamed(report: Report) -> int:
    named = report.get("named") or {"pictures": 0, "named": 0}
    return int(named["pictures"] - named["named"])


def thin(report: Report) -> list[str]:
    """Returns which classes the split left without test or val pictures."""
    classes: Mapping[str, Mapping[str, int]] = report["classes"]
    untested = [label for label, c in classes.items() if not c["test"]]
    unvalidated = [label for label, c in classes.items() if c["test"] and not c["val"]]
    return [
        *[f"no test pictures, so never tested: {', '.join(untested)}"] * bool(untested),
        *[f"tested, but none in val: {', '.join(unvalidated)}"] * bool(unvalidated),
    ]


def off_shares(report: Report) -> str:
    """Returns in a line how many classes miss the shares asked for, and by how much; else ""."""
    points: Mapping[str, float] = report["missed_points"]
    if not points:
        return ""
    worst = max(points, key=lambda label: points[label])
    return (
        f"Off the shares asked for, as groups divide no finer: {len(points):,} of "
        f"{len(report['classes']):,} classes, {worst} by most ({points[worst]:.1f} points)"
    )


# --- a run -------------------------------------------------------------------------------------


def figures(section: Report) -> list[tuple[str, str]]:
    """Returns the figures of one evaluation, in the order in which they matter."""
    intervals, accepted = section["intervals"], section["acceptance"]
    f1 = section["macro_f1"]
    return [
        ("accuracy", percent(section["test_accuracy"])),
        (f"95 % interval over {intervals['groups']} groups", _span(intervals["groups_95"]))
        if intervals["groups_95"] is not None
        else ("95 % interval, pictures taken as independent", _span(intervals["pictures_95"])),
        ("macro F1", UNKNOWN if f1 is None else f"{f1:.3f}"),
        ("26 letters", percent(section["letters_26"]["accuracy"])),
        ("24 letters without J and Z", percent(section["letters_24"]["accuracy"])),
        (
            f"accepted at {accepted['threshold']:g}",
            f"{percent(accepted['coverage'])} of pictures, "
            f"{percent(accepted['accuracy'])} of them right",
        ),
        ("calibration error", percent(section["calibration"]["expected_calibration_error"])),
        ("pictures", f"{section['pictures']:,}"),
    ]


def guessing(report: Report) -> list[str]:
    """Returns the lines that say that a recogniser does no better than guessing, why, and what to
    try; nothing where it does.

    Training above a fifth of the way from guessing to perfect counts as learnt.
    """
    found = report.get("guessing")
    if not (found and found["suspected"]):
        return []
    level, training = found["accuracy"], report.get("training") or {}
    trained, epochs = training.get("accuracy"), training.get("epochs", 0)
    learnt = f"training ended at {percent(trained)} after {epochs} epoch(s)"
    if trained is not None and trained >= level + (1 - level) / 5:
        cause = f"{learnt}: the other pictures show other people, cameras or labels"
        fix = "look for swapped class folders (confusion_matrix.png), and train on more people"
    elif str(training.get("first_weights", "")).startswith("random"):
        cause = f"{learnt}, from random weights"
        fix = "omit --weights none: pretrained weights learn at once"
    elif epochs < _FEW_EPOCHS:
        cause, fix = f"{learnt}: too few", "train for longer: --epochs 50 is the guide's"
    else:
        cause = f"{learnt}: it could not tell the classes apart"
        fix = "look whether each class folder holds its own sign (report.html of the data set)"
    return [
        f"WARNING: {percent(report['test_accuracy'])} of {report['pictures']:,} pictures is no "
        f"better than guessing ({percent(level)}): do not use this recogniser",
        f"  likely cause: {cause}",
        f"  to try:       {fix}",
    ]


def unseen_signers(report: Report) -> list[tuple[str, str, str, str]]:
    """Returns name, accuracy on 26 and on 24 letters, and pictures of each unseen source."""
    return [
        (
            name,
            percent(section["letters_26"]["accuracy"]),
            percent(section["letters_24"]["accuracy"]),
            f"{section['letters_26']['pictures']:,}",
        )
        for name, section in (report.get("unseen_signers") or {}).items()
    ]


def split_rule(run: Mapping[str, Any]) -> str:
    """Returns how the pictures were split, in words. `run`: what `run.json` says."""
    rule = run.get("split_rule") or run.get("split")
    return {
        "groups": "by groups: near-duplicate frames stay on one side",
        "random": "at random: near-duplicate frames may stand on both sides, which flatters",
    }.get(str(rule), str(rule) if rule else "as the data set's folders say")


def summary(output_dir: Path, report: Report) -> str:
    """Returns the console summary of a finished run."""
    exported = (
        f"TFLite {percent(report['tflite']['test_accuracy'])}"
        if "tflite" in report
        else "not exported"
    )
    lines = [
        f"{report['split']} accuracy {percent(report['test_accuracy'])} (95 % over groups: "
        f"{_span(report['intervals']['groups_95'])}), {exported}, "
        f"macro F1 {report['macro_f1']:.3f}",
        *(
            f"unseen signers {name}: {percent(s['letters_26']['accuracy'])} of 26 letters, "
            f"{percent(s['letters_24']['accuracy'])} of the 24 static ones" + _left_out(s)
            for name, s in report["unseen_signers"].items()
        ),
        f"look at {output_dir / 'report.html'}",
        *guessing(report),
    ]
    return "\n".join(lines)


def _left_out(section: Report) -> str:
    """Tells of the unseen signers' pictures that were not evaluated."""
    unreadable, unknown = section.get("unreadable_pictures"), section.get("unknown_classes")
    told = ""
    if unreadable:
        told += f"; {len(unreadable):,} that cannot be read left out, first {unreadable[0]}"
    if unknown:
        told += f"; {sum(unknown.values()):,} of other classes left out: {', '.join(unknown)}"
    return told
