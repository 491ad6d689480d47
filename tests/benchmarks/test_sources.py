"""The catalogue is consistent, and the released recogniser learns from what it lets in alone."""

import pytest

from benchmarks.release import adapt, own_test, sources
from benchmarks.release.catalogue import (
    NEXT,
    RELEASE,
    STUDY,
    UNSEEN,
    USES,
    Source,
    catalogue,
    names_for,
    used_for,
)
from benchmarks.speed import processor
from benchmarks.tables import read

RELEASED = names_for(RELEASE)
ENTRY = {
    "name": "x", "repository": "a/b", "licence": "MIT", "strength": "stated", "who": "one hand",
    "classes": "A-Z", "pictures": 3, "use": RELEASE,
}  # fmt: skip


def test_every_source_is_told_of_in_full():
    assert {source.use for source in catalogue()} == set(USES)
    for source in catalogue():
        assert source.repository and source.who and source.classes and source.pictures > 0
    for source in used_for(RELEASE, NEXT):
        assert source.repository != "not recorded"


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
    lines = ["[[source]]", *(f"{key} = {value!r}" for key, value in ENTRY.items())]
    wrong = {"twice": (lines * 2, ValueError, "x twice"), "short": (lines[:-1], TypeError, "use")}
    for name, (text, kind, told) in wrong.items():
        (tmp_path / name).write_text("\n".join(text), encoding="utf-8")
        with pytest.raises(kind, match=told):
            catalogue(tmp_path / name)


def test_what_was_measured_was_what_the_catalogue_calls_it():
    figures = read("unseen_signers")
    assert tuple(figures["unseen_signers"]) == names_for(UNSEEN)
    assert set(figures["studied"]) <= set(names_for(STUDY))
    assert set(read("own_test")["sources"]) <= set(RELEASED)


@pytest.mark.parametrize(
    ("program", "arguments", "named"),
    [
        (adapt.main, ["--others", "ann", "--new_sign", "--data"], adapt.SIGNS),
        (processor.main, ["--data"], processor.SOURCE),
        (own_test.main, ["--dataset_dir"], "manifest"),
    ],
)
def test_a_missing_source_ends_a_program_before_it_measures(
    program, arguments, named, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(processor, "steps", lambda _: pytest.fail("measured for minutes in vain"))
    (tmp_path / "ann").mkdir()
    with pytest.raises(SystemExit) as ended:
        program([*arguments, str(tmp_path)])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert named in told and "ann," not in told


@pytest.fixture
def data(tmp_path):
    for source in RELEASED:
        for name in "0123" if source == "digits_218" else "AMPV":
            folder = tmp_path / "data" / source / name
            folder.mkdir(parents=True)
            (folder / "1.jpg").write_bytes(f"{source} {name}".encode())
    return tmp_path / "data"


def labels(folder):
    return {path.name for path in folder.iterdir()}


def test_only_the_sources_on_the_card_are_gathered_without_unusual_forms(data, tmp_path):
    (data / "kaggle_alphabet" / "A").mkdir(parents=True)
    (data / "kaggle_alphabet" / "A" / "1.jpg").write_bytes(b"not ours to release")
    count = sources.gather(data, tmp_path / "out")
    assert labels(tmp_path / "out") == set(RELEASED)
    assert labels(tmp_path / "out" / "pale_sofa") == {"A", "V"}
    assert labels(tmp_path / "out" / "hawk") == {"A", "M", "P", "V"}
    assert count == 3 + 2 + 4 * (len(RELEASED) - 2)


def test_digits_are_the_letters_they_show_or_nothing_and_a_third_is_kept_to_measure(data, tmp_path):
    for name, numbers in {"3": (5278, 5279), "7": (5277,), "8": (5276, 6000)}.items():
        (data / "digits_218" / name).mkdir(exist_ok=True)
        for number in numbers:
            (data / "digits_218" / name / f"IMG_{number}.jpg").write_bytes(b"")
    sources.gather(data, tmp_path / "out")
    digits = tmp_path / "out" / "digits_218"
    assert labels(digits) == {"O", "V", "nothing"}
    assert (digits / "V" / "1.jpg").read_bytes() == b"digits_218 2"
    assert labels(digits / "nothing") == {"1.jpg", "IMG_5276.jpg", "IMG_5278.jpg"}


def test_what_was_learnt_from_is_not_measured(data):
    learnt = [
        sources.is_learnt("digits_218", name, data / f"IMG_{number}.jpg")
        for name, number in (("3", 5278), ("3", 5279), ("7", 1), ("0", 5279))
    ]
    assert learnt == [True, False, False, True]
    assert sources.is_learnt("hawk", "7", data / "hand.jpg")


def test_one_option_adds_what_may_train_the_next_release(data, tmp_path):
    for source in names_for(NEXT):
        (data / source / "A").mkdir(parents=True)
        (data / source / "A" / "1.webp").write_bytes(b"next")
    sources.main(["--data", str(data), "--output", str(tmp_path / "next"), "--next"])
    assert labels(tmp_path / "next") == {*RELEASED, *names_for(NEXT)}


def test_nothing_is_written_into_an_earlier_gathering_or_where_a_source_is_missing(data, tmp_path):
    sources.gather(data, tmp_path / "out")
    with pytest.raises(SystemExit, match="there already"):
        sources.gather(data, tmp_path / "out")
    (data / "hawk").rename(data / "owl")
    with pytest.raises(SystemExit, match="has no hawk"):
        sources.gather(data, tmp_path / "new")
    assert not (tmp_path / "new").exists()
