"""A server as such projects usually have it: Flask around the same recogniser, to compare with.

Started by `benchmarks/speed/serve.py`; needs `pip install flask`.
"""

from typing import Any

from flask import Flask, request

from fingerspell.images import decode
from fingerspell.runtime import Recogniser

app, recogniser = Flask(__name__), Recogniser.load()


@app.get("/health")
def health() -> dict[str, Any]:
    """Says that the server is up."""
    return {"status": "ok"}


@app.post("/predict-image")
def predict() -> dict[str, Any]:
    """Reads the handshape in the picture that is the body."""
    answer = recogniser.recognise(decode(request.get_data()))
    top = [{"label": label, "score": score} for label, score in answer.top(5)]
    return {"predictions": top, "predicted_label": answer.label, "accepted": answer.accepted}


if __name__ == "__main__":
    app.run(port=0, threaded=True)
