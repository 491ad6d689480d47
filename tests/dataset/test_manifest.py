"""A manifest is law: whatever does not hold, or is not what prepare saw, is refused."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from fingerspell.dataset.manifest import (
    COLUMNS,
    HELD_OUT,
    OLD_HELD_OUT,
    SPLITS,
    Manifest,
    Sample,
    is_split_name,
    read_manifest,
    split_of,
    to_csv,
    verify,
)
from fingerspell.errors import DataError
from helpers.touched import touch


def sample(split: str, label: str, name: str, group: str | None = None) -> Sample:
    """A picture of a split, or of an unseen signer where `split` is none."""
    source, home = ("s", split) if split in SPLITS else (split, f"{HELD_OUT}/{split}")
    path = f"{home}/{label}/{name}"
    return Sample(path, label, home.split("/")[0], group or path, source, "", "", 4, 5)


GOOD = [sample(split, label, "1.jpg") for split in ("test", "train", "val") for label in "BA"]


def data_set(folder: Path, samples: list[Sample], rule: str = "groups") -> Path:
    touch(folder, *(item.path for item in samples))
    (folder / "manifest.csv").write_text(to_csv(samples), encoding="utf-8", newline="\n")
    (folder / "report.json").write_text(json.dumps({"config": {"split": rule}}), encoding="utf-8")
    return folder


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    odd = [*GOOD, sample("train", "A", 'com,ma "quoted" ü.jpg')]
    manifest = read_manifest(data_set(tmp_path, odd))
    assert list(manifest.samples) == odd
    assert manifest.labels == ("A", "B")
    assert [s.label for s in manifest.split("val")] == ["B", "A"]
    assert manifest.absolute(odd[0]) == tmp_path / "test/B/1.jpg"
    assert manifest.held_out() == {}
    assert manifest.sha256 == sha256((tmp_path / "manifest.csv").read_bytes()).hexdigest()


def test_a_group_on_two_sides_is_refused_unless_a_report_says_that_the_split_was_random(
    tmp_path: Path,
) -> None:
    leaky = [*GOOD, sample("train", "A", "2.jpg", "g"), sample("test", "A", "3.jpg", "g")]
    with pytest.raises(DataError, match="group g lies in train and test"):
        read_manifest(data_set(tmp_path / "groups", leaky))
    assert read_manifest(data_set(tmp_path / "random", leaky, "random")).samples
    (tmp_path / "random" / "report.json").unlink()
    with pytest.raises(DataError, match="group g"):
        read_manifest(tmp_path / "random")


def test_held_out_sources_are_read_and_kept_apart(tmp_path: Path) -> None:
    people = [sample("ann", "A", "1.jpg"), sample("bob", "B", "1.jpg"), sample("ann", "C", "1.jpg")]
    manifest = read_manifest(data_set(tmp_path, [*GOOD, *people]))
    assert manifest.held_out() == {"ann": (people[0], people[2]), "bob": (people[1],)}
    assert manifest.split(HELD_OUT) == tuple(people)
    assert not set(people) & {s for x in ("train", "val", "test") for s in manifest.split(x)}
    assert manifest.labels == ("A", "B"), "a class that only unseen signers show is no label"


def test_a_data_set_of_an_earlier_version_is_read_but_not_its_held_out_split(
    tmp_path: Path,
) -> None:
    data_set(tmp_path, GOOD)
    report = {"format": 2, "config": {"split": "groups"}, "held_out": []}
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    assert read_manifest(tmp_path).labels == ("A", "B")
    path = f"{OLD_HELD_OUT}/ann/A/1.jpg"
    old = Sample(path, "A", OLD_HELD_OUT, path, "ann", "", "", 4, 5)
    with pytest.raises(DataError, match="made by an earlier version") as error:
        read_manifest(data_set(tmp_path, [*GOOD, old]))
    assert "unseen_signers" in error.value.expected
    assert "run prepare again with --overwrite" in error.value.fix


@pytest.mark.parametrize("rule", ["groups", "random"])
@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_an_unseen_signer_shares_a_group_with_nobody_whatever_the_rule(
    tmp_path: Path, split: str, rule: str
) -> None:
    leaky = [sample(split, "A", "2.jpg", "g"), sample("ann", "A", "1.jpg", "g")]
    for order in (leaky, leaky[::-1]):
        with pytest.raises(DataError, match="group g lies in"):
            read_manifest(data_set(tmp_path, [*GOOD, *order], rule))


@pytest.mark.parametrize("lost", [0, -1])
def test_missing_pictures_are_counted_those_of_unseen_signers_too(
    tmp_path: Path, lost: int
) -> None:
    samples = [*GOOD, sample("ann", "A", "1.jpg"), sample("ann", "A", "2.jpg")]
    data_set(tmp_path, samples)
    (tmp_path / samples[lost].path).unlink()
    with pytest.raises(DataError, match=f"1 of 8 .* missing, first {samples[lost].path}"):
        read_manifest(tmp_path)


HEADER = ",".join(COLUMNS)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "columns \\(none\\)"),
        ("file,class\n1.jpg,A\n", "columns file, class"),
        (f"{HEADER},extra\n", "extra"),
        (f"{HEADER}\ntrain/A/1.jpg,A\n", "line 2"),
        (f"{HEADER}\ntrain/A/1.jpg,A,train,g,s,,,wide,5\n", "line 2"),
        (f"{HEADER}\nx/A/1.jpg,A,holdout,g,s,,,4,5\n", "holdout"),
        (f"{HEADER}\n../A/1.jpg,A,train,g,s,,,4,5\n", "outside"),
        ("\xff\xfe\x00path", "UTF-8"),
    ],
)
def test_manifests_of_another_shape_are_refused(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "manifest.csv").write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match=found):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("kept", "found"),
    [
        (lambda s: s.label == "A", "only the class A"),
        (lambda s: s.split != "val", "no pictures in val"),
        (lambda s: s.split != "train", "no pictures in train"),
        (lambda s: s.path != "train/B/1.jpg", "classes without a training picture: B"),
    ],
)
def test_sets_that_cannot_be_trained_on_are_refused(tmp_path: Path, kept, found: str) -> None:
    with pytest.raises(DataError, match=found):
        read_manifest(data_set(tmp_path, [s for s in GOOD if kept(s)]))


@pytest.mark.parametrize("val", ["val", "valid", "validation"])
def test_a_folder_made_by_others_is_scanned(tmp_path: Path, val: str) -> None:
    pictures = [tmp_path / f"{split}/{c}/1.jpg" for split in ("train", val, "test") for c in "AB"]
    for path in pictures:
        touch(path.parent, path.name)
        path.write_bytes(b"\xff\xd8\xff and more")
    touch(tmp_path, "train/A/1.AAE", "train/A/1.jpg:Zone.Identifier", "train/A/notes.txt")
    manifest = read_manifest(tmp_path)
    assert manifest.labels == ("A", "B")
    found = [manifest.absolute(s) for s in manifest.split("val")]
    assert found == [tmp_path / val / c / "1.jpg" for c in "AB"]
    assert len({s.group for s in manifest.samples}) == 6
    for name in ("train/A/2.jpg", "train/B/paper.pdf"):
        touch(tmp_path, name)
        with pytest.raises(DataError, match=f"no pictures in a data set, first .*{name}") as error:
            read_manifest(tmp_path)
        assert "prepare_dataset.py" in error.value.fix
        (tmp_path / name).unlink()


def test_no_folder_and_an_empty_one_are_refused_and_a_killed_exchange_is_explained(
    tmp_path: Path,
) -> None:
    with pytest.raises(DataError, match="no folder"):
        read_manifest(tmp_path / "set")
    with pytest.raises(DataError, match=r"neither manifest\.csv nor class folders"):
        read_manifest(tmp_path)
    data_set(tmp_path / "set", GOOD).rename(tmp_path / ".set.previous")
    with pytest.raises(DataError, match="was killed") as error:
        read_manifest(tmp_path / "set")
    assert "run prepare once more" in error.value.fix


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("train", ["train", "Training", "asl_alphabet_train"]),
        ("test", ["Test_Alphabet"]),
        ("val", ["val2017", "VALID", "validation-set"]),
        ("", ["train_val", "trainer", "contest", "A", "12"]),
    ],
)
def test_a_split_is_a_word_of_its_own(split: str, names: list[str]) -> None:
    assert {split_of(name) for name in names} == {split}


def test_a_split_name_says_nothing_else() -> None:
    names = ("TEST", "train2017", "test_sign", "A")
    assert [name for name in names if is_split_name(name)] == ["TEST", "train2017"]


@pytest.fixture
def hashed(tmp_path: Path) -> Manifest:
    """Two pictures a class in every split and of an unseen signer, with the hashes of today."""
    samples = [
        sample(s, c, f"{n}.jpg") for s in ("train", "val", "test") for c in "AB" for n in "01"
    ]
    samples += [sample("ann", c, f"{n}.jpg") for c in "AB" for n in "01"]
    known = [replace(s, sha256=sha256(s.path.encode()).hexdigest()) for s in samples]
    data_set(tmp_path, known)
    for item in known:
        (tmp_path / item.path).write_bytes(item.path.encode())
    return read_manifest(tmp_path)


def test_what_prepare_wrote_passes_and_files_that_the_manifest_does_not_name_do_no_harm(
    hashed: Manifest,
) -> None:
    (hashed.dataset_dir / "train" / "A" / "stray.jpg").write_bytes(b"never read")
    assert verify(hashed) == 16
    assert read_manifest(hashed.dataset_dir).samples == hashed.samples


@pytest.mark.parametrize("split", ["train", "val", "test", "unseen_signers/ann"])
def test_a_changed_picture_anywhere_is_named_also_of_the_same_length_and_time(
    hashed: Manifest, split: str
) -> None:
    path = hashed.dataset_dir / split / "B" / "1.jpg"
    status = path.stat()
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(DataError, match=rf"1 of 16 pictures .*{split}/B/1\.jpg") as error:
        verify(hashed)
    assert "--overwrite" in error.value.fix and "--trust" in error.value.fix


def test_the_first_are_named_in_order_and_the_rest_counted_missing_ones_too(
    hashed: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fingerspell.dataset.manifest._CHUNK", 3)
    for path in (hashed.dataset_dir / "train").rglob("*.jpg"):
        path.write_bytes(b"")
    (hashed.dataset_dir / "train/A/1.jpg").unlink()
    with pytest.raises(DataError) as error:
        verify(hashed)
    assert error.value.found.startswith("4 of 16 pictures")
    assert error.value.found.endswith("train/A/0.jpg, train/A/1.jpg, train/B/0.jpg, …")


def test_only_splits_asked_for_and_rows_with_a_hash_are_read(hashed: Manifest) -> None:
    (hashed.dataset_dir / "train" / "A" / "0.jpg").write_bytes(b"")
    assert verify(hashed, ("test", HELD_OUT)) == 8
    unknown = tuple(replace(s, sha256="") for s in hashed.samples)
    assert verify(replace(hashed, samples=unknown)) == 0


@pytest.mark.parametrize("made_by_others", [False, True])
def test_one_file_on_several_sides_is_refused_in_prepares_words_unless_the_split_is_random(
    hashed: Manifest, capsys: pytest.CaptureFixture[str], made_by_others: bool
) -> None:
    folder, data = hashed.dataset_dir, b"one picture"
    copies = {"train/A/0.jpg", "train/A/1.jpg", "test/A/0.jpg", "test/A/1.jpg"}
    for path in copies:
        (folder / path).write_bytes(data)
    known = "" if made_by_others else sha256(data).hexdigest()
    samples = tuple(
        replace(s, sha256=known if s.path in copies or made_by_others else s.sha256)
        for s in hashed.samples
    )
    leaking = replace(hashed, samples=samples)
    with pytest.raises(DataError, match=rf"ready-made split of {folder.name} leaks: 1 groups") as e:
        verify(leaking)
    assert "first train/A/0.jpg and test/A/0.jpg, lie on several sides" in e.value.found
    assert e.value.found.endswith("2 test pictures have a twin in train")
    assert "--resplit" in e.value.fix and "--trust" in e.value.fix
    assert verify(leaking, ("test", HELD_OUT)) == (0 if made_by_others else 8)
    assert "note:" not in capsys.readouterr().out
    (folder / "report.json").write_text('{"config": {"split": "random"}}', encoding="utf-8")
    assert verify(leaking) == (0 if made_by_others else 16)
    assert ("others made this split" in capsys.readouterr().out) == made_by_others


def test_equal_files_in_one_split_are_no_leak(hashed: Manifest) -> None:
    for path in ("train/A/0.jpg", "train/A/1.jpg"):
        (hashed.dataset_dir / path).write_bytes(b"one picture")
    unknown = tuple(replace(s, sha256="") for s in hashed.samples)
    assert verify(replace(hashed, samples=unknown)) == 0
