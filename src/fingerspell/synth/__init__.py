"""Draws labelled hands without end: `draw` makes one picture, pure and seeded."""

from fingerspell.synth.config import SynthConfig
from fingerspell.synth.dataset import write_dataset
from fingerspell.synth.film import Frame, film
from fingerspell.synth.motion import Timing
from fingerspell.synth.picture import Drawn, draw
from fingerspell.synth.video import write_video

__all__ = [
    "Drawn",
    "Frame",
    "SynthConfig",
    "Timing",
    "draw",
    "film",
    "write_dataset",
    "write_video",
]
