"""Icon sets: where they come from, what they are called, how they are drawn."""
