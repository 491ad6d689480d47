"""The catalogue is complete and consistent, and what may not be released is not."""

import argparse

import pytest

from benchmarks.release.catalogue import (
    NEXT,
    RELEASE,
    STUDY,
    UNSEEN,
    USES,
    Source,
    catalogue,
    names_for,
    require_sources,
    table,
    used_for,
)
from benchmarks.tables import read

ENTRY = {
    "name": "x", "repository": "a/b", "licence": "MIT", "strength": "stated", "who": "one hand",
    "classes": "A-Z", "pictures": 3, "use": RELEASE,
}  # fmt: skip


def test_every_source_is_told_of_in_full():
    sources = catalogue()
    assert len(sources) == len({source.name for source in sources})
    assert {source.use for source in sources} == set(USES)
    for source in sources:
        assert source.repository and source.who and source.classes and source.pictures > 0


def test_only_stated_licences_and_named_weak_ones_train_a_release():
    for source in used_for(RELEASE, NEXT):
        assert source.repository != "not recorded"
        assert source.strength == "stated" or source.remark


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"use": "sold"}, "none of"),
        ({"strength": "firm"}, "none of"),
        ({"strength": "weak"}, "needs a remark"),
        ({"strength": "none"}, "may not train a release"),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(change, told):
    Source(**ENTRY)
    with pytest.raises(ValueError, match=told):
        Source(**{**ENTRY, **change})


def test_an_entry_named_twice_and_one_that_lacks_a_field_are_refused(tmp_path):
    lines = [f"{key} = {value!r}" for key, value in ENTRY.items()]
    file = tmp_path / "twice.toml"
    file.write_text("\n".join(["[[source]]", *lines] * 2), encoding="utf-8")
    with pytest.raises(ValueError, match="names x twice"):
        catalogue(file)
    short = tmp_path / "short.toml"
    short.write_text("\n".join(["[[source]]", *lines[:-1]]), encoding="utf-8")
    with pytest.raises(TypeError, match="use"):
        catalogue(short)


def test_what_was_measured_was_what_the_catalogue_calls_it():
    figures = read("unseen_signers")
    assert tuple(figures["unseen_signers"]) == names_for(UNSEEN)
    assert set(figures["studied"]) <= set(names_for(STUDY))
    assert set(read("own_test")["sources"]) <= set(names_for(RELEASE))


def test_the_table_names_publisher_and_weak_statements():
    lines = table([Source(**{**ENTRY, "strength": "weak", "remark": "another holder"})])
    assert lines[2] == "| `x` | a/b | MIT (weak) | one hand | another holder | A-Z | 3 | release |"
    assert len(table(catalogue())) == 2 + len(catalogue())


def test_a_missing_source_ends_a_program_before_it_reads_any(tmp_path, capsys):
    (tmp_path / "here").mkdir()
    with pytest.raises(SystemExit) as ended:
        require_sources(argparse.ArgumentParser(), tmp_path, ["here", "gone"])
    assert ended.value.code == 2
    assert "gone" in capsys.readouterr().err
