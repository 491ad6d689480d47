"""Checks of the data set folder and the run folder, without reading a picture.

Standard library only: the doctor must be able to say that everything else is missing.
"""

import json
from collections import Counter
from pathlib import Path

from fingerspell.dataset.balance import size_warning
from fingerspell.dataset.manifest import read_manifest
from fingerspell.doctor.finding import Finding, fail, ok, warn
from fingerspell.errors import DataError
from fingerspell.files import folders, passed_over, sorted_out

_CONTRACT = "recogniser.json"
_PREPARE = "python backend/prepare_dataset.py --input_dir PICTURES --output_dir"
_TRAIN = "python backend/train_finetune.py --dataset_dir dataset --output_dir"
_EXPORT = "fingerspell export --output_dir"
_EVALUATE = "fingerspell evaluate --output_dir"
_LOW_ACCURACY = 0.90


def check_dataset(folder: Path) -> list[Finding]:
    """A data set as training reads it: whole, with two classes or more, none of them very small."""
    if not folder.is_dir():
        return [warn("data set", f"no folder {folder}", f"{_PREPARE} {folder}")]
    try:
        manifest = read_manifest(folder)
    except DataError as error:
        return [fail("data set", error.found, error.fix)]
    counts = Counter(sample.label for sample in manifest.split("train"))
    classes = (path for split in folders(folder) for path in folders(split))
    others = [x for path in classes for x in sorted_out(path, path.iterdir())[1]]
    found = f"{len(manifest.samples)} pictures, {len(counts)} classes in {folder}"
    found += f"; {passed_over(folder, others)}" * bool(others)
    if small_or_uneven := size_warning(counts):
        return [ok("data set", found), warn(*small_or_uneven)]
    return [ok("data set", found), ok("classes", f"{min(counts.values())} pictures or more each")]


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
    report = _json(folder / "evaluation_report.json")
    accuracy, guessing = report.get("test_accuracy"), report.get("guessing")
    if not isinstance(accuracy, float):
        found = f"no readable evaluation_report.json in {folder}"
        return warn("accuracy", found, f"{_EVALUATE} {folder}")
    if accuracy < _LOW_ACCURACY:
        fix = "see 'Low accuracy' in docs/troubleshooting.md"
        guesses = isinstance(guessing, dict) and guessing.get("suspected")
        as_good = ": no better than guessing" if guesses else ""
        return warn("accuracy", f"{accuracy:.1%} on the test split{as_good}", fix)
    return ok("accuracy", f"{accuracy:.1%} on the test split")
