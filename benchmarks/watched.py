"""Trains one of the package's recipes and notes the weights that every epoch was validated with.

python benchmarks/watched.py --recipe configs/quick.py --dataset_dir D --output_dir O
"""

from __future__ import annotations

import time

STARTED_S = time.perf_counter()

import argparse  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

if TYPE_CHECKING:
    from course import Course
    from fingerspell.config import TrainConfig


def train_watched(config: TrainConfig, course: Course) -> None:
    """Runs `train` and notes each epoch where the trainer has just validated it.

    The trainer has no door for onlookers, and should not have one for this alone: the two places
    where a phase begins and where its best weights are considered are wrapped.
    """
    from fingerspell.machine import peak_memory_bytes
    from fingerspell.model.build import size_of
    from fingerspell.train import phases
    from fingerspell.train.run import train
    from fingerspell.train.state import BestWeights
    from fingerspell.train.state import PhaseTask as Phase

    now: dict[str, Any] = {}
    learn, consider = phases.learn, BestWeights.consider

    def begins(run: Any, phase: Phase, stored: Any) -> Any:
        now.update(run=run, course=phase)
        return learn(run, phase, stored)

    def considered(self: BestWeights, loss: float, network: Any) -> None:
        run, phase = now["run"], now["course"]
        course.note(
            phase.model.get_weights(),
            phase=phase.phase.name,
            pictures=phase.steps * run.config.batch_size,
            size_px=size_of(phase.model),
        )
        consider(self, loss, network)

    phases.learn, BestWeights.consider = begins, considered  # type: ignore[assignment, method-assign]
    try:
        facts = train(config)
    finally:
        phases.learn, BestWeights.consider = learn, consider  # type: ignore[method-assign]
    kept = ("pictures", "synthetic_pictures", "temperature")
    course.finish(
        peak_memory_bytes=peak_memory_bytes(),
        config=facts["config"],
        **{name: facts[name] for name in kept},
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--dataset_dir", type=Path, required=True)
    parser.add_argument("--output_dir", type=Path, required=True, help="the run; its course beside")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--seed", type=int, default=42)
    args = parser.parse_args()
    from course import Course
    from fingerspell.config.recipe import load_recipe

    config = load_recipe(args.recipe).config(
        dataset_dir=args.dataset_dir,
        output_dir=args.output_dir / "run",
        weights=args.weights,
        seed=args.seed,
        overwrite=True,
    )
    train_watched(config, Course(args.output_dir, STARTED_S))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
