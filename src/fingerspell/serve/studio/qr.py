"""An address as a QR code in a terminal: a phone's camera opens it."""

import cv2

_DARK_ON_LIGHT, _USUAL = "\x1b[30;107m", "\x1b[0m"
_HALVES = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
"""Of two modules, one above the other: which are light."""


def qr_code(address: str) -> str:
    """Returns lines of text that show a QR code, with its margin, two modules a character.

    Its colours are the terminal's black and white, whatever its own are.
    """
    light = cv2.QRCodeEncoder.create().encode(address) > 0
    if len(light) % 2:
        light = cv2.copyMakeBorder(light.astype("uint8"), 0, 1, 0, 0, cv2.BORDER_REPLICATE) > 0
    rows = (
        "".join(_HALVES[int(a), int(b)] for a, b in zip(upper, lower, strict=True))
        for upper, lower in zip(light[::2], light[1::2], strict=True)
    )
    return "\n".join(f"{_DARK_ON_LIGHT}{row}{_USUAL}" for row in rows)
