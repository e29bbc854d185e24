"""The captioner untrained: a small BLIP, and a WordPiece vocabulary of just the words that its captions have."""

import string
from pathlib import Path

import torch
from transformers import BertTokenizerFast, BlipConfig, BlipForConditionalGeneration, BlipImageProcessor

from .palette import COLOURS
from .paths import WORK
from .scenes import IMAGE_SIZE

CHECKPOINT = WORK / "caption.pt"
MODEL_FOLDER = WORK / "captioner"

# BERT's and BLIP's own; [DEC] is what a caption starts from.
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "[ENC]"]


def build_tokenizer(names: list[str]) -> BertTokenizerFast:
    """Whole words first, then letters and digits, so that any lower-case text can be written."""
    glue = {"a", "an", "on", "and", "next", "to", "background"}
    words = sorted(glue | {word for text in (*names, *COLOURS) for word in text.split()})
    letters = string.ascii_lowercase + string.digits
    pieces = [*_SPECIAL, *words, *letters, *(f"##{letter}" for letter in letters)]
    MODEL_FOLDER.mkdir(parents=True, exist_ok=True)
    vocabulary = MODEL_FOLDER / "vocab.txt"
    vocabulary.write_text("".join(f"{piece}\n" for piece in dict.fromkeys(pieces)), "utf-8")
    return BertTokenizerFast(str(vocabulary), do_lower_case=True, bos_token="[DEC]", additional_special_tokens=["[ENC]"])


def build_captioner(tokenizer: BertTokenizerFast) -> BlipForConditionalGeneration:
    """An untrained BLIP of about a million parameters."""
    # BLIP's 0.02 is about 1/sqrt(fan-in) of its own widths; at these it would leave the layers next to silent.
    vision = {
        "hidden_size": 144,
        "intermediate_size": 384,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "image_size": IMAGE_SIZE,
        "patch_size": 16,
        "initializer_range": 0.07,
        "projection_dim": 128,
    }
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 96,
        "encoder_hidden_size": 144,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "max_position_embeddings": 64,
        "initializer_range": 0.07,
        "projection_dim": 128,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "sep_token_id": tokenizer.sep_token_id,
        "eos_token_id": tokenizer.sep_token_id,
    }
    model = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision, projection_dim=128))
    # Where a patch is counts as much as what is on it, from the first step.
    embeddings = model.vision_model.embeddings
    torch.nn.init.normal_(embeddings.position_embedding, std=0.4)
    torch.nn.init.normal_(embeddings.patch_embedding.weight, std=0.03)
    return model


def image_processor() -> BlipImageProcessor:
    """BLIP's own at the model's size."""
    return BlipImageProcessor(size={"height": IMAGE_SIZE, "width": IMAGE_SIZE})


def save_captioner(model: BlipForConditionalGeneration, tokenizer: BertTokenizerFast, folder: Path) -> None:
    """Writes a folder that transformers' `from_pretrained` takes."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    image_processor().save_pretrained(folder)


@torch.inference_mode()
def write_captions(model: BlipForConditionalGeneration, tokenizer: BertTokenizerFast, pixels: torch.Tensor) -> list[str]:
    """Greedy captions of normalised pixels [B,3,64,64]."""
    ids = model.generate(pixel_values=pixels, max_new_tokens=32, num_beams=1, do_sample=False)
    return [text.strip() for text in tokenizer.batch_decode(ids, skip_special_tokens=True)]
