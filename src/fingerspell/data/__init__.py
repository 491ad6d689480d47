"""Folder → checked manifest → groups → split → loader and augmentation; never touches a model."""

from fingerspell.data.manifest import Manifest, Sample, read_manifest

__all__ = ["Manifest", "Sample", "read_manifest"]
