"""Every box of a YOLO export is a picture; names and lines that are doubtful are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from fingerspell.errors import DataError
from fingerspell.prepare.layouts.boxes import _class_names, _has_names, _parse_box
from fingerspell.prepare.records import Box
from fingerspell.prepare.scan import scan
from helpers.touched import touch

BOX = "0.5 0.5 0.2 0.4"
KINDS = ("images", "labels")


def export(
    root: Path,
    boxes: dict[str, str],
    yaml: str = "names: [A, B, blank]",
    order: str = "{split}/{kind}/{stem}",
) -> Path:
    """Writes a picture and a text file for each `split/stem`; the order is Roboflow's."""
    touch(root)
    (root / "data.yaml").write_text(yaml, encoding="utf-8")
    for name, text in boxes.items():
        split, stem = name.split("/")
        images, labels = (order.format(split=split, kind=k, stem=stem) for k in KINDS)
        touch(root, f"{images}.jpg", f"{labels}.txt")
        (root / f"{labels}.txt").write_text(text, encoding="utf-8")
    return root


def test_each_box_is_a_picture_of_its_class_and_split(tmp_path: Path) -> None:
    root = export(
        tmp_path / "x",
        {"train/1": f"0 {BOX}\n1 0.25 0.5 0.5 1\n", "valid/2": f"1 {BOX}", "test/3": f"2 {BOX}"},
    )
    scanned = scan([root])
    assert [(f.label, f.split, f.file_name, f.path.name) for f in scanned.records] == [
        ("A", "train", "1_box1.jpg", "1.jpg"),
        ("B", "train", "1_box2.jpg", "1.jpg"),
        ("B", "val", "2_box1.jpg", "2.jpg"),
        ("nothing", "test", "3_box1.jpg", "3.jpg"),
    ]
    assert scanned.records[1].part == Box(0.0, 0.0, 0.5, 1.0)
    assert scanned.layouts == (("x", "YOLO boxes"),)
    assert [(r.folder, r.label) for r in scanned.renamed] == [("blank", "nothing")]
    assert scanned.ignored == scanned.unusable == ()


@pytest.mark.parametrize("before", ["", "download"])
def test_pictures_and_labels_may_stand_before_the_split(tmp_path: Path, before: str) -> None:
    boxes = {"train/1": f"0 {BOX}", "val/2": f"1 {BOX}"}
    names = "names:\n  0: A\n  1: B\n"
    root = export(tmp_path / "x" / before, boxes, names, order="{kind}/{split}/{stem}")
    touch(root, "train.txt")
    (root / "data.yaml").rename(root / "set.yaml")
    scanned = scan([tmp_path / "x"])
    assert [(f.label, f.split) for f in scanned.records] == [("A", "train"), ("B", "val")]
    assert scanned.ignored == ()


LISTED = {
    "Label Studio": ("classes.txt", "images/{}.jpg", "labels/{}.txt"),
    "labelImg": ("classes.txt", "{}.jpg", "{}.txt"),
    "labelImg, two folders": ("labels/classes.txt", "images/{}.jpg", "labels/{}.txt"),
    "CVAT": ("obj.names", "obj_train_data/{}.jpg", "obj_train_data/{}.txt"),
}


def listed(root: Path, kind: str, names: str = "A\nB\nhello world\n\n") -> Path:
    """Writes an export whose classes stand in a text, one a line."""
    classes, picture, boxes = LISTED[kind]
    for stem, text in {"1": f"0 {BOX}\n2 {BOX}", "2": f"1 {BOX}\n"}.items():
        touch(root, picture.format(stem), boxes.format(stem))
        (root / boxes.format(stem)).write_text(text, encoding="utf-8")
    touch(root, classes, *["obj.data", "train.txt"] * (kind == "CVAT"))
    (root / classes).write_text(names, encoding="utf-8")
    return root


@pytest.mark.parametrize("kind", LISTED)
def test_class_names_may_stand_one_a_line(tmp_path: Path, kind: str) -> None:
    scanned = scan([listed(tmp_path / "x", kind)])
    assert [(f.label, f.file_name) for f in scanned.records] == [
        ("A", "1_box1.jpg"), ("B", "2_box1.jpg"), ("hello world", "1_box2.jpg"),
    ]  # fmt: skip
    assert scanned.layouts == (("x", "YOLO boxes"),)
    assert scanned.ignored == scanned.unusable == ()


@pytest.mark.parametrize(
    ("names", "found"), [("A\n\nB", "line 2 is empty"), ("\n", "there is no name")]
)
def test_a_list_of_names_with_holes_is_refused(tmp_path: Path, names: str, found: str) -> None:
    with pytest.raises(DataError, match=found):
        scan([listed(tmp_path / "x", "labelImg", names)])


def test_a_class_that_the_list_lacks_is_told_by_the_lists_own_name(tmp_path: Path) -> None:
    scanned = scan([listed(tmp_path / "x", "labelImg", "A\nB")])
    assert [bad.reason for bad in scanned.unusable] == [
        "line 2: class 2, but classes.txt names 2 classes"
    ]


def test_class_folders_with_captions_and_a_list_of_classes_are_class_folders(tmp_path) -> None:
    root = touch(tmp_path / "x", "A/1.jpg", "A/1.txt", "B/1.jpg", "B/1.txt", "classes.txt")
    (root / "A" / "1.txt").write_text("2 hands in front of a wall", encoding="utf-8")
    assert scan([root]).layouts == (("x", "class folders"),)


def test_pictures_without_boxes_and_boxes_without_pictures_are_passed_over(tmp_path: Path) -> None:
    root = export(tmp_path / "x", {"train/1": f"0 {BOX}\n1 {BOX}", "train/2": "\n"})
    touch(root, "train/images/3.jpg", "train/labels/4.txt", "README.roboflow.txt", "x.png")
    scanned = scan([root])
    assert sorted(p.name for p in scanned.ignored) == ["2.jpg", "3.jpg", "4.txt", "x.png"]


def test_bad_lines_are_listed_and_the_good_ones_kept(tmp_path: Path) -> None:
    lines = f"0 {BOX}\n\n7 {BOX}\nA {BOX}\n1 0.5 0.5\n1 {BOX}\n-1 {BOX}"
    root = export(tmp_path / "x", {"train/1": lines, "train/2": "0 9 9 9 9", "train/3": ""})
    (root / "train" / "labels" / "3.txt").write_bytes(b"\xff\xfe\x00")
    scanned = scan([root])
    assert [(f.label, f.file_name) for f in scanned.records] == [
        ("A", "1_box1.jpg"), ("B", "1_box2.jpg"),
    ]  # fmt: skip
    assert [(bad.path.name, bad.reason.split(":")[0]) for bad in scanned.unusable[:-1]] == [
        ("1.txt", "line 3"), ("1.txt", "line 4"), ("1.txt", "line 5"), ("1.txt", "line 7"),
        ("2.txt", "line 1"),
    ]  # fmt: skip
    assert "class 7, but data.yaml names 3 classes" in scanned.unusable[0].reason
    assert scanned.unusable[-1].reason.startswith("boxes that cannot be read (")
    assert [path.name for path in scanned.ignored] == ["3.jpg"]


@pytest.mark.parametrize(
    ("line", "edges"),
    [
        ("3 0.5 0.5 0.2 0.4", (0.4, 0.3, 0.6, 0.7)),
        ("3 0.1 0.2 0.5 0.3 0.4 0.9", (0.1, 0.2, 0.5, 0.9)),
        ("3 0.3 0.4 0.5 0.3 0.1 0.9 0.2 0.2", (0.1, 0.2, 0.5, 0.9)),
        ("3 0.5 0.5 1.01 1", (0.0, 0.0, 1.0, 1.0)),
    ],
)
def test_a_box_or_a_polygon_gives_edges(line: str, edges: tuple[float, ...]) -> None:
    index, box = _parse_box(line)
    assert index == 3
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx(edges)


@pytest.mark.parametrize(
    ("reason", "lines"),
    [
        ("1 numbers", ["0"]),
        ("3 numbers", ["0 0.1 0.1"]),
        ("6 numbers", ["0 0.5 0.5 0.2 0.4 0.9"]),
        ("8 numbers", ["0 0.1 0.1 0.2 0.2 0.3 0.3 0.4"]),
        ("not all numbers", ["0.5 0.5 0.5 0.2 0.4", "0 a 0.5 0.2 0.4"]),
        ("not pixels", ["0 320 240 50 60"]),
        ("outside", ["0 nan 0.5 0.2 0.4", "0 0.5 0.5 inf 0.4", "0 0.9 0.5 0.4 0.4"]),
        ("outside", ["0 0.1 0.5 0.4 0.4"]),
        ("without area", ["0 0.5 0.5 0 0.4", "0 0.5 0.5 0.4 0", "0 0.5 0.5 -0.2 0.4"]),
    ],
)
def test_lines_that_are_no_box_say_why(reason: str, lines: list[str]) -> None:
    for line in lines:
        with pytest.raises(ValueError, match=reason):
            _parse_box(line)


@pytest.mark.parametrize(
    ("yaml", "found"),
    [
        ("names: A", "is no list"),
        ("names: [A, ../../x]", "cannot be a folder"),
        ("names: [A, ' ']", "cannot be a folder"),
        ("kpt_shape: [21, 2]\nnames: [A, B]", "key points"),
    ],
)
def test_class_names_that_cannot_work_are_refused(tmp_path: Path, yaml: str, found: str) -> None:
    root = export(tmp_path / "x", {"train/1": f"0 {BOX}"}, yaml)
    with pytest.raises(DataError, match=found):
        scan([root])


def test_data_yaml_counts_before_other_lists_of_names(tmp_path: Path) -> None:
    root = export(tmp_path / "x", {"train/1": f"0 {BOX}\n1 {BOX}"}, "names: [C, D]")
    (root / "another.yaml").write_text("names: [A, B]", encoding="utf-8")
    (root / "hyp.yaml").write_text("lr: 1", encoding="utf-8")
    assert [f.label for f in scan([root]).records] == ["C", "D"]


def test_several_exports_are_refused(tmp_path: Path) -> None:
    for name in ("x", "y"):
        export(tmp_path / "all" / name, {"train/1": f"0 {BOX}\n1 {BOX}"})
    with pytest.raises(DataError, match="2 YOLO exports"):
        scan([tmp_path / "all"])


ABC = {0: "A", 1: "B", 2: "C"}


@pytest.mark.parametrize(
    "text",
    [
        "names: ['A', 'B', 'C']",
        'nc: 3\nnames: ["A","B","C"]\nval: x\n',
        "names: [A, B, C]  # the classes\nnc: 3",
        "names: [\n  A,  # first\n  'B',\n  C,\n]\nnc: 3",
        "names:\n- A\n- B\n- C\nnc: 3\n",
        "names:\n  - A\n\n  - 'B'  # second\n  - \"C\"\n",
        "names:\n  0: A\n  1: B\n  2: 'C'\ntrain: x\n",
        "names: {0: A, 1: 'B', 2: C}",
        "train: ../train/images\r\nnames:\r\n- A\r\n- B\r\n- C\r\n",
        "path: x\nnames :\n  - A\n  - B\n  - C",
    ],
)
def test_every_usual_way_to_write_a_list_is_understood(text: str) -> None:
    assert _has_names(text)
    assert _class_names(text) == ABC


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("names: [N, no, 1, 007, ~]", dict(enumerate(["N", "no", "1", "007", "~"]))),
        ("names: ['don''t', \"a,b\", 'x]y', a#b]", dict(enumerate(["don't", "a,b", "x]y", "a#b"]))),
        (
            "path: ../x  # root\nroboflow:\n  names: [X]\n  url: https://x.y/z\nnames: [A, B, C]",
            ABC,
        ),
        ("letters: &all [A, B, C]\nnames: *all", ABC),
        ("names:\n  3: D\n  7: H", {3: "D", 7: "H"}),
    ],
)
def test_names_are_text_as_it_is_written_at_the_top_level(text: str, names: dict[int, str]) -> None:
    assert _class_names(text) == names


@pytest.mark.parametrize(
    ("reason", "texts"),
    [
        ("no `names:`", ["nc: 3", "model:\n  names: [A]", "- names", ""]),
        ("is no list", ["names: A"]),
        ("is empty", ["names:\nnc: 3", "names: []"]),
        ("this is no YAML .*line 1: expected ',' or ']'", ["names: [A, B"]),
        ("this is no YAML .*line 2: ", ["names:\n\t- A", 'names: [A]\nval: "C:\\data"']),
        ("this is no YAML", ["names: [A]\nval: \x00", "names: " + "[" * 600]),
        ("stands twice", ["names: [A]\nnc: 1\nnames: [B]"]),
        ("line 1 is no name", ["names: ['']", "names: [[A], B]", "names: [A, {b: 1}]"]),
        ("line 3 is no name", ["names:\n  - A\n  -"]),
        ("is no number of a class, line 2", ["names:\n  a: b"]),
        ("is no number", ["names: {A, B}"]),
        ("named twice", ["names:\n  0: A\n  0: B"]),
    ],
)
def test_names_that_are_doubtful_are_refused(reason: str, texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(ValueError, match=reason):
            _class_names(text)
