"""CLIP's towers and their training."""
