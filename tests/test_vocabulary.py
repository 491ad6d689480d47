"""One vocabulary: words that were retired stay away (the table stands in CONTRIBUTING.md)."""

import re
from pathlib import Path

from house import ROOT, tracked

READ = {".py", ".md", ".toml", ".txt", ".j2", ".css", ".json", ".yml", ".html"}
HISTORY = ("docs/studies/records/", "docs/studies/data/", "benchmarks/results/")
"""What tells of the past: measurements keep the names of the commands that made them."""

EARLIER = {
    "src/fingerspell/dataset/manifest.py": r'"strangers"',
    "tests/dataset/test_manifest.py": r"strangers",
    "tests/runtime/test_library.py": r'"outsiders"',
    "tests/train/test_run_folder.py": r"looks=",
}
"""Where a name that an earlier version wrote is read, to refuse it with a reason."""

RETIRED = {
    "unseen signers": r"strangers?\b",
    "non-letters": r"outsiders?\b",
    "synthetic hands": r"drawn (hands?|letters?)|rehears\w+|drawn_per_class",
    "ablations": r"levers?\b",
    "single view, hand crop": r"\b(looks?|looking) (once|twice|closer)\b|\bcloser look|look_closer"
    r"|\blooks=|model\.looks",
    "rank 0": r"\bis_chief|\bchief\b",
    "process group": r"\bpart_ways|\bTeam\(",
    "GPU": r"\b(on|of) (one|the|a) card\b(?! for)|graphics card",
    "best weights": r"\bKeepBest\b",
    "omit it": r"leav(e|es|ing) (it|them|that|--\w+) away",
    "user_groups": r"\bgiven_groups\b",
    "dataset, prepare, loading, report": r"fingerspell[./]data\b[./]",
    "train/distributed": r"train[./]cluster\b",
    "plain English": r"as its settings ask|that is borne|\bis borne\b",
}
GLOSSARY = re.compile(r"<!-- glossary -->.*?<!-- end glossary -->", re.DOTALL)


def retired(text: str) -> list[str]:
    """The retired words in a text, each with the word that it gives way to."""
    return [
        f"{match.group()!r}: say {instead}"
        for instead, pattern in RETIRED.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]


def test_no_retired_word_is_left_in_what_people_or_programs_read_today():
    wrong = {}
    for name in tracked():
        path = ROOT / name
        if (
            path.suffix in READ
            and path != Path(__file__).resolve()
            and not name.startswith(HISTORY)
        ):
            text = GLOSSARY.sub("", path.read_text(encoding="utf-8", errors="replace"))
            if words := retired(re.sub(EARLIER.get(name, r"(?!)"), "", text)):
                wrong[name] = words
    assert wrong == {}


def test_a_retired_word_would_be_seen():
    assert retired("it reads strangers") == ["'strangers': say unseen signers"]
    assert retired("omit the option; an unseen signer; a model card") == []


def test_the_glossary_says_what_to_write_instead():
    table = GLOSSARY.search((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert table
    assert all(word in table.group() for word in ("unseen signers", "ablations", "rank 0", "GPU"))
