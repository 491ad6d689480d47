"""What do 5, 10, 20 pictures a class bring? Before and after, on a source and on all others.

    python benchmarks/adapt.py --data ../shared/data

Each source must be one that the released recogniser has not seen. The pictures given are whole
groups of near duplicates, and the groups left over test: `own`. `others` are the other sources,
so what is forgotten shows there. Saves `benchmarks/results/adapt.json`.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from circumstances import circumstances, save

SOURCES = ("four_signers", "silhouette", "lowres_dark")
OTHERS = ("dev_signify", "dev_inaudible", "dev_greywall", "dev_bright_hand", "dev_two_scenes")
COUNTS = (5, 10, 20)
SEEDS = (1, 2, 3)
MOST_TESTED = 20
"""Pictures of a class that are tested, so that large sources take no longer."""

Picture = tuple[Path, str]
Groups = dict[str, dict[str, list[Path]]]


def grouped(folder: Path) -> Groups:
    """Returns a source's pictures: label → group of near duplicates → files."""
    from fingerspell.config import PrepareConfig
    from fingerspell.prepare.examine import examine
    from fingerspell.prepare.groups import find_groups
    from fingerspell.prepare.scan import scan

    near_bits = PrepareConfig(input_dirs=(folder,), output_dir=folder).near_bits
    pictures, _ = examine(scan((folder,)).files)
    groups: Groups = defaultdict(lambda: defaultdict(list))
    for picture, group in zip(pictures, find_groups(pictures, near_bits).groups, strict=True):
        groups[picture.file.label][group].append(picture.file.path)
    return groups


def deal(groups: Groups, count: int, seed: int) -> tuple[list[Picture], list[Picture]]:
    """Returns `count` pictures a class to learn from, and those of other groups to test on.

    A class of one group is left out of both: all that is left would be near duplicates.
    """
    given: list[Picture] = []
    tested: list[Picture] = []
    for label in sorted(groups):
        rng = np.random.default_rng([seed, *label.encode("utf-8")])
        names = sorted(groups[label])
        order = [names[i] for i in rng.permutation(len(names))]
        mine: list[Path] = []
        while len(mine) < count and len(order) > 1:
            mine += groups[label][order.pop()]
        rest = [path for name in order for path in groups[label][name]]
        if mine:
            given += [(mine[i], label) for i in rng.permutation(len(mine))[:count]]
            tested += [(rest[i], label) for i in rng.permutation(len(rest))[:MOST_TESTED]]
    return given, tested


def class_folders(pictures: Sequence[Picture], folder: Path) -> None:
    """Copies pictures into class folders, as a user would hand them over."""
    for number, (path, label) in enumerate(pictures):
        (folder / label).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / label / f"{number}{path.suffix}")


def read_by(model: Any, labels: Sequence[str], pictures: Sequence[Picture]) -> float:
    """Returns the share of pictures that a network names rightly."""
    from fingerspell.loading.loader import evaluation_stream

    known = [(path, label) for path, label in pictures if label in labels]
    size_px = tuple(model.input_shape[1:3])
    batches = evaluation_stream([path for path, _ in known], size_px, 32)
    answers = np.concatenate([np.asarray(model.predict_on_batch(x)).argmax(1) for x in batches])
    return float((answers == [labels.index(label) for _, label in known]).mean())


def each_of(
    model: Any, labels: Sequence[str], sources: Mapping[str, Sequence[Picture]]
) -> dict[str, float]:
    """Returns the accuracy on every source."""
    return {name: read_by(model, labels, pictures) for name, pictures in sources.items()}


def figures(own: float, each_other: Mapping[str, float]) -> dict[str, Any]:
    """Returns accuracy on the source's own held-out groups, on every other source, their mean."""
    others = statistics.fmean(each_other.values())
    return {"own": own, "others": others, "each_other": dict(each_other)}


def adapted(given: Sequence[Picture], seed: int, starter: Path) -> tuple[Any, list[str], float]:
    """Runs the command's work but for exporting; returns the network, its labels, and seconds."""
    from fingerspell.config import AdaptConfig
    from fingerspell.model import load_recogniser
    from fingerspell.model.weights import starter_config, starter_facts
    from fingerspell.prepare.small_dataset import prepare_small_dataset
    from fingerspell.train.adapt import adapt
    from fingerspell.train.synthetic import synthetic_beside

    with tempfile.TemporaryDirectory() as work:
        mine, output = Path(work) / "mine", Path(work) / "adapted"
        class_folders(given, mine)
        output.mkdir()
        config = AdaptConfig(input_dir=mine, output_dir=output, seed=seed)
        labels = tuple(starter_facts(starter)["labels"])
        side_px = max(starter_config(starter).image_size_px)
        started_s = time.perf_counter()
        with synthetic_beside(
            output, labels, config.synthetic_per_class, seed, side_px
        ) as synthetic:
            few = prepare_small_dataset(
                mine, synthetic, config.dataset_dir, test_share=config.test_share, seed=seed
            )
        facts = adapt(config, few, starter=starter)
        seconds = time.perf_counter() - started_s
        return load_recogniser(output / "model.keras"), facts["labels"], seconds


def released(starter: Path) -> tuple[Any, list[str]]:
    """Returns the released network and its labels."""
    from fingerspell.model.weights import build_starter, starter_facts, with_released_views

    labels = starter_facts(starter)["labels"]
    return with_released_views(build_starter(labels, starter), starter), labels


def some(groups: Groups, seed: int = 0) -> list[Picture]:
    """Returns at most `MOST_TESTED` pictures of every class of a source."""
    rng = np.random.default_rng(seed)
    chosen = []
    for label, members in sorted(groups.items()):
        paths = [path for group in members.values() for path in group]
        chosen += [(paths[i], label) for i in rng.permutation(len(paths))[:MOST_TESTED]]
    return chosen


def measure(
    data: Path, sources: Sequence[str], others: Sequence[str], counts: Sequence[int],
    seeds: Sequence[int], starter: Path,
) -> list[dict[str, Any]]:  # fmt: skip
    """Returns one row for each source, number of pictures and seed."""
    model, labels = released(starter)
    groups = {name: grouped(data / name) for name in dict.fromkeys((*sources, *others))}
    rows = []
    for source in sources:
        elsewhere = {name: some(groups[name]) for name in groups if name != source}
        known = each_of(model, labels, elsewhere)
        for count in counts:
            for seed in seeds:
                given, tested = deal(groups[source], count, seed)
                after, names, seconds = adapted(given, seed, starter)
                row = {
                    "source": source, "count": count, "seed": seed, "pictures": len(given),
                    "tested": len(tested), "seconds": round(seconds, 1),
                    "before": figures(read_by(model, labels, tested), known),
                    "after": figures(
                        read_by(after, names, tested), each_of(after, names, elsewhere)
                    ),
                }  # fmt: skip
                print(json.dumps(row), flush=True)
                rows.append(row)
    return rows


def means(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Returns the mean over sources and seeds for each number of pictures a class."""
    table = {}
    for count in sorted({row["count"] for row in rows}):
        chosen = [row for row in rows if row["count"] == count]
        table[str(count)] = {
            f"{who}_{when}": statistics.fmean(row[when][who] for row in chosen)
            for who in ("own", "others")
            for when in ("before", "after")
        } | {"longest_s": max(row["seconds"] for row in chosen)}
    return table


def options(about: str) -> argparse.ArgumentParser:
    """Returns the options that measurements of `adapt` share."""
    from fingerspell.assets import STARTER

    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--others", nargs="+", default=list(OTHERS))
    parser.add_argument("--counts", nargs="+", type=int, default=list(COUNTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--starter", type=Path, default=STARTER)
    return parser


def asked(parser: argparse.ArgumentParser, sources: Sequence[str] = ()) -> argparse.Namespace:
    """Returns what was asked for; ends with code 2 where that cannot be."""
    args = parser.parse_args()
    names = (*sources, *getattr(args, "sources", ()), *args.others)
    if missing := [str(args.data / x) for x in names if not (args.data / x).is_dir()]:
        parser.error(f"no folder {', '.join(missing)}: check --data")
    if min(args.counts) < 1:
        parser.error(f"{min(args.counts)} pictures a class: --counts are from 1 up")
    return args


def main() -> int:
    parser = options(__doc__ or "")
    parser.add_argument("--sources", nargs="+", default=list(SOURCES))
    parser.add_argument("--name", default="adapt", help="of the file in benchmarks/results")
    args = asked(parser)
    rows = measure(args.data, args.sources, args.others, args.counts, args.seeds, args.starter)
    said = circumstances(shlex.join(["python", "benchmarks/adapt.py", *sys.argv[1:]]))
    save(args.name, {**said, "mean": means(rows), "rows": rows})
    print(json.dumps(means(rows), indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
