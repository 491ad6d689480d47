"""`fingerspell download`: a public data set, its licence first."""

import argparse
from pathlib import Path

HELP = "download a public data set, its licence shown first"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from fingerspell.download.catalogue import CATALOGUE

    parser.add_argument("name", choices=tuple(CATALOGUE), help="which data set")
    parser.add_argument("--output_dir", type=Path, default=Path("data"),
        help="it gets a folder of its name in there; default: %(default)s")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Shows the licence, downloads or finds, counts; 2 where much is missing."""
    from fingerspell.download import catalogue
    from fingerspell.download.fetch import fetch

    known, there = catalogue.CATALOGUE[args.name], (args.output_dir / args.name).is_dir()
    print("\n".join(catalogue.licence_lines(args.name)), flush=True)
    folder = fetch(args.name, args.output_dir)
    counts = catalogue.count_classes(folder, known)
    print(f"{folder}: {catalogue.counted(counts, known)}" + (", there already" if there else ""))
    if not catalogue.is_whole(counts, known):
        print(f"not whole: delete {folder} and run the same command again")
        return 2
    path = f'"{folder}"' if " " in str(folder) else folder
    print(f"then: fingerspell {known.then.format(folder=path)}")
    return 0
