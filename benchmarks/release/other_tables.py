"""Tables about the guide's road, about `fingerspell adapt`, and the catalogue of sources."""

import statistics
from collections.abc import Callable, Sequence

from benchmarks.release.catalogue import catalogue, table
from benchmarks.release.main_job import JOBS, UNSEEN_SIGNERS
from benchmarks.tables import Figures, measured_with, percent, read, read_all, rows, seeds_of

Cell = Callable[[Figures], str]
RUN_ROWS: dict[str, Cell] = {
    "own test pictures": lambda r: f"**{percent(r['test_accuracy'])}**",
    "95 % over groups": lambda r: " – ".join(
        map(percent, r["intervals"]["groups_95"] or (None, None))
    ),
    **{
        f"{name}, 26 / 24 letters": lambda r, name=name: " / ".join(
            percent(r["unseen_signers"][name][key]["accuracy"])
            for key in ("letters_26", "letters_24")
        )
        for name in UNSEEN_SIGNERS
    },
    "validation pictures, other groups": lambda r: percent(r["validation_accuracy"]),
    "macro F1; calibration error": lambda r: (
        f"{r['macro_f1']:.3f}; {percent(r['calibration_error'])}"
    ),
    "pictures: train, val, test": lambda r: ", ".join(
        f"{r['pictures'][part]:,}" for part in ("train", "val", "test")
    ),
    "synthetic hands in train": lambda r: f"{r['synthetic_pictures']:,}",
    "test pictures with a near duplicate in train": lambda r: _twins(r["leak"]["this_split"]),
    "the same, had the split been random": lambda r: _twins(r["leak"]["random_split"]),
    "epochs": lambda r: ", ".join(f"{n} {phase}" for phase, n in sorted(r["epochs"].items())),
    "prepare, train, export, evaluate": lambda r: (
        f"{r['wall_s']['prepare']:.0f}, {r['train_s']:.0f}, {r['export_s']:.0f}, "
        f"{r['evaluate_s']:.0f} s"
    ),
    "wall time of both commands": lambda r: f"{sum(r['wall_s'].values()) / 60:.1f} min",
    "training at best": lambda r: f"{r['pictures_per_s']:.0f} pictures/s",
    "peak memory": lambda r: f"{r['peak_memory_bytes'] / 1e9:.1f} GB",
    "TFLite: right; same class as Keras": lambda r: (
        f"{percent(r['tflite']['test_accuracy'])}; {percent(r['tflite']['agreement'])}"
    ),
    "files": lambda r: ", ".join(f"{n} {b / 1e6:.1f} MB" for n, b in r["files_bytes"].items()),
    "first weights; seed": lambda r: f"{r['weights_origin']}; {r['seed']}",
    "machine": lambda r: f"{r['machine']['processor']}, {r['machine']['cores']} cores, no GPU",
    "commit": lambda r: r["commit"],
    "versions": lambda r: ", ".join(f"{k} {v}" for k, v in r["versions"].items()),
}
"""What is said of each run of the guide's road: one row a figure, one column a run."""


def _twins(split: Figures) -> str:
    return f"{split['test_pictures_with_twin_in_train']:,} of {split['test_pictures']:,}"


def results_runs() -> list[str]:
    """Returns the figures of each run of the guide's road."""
    results = [read(f"main_job_{name}") for name in JOBS]
    body = [(words, *(cell(result) for result in results)) for words, cell in RUN_ROWS.items()]
    return rows(("", *(result["title"] for result in results)), body)


def results_exports() -> list[str]:
    """Returns how near each export is to Keras: probability difference, same class."""
    proofs = [read(f"main_job_{name}") for name in JOBS]
    body = [
        (export, *(
            f"{r['parity'][export]['max_difference']:.1e}, "
            f"{percent(r['parity'][export]['agreement'])}" for r in proofs
        ))
        for export in proofs[0]["parity"]
    ]  # fmt: skip
    return rows(("largest difference, same class", *(r["title"] for r in proofs)), body)


def results_commands() -> list[str]:
    """Returns the commands of each run of the guide's road."""
    return ["```", *(x for name in JOBS for x in read(f"main_job_{name}")["commands"]), "```"]


def adapt_few() -> list[str]:
    """Returns what a few pictures of a source bring there, and what they cost elsewhere."""
    studies = read_all("adapt")
    every = [row for study in studies for row in study["rows"]]
    found: dict[tuple[str, int], list[Figures]] = {}
    for row in every:
        found.setdefault((row["source"], row["count"]), []).append(row)
    body = [(name, str(count), *_adapted(own)) for (name, count), own in found.items()]
    for count in sorted({row["count"] for row in every}):
        own = [row for row in every if row["count"] == count]
        body.append(("**mean**", str(count), *_adapted(own)))
    others = sorted({len(row["before"]["each_other"]) for row in every})
    head = (
        "source", "pictures a class", "own, before", "after", "others, before", "after", "longest",
    )  # fmt: skip
    return [
        *rows(head, body),
        "",
        f"Others are {' or '.join(map(str, others))} sources; {seeds_of(every)}.",
        *(line for study in studies for line in measured_with(study)),
    ]


def _adapted(own: Sequence[Figures]) -> tuple[str, ...]:
    shares = [
        percent(statistics.fmean(row[when][who] for row in own))
        for who in ("own", "others")
        for when in ("before", "after")
    ]
    return (*shares, f"{max(row['seconds'] for row in own):.0f} s")


def adapt_new_sign() -> list[str]:
    """Returns how well a sign that the alphabet lacks is learnt, and what is taken for it."""
    alone, beside = read("new_sign"), read("new_sign_beside")
    keys = ("sign", "strays", "letters", "before", "after")
    first = [
        (count, *(percent(mean[key]) for key in keys), f"{mean['longest_s']:.0f} s")
        for count, mean in alone["mean"].items()
    ]
    digits = list(next(iter(beside["mean"].values()))["each_stray"])
    second = [
        (given, percent(mean["sign"]), *(percent(mean["each_stray"][x]) for x in digits),
         percent(mean["before"]), percent(mean["after"]))
        for given, mean in beside["mean"].items()
    ]  # fmt: skip
    known = ("classes it knew, before", "after")
    sources = len(alone["rows"][0]["before"])
    return [
        *rows(("pictures", "found", "other digits", "letters", *known, "longest"), first),
        "",
        f"Classes it knew are read in {sources} sources; mean of {seeds_of(alone['rows'])}.",
        "",
        *rows(("pictures", "found", *digits, *known), second),
        "",
        f"Mean of {seeds_of(beside['rows'])}.",
        *measured_with(alone),
        *measured_with(beside),
    ]


def source_catalogue() -> list[str]:
    """Returns every source with publisher, licence, people, classes, number and use."""
    return table(catalogue())


BLOCKS: dict[str, Callable[[], list[str]]] = {
    "results_runs": results_runs,
    "results_exports": results_exports,
    "results_commands": results_commands,
    "adapt_few": adapt_few,
    "adapt_new_sign": adapt_new_sign,
    "source_catalogue": source_catalogue,
}
