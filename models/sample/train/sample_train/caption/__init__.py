"""The captioner and its training."""
