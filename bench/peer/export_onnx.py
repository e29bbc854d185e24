"""ONNX files of the peer's own CLIP model, in the folder layout that transformers.js reads."""

import json
import shutil
from pathlib import Path

import torch
from calls import Session


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


def export_onnx(session: Session, folder: str, tokenizer: str) -> None:
    """Writes onnx/vision_model.onnx, onnx/text_model.onnx, the configurations, and the bundle's tokenizer."""
    interrogator = session.interrogator
    model, preprocess = interrogator.clip_model, interrogator.clip_model.visual.preprocess_cfg
    target = Path(folder)
    (target / "onnx").mkdir(parents=True, exist_ok=True)
    side = preprocess["size"] if isinstance(preprocess["size"], int) else preprocess["size"][0]
    context = model.context_length
    # The fused attention of eval mode has no ONNX counterpart.
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad():
            pixels = torch.zeros(1, 3, side, side)
            _export(ImageTower(model), pixels, target / "onnx" / "vision_model.onnx", "pixel_values", "image_embeds")
            ids = interrogator.tokenize(["a"]).expand(2, context).contiguous()
            _export(TextTower(model), ids, target / "onnx" / "text_model.onnx", "input_ids", "text_embeds")
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    _write_configurations(target, preprocess, side, context)
    shutil.copy(tokenizer, target / "tokenizer.json")


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


def _write_configurations(target: Path, preprocess: dict, side: int, context: int) -> None:
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
    tokenizer = {"tokenizer_class": "CLIPTokenizer", "model_max_length": context, "pad_token": "<|endoftext|>"}
    for name, content in {
        "config": {"model_type": "clip"},
        "preprocessor_config": image,
        "tokenizer_config": tokenizer,
    }.items():
        (target / f"{name}.json").write_text(json.dumps(content))
