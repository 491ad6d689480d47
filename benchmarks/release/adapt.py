"""What does `fingerspell adapt` make of 5, 10, 20 pictures: a class it knows, or a new sign?

    python benchmarks/release/adapt.py --data ../shared/data [--new_sign | --beside]

Each source must be one that the released recogniser has not seen. The pictures given are whole
groups of near duplicates, and the groups left over test: `own`. `others` are the other sources,
so what is forgotten shows there. Saves `benchmarks/results/adapt.json`.

With --new_sign the pictures are of the digit 7, which no training showed, each of another person;
other digits show what is taken for it wrongly. The 8 differs from it by one finger: with --beside
fewest pictures are given, once alone and once with as many of the 8 as `nothing`.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.circumstances import record
from benchmarks.release.catalogue import UNSEEN, names_for, require_sources
from benchmarks.release.sources import NOTHING, is_learnt

SOURCES = ("four_signers", "silhouette", "lowres_dark")
OTHERS = names_for(UNSEEN)
COUNTS = (5, 10, 20)
SEEDS = (1, 2, 3)
MOST_TESTED = 20
"""Pictures of a class that are tested, so that large sources take no longer."""

SIGNS, DIGIT, SIGN = "digits_218", "7", "seven"
STRAYS = ("1", "3", "5", "8")
"""None of these is the sign: 1 looks like D and Z, the others like no letter."""

LIKE_IT = "8"
"""The thumb touches the finger beside the one that it touches for a 7."""

Try = tuple[int, bool]
"""How many pictures of the sign are given, and whether as many of what looks like it are, too."""

Picture = tuple[Path, str]
Shares = dict[str, float]
Groups = dict[str, dict[str, list[Path]]]
Dealt = tuple[list[Picture], list[Picture]]
"""What is learnt from, and what is tested."""


def grouped(folder: Path) -> Groups:
    """Returns a source's pictures: label → group of near duplicates → files."""
    from fingerspell.config import PrepareConfig
    from fingerspell.prepare.examine import examine
    from fingerspell.prepare.groups import find_groups
    from fingerspell.prepare.scan import scan

    near_bits = PrepareConfig(input_dirs=(folder,), output_dir=folder).near_bits
    pictures, _ = examine(scan((folder,)).records)
    groups: Groups = defaultdict(lambda: defaultdict(list))
    for picture, group in zip(pictures, find_groups(pictures, near_bits).groups, strict=True):
        groups[picture.file.label][group].append(picture.file.path)
    return groups


def deal(groups: Groups, count: int, seed: int) -> Dealt:
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


def each_of(model: Any, labels: Sequence[str], sources: Mapping[str, Sequence[Picture]]) -> Shares:
    """Returns the accuracy on every source."""
    return {name: read_by(model, labels, pictures) for name, pictures in sources.items()}


def figures(own: float, each_other: Shares) -> dict[str, Any]:
    """Returns accuracy on the source's own held-out groups, on every other source, their mean."""
    return {"own": own, "others": statistics.fmean(each_other.values()), "each_other": each_other}


def adapted(given: Sequence[Picture], seed: int, starter: Path) -> tuple[Any, list[str], float]:
    """Runs the command's work but for exporting; returns the network, its labels, and seconds."""
    from fingerspell.config import AdaptConfig
    from fingerspell.model import load_recogniser
    from fingerspell.model.weights import starter_config, starter_facts
    from fingerspell.prepare.prepare import prepare_small_dataset
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
            at = {"test_share": config.test_share, "seed": seed}
            few = prepare_small_dataset(mine, synthetic, config.dataset_dir, **at)
        facts = adapt(config, few, starter=starter)
        seconds = time.perf_counter() - started_s
        return load_recogniser(output / "model.keras"), facts["labels"], seconds


def released(starter: Path) -> tuple[Any, list[str]]:
    """Returns the released network and its labels."""
    from fingerspell.model.weights import released_network, starter_facts

    labels = starter_facts(starter)["labels"]
    return released_network(starter), labels


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
                own, kept = read_by(after, names, tested), each_of(after, names, elsewhere)
                row = {
                    "source": source, "count": count, "seed": seed, "pictures": len(given),
                    "tested": len(tested), "seconds": round(seconds, 1),
                    "before": figures(read_by(model, labels, tested), known),
                    "after": figures(own, kept),
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


def deal_signs(
    pictures: Sequence[Path], count: int, seed: int
) -> tuple[list[Picture], list[Picture]]:
    """Returns `count` pictures of the new sign to learn from, and the others to test on."""
    order = np.random.default_rng(seed).permutation(len(pictures))
    mixed = [(pictures[i], SIGN) for i in order]
    return mixed[:count], mixed[count:]


def beside(folder: Path, count: int, seed: int) -> list[Picture]:
    """Returns `count` pictures of what looks like the sign, of people who are not measured."""
    paths = [x for x in sorted((folder / LIKE_IT).iterdir()) if is_learnt(SIGNS, LIKE_IT, x)]
    order = np.random.default_rng(seed).permutation(len(paths))[:count]
    return [(paths[i], NOTHING) for i in order]


def strays(folder: Path) -> list[Path]:
    """Returns hands that show another sign, of people who did not show it in training."""
    found = (path for digit in STRAYS for path in sorted((folder / digit).iterdir()))
    return [path for path in found if not is_learnt(SIGNS, path.parent.name, path)]


def taken(model: Any, labels: Sequence[str], paths: Iterable[Path]) -> float:
    """Returns the share of pictures that are taken for the new sign."""
    return read_by(model, labels, [(path, SIGN) for path in paths])


def taken_each(model: Any, labels: Sequence[str], paths: Sequence[Path]) -> Shares:
    """Returns the same for every digit that they show."""
    digits = sorted({path.parent.name for path in paths})
    return {x: taken(model, labels, (p for p in paths if p.parent.name == x)) for x in digits}


def measure_sign(
    data: Path, others: Sequence[str], tries: Sequence[Try], seeds: Sequence[int], starter: Path
) -> list[dict[str, Any]]:
    """Returns one row for each try and seed."""
    sevens, wrong = sorted((data / SIGNS / DIGIT).iterdir()), strays(data / SIGNS)
    letters = {name: some(grouped(data / name)) for name in others}
    before = each_of(*released(starter), letters)
    shown = [path for pictures in letters.values() for path, _ in pictures]
    rows = []
    for count, told in tries:
        for seed in seeds:
            given, tested = deal_signs(sevens, count, seed)
            more = beside(data / SIGNS, count, seed) if told else []
            model, labels, seconds = adapted([*given, *more], seed, starter)
            row = {
                "count": count, "told": told, "seed": seed, "tested": len(tested),
                "seconds": round(seconds, 1), "sign": read_by(model, labels, tested),
                "strays": taken(model, labels, wrong),
                "each_stray": taken_each(model, labels, wrong),
                "letters": taken(model, labels, shown),
                "before": before, "after": each_of(model, labels, letters),
            }  # fmt: skip
            print(json.dumps(row), flush=True)
            rows.append(row)
    return rows


def sign_means(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Returns the mean over seeds for what was given; letters are means over sources."""
    table = {}
    for count, told in dict.fromkeys((row["count"], row["told"]) for row in rows):
        found = [row for row in rows if (row["count"], row["told"]) == (count, told)]
        mean = {k: statistics.fmean(x[k] for x in found) for k in ("sign", "strays", "letters")}
        for key in ("before", "after"):
            mean[key] = statistics.fmean(share for x in found for share in x[key].values())
        digits = found[0]["each_stray"]
        each = {x: statistics.fmean(row["each_stray"][x] for row in found) for x in digits}
        longest_s = max(x["seconds"] for x in found)
        name = f"{count}, and {count} of {LIKE_IT} as `{NOTHING}`" if told else str(count)
        table[name] = {**mean, "each_stray": each, "longest_s": longest_s}
    return table


def main(argv: Sequence[str] | None = None) -> int:
    from fingerspell.assets import STARTER

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sources", nargs="+", default=list(SOURCES))
    parser.add_argument("--others", nargs="+", default=list(OTHERS))
    parser.add_argument("--counts", nargs="+", type=int, default=list(COUNTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--starter", type=Path, default=STARTER)
    parser.add_argument("--name", help="of the result file (default: adapt, or the new sign's)")
    sign = parser.add_mutually_exclusive_group()
    sign.add_argument("--new_sign", action="store_true", help="a sign that the alphabet lacks")
    sign.add_argument("--beside", action="store_true", help="it, and what looks like it")
    args = parser.parse_args(argv)
    chosen = [SIGNS] if args.new_sign or args.beside else args.sources
    require_sources(parser, args.data, (*chosen, *args.others))
    if min(args.counts) < 1:
        parser.error(f"{min(args.counts)} pictures a class: --counts are from 1 up")
    rest = (args.seeds, args.starter)
    if args.beside:
        tries = [(min(args.counts), told) for told in (False, True)]
        name, rows = "new_sign_beside", measure_sign(args.data, args.others, tries, *rest)
    elif args.new_sign:
        tries = [(count, False) for count in args.counts]
        name, rows = "new_sign", measure_sign(args.data, args.others, tries, *rest)
    else:
        name, rows = "adapt", measure(args.data, args.sources, args.others, args.counts, *rest)
    mean = (means if name == "adapt" else sign_means)(rows)
    record(args.name or name, "release/adapt", argv, {"mean": mean, "rows": rows})
    print(json.dumps(mean, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
