"""Sign-MNIST tables: every row a picture, malformed ones listed by line, quickly."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from fingerspell.errors import DataError
from fingerspell.prepare.layouts import tables
from fingerspell.prepare.records import Renamed
from fingerspell.prepare.scan import scan
from helpers.touched import touch

HEADER = "label," + ",".join(f"pixel{n}" for n in range(1, 785))


def row(label: object, first: object = 0) -> str:
    return ",".join([str(label), str(first), *["7"] * 783])


def write(path: Path, *rows: str, header: str = HEADER, end: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(end.join([header, *rows]) + end, encoding="utf-8", newline="")
    return path


def test_rows_are_pictures_of_letters(tmp_path: Path) -> None:
    write(tmp_path / "m" / "sign_mnist_train.csv", row(0), row(24), row(3))
    write(tmp_path / "m" / "sign_mnist_test.csv", row(3))
    scanned = scan([tmp_path / "m"])
    found = {f"{f.label} {f.split} {f.file_name}" for f in scanned.records}
    train = {"A train row_00001.png", "Y train row_00002.png", "D train row_00003.png"}
    assert found == {*train, "D test row_00001.png"}
    assert scanned.layouts == (("m", "Sign-MNIST table"),)
    assert Renamed("m", "24", "Y") in scanned.renamed


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("header", [HEADER, "\ufeff" + HEADER, '"' + HEADER.replace(",", '","')])
def test_a_part_is_where_the_row_lies(tmp_path: Path, end: str, header: str) -> None:
    rows = [row(0, 10), row(1, 200), row(2, 3)]
    path = write(tmp_path / "sign_mnist_train.csv", *rows, header=header, end=end)
    data = path.read_bytes()
    for file, text in zip(scan([path]).records, rows, strict=True):
        assert file.part is not None
        start = file.part.offset_bytes
        assert data[start : start + file.part.length_bytes] == text.encode()


def test_the_usual_download_holds_every_table_twice_and_gives_it_once(tmp_path: Path) -> None:
    root = tmp_path / "m"
    write(root / "sign_mnist_train.csv", row(0), row(1))
    (root / "sign_mnist_train").mkdir()
    shutil.copy(root / "sign_mnist_train.csv", root / "sign_mnist_train")
    write(root / "sign_mnist_test" / "sign_mnist_test.csv", row(0), row(1), row(2))
    touch(root, "amer_sign2.png", "more/1.png")
    scanned = scan([root])
    assert len(scanned.records) == 5
    assert {p.name for p in scanned.ignored} == {"amer_sign2.png", "more"}


def test_a_table_may_be_handed_over_itself(tmp_path: Path) -> None:
    train = write(tmp_path / "sign_mnist_train.csv", row(0), row(1))
    test = write(tmp_path / "sign_mnist_test.csv", row(2))
    assert {(f.source, f.split) for f in scan([train]).records} == {("sign_mnist_train", "")}
    assert {f.split for f in scan([train, test]).records} == {"train", "test"}


@pytest.mark.parametrize(
    ("reason", "bad"),
    [
        ("label 26 is none of", [row(26)]),
        ("label -1 is none of", [row(-1)]),
        ("not all whole numbers", [row("A"), *(row(3, x) for x in (256, -1, "1.5", ""))]),
        ("3 columns instead of 785", ["3,1,2"]),
        ("786 columns", [row(3) + ",1"]),
    ],
)
def test_malformed_rows_are_listed_with_their_line(
    tmp_path: Path, reason: str, bad: list[str]
) -> None:
    path = write(tmp_path / "t.csv", row(0), "", *bad, row(1))
    scanned = scan([path])
    assert [f.file_name for f in scanned.records] == [
        "row_00001.png",
        f"row_0000{2 + len(bad)}.png",
    ]
    assert {b.path for b in scanned.unusable} == {path}
    for line, unusable in enumerate(scanned.unusable, start=4):
        assert unusable.reason.startswith(f"line {line}: ") and reason in unusable.reason
    assert len(scanned.unusable) == len(bad)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "\x00\x01", "label,text\nA,x\n"])
def test_another_table_is_none(tmp_path: Path, text: str) -> None:
    root = touch(tmp_path / "x", "A/1.jpg", "B/1.jpg")
    (root / "notes.csv").write_text(text, encoding="utf-8")
    assert scan([root]).layouts == (("x", "class folders"),)
    with pytest.raises(DataError, match="is a file"):
        scan([root / "notes.csv"])


def test_classes_beside_a_table_are_refused(tmp_path: Path) -> None:
    root = touch(tmp_path / "x", "A/1.jpg", "B/1.jpg")
    write(root / "sign_mnist_train.csv", row(0), row(1))
    with pytest.raises(DataError, match="class folders and a Sign-MNIST table"):
        scan([root])


def test_a_table_that_may_not_be_read_is_listed(tmp_path: Path, monkeypatch) -> None:
    write(tmp_path / "m" / "sign_mnist_train.csv", row(0), row(1))
    write(tmp_path / "m" / "sign_mnist_test.csv", row(2))
    opened = Path.open

    def locked(self: Path, *mode: str, **how: object) -> object:
        if self.name == "sign_mnist_test.csv":
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *mode, **how)

    monkeypatch.setattr(tables.Path, "open", locked)
    scanned = scan([tmp_path / "m"])
    assert len(scanned.records) == 2
    assert scanned.unusable[0].reason == "cannot be read (Permission denied)"


def test_a_table_is_read_at_thousands_of_rows_a_second(tmp_path: Path) -> None:
    path = write(tmp_path / "sign_mnist_train.csv", *[row(n % 3, n % 256) for n in range(2000)])
    start = time.process_time()
    assert len(scan([path]).records) == 2000
    assert time.process_time() - start < 1.0
