"""Run folder to bundle: SavedModel, frozen graph, TFLite in three precisions, proven alike."""

from fingerspell.export.bundle import export_bundle
from fingerspell.export.parity import Parity, compare, require_parity

__all__ = ["Parity", "compare", "export_bundle", "require_parity"]
