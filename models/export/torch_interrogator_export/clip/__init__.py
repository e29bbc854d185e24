"""open_clip models as bundles."""
