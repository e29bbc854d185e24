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

from models import build_clip


class ImageTower(torch.nn.Module):
    def __init__(self, model: torch.nn.Module):
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.model.encode_image(pixel_values)


class TextTower(torch.nn.Module):
    def __init__(self, model: torch.nn.Module):
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self.model.encode_text(input_ids)


def export_onnx(target: Path, name: str, config: str | None = None, checkpoint: str | None = None) -> None:
    """Writes onnx/vision_model.onnx, onnx/text_model.onnx, and their configurations. No tokenizer."""
    architecture = name.partition("/")[0]
    model, _ = build_clip(name, config=config, checkpoint=checkpoint)
    preprocess = model.visual.preprocess_cfg
    (target / "onnx").mkdir(parents=True, exist_ok=True)
    side = preprocess["size"] if isinstance(preprocess["size"], int) else preprocess["size"][0]
    # The fused attention of eval mode has no ONNX counterpart.
    torch.backends.mha.set_fastpath_enabled(False)
    with torch.no_grad():
        pixels = torch.zeros(2, 3, side, side)
        _export(ImageTower(model), pixels, target / "onnx" / "vision_model.onnx", "pixel_values", "image_embeds")
        ids = open_clip.get_tokenizer(architecture)(["a", "b"])
        _export(TextTower(model), ids, target / "onnx" / "text_model.onnx", "input_ids", "text_embeds")
    for file, content in _configurations(preprocess, side, model.context_length).items():
        (target / file).write_text(json.dumps(content))


def _export(tower: torch.nn.Module, example: torch.Tensor, file: Path, input_name: str, output_name: str) -> None:
    torch.onnx.export(
        tower,
        (example,),
        str(file),
        input_names=[input_name],
        output_names=[output_name],
        dynamic_axes={input_name: {0: "batch"}, output_name: {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )


def _configurations(preprocess: dict, side: int, context: int) -> dict[str, dict]:
    image = {
        "image_processor_type": "CLIPFeatureExtractor",
        "do_resize": True,
        "size": {"shortest_edge": side},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": side, "width": side},
        "do_normalize": True,
        "image_mean": list(preprocess["mean"]),
        "image_std": list(preprocess["std"]),
    }
    # Any padding does: what stands after the end token has no part in the features.
    tokenizer = {"tokenizer_class": "CLIPTokenizer", "model_max_length": context, "pad_token": "<end_of_text>"}
    return {
        "config.json": {"model_type": "clip"},
        "preprocessor_config.json": image,
        "tokenizer_config.json": tokenizer,
    }


if __name__ == "__main__":
    export_onnx(Path(sys.argv[1]), **json.loads(sys.argv[2]))
