"""The class names in a `data.yaml`: the three ways to write a list that exports use."""

from __future__ import annotations

import re

_KEY = re.compile(r"^names[ \t]*:[ \t]*(.*)$", re.MULTILINE)
_QUOTED = r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\""""
_COMMENT = re.compile(rf"({_QUOTED})|(?:(?<=\s)|^)#.*$")
_TEXT = rf"""{_QUOTED}|[^'",\[\]{{}}\s][^,\[\]{{}}]*"""
_ITEM = re.compile(rf"\s*(?:(\d+)\s*:\s+)?({_TEXT})\s*(?:,|$)")
_DASH = re.compile(rf"[ \t]*-[ \t]+({_TEXT})[ \t]*")
_NUMBERED = re.compile(rf"[ \t]+(\d+)[ \t]*:[ \t]+({_TEXT})[ \t]*")
_CLOSING = {"[": "]", "{": "}"}


def has_names(text: str) -> bool:
    """Returns whether a YAML text lists class names at its top level."""
    return _KEY.search(text) is not None


def class_names(text: str) -> dict[int, str]:
    """Returns index → name of `names: [A, B]`, `names:` with dashes, or `names:` with `0: A`.

    Every name is text, also `N` and `No`. Raises `ValueError` with what cannot be understood.
    """
    lines = [_without_comment(line) for line in text.splitlines()]
    keys = ((i + 1, match[1].strip()) for i, x in enumerate(lines) if (match := _KEY.match(x)))
    after, rest = next(keys, (0, ""))
    if not after:
        raise ValueError("there is no `names:`")
    if rest[:1] in _CLOSING:
        names = _inline(" ".join([rest, *lines[after:]]))
    elif not rest:
        names = _block(lines[after:])
    else:
        raise ValueError(f"`names: {rest}` is no list")
    if not names:
        raise ValueError("`names:` is empty")
    return names


def _inline(text: str) -> dict[int, str]:
    """Reads `[A, 'B']` or `{0: A, 1: B}`, over several lines perhaps."""
    end, quoted = _CLOSING[text[0]], re.sub(_QUOTED, _blank, text)
    close = quoted.find(end)
    if close < 0:
        raise ValueError(f"`names:` opens {text[0]} and does not close it")
    body, names, place = text[1:close].strip(), dict[int, str](), 0
    while place < len(body):
        item = _ITEM.match(body, place)
        if item is None or (item[1] is not None) != (end == "}"):
            raise ValueError(f"`{body[place : place + 20]}` is no name")
        _put(names, len(names) if item[1] is None else int(item[1]), item[2])
        place = item.end()
    return names


def _block(lines: list[str]) -> dict[int, str]:
    """Reads `- A` or `0: A`, a line a name, up to the next key."""
    names: dict[int, str] = {}
    for line in lines:
        if not line.strip():
            continue
        if item := _DASH.fullmatch(line):
            _put(names, len(names), item[1])
        elif item := _NUMBERED.fullmatch(line):
            _put(names, int(item[1]), item[2])
        elif line[0] in " \t-":
            raise ValueError(f"`{line.strip()}` is no name")
        else:
            break
    return names


def _put(names: dict[int, str], index: int, written: str) -> None:
    if index in names:
        raise ValueError(f"number {index} is named twice")
    names[index] = _plain(written.strip())


def _plain(written: str) -> str:
    if written[0] == "'":
        return written[1:-1].replace("''", "'")
    if written[0] == '"':
        return re.sub(r"\\(.)", r"\1", written[1:-1])
    return written


def _without_comment(line: str) -> str:
    """Cuts `# …` off, where it stands in no quotes and after a blank."""
    return _COMMENT.sub(lambda match: match[1] or "", line)


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])
