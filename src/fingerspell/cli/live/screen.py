"""Where live spelling is shown: a window where there is a screen, else the terminal.

The window is Tk's, which comes with Python: the OpenCV that answers need has none.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from fingerspell.images import Pixels

KEYS = {
    " ": "space", "space": "space", "\x7f": "delete", "\x08": "delete", "BackSpace": "delete",
    "Delete": "delete", "c": "clear", "q": "quit", "Escape": "quit",
}  # fmt: skip
"""What a key does, by its character in a terminal and by its name in a window."""

KEYS_IN_WORDS = "keys: space, backspace = delete, c = clear, q = quit"
_WIDEST_PX = 800


class Screen(Protocol):
    """Shows what is read and says which keys were pressed. `live`: somebody watches it."""

    live: bool

    def __enter__(self) -> Self:
        """Takes the screen."""

    def __exit__(self, *_: object) -> None:
        """Leaves it as it was."""

    def keys(self) -> list[str]:
        """Returns what the keys since the last call do, in order: values of `KEYS`."""

    def show(self, rgb: Pixels, line: str) -> None:
        """Shows one frame and the line below it."""

    def counted(self, line: str) -> None:
        """Says that a sign counted."""


def usual() -> Screen:
    """Returns a window where one opens, else the terminal."""
    try:
        return Window()
    except (ImportError, RuntimeError):
        return Terminal()


class Terminal:
    """One line that is written over; where the output is no terminal, a line for each sign."""

    def __init__(self) -> None:
        self.live = sys.stdout.isatty()
        self._restore = contextlib.ExitStack()

    def __enter__(self) -> Self:
        if sys.stdin.isatty() and sys.platform != "win32":
            import termios
            import tty

            before = termios.tcgetattr(sys.stdin)
            self._restore.callback(termios.tcsetattr, sys.stdin, termios.TCSADRAIN, before)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore.close()
        if self.live:
            print()

    def keys(self) -> list[str]:
        return _done(_typed())

    def show(self, rgb: Pixels, line: str) -> None:  # noqa: ARG002
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r{line[-width:]:<{width}}", end="", flush=True)

    def counted(self, line: str) -> None:
        if not self.live:
            print(line, flush=True)


def _done(keys: list[str]) -> list[str]:
    """Returns what pressed keys do; others do nothing."""
    names = [key.lower() if len(key) == 1 else key for key in keys]
    return [KEYS[name] for name in names if name in KEYS]


def _typed() -> list[str]:
    """Returns the characters that were typed since the last call; none where nobody can type."""
    if not sys.stdin.isatty():
        return []
    found: list[str] = []
    if sys.platform == "win32":
        import msvcrt

        while msvcrt.kbhit():
            found.append(msvcrt.getwch())
    else:
        import os
        import select

        while select.select([sys.stdin], [], [], 0)[0] and (
            data := os.read(sys.stdin.fileno(), 64)
        ):
            found += data.decode(errors="replace")
    return found


class Window:
    """A window with the picture and a line below it."""

    live = True

    def __init__(self) -> None:
        """Opens the window; raises `ImportError` or `RuntimeError` where there is none to open."""
        import tkinter

        try:
            self._root = tkinter.Tk()
        except tkinter.TclError as error:  # no screen
            raise RuntimeError(str(error)) from error
        self._root.title("fingerspell live")
        self._pressed: list[str] = []
        self._picture = tkinter.Label(self._root)
        self._line = tkinter.Label(self._root, font=("TkFixedFont", 20), anchor="w")
        self._keys = tkinter.Label(self._root, text=KEYS_IN_WORDS, anchor="w")
        for part in (self._picture, self._line, self._keys):
            part.pack(fill="x")
        self._root.bind("<Key>", lambda event: self._pressed.append(event.keysym))
        self._root.protocol("WM_DELETE_WINDOW", lambda: self._pressed.append("q"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._root.destroy()

    def keys(self) -> list[str]:
        self._root.update()
        pressed, self._pressed[:] = list(self._pressed), []
        return _done(pressed)

    def show(self, rgb: Pixels, line: str) -> None:
        import tkinter

        step = -(-rgb.shape[1] // _WIDEST_PX)
        shown = rgb[::step, ::step]
        head = f"P6 {shown.shape[1]} {shown.shape[0]} 255\n".encode()
        image = tkinter.PhotoImage(master=self._root, data=head + shown.tobytes(), format="PPM")
        self._picture.configure(image=image)
        self._shown = image  # Tk keeps no reference, and the picture would vanish.
        self._line.configure(text=line)
        self._root.update()

    def counted(self, line: str) -> None:
        pass
