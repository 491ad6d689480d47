"""What a counted sign does to the text."""

from __future__ import annotations

SPACE = "space"
DELETE = "del"


def written(text: str, label: str, max_chars: int) -> str:
    """Returns the text after one sign.

    `space` adds one space, never a second and never at the start. `del` takes the last character
    away. Any other label is added as it is, unless the text would grow beyond `max_chars`: what
    is already written is never pushed out.
    """
    if label == DELETE:
        return text[:-1]
    addition = " " if label == SPACE else label
    if label == SPACE and (not text or text.endswith(" ")):
        return text
    return text + addition if len(text) + len(addition) <= max_chars else text
