"""Where live spelling is shown: the terminal's line and keys, or a window."""

import io
import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from fingerspell.cli.live import screen

PICTURE = np.zeros((4, 1000, 3), np.uint8)


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def no_tk(*_: object) -> None:
    raise FakeTk.TclError("no display name and no $DISPLAY environment variable")


class FakeTk:
    """As much of tkinter as the window uses; what was shown stays to be looked at."""

    TclError = type("TclError", (Exception,), {})

    def __init__(self) -> None:
        self.shown: dict[str, object] = {}
        self.bound: dict[str, object] = {}

    def Tk(self):  # noqa: N802
        nothing = lambda *_, **__: None  # noqa: E731
        return SimpleNamespace(
            title=nothing, update=nothing, destroy=nothing,
            bind=lambda name, call: self.bound.update({name: call}),
            protocol=lambda name, call: self.bound.update({name: call}),
        )  # fmt: skip

    def Label(self, root, **_):  # noqa: N802
        return SimpleNamespace(
            pack=lambda **__: None, configure=lambda **now: self.shown.update(now)
        )

    def PhotoImage(self, **given):  # noqa: N802
        return given


@pytest.fixture
def tk(monkeypatch) -> FakeTk:
    fake = FakeTk()
    monkeypatch.setitem(sys.modules, "tkinter", fake)
    return fake


def test_a_window_shows_picture_and_line_and_takes_keys_by_name(tk: FakeTk):
    with screen.usual() as shown:
        assert isinstance(shown, screen.Window) and shown.live
        shown.show(PICTURE, "HELLO")
        for name in ("space", "BackSpace", "Q", "x", "Shift_L"):
            tk.bound["<Key>"](SimpleNamespace(keysym=name))
        assert shown.keys() == ["space", "delete", "quit"] and shown.keys() == []
        tk.bound["WM_DELETE_WINDOW"]()
        assert shown.keys() == ["quit"]
    assert tk.shown["text"] == "HELLO"
    picture = tk.shown["image"]["data"]
    assert picture.startswith(b"P6 500 2 255\n") and len(picture) == 13 + 500 * 2 * 3


@pytest.mark.parametrize("lacks", ["tkinter", "a screen"])
def test_without_a_window_it_is_the_terminal(monkeypatch, tk: FakeTk, lacks: str):
    if lacks == "tkinter":
        monkeypatch.setitem(sys.modules, "tkinter", None)
    else:
        monkeypatch.setattr(tk, "Tk", no_tk)
    assert isinstance(screen.usual(), screen.Terminal)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_writes_over_its_line_and_a_file_gets_a_line_for_each_sign(
    monkeypatch, terminal: bool
):
    out = Tty() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setenv("COLUMNS", "11")
    with screen.Terminal() as shown:
        assert shown.live == terminal
        for text in ("too long to stand here", "A"):
            shown.show(PICTURE, text)
        shown.counted("1.00 s  A")
    expected = f"\rstand here\rA{' ' * 9}\n" if terminal else "1.00 s  A\n"
    assert out.getvalue() == expected


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals")
def test_keys_are_taken_one_by_one_and_the_terminal_is_left_as_it_was(monkeypatch):
    import termios

    person, program = os.openpty()
    with open(program, encoding="utf-8") as stdin:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdin", stdin)
        before = termios.tcgetattr(program)
        with screen.Terminal() as shown:
            os.write(person, b" \x7fCq\x1b[Az")
            assert shown.keys() == ["space", "delete", "clear", "quit"]
            assert shown.keys() == []
        assert termios.tcgetattr(program) == before
    os.close(person)
