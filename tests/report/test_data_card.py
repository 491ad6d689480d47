"""The data card: what it says, what it must not invent or give away."""

from dataclasses import replace
from typing import Any

from fingerspell.dataset.manifest import HELD_OUT, Sample
from fingerspell.dataset.quality import Quality
from fingerspell.report.data_card import data_card
from helpers.prepared_folder import qualities, report, run, two_classes

AWAY = run("A", "garden", split=HELD_OUT, group="garden/A/1")


def card(samples: list[Sample], **more: Any) -> str:
    return data_card(report(samples, **more), samples, qualities(samples))


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_card_says_what_is_inside_and_its_settings_without_the_way_to_them() -> None:
    text = card(two_classes())
    assert "18 pictures, 2 classes, 6 groups of near duplicates, 1 source(s)." in text
    assert "| source | train | val | test | groups |\n|---|---:|---:|---:|---:|\n" in text
    assert "| kitchen | 6 | 6 | 6 | 6 |" in text
    assert "| B | 3 | 3 | 3 | 3 |" in text
    assert "* seed: 7" in text
    assert "* shares: 0.7, 0.15, 0.15" in text
    assert "* input dirs: kitchen" in text
    assert "private" not in text
    assert "unknown to this program" in flat(text).split("Licence")[1][:120]


def test_paths_of_windows_give_nothing_away_either() -> None:
    paths = {"input_dirs": ["C:\\ann\\hands\\"], "groups_csv": "D:/ann/g.csv"}
    text = card(two_classes(), config=paths)
    assert "* input dirs: hands\n" in text
    assert "* groups csv: g.csv\n" in text
    assert "ann\\" not in text
    assert "D:" not in text


def test_the_leak_of_a_random_split_stands_beside_and_none_is_praised() -> None:
    text = card(two_classes())
    assert "| test pictures with a near duplicate in train | 0 | 5 |" in text
    assert "| near-duplicate pairs on several sides | 0 | 1,234 |" in text
    assert "By groups" in text
    text = card(two_classes(), config={"split": "random"})
    assert "score is too good" in text
    assert "By groups" not in text


def test_limits_are_those_of_these_pictures_to_learn_from() -> None:
    lonely = run("J", "garden", split="train", group="garden/J/1")
    text = flat(card([*two_classes(), *lonely], missed_points={"J": 30.0}))
    assert "In one source only: A, B, J" in text
    assert "Classes with no test pictures, so never tested: J." in text
    assert "asked for, as groups divide no finer: 1 of 3 classes, J by most (30.0 points)." in text
    assert "J: movements in the alphabet" in text
    assert "come from one source." not in text
    alone = flat(card([*two_classes(), *AWAY], held_out=["garden"]))
    assert "All pictures to learn from come from one source." in alone
    assert "movements" not in alone
    assert "Classes with" not in alone


def test_groups_that_were_named_are_not_said_to_keep_near_duplicates_together() -> None:
    named = {"named": 12, "pictures": 18, "examples": ["/home-of-somebody/private/A/7.jpg"]}
    changes = {"config": {"group_by": "(.)"}, "this_split": {"crossing_pairs": 9}}
    text = flat(card(two_classes(), named=named, **changes))
    assert "6 groups named by --group_by or of near duplicates" in text
    assert "By groups named by --group_by or of near duplicates: each stays on one side" in text
    assert "9 near-duplicate pairs lie on several sides" in text
    assert "--group_by named the group of 12 of 18 pictures; those without" in text
    assert "exact and near duplicates" not in text
    assert "private" not in text


def test_unseen_signers_are_named_and_copies_of_them_counted() -> None:
    copies = {"copies_of_unseen_signers": ["a.jpg", "b.jpg"]}
    text = card([*two_classes(), *AWAY], held_out=["garden"], **copies)
    assert "18 pictures + 3 held out, 2 classes, 6 groups" in text
    assert "1 source(s) + 1 held out" in text
    assert "| A | 3 | 3 | 3 | 3 | 3 |" in text
    assert "Held out as unseen signers, never trained on: garden." in text
    assert "| garden | 0 | 0 | 0 | 3 | 1 |" in text
    assert "several classes, 2 copies of held-out pictures." in flat(text)
    assert "No source was held out" in card(two_classes())


def test_light_and_skin_are_spread_out() -> None:
    samples = two_classes()
    light = qualities(samples)
    for sample in samples[:9]:
        light[sample.path] = Quality(brightness=0.1, skin_ita_deg=-40)
    text = data_card(report(samples), samples, light)
    assert "tan 50 %" in text
    assert "dark or shaded 50 %" in text
    assert "| kitchen | 0.3 | 1000 | -10 |" in text
    assert "To look at: dark 9, tiny 18." in text


def test_names_cannot_break_the_card() -> None:
    name = "a|b\n# <script>x</script> `c` [d](e) _f_ g_h \udce9"
    samples = [replace(s, label=name, source=name) for s in two_classes()]
    text = card(samples, held_out=[name], missed_points={name: 2.0})
    assert "<script" not in text.replace("\\<script", "")
    safe = r"a\|b \# \<script\>x\</script\> \`c\` \[d\](e) \_f\_ g_h ?"
    assert f"| {safe} | 6 | 6 | 6 | 6 |" in text
    assert text.encode("utf-8")
