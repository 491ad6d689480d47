"""`fingerspell live`: spell in front of the camera, or watch a film being read."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from fingerspell.cli.options import add_reading, chosen_words, predictor_and_rules
from fingerspell.labels import NOTHING

if TYPE_CHECKING:
    from fingerspell.cli.live.screen import Screen
    from fingerspell.images import Pixels
    from fingerspell.live import Frame, LiveRules
    from fingerspell.live.words import Decoded, WordList
    from fingerspell.runtime import Answer, Predictor

HELP = "spell in front of a camera, or watch a film being read"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("film", nargs="?", type=Path, metavar="FILM", help="a recorded video (default: a camera)")
    add("--camera", type=int, metavar="N", help="which camera (default: 0, the first)")
    add_reading(parser)
    add("--mirror", action="store_true", help="flip left and right first")


def run(args: argparse.Namespace) -> int:
    """Shows the letter, the text and the proposal of every moment; the text stands at the end."""
    from fingerspell.cli.live import screen
    from fingerspell.errors import ConfigError
    from fingerspell.runtime import camera, video

    if args.film is not None and args.camera is not None:
        raise ConfigError(
            found="a film and a camera", expected="one of them", fix="fingerspell live --camera 0"
        )
    if args.camera is not None and args.camera < 0:
        raise ConfigError(
            found=f"--camera {args.camera}", expected="0 or more", fix="use --camera 0, the first"
        )
    predictor, rules = predictor_and_rules(args)
    words = chosen_words(args, predictor.labels)
    frames = video.frames(args.film) if args.film is not None else camera.frames(args.camera or 0)
    first = next(frames)  # What cannot be read is told before a window opens.
    text = ""
    try:
        with screen.usual() as shown:
            seen = watched(chain([first], frames), predictor, mirror=args.mirror)
            for now in _texts(seen, rules, words, shown, mirror=args.film is None):
                text = now
    finally:
        print(f"text: {text}" if text else "text: nothing was held long enough to count")
    return 0


def _texts(
    seen: Iterator[tuple[float, Pixels, Answer, Frame]],
    rules: LiveRules,
    words: WordList | None,
    shown: Screen,
    *,
    mirror: bool,
) -> Iterator[str]:
    """Shows what was seen and yields the text after each frame, until a key says quit.

    `mirror` shows the picture as a mirror would; what is read stays as it is.
    """
    from fingerspell.live import Live, step, typed
    from fingerspell.live.words import Decoded, decode, last_word

    state, decoded, before_s, start_s = Live(), Decoded(), 0.0, time.monotonic()
    for at_s, rgb, answer, frame in seen:
        if shown.live:  # A film plays at its own speed; a camera's frames are never early.
            time.sleep(max(0.0, at_s - (time.monotonic() - start_s)))
        state, before_s = step(state, frame, at_s - before_s, rules), at_s
        keys = shown.keys()
        for key in keys:
            if key == "quit":
                yield state.text
                return
            state = replace(state, signs=()) if key == "clear" else typed(state, _LABEL[key], rules)
        if words is not None and (keys or state.counted):
            decoded = decode(last_word(state.signs), words)
        shown.show(rgb[:, ::-1] if mirror else rgb, _line(answer, state.text, decoded))
        if state.counted:
            moment = f"{at_s:8.2f} s  {state.counted:<8} {state.text}"
            shown.counted(f"{moment:<40} {_proposal(decoded)}".rstrip())
        yield state.text


_LIKELY = 0.5
"""From this probability on a proposal is shown."""

_LABEL = {"space": "space", "delete": "del"}
"""What a key writes, as a sign of the hand does."""


def _line(answer: Answer, text: str, decoded: Decoded) -> str:
    """Returns what is to be read at one moment: the letter and how sure it is, text, proposal."""
    letter = "-" if answer.label == NOTHING else answer.label
    return f"{letter:<5} {answer.confidence:4.0%}   {text}_   {_proposal(decoded)}".rstrip()


def _proposal(decoded: Decoded) -> str:
    """Returns the best proposal if it is likely and not what stands there; '' otherwise."""
    best = decoded.proposals[0] if decoded.proposals else None
    if best is None or best.word == decoded.letters or best.probability < _LIKELY:
        return ""
    return f"({decoded.letters}: {best.word}? {best.probability:.0%})"


def watched(
    frames: Iterable[tuple[float, Pixels]], predictor: Predictor, *, mirror: bool
) -> Iterator[tuple[float, Pixels, Answer, Frame]]:
    """Yields each frame's time, its pixels as they were read, the answer, and what the rules take.

    `mirror` flips left and right before anything is read.
    """
    from fingerspell.live import Frame
    from fingerspell.runtime.motion import motion, thumbnail

    before = None
    for at_s, taken in frames:
        rgb = taken[:, ::-1] if mirror else taken
        (answer, hand), now = predictor.watch(rgb), thumbnail(rgb)
        frame = Frame(tuple(answer.probabilities.tolist()), hand, motion(before, now))
        yield at_s, rgb, answer, frame
        before = now
