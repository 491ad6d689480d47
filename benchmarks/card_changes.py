"""The random changes of `AugmentConfig`, made on the card for a whole batch at once.

What `fingerspell.data.augment` does to one picture on the processor: one warp before another
background, bending, things in the way, colours, then rarer damage. Numbers have the same
distributions; they come from PyTorch's generator. Shapes never depend on chance, and nothing waits
for the processor, so that a CUDA graph can record it all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from fingerspell.config import AugmentConfig

LUMA = (0.299, 0.587, 0.114)
BEND_POINTS = 4
KERNEL = 9
"""Sides of the blurring kernels in pixels."""

COARSE = (0.3, 0.42, 0.53, 0.64)
"""What is left of a coarse picture's sides."""

BLOCK = 8
QUANTA = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
"""JPEG's own luminance table (ITU-T T.81, annex K)."""


@lru_cache
def constant(numbers: tuple[float, ...], device: torch.device) -> Tensor:
    """Numbers on a device, brought there once."""
    return torch.tensor(numbers, dtype=torch.float32, device=device)


def shuffled(count: int, device: torch.device) -> Tensor:
    """The numbers below `count` in random order."""
    return torch.rand(count, device=device).argsort()


def between(like: Tensor, low: float, high: float, *shape: int) -> Tensor:
    """Uniform numbers from `low` to `high`, on the device of `like`."""
    return low + (high - low) * torch.rand(shape, device=like.device)


def factor(like: Tensor, most: float, *shape: int) -> Tensor:
    """Factors around 1, as likely 1 + most as its inverse."""
    return (1 + most) ** between(like, -1, 1, *shape)


def warped(pictures: Tensor, side: int, config: AugmentConfig, backgrounds: Tensor) -> Tensor:
    """Pictures uint8 (N, 4, S, S), colours and how much is hand → (N, 3, side, side) in [0, 1].

    `backgrounds` uint8 (K, 3, h, w) is what may lie behind.
    """
    count = len(pictures)
    grid = _grid(pictures, side, config)
    whole = pictures.float() / 255
    colours = functional.grid_sample(whole[:, :3], grid, padding_mode="border", align_corners=False)
    cover = functional.grid_sample(whole[:, 3:], grid, padding_mode="zeros", align_corners=False)
    behind = backgrounds[torch.randint(len(backgrounds), (count,), device=pictures.device)]
    behind = behind.float() / 255
    if behind.shape[-1] != side:
        behind = functional.interpolate(behind, (side, side), mode="bilinear", align_corners=False)
    kind = torch.rand((count, 1, 1, 1), device=pictures.device)
    plain = (kind < config.background_share).float()
    flat = between(pictures, 0, 1, count, 3, 1, 1) * (torch.rand_like(kind) < 0.5)
    behind = plain * behind + (1 - plain) * flat
    synthetic_out = (kind >= config.background_share) & (torch.rand_like(kind) < 0.5)
    cover = torch.where(synthetic_out, torch.ones_like(cover), cover)
    return cover * colours + (1 - cover) * behind


def _grid(pictures: Tensor, side: int, config: AugmentConfig) -> Tensor:
    """Returns where each new pixel comes from, (N, side, side, 2) in [-1, 1]."""
    count = len(pictures)

    def one(most: float) -> Tensor:
        return between(pictures, -most, most, count)

    zoom = factor(pictures, config.zoom, count)
    zoom = zoom / (1 + config.farther) ** torch.rand(count, device=pictures.device)
    squeeze = factor(pictures, config.squeeze, count).sqrt()
    mirror = 1 - 2 * (torch.rand(count, device=pictures.device) < config.mirror_share).float()
    turn, lean = one(math.radians(config.rotate_deg)), one(config.shear)
    x, y = zoom * squeeze * mirror, zoom / squeeze
    cos, sin = turn.cos(), turn.sin()
    # shift · rotate · shear · scale, as in `fingerspell.data.geometry.affine`, the other way round.
    matrix = torch.stack(
        [cos * x, (cos * lean - sin) * y, sin * x, (sin * lean + cos) * y], dim=1
    ).view(count, 2, 2)
    a, b, c, d = matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 0], matrix[:, 1, 1]
    inverse = torch.stack([d, -b, -c, a], dim=1).view(count, 2, 2) / (a * d - b * c).view(-1, 1, 1)
    shift = torch.stack([one(2 * config.shift), one(2 * config.shift)], dim=1)
    steps = (torch.arange(side, device=pictures.device) * 2 + 1) / side - 1
    points = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1)
    points = points.unsqueeze(0) - shift.view(count, 1, 1, 2)
    if config.bend:
        reach = 2 * config.bend * torch.rand((count, 1, 1, 1), device=pictures.device)
        moves = between(pictures, -1, 1, count, 2, BEND_POINTS, BEND_POINTS) * reach
        smooth = functional.interpolate(moves, (side, side), mode="bicubic", align_corners=False)
        points = points + smooth.permute(0, 2, 3, 1)
    return torch.einsum("nij,nhwj->nhwi", inverse, points)


def chosen(pictures: Tensor, share: float) -> Tensor:
    """Returns the numbers of a random `share` of the pictures: always as many."""
    return shuffled(len(pictures), pictures.device)[: round(share * len(pictures))]


def occluded(pictures: Tensor) -> Tensor:
    """Lays a box or an oval of one colour, or of another picture's piece, in front of each."""
    count, _, height, _ = pictures.shape
    steps = torch.arange(height, device=pictures.device) / height
    for _ in range(2):
        tall, wide = between(pictures, 0.08, 0.28, 2, count, 1, 1)
        y = steps.view(1, -1, 1) - torch.rand((count, 1, 1), device=pictures.device)
        x = steps.view(1, 1, -1) - torch.rand((count, 1, 1), device=pictures.device)
        box = (x.abs() < wide / 2) & (y.abs() < tall / 2)
        oval = (2 * x / wide) ** 2 + (2 * y / tall) ** 2 < 1
        here = torch.where(torch.rand((count, 1, 1), device=pictures.device) < 0.5, box, oval)
        here = here & (torch.rand((count, 1, 1), device=pictures.device) < 0.75)
        colour = between(pictures, 0, 1, count, 3, 1, 1)
        other = pictures.flip(0).roll(height // 4, 2) * 2 * colour
        thing = torch.where(
            torch.rand((count, 1, 1, 1), device=pictures.device) < 0.5, colour, other
        )
        pictures = torch.where(here.unsqueeze(1), thing.clamp(0, 1), pictures)
    return pictures


def recoloured(pictures: Tensor, config: AugmentConfig) -> Tensor:
    """Saturation and hue as one matrix; contrast, gamma and brightness as in `data.colour`."""
    count = len(pictures)
    saturation = factor(pictures, config.saturation, count).view(-1, 1, 1)
    most = math.radians(config.hue_deg)
    hue = between(pictures, -most, most, count)
    cos, across = hue.cos(), hue.sin() / math.sqrt(3)
    third = (1 - cos) / 3
    same, less, more = cos + third, third - across, third + across
    turn = torch.stack([same, less, more, more, same, less, less, more, same], 1).view(-1, 3, 3)
    luma = constant(LUMA, pictures.device).expand(3, 3)
    matrix = saturation * turn + (1 - saturation) * luma
    out = torch.einsum("nij,njhw->nihw", matrix, pictures).clamp(0, 1)
    gain, gamma = (factor(pictures, config.brightness, count).view(-1, 1, 1, 1) for _ in range(2))
    contrast = factor(pictures, config.contrast, count).view(-1, 1, 1, 1)
    return (((out - 0.5) * contrast + 0.5).clamp(1e-4, 1) ** gamma * gain).clamp(0, 1)


def grey(pictures: Tensor) -> Tensor:
    """Luma in all three channels."""
    luma = constant(LUMA, pictures.device).view(1, 3, 1, 1)
    return (pictures * luma).sum(1, keepdim=True).expand_as(pictures)


def blurred(pictures: Tensor) -> Tensor:
    """Out of focus or moved, as likely one as the other; each picture by a kernel of its own."""
    count, channels, height, width = pictures.shape
    steps = torch.arange(KERNEL, device=pictures.device) - KERNEL // 2
    y, x = torch.meshgrid(steps.float(), steps.float(), indexing="ij")
    sigma = (between(pictures, 0.3, 1.0, count) * 0.012 * height).clamp(min=0.5).view(-1, 1, 1)
    bell = torch.exp(-(x**2 + y**2) / (2 * sigma**2))
    angle = between(pictures, 0, math.pi, count).view(-1, 1, 1)
    reach = (between(pictures, 0.3, 1.0, count) * 0.03 * height).view(-1, 1, 1)
    along, aside = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    streak = (1 - aside.abs()).clamp(min=0) * (along.abs() <= reach.clamp(max=KERNEL / 2))
    kernel = torch.where(torch.rand((count, 1, 1), device=pictures.device) < 0.5, bell, streak)
    kernel = kernel / kernel.sum((1, 2), keepdim=True)
    kernel = kernel.repeat_interleave(channels, 0).unsqueeze(1)
    flat = functional.pad(pictures, [KERNEL // 2] * 4, mode="replicate").reshape(
        1, count * channels, height + KERNEL - 1, width + KERNEL - 1
    )
    return functional.conv2d(flat, kernel, groups=count * channels).view_as(pictures)


def coarse(pictures: Tensor, share: float) -> Tensor:
    """`share` of a side's pixels, enlarged again."""
    side = pictures.shape[-1]
    few = max(8, round(side * share))
    small = functional.interpolate(pictures, (few, few), mode="area")
    return functional.interpolate(small, (side, side), mode="bilinear", align_corners=False)


def compressed(pictures: Tensor) -> Tensor:
    """What JPEG leaves of each, at a quality from 15 to 60, colours as fine as brightness."""
    count, channels, height, width = pictures.shape
    tall, wide = height // BLOCK * BLOCK, width // BLOCK * BLOCK
    steps = torch.arange(BLOCK, device=pictures.device).float()
    cosines = torch.cos((2 * steps + 1) * steps.view(-1, 1) * math.pi / (2 * BLOCK)) / 2
    cosines[0] /= math.sqrt(2)
    quality = between(pictures, 15, 60, count).view(-1, 1, 1, 1, 1, 1)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
    table = constant(QUANTA, pictures.device).view(BLOCK, 1, BLOCK)
    quanta = (table * scale).clamp(min=1) / 255
    inside = pictures[..., :tall, :wide] - 0.5
    blocks = inside.reshape(count, channels, tall // BLOCK, BLOCK, wide // BLOCK, BLOCK)
    found = torch.einsum("iy,ncaybx,jx->ncaibj", cosines, blocks, cosines)
    kept = (found / quanta).round() * quanta
    back = torch.einsum("iy,ncaibj,jx->ncaybx", cosines, kept, cosines)
    out = pictures.clone()
    out[..., :tall, :wide] = back.reshape(count, channels, tall, wide) + 0.5
    return out.clamp(0, 1)


def noisy(pictures: Tensor) -> Tensor:
    """Sensor noise, deviation 3–16 grey levels."""
    deviation = between(pictures, 3, 16, len(pictures)).view(-1, 1, 1, 1) / 255
    return (pictures + deviation * torch.randn_like(pictures)).clamp(0, 1)


def changed(pictures: Tensor, side: int, config: AugmentConfig, backgrounds: Tensor) -> Tensor:
    """Returns a whole batch changed: uint8 (N, 4, S, S) → float32 (N, 3, side, side) in [0, 1]."""
    out = warped(pictures, side, config, backgrounds)
    out = _some(out, config.occlude_share, occluded)
    out = recoloured(out, config)
    out = _some(out, config.grey_share, grey)
    out = _some(out, config.blur_share, blurred)
    for share in COARSE:
        out = _some(
            out, config.low_resolution_share / 2 / len(COARSE), partial(coarse, share=share)
        )
    out = _some(out, config.low_resolution_share / 2, compressed)
    return _some(out, config.noise_share, noisy)


def _some(pictures: Tensor, share: float, change: Callable[[Tensor], Any]) -> Tensor:
    numbers = chosen(pictures, share)
    if len(numbers) == 0:
        return pictures
    return pictures.index_copy(0, numbers, change(pictures[numbers]))


def mixup(pictures: Tensor, targets: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Lays every picture over another of its batch, `share` () of it; targets (N, C) too.

    Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018.
    """
    other = shuffled(len(pictures), pictures.device)
    return torch.lerp(pictures[other], pictures, share), torch.lerp(targets[other], targets, share)


def cutmix(pictures: Tensor, targets: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Puts a piece of another picture over all but about `share` () of each; targets by the areas.

    Yun et al., CutMix, ICCV 2019.
    """
    other, side = shuffled(len(pictures), pictures.device), pictures.shape[-1]
    reach = ((1 - share).sqrt() * side).round()
    top, left = (torch.rand((2,), device=pictures.device) * (side - reach + 1)).floor()
    steps = torch.arange(side, device=pictures.device)
    rows, columns = ((steps >= x) & (steps < x + reach) for x in (top, left))
    piece = rows.view(-1, 1) & columns
    kept = 1 - piece.float().mean()
    mixed = torch.where(piece, pictures[other], pictures)
    return mixed, torch.lerp(targets[other], targets, kept)
