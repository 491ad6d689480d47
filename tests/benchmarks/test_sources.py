"""The released recogniser learns from what its rule lets in, and from nothing else."""

import pytest

from benchmarks.release import sources
from benchmarks.release.catalogue import NEXT, RELEASE, names_for

RELEASED = names_for(RELEASE)


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


def test_digits_count_as_the_letters_they_show_and_the_others_stay_away(data, tmp_path):
    sources.gather(data, tmp_path / "out")
    digits = tmp_path / "out" / "digits_218"
    assert labels(digits) == {"O", "V", "nothing"}
    assert (digits / "V" / "1.jpg").read_bytes() == b"digits_218 2"


def test_other_digits_are_nothing_and_a_third_of_the_people_is_kept_to_measure(data, tmp_path):
    folder = data / "digits_218"
    for name, numbers in {"3": (5278, 5279), "7": (5277,), "8": (5276, 6000)}.items():
        (folder / name).mkdir(exist_ok=True)
        for number in numbers:
            (folder / name / f"IMG_{number}.jpg").write_bytes(b"")
    sources.gather(data, tmp_path / "out")
    assert labels(tmp_path / "out" / "digits_218" / "nothing") == {
        "1.jpg", "IMG_5276.jpg", "IMG_5278.jpg",
    }  # fmt: skip


def test_what_was_learnt_from_is_not_measured(data):
    learnt = [
        sources.is_learnt("digits_218", name, data / f"IMG_{number}.jpg")
        for name, number in (("3", 5278), ("3", 5279), ("7", 1), ("0", 5279))
    ]
    assert learnt == [True, False, False, True]
    assert sources.is_learnt("hawk", "7", data / "hand.jpg")


def test_an_unusual_form_is_left_out_of_its_source_alone(data, tmp_path):
    sources.gather(data, tmp_path / "out")
    assert labels(tmp_path / "out" / "pale_sofa") == {"A", "V"}
    assert labels(tmp_path / "out" / "hawk") == {"A", "M", "P", "V"}


def test_only_the_sources_on_the_card_are_gathered(data, tmp_path):
    (data / "kaggle_alphabet" / "A").mkdir(parents=True)
    (data / "kaggle_alphabet" / "A" / "1.jpg").write_bytes(b"not ours to release")
    count = sources.gather(data, tmp_path / "out")
    assert labels(tmp_path / "out") == set(RELEASED)
    assert count == 3 + 2 + 4 * (len(RELEASED) - 2)


def test_one_option_adds_what_may_train_the_next_release(data, tmp_path, capsys):
    for source in names_for(NEXT):
        (data / source / "A").mkdir(parents=True)
        (data / source / "A" / "1.webp").write_bytes(b"next")
    common = ["--data", str(data), "--output"]
    sources.main([*common, str(tmp_path / "now")])
    sources.main([*common, str(tmp_path / "next"), "--next"])
    assert labels(tmp_path / "next") - labels(tmp_path / "now") == set(names_for(NEXT))


def test_an_earlier_gathering_is_not_mixed_with_a_new_one(data, tmp_path):
    sources.gather(data, tmp_path / "out")
    with pytest.raises(SystemExit, match="there already"):
        sources.gather(data, tmp_path / "out")


def test_a_missing_source_is_named_and_nothing_is_written(data, tmp_path):
    (data / "hawk").rename(data / "owl")
    with pytest.raises(SystemExit, match="has no hawk"):
        sources.gather(data, tmp_path / "out")
    assert not (tmp_path / "out").exists()
