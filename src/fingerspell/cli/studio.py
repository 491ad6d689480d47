"""`fingerspell studio`: the browser studio as a folder for any static host."""

from __future__ import annotations

import argparse
from pathlib import Path

from fingerspell.cli.options import add_reading, predictor_and_rules

HELP = "write the browser studio as a folder that any static host serves: it computes in the page"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_reading(parser, words=False)
    parser.add_argument("--static", type=Path, required=True, metavar="DIR",
                        help="the folder to write")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Writes the folder."""
    from fingerspell.errors import ConfigError
    from fingerspell.serve.studio import Site, write_site

    predictor, rules = predictor_and_rules(args)
    site = Site(predictor, rules, on_server=False)
    if site.model is None:
        raise ConfigError(
            found=f"{predictor.name}, which no page can run",
            expected="a bundle, or one .tflite file",
            fix="name one with --bundle, or omit it",
        )
    names = write_site(site, args.static)
    print(f"{len(names)} files in {args.static}; try: python -m http.server -d {args.static} 8000")
    print("a browser gives its camera to https:// and to http://localhost only")
    return 0
