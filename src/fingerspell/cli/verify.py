"""`fingerspell verify`: a bundle → its hashes, labels and answers are what was exported."""

import argparse
from pathlib import Path

HELP = "check that a bundle is whole and answers as it was exported"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("bundle", type=Path, metavar="BUNDLE", help="folder with a recogniser.json, or a run's")
    add("--against", type=Path, metavar="FILE",
        help="a model.keras: every file of the bundle must answer as it does")  # fmt: skip
    add("--data", type=Path, metavar="DIR",
        help="class folders: compare the bundle's files on these pictures, too")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Verifies and prints what was compared; whatever differs ends with exit code 2."""
    from fingerspell.evaluate.unseen_signers import find_unseen_signers
    from fingerspell.export.verify import verify
    from fingerspell.files import passed_over
    from fingerspell.runtime import read_contract

    more = None
    if args.data is not None:
        more = find_unseen_signers(args.data, read_contract(args.bundle).labels)
        if more.others:
            print(f"note: {passed_over(args.data, more.others)}")
        if more.unknown:
            print(f"note: not compared: {more.unknown} of no label of this bundle")
    against = None
    if args.against is not None:
        from fingerspell.machine import load_quietly

        load_quietly("keras")
        from fingerspell.model import load_recogniser

        against = load_recogniser(args.against)
    report = verify(args.bundle, against, *((more.paths, more.y_true) if more else ()))
    for note in report.notes:
        print(note)
    for row in report.rows:
        lost = (f", {row.lost:+.2f} points lost ({row.worst_class_lost:+.1f} in the worst class)"
                if row.lost == row.lost else "")  # fmt: skip
        print(
            f"{row.name:<8} same class on {row.agreement:.1%} of {row.pictures} pictures, "
            f"probabilities within {row.max_difference:.1e} (furthest on {row.worst}){lost}"
        )
    print(f"{args.bundle} is whole")
    return 0
