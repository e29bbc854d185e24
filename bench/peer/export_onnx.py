"""ONNX files of the peer's CLIP model, in the folder layout that transformers.js reads.

    python export_onnx.py FOLDER CLIP

CLIP: as in the reference's `load`, JSON: {name, config, checkpoint}; without a checkpoint the name's published weights.
"""

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "test" / "parity" / "reference"))

import open_clip
import torch
from transformers import CLIPConfig, CLIPImageProcessor

from models import build_clip


def export_onnx(target: Path, name: str, config: str | None = None, checkpoint: str | None = None) -> None:
    """Writes onnx/vision_model.onnx, onnx/text_model.onnx, and their configurations. No tokenizer."""
    model, _ = build_clip(name, config=config, checkpoint=checkpoint)
    preprocess = model.visual.preprocess_cfg
    (target / "onnx").mkdir(parents=True, exist_ok=True)
    side = preprocess["size"] if isinstance(preprocess["size"], int) else preprocess["size"][0]
    ids = open_clip.get_tokenizer(name.partition("/")[0])(["a", "b"])
    # The fused attention of eval mode has no ONNX counterpart.
    torch.backends.mha.set_fastpath_enabled(False)
    with torch.no_grad():
        model.forward = model.encode_image
        _export(model, torch.zeros(2, 3, side, side), target / "onnx" / "vision_model.onnx", "pixel_values", "image_embeds")
        model.forward = model.encode_text
        _export(model, ids, target / "onnx" / "text_model.onnx", "input_ids", "text_embeds")
    CLIPConfig().save_pretrained(target)
    mean, std = list(preprocess["mean"]), list(preprocess["std"])
    CLIPImageProcessor(size={"shortest_edge": side}, crop_size=side, image_mean=mean, image_std=std).save_pretrained(target)
    # Any padding does: what stands after the end token has no part in the features.
    tokenizer = {"tokenizer_class": "CLIPTokenizer", "model_max_length": model.context_length, "pad_token": "<end_of_text>"}
    (target / "tokenizer_config.json").write_text(json.dumps(tokenizer))


def _export(model: torch.nn.Module, example: torch.Tensor, file: Path, input_name: str, output_name: str) -> None:
    torch.onnx.export(
        model,
        (example,),
        str(file),
        input_names=[input_name],
        output_names=[output_name],
        dynamic_axes={input_name: {0: "batch"}, output_name: {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )


if __name__ == "__main__":
    export_onnx(Path(sys.argv[1]), **json.loads(sys.argv[2]))
