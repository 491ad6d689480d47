"""A manifest is law: whatever does not hold is refused before training starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fingerspell.dataset.manifest import (
    COLUMNS,
    HELD_OUT,
    OLD_HELD_OUT,
    Sample,
    read_manifest,
    to_csv,
)
from fingerspell.errors import DataError


def sample(split: str, label: str, name: str, group: str | None = None) -> Sample:
    path = f"{split}/{label}/{name}"
    return Sample(path, label, split, group or path, "s", "", "", 4, 5)


GOOD = [sample(split, label, "1.jpg") for split in ("test", "train", "val") for label in "BA"]


def data_set(folder: Path, samples: list[Sample], rule: str = "groups") -> Path:
    for item in samples:
        (folder / item.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / item.path).write_bytes(b"")
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


def test_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    import hashlib

    manifest = read_manifest(data_set(tmp_path, GOOD))
    text = (tmp_path / "manifest.csv").read_bytes()
    assert manifest.sha256 == hashlib.sha256(text).hexdigest()


def test_a_group_on_two_sides_is_refused_unless_the_split_was_random(tmp_path: Path) -> None:
    leaky = [*GOOD, sample("train", "A", "2.jpg", "g"), sample("test", "A", "3.jpg", "g")]
    with pytest.raises(DataError, match="group g lies in train and test"):
        read_manifest(data_set(tmp_path / "groups", leaky))
    assert read_manifest(data_set(tmp_path / "random", leaky, "random")).samples


def test_without_a_report_the_strict_rule_holds(tmp_path: Path) -> None:
    leaky = [*GOOD, sample("train", "A", "2.jpg", "g"), sample("test", "A", "3.jpg", "g")]
    (data_set(tmp_path, leaky, "random") / "report.json").unlink()
    with pytest.raises(DataError, match="group g"):
        read_manifest(tmp_path)


def held(source: str, label: str, name: str, group: str | None = None) -> Sample:
    path = f"unseen_signers/{source}/{label}/{name}"
    return Sample(path, label, HELD_OUT, group or path, source, "", "", 4, 5)


def test_held_out_sources_are_read_and_kept_apart(tmp_path: Path) -> None:
    people = [held("ann", "A", "1.jpg"), held("bob", "B", "1.jpg"), held("ann", "C", "1.jpg")]
    manifest = read_manifest(data_set(tmp_path, [*GOOD, *people]))
    assert manifest.held_out() == {"ann": (people[0], people[2]), "bob": (people[1],)}
    assert manifest.split(HELD_OUT) == tuple(people)
    assert not set(people) & {s for x in ("train", "val", "test") for s in manifest.split(x)}


def test_a_class_that_only_unseen_signers_show_is_no_label(tmp_path: Path) -> None:
    manifest = read_manifest(data_set(tmp_path, [*GOOD, held("ann", "C", "1.jpg")]))
    assert manifest.labels == ("A", "B")


def test_a_data_set_without_unseen_signers_has_none(tmp_path: Path) -> None:
    assert read_manifest(data_set(tmp_path, GOOD)).held_out() == {}


def test_a_data_set_of_an_earlier_version_without_held_out_sources_is_read(tmp_path: Path) -> None:
    data_set(tmp_path, GOOD)
    report = {"format": 2, "config": {"split": "groups"}, "held_out": []}
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    assert read_manifest(tmp_path).labels == ("A", "B")


def test_a_held_out_split_of_an_earlier_version_is_refused_with_a_way_out(tmp_path: Path) -> None:
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
    leaky = [sample(split, "A", "2.jpg", "g"), held("ann", "A", "1.jpg", "g")]
    for order in (leaky, leaky[::-1]):
        with pytest.raises(DataError, match="group g lies in"):
            read_manifest(data_set(tmp_path, [*GOOD, *order], rule))


def test_a_missing_picture_of_an_unseen_signer_is_counted(tmp_path: Path) -> None:
    people = [held("ann", "A", "1.jpg"), held("ann", "A", "2.jpg")]
    data_set(tmp_path, [*GOOD, *people])
    (tmp_path / people[1].path).unlink()
    with pytest.raises(DataError, match=r"1 of 8 .* first unseen_signers/ann/A/2\.jpg"):
        read_manifest(tmp_path)


def test_a_killed_exchange_is_explained_to_who_reads_before_it_is_mended(tmp_path: Path) -> None:
    data_set(tmp_path / "set", GOOD).rename(tmp_path / ".set.previous")
    with pytest.raises(DataError, match="was killed") as error:
        read_manifest(tmp_path / "set")
    assert "run prepare once more" in error.value.fix


def test_missing_pictures_are_counted(tmp_path: Path) -> None:
    data_set(tmp_path, GOOD)
    (tmp_path / GOOD[0].path).unlink()
    with pytest.raises(DataError, match=r"1 of 6 pictures are missing, first test/B/1\.jpg"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "columns \\(none\\)"),
        ("file,class\n1.jpg,A\n", "columns file, class"),
        (",".join(COLUMNS) + ",extra\n", "extra"),
        (",".join(COLUMNS) + "\ntrain/A/1.jpg,A\n", "line 2"),
        (",".join(COLUMNS) + "\ntrain/A/1.jpg,A,train,g,s,,,wide,5\n", "line 2"),
        (",".join(COLUMNS) + "\nx/A/1.jpg,A,holdout,g,s,,,4,5\n", "holdout"),
        (",".join(COLUMNS) + "\n../A/1.jpg,A,train,g,s,,,4,5\n", "outside"),
    ],
)
def test_manifests_of_another_shape_are_refused(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "manifest.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=found):
        read_manifest(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes(b"\xff\xfe\x00path")
    with pytest.raises(DataError, match="UTF-8"):
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
    for split in ("train", val, "test"):
        for label in "AB":
            (tmp_path / split / label).mkdir(parents=True)
            (tmp_path / split / label / "1.jpg").write_bytes(b"")
    manifest = read_manifest(tmp_path)
    assert manifest.labels == ("A", "B")
    assert [manifest.absolute(s) for s in manifest.split("val")] == [
        tmp_path / val / "A" / "1.jpg",
        tmp_path / val / "B" / "1.jpg",
    ]
    assert len({s.group for s in manifest.samples}) == 6


def test_no_folder_and_an_empty_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        read_manifest(tmp_path / "gone")
    with pytest.raises(DataError, match=r"neither manifest\.csv nor class folders"):
        read_manifest(tmp_path)
