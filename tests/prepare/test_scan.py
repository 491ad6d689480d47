"""Class folders are found where people have them; everything else is refused with the way out."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from fingerspell.errors import DataError
from fingerspell.labels import label_of
from fingerspell.prepare.layouts.classes import _label_in
from fingerspell.prepare.records import Record, Renamed
from fingerspell.prepare.scan import _source_names, scan
from helpers.touched import touch

NESTED = "asl_alphabet_train/asl_alphabet_train"
FLAT = "asl_alphabet_test/asl_alphabet_test"


def labels(files: tuple[Record, ...]) -> list[str]:
    return [f.label for f in files]


def test_class_folders_are_the_labels_and_the_folder_is_the_source(tmp_path: Path) -> None:
    scanned = scan([touch(tmp_path / "mine", "A/1.jpg", "B/2.jpg", "del/3.png")])
    assert [(f.label, f.path.name, f.source, f.split) for f in scanned.records] == [
        ("A", "1.jpg", "mine", ""),
        ("B", "2.jpg", "mine", ""),
        ("del", "3.png", "mine", ""),
    ]
    assert scanned.layouts == (("mine", "class folders"),)
    assert scanned.renamed == scanned.unusable == scanned.ignored == ()
    file = scanned.records[0]
    status = file.path.stat()
    assert (file.size_bytes, file.mtime_ns) == (status.st_size, status.st_mtime_ns)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["s/s/A/1.jpg", "s/s/B/1.jpg"], ["A", "B"]),
        (["A/1.jpg", "train_station/train_station_1.jpg"], ["A", "train_station"]),
        (["A/1.jpg", "B/1.jpg", "C/c/1.jpg", "hi/hi/hi/1.jpg"], ["A", "B", "C", "hi"]),
        (["a/1.jpg", "A /1.jpg", "B/1.jpg"], ["A", "A", "B"]),
    ],
    ids=["nested", "a sign that speaks of training", "in one of its own name", "one meaning"],
)
def test_class_folders_are_found_where_people_have_them(
    tmp_path: Path, names: list[str], found: list[str]
) -> None:
    scanned = scan([touch(tmp_path / "x", *names)])
    assert labels(scanned.records) == found
    assert len({(f.label, f.file_name.casefold()) for f in scanned.records}) == len(found)
    assert scanned.ignored == scanned.unusable == ()


@pytest.mark.parametrize("test", [FLAT, "asl_alphabet_test"])
@pytest.mark.parametrize("names", [("A_test.jpg",), ("A_test.jpg", "space_test.jpg")])
def test_a_whole_download_gives_its_train_part_and_says_why(
    tmp_path: Path, test: str, names: tuple[str, ...]
) -> None:
    pictures = (f"{NESTED}/A/A1.jpg", f"{NESTED}/B/B1.jpg", *(f"{test}/{n}" for n in names))
    scanned = scan([touch(tmp_path / "download", *pictures)])
    assert [(f.label, f.split) for f in scanned.records] == [("A", ""), ("B", "")]
    assert [p.name for p in scanned.ignored] == list(names)
    assert f"{len(names)} test pictures" in scanned.layouts[0][1]
    assert "copies of training pictures" in scanned.layouts[0][1]


def test_a_flat_test_folder_right_beside_the_classes_is_not_a_class(tmp_path: Path) -> None:
    root = touch(tmp_path / "x", "A/1.jpg", "B/1.jpg", "test/x.jpg", "asl_test/A_test.jpg")
    scanned = scan([root])
    assert labels(scanned.records) == ["A", "B"]
    assert {p.name for p in scanned.ignored} == {"x.jpg", "A_test.jpg"}


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [
        ("train", "val", "test"),
        ("Train", "VALID", "TEST"),
        ("training", "validation", "testing"),
        ("asl_train", "asl_val", "asl_test"),
        ("train/train", "valid/valid", "test/asl"),
        ("deep/in/train", "deep/in/val", "deep/in/test"),
    ],
)
def test_ready_made_splits_are_kept_in_mind(
    tmp_path: Path, train: str, val: str, test: str
) -> None:
    names = [f"{s}/{c}/{c}{i}.jpg" for i, s in enumerate((train, val, test)) for c in "AB"]
    scanned = scan([touch(tmp_path / "x", *names)])
    assert [(f.label, f.split, f.file_name) for f in scanned.records] == [
        (c, s, f"{c}{i}.jpg") for c in "AB" for i, s in enumerate(("train", "val", "test"))
    ]
    assert scanned.layouts[0][1] == "ready-made splits"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["train/A/1", "train/B/2", "test/B/3"], "A:train:1 B:train:2 B:test:3"),
        (["train/A/1", "train/B/B/1", "test/A/A/2"], "A:train:1 A:test:2 B:train:1"),
        (["train/A/1", "test/A/1", "train/B/1"], "A:train:train_1 A:test:test_1 B:train:1"),
        (["train/A/1", "train/B/2"], "A::1 B::2"),
    ],
    ids=["one class only", "nested under its own name", "called alike", "nothing to test"],
)
def test_what_ready_made_splits_may_hold(tmp_path: Path, names: list[str], found: str) -> None:
    scanned = scan([touch(tmp_path / "x", *(f"{name}.jpg" for name in names))])
    told = [f"{f.label}:{f.split}:{f.file_name.removesuffix('.jpg')}" for f in scanned.records]
    assert " ".join(told) == found


def test_classes_are_renamed_by_the_table_and_it_is_told(tmp_path: Path) -> None:
    scanned = scan([touch(tmp_path / "x", "a/1.jpg", "Delete/1.jpg", "blank/1.jpg", "hello/1.jpg")])
    assert labels(scanned.records) == ["A", "del", "hello", "nothing"]
    names = {"a": "A", "Delete": "del", "blank": "nothing"}
    assert set(scanned.renamed) == {Renamed("x", *name) for name in names.items()}


def test_a_class_folder_without_a_name_is_listed_and_an_empty_one_no_obstacle(
    tmp_path: Path,
) -> None:
    root = touch(tmp_path / "x", "A/1.jpg", "B/1.jpg", " /1.jpg")
    (root / "C" / "C").mkdir(parents=True)
    scanned = scan([root])
    assert labels(scanned.records) == ["A", "B"]
    assert [bad.reason for bad in scanned.unusable] == ["a class folder without a name"]


def test_own_signs_that_differ_in_capitals_only_are_refused(tmp_path: Path) -> None:
    one, two = touch(tmp_path / "1", "Hi/1.jpg"), touch(tmp_path / "2", "hi/1.jpg")
    with pytest.raises(DataError, match="the classes Hi and hi"):
        scan([one, two])


def test_frames_keep_the_order_of_their_numbers_and_any_name_has_its_place(tmp_path: Path) -> None:
    names = ["01.jpg", "1.jpg", "9.jpg", "10.jpg", "100.jpg", "A9.jpg", "A10.jpg", "²1.jpg"]
    root = touch(tmp_path / "x", *(f"A/{name}" for name in reversed(names)), "B/ä ё 手.jpg")
    assert [f.path.name for f in scan([root]).records] == [*names, "ä ё 手.jpg"]


def test_hidden_files_and_notes_are_no_pictures_and_what_is_passed_over_is_told(
    tmp_path: Path,
) -> None:
    root = touch(
        tmp_path / "x", "A/1.jpg", "A/.DS_Store", "A/Thumbs.db", "A/readme.txt", "B/1.odd",
        "__MACOSX/A/1.jpg", ".git/A/1.jpg", "A/deeper/2.jpg", "loose.jpg", "more/C/1.jpg",
        "more/D/1.jpg",
    )  # fmt: skip
    (root / "C").mkdir()
    scanned = scan([root])
    assert [f.path.name for f in scanned.records] == ["1.jpg", "1.odd"]
    assert {p.name for p in scanned.ignored} == {"C", "deeper", "loose.jpg", "more"}


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (["one/hands", "two/Hands"], ["hands", "Hands_2"]),
        ([".webcam2", "x"], ["webcam2", "x"]),
        (["...x", "x"], ["x", "x_2"]),
    ],
)
def test_each_input_folder_is_a_source_of_its_own_name_that_is_not_hidden(
    tmp_path: Path, folders: list[str], names: list[str]
) -> None:
    roots = [touch(tmp_path / folder, "A/1.jpg", "B/1.jpg") for folder in folders]
    assert _source_names(roots) == names
    assert {f.source for f in scan(roots).records} == set(names)


def test_a_source_may_add_to_one_class_and_write_a_letters_mark_in_another_way(
    tmp_path: Path,
) -> None:
    one = touch(tmp_path / "one", "\u00c9/1.jpg", "A/1.jpg")
    two, three = touch(tmp_path / "two", "E\u0301/2.jpg"), touch(tmp_path / "3", "nothing/1.jpg")
    scanned = scan([one, two, three])
    assert labels(scanned.records) == ["A", "\u00c9", "\u00c9", "nothing"]
    assert scanned.renamed == ()


@pytest.mark.parametrize(
    ("names", "first"),
    [
        ([f"{who}/{c}/1.jpg" for who in ("anna", "ben") for c in "AB"], "anna ben"),
        ([f"{who}/{c}/1.jpg" for who in "AB" for c in "abc"], "A B"),
        ([f"p{n}/{c}/1.jpg" for n in range(1, 9) for c in "AB"], "p1 p2 p3 …"),
        ([f"{w}/{s}/{c}/1.jpg" for w in "xy" for s in ("train", "test") for c in "AB"], "x y"),
    ],
    ids=["by name", "called by letters", "many", "split already"],
)
def test_a_folder_of_sources_is_refused_and_names_them(
    tmp_path: Path, names: list[str], first: str
) -> None:
    root = touch(tmp_path / "data", *names)
    count = len({name.split("/")[0] for name in names})
    with pytest.raises(DataError, match=f"{count} folders with classes of their own") as caught:
        scan([root])
    paths = " ".join(name if name == "…" else str(root / name) for name in first.split())
    assert caught.value.fix.endswith(f"--input_dir {paths}")
    assert count == 2 or caught.value.found.endswith(": p1, p2, p3, p4, p5, p6 and 2 more")


def below(uppers: str, *lower: str) -> list[str]:
    """A picture in every path that takes one word of each level."""
    return [f"{'/'.join(path)}/1.jpg" for path in product(uppers.split(), *map(str.split, lower))]


THREE = {"hello": ["anna", "ben", "cy"], "please": ["anna", "ben", "cy"]}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (below("hello please", "anna ben cy"), THREE),
        (below("words", "words", "hello please", "anna ben cy"), THREE),
        (below("hello please", "anna ben cy", "images"), THREE),
        (below("train test", "hello please", "anna ben cy"), THREE),
        (below("A B", "s1 s2 s3"), {"A": ["s1", "s2", "s3"], "B": ["s1", "s2", "s3"]}),
        (below("0 1", "001 002 003"), {"0": ["001", "002", "003"], "1": ["001", "002", "003"]}),
        (below("hello", "h1 h2 h3") + below("bye", "b1 b2"),
         {"bye": ["b1", "b2"], "hello": ["h1", "h2", "h3"]}),
        ([*below("hello please", "anna ben cy"), "hello/0.jpg"],
         {"hello": ["", "anna", "ben", "cy"], "please": ["anna", "ben", "cy"]}),
        (below("hello bye") + below("please", "anna ben cy"),
         {"bye": [""], "hello": [""], "please": ["anna", "ben", "cy"]}),
        (below("A") + below("B", "s1 s2 s3"), {"A": [""], "B": ["s1", "s2", "s3"]}),
        (below("hi") + below("A", "signer_1 signer_2 signer_3", "day1 day2"),
         {"A": ["signer_1", "signer_2", "signer_3"], "hi": [""]}),
        (below("hello please", "images"), {"hello": [""], "please": [""]}),
        (below("hello please", "anna ben"), {"hello": [""], "please": [""]}),
        (["x_ray/1/a.jpg", "yes/2/b.jpg"], {"x_ray": [""], "yes": [""]}),
    ],
)  # fmt: skip
def test_the_upper_folder_is_the_class_and_the_lower_one_a_person(
    tmp_path: Path, names: list[str], found: dict[str, list[str]]
) -> None:
    scanned = scan([touch(tmp_path / "x", *names)])
    persons: dict[str, set[str]] = {}
    for record in scanned.records:
        persons.setdefault(record.label, set()).add(record.person)
    assert {label: sorted(of_label) for label, of_label in persons.items()} == found
    assert scanned.ignored == scanned.unusable == ()


@pytest.mark.parametrize(
    ("names", "first", "sources"),
    [
        (below("p1 p2 p3 p4", "hello please"), "p1/person_hello", "p1 p2 p3 …"),
        (below("person1 person2", "hello please"), "", "person1 person2"),
        (below("day1 day2", "hello please", "anna"), "", "day1 day2"),
        (below("mine theirs", "hello bye", "anna ben"), "mine/person_bye", "mine theirs"),
        ([*below("hello", "anna ben"), "bye/1.jpg"], "hello/person_anna", "hello"),
        ([*below("signs", "hello please"), "docs/more/1.jpg"], "signs/person_hello", "signs"),
        (below("hello please", "A B"), "hello/person_A", "hello please"),
        (below("A B", "a b c"), "A/person_a", "A B"),
        (below("hello please", "train test", "anna ben"), "train/hello/anna", "hello please"),
    ],
)
def test_where_either_level_may_be_the_classes_the_advice_says_how_to_lay_out_each(
    tmp_path: Path, names: list[str], first: str, sources: str
) -> None:
    root = touch(tmp_path / "x", *names)
    with pytest.raises(DataError) as caught:
        scan([root])
    paths = " ".join(name if name == "…" else str(root / name) for name in sources.split())
    advice = f"name each as a source: --input_dir {paths}"
    if first:
        upper, lower = first.removeprefix("train/").replace("person_", "").split("/")
        person = f"if {lower} is a person or recording of the class {upper}, name it so: {first}"
        advice = f"{person}; if {lower} is a class, {advice}"
    assert caught.value.fix == advice
    if "person_" in first:  # The advice, followed.
        people = [re.sub(r"/(?=[^/]+/)", "/person_", name, count=1) for name in names]
        found = scan([touch(tmp_path / "again", *people)])
        assert {r.label for r in found.records} == {label_of(name.split("/")[0]) for name in names}


def test_few_pictures_below_a_class_are_passed_over_and_named(tmp_path: Path) -> None:
    scanned = scan([touch(tmp_path / "x", "A/1.jpg", "A/blurred/2.jpg", "B/1.jpg")])
    assert [path.name for path in scanned.ignored] == ["blurred"]


def test_classes_that_are_called_like_persons_are_refused(tmp_path: Path) -> None:
    """As where somebody hands over the words of `WORD/PERSON` one by one."""
    with pytest.raises(DataError, match="called like persons or recordings: person1, person2"):
        scan([touch(tmp_path / "hello", *below("person1 person2"))])


def test_it_is_said_what_was_taken_for_classes_and_persons(tmp_path: Path) -> None:
    root = touch(tmp_path / "x", *below("hello please", "ann ben cy"))
    told = (
        "class folders: the upper folders are the classes (hello, please), the lower ones "
        "(ann, ben, cy) persons or recordings, each on one side of the split; if it is the other "
        f"way round, name each as a source: --input_dir {root / 'hello'} {root / 'please'}"
    )
    assert scan([root]).layouts == (("x", told),)
    few = touch(tmp_path / "few", *below("A B", "ann ben"))
    assert (
        scan([few])
        .layouts[0][1]
        .endswith(
            "(ann, ben) persons or recordings, fewer than 3 a class: only near duplicates are kept "
            "together, and the test may show persons of the training pictures"
        )
    )


@pytest.mark.parametrize(
    ("names", "found", "fix"),
    [
        ("", "no pictures", "sort the pictures"),
        ("1.jpg 2.jpg", "2 files but no class folders", "sort the pictures"),
        ("A1.jpg B1.jpg cat.jpg", "3 files but no class folders", "sort the pictures"),
        ("A1.jpg A2.jpg", "2 files but no class folders", "sort the pictures"),
        ("IMG_1.jpg DSC_1.jpg", "2 files but no class folders", "sort the pictures"),
        ("some/where/A1.jpg some/where/B1.jpg", "only one folder with pictures", "sort the"),
        ("A/left_1.jpg A/right_1.jpg", "only the class A", "hand over the folder"),
        ("hello/person_1/1 hello/person_2/1", "only the class hello", "hand over the folder"),
        ("x/y/A/1.jpg", "only one folder with pictures, .*A", "sort the pictures"),
        ("train/1.jpg valid/2.jpg", "pictures without class folders in train, valid", "sort"),
        ("A/1 B/1 train/A/1 train/B/1 test/A/1 test/B/1", "side by side", "the one or the other"),
        (
            "A/1 B/1 C/C/1 C/D/1",
            "no pictures right in the class folder .*C, but",
            "move the pictures",
        ),
        ("train/1.jpg train/_annotations.coco.json valid/2.jpg", "format COCO", "as YOLO"),
        ("train2017/1.jpg annotations/instances_train2017.json", "format COCO", "as YOLO"),
        ("train/1.jpg train/1.xml valid/2.jpg valid/2.xml", "format Pascal VOC", "as YOLO"),
        ("JPEGImages/1.jpg Annotations/1.xml", "format Pascal VOC", "as YOLO"),
        ("train/1.jpg train/_annotations.csv", "TensorFlow object detection CSV", "as YOLO"),
        ("train/1.jpg train/_classes.csv", "format multi-label CSV", "as YOLO"),
        ("train/images/1.jpg train/labels/1.txt", "format YOLO without a data.yaml", "as YOLO"),
    ],
)
def test_what_makes_no_classes_is_refused_with_the_way_out(
    tmp_path: Path, names: str, found: str, fix: str
) -> None:
    with pytest.raises(DataError, match=found) as caught:
        scan([touch(tmp_path, *names.split())])
    assert fix in caught.value.fix


def test_annotations_beside_class_folders_do_no_harm(tmp_path: Path) -> None:
    root = touch(tmp_path / "x", "A/1.jpg", "A/1.xml", "B/1.jpg", "instances_all.json")
    (root / "data.yaml").write_text("names: [A, B]", encoding="utf-8")
    scanned = scan([root])
    assert labels(scanned.records) == ["A", "B"]
    assert scanned.layouts == (("x", "class folders"),)


def test_what_is_missing_a_file_or_broken_throughout_is_told_apart(tmp_path: Path) -> None:
    table = tmp_path / "sign_mnist_train.csv"
    table.write_text("label,pixel1\n1,2\nx,y\n", encoding="utf-8")
    for path, found in (
        (tmp_path / "gone", "no folder"),
        (touch(tmp_path, "a.zip") / "a.zip", "is a file"),
        (table, r"no usable picture among 2, first .*line 2"),
    ):
        with pytest.raises(DataError, match=found):
            scan([path])


def test_the_folder_may_be_named_relative_to_the_current_one(tmp_path: Path, monkeypatch) -> None:
    root = touch(tmp_path / "here", "train/A/1.jpg", "test/A/1.jpg", "train/B/2.jpg")
    monkeypatch.chdir(root)
    scanned = scan([Path()])
    assert {f.source for f in scanned.records} == {"here"}
    assert [f.file_name for f in scanned.records] == ["train_1.jpg", "test_1.jpg", "2.jpg"]


@pytest.mark.parametrize(
    ("label", "names"),
    [
        ("A", ["A_test.jpg", "A_TEST.JPG"]),
        ("nothing", ["nothing_test.jpg"]),
        ("B", ["B12.png", "B_12.png", "B-12.png", "B (12).png"]),
        ("thank_you", ["thank_you_3.jpg"]),
        ("3", ["3_12.jpg"]),
        ("ñ", ["ñ1.jpg"]),
        (None, ["A", "A.jpg", "12.jpg", "_1.jpg", "hand1_a_bot_seg_1_cropped.png"]),
        (None, ["2024-01-31.jpg", "IMG_20240131_120001.jpg"]),
        (None, ["IMG_1.jpg", "dsc-2.JPG", "PXL 3.jpg", "photo (4).png", "Win5.jpg"]),
    ],
)
def test_the_label_stands_before_the_number_or_the_word_test(
    label: str | None, names: list[str]
) -> None:
    assert {_label_in(name) for name in names} == {label}


@pytest.mark.parametrize(
    ("root", "names", "found", "ignored"),
    [
        ("asl_alphabet_test", "A_test space_test B_test", ["A", "B", "space"], []),
        ("x", f"{FLAT}/A_test {FLAT}/b_test", ["A", "B"], []),
        (
            "x/asl_alphabet_test",
            "asl_alphabet_test/A_test asl_alphabet_test/b_test",
            ["A", "B"],
            [],
        ),
        ("x", "A1 B1 more/deep/1", ["A", "B"], ["more"]),
        ("x", "A1 B1 asl_test/C_test", ["A", "B"], ["C_test.jpg"]),
    ],
    ids=["the test folder alone", "nested", "the outer one", "a folder inside", "a test inside"],
)
def test_a_flat_folder_is_read_by_the_names_of_its_files(
    tmp_path: Path, root: str, names: str, found: list[str], ignored: list[str]
) -> None:
    scanned = scan([touch(tmp_path / root, *(f"{name}.jpg" for name in names.split()))])
    assert labels(scanned.records) == found
    assert [path.name for path in scanned.ignored] == ignored
    assert scanned.layouts[0][1] == "names"
