"""The sources whose people no released network has learnt from."""

from __future__ import annotations

STUDY_ONLY = ("kaggle_alphabet", "four_signers", "webcam_green", "silhouette", "lowres_dark")
"""May not train a released network: they choose."""

STRANGERS = ("dev_signify", "dev_inaudible", "dev_greywall", "dev_bright_hand", "dev_two_scenes")
"""Train and choose nothing."""
