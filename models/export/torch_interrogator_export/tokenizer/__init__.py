"""Tokenizers as tokenizer.json, by kind."""
