"""Dataset preparation: check pictures, group near duplicates, split, write the data set folder."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from fingerspell.config.prepare import PrepareConfig
from fingerspell.dataset import manifest
from fingerspell.dataset.manifest import FILE_NAME, HELD_OUT, REPORT_NAME, SPLITS, Sample
from fingerspell.dataset.quality import Qualities, quality_json
from fingerspell.errors import DataError
from fingerspell.files import (
    link_or_copy,
    locked_beside,
    replaced_folder,
    require_replaceable,
    write_text,
)
from fingerspell.prepare.examine import Picture, check_bad, content, examine
from fingerspell.prepare.groups import Side, divide, find_groups, without_conflicts
from fingerspell.prepare.records import same_name
from fingerspell.prepare.scan import Scan, scan
from fingerspell.prepare.split import assign, check_counts, split_groups
from fingerspell.prepare.summary import FORMAT, LeftOut, Report, figures, fingerprint
from fingerspell.prepare.user_groups import coverage, refuse_shared, user_groups
from fingerspell.progress import Progress
from fingerspell.report.data_card import CARD_NAME, data_card
from fingerspell.report.data_report import PAGE_NAME, write_page

_OURS = frozenset(
    {FILE_NAME, REPORT_NAME, PAGE_NAME, CARD_NAME, *SPLITS, HELD_OUT, manifest.OLD_HELD_OUT}
)
"""What lies at the top of a data set folder, also of one that an earlier version made."""

_MOST_BYTES = 255
"""The longest file name that the usual file systems hold, in UTF-8."""

_LONGEST_END = 16
"""Bytes of an extension, its dot included; what is longer is part of the name."""

_ATTEMPTS = 8
"""A mark would have to be the name of another picture by chance, each time."""

_LEAST_GROUPS = 4
"""With fewer, holding one back would cost a class a third of what it can learn from, or more."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `prepare` did; `untouched` where the very same data set was there already."""

    dataset_dir: Path
    report: Report
    untouched: bool


def prepare(config: PrepareConfig) -> Prepared:
    """Checks every picture, finds near duplicates, splits, and writes the data set folder.

    The input is only read. The output appears complete or not at all; the same input and
    settings leave an existing one untouched. Raises `DataError` for folders that make no data
    set, for too many bad files, and for an output folder that is in the way; `RunError` where
    another process is making a data set there.
    """
    started = time.monotonic()
    _check_places(config.input_dirs, config.output_dir)
    with locked_beside(config.output_dir):
        require_replaceable(config.output_dir)
        return _prepare(config, started)


def _prepare(config: PrepareConfig, started: float) -> Prepared:
    scanned = scan(config.input_dirs, config.holdout_sources)
    inputs = fingerprint(config, scanned)
    if (existing := _existing(config, inputs)) is not None:
        return Prepared(config.output_dir, existing, untouched=True)
    own, held_out, left_out, named = _grouped(config, scanned)
    assigned = assign(config, own)
    splits = [*assigned.splits, *[HELD_OUT] * len(held_out.pictures)]
    pictures = [*own.pictures, *held_out.pictures]
    samples = _samples_of(pictures, [*own.grouping.groups, *held_out.grouping.groups], splits)
    ordered = sorted(samples, key=lambda sample: sample.path)
    qualities = {s.path: p.quality for s, p in zip(samples, pictures, strict=True)}
    text = manifest.to_csv(ordered)
    with replaced_folder(config.output_dir) as folder:
        linked = _write_pictures(folder, samples, pictures)
        write_text(folder / FILE_NAME, text)
        report = {
            "format": FORMAT,
            "inputs_sha256": inputs,
            "manifest_sha256": manifest.text_sha256(text),
            **figures(config, scanned, left_out, named, assigned, ordered),
            "near_duplicate_pairs": len(own.grouping.pairs),
            "quality": quality_json(ordered, qualities),
            "linked": linked,
            "copied": len(samples) - linked,
            "seconds": round(time.monotonic() - started, 2),
        }
        _write_reports(folder, report, ordered, qualities)
    return Prepared(config.output_dir, report, untouched=False)


def prepare_small_dataset(
    input_dir: Path, synthetic_dir: Path, dataset_dir: Path, *, test_share: float, seed: int
) -> manifest.SmallDataset:
    """Writes the data set folder of `input_dir`'s pictures, some of them held back in `test`.

    Near duplicates stay together: a class with fewer than `_LEAST_GROUPS` groups of them is
    trained on whole, because each of them counts. `synthetic_dir` holds class folders under `train`
    and `val`, which stay as they are; it brings every class that must not be forgotten. Unusable
    pictures are left out, and named. Raises `DataError` where none is usable.
    """
    _check_places((input_dir,), dataset_dir)
    scanned = scan((input_dir, synthetic_dir))
    (own_source, _), (synthetic_source, _) = scanned.sources
    require_replaceable(dataset_dir)
    pictures, bad = examine(scanned.records)
    bad = [*scanned.unusable, *bad]
    own = [p for p in pictures if p.file.source == own_source]
    check_bad(bad, len(bad) + len(own), 1.0)
    chosen, conflicts = without_conflicts(own)
    groups, splits = _placed(chosen, test_share, seed)
    synthetic = [p for p in pictures if p.file.source == synthetic_source]
    samples = _samples_of(
        [*chosen, *synthetic],
        [*groups, *(f"{synthetic_source}/{p.file.label}/{p.file.file_name}" for p in synthetic)],
        [*splits, *(p.file.split for p in synthetic)],
    )
    text = manifest.to_csv(sorted(samples, key=lambda sample: sample.path))
    report = {"config": {"split": "groups"}, "manifest_sha256": manifest.text_sha256(text)}
    with replaced_folder(dataset_dir) as folder:
        _write_pictures(folder, samples, [*chosen, *synthetic])
        write_text(folder / FILE_NAME, text)
        write_text(folder / REPORT_NAME, json.dumps(report, indent=1) + "\n")
    twice = {p.file.path for same in conflicts for p in same}
    left_out = (
        *(f"{b.path}: {b.reason}" for b in bad),
        *(f"{p.file.path}: lies under several classes" for p in own if p.file.path in twice),
    )
    return manifest.SmallDataset(manifest.read_manifest(dataset_dir), own_source, left_out)


def _placed(
    pictures: list[Picture], test_share: float, seed: int
) -> tuple[tuple[str, ...], list[str]]:
    """Returns the group and the split of every picture; classes of few groups are not tested."""
    near_bits = PrepareConfig(input_dirs=(Path(),), output_dir=Path()).near_bits
    groups = find_groups(pictures, near_bits).groups
    labels = [picture.file.label for picture in pictures]
    splits = split_groups(labels, groups, (1 - test_share, 0.0, test_share), seed)
    counts = Counter(label for label, _ in set(zip(labels, groups, strict=True)))
    whole = {g for x, g in zip(labels, groups, strict=True) if counts[x] < _LEAST_GROUPS}
    return groups, [
        "train" if group in whole else split for group, split in zip(groups, splits, strict=True)
    ]


def _grouped(
    config: PrepareConfig, scanned: Scan
) -> tuple[Side, Side, LeftOut, dict[str, Any] | None]:
    """Opens and groups every picture; returns those to learn from, the held-out ones, the rest.

    The last item says how many pictures have a user group; None where nothing was asked.
    """
    pictures, bad = examine(scanned.records)
    bad = [*scanned.unusable, *bad]
    check_bad(bad, len(scanned.records) + len(scanned.unusable), config.max_bad_share)
    usable, conflicts = without_conflicts(pictures)
    unused = [*(b.path for b in bad), *(p.file.path for same in conflicts for p in same)]
    owners = user_groups(usable, config.group_by, config.groups_csv, unused)
    if owners is not None:
        refuse_shared(usable, owners, config.holdout_sources)
    named = None if owners is None else coverage(usable, owners)
    grouping = find_groups(usable, config.near_bits, owners)
    labels = {r.label for r in scanned.records if r.source not in config.holdout_sources}
    own, held_out, copies = divide(usable, grouping, config.holdout_sources, labels)
    check_counts(own.pictures, labels, len(copies))
    return own, held_out, LeftOut(bad, conflicts, copies), named


def _check_places(input_dirs: Sequence[Path], output_dir: Path) -> None:
    """Refuses an output that touches an input, or that holds anything but a data set."""
    try:
        _compare_places(input_dirs, output_dir)
    except (OSError, RuntimeError) as error:  # RuntimeError: links that go in a circle.
        raise DataError(
            found=f"cannot look at --input_dir or --output_dir: {error}",
            expected="folders that may be read",
            fix="check paths, links and permissions",
        ) from error


def _samples_of(
    pictures: Sequence[Picture], groups: Sequence[str], splits: Sequence[str]
) -> list[Sample]:
    """Returns the manifest's rows: where each picture will lie, and what is known of it.

    No two lie in the same place, also where capitals make no difference. The order of the
    pictures decides nothing.
    """
    places = _places(pictures, splits)
    return [
        Sample(
            place, p.file.label, split, group, p.file.source, p.sha256, p.dhash, p.width, p.height
        )
        for p, group, split, place in zip(pictures, groups, splits, places, strict=True)
    ]


def _write_pictures(folder: Path, samples: Sequence[Sample], pictures: Sequence[Picture]) -> int:
    """Links, copies or writes every picture; returns how many were linked."""
    for parent in sorted({sample.path.rpartition("/")[0] for sample in samples}):
        (folder / parent).mkdir(parents=True)
    linked = 0
    with Progress(len(samples), "writing") as progress:
        for sample, picture in zip(samples, pictures, strict=True):
            target = f"{folder}/{sample.path}"  # As text: a `Path` takes as long as the link.
            if picture.file.part is None:
                linked += link_or_copy(picture.file.path, target)
            else:
                with open(target, "xb") as file:  # noqa: PTH123
                    file.write(content(picture.file))
            progress.advance()
    return linked


def _existing(config: PrepareConfig, inputs: str) -> Report | None:
    """Returns the report of the same data set if it is there, whole; None to make one."""
    path = config.output_dir / REPORT_NAME
    if config.overwrite or not path.is_file():
        return None
    held = "a data set of other pictures or settings"
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if report["format"] != FORMAT:
            held = "a data set that another version made"
        elif report["inputs_sha256"] == inputs:
            if _is_whole(config.output_dir, report["manifest_sha256"]):
                return report
            held = "a damaged data set"
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise DataError(
        found=f"{config.output_dir} holds {held}",
        expected="a new folder, or permission to replace that one",
        fix="add --overwrite, or choose another --output_dir",
    )


def _is_whole(dataset_dir: Path, manifest_sha256: str) -> bool:
    if not all((dataset_dir / name).is_file() for name in (FILE_NAME, PAGE_NAME, CARD_NAME)):
        return False
    try:
        return manifest.read_prepared(dataset_dir).sha256 == manifest_sha256
    except DataError:
        return False


def _write_reports(
    folder: Path, report: Report, samples: Sequence[Sample], qualities: Qualities
) -> None:
    """Writes the report for programs, for people, and for those who get the data set."""
    write_page(folder, report, samples, qualities)
    write_text(folder / CARD_NAME, data_card(report, samples, qualities))
    # Last: whoever finds it finds everything.
    write_text(folder / REPORT_NAME, json.dumps(report, indent=1, ensure_ascii=False) + "\n")


def _compare_places(input_dirs: Sequence[Path], output_dir: Path) -> None:
    output = output_dir.resolve()
    for folder in input_dirs:
        source = folder.resolve()
        if output == source or source in output.parents or output in source.parents:
            raise DataError(
                found=f"output {output_dir} and input {folder} lie inside one another",
                expected="two separate folders: the input is never touched",
                fix="--output_dir dataset, beside the pictures",
            )
    if not output.exists():
        return
    if not output.is_dir():
        raise DataError(
            found=f"{output_dir} is a file",
            expected="a folder, or nothing yet",
            fix="choose another --output_dir",
        )
    names = {path.name for path in output.iterdir()}
    if names and not {FILE_NAME, REPORT_NAME} <= names:
        raise DataError(
            found=f"{output_dir} exists and is not a data set made by prepare",
            expected="an empty or new folder, or a data set of this program",
            fix="choose another --output_dir, or remove that folder yourself",
        )
    if foreign := sorted(name for name in names if name not in _OURS and not name.startswith(".")):
        raise DataError(
            found=f"{output_dir} holds more than a data set: {', '.join(foreign[:5])}",
            expected="nothing that prepare did not write: the folder is replaced as a whole",
            fix="move these elsewhere, or choose another --output_dir",
        )


def _places(pictures: Sequence[Picture], splits: Sequence[str]) -> list[str]:
    """Returns where each picture lies; names too long, or met twice, get a mark of their own."""
    several = len({picture.file.source for picture in pictures}) > 1
    places = [_place(*each, several) for each in zip(pictures, splits, strict=True)]
    for attempt in range(_ATTEMPTS):
        odd = _odd(places)
        for i in odd:
            places[i] = _marked(places[i], pictures[i], attempt)
        if not odd:
            break
    return places


def _odd(places: Sequence[str]) -> list[int]:
    """Returns which file names are too long, and which places are those of others too."""
    keys = [same_name(place) for place in places]
    met = Counter(keys)
    lengths_bytes = [len(place.rpartition("/")[2].encode("utf-8")) for place in places]
    return [i for i, key in enumerate(keys) if met[key] > 1 or lengths_bytes[i] > _MOST_BYTES]


def _marked(place: str, picture: Picture, attempt: int) -> str:
    """Returns the place with a mark before the extension, the name cut where it is too long.

    The mark says which picture of which source it is, and is another in each attempt.
    """
    file, (folder, _, name) = picture.file, place.rpartition("/")
    identity = "\0".join((str(attempt), file.source, file.label, file.file_name))
    mark = "~" + hashlib.sha256(identity.encode("utf-8")).hexdigest()[:8]
    end = PurePosixPath(name).suffix
    if len(end.encode("utf-8")) > _LONGEST_END:
        end = ""
    room = _MOST_BYTES - len(f"{mark}{end}".encode())
    stem = name.removesuffix(end).encode("utf-8")[:room].decode("utf-8", "ignore")
    return f"{folder}/{stem}{mark}{end}"


def _place(picture: Picture, split: str, several: bool) -> str:
    """Returns where a picture lies in the data set, with forward slashes."""
    file = picture.file
    if split == HELD_OUT:
        return f"{split}/{file.source}/{file.label}/{file.file_name}"
    name = f"{file.source}__{file.file_name}" if several else file.file_name
    return f"{split}/{file.label}/{name}"
