"""The network: built, loaded, frozen. Preprocessing travels inside it."""

from fingerspell.model.build import build_recogniser
from fingerspell.model.closer import look_closer, look_like, looks_of, views_network
from fingerspell.model.freeze import freeze_all, require_layer, unfreeze
from fingerspell.model.parts import backbone_of, head_of, size_of
from fingerspell.model.resize import at_size, carry, copy_at
from fingerspell.model.saved import load_recogniser, rebuild_in_float32, save_recogniser
from fingerspell.model.temperature import fold_temperature
from fingerspell.model.weights import load_backbone_weights

__all__ = [
    "at_size",
    "backbone_of",
    "build_recogniser",
    "carry",
    "copy_at",
    "fold_temperature",
    "freeze_all",
    "head_of",
    "load_backbone_weights",
    "load_recogniser",
    "look_closer",
    "look_like",
    "looks_of",
    "rebuild_in_float32",
    "require_layer",
    "save_recogniser",
    "size_of",
    "unfreeze",
    "views_network",
]
