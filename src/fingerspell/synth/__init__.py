"""Synthetic hands: labelled pictures and videos of fingerspelling, rendered and seeded."""

from fingerspell.synth.config import SynthConfig
from fingerspell.synth.dataset import write_dataset
from fingerspell.synth.motion import Timing
from fingerspell.synth.picture import SyntheticHand, draw
from fingerspell.synth.video import Frame, film, write_video

__all__ = [
    "Frame", "SynthConfig", "SyntheticHand", "Timing", "draw", "film", "write_dataset",
    "write_video",
]  # fmt: skip
