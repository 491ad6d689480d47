"""Reads a picture from an HTTP request: a form field, JSON with base64, or the bare bytes.

Clients say little of what they send, or the wrong thing: `curl --data-binary` calls a JPEG a form,
`fetch` calls JSON text, Dart sends a file part without a file name. So the type that a request
names decides only between a form and the rest; everything else is told from the bytes.
"""

import base64
import binascii
import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from fingerspell.errors import ConfigError
from fingerspell.labels import chosen_labels
from fingerspell.serve.messages import RequestError
from fingerspell.serve.sessions import MEGABYTE, Limits

COMMITS = ("hold", "now")

_FIELDS = ("image_base64", "image")
"""What the picture may be called in a form or in JSON."""

_PAIRS = tuple(f"{name}=".encode() for name in (*_FIELDS, "session_id", "commit", "labels"))
_NO_PATH = "send the file itself and not its path: in a form as a file, curl -F image=@hand.jpg"
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-\s]{32,}={0,2}\s*")
_URL_SAFE = str.maketrans("-_", "+/")

_HOW_TO_SEND = (
    "send a form with a file field `image` (curl -F image=@hand.jpg), JSON "
    '{"image_base64": "…"}, or the bytes of the picture'
)


@dataclass(frozen=True, slots=True)
class Upload:
    """What a client sent: the picture's bytes, whose session it is, and when a sign counts.

    `commit` is `hold` (the live rules) or `now` (this photograph is one whole sign). `labels` are
    those allowed in the answer (`None`: the server's).
    """

    picture: bytes
    session_id: str | None
    commit: str
    labels: tuple[str, ...] | None = None


async def read_upload(request: Request, limits: Limits, known: Sequence[str]) -> Upload:
    """Reads a request; raises `RequestError` 400 or 413 for one that holds no usable picture.

    `known` are the recogniser's labels, of which a request may allow some.
    """
    body = await _read_body(request, limits)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    fields: Mapping[str, Any]
    if kind == "multipart/form-data":
        picture, fields = await _from_form(request.headers, body, limits)
    elif kind == "application/json" or kind.endswith("+json") or body.lstrip()[:1] == b"{":
        picture, fields = _from_json(body)
    elif pairs := _pairs(body):
        picture, fields = _picture_in(pairs), pairs
    else:
        picture, fields = _from_text(body.decode("latin-1")), {}
    if not picture:
        arrived = ", ".join(sorted(map(str, fields)))[:200]
        raise _bad(f"no image, but the fields {arrived}" if arrived else "no image")
    if len(picture) > limits.picture_bytes:
        raise _too_large(limits)
    asked = {**request.query_params, **fields}
    return Upload(picture, _session_id(asked, limits), _commit(asked), _labels(asked, known))


async def _read_body(request: Request, limits: Limits) -> bytes:
    """Returns the whole body; raises `RequestError` 413 as soon as it is known to be too long.

    A body that is a little too long is read to its end and thrown away piece by piece: a sender
    that is cut off while sending never reads why. Of a far too long one nothing more is read.
    """
    declared = _declared_bytes(request)
    if declared is not None and declared > limits.body_bytes:
        waits = "100-continue" in request.headers.get("expect", "").lower()
        if waits or declared > limits.drained_bytes:
            raise _too_large(limits, hang_up=True)
    kept, seen = bytearray(), 0
    async for piece in request.stream():
        seen += len(piece)
        if seen > limits.drained_bytes:
            raise _too_large(limits, hang_up=True)
        if seen <= limits.body_bytes:
            kept += piece
        else:
            kept.clear()
    if seen > limits.body_bytes:
        raise _too_large(limits)
    return bytes(kept)


def _too_large(limits: Limits, *, hang_up: bool = False) -> RequestError:
    return RequestError(
        413,
        found="a picture that is too large",
        expected=f"at most {limits.picture_bytes / MEGABYTE:g} MB",
        fix="shrink it before sending: 640 pixels on the longer side are plenty",
        hang_up=hang_up,
    )


def _declared_bytes(request: Request) -> int | None:
    """Returns the length that a request says it has, if it says one."""
    said = request.headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() else None


async def _from_form(headers: Headers, body: bytes, limits: Limits) -> tuple[bytes, dict[str, str]]:
    """Returns the file field `image` and the text fields of a multipart form."""

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(
        headers, pieces(), max_files=8, max_fields=32, max_part_size=limits.body_bytes
    )
    parser.spool_max_size = limits.body_bytes  # pictures of people never touch the disk
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise _bad(f"a form that cannot be read ({error.message})") from error
    texts = {name: value for name, value in form.items() if isinstance(value, str)}
    files = {name: value for name, value in form.items() if isinstance(value, UploadFile)}
    image = next((files[name] for name in _FIELDS if name in files), None)
    picture = await image.read() if image else _picture_in(texts)
    await form.close()
    return picture, {**dict.fromkeys(files, "a file"), **texts}


def _pairs(body: bytes) -> dict[str, str]:
    """Returns the fields of an urlencoded form, empty where a body is none.

    Spaces become the plus signs again that a client forgot to escape: base64 has no spaces.
    """
    if not body.startswith(_PAIRS):
        return {}
    try:
        pairs = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=32))
    except ValueError as error:
        raise _bad(f"a form that cannot be read ({error})") from error
    return {x: y.replace(" ", "+") if x in _FIELDS else y for x, y in pairs.items()}


def _picture_in(fields: Mapping[str, str]) -> bytes:
    """Returns the picture that a text field holds; no bytes where none does."""
    text = next((fields[name] for name in _FIELDS if fields.get(name)), "")
    picture = _from_text(text)
    if picture and picture == text.encode("latin-1", "replace") and text.isprintable():
        raise _bad(f"a field `image` that is text: {text[:60]!r}", _NO_PATH)
    return picture


def _from_text(text: str) -> bytes:
    """Returns the bytes that a text stands for: a data URL, base64, or a byte a character.

    A part without a file name comes as text although it is the picture itself.
    """
    start = text[:64].lstrip()
    if start[:5].lower() == "data:":
        return _from_base64(text.strip())
    if start and _BASE64.fullmatch(text):
        return _from_base64(text)
    return text.encode("latin-1", "replace")


def _from_json(body: bytes) -> tuple[bytes, dict[str, Any]]:
    """Returns the picture in `image_base64` (or `image`) and all members of a JSON object."""
    try:
        members = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _bad("JSON that cannot be read") from error
    if not isinstance(members, dict):
        raise _bad("JSON that is not an object")
    text = next((members[name] for name in _FIELDS if members.get(name)), "")
    if not isinstance(text, str):
        raise _bad("an image that is not a base64 string")
    return _from_base64(text), members


def _from_base64(text: str) -> bytes:
    """Decodes base64, bare or as a data URL, also as URLs want it; white space is ignored."""
    if text[:5].lower() == "data:":
        head, comma, text = text.partition(",")
        if not comma or not head.lower().endswith(";base64"):
            raise _bad("a data URL that is not base64")
    text = "".join(text.split()).translate(_URL_SAFE).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _bad(f"base64 that cannot be read ({error})") from error


def _session_id(asked: Mapping[str, Any], limits: Limits) -> str | None:
    value = asked.get("session_id")
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _bad("a session_id that is neither text nor a whole number", "send a short text")
    if isinstance(value, str) and len(value) > limits.session_id_chars:
        raise _bad(
            f"a session_id of {len(value)} characters",
            f"use at most {limits.session_id_chars}, a UUID for example",
        )
    return str(value)


def _commit(asked: Mapping[str, Any]) -> str:
    """Returns when a sign counts: `hold` unless asked otherwise."""
    value = asked.get("commit") or COMMITS[0]
    if value not in COMMITS:
        raise _bad(
            f"commit={str(value)[:20]!r}", "use `hold` for a stream, `now` for single photographs"
        )
    return str(value)


def _labels(asked: Mapping[str, Any], known: Sequence[str]) -> tuple[str, ...] | None:
    """Returns the labels that a request allows, written as `A-Z` or `A-I,K-Y`."""
    value = asked.get("labels") or None
    if not isinstance(value, str | None):
        raise _bad("labels that are not a text", "send a list like A-Z or A-I,K-Y,space")
    try:
        return None if value is None else chosen_labels(value, known)
    except ConfigError as error:
        raise RequestError(
            400, found=error.found[:200], expected=error.expected, fix=error.fix
        ) from error


def _bad(found: str, fix: str = _HOW_TO_SEND) -> RequestError:
    return RequestError(400, found=found, expected="one picture in the request", fix=fix)
