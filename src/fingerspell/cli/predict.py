"""`fingerspell predict`: pictures, folders of pictures or a video, read on the command line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from fingerspell.cli.options import add_reading, chosen_words, predictor_and_rules

if TYPE_CHECKING:
    from fingerspell.live import Counted, LiveRules
    from fingerspell.live.words import Decoded, WordList
    from fingerspell.runtime import Answer, Predictor

HELP = "read the handshapes in pictures, or the text in a video"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("pictures", nargs="*", type=Path, metavar="PICTURE", help="picture files or folders")
    add("--video", type=Path, metavar="FILE", help="read a recorded video")
    add_reading(parser)
    add("--top", type=int, default=3, help="how many labels to show (default: 3)")
    add("--json", action="store_true", help="print JSON")
    add("--mirror", action="store_true", help="flip left and right first")
    add("--fps", type=float, help="frames per second, where the video is wrong")


def run(args: argparse.Namespace) -> int:
    """Returns 0, or 2 when a picture could not be read (the others are answered all the same)."""
    from fingerspell.errors import ConfigError

    if bool(args.pictures) == (args.video is not None):
        raise ConfigError(
            found="no picture and no video" if args.video is None else "pictures and a video",
            expected="either pictures or one video",
            fix="fingerspell predict hand.jpg, or fingerspell predict --video hello.mp4",
        )
    named = ("rules", "votes", "hold_s", "fps")
    of_video = [name for name in named if getattr(args, name) is not None]
    of_video += ["words"] if args.words else []
    if args.video is None and of_video:
        raise ConfigError(
            found=f"--{of_video[0]} for pictures",
            expected=f"--{of_video[0]} beside --video",
            fix=f"omit --{of_video[0]}: a picture is read by itself",
        )
    if args.top < 1:
        raise ConfigError(found=f"--top {args.top}", expected="1 or more", fix="use --top 3")
    paths = list(_picture_paths(args.pictures))
    predictor, rules = predictor_and_rules(args)
    if args.video is not None:
        return _read_video(predictor, rules, chosen_words(args, predictor.labels), args)
    return _read_pictures(predictor, paths, args)


def _picture_paths(asked: list[Path]) -> Iterator[Path]:
    """Yields files as they are named, and of folders every picture below, by name.

    Raises `PictureError` for a folder without pictures; a file is judged when it is read.
    """
    from fingerspell.errors import PictureError
    from fingerspell.files import PICTURE_ENDINGS, passed_over, pictures_below

    for path in asked:
        if not path.is_dir():
            yield path
            continue
        below, others = pictures_below(path)
        note = passed_over(path, others)
        if not below:
            raise PictureError(
                found=f"no pictures in {path}; {note}".removesuffix("; "),
                expected=f"files that are or end in {', '.join(PICTURE_ENDINGS)}",
                fix="name the files one by one, or another folder",
            )
        if note:
            print(f"note: {note}", file=sys.stderr)
        yield from below


def _read_pictures(predictor: Predictor, paths: list[Path], args: argparse.Namespace) -> int:
    """Prints one answer a picture, as it comes; what cannot be read goes to standard error."""
    from fingerspell.cli.main import said
    from fingerspell.errors import PictureError
    from fingerspell.images import read

    unread, answers = 0, []
    for path in paths:
        try:
            rgb = read(path)
            answer = predictor.recognise(rgb[:, ::-1] if args.mirror else rgb)
        except PictureError as error:
            unread += 1
            print(said(error), file=sys.stderr)
            continue
        if args.json:
            answers.append(_in_json(path, answer, args.top, predictor))
        else:
            print(_in_words(path, answer, args.top, predictor))
    if args.json:
        print(json.dumps(answers, indent=2))
    return 2 if unread else 0


def _in_words(path: Path, answer: Answer, top: int, predictor: Predictor) -> str:
    """Returns one line; below the threshold the guesses are named as such."""
    guesses = ", ".join(f"{label} {score:.1%}" for label, score in answer.top(top))
    if answer.accepted:
        return f"{path}: {answer.label}  ({guesses})"
    return f"{path}: not sure, below {predictor.threshold:.0%}  ({guesses})"


def _in_json(path: Path, answer: Answer, top: int, predictor: Predictor) -> dict[str, object]:
    """Returns what `_in_words` says, for programs."""
    return {
        "picture": str(path),
        "label": answer.label,
        "confidence": answer.confidence,
        "accepted": answer.accepted,
        "threshold": predictor.threshold,
        "mock": predictor.mock,
        "top": [{"label": label, "score": score} for label, score in answer.top(top)],
    }


def _read_video(
    predictor: Predictor, rules: LiveRules, words: WordList | None, args: argparse.Namespace
) -> int:
    """Prints every sign as it counts, then the text and what its words may be."""
    from fingerspell.cli.live import watched
    from fingerspell.live import spell
    from fingerspell.live.words import decode, split
    from fingerspell.runtime.video import frames

    signs: list[Counted] = []
    seen = watched(frames(args.video, args.fps), predictor, mirror=args.mirror)
    for counted in spell(((at_s, frame) for at_s, _, _, frame in seen), rules):
        signs.append(counted)
        if not args.json:
            print(f"{counted.at_s:8.2f} s  {counted.label:<8} {counted.text}", flush=True)
    text = signs[-1].text if signs else ""
    written = split(signs[-1].signs) if signs else ()
    decoded = None if words is None else [decode(word, words) for word in written]
    if args.json:
        moments = [{"at_s": s.at_s, "label": s.label, "text": s.text} for s in signs]
        body = {"video": str(args.video), "text": text, "signs": moments, "mock": predictor.mock}
        print(json.dumps({**body, "words": decoded and [asdict(d) for d in decoded]}, indent=2))
    else:
        print(f"text: {text}" if signs else "text: nothing was held long enough to count")
        for word in decoded or ():
            print(_word_in_words(word))
    return 0


def _word_in_words(decoded: Decoded) -> str:
    """Returns the letters of a word with what it may be."""
    proposals = ", ".join(f"{one.word} {one.probability:.0%}" for one in decoded.proposals)
    return f"word: {decoded.letters}  ({proposals or 'too long for a word'})"
