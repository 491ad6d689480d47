"""`POST /predict-image`, one picture, and `POST /v1/predict`, a batch."""

from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, cast

import anyio
from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers

from fingerspell.serve import messages
from fingerspell.serve.body import body_of
from fingerspell.serve.gate import client_of
from fingerspell.serve.limits import Limits
from fingerspell.serve.messages import Reading
from fingerspell.serve.problems import (
    ANY_PROBLEM,
    ProblemAnswer,
    RequestError,
    problem,
    several_processes,
    too_large,
)
from fingerspell.serve.service import Service
from fingerspell.serve.upload import (
    COMMITS,
    bad,
    is_json,
    kind_of,
    labels_of,
    members_of_json,
    parts_of_form,
    picture_in_json,
    read_upload,
)

PROBLEMS = {
    status: {"model": ProblemAnswer} for status in (400, 408, 413, 415, 429, 500, 503)
} | ANY_PROBLEM
"""The errors of a request with pictures, for `/openapi.json`."""


class _DirectRoute(APIRoute):
    """A route whose endpoint takes the request and gives the response: FastAPI only describes it.

    Solving no dependencies and checking no answer of ours saves 1 ms of some 20.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Returns the endpoint itself."""
        return cast(Callable[[Request], Coroutine[Any, Any, Response]], self.endpoint)


def add_picture_routes(app: FastAPI, service: Service) -> None:
    """Adds both routes to an app."""
    limits, traffic = service.limits, service.traffic

    async def predict_image(request: Request) -> Response:
        """Reads the handshape in one picture; with a `session_id` it is a frame of a stream."""
        arrived_s = service.sessions.clock()
        async with body_of(request, traffic) as body:
            told = await service.in_turn(partial(_told, service, request, body, arrived_s))
        return Response(told, media_type="application/json")

    async def predict(request: Request) -> Response:
        """Reads the handshape in each of some pictures; no session, nothing is kept."""
        async with body_of(request, traffic) as body:
            pictures, labels = await traffic.run(
                read_batch, service, request.headers, request.query_params, body
            )
            answers = await _read_all(service, pictures, labels)
        return Response(answers.model_dump_json(), media_type="application/json")

    for path, endpoint, model, words in (
        ("/predict-image", predict_image, messages.PictureAnswer, _one_picture_in_words(limits)),
        ("/v1/predict", predict, messages.BatchAnswer, _batch_in_words(limits)),
    ):
        app.router.add_api_route(
            path, endpoint, methods=["POST"], response_model=model, responses=PROBLEMS,
            openapi_extra=words, route_class_override=_DirectRoute,
        )  # fmt: skip


def _told(
    service: Service, request: Request, body: bytes, arrived_s: float, large: bool
) -> bytes | None:
    """Returns the JSON that a request with one picture is answered with, in a thread.

    None where the picture is large and `large` ones are not read now.
    """
    upload = read_upload(
        request.headers, request.query_params, body, service.limits, service.recogniser.labels
    )
    if upload.session_id is not None and not service.sessions_allowed:
        raise several_processes()
    watched = upload.session_id is not None
    seen = service.read_in_turn(upload.picture, upload.labels, large, watched=watched)
    if seen is None:
        return None
    live = None
    if upload.session_id is not None:
        live = service.sessions.fold(
            upload.session_id, seen.frame, arrived_s, taken_s=upload.at_s,
            now=upload.commit == "now", picture=seen.picture, owner=client_of(request.scope),
        )  # fmt: skip
    return service.told(seen, live, service.word(live)).model_dump_json().encode()


def read_batch(
    service: Service, headers: Headers, query: Mapping[str, str], body: bytes
) -> tuple[list[bytes], tuple[str, ...] | None]:
    """Returns the pictures of a batch and the labels allowed for them.

    Raises `RequestError` 400 for a body that is no batch, has no picture or too many, and 413
    where one is too large.
    """
    limits, asked = service.limits, dict(query)
    if kind_of(headers) == "multipart/form-data":
        parts = parts_of_form(headers, body, limits, files=limits.batch + 1)
        pictures = [part for _, part in parts if isinstance(part, bytes)]
        asked |= {name: part for name, part in parts if isinstance(part, str)}
    elif is_json(headers, body):
        members = members_of_json(body)
        images = members.get("images")
        if not isinstance(images, list):
            raise bad("JSON without a list `images`", 'send {"images": ["base64", "base64"]}')
        pictures = [picture_in_json(image) for image in images[: limits.batch + 1]]
        asked |= {name: value for name, value in members.items() if name != "images"}
    else:
        pictures = [body] if body else []
    if not 1 <= len(pictures) <= limits.batch:
        raise bad(
            f"{'more than ' * (len(pictures) > limits.batch)}{min(len(pictures), limits.batch)} "
            "pictures in a batch",
            f"send 1 to {limits.batch} pictures at once",
        )
    if max(map(len, pictures)) > limits.picture_bytes:
        raise too_large(limits.picture_bytes)
    return pictures, labels_of(asked, service.recogniser.labels)


async def _read_all(
    service: Service, pictures: list[bytes], labels: tuple[str, ...] | None
) -> messages.BatchAnswer:
    """Returns the answers in the pictures' order, read as many at once as there are threads."""
    service = replace(service)  # One recogniser reads them all.
    answers: dict[int, Reading | ProblemAnswer] = {}
    waiting = iter(enumerate(pictures))

    async def read_on(waiting: Iterator[tuple[int, bytes]]) -> None:
        for number, picture in waiting:
            answers[number] = await _reading(service, picture, labels)

    async with anyio.create_task_group() as tasks:
        for _ in range(service.limits.parallel):
            tasks.start_soon(read_on, waiting)
    return messages.BatchAnswer(
        answers=[answers[number] for number in range(len(pictures))],
        threshold=service.recogniser.threshold,
        mock=service.recogniser.mock,
    )


async def _reading(
    service: Service, picture: bytes, labels: tuple[str, ...] | None
) -> Reading | ProblemAnswer:
    try:
        seen = await service.in_turn(partial(service.read_in_turn, picture, labels))
    except RequestError as error:
        return problem(error)
    told = service.told(seen, None, None)
    return Reading(**told.model_dump(include=set(Reading.model_fields)))


_TEXT = {"type": "string"}


def _in_words(content: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """Describes a request with its kinds of bodies and the fields that may stand in its address."""
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in fields.items()
        ],
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": schema} for kind, schema in content.items()},
        },
    }


def _one_picture_in_words(limits: Limits) -> dict[str, Any]:
    """Describes the ways to send a picture for `/openapi.json`."""
    binary = {"type": "string", "format": "binary", "maxLength": limits.picture_bytes}
    base64 = {**_TEXT, "maxLength": limits.body_bytes}
    extras = {
        "session_id": {**_TEXT, "maxLength": limits.session_id_chars},
        "commit": {**_TEXT, "enum": list(COMMITS)},
        "labels": {**_TEXT, "maxLength": 1000},
        "at_ms": {"type": "number", "minimum": 0},
    }
    form = {"type": "object", "properties": {"image": binary, **extras}, "required": ["image"]}
    members = {"type": "object", "properties": {"image_base64": base64, "image": base64, **extras}}
    return _in_words(
        {"multipart/form-data": form, "application/json": members, "image/jpeg": binary}, extras
    )


def _batch_in_words(limits: Limits) -> dict[str, Any]:
    """Describes the ways to send a batch for `/openapi.json`."""
    binary = {"type": "string", "format": "binary", "maxLength": limits.picture_bytes}
    fields = {"labels": {**_TEXT, "maxLength": 1000}}

    def body(name: str, item: dict[str, Any]) -> dict[str, Any]:
        pictures = {"type": "array", "items": item, "minItems": 1, "maxItems": limits.batch}
        properties = {name: pictures, **fields}
        return {"type": "object", "properties": properties, "required": [name]}

    kinds = {
        "application/json": body("images", {**_TEXT, "maxLength": limits.body_bytes}),
        "multipart/form-data": body("image", binary),
        "image/jpeg": binary,
    }
    return _in_words(kinds, fields)
