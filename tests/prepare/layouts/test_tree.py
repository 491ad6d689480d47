"""Links, locked folders and odd files: listed with the reason, never followed out, never fatal."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from fingerspell.errors import DataError
from fingerspell.prepare.layouts import tree
from fingerspell.prepare.scan import Scan, scan
from helpers.touched import touch

posix = pytest.mark.skipif(os.name == "nt", reason="no such links, names and pipes there")

BOTH = ["A/1.jpg", "B/1.jpg"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return touch(tmp_path / "hands", "A/1.jpg", "B/1.jpg")


def reasons(scanned: Scan) -> dict[str, str]:
    return {bad.path.name: bad.reason for bad in scanned.unusable}


def paths(scanned: Scan, root: Path) -> list[str]:
    return [f.path.relative_to(root).as_posix() for f in scanned.records]


@posix
def test_links_to_files_and_folders_inside_are_followed_and_the_input_may_be_one(
    root: Path,
) -> None:
    touch(root, ".pool/c/1.jpg")
    (root / "A" / "2.jpg").symlink_to("../B/1.jpg")
    (root / "C").symlink_to(root / ".pool" / "c", target_is_directory=True)
    link = root.parent / "linked"
    link.symlink_to(root)
    for folder in (root, link):
        assert paths(scan([folder]), folder) == ["A/1.jpg", "A/2.jpg", "B/1.jpg", "C/1.jpg"]


@posix
@pytest.mark.parametrize("target", ["../elsewhere", "../hands2/C", ".way"])
def test_a_class_may_be_a_link_that_leaves_the_folder(root: Path, target: str) -> None:
    touch(root.parent, "elsewhere/1.jpg", "hands2/C/1.jpg")
    (root / ".way").symlink_to(root.parent / "elsewhere")
    (root / "C").symlink_to(root / target)
    scanned = scan([root])
    assert paths(scanned, root) == [*BOTH, "C/1.jpg"]
    assert scanned.unusable == ()


@posix
def test_every_file_may_be_a_link_into_a_cache(tmp_path: Path) -> None:
    """As model hubs lay a data set out: names in one folder, contents in another."""
    touch(tmp_path, *(f"blobs/{name}" for name in "abcd"))
    for name, place in zip("abcd", ("A/1.jpg", "A/2.jpg", "B/1.jpg", "B/2.jpg"), strict=True):
        path = tmp_path / "snapshot" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(tmp_path / "blobs" / name)
    scanned = scan([tmp_path / "snapshot"])
    assert paths(scanned, tmp_path / "snapshot") == ["A/1.jpg", "A/2.jpg", "B/1.jpg", "B/2.jpg"]


@posix
@pytest.mark.parametrize("target", ["..", "../..", "/"])
def test_a_link_to_a_folder_around_the_input_is_not_followed(root: Path, target: str) -> None:
    (root / "C").symlink_to(root / target if target != "/" else "/", target_is_directory=True)
    scanned = scan([root])
    assert paths(scanned, root) == BOTH
    assert reasons(scanned)["C"].startswith("a link to a folder around this one: ")


COMPANIONS = (
    "A/1.AAE", "A/1.MOV", "A/1.jpg.xmp", "A/Picasa.ini", "B/ehthumbs.db", "B/Thumbs.db",
    "B/1.jpg:Zone.Identifier", "B/desktop.ini", "B/1.lnk",
)  # fmt: skip


@posix
def test_what_phones_and_photo_managers_leave_is_counted_and_no_picture(root: Path) -> None:
    scanned = scan([touch(root, *COMPANIONS)])
    assert paths(scanned, root) == BOTH and scanned.unusable == () and scanned.ignored == ()
    assert dict(scanned.companions) == {
        "aae": 1, "mov": 1, "xmp": 1, "ini": 2, "db": 2, "identifier": 1, "lnk": 1,
    }  # fmt: skip


@posix
def test_no_cycle_is_entered_and_no_folder_read_twice(root: Path) -> None:
    (root / "A" / "up").symlink_to("..")
    (root / "C").symlink_to("A")
    touch(root, ".pool/c/1.jpg")
    (root / "D").symlink_to(".pool/c")
    (root / "E").symlink_to(".pool/c")
    scanned = scan([root])
    assert len(scanned.records) == 3
    assert scanned.unusable == ()
    idle = {path.name for path in scanned.ignored} - {".pool"}
    assert idle in ({"up", "C", "D"}, {"up", "C", "E"})


@posix
def test_broken_links_pipes_and_sockets_are_listed_and_not_opened(root: Path, monkeypatch) -> None:
    links = {"gone": "nowhere.jpg", "x": "y.jpg", "y": "x.jpg", "link": "pipe.jpg"}
    for name, target in links.items():
        (root / "A" / f"{name}.jpg").symlink_to(target)
    os.mkfifo(root / "A" / "pipe.jpg")
    monkeypatch.chdir(root)  # The path of a socket may not be long.
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("A/s.jpg")
        found = reasons(scan([root]))
    assert [found.pop(f"{name}.jpg").partition(":")[0] for name in ("gone", "x", "y")] == [
        "a broken link"
    ] * 3
    assert found == {
        "link.jpg": "a link to a pipe, socket or device",
        "pipe.jpg": "a pipe, socket or device, no file",
        "s.jpg": "a pipe, socket or device, no file",
    }


def test_a_locked_folder_is_listed_and_a_locked_input_an_error(root: Path, monkeypatch) -> None:
    touch(root, "C/1.jpg")
    locked, listed = {root / "C"}, os.scandir

    def scandir(path: str) -> object:
        if Path(path) in locked:  # As it is for everyone but root.
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(tree.os, "scandir", scandir)
    scanned = scan([root])
    assert paths(scanned, root) == BOTH
    assert reasons(scanned) == {"C": "a folder that cannot be listed (Permission denied)"}
    locked.add(root)
    with pytest.raises(DataError, match="Permission denied"):
        scan([root])


@posix
def test_a_file_that_vanishes_meanwhile_is_listed(root: Path, monkeypatch) -> None:
    touch(root, "A/2.jpg")
    is_hidden = tree.files.is_hidden

    def hidden(name: str) -> bool:
        if name == "2.jpg":
            (root / "A" / name).unlink()
        return is_hidden(name)

    monkeypatch.setattr(tree.files, "is_hidden", hidden)
    scanned = scan([root])
    assert paths(scanned, root) == BOTH
    assert "cannot be read (No such file" in reasons(scanned)["2.jpg"]


@posix
def test_names_that_are_no_text_are_listed_so_that_a_report_can_show_them(root: Path) -> None:
    try:
        Path(os.fsdecode(bytes(root / "A") + b"/caf\xe9.jpg")).write_bytes(b"x")
    except OSError:
        pytest.skip("names are Unicode on this file system")
    scanned = scan([root])
    assert paths(scanned, root) == BOTH
    assert scanned.unusable[0].reason == "a name that is not valid Unicode"
    assert str(scanned.unusable[0].path).encode("utf-8").endswith(b"caf\\xe9.jpg")


@posix
def test_very_long_paths_are_read(tmp_path: Path) -> None:
    deep = "/".join(["d" * 120] * 4)
    root = touch(tmp_path, f"{deep}/A/ü {'x' * 200}.jpg", f"{deep}/B/1.jpg")
    scanned = scan([root])
    assert len(str(scanned.records[0].path)) > 700
    assert scanned.records[0].path.read_bytes() == b"x"


def test_pictures_are_found_as_far_down_as_the_limit(tmp_path: Path) -> None:
    deep = "/".join(["d"] * (tree.MAX_DEPTH - 1))
    scanned = scan([touch(tmp_path / "x", f"{deep}/A/1.jpg", f"{deep}/B/1.jpg")])
    assert len(scanned.records) == 2
    root = touch(tmp_path / "y", *BOTH, f"{deep}/d/d/1.jpg")
    assert reasons(scan([root])) == {"d": f"a folder more than {tree.MAX_DEPTH} folders down"}


@pytest.mark.parametrize("name", ["a\rb.jpg", "a\nb.jpg", "a\x85b.jpg", "a\u2028b.jpg"])
@posix
def test_a_name_that_no_table_keeps_is_left_out_and_shown_on_one_line(
    root: Path, name: str
) -> None:
    touch(root, f"A/{name}")
    scanned = scan([root])
    assert paths(scanned, root) == BOTH
    (bad,) = scanned.unusable
    assert bad.path.name == f"a{name[1]!r}b.jpg".replace("'", "")
    assert bad.reason == "a name with control characters, such as a line end"


@posix
def test_a_class_or_source_that_no_table_keeps_is_refused_and_not_missed(root: Path) -> None:
    touch(root, "C\nD/1.jpg")
    with pytest.raises(DataError, match=r"hands/C\\nD', whose name has control characters"):
        scan([root])
    with pytest.raises(DataError, match=r"'my\\nhands', which has control characters"):
        scan([touch(root.parent / "my\nhands", *BOTH)])


@posix
def test_the_icons_of_a_mac_are_nothing_and_spaces_of_every_kind_part_of_a_name(root: Path) -> None:
    touch(root, "Icon\r", "A/Icon\r", "B/ICON\r", "A/Bild 1.00.00\u202fPM\u3000.jpg")
    scanned = scan([root])
    assert len(scanned.records) == 3
    assert scanned.unusable == scanned.ignored == ()
