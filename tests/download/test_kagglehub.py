"""The real `kagglehub` against a stand-in for Kaggle: cut off, resumed, refused, damaged."""

from __future__ import annotations

import gc
import io
import zipfile
from pathlib import Path

import pytest

from fingerspell.download.fetch import CACHE, fetch
from fingerspell.errors import DataError
from helpers.kaggle import Kaggle, serving

pytest.importorskip("kagglehub")
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
CUT_BYTES = 2_500_000


@pytest.fixture(autouse=True)
def _sockets_closed():
    """kagglehub forgets the connections of a transfer that broke: they end with their test."""
    yield
    gc.collect()


def archive() -> bytes:
    """200 pictures of 18 kB in two classes, stored, not packed: kagglehub takes 1 MiB at a time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as inside:
        for label in "AB":
            for number in range(100):
                inside.writestr(f"{label}/{number}.jpg", f"{label}{number:03}".encode() * 4500)
    return out.getvalue()


@pytest.fixture
def kaggle(monkeypatch, tiny, tmp_path):
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", CACHE):
        monkeypatch.delenv(name, raising=False)
    for home in ("HOME", "USERPROFILE"):  # Nobody's account is used, or sent here.
        monkeypatch.setenv(home, str(tmp_path))
    stand_in = Kaggle(archive())
    with serving(stand_in) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield stand_in


def test_a_set_comes_without_an_account(kaggle, tmp_path):
    folder = fetch("tiny", tmp_path)
    assert len(list(folder.rglob("*.jpg"))) == 200
    assert (folder / "B" / "7.jpg").read_bytes() == b"B007" * 4500
    assert kaggle.asked == ["GetDataset somebody/tiny", "DownloadDataset somebody/tiny", "archive"]
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_a_transfer_that_was_cut_off_goes_on_where_it_stopped(kaggle, tmp_path):
    kaggle.cut_after_bytes = CUT_BYTES
    with pytest.raises(DataError, match="connection to Kaggle failed") as said:
        fetch("tiny", tmp_path)
    assert "continues where it stopped" in said.value.fix
    (half,) = (tmp_path / ".tiny.download").rglob("*.archive")
    got = half.stat().st_size
    assert 0 < got <= CUT_BYTES < len(kaggle.archive)

    kaggle.cut_after_bytes, kaggle.asked = None, []
    assert len(list(fetch("tiny", tmp_path).rglob("*.jpg"))) == 200
    assert f"bytes={got}-" in kaggle.asked
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_a_server_that_cannot_resume_is_asked_for_everything_again(kaggle, tmp_path):
    kaggle.ranges, kaggle.cut_after_bytes = False, CUT_BYTES
    with pytest.raises(DataError):
        fetch("tiny", tmp_path)
    kaggle.cut_after_bytes = None
    assert len(list(fetch("tiny", tmp_path).rglob("*.jpg"))) == 200


@pytest.mark.parametrize(
    ("status", "found"),
    [(403, "refuses"), (404, "refuses"), (429, "too much"), (500, "its own")],
)
def test_a_refusal_is_told_in_words(kaggle, tmp_path, status, found):
    kaggle.status = status
    with pytest.raises(DataError, match=f"{found}.*{status}"):
        fetch("tiny", tmp_path)


def test_a_login_page_in_between_is_a_matter_of_the_network(kaggle, tmp_path):
    kaggle.page = b"<html>welcome to our hotel</html>"
    with pytest.raises(DataError, match="connection to Kaggle failed"):
        fetch("tiny", tmp_path)


def test_bytes_that_are_no_archive_are_not_kept(kaggle, tmp_path):
    kaggle.archive = b"<html>please log in</html>"
    with pytest.raises(DataError, match="damaged"):
        fetch("tiny", tmp_path)
    assert list(tmp_path.iterdir()) == []
    kaggle.archive = archive()
    assert len(list(fetch("tiny", tmp_path).rglob("*.jpg"))) == 200


def test_half_an_archive_with_wrong_bytes_is_found_out_and_fetched_afresh(kaggle, tmp_path):
    kaggle.cut_after_bytes = CUT_BYTES
    with pytest.raises(DataError):
        fetch("tiny", tmp_path)
    (half,) = (tmp_path / ".tiny.download").rglob("*.archive")
    half.write_bytes(bytes(half.stat().st_size))
    kaggle.cut_after_bytes = None
    with pytest.raises(DataError, match="damaged"):
        fetch("tiny", tmp_path)
    assert len(list(fetch("tiny", tmp_path).rglob("*.jpg"))) == 200


def test_nobody_there_is_a_matter_of_the_network(tiny, tmp_path: Path, monkeypatch):
    with serving(Kaggle()) as environment:
        gone = environment
    for name, value in gone.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(DataError, match="connection to Kaggle failed"):
        fetch("tiny", tmp_path)
