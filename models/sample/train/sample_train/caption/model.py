"""The captioner untrained: a small BLIP, and a WordPiece vocabulary of just the words that its captions have."""

import string
from collections.abc import Sequence

from transformers import BertTokenizerFast, BlipConfig, BlipForConditionalGeneration, BlipImageProcessor

from ..drawing.painter import IMAGE_SIZE
from ..paths import WORK
from .local_attention import start_local

CHECKPOINT = WORK / "caption.pt"
MODEL_FOLDER = WORK / "captioner"

# BERT's and BLIP's own; [DEC] is what a caption starts from.
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "[ENC]"]


def build_tokenizer(texts: Sequence[str]) -> BertTokenizerFast:
    """The whole words of `texts` first, then letters and digits, so that any lower-case text can be written."""
    words = sorted({word for text in texts for word in text.replace(",", " ").split()})
    letters = string.ascii_lowercase + string.digits
    pieces = [*_SPECIAL, ",", *words, *letters, *(f"##{letter}" for letter in letters)]
    MODEL_FOLDER.mkdir(parents=True, exist_ok=True)
    vocabulary = MODEL_FOLDER / "vocab.txt"
    vocabulary.write_text("".join(f"{piece}\n" for piece in dict.fromkeys(pieces)), "utf-8")
    return BertTokenizerFast(str(vocabulary), do_lower_case=True, bos_token="[DEC]", additional_special_tokens=["[ENC]"])


def build_captioner(tokenizer: BertTokenizerFast) -> BlipForConditionalGeneration:
    """An untrained BLIP of about two million parameters."""
    # BLIP's 0.02 is about 1/sqrt(fan-in) of its own widths; at these it would leave the layers next to silent.
    vision = {
        "hidden_size": 192,
        "intermediate_size": 576,
        "num_hidden_layers": 4,
        "num_attention_heads": 8,
        "image_size": IMAGE_SIZE,
        "patch_size": 16,
        "initializer_range": 0.06,
        "projection_dim": 128,
    }
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 128,
        "encoder_hidden_size": 192,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 64,
        "initializer_range": 0.06,
        "projection_dim": 128,
        # The reference generates without dropout; at this size it would only slow the training.
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "sep_token_id": tokenizer.sep_token_id,
        "eos_token_id": tokenizer.sep_token_id,
    }
    model = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision, projection_dim=128))
    start_local(model.vision_model)
    return model


def save_captioner(model: BlipForConditionalGeneration, tokenizer: BertTokenizerFast) -> None:
    """Writes MODEL_FOLDER, which transformers' `from_pretrained` takes."""
    processor = BlipImageProcessor(size={"height": IMAGE_SIZE, "width": IMAGE_SIZE})
    for part in (model, tokenizer, processor):
        part.save_pretrained(MODEL_FOLDER)
