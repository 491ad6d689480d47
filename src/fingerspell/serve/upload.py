"""Reads a picture from an HTTP request: a form field, JSON with base64, or the bare bytes.

Clients say little of what they send, or the wrong thing: `curl --data-binary` calls a JPEG a form,
`fetch` calls JSON text, Dart sends a file part without a file name. So the type that a request
names decides only between a form and the rest; everything else is told from the bytes.
"""

import base64
import json
import math
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser

from fingerspell.errors import ConfigError
from fingerspell.labels import chosen_labels
from fingerspell.serve.limits import Limits
from fingerspell.serve.problems import RequestError, too_large

COMMITS = ("hold", "now")

_FIELDS = ("image_base64", "image")
"""What the picture may be called in a form or in JSON."""

_PAIRS = tuple(f"{name}=".encode() for name in (*_FIELDS, "session_id", "commit", "labels"))
_NO_PATH = "send the file itself and not its path: in a form as a file, curl -F image=@hand.jpg"
_BASE64 = re.compile(rb"[A-Za-z0-9+/_\-\s]{32,}+={0,2}\s*")
"""`{32,}+` never goes back: it would, at every space, through all spaces behind it."""

_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_SOME = 1000
_MOST_MARKS = 1000
_LABELS_CHARS = 1000

_HOW_TO_SEND = (
    "send a form with a file field `image` (curl -F image=@hand.jpg), JSON "
    '{"image_base64": "…"}, or the bytes of the picture'
)


@dataclass(frozen=True, slots=True)
class Upload:
    """What a client sent: the picture's bytes, whose session it is, and when a sign counts.

    `commit` is `hold` (the live rules) or `now` (this photograph is one whole sign). `labels` are
    those allowed in the answer (`None`: the server's). `at_s` is when the picture was taken, in
    seconds of the client's clock.
    """

    picture: bytes
    session_id: str | None
    commit: str
    labels: tuple[str, ...] | None = None
    at_s: float | None = None


def read_upload(
    headers: Headers,
    query: Mapping[str, str],
    body: bytes,
    limits: Limits,
    known: Sequence[str],
) -> Upload:
    """Reads a request's body; raises `RequestError` 400 or 413 where it holds no usable picture.

    `known` are the recogniser's labels, of which a request may allow some. A field of the body goes
    before the same in the address. To be called off the event loop.
    """
    picture, fields = _picture_and_fields(headers, body, limits)
    if not picture:
        arrived = ", ".join(sorted(map(str, fields)))[:200]
        raise bad(f"no image, but the fields {arrived}" if arrived else "no image")
    if len(picture) > limits.picture_bytes:
        raise too_large(limits.picture_bytes)
    asked = {**query, **{x: y for x, y in fields.items() if y is not None and y != ""}}
    return Upload(
        picture, _session_id(asked, limits), _commit(asked), labels_of(asked, known), _at_s(asked)
    )


def _picture_and_fields(
    headers: Headers, body: bytes, limits: Limits
) -> tuple[bytes, Mapping[str, Any]]:
    if kind_of(headers) == "multipart/form-data":
        return _from_form(headers, body, limits)
    if is_json(headers, body):
        return _from_json(body)
    if pairs := _pairs(body):
        return _picture_in(pairs), pairs
    return _from_text(body), {}


def kind_of(headers: Headers) -> str:
    """Returns the type that a request says its body has, in lower case and without parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(headers: Headers, body: bytes) -> bool:
    """Whether a body is JSON, by what its request says or by how it begins."""
    kind = kind_of(headers)
    return kind == "application/json" or kind.endswith("+json") or body.lstrip()[:1] == b"{"


def parts_of_form(
    headers: Headers, body: bytes, limits: Limits, files: int = 8
) -> list[tuple[str, str | bytes]]:
    """Returns the parts of a multipart form by name, a file's as bytes and a text field's as text.

    Of the content type only the boundary counts: a charset may name any of Python's codecs. Raises
    `RequestError` 400 for a form that cannot be read, or has more than `files` files.
    """
    parameters = parse_options_header(headers.get("content-type"))[1]
    edge = parameters.get(b"boundary", b"").decode("latin-1")
    if not edge:
        raise bad("a form that cannot be read (missing boundary)")

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield body

    async def parsed() -> list[tuple[str, str | bytes]]:
        form = await parser.parse()
        parts = [(x, y if isinstance(y, str) else await y.read()) for x, y in form.multi_items()]
        await form.close()
        return parts

    quoted = edge.replace("\\", "\\\\").replace('"', '\\"')
    parser = MultiPartParser(
        Headers({"content-type": f'multipart/form-data; boundary="{quoted}"'}),
        pieces(), max_files=files, max_fields=32, max_part_size=limits.body_bytes,
    )  # fmt: skip
    parser.spool_max_size = limits.body_bytes  # pictures of people never touch the disk
    work = parsed()
    try:
        work.send(None)  # All of it is in memory, so that there is nothing to wait for.
    except StopIteration as done:
        return list(done.value)
    except MultiPartException as error:
        raise bad(f"a form that cannot be read ({error.message})") from error
    except (ValueError, LookupError) as error:
        raise bad("a form that cannot be read") from error
    finally:
        work.close()
    raise bad("a form that cannot be read (it is too large)")


def _from_form(headers: Headers, body: bytes, limits: Limits) -> tuple[bytes, dict[str, str]]:
    """Returns the file field `image` and the text fields of a multipart form."""
    parts = parts_of_form(headers, body, limits)
    texts = {name: value for name, value in parts if isinstance(value, str)}
    files = {name: value for name, value in parts if isinstance(value, bytes)}
    image = next((files[name] for name in _FIELDS if name in files), None)
    picture = _picture_in(texts) if image is None else image
    return picture, {**dict.fromkeys(files, "a file"), **texts}


def _pairs(body: bytes) -> dict[str, str]:
    """Returns the fields of an urlencoded form, empty where a body is none.

    Spaces become the plus signs again that a client forgot to escape: base64 has no spaces.
    """
    if not body.startswith(_PAIRS):
        return {}
    _check_escapes(body, b"%")
    try:
        pairs = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=32))
    except ValueError as error:
        raise bad(f"a form that cannot be read ({error})") from error
    return {x: y.replace(" ", "+") if x in _FIELDS else y for x, y in pairs.items()}


def _picture_in(fields: Mapping[str, str]) -> bytes:
    """Returns the picture that a text field holds; no bytes where none does."""
    text = next((fields[name] for name in _FIELDS if fields.get(name)), "")
    raw = text.encode("latin-1", "replace")
    picture = _from_text(raw)
    if picture and picture == raw and text.isprintable():
        raise bad(f"a field `image` that is text: {text[:60]!r}", _NO_PATH)
    return picture


def _from_text(raw: bytes) -> bytes:
    """Returns the bytes that a text stands for: a data URL, base64, or the text's own.

    A part without a file name comes as text although it is the picture itself.
    """
    start = raw[:64].lstrip()
    if start[:5].lower() == b"data:":
        return from_base64(raw.strip())
    return from_base64(raw) if start and _BASE64.fullmatch(raw) else raw


def members_of_json(body: bytes) -> dict[str, Any]:
    """Returns the members of a JSON object; raises `RequestError` 400 for anything else.

    Python reads JSON without letting any other thread run, and makes objects of 200 times its
    size: what is not a few members with long texts is refused beforehand.
    """
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > _MOST_MARKS:
        raise bad("JSON of too many parts")
    _check_escapes(body, b"\\")
    try:
        members = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise bad("JSON that cannot be read") from error
    if not isinstance(members, dict):
        raise bad("JSON that is not an object")
    return members


def _from_json(body: bytes) -> tuple[bytes, dict[str, Any]]:
    """Returns the picture in `image_base64` (or `image`) and all members of a JSON object."""
    members = members_of_json(body)
    return picture_in_json(next((members[x] for x in _FIELDS if members.get(x)), "")), members


def picture_in_json(value: object) -> bytes:
    """Returns the picture that a member of JSON holds in base64."""
    if not isinstance(value, str):
        raise bad("an image that is not a base64 string")
    return from_base64(value.encode("utf-8", "replace"))


def _check_escapes(body: bytes, mark: bytes) -> None:
    """Raises `RequestError` 400 for a body that consists of escapes: they take seconds to read.

    Base64 has one sign in 32 that some clients escape, as three characters.
    """
    if body.count(mark) > _SOME + len(body) // 16:
        raise bad("a text in which nearly every character is escaped")


def from_base64(raw: bytes) -> bytes:
    """Decodes base64, bare or as a data URL, also as URLs want it; white space is ignored."""
    if raw[:5].lower() == b"data:":
        head, comma, raw = raw.partition(b",")
        if not comma or not head.lower().endswith(b";base64"):
            raise bad("a data URL that is not base64")
    raw = raw.translate(_URL_SAFE, b" \t\r\n\f\v").rstrip(b"=")
    try:
        return base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True)
    except ValueError as error:
        raise bad(f"base64 that cannot be read ({error})") from error


def _session_id(asked: Mapping[str, Any], limits: Limits) -> str | None:
    value = asked.get("session_id")
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise bad("a session_id that is neither text nor a whole number", "send a short text")
    if len(str(value)) > limits.session_id_chars:
        raise bad(
            f"a session_id of {len(str(value))} characters",
            f"use at most {limits.session_id_chars}, a UUID for example",
        )
    return str(value)


def _at_s(asked: Mapping[str, Any]) -> float | None:
    """Returns when the picture was taken, in seconds of the client's clock."""
    value = asked.get("at_ms")
    try:
        at_ms = None if value is None or value == "" else float(value)
    except (TypeError, ValueError, OverflowError):
        at_ms = math.nan
    if at_ms is not None and not 0 <= at_ms < math.inf:
        raise bad(f"at_ms={str(value)[:20]}", "send the milliseconds of the client's clock")
    return None if at_ms is None else at_ms / 1000


def _commit(asked: Mapping[str, Any]) -> str:
    """Returns when a sign counts: `hold` unless asked otherwise."""
    value = asked.get("commit") or COMMITS[0]
    if value not in COMMITS:
        raise bad(
            f"commit={str(value)[:20]!r}", "use `hold` for a stream, `now` for single photographs"
        )
    return str(value)


def labels_of(asked: Mapping[str, Any], known: Sequence[str]) -> tuple[str, ...] | None:
    """Returns the labels that a request allows, written as `A-Z` or `A-I,K-Y`."""
    value = asked.get("labels") or None
    if not isinstance(value, str | None) or (value and len(value) > _LABELS_CHARS):
        raise bad("labels that are not a short text", "send a list like A-Z or A-I,K-Y,space")
    try:
        return None if value is None else chosen_labels(value, known)
    except ConfigError as error:
        raise RequestError(
            400, found=error.found[:200], expected=error.expected, fix=error.fix
        ) from error


def bad(found: str, fix: str = _HOW_TO_SEND) -> RequestError:
    """Returns the answer, 400, for a request that holds no usable picture."""
    return RequestError(400, found=found, expected="one picture in the request", fix=fix)
