"""Does a hand tracker that never saw a drawing take the drawn hands for hands?

    python -m venv tracker && tracker/bin/pip install mediapipe==0.10.21
    fingerspell synth dataset --per_class 10 --labels A B C … -o drawn
    tracker/bin/python benchmarks/synth_tracker.py drawn

Runs in an environment of its own, because mediapipe wants an older numpy; it imports nothing of
Fingerspell. Prints, per class and in all, the share of pictures in which MediaPipe Hands (still
pictures, one hand, confidence 0.5) finds a hand, and where `truth.jsonl` lies beside the classes
also the median distance between its 21 points and the drawn ones, as a share of the hand's box.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def read_truth(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns what was drawn by path, empty for photographs."""
    path = folder / "truth.jsonl"
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {entry["path"]: entry for entry in map(json.loads, lines)}


def error_share(found: Any, truth: dict[str, Any], width: int, height: int) -> float | None:
    """Returns the mean distance of the 21 points divided by the larger side of the box."""
    if not truth.get("landmarks"):
        return None
    x0, y0, x1, y1 = truth["box"]
    apart = [
        ((p.x * width - x) ** 2 + (p.y * height - y) ** 2) ** 0.5
        for p, (x, y) in zip(found.landmark, truth["landmarks"], strict=True)
    ]
    return float(sum(apart) / len(apart) / max(x1 - x0, y1 - y0, 1))


def measure(folder: Path, most: int) -> dict[str, Any]:
    """Runs the tracker over at most `most` pictures a class."""
    import cv2
    import mediapipe

    hands = mediapipe.solutions.hands.Hands(static_image_mode=True, max_num_hands=1)
    truth, found, errors = read_truth(folder), {}, []
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        hits = []
        for path in sorted(place.iterdir())[:: max(1, len(list(place.iterdir())) // most)][:most]:
            bgr = cv2.imread(str(path))
            answer = hands.process(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)).multi_hand_landmarks
            hits.append(bool(answer))
            known = truth.get(f"{place.name}/{path.name}")
            if answer and known:
                errors.append(error_share(answer[0], known, bgr.shape[1], bgr.shape[0]))
        found[place.name] = round(sum(hits) / max(len(hits), 1), 3)
    shares = [share for label, share in found.items() if label != "nothing"]
    known_errors = sorted(error for error in errors if error is not None)
    return {
        "folder": folder.name,
        "found": round(sum(shares) / max(len(shares), 1), 3),
        "median_error": known_errors[len(known_errors) // 2] if known_errors else None,
        "per_class": found,
    }


def main() -> None:
    """Reads the options, measures, prints one JSON line a folder."""
    parser = argparse.ArgumentParser(description="share of pictures in which MediaPipe sees a hand")
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--most", type=int, default=20, help="pictures a class")
    args = parser.parse_args()
    for folder in args.folders:
        print(json.dumps(measure(folder, args.most)))


if __name__ == "__main__":
    main()
