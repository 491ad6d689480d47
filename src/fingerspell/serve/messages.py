"""JSON bodies of the protocol's answers."""

from typing import Annotated

from pydantic import BaseModel, Field

from fingerspell.live import Live
from fingerspell.live.words import Decoded
from fingerspell.runtime import Answer
from fingerspell.serve.problems import ProblemAnswer

Size = Annotated[list[int], Field(min_length=2, max_length=2)]
"""Height and width in pixels. A list: few tools that read `/openapi.json` know JSON's tuples."""


class Health(BaseModel):
    """The server is up, and this is what it serves. `size` is (height, width) in pixels."""

    status: str
    model: str
    labels: list[str]
    size: Size
    threshold: float
    mock: bool
    version: str


class Prediction(BaseModel):
    """One label and its probability."""

    label: str
    score: float


class WordProposal(BaseModel):
    """A word and its probability."""

    word: str
    probability: float


class Word(BaseModel):
    """What the word that is being spelled may be, or after a space the word before it.

    `letters` are its letters as they stand in the text. `proposals` are whole words, the letters
    as they are among them; `completions` are longer words that begin like this. Best first.
    """

    letters: str
    proposals: list[WordProposal]
    completions: list[WordProposal]


class PictureAnswer(BaseModel):
    """The answer for one picture.

    `accepted` says whether the best label reaches `threshold`: below it, `predicted_label` is
    only the likeliest guess. The last four are null without a session: the text so far, the
    letter to show at this moment, the sign that this very picture made count, and, where words are
    switched on, what the word may be.
    """

    predictions: list[Prediction]
    top_prediction: Prediction
    predicted_label: str
    accepted: bool
    threshold: float
    time_ms: float
    mock: bool
    assembled_text: str | None = None
    shown: str | None = None
    counted: str | None = None
    word: Word | None = None


class Reading(BaseModel):
    """The answer for one picture of a batch; see `PictureAnswer`."""

    predictions: list[Prediction]
    predicted_label: str
    accepted: bool
    time_ms: float


class BatchAnswer(BaseModel):
    """The answers for a batch of pictures in their order; for one that is no picture its error."""

    answers: list[Reading | ProblemAnswer]
    threshold: float
    mock: bool


class SessionAnswer(BaseModel):
    """A session: its name, its text, and what its word may be where words are switched on."""

    session_id: str
    assembled_text: str
    word: Word | None


class ServedLimits(BaseModel):
    """What a client must keep to; bytes are those of a file, before base64."""

    picture_bytes: int
    frame_bytes: int
    pixels: int
    batch: int


class ServedModel(BaseModel):
    """The recogniser that answers. `files` are its files' SHA-256; `labels` in prediction order,
    `allowed` those that it answers with."""

    model: str
    labels: list[str]
    allowed: list[str]
    size: Size
    threshold: float
    mock: bool
    words: bool
    files: dict[str, str]
    limits: ServedLimits
    version: str


class Ready(BaseModel):
    """The server takes requests."""

    status: str


def picture_answer(
    answer: Answer,
    live: Live | None,
    decoded: Decoded | None,
    *,
    threshold: float,
    time_ms: float,
    mock: bool,
    top: int,
) -> PictureAnswer:
    """Returns the response body of an answer, its session and what its word may be."""
    predictions = [Prediction(label=label, score=score) for label, score in answer.top(top)]
    return PictureAnswer(
        predictions=predictions,
        top_prediction=predictions[0],
        predicted_label=answer.label,
        accepted=answer.accepted,
        threshold=threshold,
        time_ms=round(time_ms, 2),
        mock=mock,
        assembled_text=live.text if live else None,
        shown=live.shown if live else None,
        counted=live.counted if live else None,
        word=word_of(decoded),
    )


def word_of(decoded: Decoded | None) -> Word | None:
    """Returns what a word may be as it is sent."""
    if decoded is None:
        return None
    proposals, completions = (
        [WordProposal(word=one.word, probability=one.probability) for one in found]
        for found in (decoded.proposals, decoded.completions)
    )
    return Word(letters=decoded.letters, proposals=proposals, completions=completions)
