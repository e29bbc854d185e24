"""Models for parity tests and benchmarks: both sides have the same weights without a download."""

import hashlib
import json
import sys
from pathlib import Path

import open_clip
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from transformers import (
    BertTokenizerFast,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessor,
    BlipProcessor,
)

#: 'base' and 'large' are blip-base's and blip-large's own sizes; the other two differ from them and each other in depth,
#: width, heads, patch and image.
BLIP_SIZES = {
    "small": {
        "vision_config": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
                          "num_attention_heads": 4, "image_size": 96, "patch_size": 16},
        "text_config": {"vocab_size": 30524, "hidden_size": 48, "encoder_hidden_size": 64, "intermediate_size": 96,
                        "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 64},
    },
    "medium": {
        "vision_config": {"hidden_size": 160, "intermediate_size": 320, "num_hidden_layers": 4,
                          "num_attention_heads": 5, "image_size": 192, "patch_size": 16},
        "text_config": {"vocab_size": 30524, "hidden_size": 96, "encoder_hidden_size": 160, "intermediate_size": 256,
                        "num_hidden_layers": 3, "num_attention_heads": 6, "max_position_embeddings": 128},
    },
    "base": {
        "vision_config": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
                          "num_attention_heads": 12, "image_size": 384, "patch_size": 16},
        "text_config": {"vocab_size": 30524, "hidden_size": 768, "encoder_hidden_size": 768, "intermediate_size": 3072,
                        "num_hidden_layers": 12, "num_attention_heads": 12, "max_position_embeddings": 512},
    },
    "large": {
        "vision_config": {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24,
                          "num_attention_heads": 16, "image_size": 384, "patch_size": 16},
        "text_config": {"vocab_size": 30524, "hidden_size": 768, "encoder_hidden_size": 1024, "intermediate_size": 3072,
                        "num_hidden_layers": 12, "num_attention_heads": 12, "max_position_embeddings": 512},
    },
}  # fmt: skip


def tiny_captioners():
    """The exporter's module of small captioners of every family."""
    sys.path.append(str(Path(__file__).parents[3] / "models" / "export" / "tests"))
    import tiny_captioners as module

    return module


def build_clip(
    name: str, seed: int | None = None, config: str | None = None, checkpoint: str | None = None, device: str = "cpu"
):
    """open_clip's own model and its own preprocessing; the weights of a seed, of a file, or else of the name's tag.

    On CUDA in float16, as clip-interrogator makes it. With QuickGELU where the tag's weights were trained with it, as the
    open_clip of clip-interrogator's day made it; open_clip 3.3.0 takes GELU under a plain name.
    """
    architecture, _, tag = name.partition("/")
    if config:
        register_config(Path(config))
    if seed is not None:
        torch.manual_seed(seed)
    model = open_clip.create_model(
        architecture,
        pretrained=checkpoint or (tag if seed is None else None),
        precision="fp16" if device == "cuda" else "fp32",
        device=device,
        # The hub has weights of text towers alone, which those of the whole model would replace.
        pretrained_text=False,
        force_quick_gelu=bool(open_clip.get_pretrained_cfg(architecture, tag).get("quick_gelu")),
    ).eval()
    preprocess = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
    return model, preprocess


def make_clip(file: Path, name: str, seed: int, config: str | None = None) -> None:
    """Writes the state dict of torch.manual_seed(seed), which open_clip and the exporter load as a checkpoint."""
    model, _ = build_clip(name, seed, config)
    torch.save(model.state_dict(), file)


def register_config(file: Path) -> None:
    open_clip.add_model_config(file)
    if file.stem not in open_clip.list_models():
        raise ValueError(f"open_clip did not take {file} ({json.loads(file.read_text()).keys()})")


def make_blip(folder: Path, size: str, seed: int, endless: bool = False) -> None:
    """Writes a transformers folder: config, weights of torch.manual_seed(seed), image processor; no tokenizer.

    The weights are drawn wide (transformers starts the vision tower at 1e-10), so that what is decoded
    depends on the image and visits many tokens rather than one over and over. Endless: no caption ends before
    its greatest length, so that every one costs the same.
    """
    stamp = folder / "made.json"
    recipe = hashlib.sha256(json.dumps([BLIP_SIZES[size], seed, 3, endless]).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == recipe:
        return
    torch.manual_seed(seed)
    model = BlipForConditionalGeneration(BlipConfig(**BLIP_SIZES[size])).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0.0, 2.0 * parameter[0].numel() ** -0.5)
            else:
                parameter.add_(torch.randn_like(parameter) * 0.1)
        if endless:
            model.text_decoder.cls.predictions.bias[model.config.text_config.sep_token_id] = -1e4
    model.save_pretrained(folder)
    pixels = BLIP_SIZES[size]["vision_config"]["image_size"]
    BlipImageProcessor(size={"height": pixels, "width": pixels}).save_pretrained(folder)
    stamp.write_text(recipe)


def blip_processor(folder: Path) -> BlipProcessor:
    """The processor that clip-interrogator uses; the tokenizer only matters for decoding ids to words."""
    vocabulary = Path(__file__).parents[3] / "models/export/torch_interrogator_export/data/bert-base-uncased-vocab.txt"
    tokenizer = BertTokenizerFast(str(vocabulary))
    tokenizer.add_special_tokens({"bos_token": "[DEC]", "additional_special_tokens": ["[ENC]"]})
    return BlipProcessor(BlipImageProcessor.from_pretrained(folder), tokenizer)
