"""Writes a small untrained BLIP captioner as a transformers folder: `python make_tiny_blip.py FOLDER [SEED]`."""

import sys
from pathlib import Path

import torch
from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessor


def tiny_config(text_heads: int = 4, vision_heads: int = 2, vision_width: int = 48, layers: int = 2) -> BlipConfig:
    """A few hundred thousand parameters besides the vocabulary; text and image widths differ, as in blip-large."""
    return BlipConfig(
        text_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": layers,
            "num_attention_heads": text_heads,
            "max_position_embeddings": 64,
            # Wide enough that random logits have clear winners, and captions vary.
            "initializer_range": 0.3,
        },
        vision_config={
            "hidden_size": vision_width,
            "intermediate_size": 96,
            "num_hidden_layers": layers + 1,
            "num_attention_heads": vision_heads,
            "image_size": 64,
            "patch_size": 16,
            "initializer_range": 0.1,
        },
    )


def make_tiny_blip(folder: Path, seed: int = 0, config: BlipConfig | None = None) -> BlipForConditionalGeneration:
    """Saves the model and its image processor, but no tokenizer: BERT's own applies."""
    torch.manual_seed(seed)
    model = BlipForConditionalGeneration(config or tiny_config()).eval()
    model.save_pretrained(folder)
    size = model.config.vision_config.image_size
    BlipImageProcessor(size={"height": size, "width": size}).save_pretrained(folder)
    return model


if __name__ == "__main__":
    make_tiny_blip(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
