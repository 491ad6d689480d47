"""Messages of the WebSocket `/v1/stream`, each a JSON object with a `type`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from fingerspell.errors import FingerspellError
from fingerspell.live import Live
from fingerspell.live.words import Decoded
from fingerspell.serve.messages import PictureAnswer, Word, word_of
from fingerspell.serve.problems import ProblemAnswer, problem


class _FromClient(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class FrameMessage(_FromClient):
    """A frame that says when it was taken: `at_ms` of any clock of the client that only goes
    forward. A frame without a time is sent as a binary message: the bytes of the picture."""

    type: Literal["frame"]
    at_ms: float = Field(ge=0, le=1e15)
    image_base64: str


class ClearMessage(_FromClient):
    """Empties the text."""

    type: Literal["clear"]


class UndoMessage(_FromClient):
    """Takes back the last sign of the text."""

    type: Literal["undo"]


FROM_CLIENT: TypeAdapter[FrameMessage | ClearMessage | UndoMessage] = TypeAdapter(
    Annotated[FrameMessage | ClearMessage | UndoMessage, Field(discriminator="type")]
)
"""Every text message of a client."""


class ReadyMessage(BaseModel):
    """The first message: what is served to this socket. Frames may be sent from now on."""

    type: Literal["ready"] = "ready"
    model: str
    labels: list[str]
    threshold: float
    mock: bool
    words: bool
    frame_bytes: int


class AnswerMessage(PictureAnswer):
    """The answer for one frame, with the text after it.

    `frame` is its number among the frames that this socket received, from 1; `dropped` how many
    before it were passed over because newer ones had come; `at_ms` the time that the frame told;
    `hand` x, y and side of the square around the hand, as shares of the picture, where known.
    """

    type: Literal["answer"] = "answer"
    frame: int
    dropped: int
    at_ms: float | None
    hand: tuple[float, float, float] | None


class TextMessage(BaseModel):
    """The text after `clear` or `undo`."""

    type: Literal["text"] = "text"
    assembled_text: str
    word: Word | None


class ProblemMessage(ProblemAnswer):
    """A message that could not be used; the stream goes on. `frame` is its number, if it was a
    frame. Before the first `ready` it says why the socket is closed."""

    type: Literal["error"] = "error"
    frame: int | None


FROM_SERVER = (ReadyMessage, AnswerMessage, TextMessage, ProblemMessage)
"""Every message of the server."""


def problem_message(error: FingerspellError, frame: int | None) -> ProblemMessage:
    """Returns an error as it is sent."""
    return ProblemMessage(frame=frame, **problem(error).model_dump())


def text_message(live: Live, decoded: Decoded | None) -> TextMessage:
    """Returns the text as it is sent."""
    return TextMessage(assembled_text=live.text, word=word_of(decoded))
