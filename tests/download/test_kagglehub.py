"""The real `kagglehub` against a stand-in for Kaggle: cut off, resumed, refused, damaged."""

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


def fetched(tmp_path: Path) -> Path:
    """The whole set, and nothing else beside it."""
    folder = fetch("tiny", tmp_path)
    assert len(list(folder.rglob("*.jpg"))) == 200
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
    return folder


def cut_off(kaggle: Kaggle, tmp_path: Path) -> Path:
    """What a transfer leaves that breaks off after `CUT_BYTES`; the next one is whole."""
    kaggle.cut_after_bytes = CUT_BYTES
    with pytest.raises(DataError, match="connection to Kaggle failed") as said:
        fetch("tiny", tmp_path)
    assert "continues where it stopped" in said.value.fix
    kaggle.cut_after_bytes, kaggle.asked = None, []
    (half,) = (tmp_path / ".tiny.download").rglob("*.archive")
    return half


def test_a_set_comes_without_an_account(kaggle, tmp_path):
    folder = fetched(tmp_path)
    assert (folder / "B" / "7.jpg").read_bytes() == b"B007" * 4500
    assert kaggle.asked == ["GetDataset somebody/tiny", "DownloadDataset somebody/tiny", "archive"]


def test_a_transfer_that_was_cut_off_goes_on_where_it_stopped(kaggle, tmp_path):
    got = cut_off(kaggle, tmp_path).stat().st_size
    assert 0 < got <= CUT_BYTES < len(kaggle.archive)
    fetched(tmp_path)
    assert f"bytes={got}-" in kaggle.asked


def test_a_server_that_cannot_resume_is_asked_for_everything_again(kaggle, tmp_path):
    kaggle.ranges = False
    cut_off(kaggle, tmp_path)
    fetched(tmp_path)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"status": 403}, "refuses.*403"),
        ({"status": 404}, "refuses.*404"),
        ({"status": 429}, "too much.*429"),
        ({"status": 500}, "its own.*500"),
        ({"page": b"<html>welcome to our hotel</html>"}, "connection to Kaggle failed"),
    ],
)
def test_a_refusal_and_a_login_page_in_between_are_told_in_words(kaggle, tmp_path, answer, found):
    vars(kaggle).update(answer)
    with pytest.raises(DataError, match=found):
        fetch("tiny", tmp_path)


def test_bytes_that_are_no_archive_are_not_kept(kaggle, tmp_path):
    kaggle.archive = b"<html>please log in</html>"
    with pytest.raises(DataError, match="damaged"):
        fetch("tiny", tmp_path)
    assert list(tmp_path.iterdir()) == []
    kaggle.archive = archive()
    fetched(tmp_path)


def test_half_an_archive_with_wrong_bytes_is_found_out_and_fetched_afresh(kaggle, tmp_path):
    half = cut_off(kaggle, tmp_path)
    half.write_bytes(bytes(half.stat().st_size))
    with pytest.raises(DataError, match="damaged"):
        fetch("tiny", tmp_path)
    fetched(tmp_path)


def test_nobody_there_is_a_matter_of_the_network(kaggle, tmp_path, monkeypatch):
    with serving(Kaggle()) as gone:
        pass
    for name, value in gone.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DataError, match="connection to Kaggle failed"):
        fetch("tiny", tmp_path)
