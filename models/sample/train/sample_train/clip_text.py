"""Text for a CLIP in training: tokens by cached words, and the text tower run only as far as the texts reach."""

import open_clip
import torch
import torch.nn.functional as F


class Tokenizer:
    """open_clip's own tokens. Byte pairs never cross a space, so a word's tokens are kept and joined."""

    def __init__(self):
        self._tokenizer = open_clip.SimpleTokenizer()
        self._words: dict[str, list[int]] = {}

    def __call__(self, texts: list[str]) -> torch.Tensor:
        """Tokens [N, longest], zero after the end token."""
        rows = [self._row(text) for text in texts]
        longest = max(map(len, rows))
        return torch.tensor([row + [0] * (longest - len(row)) for row in rows])

    def _row(self, text: str) -> list[int]:
        ids = [self._tokenizer.sot_token_id]
        for word in text.split():
            if word not in self._words:
                self._words[word] = self._tokenizer.encode(word)
            ids += self._words[word]
        return [*ids[:76], self._tokenizer.eot_token_id]


def text_features(model: open_clip.CLIP, ids: torch.Tensor) -> torch.Tensor:
    """Unit features [N, D], as `model.encode_text` gives: a causal tower never looks behind the end token."""
    length = ids.shape[1]
    x = model.token_embedding(ids) + model.positional_embedding[:length]
    x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask[:length, :length]))
    x = x[torch.arange(len(ids)), ids.argmax(1)] @ model.text_projection
    return F.normalize(x, dim=-1)
