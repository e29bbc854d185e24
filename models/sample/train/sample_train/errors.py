"""What ends the recipe with one line instead of a stack."""


class RecipeError(Exception):
    """Says what was wrong and what to do."""
