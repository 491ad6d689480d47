"""The network: built, loaded, saved, frozen. Preprocessing is part of it."""

from fingerspell.model.build import (
    backbone_of,
    build_recogniser,
    fold_temperature,
    freeze_all,
    head_of,
    require_layer,
    size_of,
    unfreeze,
)
from fingerspell.model.hand_crop import (
    single_view,
    views_network,
    views_of,
    with_hand_crop,
    with_views,
    with_views_of,
)
from fingerspell.model.saved import (
    at_size,
    carry,
    copy_at,
    load_recogniser,
    rebuild_in_float32,
    save_recogniser,
)
from fingerspell.model.weights import load_first_weights

__all__ = [
    "at_size", "backbone_of", "build_recogniser", "carry", "copy_at", "fold_temperature",
    "freeze_all", "head_of", "load_first_weights", "load_recogniser", "rebuild_in_float32",
    "require_layer", "save_recogniser", "single_view", "size_of", "unfreeze", "views_network",
    "views_of", "with_hand_crop", "with_views", "with_views_of",
]  # fmt: skip
