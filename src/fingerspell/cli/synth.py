"""`fingerspell synth`: synthetic hands as class folders or as a video of a word."""

import argparse
from pathlib import Path

HELP = "draw labelled hands: class folders of pictures, or a word as a video"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `synth dataset`, `synth video` and `synth sheet`."""
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    dataset = kinds.add_parser("dataset", help="class folders of synthetic pictures")
    dataset.add_argument("--per_class", type=int, default=200, help="pictures a class")
    dataset.add_argument("-o", "--output_dir", type=Path, required=True, help="a new folder")
    dataset.add_argument("--size", type=int, default=200, help="side in pixels")
    dataset.add_argument("--seed", type=int, default=0, help="another seed, other pictures")
    dataset.add_argument("--labels", nargs="+", default=None, help="default: the 29 classes")
    dataset.add_argument("--backgrounds", type=Path, default=None, help="a folder of photographs")
    video = kinds.add_parser("video", help="a spelled word as MP4 or Y4M, with its truth as JSON")
    video.add_argument("word", help="letters, digits and blanks")
    video.add_argument("-o", "--output", type=Path, required=True, help="….mp4 or ….y4m")
    video.add_argument("--fps", type=float, default=15.0, help="frames a second")
    video.add_argument("--seed", type=int, default=0, help="another seed, another person")
    video.add_argument("--size", type=int, nargs=2, default=(360, 480), metavar=("H", "W"))
    video.add_argument("--hold_s", type=float, default=0.4, help="seconds a letter is held")
    video.add_argument("--double", choices=("slide", "bounce"), default="slide")
    video.add_argument("--backgrounds", type=Path, default=None, help="a folder of photographs")

    sheet = kinds.add_parser("sheet", help="the page and picture of all handshapes")
    sheet.add_argument("-o", "--docs_dir", type=Path, default=Path("docs"), help="where to")


def run(args: argparse.Namespace) -> int:
    """Draws what was asked for."""
    return {"dataset": _dataset, "video": _video, "sheet": _sheet}[args.kind](args)


def _dataset(args: argparse.Namespace) -> int:
    from fingerspell.labels import ALPHABET
    from fingerspell.synth import SynthConfig, write_dataset

    labels = tuple(args.labels) if args.labels else ALPHABET
    config = SynthConfig(backgrounds_dir=args.backgrounds)
    size_px = (args.size, args.size)
    folder = write_dataset(args.output_dir, args.per_class, args.seed, size_px, labels, config)
    print(f"{args.per_class * len(labels)} pictures of {len(labels)} classes in {folder}")
    return 0


def _video(args: argparse.Namespace) -> int:
    from fingerspell.synth import SynthConfig, Timing, film, write_video

    frames = film(
        args.word,
        fps=args.fps,
        seed=args.seed,
        size_px=tuple(args.size),
        timing=Timing(hold_s=args.hold_s, double=args.double),
        config=SynthConfig(backgrounds_dir=args.backgrounds),
    )
    truth = write_video(frames, args.output, args.fps, args.word)
    print(f"{args.word} in {args.output}, the truth of every frame in {truth}")
    return 0


def _sheet(args: argparse.Namespace) -> int:
    from fingerspell.synth.sheet import write_sheet

    picture, page = write_sheet(args.docs_dir)
    print(f"{page} and {picture}")
    return 0
