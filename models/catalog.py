"""Writes catalog.json: every name that the package knows, where its weights are, what it needs, and what this version runs.

Run with the exporter's environment: ``python models/catalog.py``.

- `repository`, `files`: of the hub, as open_clip 3.3.0 names them; `files` in the order in which it takes what is there.
- `legacy`: the file that older versions of open_clip and OpenAI's own package left in ``~/.cache/clip``, with its SHA-256 or
  the first eight digits of it, whichever the file's address holds.
- `parameters`: counted on models without memory, built from open_clip's configurations; text towers of transformers and
  captioners as the exporter has their published configurations.
- `architectures`: what a name with an empty tag means, `ViT-S-32/`: random weights, as the reference gives it.
- `generators`: the image generators whose text encoder this is, and which a prompt of it therefore suits best: Stable
  Diffusion 1.x has OpenAI's ViT-L-14, 2.x LAION's ViT-H-14, XL the first of these and LAION's ViT-bigG-14.
- `bytes`: four a parameter, what a file of float32 takes. Of BLIP and BLIP-2 with OPT the published files hold the tied
  word embeddings twice; with them the sizes are those that clip-interrogator's source notes (990 MB, 1.9 GB, 15.5 GB).
- `logits`: of architectures, what random weights have: a logit is scale × cosine similarity + bias.
- `notes`: of image generators that have more than a CLIP text encoder.
- `verified`: what `npm run graphs:verify` found about the graph, kept in bench/results: `full` at full size, `reduced` with
  at most `depth` layers; `image` and `text` are the largest differences of a feature, `tokens` those of captions that were
  equal.
- `memory`: four bytes a parameter, which is what float32 modules hold on the CPU, and a tenth more for what pictures and
  texts are on their way through them. `memoryFloat16`: half of it, which is what a GPU needs.
"""

import functools
import json
import logging
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Nothing here may wait for a network: models are counted and never loaded.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")

import open_clip
import torch
from open_clip.pretrained import HF_WEIGHTS_NAME, _get_safe_alternatives

sys.path.insert(0, str(Path(__file__).with_name("export")))

from torch_interrogator_export.caption.families import HUB, builtin_config, family_of_name
from torch_interrogator_export.clip.image import image_fields
from torch_interrogator_export.clip.model import trained_with_quick_gelu
from torch_interrogator_export.graphs.sources import clip_source, graph_name, graph_names, is_supported

# open_clip warns of every model without weights.
logging.disable(logging.WARNING)

CATALOG = Path(__file__).with_name("catalog.json")
RESULTS = Path(__file__).parents[1] / "bench" / "results"
VERIFIED = {"full": RESULTS / "graphs.json", "reduced": RESULTS / "graphs-depth-2.json"}
VERIFIED_FIELDS = ("on", "depth", "dtype", "image", "text", "tokens", "peak")
GRAPHS = set(graph_names())
BYTES_A_PARAMETER = 4
MEMORY_BESIDE_WEIGHTS = 0.1

# The order in which transformers looks for weights.
TRANSFORMERS_FILES = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
]
GENERATORS = {
    "ViT-L-14/openai": ["sd1", "sdxl"],
    "ViT-H-14/laion2b_s32b_b79k": ["sd2"],
    "ViT-bigG-14/laion2b_s39b_b160k": ["sdxl"],
}
NOTES = {
    "flux": "Flux reads prompts with OpenAI's ViT-L-14 and with T5: ViT-L-14/openai suits it best.",
    "sd3": "Stable Diffusion 3 reads prompts with OpenAI's ViT-L-14, LAION's ViT-bigG-14 and T5: ViT-L-14/openai and "
    "ViT-bigG-14/laion2b_s39b_b160k suit it best.",
}

STORED_TWICE = {"blip-base", "blip-large", "blip2-2.7b"}
# What a tokenizer's files are called beside those that all have, by the type of the text model.
WORDS = {"blip_text_model": ["vocab.txt"], "git": ["vocab.txt"], "opt": ["vocab.json", "merges.txt"], "t5": ["spiece.model"]}
TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]


def verified() -> dict[str, dict[str, Any]]:
    """`verified` of each graph that passed."""
    found: dict[str, dict[str, Any]] = {}
    for size, file in VERIFIED.items():
        for graph, result in json.loads(file.read_text()).items():
            if result["passed"]:
                facts = {field: result[field] for field in VERIFIED_FIELDS if result.get(field) is not None}
                found.setdefault(graph, {})[size] = facts
    return found


def image_tower(config: dict) -> str:
    """The kind of image tower that open_clip builds for a model config."""
    vision = config["vision_cfg"]
    if "multimodal_cfg" in config:
        return "coca"
    if vision.get("timm_model_name"):
        return "timm"
    return "resnet" if isinstance(vision.get("layers"), list) else "vit"


def text_tower(config: dict) -> str:
    """`causal` is CLIP's own tower and tokenizer; `multilingual` the same tower over another tokenizer."""
    text = config["text_cfg"]
    if text.get("hf_model_name") or text.get("no_causal_mask"):
        return "bidirectional"
    return "multilingual" if text.get("hf_tokenizer_name") else "causal"


def repository(hf_hub: str) -> tuple[str, list[str]]:
    """The repository that open_clip names, and its files of weights: ORGANISATION/NAME/ or ORGANISATION/NAME/FILE."""
    name, _, file = hf_hub.rpartition("/")
    file = file or HF_WEIGHTS_NAME
    return name, [*_get_safe_alternatives(file), file]


def legacy(url: str) -> dict[str, Any]:
    """`legacy` of an address that says what the file's SHA-256 is; else nothing."""
    folder, _, file = url.rpartition("/")
    if "openaipublic" in url:
        return {"legacy": {"file": file, "sha256": folder.rpartition("/")[2]}}
    if "mlfoundations" in url:
        return {"legacy": {"file": file, "sha256": Path(file).stem.rpartition("-")[2]}}
    return {}


def on_meta(architecture: str) -> torch.nn.Module:
    """An open_clip model of shapes alone."""
    return clip_source(architecture).make("meta")


def count(model: torch.nn.Module) -> int:
    """Parameters of a model, tied ones once."""
    return sum(parameter.numel() for parameter in model.parameters())


def sizes(parameters: int, stored_again: int = 0) -> dict[str, int]:
    """`bytes` and `memory` of a number of parameters, of which files hold some a second time."""
    return {"bytes": BYTES_A_PARAMETER * (parameters + stored_again), **memory(parameters)}


def memory(parameters: int) -> dict[str, int]:
    """`memory` and `memoryFloat16` of a number of parameters."""
    float32 = BYTES_A_PARAMETER * parameters * (1 + MEMORY_BESIDE_WEIGHTS)
    return {"memory": round(float32), "memoryFloat16": round(float32 / 2)}


def first_logits(architecture: str) -> dict[str, float]:
    """What a model's logits are made of before it is trained; 1 / 0.07 is the scale that open_clip begins with."""
    config = open_clip.get_model_config(architecture)
    scale = math.exp(config["init_logit_scale"]) if "init_logit_scale" in config else 1 / 0.07
    return {"scale": scale} | ({"bias": config["init_logit_bias"]} if "init_logit_bias" in config else {})


@functools.cache
def counted(architecture: str) -> tuple[int, dict[str, Any]]:
    """An open_clip model's parameters, and how it preprocesses pictures."""
    model = on_meta(architecture)
    return count(model), model.visual.preprocess_cfg


def facts(architecture: str, quick_gelu: bool, pretrained: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an entry says of an architecture with an activation and a tag's settings, and `preprocess`."""
    config = open_clip.get_model_config(architecture)
    parameters, preprocess = counted(architecture)
    image = image_fields(preprocess | {key: value for key, value in pretrained.items() if key in preprocess})
    graph = graph_name(architecture, quick_gelu)
    network = {
        "tower": {"image": image_tower(config), "text": text_tower(config)},
        "activation": "quick_gelu" if quick_gelu else "gelu",
        "supported": graph in GRAPHS,
        "graph": graph if graph in GRAPHS else None,
        "parameters": parameters,
        "embedDim": config["embed_dim"],
        "imageSize": image["size"],
    }
    return network, {key: image[key] for key in ("mean", "std", "interpolation", "resizeMode", "fill")}


def clip_models() -> Iterator[dict]:
    """One entry a model/tag pair, in open_clip's order."""
    for architecture, tag in open_clip.list_pretrained():
        pretrained = open_clip.get_pretrained_cfg(architecture, tag)
        network, preprocess = facts(architecture, trained_with_quick_gelu(architecture, tag), pretrained)
        repository_name, files = repository(pretrained["hf_hub"])
        name = f"{architecture}/{tag}"
        yield {
            "name": name,
            "kind": "clip",
            **network,
            "repository": repository_name,
            "files": files,
            **legacy(pretrained["url"]),
            "layout": "open_clip",
            **sizes(network["parameters"]),
            "preprocess": preprocess,
            **({"generators": GENERATORS[name]} if name in GENERATORS else {}),
        }


def architectures() -> Iterator[dict]:
    """One entry an architecture that can be made, in open_clip's order."""
    for architecture in open_clip.list_models():
        if not is_supported(architecture):
            continue
        network, preprocess = facts(architecture, False, {})
        tags = open_clip.list_pretrained_tags_by_model(architecture)
        yield {
            "name": architecture,
            **network,
            **memory(network["parameters"]),
            "preprocess": preprocess,
            "logits": first_logits(architecture),
            "tags": tags,
        }


def caption_models() -> Iterator[dict]:
    """The captioners that clip-interrogator names."""
    for name, hub in HUB.items():
        family, config = family_of_name(name), builtin_config(name)
        with torch.device("meta"):
            made = family.model(config)
        parameters = count(made)
        text = config.get_text_config()
        twice = text.vocab_size * text.hidden_size if name in STORED_TWICE else 0
        yield {
            "name": name,
            "kind": "caption",
            "tower": {"family": family.name},
            "supported": name in GRAPHS,
            "repository": hub,
            "files": TRANSFORMERS_FILES,
            "extra": [
                "config.json",
                "preprocessor_config.json",
                "generation_config.json",
                *TOKENIZER_FILES,
                *WORDS[text.model_type],
            ],
            "layout": "transformers",
            "graph": name if name in GRAPHS else None,
            "parameters": parameters,
            "embedDim": None,
            "imageSize": [config.vision_config.image_size] * 2,
            **sizes(parameters, twice),
        }


def main() -> None:
    """Rewrites catalog.json."""
    results = verified()
    lists = {
        name: [entry | {"verified": results.get(entry["graph"], {})} for entry in entries]
        for name, entries in {"models": [*clip_models(), *caption_models()], "architectures": architectures()}.items()
    }
    text = ",\n".join(
        f'  "{name}": [\n' + ",\n".join("    " + json.dumps(entry) for entry in entries) + "\n  ]"
        for name, entries in lists.items()
    )
    head = f'  "source": "open_clip_torch {open_clip.__version__}",\n  "notes": {json.dumps(NOTES)},\n'
    CATALOG.write_text("{\n" + head + text + "\n}\n")


if __name__ == "__main__":
    main()
