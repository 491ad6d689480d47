"""`python backend/run_smoke_test.py`: every class once through the real server."""

import argparse
from pathlib import Path

from fingerspell.cli.options import add_bundle

HELP = "send one picture of every class through the real server"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_bundle(parser)
    parser.add_argument("--dataset_dir", "--samples", type=Path, default=None,
        help="a prepared data set, or a folder of class folders (default: dataset)")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Returns 0 when every class folder's sample is answered properly, else 1."""
    import os

    from fingerspell.files import passed_over
    from fingerspell.runtime import MockRecogniser, choose, choose_folder
    from fingerspell.serve import smoke

    # Without --bundle the user's own run is tested, never the released recogniser.
    predictor = choose(choose_folder(args.bundle or Path("output")), os.environ)
    folder = args.dataset_dir or Path("dataset")
    if isinstance(predictor, MockRecogniser) and args.dataset_dir is None and not folder.is_dir():
        samples = smoke.grey_samples(predictor)
        print("no dataset folder: trying the mock on grey pictures of its own")
    else:
        samples = smoke.folder_samples(folder)
    if others := [path for sample in samples for path in sample.others]:
        print(f"note: {passed_over(folder, others)}")
    rows = smoke.try_all(predictor, samples)
    print(smoke.table(rows))
    print(smoke.summary(rows, predictor))
    return 1 if any(row.fault for row in rows) else 0
