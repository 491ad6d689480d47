"""Streams of spelled words: painted, kept, read by rules, compared with the truth."""

import json

import numpy as np
import pytest

from benchmarks.live import measure, paint, rules, scripts, streams
from benchmarks.live.measure import aligned, known_borders, measured, reading, written
from benchmarks.live.stream import Stream, at_rate, load, save

LABELS = (*"ABEHLO", "del", "nothing", "space")
RNG = np.random.default_rng(0)
STILLS = {x: [np.full((200, 200, 3), 20 * i, np.uint8)] for i, x in enumerate("ABEHLO", 1)}
ROOM = np.zeros((200, 200, 3), np.float32)


def stream(frames: str, text: str = "", fps: int = 10, sure: float = 1.0, **more) -> Stream:
    """A stream whose frames show labels by a character each: `.` nothing, `_` space, `<` del."""
    names = {".": "nothing", "_": "space", "<": "del"}
    rows = np.full((len(frames), len(LABELS)), (1 - sure) / (len(LABELS) - 1))
    for row, x in zip(rows, frames, strict=True):
        row[LABELS.index(names.get(x, x))] = sure
    told = {"kind": "word", "source": "ann", "letter_s": 0.6, "transition": "cut", **more}
    return Stream(
        np.arange(len(frames)) / fps, rows, np.zeros(len(frames)), np.full((len(frames), 3), 0.5),
        fps=fps, text=text, **told,
    )  # fmt: skip


def said(told) -> str:
    return told[-1][1] if told else ""


def test_sixty_words_half_of_them_with_doubles_and_none_that_moves():
    assert len(set(scripts.WORDS)) == 60 and not set("".join(scripts.WORDS)) & set("JZ")
    assert sum(scripts.doubles_in(word) > 0 for word in scripts.WORDS) >= 30


def test_a_signer_spells_only_letters_that_are_there_in_every_manner():
    chosen = scripts.scripts("".join(sorted(set("".join(scripts.WORDS)) - {"S"})), 24, first=50)
    assert len({x.text for x in chosen}) == 24 and not any("S" in x.text for x in chosen)
    assert {(x.letter_s, x.transition) for x in chosen} == {
        (letter_s, way) for letter_s in scripts.LETTER_S for way in scripts.TRANSITIONS
    }
    assert {kind for x in chosen for kind in x.doubles} == set(scripts.DOUBLES)


@pytest.mark.parametrize(
    ("way", "double"), [*zip(scripts.TRANSITIONS, scripts.DOUBLES, strict=False), ("cut", "slide")]
)
def test_a_word_is_held_letter_by_letter_and_borders_are_where_it_is_held(way, double):
    script = scripts.Script("ALL", way, 0.3, (double,))
    stretches = scripts.spelled(script, STILLS, ROOM, RNG)
    borders = paint.borders(stretches)
    assert [label for *_, label in borders] == list("ALL")
    assert all(end - start == pytest.approx(0.3) for start, end, _ in borders)
    assert borders[2][0] - borders[1][1] == pytest.approx(0.3 if double == "release" else 0.25)
    frames = paint.shots(stretches, 30, np.random.default_rng(0))
    light = np.array([frame.mean() for frame in frames])
    for start, end, label in borders:
        held = light[int(np.ceil(start * 30)) : int(end * 30)]
        assert held == pytest.approx(STILLS[label][0].mean(), rel=0.1)
    pause = light[int(borders[1][1] * 30) + 3 : int(borders[2][0] * 30) - 2]
    assert (pause.min() < 10) == (double == "release")


def test_a_fidgeting_hand_is_never_still_and_shown_pictures_are():
    pictures = [RNG.integers(0, 255, (200, 200, 3)).astype(np.uint8) for _ in range(3)]
    restless = scripts.fidgeting(pictures, 2.0, np.random.default_rng(0))
    assert sum(x.lasts_s for x in restless) >= 2 and all(x.moves for x in restless)
    held = scripts.shown(pictures, 5.0, np.random.default_rng(0))
    assert min(x.lasts_s for x in held[::2]) >= 1.5 and held[1].lasts_s == scripts.MOVE_S


def test_every_rate_keeps_its_share_of_the_frames_and_time_goes_on():
    watched = (np.arange(600)[:, None] * np.ones(3), np.ones((600, 3)), np.zeros((600, 4, 4)))
    for step in streams.STEPS.values():
        arrays = at_rate(watched, 30, step, np.random.default_rng(0))
        numbers, time_s = arrays["probabilities"][:, 0], arrays["time_s"]
        assert 0.9 * 600 / step < len(numbers) < 600 / step and not (numbers % step).any()
        late = time_s - numbers / 30
        assert (np.diff(time_s) >= 0).all()
        assert abs(late).max() < step / 30 and 0.1 < late.std() * 30 / step < 0.2
        assert np.isnan(arrays["motion"][0]) and not arrays["motion"][1:].any()


def test_streams_are_kept_as_they_were(tmp_path):
    kept = [stream("..HHH", "H", letters=((0.2, 0.5, "H"),)), stream("AA", doubles=("slide",))]
    save(kept, tmp_path / "a.npz")
    for one, two in zip(kept, load(tmp_path / "a.npz"), strict=True):
        for name in Stream.__slots__:
            assert np.allclose(*x) if isinstance((x := (getattr(one, name), getattr(two, name)))[0],
                                                 np.ndarray) else x[0] == x[1]  # fmt: skip
    assert [x.name for x in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize(
    ("rule", "frames", "text"),
    [
        ("each change", "..HHEEHH", "HEH"),
        ("majority of 5, 0.7", "HHHHHEELLLLL", "HL"),
        ("majority of 5, 0.7", "AABLO", ""),
        ("majority of 5, 0.7", "LLLLL.....LLLLL", "LL"),
        ("10 frames alike", "H" * 25 + "E" * 9 + "L" * 10, "HL"),
        ("hold, 0.9", "H" * 15 + "L" * 15, "HL"),
        ("evidence", "H" * 15 + "L" * 15, "HL"),
    ],
)
def test_what_a_rule_writes(rule, frames, text):
    assert said(rules.RULES[rule](stream(frames), LABELS)) == text


@pytest.mark.parametrize(("text", "proposed"), [("HELO", "HELLO"), ("BOBA", "BOBA")])
def test_a_word_list_puts_a_missed_double_right_and_leaves_a_name(text, proposed, monkeypatch):
    words = rules.WordList([("hello", 100), ("able", 5)], LABELS)
    monkeypatch.setattr(rules, "word_list", lambda _: words)
    shown = stream("".join(x * 10 for x in text), sure=0.9)
    assert rules.with_words(shown, LABELS) == [(shown.time_s[-1], proposed)]


def test_unsure_frames_write_only_where_no_threshold_asks_for_more():
    unsure = stream("H" * 20, sure=0.75)
    texts = {
        name: said(rule(unsure, LABELS))
        for name, rule in rules.RULES.items()
        if name != rules.WITH_WORDS
    }
    assert texts["majority of 5, 0.7"] == texts["hold, 0.7"] == "H"
    assert texts["hold, 0.9"] == ""


def test_spaces_and_deletes_are_written_as_a_session_writes_them():
    signs = [(0.0, "space"), (1.0, "A"), (2.0, "B"), (3.0, "del"), (4.0, "space"), (5.0, "space")]
    told = rules.texts(signs)
    assert [text for _, text in told] == ["", "A", "AB", "A", "A ", "A "]
    assert written(told) == [(1.0, "A"), (4.0, " ")]
    assert written([(0.0, "I"), (1.0, "IA"), (2.0, "J")]) == [(2.0, "J")]


@pytest.mark.parametrize(
    ("truth", "text", "faults"),
    [("HELLO", "HELO", (0, 1, 0)), ("HOLE", "HALEB", (1, 0, 1)), ("", "AB", (0, 0, 2)),
     ("AB", "", (0, 2, 0))],
)  # fmt: skip
def test_faults_are_those_of_the_shortest_way(truth, text, faults):
    told = reading(stream(".", truth), [(0.0, text)])
    assert (told.wrong, told.missing, len(told.added)) == faults
    assert len(aligned(truth, text)) == len(truth) + len(told.added)


def test_borders_that_are_known_sum_the_evidence_over_the_hold():
    borders = ((0.0, 0.3, "H"), (0.3, 0.6, "E"), (5.0, 5.5, "L"))
    half = stream("HHEEEO", "HEL", letters=borders, sure=0.6)
    assert said(known_borders(half, LABELS)) == "HE"


def test_all_figures_of_made_up_streams():
    """HELLO read as HELO at 10 frames a second loses a letter of five; minutes have two signs."""
    borders = tuple((4 / 15 * i, 4 / 15 * (i + 1), x) for i, x in enumerate("HELLO"))
    told = {"text": "HELLO", "letters": borders, "doubles": ("bounce",)}
    ok = stream("HHHHEEEELLL.LLLLOOOO", fps=15, **told)
    bad = stream("HHHHEEEELLLLLLLLOOOO", fps=15, **told | {"source": "bob"})
    fast = stream("HHHHEEEELLLLLLLLOOOO", fps=15, **told | {"letter_s": 0.3})
    five = stream("HELLO", fps=5, **told | {"source": "bob"})
    films = [stream("HHH", x, fps=15, kind="film", letters=borders) for x in ("H", "HJ")]
    idle = [stream("<A_AABBB__B", kind=kind) for kind in scripts.MINUTES]
    figures = measured([ok, bad, fast, five, *films, *idle], LABELS, rules.each_change)
    assert figures["letters"] == 10 and figures["missing"] == figures["letters_wrong"] == 0.1
    assert figures["words_right"] == 0.5 and figures["worst_source"] == 0.2
    assert figures["fast"]["letters_wrong"] == 0.2
    assert figures["rates"] == {
        "letters_wrong": {"5": 0.2, "15": 0.1}, "apart": 0.1, "same_text": 1.0,
    }  # fmt: skip
    assert figures["doubles"]["bounce"] == 1 / 3 and figures["doubles"]["slide"] is None
    assert figures["doubles"]["read"] == {"bounce": 3, "slide": 0, "release": 0}
    assert figures["films"] == {"without_doubles": 0.0, "all": pytest.approx(1 / 3), "moving": 0.0}
    assert figures["minutes"]["people"] == pytest.approx(60 * 6)  # The first changes nothing.
    assert figures["delay_s"] == pytest.approx(0.0)
    json.dumps(figures)
    assert measure.shown([ok, five])["words"] == 1
