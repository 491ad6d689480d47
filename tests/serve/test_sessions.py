"""The text of every client, bounded in number and in time."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fingerspell.errors import ConfigError
from fingerspell.serve.limits import Limits
from fingerspell.serve.problems import RequestError
from fingerspell.serve.sessions import Sessions
from helpers.signs import RULES, frame


def store(**limits: float) -> Sessions:
    return Sessions(RULES, Limits(**limits), clock=lambda: 0.0)  # type: ignore[arg-type]


def sign(sessions: Sessions, name: str, label: str, start_s: float, count: int = 6) -> str:
    """Ten frames a second of one sign; returns the text after them."""
    text = ""
    for index in range(count):
        text = sessions.fold(name, frame(label), start_s + index / 10).text
    return text


def test_sessions_do_not_hear_each_other():
    sessions = store()
    for index in range(8):
        texts = [sessions.fold(name, frame(name), index / 10).text for name in "AB"]
    assert texts == ["A", "B"]


def test_a_photograph_meant_as_a_letter_counts_at_once_and_others_in_pairs():
    sessions = store()
    for moment_s, name in enumerate(["L", "L", "space", "B", "del", "-", "?"]):
        text = sessions.fold("me", frame(name), 5.0 * moment_s, now=True).text
    assert text == "LL "
    assert [sessions.fold("you", frame("A"), at_s).text for at_s in (0.0, 1.0)] == ["", "A"]


def test_a_frame_that_was_overtaken_changes_nothing():
    sessions = store()
    sign(sessions, "me", "A", 10.0)
    before = sessions.fold("me", frame("A"), 10.6)
    assert sessions.fold("me", frame("B"), 10.3) == before


def test_a_hand_is_seen_to_move_by_the_pictures_of_one_session():
    sessions = store()
    dark, light = np.zeros((40, 40), np.float32), np.tri(40, dtype=np.float32) * 255
    for index in range(10):
        for name, pictures in (("still", (dark, dark)), ("moving", (dark, light))):
            moment_s, picture = index / 20, pictures[index % 2]
            text = sessions.fold(name, frame("A"), moment_s, picture=picture).text
            assert text == "" or name == "still"
    assert sessions.fold("still", frame("A"), 0.5, picture=dark).text == "A"


def test_an_idle_session_is_forgotten():
    sessions = store(session_idle_s=60)
    assert sign(sessions, "me", "A", 0.0) == "A"
    assert sessions.fold("me", frame("-"), 60.0).text == "A"
    assert sessions.fold("me", frame("-"), 121.0).text == ""


def test_the_least_recently_used_session_goes_first_so_that_memory_stays_bounded():
    sessions = store(sessions=2)
    sign(sessions, "one", "A", 0.0)
    sign(sessions, "two", "B", 1.0)
    sessions.fold("one", frame("-"), 2.0)
    sign(sessions, "three", "C", 3.0)
    assert len(sessions) == 2
    assert sessions.fold("one", frame("-"), 4.0).text == "A"
    assert sessions.fold("two", frame("-"), 4.1).text == ""


def test_a_client_with_many_sessions_pushes_out_none_but_its_own():
    sessions = store(sessions=20)
    sign(sessions, "mine", "A", 0.0)
    for number in range(100):
        sessions.fold(f"strange {number}", frame("B"), 1.0, now=True, owner="crowd")
    named = sessions.create("another")
    assert len(sessions) == 20 and sessions.read("mine").text == "A"
    assert sessions.read(named).text == "" and sessions.read("strange 99").text == "B"
    with pytest.raises(RequestError, match="no session"):
        sessions.read("strange 0")


def test_time_is_the_clients_where_it_is_told():
    sessions = store()
    for index in range(6):
        text = sessions.fold("me", frame("A"), 9.0, taken_s=index / 10).text
    assert text == "A"
    late = sessions.fold("me", frame("B"), 9.0, taken_s=0.1)
    assert late == sessions.read("me"), "overtaken on its way"


def test_many_threads_lose_no_photograph():
    sessions = store()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: sessions.fold("me", frame("A"), i, now=True), range(400)))
    assert sessions.fold("me", frame("-"), 400.0, now=True).text == "A" * 400


@pytest.mark.parametrize("setting", [{"sessions": 0}, {"picture_bytes": -1}, {"top": 0}])
def test_limits_that_cannot_work_are_refused(setting: dict[str, int]):
    with pytest.raises(ConfigError):
        Limits(**setting)  # type: ignore[arg-type]
