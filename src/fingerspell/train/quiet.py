"""Keeps other libraries' notes off the console, where the user's own figures belong."""

from __future__ import annotations

import logging


def quieten_libraries() -> None:
    """Shows errors only: absent profilers and re-traced graphs are no news to a user.

    Keras re-traces its prediction function for a short last batch, once; TensorFlow warns of it
    with five lines.
    """
    for name in ("absl", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
