from pathlib import Path

import pytest

from fingerspell.data.manifest import read_manifest
from fingerspell.errors import ConfigError
from fingerspell.images import read
from fingerspell.train.drawn import draw_samples, drawable, forget
from fingerspell.train.run import with_drawn
from helpers.small_run import small_config


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.jpg"))}


def test_drawn_hands_belong_to_training_only(colours, tmp_path):
    config = small_config(colours, tmp_path / "output", drawn_per_class=2)
    plain = read_manifest(colours)
    mixed = with_drawn(config, plain)
    drawn = [s for s in mixed.samples if s.source == "drawn"]
    assert len(drawn) == 2 * len(plain.labels)
    assert {s.split for s in drawn} == {"train"}
    assert mixed.split("val") == plain.split("val")
    assert mixed.split("test") == plain.split("test")


def test_drawn_hands_can_be_read_like_any_picture(colours, tmp_path):
    config = small_config(colours, tmp_path / "output", drawn_per_class=1)
    mixed = with_drawn(config, read_manifest(colours))
    drawn = next(s for s in mixed.samples if s.source == "drawn")
    assert read(mixed.absolute(drawn)).shape == (32, 32, 3)


def test_no_drawn_hands_unless_asked_for(colours, tmp_path):
    plain = read_manifest(colours)
    assert with_drawn(small_config(colours, tmp_path / "output"), plain) is plain
    assert not (tmp_path / "output").exists()


def test_a_users_own_sign_is_left_to_the_photographs():
    assert drawable(("A", "my sign", "nothing")) == ("A", "nothing")


def test_a_resumed_run_learns_from_the_same_pictures(tmp_path):
    first = draw_samples(tmp_path / "drawn", ("A",), 2, seed=1, side_px=32)
    before = contents(tmp_path / "drawn")
    assert draw_samples(tmp_path / "drawn", ("A",), 2, seed=1, side_px=32) == first
    assert contents(tmp_path / "drawn") == before


def test_forgotten_pictures_come_back_the_same(tmp_path):
    draw_samples(tmp_path / "drawn", ("A",), 2, seed=1, side_px=32)
    before = contents(tmp_path / "drawn")
    forget(tmp_path / "drawn")
    assert not (tmp_path / "drawn").exists()
    draw_samples(tmp_path / "drawn", ("A",), 2, seed=1, side_px=32)
    assert contents(tmp_path / "drawn") == before


def test_less_than_no_drawn_hands_is_refused(colours, tmp_path):
    with pytest.raises(ConfigError, match="drawn_per_class=-1"):
        small_config(colours, tmp_path, drawn_per_class=-1)
