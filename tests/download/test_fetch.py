"""The public sets: what they promise, how they are counted, and fetching them with a stand-in for
the package: what is kept, moved, said and never asked twice."""

import errno
import json
import os
import shutil
import sys
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from fingerspell.cli.main import build_parser, main
from fingerspell.download import catalogue
from fingerspell.download.fetch import CACHE, fetch
from fingerspell.errors import DataError
from fingerspell.install import pip
from helpers.touched import touch

requests = pytest.importorskip("requests")


def test_a_set_is_shown_with_licence_publisher_and_size():
    said = "\n".join(catalogue.licence_lines("asl-alphabet"))
    for words in ("GPL-2.0", "grassknoted/asl-alphabet", "87,000", "29 classes", "1,100 MB"):
        assert words in said


def test_what_to_do_next_is_a_command_that_exists():
    for known in catalogue.CATALOGUE.values():
        verb, *options = known.then.split()
        assert verb in ("prepare", "evaluate")
        if "--group_by" not in options:
            build_parser().parse_args([verb, *options])


def test_classes_are_found_at_any_depth_and_in_any_case(tmp_path, tiny):
    touch(tmp_path, *(f"train/train/a/{n}.JPG" for n in range(120)))
    touch(tmp_path, *(f"train/train/B/{n}.jpg" for n in range(80)))
    # Loose pictures, other folders and notes do not count.
    touch(tmp_path, "A_test.jpg", "extras/1.jpg", "train/train/a/readme.txt")
    counts = catalogue.count_classes(tmp_path, tiny)
    assert counts == {"A": 120, "B": 80}
    assert catalogue.is_whole(counts, tiny)


@pytest.mark.parametrize(
    ("a", "b", "whole", "said"),
    [
        (120, 80, True, "200 pictures of 2 classes"),
        (100, 98, True, "198 pictures of 2 classes, 2 fewer than known"),
        (100, 97, False, "197 pictures of 2 classes, 3 fewer than known"),
        (201, 0, False, "201 pictures of 1 classes, 1 more than known, none of B"),
    ],
)
def test_one_in_a_hundred_may_be_missing_but_no_class(tiny, a, b, whole, said):
    assert catalogue.is_whole({"A": a, "B": b}, tiny) is whole
    assert catalogue.counted({"A": a, "B": b}, tiny) == said


@pytest.fixture
def hub(monkeypatch, tiny) -> ModuleType:
    """A kagglehub that unpacks 200 pictures into its cache and notes what it was asked for."""
    module = ModuleType("kagglehub")
    module.asked = []

    def dataset_download(handle: str) -> str:
        module.asked.append(handle)
        print("FETCHING")
        found = Path(os.environ[CACHE]) / "datasets" / handle / "versions" / "1"
        pictures = [f"{label}/{n}.jpg" for label in "AB" for n in range(module.per_class)]
        return str(touch(found, *pictures))

    module.per_class = 100
    module.dataset_download = dataset_download
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    monkeypatch.delenv(CACHE, raising=False)
    return module


def failing(hub: ModuleType, error: Exception) -> None:
    """Makes the next download break half way."""

    def dataset_download(handle: str) -> str:
        (Path(os.environ[CACHE]) / "1.archive").write_bytes(b"half")
        raise error

    hub.dataset_download = dataset_download


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("cache", [None, "elsewhere"])
def test_the_set_gets_its_name_and_nothing_else_is_left(hub, tmp_path, monkeypatch, cache):
    if cache:
        monkeypatch.setenv(CACHE, cache)
    folder = fetch("tiny", tmp_path / "data")
    assert folder == tmp_path / "data" / "tiny"
    assert len(list(folder.rglob("*.jpg"))) == 200
    assert hub.asked == ["somebody/tiny"]
    assert hidden(tmp_path / "data") == []
    assert os.environ.get(CACHE) == cache, "a user's own cache is given back"


def test_a_second_call_finds_it_and_asks_nobody(hub, tmp_path, monkeypatch):
    fetch("tiny", tmp_path)
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    (tmp_path / ".tiny.download").mkdir()  # As a kill after the last step leaves it.
    assert fetch("tiny", tmp_path) == tmp_path / "tiny"
    assert hidden(tmp_path) == []


def test_a_set_that_a_notebook_has_attached_stays_where_it_is(hub, tmp_path):
    attached = tmp_path / "input"
    attached.mkdir()
    hub.dataset_download = lambda handle: str(attached)
    assert fetch("tiny", tmp_path / "data") == attached
    assert attached.is_dir() and not (tmp_path / "data" / "tiny").exists()


def test_without_the_package_the_command_that_mends_it_is_named(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(DataError, match="not installed") as error:
        fetch("tiny", tmp_path / "data")
    assert error.value.fix == pip("install", "kagglehub>=1,<2")
    assert not (tmp_path / "data").exists()


def answered(status: int) -> Exception:
    return requests.exceptions.HTTPError("no", response=SimpleNamespace(status_code=status))


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (answered(401), "refuses somebody/tiny \\(status 401\\)"),
        (answered(403), "status 403"),
        (answered(404), "status 404"),
        (answered(429), "too much was asked for"),
        (answered(503), "an error of its own \\(503\\)"),
        (requests.exceptions.ConnectionError("gone"), "connection to Kaggle failed"),
        (requests.exceptions.ReadTimeout("slow"), "connection to Kaggle failed"),
        (OSError(errno.ENOSPC, "No space left"), "cannot write .*tiny: No space left"),
        (PermissionError(errno.EACCES, "Permission denied", "1.archive"), "Permission denied"),
        (json.JSONDecodeError("no JSON", "<html>", 0), "connection to Kaggle failed"),
    ],
)
def test_what_goes_wrong_is_three_lines_and_keeps_what_came_so_far(hub, tmp_path, error, found):
    failing(hub, error)
    with pytest.raises(DataError, match=found):
        fetch("tiny", tmp_path)
    assert not (tmp_path / "tiny").exists()
    assert list((tmp_path / ".tiny.download").iterdir())
    assert CACHE not in os.environ


@pytest.mark.parametrize(
    "error",
    [
        zipfile.BadZipFile("bad magic"),
        EOFError("cut short"),
        type("DataCorruptionError", (Exception,), {})("md5"),
        ValueError("Unsupported archive type."),
    ],
)
def test_a_damaged_archive_is_deleted_so_that_the_next_try_can_succeed(hub, tmp_path, error):
    failing(hub, error)
    with pytest.raises(DataError, match="is damaged") as said:
        fetch("tiny", tmp_path)
    assert "starts afresh" in said.value.fix
    assert hidden(tmp_path) == []


def test_a_fault_of_the_program_keeps_its_traceback(hub, tmp_path):
    failing(hub, KeyError("no such field"))
    with pytest.raises(KeyError):
        fetch("tiny", tmp_path)


def test_too_little_room_is_said_before_the_first_byte(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1999))
    with pytest.raises(DataError, match=r"0\.0 GB free"):
        fetch("tiny", tmp_path)
    assert hub.asked == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2000))
    assert fetch("tiny", tmp_path).is_dir()


def test_the_licence_stands_before_the_download_and_what_is_next_after_it(hub, tmp_path, capsys):
    call = ["download", "tiny", "--output_dir", str(tmp_path)]
    assert main(call) == 0
    said = capsys.readouterr().out
    assert said.index("CC0-1.0") < said.index("FETCHING") < said.index(f"{tmp_path / 'tiny'}: 200")
    assert said.endswith(f"then: fingerspell prepare --input_dir {tmp_path / 'tiny'}\n")
    assert main(call) == 0
    assert "there already" in capsys.readouterr().out


def test_a_set_that_came_short_ends_with_2_each_time_and_says_what_to_do(hub, tmp_path, capsys):
    hub.per_class = 98
    for _ in range(2):
        assert main(["download", "tiny", "--output_dir", str(tmp_path)]) == 2
        said = capsys.readouterr().out
        assert "196 pictures of 2 classes, 4 fewer than known" in said
        assert f"delete {tmp_path / 'tiny'}" in said


def test_an_unknown_set_is_refused_by_name(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["download", "mnist"])
    assert stop.value.code == 2
    assert "asl-alphabet" in capsys.readouterr().err
