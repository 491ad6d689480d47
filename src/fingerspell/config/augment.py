"""Augmentation and sampling: how pictures are changed, and how often each is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from fingerspell.errors import checks_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentConfig:
    """How far a training picture may be changed. All zero (and no flip) changes nothing.

    Shares are probabilities per picture; `rotate_deg`, `shift`, `zoom`, `shear`, `squeeze` are
    the largest change to either side. `bend` is the farthest that points of the picture move
    against each other, a share of its sides. `farther` moves pictures away only: at 1, up to twice
    as far. `background_share` is the share that gets another background where there is room for
    one: behind a hand cut out on black, and around any picture that no longer fills its frame.
    """

    rotate_deg: float = 15.0
    shift: float = 0.15
    zoom: float = 0.5
    farther: float = 0.0
    shear: float = 0.10
    squeeze: float = 0.10
    bend: float = 0.0
    brightness: float = 0.5
    contrast: float = 0.4
    saturation: float = 0.5
    hue_deg: float = 15.0
    grey_share: float = 0.10
    blur_share: float = 0.15
    noise_share: float = 0.15
    low_resolution_share: float = 0.15
    occlude_share: float = 0.1
    mirror_share: float = 0.5
    background_share: float = 0.0

    @classmethod
    def strong(cls) -> AugmentConfig:
        """Returns the settings against unseen signers: colours to the point of wrong skin colours.

        Hands of other people come nearer and farther, more turned, in other light, worse focus
        and fewer pixels, behind things and before other backgrounds. Costs accuracy on the people
        who were trained on.
        """
        return cls(
            rotate_deg=25.0, shift=0.2, zoom=0.7, shear=0.2, squeeze=0.25, brightness=0.6,
            contrast=0.5, saturation=0.8, hue_deg=60.0, grey_share=0.2, blur_share=0.25,
            noise_share=0.25, low_resolution_share=0.3, occlude_share=0.3, background_share=0.7,
        )  # fmt: skip

    def __post_init__(self) -> None:
        check = checks_of(self, "augment.")
        for name in self.__slots__:
            value = getattr(self, name)
            check(name, value >= 0 and (value <= 1 or name.endswith("_deg")),
                  "0 or more, and at most 1 where it is not in degrees",
                  f"set augment.{name} to 0 to switch it off")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingConfig:
    """How strongly sizes count in an epoch's deck of pictures; all 1 = every picture once.

    A group of n near duplicates gives n**group_power pictures (0.5: a film of 100 frames gives
    10). `source_power` says how a class's pictures are shared among its sources, `class_power`
    how the deck is shared among the classes; 0 = all equally often. The formula is in
    `fingerspell.loading.sampling`.
    """

    group_power: float = 1.0
    source_power: float = 1.0
    class_power: float = 1.0

    def __post_init__(self) -> None:
        check = checks_of(self, "sampling.")
        for name in self.__slots__:
            check(name, 0 <= getattr(self, name) <= 1,
                  "a power from 0 (sizes do not count) to 1 (sizes count in full)",
                  f"omit sampling.{name} for 1")  # fmt: skip
