"""Settings of synthetic pictures: every share, angle and range."""

from dataclasses import dataclass, fields
from pathlib import Path

from fingerspell.errors import require

SCENES = ("plain", "gradient", "room", "clutter", "noise", "black", "person")


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthConfig:
    """What may vary and how much.

    `…_share` is a probability per picture. `slack` and `view` multiply the standard deviations
    that a sign's own table gives; `people` multiplies the scatter of bone lengths and girths; 0
    means every picture alike. `fill` is the lowest and highest share of the picture's side that
    the hand takes; `distance_mm` how far the lens is. `scenes` are relative frequencies in the
    order of `SCENES`. `tones` picks among the ten Monk skin tones, 0 the lightest.
    """

    slack: float = 1.0
    view: float = 1.0
    people: float = 1.0
    left_share: float = 0.4
    fill: tuple[float, float] = (0.36, 0.97)
    distance_mm: tuple[float, float] = (300.0, 1400.0)
    tones: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    scenes: tuple[float, ...] = (0.26, 0.14, 0.22, 0.12, 0.06, 0.08, 0.12)
    backgrounds_dir: Path | None = None
    backgrounds_share: float = 0.7
    sleeve_share: float = 0.3
    watch_share: float = 0.07
    ring_share: float = 0.06
    back_light_share: float = 0.1
    shadow_share: float = 0.3
    motion_blur_share: float = 0.1
    defocus_share: float = 0.2
    low_resolution_share: float = 0.2
    noise_share: float = 0.5
    grey_share: float = 0.05
    jpeg_share: float = 0.3

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name.endswith("_share"):
                _check(0 <= value <= 1, entry.name, value, "a share from 0 to 1")
            if entry.name in ("slack", "view", "people"):
                _check(0 <= value <= 3, entry.name, value, "a factor from 0 to 3")
        low, high = self.fill
        _check(0.05 <= low <= high <= 2, "fill", self.fill, "two shares, 0.05 or more, in order")
        near, far = self.distance_mm
        _check(200 <= near <= far, "distance_mm", self.distance_mm, "two distances from 200 up")
        tones_hold = bool(self.tones) and all(0 <= tone <= 9 for tone in self.tones)
        _check(tones_hold, "tones", self.tones, "one or more of 0 to 9")
        weights_hold = len(self.scenes) == len(SCENES) and min(self.scenes) >= 0 < sum(self.scenes)
        expected = f"{len(SCENES)} weights: {', '.join(SCENES)}"
        _check(weights_hold, "scenes", self.scenes, expected)


def _check(holds: bool, name: str, value: object, expected: str) -> None:
    require(
        holds,
        found=f"synth.{name}={value}",
        expected=expected,
        fix=f"omit synth.{name} for its default",
    )
