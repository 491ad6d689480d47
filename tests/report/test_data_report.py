"""The data set's page: whole, escaped, small, and true to what it was given."""

import re
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fingerspell.dataset.manifest import HELD_OUT, Sample
from fingerspell.dataset.quality import Quality
from fingerspell.images import encode_jpeg
from fingerspell.report.data_report import _page_html, write_page
from fingerspell.report.pages import thumb_uri
from helpers.html_page import Page
from helpers.prepared_folder import qualities, report, run, two_classes, write_pictures

NASTY = "<script>alert(1)</script>\"'&"


def page(folder: Path, samples: list[Sample], **more: Any) -> Page:
    write_pictures(folder, samples)
    return Page(_page_html(folder, report(samples, **more), samples, qualities(samples)))


def unusable(count: int) -> list[dict[str, str]]:
    return [{"path": f"/x/{i}.jpg", "reason": "an empty file"} for i in range(count)]


def test_a_file_name_that_is_no_utf8_does_not_stop_the_page(tmp_path: Path) -> None:
    samples = two_classes()
    write_pictures(tmp_path, samples)
    bad = [{"path": "/x/caf\udce9.jpg", "reason": "an empty file"}]
    write_page(tmp_path, report(samples, bad=bad), samples, qualities(samples))
    data = (tmp_path / "report.html").read_bytes()
    assert b"\r" not in data
    assert "/x/caf?.jpg" in data.decode("utf-8")


def test_the_same_data_set_makes_the_same_page(tmp_path: Path) -> None:
    samples = two_classes()
    write_pictures(tmp_path, samples)
    contents, light = report(samples), qualities(samples)
    assert _page_html(tmp_path, contents, samples, light) == _page_html(
        tmp_path, contents, samples[::-1], light
    )


def test_names_from_outside_are_only_ever_text(tmp_path: Path) -> None:
    nasty = run("C", split="train", group="kitchen/C/1")
    shown = page(
        tmp_path,
        [*two_classes(), *(replace(s, label=NASTY, source=NASTY, group=NASTY) for s in nasty)],
        bad=[{"path": f"/x/{NASTY}.jpg", "reason": NASTY}],
        conflicts=[{"sha256": "0", "paths": [f"/x/{NASTY}", "/x/B/1.jpg"]}],
        ignored=[NASTY],
        held_out=[NASTY],
        renamed=[{"source": NASTY, "folder": NASTY, "label": NASTY}],
        layouts={NASTY: NASTY},
        missed_points={NASTY: 3.0},
    )
    assert "script" not in shown.tags
    assert {name for _, name, _ in shown.attributes if name.startswith("on")} == set()
    assert shown.text().count(NASTY) >= 13
    assert f"{NASTY}, train, {NASTY}, group {NASTY}" in shown.alts()


def test_this_split_stands_beside_what_a_random_one_would_leak(tmp_path: Path) -> None:
    text = page(tmp_path, two_classes()).text()
    assert "This split (groups) 0 % of the test pictures" in text
    assert "A random split of the same pictures 62 % of the test pictures" in text
    assert "(5 of 8) 1,234 near-duplicate pairs and 4 groups" in text
    assert "cannot be answered from memory" in text
    assert "No source was held out" in text
    leak = report([])["leak"]["random_split"]
    text = page(tmp_path, two_classes(), config={"split": "random"}, this_split=leak).text()
    assert "This split (random) 62 %" in text
    assert "A random split of the same" not in text
    assert "can answer the test from memory" in text
    assert "cannot be answered" not in text


def test_each_class_has_its_counts_and_pictures_of_every_split(tmp_path: Path) -> None:
    shown = page(tmp_path, two_classes())
    assert "class train val test groups pictures A 3 3 3 3 B 3 3 3 3" in shown.text()
    classes_a = [alt for alt in shown.alts() if alt.startswith("A, ")]
    for split in ("train", "val", "test"):
        assert sum(f", {split}, " in alt for alt in classes_a) >= 2


def test_held_out_pictures_are_marked_and_counted_apart(tmp_path: Path) -> None:
    away = run("A", "garden", split=HELD_OUT, group="garden/A/1", pictures=4)
    away = [replace(s, path=s.path.replace(f"{HELD_OUT}/", f"{HELD_OUT}/garden/")) for s in away]
    copies = {"copies_of_unseen_signers": ["/x/A/1.jpg", "/x/A/2.jpg"]}
    shown = page(tmp_path, [*two_classes(), *away], held_out=["garden"], **copies)
    text = shown.text()
    assert (
        "18 pictures 4 pictures held out 2 classes 1 sources 1 sources held out "
        "6 groups of near duplicates 2 copies of held-out pictures, left out"
    ) in text
    theirs = HELD_OUT.replace("_", " ")
    assert f"source train val test {theirs} groups classes garden held out 0 0 0 4 1 1" in text
    assert "kitchen 6 6 6 0 6 2" in text
    assert "A 3 3 3 4 3" in text
    assert "Held out as unseen signers: garden." in text
    assert "show the network the unseen signers. /x/A/1.jpg /x/A/2.jpg" in text
    assert ("img", "class", "thumb other") in shown.attributes
    plain = page(tmp_path / "plain", two_classes()).text()
    assert "held out 2" not in plain
    assert "copies of held-out" not in plain.lower()


TWINS = "test_pictures_with_twin_in_train"


@pytest.mark.parametrize(
    ("this_split", "said", "unsaid"),
    [
        ({}, "pictures that were named one group", "families"),
        ({"crossing_pairs": 9, TWINS: 2}, "in groups that were named apart.", "No near"),
        ({"crossing_pairs": 9}, "9 near-duplicate pairs, in groups that were named", "No near"),
        ({"crossing_pairs": 9, "torn_groups": 3}, "3 groups named by --groups", "named apart"),
    ],
)
def test_groups_that_were_named_are_not_called_near_duplicates(
    tmp_path: Path, this_split: dict[str, int], said: str, unsaid: str
) -> None:
    named = {"named": 12, "pictures": 18, "examples": ["/x/A/<7>.jpg"]}
    changes = {"config": {"groups_csv": "groups.csv"}, "this_split": this_split}
    text = page(tmp_path, two_classes(), named=named, **changes).text()
    assert "6 groups named by --groups or of near duplicates" in text
    assert "--groups named the group of 12 of 18 pictures; first unnamed /x/A/<7>.jpg;" in text
    assert said in text
    assert unsaid not in text


def test_sources_stand_against_classes_with_gaps_marked(tmp_path: Path) -> None:
    samples = [*two_classes(), *run("A", "garden", split="train", group="g", pictures=1)]
    shown = page(tmp_path, samples)
    assert "source A B garden 1 – kitchen 9 9" in shown.text()
    assert "Sources and classes" not in page(tmp_path / "one", two_classes()).text()


def test_the_largest_family_shows_first_middle_and_last(tmp_path: Path) -> None:
    big = run("A", split="train", group="kitchen/A/big", pictures=9)
    shown = page(tmp_path, [*two_classes(), *big])
    text = shown.text()
    assert "9 pictures in train A of kitchen group kitchen/A/big" in text
    sources = [value for tag, name, value in shown.attributes if (tag, name) == ("img", "src")]
    ends = [thumb_uri(tmp_path / big[i].path) for i in (0, 4, 8)]
    assert len(set(ends)) == 3
    assert any(sources[i : i + 3] == ends for i in range(len(sources)))
    assert text.index("9 pictures in train") < text.index("3 pictures in train")


def test_pictures_that_stand_out_are_counted_and_shown(tmp_path: Path) -> None:
    samples = two_classes()
    write_pictures(tmp_path, samples)
    light = qualities(samples)
    for sample in samples[:2]:
        light[sample.path] = Quality(brightness=0.1)
    light[samples[4].path] = Quality(sharpness=1.0)
    text = Page(_page_html(tmp_path, report(samples), samples, light)).text()
    assert "Dark: 2 (11 %)" in text
    assert "Blurred: 1 (6 %)" in text
    assert "Tiny: 18 (100 %)" in text
    assert "Bright:" not in text


def test_conflicts_show_the_picture_where_it_came_from(tmp_path: Path) -> None:
    there, gone = tmp_path / "1.jpg", tmp_path / "gone.csv"
    there.write_bytes(encode_jpeg(np.full((60, 80, 3), 90, np.uint8)))
    paths = [str(there), str(gone)]
    conflicts = [{"sha256": "1", "paths": paths}, {"sha256": "2", "paths": paths[::-1]}]
    shown = page(tmp_path / "dataset", two_classes(), conflicts=conflicts)
    assert str(there) in shown.alts()
    assert ("span", "aria-label", str(gone)) in shown.attributes
    assert "no preview" in shown.text()


def test_long_lists_are_folded_and_cut_and_say_so(tmp_path: Path) -> None:
    assert "details" not in page(tmp_path, two_classes(), bad=unusable(20)).tags
    assert "details" in page(tmp_path, two_classes(), bad=unusable(21)).tags
    ignored = [f"/y/{i}" for i in range(201)]
    text = page(tmp_path, two_classes(), bad=unusable(1234), ignored=ignored).text()
    assert "1,234 files that cannot be used" in text
    assert "and 1,034 more in report.json" in text
    assert "/x/199.jpg" in text
    assert "/x/200.jpg" not in text
    assert "and 1 more in report.json" in text


def test_nothing_wrong_is_said_in_a_sentence(tmp_path: Path) -> None:
    text = page(tmp_path, two_classes()).text()
    assert "Every file was a whole picture." in text
    assert "No picture lies under two classes." in text
    assert "Files and folders skipped" not in text
    assert "How folders were read" not in text
    samples = [s for s in two_classes() if s.path.endswith("_0.jpg")]  # one a group
    assert "Every picture is a group of its own." in page(tmp_path, samples).text()


def test_layouts_renamed_classes_and_missed_shares_are_told(tmp_path: Path) -> None:
    text = page(
        tmp_path,
        two_classes(),
        layouts={"kitchen": "a YOLO export"},
        renamed=[{"source": "kitchen", "folder": "a", "label": "A"}],
        missed_points={"B": 4.25},
    ).text()
    assert "kitchen a YOLO export" in text
    assert "became class in source a A kitchen" in text
    assert "no finer: 1 of 2 classes, B by most (4.2 points) class percentage points" in text


def test_many_classes_keep_the_page_small(tmp_path: Path) -> None:
    runs = [run(f"C{i}", f"s{i % 2}", split="train", group=f"g{i}", pictures=2) for i in range(700)]
    samples = [*chain(*runs)]
    write_pictures(tmp_path, samples[:40])
    html = _page_html(tmp_path, report(samples), samples, qualities(samples))
    assert html.count("<img") + html.count("no preview") <= 480 + 12 * 2 + 5 * 12
    assert "C699" in html
    head = html.partition("Sources and classes")[2].partition("</thead>")[0]
    assert head.count("<th ") == 1 + 200


def test_of_very_many_sources_the_largest_stand_against_classes(tmp_path: Path) -> None:
    sources = [(f"s{i:02}", 1 if i == 7 else 2) for i in range(41)]
    runs = [run("A", name, split="train", group=name, pictures=count) for name, count in sources]
    table = page(tmp_path, [*chain(*runs)]).text().partition("Sources and classes")[2]
    table = table.partition("Light, sharpness")[0]
    assert "s06" in table
    assert "s07" not in table
    assert "and 1 more in report.json" in table


def test_headings_go_down_one_step_at_a_time(tmp_path: Path) -> None:
    shown = page(tmp_path, two_classes(), missed_points={"A": 3.0})
    levels = [int(tag[1]) for tag in shown.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    drawings = [value for tag, name, value in shown.attributes if (tag, name) == ("svg", "role")]
    assert drawings == ["img"] * 3
    assert all(alt for alt in shown.alts())
