"""Streams of answers: composed from photographs of unseen signers, read, and kept.

    python benchmarks/live/streams.py --data ../shared/data

Sources marked for study tune, those marked as unseen test report. Each signer spells words at 30
frames a second; 15, 10 and 5 are a part of the same frames, every rate with its own lost frames and
uneven time stamps. Beside them: minutes without spelling, and synthetic films with J and Z.
Keeps what was read in `build/live`, one file a signer; a file that is there is not made again.
"""

import argparse
import hashlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.live import scripts
from benchmarks.live.paint import SIDE_PX, borders, shots
from benchmarks.live.stream import Stream, at_rate, save
from benchmarks.live.watch import watch
from benchmarks.release.catalogue import STUDY, UNSEEN, names_for, require_sources
from benchmarks.release.sources import is_learnt
from fingerspell.files import pictures_below
from fingerspell.images import fit, read
from fingerspell.labels import LETTERS
from fingerspell.runtime import Recogniser

BUILD = Path(__file__).resolve().parents[2] / "build" / "live"
SEED = 1
PROGRAMS = ("paint", "scripts", "stream", "streams", "watch")
BASE_FPS = 30
STEPS = {30: 1, 15: 2, 10: 3, 5: 6}
"""Frames a second, and every how many-th frame of 30 a second that is."""

MINUTE_FPS = 15
FILM_FPS = 15
WORDS_EACH = 24
MINUTE_PARTS, PART_S = 6, 20.0
HALVES = {"tune": STUDY, "report": UNSEEN}
FACES = {
    "tune": ("both_hands", "blurred_motion", "green_wall"),
    "report": ("blue_shirt", "before_the_face", "blue_cupboard"),
}
"""Sources in which a person stands beside the hand."""

ROOMS = {"tune": ("yellow_room",), "report": ("panelled_room", "white_board")}
NOTHING = {"tune": "kaggle_alphabet", "report": "dev_signify"}
NARROW, SIDE_SHARE = "BDUR", 0.34
"""Hands that leave both sides of a picture free, and how wide a side is taken."""

DIGITS, NO_LETTER = "digits_218", ("3", "5", "7", "8")
POSES_EACH = 6


def pictures(folder: Path, most: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Returns at most so many random pictures of a folder, square, uint8."""
    paths, _ = pictures_below(folder)
    return [square(read(paths[i])) for i in rng.permutation(len(paths))[:most]]


def square(pixels: np.ndarray) -> np.ndarray:
    """Returns a picture as the painter takes it, uint8 (SIDE_PX, SIDE_PX, 3)."""
    return np.rint(255 * fit(pixels, (SIDE_PX, SIDE_PX))).astype(np.uint8)


def sides(folder: Path, rng: np.random.Generator) -> list[np.ndarray]:
    """Returns the left and right sides of pictures whose hand is narrow: no hand in view."""
    width, top = round(SIDE_SHARE * SIDE_PX), round(0.2 * SIDE_PX)
    whole = [
        x
        for letter in NARROW
        if (folder / letter).is_dir()
        for x in pictures(folder / letter, 6, rng)
    ]
    parts = [x[top : top + width, s] for x in whole for s in (slice(width), slice(-width, None))]
    return [square(x.copy()) for x in parts]


def words(half: str, source: str, data: Path, recogniser: Recogniser) -> Iterator[Stream]:
    """Yields the words of one signer at every rate."""
    rng = np.random.default_rng([SEED, *source.encode()])
    names = names_for(HALVES[half])
    letters = "".join(x for x in LETTERS if (data / source / x).is_dir())
    first = 60 * names.index(source) // len(names)
    empty = pictures(data / NOTHING[half] / "nothing", 20, rng)
    stills = {x: pictures(data / source / x, 12, rng) for x in letters}
    for number, script in enumerate(scripts.scripts(letters, WORDS_EACH, first)):
        told = {"kind": "word", "source": source, "number": number, **asdict(script)}
        stretches = scripts.spelled(script, stills, scripts.one_of(empty, rng), rng)
        watched = watch(recogniser, shots(stretches, BASE_FPS, rng))
        for fps, step in STEPS.items():
            arrays = at_rate(watched, BASE_FPS, step, rng)
            yield Stream(**arrays, **told, fps=fps, letters=tuple(borders(stretches)))


def minutes(half: str, kind: str, data: Path, recogniser: Recogniser) -> Iterator[Stream]:
    """Yields the parts of the minutes of one kind."""
    rng = np.random.default_rng([SEED, *f"{half} {kind}".encode()])
    for number in range(MINUTE_PARTS):
        if kind == "fidgeting":
            stretches = scripts.fidgeting(poses(half, number, data, rng), PART_S, rng)
        else:
            stretches = scripts.shown(minute_pictures(half, kind, data, rng), PART_S, rng)
        watched = watch(recogniser, shots(stretches, MINUTE_FPS, rng))
        arrays = at_rate(watched, MINUTE_FPS, 1, rng)
        yield Stream(**arrays, kind=kind, source=kind, fps=MINUTE_FPS, number=number)


def minute_pictures(half: str, kind: str, data: Path, rng: np.random.Generator) -> list[np.ndarray]:
    """Returns the pictures that minutes of a kind are made of."""
    if kind == "people":
        return [x for source in FACES[half] for x in sides(data / source, rng)]
    if kind == "backgrounds":
        rooms = [x for source in ROOMS[half] for x in sides(data / source, rng)]
        return rooms + pictures(data / NOTHING[half] / "nothing", len(rooms), rng)
    return digits(half, data, "1", 206, rng)


def poses(half: str, number: int, data: Path, rng: np.random.Generator) -> list[np.ndarray]:
    """Returns the poses of a signer, or of hands that show no letter, for a part of a minute."""
    if number == MINUTE_PARTS - 1:
        return [x for digit in NO_LETTER for x in digits(half, data, digit, 2 * POSES_EACH, rng)]
    folder = data / names_for(HALVES[half])[number]
    shown = [folder / letter for letter in LETTERS if (folder / letter).is_dir()]
    return [x for each in shown for x in pictures(each, 2, rng)]


def digits(
    half: str, data: Path, digit: str, most: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Returns pictures of a digit that nobody learnt from: every other one, by half."""
    paths, _ = pictures_below(data / DIGITS / digit)
    unseen = [path for path in sorted(paths) if not is_learnt(DIGITS, digit, path)]
    own = unseen[half == "report" :: 2]
    return [square(read(own[i])) for i in rng.permutation(len(own))[:most]]


def films(half: str, recogniser: Recogniser) -> Iterator[Stream]:
    """Yields synthetic films at two rates; a double slides or bounces."""
    from fingerspell.synth.motion import Timing
    from fingerspell.synth.video import film

    rng = np.random.default_rng([SEED, *f"{half} film".encode()])
    for number, word in enumerate(scripts.FILMS):
        double = ("slide", "bounce")[number % 2]
        timing, seed = Timing(hold_s=0.5, double=double), 2 * number + (half == "report")
        frames = list(film(word, fps=FILM_FPS, seed=seed, size_px=(160, 160), timing=timing))
        watched = watch(recogniser, (frame.rgb for frame in frames))
        for step in (1, 3):
            arrays = at_rate(watched, FILM_FPS, step, rng)
            yield Stream(
                **arrays, kind="film", source="film", fps=FILM_FPS // step, number=number,
                text=word, letters=film_borders(frames), letter_s=0.5, transition="film",
                doubles=(double,) * scripts.doubles_in(word),
            )  # fmt: skip


def film_borders(frames: Sequence[Any]) -> tuple[tuple[float, float, str], ...]:
    """Returns start, end and label of every letter of a film."""
    out: list[tuple[float, float, str]] = []
    before = ""
    for frame in frames:
        held = frame.label if frame.phase in ("hold", "stroke") else ""
        if held and (before != held):
            out.append((frame.time_s, frame.time_s, held))
        elif held:
            out[-1] = (out[-1][0], frame.time_s, held)
        before = held
    return tuple(out)


def make(job: tuple[str, str], data: Path, bundle: Path, folder: Path) -> Path:
    """Makes one file of streams, unless it is there; `job` is the half and what to make."""
    half, what = job
    path = folder / f"{half}_{what}.npz"
    if not path.is_file():
        recogniser = Recogniser.load(bundle)
        if what == "film":
            found: Iterable[Stream] = films(half, recogniser)
        elif what in scripts.MINUTES:
            found = minutes(half, what, data, recogniser)
        else:
            found = words(half, what, data, recogniser)
        save(list(found), path)
    return path


def needed() -> tuple[str, ...]:
    """Returns every source that streams are composed of."""
    beside = [name for each in (FACES, ROOMS) for names in each.values() for name in names]
    return (*names_for(*HALVES.values()), *beside, DIGITS)


def jobs() -> list[tuple[str, str]]:
    """Returns the halves and what each has: its signers, the minutes, and films."""
    return [
        (half, what)
        for half, use in HALVES.items()
        for what in (*names_for(use), *scripts.MINUTES, "film")
    ]


def build_folder(recogniser: Path) -> Path:
    """Returns the folder of what a recogniser read: named by its bundle and by these programs."""
    told = [recogniser / "recogniser.json", *(Path(__file__).with_stem(x) for x in PROGRAMS)]
    return BUILD / hashlib.sha256(b"".join(path.read_bytes() for path in told)).hexdigest()[:12]


def made(data: Path, recogniser: Path, processes: int) -> list[Path]:
    """Makes all files of streams that are not there; returns their paths."""
    folder = build_folder(recogniser)
    work = partial(make, data=data, bundle=recogniser, folder=folder)
    with ProcessPoolExecutor(processes) as pool:
        return list(pool.map(work, jobs()))


def main() -> None:
    from fingerspell.runtime import STARTER

    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, required=True, help="folder of the sources")
    parser.add_argument("--recogniser", type=Path, default=STARTER, help="bundle")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    require_sources(parser, args.data, needed())
    for path in made(args.data, args.recogniser, args.processes):
        print(path)


if __name__ == "__main__":
    main()
