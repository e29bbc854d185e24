"""Text towers by kind."""
