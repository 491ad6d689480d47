"""Writes `static/words.txt.gz`, the words that the studio proposes: `python web/words.py`.

The most frequent of the package symspellpy (MIT; words of SCOWL, counts of Google Books Ngrams).
"""

import gzip
from importlib.metadata import distribution
from pathlib import Path

from fingerspell.runtime.vocabulary import PACKAGE, english

MOST = 30_000
TARGET = Path(__file__).resolve().parent / "static" / "words.txt.gz"


def main() -> None:
    """Writes a word in capitals and its count a line, the most frequent words, sorted."""
    counts: dict[str, int] = {}
    for word, count in english():
        if word.isalpha() and word.isascii():
            counts[word.upper()] = counts.get(word.upper(), 0) + int(count)
    often = sorted(counts, key=lambda word: -counts[word])[:MOST]
    text = "".join(f"{word} {float(f'{counts[word]:.3g}'):.0f}\n" for word in sorted(often))
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(gzip.compress(text.encode(), mtime=0))
    of = next(x for x in distribution(PACKAGE).files or () if x.name == "LICENSE")
    notice = (
        f"words.txt: the list of {PACKAGE}, made of SCOWL and of Google Books Ngrams (CC BY 3.0)"
    )
    licence = f"{notice}\n\n{of.read_text(encoding='utf-8')}"
    TARGET.with_name("words.LICENSE.txt").write_text(licence, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
