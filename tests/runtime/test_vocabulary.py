"""The list of English words comes from a package that may be missing."""

import importlib.util
from types import SimpleNamespace

import pytest

from fingerspell.errors import ConfigError
from fingerspell.install import pip
from fingerspell.runtime import vocabulary


def test_the_words_come_with_their_counts_the_frequent_first_and_without_apostrophes():
    words = vocabulary.english()
    counts = dict(words)
    assert len(words) > 80_000 and words[0][0] == "the"
    assert counts["hello"] > counts["hellos"] > 0
    assert "dont" in counts and not any("'" in word for word in counts)


@pytest.mark.parametrize("damage", ["missing", "no list", "no numbers"])
def test_without_the_package_or_its_list_the_command_is_named(monkeypatch, tmp_path, damage: str):
    if damage == "no numbers":
        (tmp_path / vocabulary._FILE).write_text("the many\n", encoding="utf-8")
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    found = None if damage == "missing" else spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    with pytest.raises(ConfigError) as refused:
        vocabulary.english()
    assert refused.value.fix.startswith(pip("install", "symspellpy==6.*"))
