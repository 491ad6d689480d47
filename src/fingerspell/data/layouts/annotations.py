"""Exports of annotation tools that prepare cannot read, known by the files they write."""

from __future__ import annotations

from fingerspell.data.layouts.tree import Folder, every


def foreign_format(tree: Folder) -> str:
    """Returns the name of an annotation format other than YOLO, or ""."""
    folders = list(every(tree))
    notes = [note.name.lower() for folder in folders for note in folder.notes]
    if any(n.endswith("coco.json") or n.startswith("instances_") for n in notes):
        return "COCO"
    if any(n == "_annotations.csv" for n in notes):
        return "TensorFlow object detection CSV"
    if any(n == "_classes.csv" for n in notes):
        return "multi-label CSV"
    if any(n.endswith(".xml") for n in notes):
        return "Pascal VOC"
    if any(f.name.casefold() == "labels" and f.notes for f in folders):
        return "YOLO without a data.yaml that names the classes"
    return ""
