"""Skin colour and gloss: tone, palm, nails, creases, knuckles, sleeve, wristwatch and ring.

Tones: the ten-point Monk Skin Tone scale (E. Monk, 2022, skintone.google, CC BY 4.0) gives how
light skin is. Its swatches are nearly grey at both ends; photographed skin is not, so green and
blue come as shares of red as cameras see them.
"""

from dataclasses import dataclass

import numpy as np

from fingerspell.synth.arrays import GAMMA, Floats
from fingerspell.synth.surface import ARM, PALM, SLEEVE

_MONK_TONES = (
    "f6ede4", "f3e7db", "f7ead0", "eadaba", "d7bd96",
    "a07e56", "825c43", "604134", "3a312a", "292420",
)  # fmt: skip
_DARKEST, _LIGHTEST = 0.07, 0.86
"""How much red light skin throws back at the ends of the scale; no skin is as black as ink."""
_PALM_LIGHT = np.array([0.70, 0.44, 0.36])
_BLUSH = np.array([1.10, 0.86, 0.84])
_WATCH_MM = 22.0
_NAIL = np.array([0.80, 0.53, 0.47])


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One person's surface. Colours are linear RGB (3,), lengths shares of a bone.

    `ring` is the part that wears one or -1, `watch` how far below the wrist it sits, mm, or -1.
    """

    tone: Floats
    palm: Floats
    blush: float
    crease: float
    nail: Floats
    sleeve: Floats
    stripe: Floats
    watch: float
    watch_colour: Floats
    ring: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """The drawn pixels in one row each, n of them.

    `normal` (3, n); `part` (n,); `along` (n,); `spot` (3, n) is the place in the hand frame, mm;
    `facing` (n,) is 1 on the palm side, -1 on the back; `sides` (PARTS, 3) is where each part's
    flank faces; `lengths` (PARTS,) the bones in mm.
    """

    normal: Floats
    part: Floats
    along: Floats
    spot: Floats
    facing: Floats
    sides: Floats
    lengths: Floats


def _linear(hex_colour: str) -> Floats:
    """Returns linear RGB (3,) of an sRGB hex triple."""
    return np.array([int(hex_colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]) ** GAMMA


def sample_look(rng: np.random.Generator, tone: int, watch: bool, ring: bool) -> Look:
    """Draws one person's skin, sleeve and jewellery around Monk tone 0-9."""
    base = _linear(_MONK_TONES[tone]) * np.exp(rng.normal(0, 0.08))
    green = float(np.clip(rng.normal(0.61, 0.045), 0.5, 0.72))
    blue = green * float(np.clip(rng.normal(0.78, 0.08), 0.62, 0.98))
    base = (_DARKEST + (_LIGHTEST - _DARKEST) * base[0]) * np.array([1.0, green, blue])
    # Palms have hardly any pigment: the darker the tone, the further they stand apart from it.
    share = 0.12 + 0.35 * tone / 9 * rng.uniform(0.4, 1.1)
    palm = base * (1 - share) + share * _PALM_LIGHT * rng.uniform(0.6, 1.0)
    cloth = rng.uniform(0.01, 0.8) * np.exp(rng.normal(0, 0.5, 3))
    return Look(
        tone=base,
        palm=palm,
        blush=float(rng.uniform(0.2, 1.2)),
        crease=float(rng.uniform(0.5, 1.3)),
        nail=base * 0.65 + _NAIL * 0.35 * float(np.clip(base.mean() * 2, 0.35, 1.0)),
        sleeve=np.clip(cloth, 0.005, 0.85),
        stripe=rng.uniform(0, 0.7, 3) if rng.random() < 0.25 else np.clip(cloth, 0.005, 0.85),
        watch=float(rng.uniform(22, 60)) if watch else -1.0,
        watch_colour=rng.uniform(0.01, 0.5) * np.ones(3),
        ring=int(rng.choice([3, 6, 9, 12])) if ring else -1,
    )


def paint(patch: Patch, look: Look) -> tuple[Floats, Floats]:
    """Returns linear albedo (3, n) and gloss (n,) in [0, 1]."""
    f = np.float32
    facing = patch.facing
    palmar = np.clip(facing * f(1.4) + f(0.25), 0, 1)
    # The pale skin of the palm fades out over the wrist, which is the origin of the hand frame.
    below = np.where(patch.part < PALM, f(0), np.clip(f(0.4) - patch.spot[1] / f(30), 0, 1))
    tone, palm = look.tone.astype(f)[:, None], look.palm.astype(f)[:, None]
    albedo = tone + (palm - tone) * palmar * (1 - f(0.75) * below)
    digit = patch.part < PALM
    tip = digit & (patch.part % 3 == 2)
    red = f(look.blush) * _redness(patch, tip, facing)
    albedo = albedo * (1 + red * (_BLUSH.astype(f)[:, None] - 1))
    albedo *= 1 - f(look.crease) * (_joint_lines(patch, digit, facing) + _palm_lines(patch, facing))
    gloss = np.full(len(patch.part), f(0.25))
    _nails(albedo, gloss, patch, tip, look)
    _clothes(albedo, gloss, patch, look)
    return albedo, gloss


def _redness(patch: Patch, tip: Floats, facing: Floats) -> Floats:
    f = np.float32
    x, y, z = patch.spot
    mottle = np.sin(x * f(0.21) + 3 * np.sin(y * f(0.07))) * np.sin(y * f(0.17) + z * f(0.11))
    red: Floats = (
        f(0.45) + f(0.35) * mottle + np.where(tip, f(0.8) * patch.along, 0) - f(0.2) * facing
    )
    return red


def _joint_lines(patch: Patch, digit: Floats, facing: Floats) -> Floats:
    """Creases across the palm side of the joints, wrinkles over the knuckles."""
    f = np.float32
    along_mm = patch.along * patch.lengths[patch.part]
    rest_mm = np.where(patch.part % 3 == 2, f(30), patch.lengths[patch.part] - along_mm)
    away = np.minimum(np.where(patch.part % 3 == 0, f(30), along_mm), rest_mm)
    sharp = np.exp(-((away / f(0.9)) ** 2)) * np.clip(facing * 2, 0, 1) * f(0.32)
    knuckle = np.exp(-((away / f(4.0)) ** 2)) * np.clip(-facing * 2 - f(0.6), 0, 1) * f(0.16)
    return np.where(digit, sharp + knuckle, 0)


def _palm_lines(patch: Patch, facing: Floats) -> Floats:
    """The three long lines of the palm, as curves in the hand frame."""
    f = np.float32
    x, y, _ = patch.spot
    heart = np.abs(y - (f(73) + f(0.33) * x - f(0.006) * x * x)) + np.maximum(x - 16, 0)
    head = np.abs(y - (f(52) + f(0.42) * x - f(0.004) * x * x)) + np.maximum(-x - 28, 0)
    life = np.abs(np.hypot(x - f(40), y - f(22)) - f(42)) + np.maximum(x - 28, 0)
    lines = sum(np.exp(-((line / f(1.1)) ** 2)) for line in (heart, head, life))
    return np.where((patch.part == PALM) & (facing > 0.3), f(0.24) * lines, 0)


def _nails(albedo: Floats, gloss: Floats, patch: Patch, tip: Floats, look: Look) -> None:
    back = np.nonzero(tip & (patch.facing < -0.2))[0]
    flank = np.einsum("cn,nc->n", patch.normal[:, back], patch.sides[patch.part[back]])
    oval = ((patch.along[back] - 0.78) / 0.5) ** 2 + (flank / 0.72) ** 2
    on_nail = back[(oval < 1) & (patch.facing[back] < -0.3)]
    rim = back[(oval >= 1) & (oval < 1.25)]
    albedo[:, on_nail] = look.nail[:, None]
    albedo[:, rim] *= np.float32(0.85)
    gloss[on_nail] = 1.0


def _clothes(albedo: Floats, gloss: Floats, patch: Patch, look: Look) -> None:
    sleeve = patch.part == SLEEVE
    if sleeve.any():
        stripes = np.sin(patch.along[sleeve] * 100) > 0.3
        albedo[:, sleeve] = np.where(stripes, look.stripe[:, None], look.sleeve[:, None])
        gloss[sleeve] = 0.05
    if look.watch >= 0:
        below = np.sqrt((patch.spot * patch.spot).sum(axis=0))
        band = (patch.part == ARM) & (np.abs(below - look.watch) < _WATCH_MM / 2)
        albedo[:, band] = look.watch_colour[:, None]
        gloss[band] = 0.8
    if look.ring >= 0:
        band = (patch.part == look.ring) & (np.abs(patch.along - 0.55) < 0.07)
        albedo[:, band] = np.array([[0.75], [0.6], [0.3]])
        gloss[band] = 1.0
