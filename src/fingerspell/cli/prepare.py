"""`fingerspell prepare`: class-sorted pictures in, a checked and split data set out."""

import argparse
from pathlib import Path

HELP = "check, group and split class-sorted pictures into dataset/train, val and test"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options; what they mean is checked by `PrepareConfig`."""
    from fingerspell.config import SPLIT_RULES, PrepareConfig

    default = PrepareConfig(input_dirs=(Path(),), output_dir=Path("dataset"))
    add = parser.add_argument
    add("--input_dir", type=Path, nargs="+", action="extend", required=True, metavar="FOLDER",
        help="one sub-folder a class; several folders become several sources")  # fmt: skip
    add("--output_dir", type=Path, default=default.output_dir, help="default: %(default)s")
    add("--train", type=float, default=default.train_share, help="share; default: %(default)s")
    add("--val", type=float, default=default.val_share, help="share; default: %(default)s")
    add("--test", type=float, default=default.test_share, help="share; default: %(default)s")
    add("--seed", type=int, default=default.seed, help="default: %(default)s")
    add("--split", choices=SPLIT_RULES, default=default.split,
        help="groups keeps near-duplicate frames together; random does not, and its test score "
        "is too good; default: %(default)s")  # fmt: skip
    add("--near_bits", type=int, default=default.near_bits,
        help="differing bits of 128 up to which two pictures are near duplicates; "
        "default: %(default)s")  # fmt: skip
    add("--max_bad", type=float, default=default.max_bad_share,
        help="largest accepted share of unusable files; default: %(default)s")  # fmt: skip
    add("--resplit", action="store_true", help="split train|val|test folders afresh")
    add("--group_by", default=default.group_by, metavar="PATTERN",
        help="a regular expression whose group in parentheses names the signer or scene in a "
        r"picture's path, as in 'hand(\d+)'; or the word source")  # fmt: skip
    add("--groups", type=Path, default=default.groups_csv, metavar="FILE",
        help="a CSV table with the columns path and group")  # fmt: skip
    add("--holdout_source", nargs="+", action="extend", default=[], metavar="NAME",
        help="sources that nothing is trained on: they become the unseen signers of every "
        "report")  # fmt: skip
    add("--overwrite", action="store_true", help="replace a data set in --output_dir")


def run(args: argparse.Namespace) -> int:
    """Prepares and prints a summary."""
    from fingerspell.config import PrepareConfig
    from fingerspell.prepare.prepare import prepare
    from fingerspell.prepare.summary import summary

    config = PrepareConfig(
        input_dirs=tuple(args.input_dir),
        output_dir=args.output_dir,
        train_share=args.train,
        val_share=args.val,
        test_share=args.test,
        seed=args.seed,
        split=args.split,
        near_bits=args.near_bits,
        max_bad_share=args.max_bad,
        resplit=args.resplit,
        group_by=args.group_by,
        groups_csv=args.groups,
        holdout_sources=tuple(args.holdout_source),
        overwrite=args.overwrite,
    )
    done = prepare(config)
    print(summary(done.report, done.dataset_dir))
    if done.untouched:
        print("the same data set was there already: left untouched")
    return 0
