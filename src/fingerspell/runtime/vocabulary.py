"""English words with their frequencies, from the package symspellpy; nothing of it is kept here.

Its list holds 82,765 entries: words of SCOWL (spell checkers' lists, free for any use) with counts
of Google Books Ngrams (CC BY 3.0). The package is MIT-licensed, 2.6 MB, and needs no other.
"""

import importlib.util
from pathlib import Path

from fingerspell import install
from fingerspell.errors import ConfigError

PACKAGE = "symspellpy"
_FILE = "frequency_dictionary_en_82_765.txt"


def english() -> list[tuple[str, float]]:
    """Returns (word, count) pairs, the most frequent first; apostrophes are left out.

    Raises `ConfigError` where the package is missing or holds no such list.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise _no_words(f"words switched on without the package {PACKAGE}")
    path = Path(found.submodule_search_locations[0]) / _FILE
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        pairs = [line.rsplit(maxsplit=1) for line in lines if line.strip()]
        return [(word.replace("'", ""), float(count)) for word, count in pairs]
    except (OSError, ValueError) as error:
        raise _no_words(f"no list of words in {path} ({error})") from error


def _no_words(found: str) -> ConfigError:
    return ConfigError(
        found=found,
        expected=f"{PACKAGE} 6, which holds the list of English words",
        fix=f"{install.pip('install', f'{PACKAGE}==6.*')}, or turn words off",
    )
