"""Options that several commands share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fingerspell.config import BACKBONES, TrainConfig, guide, load_recipe
from fingerspell.errors import require

if TYPE_CHECKING:
    from fingerspell.live import LiveRules
    from fingerspell.live.words import WordList
    from fingerspell.runtime import Predictor


def add_bundle(parser: argparse.ArgumentParser) -> None:
    """Adds `--bundle`, which is `--model` too: which recogniser answers."""
    parser.add_argument(
        "--bundle",
        "--output_dir",
        "--model",
        type=Path,
        metavar="PATH",
        help="folder of a finished training run; one model beside its labels (a .tflite file, a "
        "SavedModel folder, a frozen graph); or the word starter (default: output where it is "
        "there, else starter, the released recogniser); USE_MOCK_MODEL=1 needs none",
    )


def add_reading(parser: argparse.ArgumentParser, *, words: bool = True) -> None:
    """Adds what every command that reads hands takes; see `predictor_and_rules`, `chosen_words`."""
    for add in (add_bundle, _add_precision, _add_labels, _add_live_rules):
        add(parser)
    if words:
        _add_words(parser)


def _add_precision(parser: argparse.ArgumentParser) -> None:
    """Adds `--precision`: which of the bundle's TFLite files answers."""
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "fp16", "int8", "fast"),
        default="auto",
        help="which of the bundle's models (default: auto, the most exact that it holds; fast sees "
        "a picture once, without the crop around a small hand)",
    )


def _add_labels(parser: argparse.ArgumentParser) -> None:
    """Adds `--labels`: which labels may be answered."""
    parser.add_argument(
        "--labels",
        metavar="LIST",
        help="only these labels are answered, as in A-Z or A-I,K-Y,space (default: $FINGERSPELL_"
        "LABELS or all)",
    )


def chosen_predictor(
    bundle: Path | None,
    precision: str = "auto",
    starter: Path | None = None,
    threshold: float | None = None,
    labels: str | None = None,
) -> Predictor:
    """Returns the recogniser that `--bundle`, `--precision`, `--threshold` and `--labels` ask for.

    Says on standard error where it is not one that the user trained. `starter` is the released
    recogniser's folder, by default the package's own.
    """
    from fingerspell.runtime import STARTER, choose, choose_folder

    released = starter or STARTER
    folder = choose_folder(bundle, released)
    predictor = choose(folder, os.environ, precision=precision, threshold=threshold, labels=labels)
    if predictor.mock:
        print("note: the mock answers (USE_MOCK_MODEL=1), not a model", file=sys.stderr)
    elif folder == released:
        print(
            f"note: the released recogniser answers (starter, {predictor.name}), not one of yours",
            file=sys.stderr,
        )
    return predictor


_LIVE_RULES: dict[str, tuple[Callable[[str], str | float], str, str]] = {
    "threshold": (float, "P", "probability from which the answer for one picture is accepted; "
        "streams have a threshold of their own (default: $FINGERSPELL_THRESHOLD or the bundle's)"),
    "rules": (str, "NAME", "when a letter of a stream is written: evidence, majority or hold "
        "(default: $FINGERSPELL_RULES or evidence)"),
    "votes": (int, "N", "how many of the last frames vote, for the rules majority and hold "
        "(default: $FINGERSPELL_VOTES or 5)"),
    "hold_s": (float, "SECONDS", "how long a letter is held until it is written (default: "
        "$FINGERSPELL_HOLD_S or what the rules say: 0.15, 0 and 0.4)"),
}  # fmt: skip
"""The options of `live`, each with its kind, the name of its value, and its help."""


def _add_live_rules(parser: argparse.ArgumentParser) -> None:
    """Adds `--threshold`, `--rules`, `--votes` and `--hold_s`; see `predictor_and_rules`."""
    for name, (kind, value, text) in _LIVE_RULES.items():
        parser.add_argument(f"--{name}", type=kind, metavar=value, help=text)


def predictor_and_rules(args: argparse.Namespace) -> tuple[Predictor, LiveRules]:
    """Returns what `add_reading`'s options ask for, but for the words; see `chosen_words`."""
    from fingerspell.live import rules_at

    asked = _asked_rules(args, os.environ)
    labels = args.labels
    if labels is None:
        labels = os.environ.get("FINGERSPELL_LABELS", "").strip() or None
    predictor = chosen_predictor(
        args.bundle, args.precision, threshold=asked.get("threshold"), labels=labels
    )
    return predictor, rules_at(predictor.labels, **{"threshold": predictor.threshold, **asked})


def _asked_rules(args: argparse.Namespace, environment: Mapping[str, str]) -> dict[str, Any]:
    """Returns what the user asked of `live.rules_at`: the option, else FINGERSPELL_THRESHOLD etc.

    Raises `ConfigError` for a value that cannot be, and names where it was given.
    """
    from fingerspell.errors import ConfigError
    from fingerspell.live import RULES, rules_at

    given: dict[str, Any] = {}
    for name, (kind, _, _) in _LIVE_RULES.items():
        variable = f"FINGERSPELL_{name.upper()}"
        value, source = getattr(args, name, None), f"--{name}"
        if value is None:
            value, source = environment.get(variable, "").strip(), variable
        if value == "":
            continue
        try:
            given[name] = kind(value)
            others = {"threshold": 0.5, "rules": given.get("rules", RULES[0])}
            rules_at((), **{**others, name: given[name]})
        except ValueError as error:
            number = "a whole number" if kind is int else "a number"
            expected, fix = getattr(error, "expected", number), getattr(error, "fix", "correct it")
            raise ConfigError(
                found=f"{source}={value}", expected=expected, fix=f"{fix}, or omit {source}"
            ) from error
    return given


_WORDS_VARIABLE = "FINGERSPELL_WORDS"


def _add_words(parser: argparse.ArgumentParser) -> None:
    """Adds `--words`: whether English words are proposed; see `chosen_words`."""
    parser.add_argument(
        "--words",
        action="store_true",
        help="propose English words beside the letters, which stay as they are (also "
        f"${_WORDS_VARIABLE}=1; needs the package symspellpy)",
    )


def chosen_words(
    args: argparse.Namespace, labels: Sequence[str], environment: Mapping[str, str] = os.environ
) -> WordList | None:
    """Returns the words to propose for a recogniser's labels, or `None` where they are off.

    Raises `ConfigError` where the package of the words is missing, or the variable is no switch.
    """
    from fingerspell.live.words import WordList
    from fingerspell.runtime.vocabulary import english

    asked = environment.get(_WORDS_VARIABLE, "").strip() or "0"
    require(
        asked in ("0", "1"),
        found=f"{_WORDS_VARIABLE}={asked}",
        expected="1 for on, 0 for off",
        fix=f"unset {_WORDS_VARIABLE}, or use the option --words",
    )
    on = getattr(args, "words", False) or asked == "1"
    return WordList(english(), labels) if on else None


class Given(argparse.Action):
    """Stores a value and remembers that the user gave it.

    Against a recipe's own settings only what was given counts, and not an option's default.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        setattr(namespace, self.dest, values)
        namespace.given = {**getattr(namespace, "given", {}), self.dest: values}


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """Adds `--config` and the options that replace a recipe's settings; see `configured`."""
    standard = guide()
    height_px, width_px = standard.model.image_size_px

    def add(name: str, default: Any, text: str, **more: Any) -> None:
        parser.add_argument(
            name, action=Given, default=default, help=f"{text} (default: %(default)s)", **more
        )

    parser.add_argument("--config", type=Path, metavar="FILE",
        help="a recipe such as configs/quick.py; the options below, where given, replace its "
        "settings (without a file: the training guide's recipe, and these defaults)")  # fmt: skip
    add("--dataset_dir", standard.dataset_dir, "made by prepare", type=Path)
    add("--output_dir", standard.output_dir, "the run folder", type=Path)
    epochs = sum(phase.epochs for phase in standard.phases)
    add("--epochs", epochs, "passes over all phases, at most; up to 3 all train the head alone, "
        "of more a third do", type=int)  # fmt: skip
    add("--batch_size", standard.batch_size, "pictures a step", type=int)
    add("--img_size", (height_px, width_px), "in pixels", type=int, nargs=2,
        metavar=("HEIGHT", "WIDTH"))  # fmt: skip
    add("--weights", standard.model.weights, "imagenet, starter (the released recogniser's), auto "
        "(imagenet, and starter where it cannot be fetched), none, or a weights file")  # fmt: skip
    add("--backbone", standard.model.backbone, " or ".join(BACKBONES))
    patience = standard.phases[-1].patience_epochs
    add("--patience", patience, "epochs without gain before a phase ends", type=int)
    add("--seed", standard.seed, "another seed, another run", type=int)
    add("--synth", standard.synthetic_per_class, metavar="N", type=int,
        text="synthetic hands a class mixed into the training pictures; 0 for none")  # fmt: skip


_SETTING_OF = {
    "img_size": "image_size_px",
    "patience": "patience_epochs",
    "synth": "synthetic_per_class",
}
"""What a recipe calls an option, where the command line has another name for it."""


def configured(args: argparse.Namespace, **more: Any) -> TrainConfig:
    """Returns the run that `add_recipe`'s options ask for; `more` are settings beyond them."""
    given = {_SETTING_OF.get(k, k): v for k, v in getattr(args, "given", {}).items()}
    if "image_size_px" in given:
        given["image_size_px"] = tuple(given["image_size_px"])
    if args.config is None:
        return guide(**given, **more)
    return load_recipe(args.config).config(**given, **more)
