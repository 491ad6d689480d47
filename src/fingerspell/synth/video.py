"""Fingerspelled words as video: rendered frames, and a file with the truth of each beside it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from fingerspell.errors import DataError, require
from fingerspell.synth.arrays import Bytes, Floats
from fingerspell.synth.camera import Camera, expose, view_matrix
from fingerspell.synth.config import SynthConfig
from fingerspell.synth.motion import Key, Timing, at_time, spell
from fingerspell.synth.picture import generator, sample_cast, sample_person
from fingerspell.synth.render import Cast, Rendered, render
from fingerspell.synth.scene import sample_scene
from fingerspell.synth.skeleton import stand

_PIVOT_MM = np.array([0.0, 75.0, 10.0])
_FAR_MM = 900.0
_HAND_MM = 190.0

_SHUTTER = 0.5
"""The share of a frame's time for which the shutter is open: what blurs a moving hand."""

_BLUR_STEP_PX = 4.0
_MOST_SHOTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame and its truth; `landmarks` (21, 2) px, NaN while the hand is out of sight."""

    rgb: Bytes
    time_s: float
    label: str
    phase: str
    landmarks: Floats
    box: tuple[int, int, int, int]


def film(
    word: str,
    *,
    fps: float = 15.0,
    seed: int = 0,
    size_px: tuple[int, int] = (360, 480),
    timing: Timing | None = None,
    config: SynthConfig | None = None,
    fill: float = 0.75,
) -> Iterator[Frame]:
    """Yields the frames of a spelled word; the same arguments give the same pixels.

    `size_px` is height, width; `fill` the share of the height that an upright hand takes. Raises
    `ConfigError` for a letter without a handshape or an impossible frame rate.
    """
    require(
        1 <= fps <= 240 and min(size_px) >= 32 and max(size_px) <= 4096 and 0.05 <= fill <= 1,
        found=f"{fps} frames a second of {size_px} px, hand {fill}",
        expected="1 to 240 frames a second, 32 to 4096 px, a hand of 0.05 to 1",
        fix="use --fps 15",
    )
    config, timing = config or SynthConfig(), timing or Timing()
    rng = generator(f"film {word}", seed)
    look = sample_person(rng, config)
    cast = sample_cast(rng, sample_scene(rng, *size_px, config, look.tone), look, config)
    keys = spell(word, rng, cast.build, timing)
    scale = fill * size_px[0] / _HAND_MM
    lens_seed = int(rng.integers(2**31))
    return _frames(cast, keys, fps, scale, lens_seed, config)


def write_video(frames: Iterable[Frame], path: Path, fps: float, word: str) -> Path:
    """Writes the video and `<name>.json` beside it; both appear complete or not at all.

    The truth holds `word`, `fps`, and for every frame time_s, label, phase, landmarks (21 x, y in
    pixels or null) and box. Returns the truth's path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    truth_path = path.with_suffix(".json")
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        lines = list(_write(frames, part, fps))
        body = {"word": word, "fps": fps, "frames": lines}
        part_truth = truth_path.with_name(f".{truth_path.name}.part")
        part_truth.write_text(json.dumps(body) + "\n", encoding="utf-8", newline="\n")
        part.replace(path)
        part_truth.replace(truth_path)
    finally:
        part.unlink(missing_ok=True)
    return truth_path


def _frames(
    cast: Cast, keys: tuple[Key, ...], fps: float, scale: float, lens_seed: int, config: SynthConfig
) -> Iterator[Frame]:
    # A lens keeps its colours for a whole film, and in time it finds its focus; the grain is new.
    steady = replace(
        config, motion_blur_share=0.0, defocus_share=0.0, low_resolution_share=0.0, jpeg_share=0.0
    )
    for number in range(int(np.ceil(keys[-1].time_s * fps)) + 1):
        key = _tremble(at_time(keys, number / fps))
        shots = _expose_shutter(cast, keys, key, fps, scale)
        picture = sum(shot.picture for shot in shots) / np.float32(len(shots))
        lens = np.random.default_rng(lens_seed)
        rgb = expose(np.asarray(picture, np.float32), lens, steady, grain_seed=number)
        seen = shots[0].box != (0, 0, 0, 0)
        yield Frame(
            rgb=rgb,
            time_s=number / fps,
            label=key.label,
            phase=key.phase,
            landmarks=shots[0].landmarks if seen else np.full((21, 2), np.nan),
            box=shots[0].box,
        )


def _expose_shutter(
    cast: Cast, keys: tuple[Key, ...], key: Key, fps: float, scale: float
) -> list[Rendered]:
    """Pictures while the shutter is open: one of a still hand, more the faster it moves."""
    first = _shoot(cast, key, scale)
    if key.phase not in ("move", "stroke"):
        return [first]
    last = _shoot(cast, _tremble(at_time(keys, key.time_s + _SHUTTER / fps)), scale)
    way = float(np.abs(last.landmarks - first.landmarks).max())
    between = min(int(way / _BLUR_STEP_PX), _MOST_SHOTS)
    times = key.time_s + _SHUTTER / fps * np.linspace(0, 1, between + 2)[1:-1]
    return [first, last, *(_shoot(cast, _tremble(at_time(keys, t)), scale) for t in times)]


def _tremble(key: Key) -> Key:
    """Nobody holds a hand quite still: half a millimetre and half a degree, slowly."""
    phase = key.time_s * np.array([7.1, 9.3, 5.7]) + np.array([0.0, 1.0, 2.0])
    sway = np.sin(phase)
    return replace(key, view=key.view + 0.6 * sway, place=key.place + 0.5 * sway[:2])


def _shoot(cast: Cast, key: Key, scale: float) -> Rendered:
    height, width = cast.scene.shape[:2]
    camera = Camera(
        turn=view_matrix(*key.view),
        pivot=_PIVOT_MM,
        distance_mm=_FAR_MM,
        scale=scale,
        centre_px=(width / 2 + key.place[0] * scale, height * 0.52 - key.place[1] * scale),
    )
    return render(cast, stand(key.pose, cast.build), camera)


class _Y4mWriter:
    """Uncompressed YUV 4:2:0 with a text header: exact, and readable by ffmpeg and OpenCV.

    Format: the yuv4mpeg(5) manual page of mjpegtools; colours BT.601, limited range.
    """

    def __init__(self, path: Path, fps: float, height: int, width: int) -> None:
        if height % 2 or width % 2:
            raise DataError(
                found=f"frames of {height} x {width} px",
                expected="even sides: two pixels share one colour",
                fix="choose an even --size",
            )
        self._file: BinaryIO = path.open("wb")
        rate = f"{round(fps * 1000)}:1000"
        header = f"YUV4MPEG2 W{width} H{height} F{rate} Ip A1:1 C420jpeg XCOLORRANGE=LIMITED\n"
        self._file.write(header.encode("ascii"))

    def add(self, rgb: Bytes) -> None:
        """Appends a frame."""
        self._file.write(b"FRAME\n")
        self._file.write(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)).tobytes())

    def close(self) -> None:
        """Finishes the file."""
        self._file.close()


class _Mp4Writer:
    """MPEG-4 part 2 in an MP4 file, through OpenCV: no further program is needed."""

    def __init__(self, path: Path, fps: float, height: int, width: int) -> None:
        code = cv2.VideoWriter.fourcc(*"mp4v")
        self._writer = cv2.VideoWriter(str(path), code, fps, (width, height))
        if not self._writer.isOpened():
            raise DataError(
                found=f"OpenCV cannot write {path.name}",
                expected="an OpenCV with its video part",
                fix="write .y4m instead: it needs no codec",
            )

    def add(self, rgb: Bytes) -> None:
        """Appends a frame."""
        self._writer.write(np.ascontiguousarray(rgb[..., ::-1]))

    def close(self) -> None:
        """Finishes the file."""
        self._writer.release()


def _open_writer(path: Path, fps: float, height: int, width: int) -> _Y4mWriter | _Mp4Writer:
    """Returns the writer that a file's suffix asks for; raises `DataError` for other suffixes."""
    kinds: dict[str, type[_Y4mWriter] | type[_Mp4Writer]] = {".mp4": _Mp4Writer, ".y4m": _Y4mWriter}
    if path.suffix.lower() not in kinds:
        raise DataError(
            found=f"{path.name}",
            expected=f"a file name that ends in {' or '.join(kinds)}",
            fix="fingerspell synth video HELLO -o hello.mp4",
        )
    return kinds[path.suffix.lower()](path, fps, height, width)


def _write(frames: Iterable[Frame], path: Path, fps: float) -> Iterator[dict[str, object]]:
    writer: _Y4mWriter | _Mp4Writer | None = None
    try:
        for frame in frames:
            if writer is None:
                writer = _open_writer(path, fps, *frame.rgb.shape[:2])
            writer.add(frame.rgb)
            yield _truth(frame)
    finally:
        if writer is not None:
            writer.close()


def _truth(frame: Frame) -> dict[str, object]:
    seen = bool(np.isfinite(frame.landmarks).all())
    return {
        "time_s": round(frame.time_s, 4),
        "label": frame.label,
        "phase": frame.phase,
        "landmarks": np.round(frame.landmarks, 2).tolist() if seen else None,
        "box": list(frame.box) if seen else None,
    }
