"""What the server says."""

from __future__ import annotations

from pydantic import BaseModel

from fingerspell.live import Live
from fingerspell.runtime import Answer


class Health(BaseModel):
    """The server is up, and this is what it serves. `size` is (height, width) in pixels."""

    status: str
    model: str
    labels: list[str]
    size: tuple[int, int]
    threshold: float
    mock: bool
    version: str


class Prediction(BaseModel):
    """One label and its probability."""

    label: str
    score: float


class PictureAnswer(BaseModel):
    """The answer for one picture.

    `accepted` says whether the best label reaches `threshold`: below it, `predicted_label` is
    only the likeliest guess. The last three are null without a session: the text so far, the
    smoothed letter to show at this moment, and the sign that this very picture made count.
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


class Problem(BaseModel):
    """What was found, what was expected, how to mend it."""

    found: str
    expected: str
    fix: str


class ProblemAnswer(BaseModel):
    """The one shape of errors."""

    error: Problem


def picture_answer(
    answer: Answer, live: Live | None, *, threshold: float, time_ms: float, mock: bool, top: int
) -> PictureAnswer:
    """Puts an answer and its session into words."""
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
    )
