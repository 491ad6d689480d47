"""Does a hand tracker that never saw a drawing take the synthetic hands for hands?

    python -m venv tracker && tracker/bin/pip install mediapipe==0.10.21
    tracker/bin/pip install --no-deps simplejpeg
    PYTHONPATH=src tracker/bin/python benchmarks/synth_tracker.py PHOTOS --margins 0 0.4

Runs in an environment of its own, because mediapipe wants an older numpy. Draws two sets, one in
the default close framing and one as a webcam frames a hand, and reads them beside the folders of
photographs. Prints, per letter and in all, the share of pictures in which MediaPipe Hands (still
pictures, one hand, confidence 0.5) finds a hand, and for drawings also the median distance between
its 21 points and the synthetic ones, as a share of the hand's box. Saves
`benchmarks/results/synth_tracker.json`.

The tracker's palm detector wants room around a hand, so close crops of real hands are missed too:
`--margins` adds a border of the picture's median colour, a share of its longer side, and
photographs beside the drawings show what a figure is worth.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from circumstances import circumstances, save

WEBCAM_FILL = (0.35, 0.5)
"""Share of the picture that a hand fills before a webcam."""


def read_truth(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns what was drawn by path, empty for photographs."""
    path = folder / "truth.jsonl"
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {entry["path"]: entry for entry in map(json.loads, lines)}


def error_share(
    found: Any, truth: dict[str, Any], shape: tuple[int, ...], border: int
) -> float | None:
    """Returns the mean distance of the 21 points divided by the larger side of the box."""
    if not truth.get("landmarks"):
        return None
    x0, y0, x1, y1 = truth["box"]
    apart = [
        ((p.x * shape[1] - border - x) ** 2 + (p.y * shape[0] - border - y) ** 2) ** 0.5
        for p, (x, y) in zip(found.landmark, truth["landmarks"], strict=True)
    ]
    return float(sum(apart) / len(apart) / max(x1 - x0, y1 - y0, 1))


def with_margin(rgb: Any, share: float) -> tuple[Any, int]:
    """Returns the picture with a border of its median colour, and the border's width in pixels."""
    import cv2
    import numpy as np

    width = round(share * max(rgb.shape[:2]))
    colour = [float(value) for value in np.median(rgb.reshape(-1, 3), axis=0)]
    return cv2.copyMakeBorder(rgb, *[width] * 4, cv2.BORDER_CONSTANT, value=colour), width


def letters(folder: Path, most: int) -> dict[str, list[Path]]:
    """Returns at most `most` pictures of each letter, spread evenly over its folder."""
    places = sorted(path for path in folder.iterdir() if path.is_dir() and len(path.name) == 1)
    found = {place.name: sorted(place.iterdir()) for place in places if place.name.isalpha()}
    return {name: paths[:: max(1, len(paths) // most)][:most] for name, paths in found.items()}


def measure(folder: Path, most: int, margin: float) -> dict[str, Any]:
    """Runs the tracker over at most `most` pictures a letter."""
    import cv2
    import mediapipe

    hands = mediapipe.solutions.hands.Hands(static_image_mode=True, max_num_hands=1)
    truth, shares, errors = read_truth(folder), {}, []
    for letter, paths in letters(folder, most).items():
        hits = []
        for path in paths:
            rgb = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
            framed, border = with_margin(rgb, margin)
            answer = hands.process(framed).multi_hand_landmarks
            hits.append(bool(answer))
            known = truth.get(f"{letter}/{path.name}")
            if answer and known:
                errors.append(error_share(answer[0], known, framed.shape, border))
        shares[letter] = round(sum(hits) / len(hits), 3)
    known_errors = sorted(error for error in errors if error is not None)
    return {
        "folder": folder.name,
        "margin": margin,
        "pictures_per_letter": most,
        "found": round(sum(shares.values()) / max(len(shares), 1), 3),
        "median_error": round(known_errors[len(known_errors) // 2], 4) if known_errors else None,
        "per_letter": shares,
    }


def synthetic(work: Path, per_letter: int, seed: int) -> list[Path]:
    """Draws letters in both framings; returns the two folders."""
    from fingerspell.labels import LETTERS
    from fingerspell.synth import write_dataset
    from fingerspell.synth.config import SynthConfig

    framings = {"synthetic": SynthConfig(), "synthetic_webcam": SynthConfig(fill=WEBCAM_FILL)}
    return [
        write_dataset(work / name, per_letter, seed, labels=LETTERS, config=config)
        for name, config in framings.items()
    ]


def main() -> None:
    """Reads the options, measures, prints one JSON line a folder and margin, saves them all."""
    parser = argparse.ArgumentParser(description="share of pictures in which MediaPipe sees a hand")
    parser.add_argument("folders", type=Path, nargs="*", help="photographs in class folders")
    parser.add_argument("--seed", type=int, default=11, help="of the drawings")
    parser.add_argument("--most", type=int, default=20, help="pictures a letter")
    parser.add_argument("--margins", type=float, nargs="+", default=[0.0], help="added border")
    args = parser.parse_args()
    rows = []
    with TemporaryDirectory() as work:
        for folder in [*synthetic(Path(work), args.most, args.seed), *args.folders]:
            for margin in args.margins:
                rows.append(measure(folder, args.most, margin))
                print(json.dumps(rows[-1]), flush=True)
    margins = " ".join(f"{margin:g}" for margin in args.margins)
    folders = " ".join(folder.as_posix() for folder in args.folders)
    command = (
        f"python benchmarks/synth_tracker.py {folders} "
        f"--most {args.most} --margins {margins} --seed {args.seed}"
    )
    mediapipe = {"mediapipe": importlib.metadata.version("mediapipe")}
    told = circumstances(command)
    save("synth_tracker", {**told, "versions": {**told["versions"], **mediapipe}, "rows": rows})


if __name__ == "__main__":
    main()
