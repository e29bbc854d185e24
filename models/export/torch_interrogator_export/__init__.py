"""Writes bundles: CLIP and caption models as TorchScript that the C++ core runs without Python."""

__version__ = "0.1.0"
