"""Neighbouring frames become one group; different scenes, classes and sources do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fingerspell.images import Pixels, decode, encode_jpeg
from fingerspell.prepare.examine import Picture
from fingerspell.prepare.groups import divide, find_groups, without_conflicts
from fingerspell.prepare.near_duplicates import dhash
from fingerspell.prepare.records import Box, Record, Row
from fingerspell.prepare.split import _leak
from helpers.synthetic_folder import frame, scene

NEAR_BITS = 18


def picture(
    rgb: Pixels, name: str = "x", label: str = "A", source: str = "s", sha256: str | None = None
) -> Picture:
    digest = sha256 or str(hash(rgb.tobytes()))
    return Picture(Record(Path(name), label, source, 1, 1), digest, dhash(rgb), 48, 48)


def count(pictures: list[Picture], near_bits: int = NEAR_BITS) -> int:
    return len(set(find_groups(pictures, near_bits).groups))


def test_frames_of_a_scene_share_a_group_and_scenes_and_classes_do_not() -> None:
    shots = [frame(s, n) for s in range(5) for n in range(4)]
    assert count([picture(rgb) for rgb in shots]) == 5
    assert count([picture(rgb, f"A{n}.jpg") for n, rgb in enumerate(shots)]) == 5, "numbers run on"
    assert count([picture(scene(1), label="A"), picture(scene(1), label="B")]) == 2


def hashed(bits: NDArray[np.bool_], source: str, label: str = "A") -> Picture:
    """A picture of that hash; `sha256` differs from every other one's."""
    digest = np.packbits(bits).tobytes().hex()
    return Picture(Record(Path("x"), label, source, 1, 1), f"{source}{digest}", digest, 1, 1)


def differing(bits: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Two hashes, 76 bits set in either, that differ in so many: `near_bits` in full."""
    one = np.arange(128) < 76
    return one, one & (np.arange(128) >= bits)


def test_two_sources_join_in_half_of_the_bits_that_join_one() -> None:
    for bits, within, across in ((9, 1, 1), (10, 1, 2), (18, 1, 2), (19, 2, 2)):
        one, other = differing(bits)
        assert count([hashed(one, "s"), hashed(other, "s")]) == within
        assert count([hashed(one, "s"), hashed(other, "t")]) == across


def test_a_copy_scaled_and_saved_again_in_another_source_is_a_twin() -> None:
    scenes = [scene(n) for n in range(20)]
    scaled = [cv2.resize(rgb, (36, 36), interpolation=cv2.INTER_AREA) for rgb in scenes]
    mine = [picture(rgb, source="mine") for rgb in scenes]
    copies = [picture(decode(encode_jpeg(rgb, 80)), source="copy") for rgb in scaled]
    grouping = find_groups([*mine, *copies], NEAR_BITS)
    assert grouping.groups == tuple(f"mine/A/{n:04d}" for n in range(1, 21)) * 2
    assert grouping.pairs.tolist() == [[n, n + 20] for n in range(20)]


def test_twins_in_two_sources_stay_apart_in_two_classes_and_in_two_given_groups() -> None:
    one, other = differing(4)
    assert count([hashed(one, "s", "A"), hashed(other, "t", "B")]) == 2
    grouping = find_groups([hashed(one, "s"), hashed(other, "t")], NEAR_BITS, ["ann", "bob"])
    assert grouping.groups == ("ann", "bob")
    assert grouping.pairs.tolist() == [[0, 1]]


def test_a_twin_joins_the_films_of_both_sources() -> None:
    one, other = differing(3)
    near_one = one & (np.arange(128) < 60)  # near within its source, too far for a twin
    grouped = [hashed(near_one, "s"), hashed(one, "s"), hashed(other, "t")]
    assert count(grouped) == 1
    assert count([grouped[0], grouped[2]]) == 2


def test_every_equal_file_in_other_sources_counts_as_a_twin_of_a_random_split() -> None:
    pictures = [picture(scene(n), source=source) for source in "abc" for n in range(4)]
    grouping = find_groups(pictures, NEAR_BITS)
    splits = ["val"] * 4 + ["train"] * 4 + ["test"] * 4
    found = _leak(splits, grouping.groups, grouping.pairs)
    assert (found.test_pictures_with_twin_in_train, found.torn_groups) == (4, 4)
    assert found.crossing_pairs == 12


def test_equal_files_under_two_classes_are_a_conflict_and_nothing_may_be_left() -> None:
    same = [picture(scene(1), label=label) for label in "AB"]
    alone = picture(scene(2))
    assert without_conflicts([*same, alone, alone]) == ([alone, alone], [same])
    assert find_groups([], NEAR_BITS).groups == ()


def test_zero_bits_join_equal_hashes_only_and_make_no_films() -> None:
    shaken = scene(1).copy()
    shaken[:24] = 255 - shaken[:24]
    assert count([picture(scene(1)), picture(scene(1), sha256="other"), picture(shaken)], 0) == 2
    assert count([picture(moved(2 * n), f"A{n}.jpg") for n in range(12)], 0) == 12


def moved(pixels: int) -> Pixels:
    """A camera that sweeps over a large scene."""
    cells = np.random.default_rng(5).integers(0, 256, (7, 28, 3), dtype=np.uint8)
    wide = np.asarray(cv2.resize(cells, (192, 48), interpolation=cv2.INTER_CUBIC))
    return np.ascontiguousarray(wide[:, pixels : pixels + 48])


def test_names_in_a_row_join_frames_that_the_hash_alone_would_part_and_few_by_chance() -> None:
    sweep = [moved(2 * n) for n in range(12)]
    assert count([picture(rgb, f"A{n}.jpg") for n, rgb in enumerate(sweep)]) == 1
    unnamed = [picture(rgb, "abc"[n % 3] * (n + 1) + ".jpg") for n, rgb in enumerate(sweep)]
    assert count(unnamed) > 1
    assert count([picture(scene(n), f"A{n}.jpg") for n in range(100)]) > 80
    assert count([picture(scene(n)) for n in range(100)]) == 100


def shots_of_one_scene(names: str) -> list[Picture]:
    """Two still shots that differ in 16 of 128 bits, among others that differ in more."""
    rng = np.random.default_rng(0)
    first = rng.random(128) < 0.5
    second = first ^ (np.arange(128) < 16)
    others = rng.random((60, 128)) < 0.5
    bits = np.concatenate([[first] * 10, [second] * 10, others])
    hashes = [row.tobytes().hex() for row in np.packbits(bits, axis=1)]
    found = [Record(Path(names.format(n, n // 10)), "A", "s", 1, 1) for n in range(80)]
    return [Picture(f, str(n), h, 1, 1) for n, (f, h) in enumerate(zip(found, hashes, strict=True))]


def test_where_films_are_known_likeness_alone_must_be_greater() -> None:
    known = find_groups(shots_of_one_scene("shot{1}_{0}.jpg"), NEAR_BITS).groups
    unknown = find_groups(shots_of_one_scene("{0}x{0}y{0}.jpg"), NEAR_BITS).groups
    assert len(set(known[:10])) == len(set(known[10:20])) == 1
    assert len(set(known[:20])) == 2
    assert len(set(unknown[:20])) == 1


def test_variants_of_a_photograph_share_a_group_however_they_look() -> None:
    stem = "A1_jpg.rf.{}b4c4d4e5f6"
    seen = [picture(scene(n), stem.format(n) + ".jpg") for n in range(3)]
    assert count(seen) == 1
    assert count([*seen, picture(scene(8), "A2_jpg.rf.1b4c4d4e5f6.jpg")]) == 2
    assert count([seen[0], picture(scene(1), stem.format(1) + ".jpg", label="B")]) == 2
    assert count([seen[0], picture(scene(1), stem.format(1) + ".jpg", source="t")]) == 2


def cut_out(seed: int, name: str, label: str) -> Picture:
    box = Box(0.1 * seed, 0, 0.1 * seed + 0.1, 1)
    file = Record(Path(name), label, "s", 1, 1, part=box, name=f"box_{seed}.jpg")
    return Picture(file, str(seed), dhash(scene(seed)), 48, 48)


def test_cut_outs_share_a_group_whatever_their_class_unless_of_photographs_called_alike() -> None:
    boxes = [cut_out(1, "street.jpg", "A"), cut_out(2, "street.jpg", "B")]
    assert set(find_groups(boxes, NEAR_BITS).groups) == {"s/A/0001"}
    assert count([*boxes, cut_out(3, "garden.jpg", "B")]) == 2
    assert count([cut_out(1, "train/p0.jpg", "A"), cut_out(2, "test/p0.jpg", "A")]) == 2
    variants = [f"{split}/p0_jpg.rf.{n}b4c4d4e5f6.jpg" for n, split in enumerate(("train", "test"))]
    assert count([cut_out(n, name, "A") for n, name in enumerate(variants)]) == 1


def test_rows_of_a_table_are_no_cut_outs_of_one_photograph() -> None:
    rows = []
    for n, name in enumerate(("row_a.png", "row_b.png")):
        file = Record(Path("all.csv"), "A", "s", 1, 1, part=Row(n, 1), name=name)
        rows.append(Picture(file, str(n), dhash(scene(n)), 28, 28))
    assert count(rows) == 2
    other = replace(rows[1], file=replace(rows[0].file, path=Path("more.csv")))
    assert count([rows[0], other]) == 2


def shots(told: str) -> list[Picture]:
    """`A3.1` is frame 1 of scene 3 in class A; `t` before it stands for another source."""
    return [
        picture(
            frame(int(word[-3]), int(word[-1])),
            label=word[-4],
            source="t" if word[0] == "t" else "s",
        )
        for word in told.split()
    ]


@pytest.mark.parametrize(
    ("pictures", "owners", "names"),
    [
        ("B1.0 A2.0 B1.1 tB3.0 B4.0", None, "s/B/0001 s/A/0001 s/B/0001 t/B/0001 s/B/0002"),
        # Named groups join across classes and sources; likeness never joins two of them.
        ("A1.0 B2.0 tC3.0", ["ann"] * 3, "ann ann ann"),
        ("A1.0 A1.1 A1.2 A1.3", ["ann", "bob", "ann", "bob"], "ann bob ann bob"),
        # A picture without one goes to the first it resembles, and is no bridge.
        ("A1.0 A1.1 A1.2 A1.3", ["", "bob", "ann", ""], "bob bob ann bob"),
        ("A1.0 A1.1 A7.0", ["", "", "ann"], "s/A/0001 s/A/0001 ann"),
        # Equal files go together whatever was named.
        ("A1.0 A1.0 A1.1", ["", "ann", "bob"], "ann ann bob"),
        ("A1.0 tA1.0 tA2.0", ["ann", "bob", "bob"], "ann ann ann"),
        ("A1.0 A2.0", ["", "s/A/0001"], "s/A/0002 s/A/0001"),  # Not taken twice.
    ],
)
def test_groups_that_were_named_and_likeness(
    pictures: str, owners: list[str] | None, names: str
) -> None:
    assert find_groups(shots(pictures), NEAR_BITS, owners).groups == tuple(names.split())


def test_groups_do_not_hang_on_the_order_of_the_pictures() -> None:
    pictures = [picture(frame(s, n), f"A{s}{n}.jpg") for s in range(4) for n in range(5)]
    order = np.random.default_rng(0).permutation(20)
    straight = find_groups(pictures, NEAR_BITS).groups
    mixed = find_groups([pictures[i] for i in order], NEAR_BITS).groups
    assert len({(straight[i], mixed[place]) for place, i in enumerate(order)}) == 4


def test_near_pairs_are_told_once_each() -> None:
    pictures = [picture(frame(s, n), f"A{9 - n}{s}.jpg") for s in range(3) for n in range(5)]
    pictures += [picture(moved(2 * n), f"B{99 - n}.jpg") for n in range(12)]
    pictures += [picture(frame(0, n), f"A{n}.jpg", source="t") for n in range(3)]
    pairs = find_groups(pictures, NEAR_BITS).pairs.tolist()
    assert len(pairs) == len({tuple(pair) for pair in pairs})
    assert all(one < other for one, other in pairs)


def test_a_whole_film_is_left_out_where_an_unseen_signer_holds_one_frame() -> None:
    film = [picture(moved(2 * n), f"A{n}.jpg") for n in range(12)]
    theirs = picture(moved(0), source="t")
    grouping = find_groups([*film, theirs], NEAR_BITS)
    own, held_out, copies = divide([*film, theirs], grouping, ["t"], ["A"])
    assert (own.pictures, held_out.pictures, copies) == ([], [theirs], film)
