"""Checks of the data set folder and the run folder, without reading a picture.

Standard library only: the doctor must be able to say that everything else is missing.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from fingerspell.doctor.finding import Finding, fail, ok, warn
from fingerspell.files import folders, passed_over, pictures, sorted_out

_SPLITS = ("train", "val", "test")
_CONTRACT = "recogniser.json"
_PREPARE = "python backend/prepare_dataset.py --input_dir PICTURES --output_dir"
_TRAIN = "python backend/train_finetune.py --dataset_dir dataset --output_dir"
_EXPORT = "fingerspell export --output_dir"
_EVALUATE = "fingerspell evaluate --output_dir"
_UNEVEN = 3.0
_SMALL_CLASS = 10
_LOW_ACCURACY = 0.90


def _count_pictures(folder: Path) -> dict[str, int]:
    """Returns {class folder: pictures directly inside}, sorted by name; {} without the folder."""
    return {path.name: len(pictures(path)) for path in folders(folder)}


def check_dataset(folder: Path) -> list[Finding]:
    """A prepared data set: there, with pictures in every split and class, roughly even."""
    if not folder.is_dir():
        return [warn("data set", f"no folder {folder}", f"{_PREPARE} {folder}")]
    splits = {split: _count_pictures(folder / split) for split in _SPLITS}
    if not any(splits.values()):
        return [_not_prepared(folder)]
    empty = [f"{split}/{x}" for split in _SPLITS for x, n in splits[split].items() if n == 0]
    empty += [split for split in _SPLITS if not splits[split]]
    class_dirs = [path for split in _SPLITS for path in folders(folder / split)]
    others = _others(folder, class_dirs)
    if empty:
        found = f"no images found in {', '.join(empty)}{others}"
        return [fail("data set", found, f"{_PREPARE} {folder}")]
    if not (folder / "manifest.csv").is_file():
        return [fail("data set", f"{folder} has no manifest.csv", f"{_PREPARE} {folder}")]
    total = sum(sum(split.values()) for split in splits.values())
    found = f"{total} pictures, {len(splits['train'])} classes in {folder}{others}"
    return [ok("data set", found), *_check_balance(splits["train"])]


def _others(folder: Path, inner: Iterable[Path]) -> str:
    """Tells of the files directly in some folders below `folder` that are no pictures."""
    others = [x for path in inner for x in sorted_out(path, path.iterdir())[1]]
    return f"; {passed_over(folder, others)}" * bool(others)


def _not_prepared(folder: Path) -> Finding:
    inner = next((path for path in _class_folders(folder) if path != folder), None)
    fix = f"python backend/prepare_dataset.py --input_dir {inner or folder} --output_dir dataset"
    if inner is not None:
        return fail("data set", f"no train, val, test in {folder}; classes lie in {inner}", fix)
    if any(_count_pictures(folder).values()):
        return fail("data set", f"{folder} holds class folders that are not split yet", fix)
    return fail(
        "data set",
        f"no images found in {folder}{_others(folder, (folder, *folders(folder)))}",
        "point --input_dir at the folder whose sub-folders are the classes (A, B, C …)",
    )


def _class_folders(folder: Path, depth: int = 3) -> list[Path]:
    """Returns the folders, at most `depth` levels down, that hold class folders with pictures."""
    if any(_count_pictures(folder).values()):
        return [folder]
    if depth == 0:
        return []
    return [found for path in folders(folder) for found in _class_folders(path, depth - 1)]


def _check_balance(counts: Mapping[str, int]) -> list[Finding]:
    """Class imbalance and classes too small to learn from, in the training split."""
    if len(counts) < 2:
        fix = "prepare a folder with at least two class folders"
        return [fail("classes", f"{len(counts)} class in train", fix)]
    least, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    sizes = f"{least} has {counts[least]} pictures, {most} has {counts[most]}"
    if counts[least] < _SMALL_CLASS:
        return [warn("classes", f"{sizes}: too few to learn {least}", f"add pictures of {least}")]
    if counts[most] > _UNEVEN * counts[least]:
        fix = f"training weights the classes by itself; more pictures of {least} are better"
        return [warn("class imbalance", sizes, fix)]
    return [ok("classes", sizes)]


def check_run(folder: Path) -> list[Finding]:
    """A finished run: its contract readable, its files there, its accuracy as it should be."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return [ok("run", f"none in {folder} yet")]
    if not (folder / _CONTRACT).is_file():
        return [
            warn("run", f"{folder} has no {_CONTRACT}: not finished", f"{_TRAIN} {folder} --resume")
        ]
    contract = _json(folder / _CONTRACT)
    labels, files = contract.get("labels"), contract.get("files")
    if not isinstance(labels, list) or not isinstance(files, dict):
        return [fail("run", f"{folder / _CONTRACT} cannot be read", f"{_EXPORT} {folder}")]
    gone = [name for name in files if not (folder / name).is_file()]
    if gone:
        return [fail("run", f"{folder} lacks {', '.join(gone)}", f"{_EXPORT} {folder}")]
    return [ok("run", f"{len(labels)} labels in {folder}"), _accuracy(folder)]


def _json(path: Path) -> dict[str, object]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}


def _accuracy(folder: Path) -> Finding:
    accuracy = _json(folder / "evaluation_report.json").get("test_accuracy")
    if not isinstance(accuracy, float):
        found = f"no readable evaluation_report.json in {folder}"
        return warn("accuracy", found, f"{_EVALUATE} {folder}")
    if accuracy < _LOW_ACCURACY:
        fix = "see 'Low accuracy' in docs/troubleshooting.md"
        return warn("accuracy", f"{accuracy:.1%} on the test split", fix)
    return ok("accuracy", f"{accuracy:.1%} on the test split")
