"""`fingerspell synth …` from the command line."""

from __future__ import annotations

import json

import pytest

from fingerspell.cli.main import door


def test_dataset_writes_class_folders(tmp_path, capsys):
    folder = tmp_path / "synthetic"
    words = ["dataset", "--per_class", "1", "-o", str(folder), "--size", "48", "--labels", "A", "B"]
    assert door("synth", words) == 0
    assert sorted(p.name for p in folder.iterdir()) == ["A", "B", "truth.jsonl"]
    assert "2 pictures of 2 classes" in capsys.readouterr().out


def test_a_folder_of_photographs_can_be_the_background(tmp_path):
    import numpy as np

    from fingerspell.images import encode_jpeg
    from fingerspell.synth import SynthConfig, draw

    red = np.zeros((40, 60, 3), np.uint8)
    red[..., 0] = 255
    (tmp_path / "red.jpg").write_bytes(encode_jpeg(red))
    synthetic = [
        draw("A", seed, (64, 64), SynthConfig(backgrounds_dir=tmp_path, backgrounds_share=1))
        for seed in range(6)
    ]
    reds = [d.rgb[~d.mask].astype(int) for d in synthetic]
    assert np.median([r[:, 0].mean() - r[:, 1:].mean() for r in reds]) > 60


def test_video_writes_the_truth_beside_the_film(tmp_path):
    path = tmp_path / "i.y4m"
    words = ["video", "I", "-o", str(path), "--fps", "5", "--size", "48", "64", "--hold_s", "0.2"]
    assert door("synth", words) == 0
    truth = json.loads((tmp_path / "i.json").read_text(encoding="utf-8"))
    assert truth["word"] == "I" and truth["fps"] == 5


@pytest.mark.parametrize(
    "words",
    [
        ["dataset", "--per_class", "0"],
        ["dataset", "--labels", "Ä"],
        ["dataset", "--size", "8"],
        ["video", "A-B"],
        ["video", "A", "--fps", "0"],
    ],
)
def test_mistakes_end_with_two_and_say_how_to_mend_them(tmp_path, capsys, words):
    place = tmp_path / ("x.mp4" if words[0] == "video" else "x")
    assert door("synth", [*words, "-o", str(place)]) == 2
    assert "to fix:" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
