"""Repositories as the hub has them, with seeded weights, in the layout in which their publishers keep them.

`make_repositories.py FOLDER JSON`, where JSON is a list of {"name", "repository", "seed", "form"}: a name of open_clip
("ViT-B-32/openai") or a caption model ("blip-base"), and `safetensors`, `sharded` or `bin`. What is there already is left.
The reference's own libraries write the files.
"""

import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "parity" / "reference"))
sys.path.insert(0, str(Path(__file__).parents[2] / "models" / "export"))

from torch_interrogator_export.graphs.reference import settle_batch_norms

from models import blip_processor, build_clip, make_blip

SHARD = "300MB"


def make_clip_repository(folder: Path, name: str, seed: int, form: str) -> None:
    """What open_clip's push_to_hf_hub keeps in a repository, without tokenizer and model card."""
    import open_clip
    from open_clip.push_to_hf_hub import save_config_for_hf
    from safetensors.torch import save_file

    model, _ = build_clip(name, seed)
    settle_batch_norms(model, seed)
    if form == "safetensors":
        save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    else:
        torch.save(model.state_dict(), folder / "open_clip_pytorch_model.bin")
    save_config_for_hf(model, folder / "open_clip_config.json", open_clip.get_model_config(name.split("/")[0]))


def make_caption_repository(folder: Path, name: str, seed: int, form: str) -> None:
    """What transformers keeps in a repository: weights, config, image processor and tokenizer."""
    from transformers import BlipForConditionalGeneration

    make_blip(folder, name.removeprefix("blip-"), seed)
    blip_processor(folder).save_pretrained(folder)
    if form != "safetensors":
        model = BlipForConditionalGeneration.from_pretrained(folder)
        (folder / "model.safetensors").unlink()
        model.save_pretrained(
            folder, safe_serialization=form == "sharded", max_shard_size=SHARD if form == "sharded" else "50GB"
        )
    (folder / "made.json").unlink()


def main() -> None:
    """Makes what is missing."""
    torch.set_grad_enabled(False)
    root = Path(sys.argv[1])
    for wanted in json.loads(sys.argv[2]):
        folder = root / wanted["repository"]
        if (folder / "README.md").exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        make = make_clip_repository if "/" in wanted["name"] else make_caption_repository
        make(folder, wanted["name"], wanted["seed"], wanted["form"])
        # The last file, as every repository has one.
        (folder / "README.md").write_text(f"# {wanted['name']}, seed {wanted['seed']}\n")


if __name__ == "__main__":
    main()
