"""`fingerspell predict`, as a person types it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fingerspell.images import encode_jpeg
from fingerspell.runtime import vocabulary
from helpers.command import command
from helpers.endings import NO_PICTURES, touch_all
from helpers.endings import picture as one_picture
from helpers.film import write_film
from helpers.picture_files import saved
from helpers.tiny_bundle import COLOURS, picture


@pytest.fixture
def hands(tmp_path: Path) -> Path:
    folder = tmp_path / "hände mit spaces"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(encode_jpeg(picture("A")))
    (folder / "deep" / "b.JPG").write_bytes(encode_jpeg(picture("B")))
    (folder / "notes.txt").write_text("no picture", encoding="utf-8")
    return folder


def test_a_picture_is_read_and_a_folder_to_its_depth_in_order(bundle: Path, hands: Path, capsys):
    assert command("predict", hands, "--bundle", bundle, "--top", 2) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{hands / 'a.jpg'}: A  (A 100.0%, ")
    assert first.count("%") == 2
    assert second.startswith(f"{hands / 'deep' / 'b.JPG'}: B")


def test_below_the_threshold_it_is_not_sure(bundle: Path, tmp_path: Path, capsys):
    between = ((picture("A").astype(int) + picture("B")) // 2).astype(np.uint8)
    (tmp_path / "x.jpg").write_bytes(encode_jpeg(between))
    assert command("predict", tmp_path / "x.jpg", "--bundle", bundle) == 0
    assert "not sure, below 70%" in capsys.readouterr().out
    command("predict", tmp_path / "x.jpg", "--bundle", bundle, "--json", "--threshold", 0.1)
    (answer,) = json.loads(capsys.readouterr().out)
    assert (answer["accepted"], answer["threshold"]) == (True, 0.1)


def test_programs_get_json(bundle: Path, hands: Path, capsys):
    assert command("predict", hands, "--bundle", bundle, "--json", "--precision", "fp16") == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["label"], first["accepted"], first["threshold"]) == ("A", True, 0.7)
    assert second["top"][0]["label"] == second["label"] == "B"


def test_an_unreadable_picture_does_not_stop_the_others(bundle: Path, hands: Path, capsys):
    (hands / "0.jpg").write_bytes(b"no picture at all")
    assert command("predict", hands, "--bundle", bundle) == 2
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 2
    assert "0.jpg" in said.err and "to fix:" in said.err


def test_mirroring_swaps_left_and_right(bundle: Path, tmp_path: Path, capsys):
    half = picture("A")
    half[:, : half.shape[1] // 2] = picture("nothing")[:, : half.shape[1] // 2]
    (tmp_path / "one.png").write_bytes(saved(Image.fromarray(half), "PNG"))
    (tmp_path / "other.png").write_bytes(saved(Image.fromarray(half[:, ::-1].copy()), "PNG"))
    command("predict", tmp_path / "one.png", "--bundle", bundle, "--json", "--mirror")
    mirrored = json.loads(capsys.readouterr().out)[0]["top"]
    command("predict", tmp_path / "other.png", "--bundle", bundle, "--json")
    assert json.loads(capsys.readouterr().out)[0]["top"] == mirrored


SCENES = [("A", 0.8), ("B", 0.8), ("nothing", 0.5), ("B", 0.8), ("space", 0.8), ("C", 0.8)]


@pytest.mark.parametrize("fps", [10, 30])
def test_a_video_is_spelt_at_any_frame_rate(bundle: Path, tmp_path: Path, capsys, fps: int):
    film = write_film(tmp_path / "film.avi", SCENES, fps)
    assert command("predict", "--video", film, "--bundle", bundle) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "text: ABB C"
    assert len(lines) == 6
    assert lines[0].split()[1:] == ["s", "A", "A"]
    assert float(lines[0].split()[0]) == pytest.approx(0.25, abs=0.1)


def test_a_video_as_json_and_one_without_a_held_sign(bundle: Path, tmp_path: Path, capsys):
    film = write_film(tmp_path / "film.avi", SCENES[:2], 10)
    assert command("predict", "--video", film, "--bundle", bundle, "--json") == 0
    body = json.loads(capsys.readouterr().out)
    assert body["text"] == "AB" and [sign["label"] for sign in body["signs"]] == ["A", "B"]
    command("predict", "--video", film, "--bundle", bundle, "--json", "--hold_s", 2)
    assert json.loads(capsys.readouterr().out)["text"] == ""
    film = write_film(tmp_path / "film.avi", [("nothing", 1.0)], 10)
    assert command("predict", "--video", film, "--bundle", bundle) == 0
    assert "nothing was held long enough" in capsys.readouterr().out


def test_words_of_a_video_are_proposed_beside_its_text(bundle, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(vocabulary, "english", lambda: [("cab", 900.0), ("abba", 50.0)])
    film = write_film(tmp_path / "film.avi", [*SCENES[:2], *SCENES[:1], *SCENES[4:]], 10)
    assert command("predict", "--video", film, "--bundle", bundle, "--words") == 0
    text, first, second = capsys.readouterr().out.splitlines()[-3:]
    assert text == "text: ABA C"
    assert first.startswith("word: ABA  (ABBA 9") and second.startswith("word: C  (")
    monkeypatch.setenv("FINGERSPELL_WORDS", "1")
    command("predict", "--video", film, "--bundle", bundle, "--json")
    body = json.loads(capsys.readouterr().out)
    assert body["text"] == "ABA C", "the proposals change nothing"
    assert [word["letters"] for word in body["words"]] == ["ABA", "C"]
    assert body["words"][0]["proposals"][0]["word"] == "ABBA"
    monkeypatch.setenv("FINGERSPELL_WORDS", "0")
    command("predict", "--video", film, "--bundle", bundle, "--json")
    assert json.loads(capsys.readouterr().out)["words"] is None


def test_the_stand_in_needs_no_bundle_and_says_so(hands: Path, capsys, monkeypatch):
    monkeypatch.setenv("USE_MOCK_MODEL", "1")
    assert command("predict", hands / "a.jpg") == 0
    assert "mock" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "no picture and no video"),
        (["a.jpg", "--video", "b.mp4"], "pictures and a video"),
        (["a.jpg", "--top", "0"], "--top 0"),
        (["a.jpg", "--fps", "30"], "--fps for pictures"),
        (["a.jpg", "--words"], "--words for pictures"),
        (["a.jpg", "--rules", "hold"], "--rules for pictures"),
        (["a.jpg", "--threshold", "nan"], "--threshold=nan"),
        (["a.jpg", "--threshold", "1.5"], "--threshold=1.5"),
        (["--video", "b.mp4", "--votes", "3"], "--votes=3"),
        (["--video", "b.mp4", "--rules", "hold", "--votes", "0"], "--votes=0"),
        (["--video", "b.mp4", "--rules", "no such rules"], "--rules=no such rules"),
        (["--video", "b.mp4", "--hold_s", "-1"], "--hold_s=-1"),
        (["--video", "b.mp4", "--hold_s", "inf"], "--hold_s=inf"),
        (["a.jpg", "--bundle", "no such folder"], "no trained recogniser"),
    ],
)
def test_a_command_that_cannot_work_leaves_with_2(argv: list[str], said: str, capsys):
    assert command("predict", *argv) == 2
    assert said in capsys.readouterr().err


def test_what_is_missing_empty_or_no_video_leaves_with_2(bundle: Path, tmp_path: Path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "nothing.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("this is no video\n" * 100, encoding="utf-8")
    for words in (["no.jpg"], ["empty"], ["--video", "nothing.mp4"], ["--video", "text.mp4"]):
        place = tmp_path / words.pop()
        assert command("predict", *words, place, "--bundle", bundle) == 2
        assert str(place) in capsys.readouterr().err


def test_a_folder_is_read_whatever_its_pictures_are_called(bundle: Path, tmp_path: Path, capsys):
    pictures = ("1.avif", "2.heic", "3.jfif", "deep/4.HIF")
    touch_all(tmp_path / "hands", [*pictures, *NO_PICTURES, ".cache/5.jpg", "__MACOSX/6.heic"])
    for name in pictures:
        path = tmp_path / "hands" / name
        path.write_bytes(one_picture(path.suffix, COLOURS["A"]))
    assert command("predict", tmp_path / "hands", "--bundle", bundle) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        str(tmp_path / "hands" / name) for name in pictures
    ]
    assert {line.split(": ")[1][0] for line in lines} == {"A"}


@pytest.mark.parametrize("given", ["option", "environment"])
def test_only_allowed_labels_are_answered(bundle: Path, hands: Path, given, monkeypatch, capsys):
    monkeypatch.setenv("FINGERSPELL_LABELS", "B" if given == "environment" else "A-Z")
    option = () if given == "environment" else ("--labels", "B")
    assert command("predict", hands / "a.jpg", "--bundle", bundle, *option) == 0
    assert capsys.readouterr().out.endswith("a.jpg: B  (B 100.0%)\n")
    for none in ("7", ""):
        assert command("predict", hands / "a.jpg", "--bundle", bundle, "--labels", none) == 2
        assert "A-I,K-Y,space" in capsys.readouterr().err
