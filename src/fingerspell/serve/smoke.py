"""The smoke test: one picture of every class through the real server, over HTTP.

It checks that answers arrive and are consistent, not the accuracy: wrong answers are shown and
counted, and only a picture that is not answered properly is a failure.
"""

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fingerspell import files
from fingerspell.errors import DataError
from fingerspell.images import encode_jpeg
from fingerspell.runtime import MockRecogniser, Predictor
from fingerspell.serve.app import create_app
from fingerspell.serve.running import running

_TIMEOUT_S = 60.0
# The server is on this machine: a proxy from the environment would not find it.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

_SPLITS = ("test", "val", "train")
"""Where a class's sample is looked for, in this order."""

_SIDE_PX = 200


@dataclass(frozen=True, slots=True)
class _Sample:
    """The bytes of one picture of a class; `None` where its folder holds no picture.

    `others`: the files that are no pictures, in the folders that were looked into for one.
    """

    label: str
    name: str
    picture: bytes | None
    others: tuple[Path, ...] = ()


def _class_folders(folder: Path) -> dict[str, Path]:
    """Returns the visible sub-folders of a folder by name; none where there is no such folder."""
    return {path.name: path for path in files.folders(folder)}


def folder_samples(folder: Path) -> tuple[_Sample, ...]:
    """Returns a sample for each class of a prepared data set, or of a folder of class folders.

    Raises `DataError` where there is neither.
    """
    splits = [_class_folders(folder / split) for split in _SPLITS]
    if not any(splits):
        splits = [_class_folders(folder)]
    labels = sorted({label for split in splits for label in split})
    if not labels:
        raise DataError(
            found=f"no class folders in {folder}",
            expected="a prepared data set (test/A, test/B, …) or a folder of class folders",
            fix="prepare one (python backend/prepare_dataset.py --input_dir … --output_dir "
            "dataset), or name another with --dataset_dir or --samples",
        )
    return tuple(_sample(label, [s[label] for s in splits if label in s]) for label in labels)


def _sample(label: str, folders: Sequence[Path]) -> _Sample:
    """Returns the first picture, by name, of the first folder that has one at any depth."""
    passed: list[Path] = []
    for folder in folders:
        pictures, others = files.pictures_below(folder)
        passed += others
        if pictures:
            return _Sample(label, str(pictures[0]), pictures[0].read_bytes(), tuple(passed))
    return _Sample(label, str(folders[0]), None, tuple(passed))


def grey_samples(mock: MockRecogniser) -> tuple[_Sample, ...]:
    """Returns a plain grey picture for each label of the mock: nothing needs to be there."""
    return tuple(
        _Sample(
            label,
            f"grey {mock.grey_level(label)}",
            encode_jpeg(np.full((_SIDE_PX, _SIDE_PX, 3), mock.grey_level(label), np.uint8)),
        )
        for label in mock.labels
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """What happened to one class's sample; `_fault` is empty where it was properly answered.

    `time_ms` is the whole round trip.
    """

    label: str
    answer: str
    confidence: float
    accepted: bool
    time_ms: float
    fault: str = ""

    @property
    def right(self) -> bool:
        """Whether the class was read."""
        return not self.fault and self.answer == self.label


def _send(url: str, data: bytes | None = None, kind: str = "") -> tuple[int, Any]:
    """Sends a request (POST where there is data); returns status and decoded JSON body."""
    request = urllib.request.Request(url, data=data, headers={"Content-Type": kind} if data else {})
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_S) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def _form(picture: bytes, name: str) -> tuple[bytes, str]:
    """Returns body and content type of a form with one file field `image`."""
    boundary = uuid.uuid4().hex
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="image"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + picture + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def _fault(status: int, body: Any, labels: Sequence[str]) -> str:
    """Returns what is wrong with an answer; empty for a proper one."""
    if status != 200:
        return f"HTTP {status}: {body.get('found', '')}"
    try:
        scores = [float(item["score"]) for item in body["predictions"]]
        known = {item["label"] for item in body["predictions"]} <= set(labels)
        proper = (
            known
            and body["predicted_label"] == body["top_prediction"]["label"]
            and body["predictions"][0] == body["top_prediction"]
            and scores == sorted(scores, reverse=True)
            and all(0 <= score <= 1.0001 for score in scores)
            and body["accepted"] == (scores[0] >= body["threshold"])
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        return f"an answer without the agreed members ({error!r})"
    return "" if proper else "an answer that contradicts itself"


def _try_sample(url: str, sample: _Sample, labels: Sequence[str]) -> _Row:
    if sample.picture is None:
        return _Row(sample.label, "", 0.0, False, 0.0, f"no picture in {sample.name}")
    data, kind = _form(sample.picture, "sample.jpg")
    start_s = time.perf_counter()
    try:
        status, body = _send(f"{url}/predict-image", data, kind)
    except (OSError, ValueError) as error:
        return _Row(sample.label, "", 0.0, False, 0.0, f"no answer ({error})")
    time_ms = (time.perf_counter() - start_s) * 1000
    wrong = _fault(status, body, labels)
    if wrong:
        return _Row(sample.label, "", 0.0, False, time_ms, wrong)
    top = body["top_prediction"]
    return _Row(sample.label, top["label"], top["score"], body["accepted"], time_ms)


def try_all(predictor: Predictor, samples: Sequence[_Sample]) -> tuple[_Row, ...]:
    """Starts the real server on a free port and sends every sample to it."""
    with running(create_app(predictor)) as url:
        return tuple(_try_sample(url, sample, predictor.labels) for sample in samples)


def table(rows: Sequence[_Row]) -> str:
    """Returns class, answer, confidence and time as aligned lines."""
    lines = [f"{'class':<10} {'answer':<10} {'confidence':>10} {'ms':>8}"]
    for row in rows:
        if row.fault:
            lines.append(f"{row.label:<10} FAILED     {row.fault}")
            continue
        remarks = [] if row.right else ["wrong"]
        remarks += [] if row.accepted else ["not sure"]
        lines.append(
            f"{row.label:<10} {row.answer:<10} {row.confidence:>9.1%} {row.time_ms:>8.1f}  "
            f"{', '.join(remarks)}".rstrip()
        )
    return "\n".join(lines)


def summary(rows: Sequence[_Row], predictor: Predictor) -> str:
    """Returns the result of the smoke test as text."""
    answered = [row for row in rows if not row.fault]
    right = sum(row.right for row in rows)
    lines = [
        f"{predictor.name}: {len(answered)} of {len(rows)} classes answered over HTTP, "
        f"{right} of them read right"
    ]
    if right < len(answered):
        lines.append(
            "warning: some samples were read as another class; the smoke test checks the server "
            "and not the accuracy, which is in evaluation_report.json"
        )
    silent = sorted(set(predictor.labels) - {row.label for row in rows})
    if silent:
        lines.append(f"warning: no samples of {', '.join(silent)}")
    lines.append("smoke test passed" if len(answered) == len(rows) else "smoke test FAILED")
    return "\n".join(lines)
