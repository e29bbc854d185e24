"""Caption models by family."""
