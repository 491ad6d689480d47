"""The network: its backbone, first weights and input size."""

from __future__ import annotations

from dataclasses import dataclass

from fingerspell.errors import checks_of, require, require_one_of

BACKBONES = ("MobileNetV3Large", "MobileNetV3Small")
VIEWS = ("single", "hand_crop")
MIN_IMAGE_PX = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The network and where its first weights come from.

    `weights` is `imagenet` (downloaded by Keras), `starter` (the released recogniser's), `auto`
    (`imagenet`, and `starter` where that cannot be fetched), `none` (random), or the path of a
    weights file. `views` says what the network sees for an answer: `single` the picture;
    `hand_crop` the picture and an enlarged crop around a small hand, as it is and mirrored. That
    takes about two and a half times as long.
    """

    backbone: str = "MobileNetV3Large"
    weights: str = "auto"
    image_size_px: tuple[int, int] = (200, 200)
    dropout: float = 0.3
    views: str = "single"

    def __post_init__(self) -> None:
        check = checks_of(self)
        require_one_of("backbone", self.backbone, BACKBONES, "omit --backbone for MobileNetV3Large")
        require(
            len(self.image_size_px) == 2 and min(self.image_size_px) >= MIN_IMAGE_PX,
            found=f"image size {self.image_size_px} (height, width in pixels)",
            expected=f"two sides of at least {MIN_IMAGE_PX} pixels",
            fix="use --img_size 200 200",
        )
        require_one_of("views", self.views, VIEWS, "use views='single'")
        check("dropout", 0 <= self.dropout < 1, "a share from 0 up to, not including, 1", "use 0.3")
