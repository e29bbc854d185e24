"""The models that bundles must equal, by their own libraries' words, and what bundles answer."""

import open_clip
import torch

from torch_interrogator_export.clip.check import extend_all
from torch_interrogator_export.manifest import read_manifest


def load_source(name: str, seed: int, **options) -> torch.nn.Module:
    """The model by open_clip's own words; the export has registered its config."""
    with torch.inference_mode(False):
        torch.manual_seed(seed)
        return open_clip.create_model(name, **options).eval()


def require_equal_features(bundle, model, name: str, texts: list[str]) -> None:
    manifest = read_manifest(bundle)
    image = torch.jit.load(str(bundle / "image.pt"))
    text = torch.jit.load(str(bundle / "text.pt"))
    for batch in (1, 2, 5):
        pixels = torch.randn(batch, 3, *manifest["image"]["size"])
        torch.testing.assert_close(image(pixels), model.encode_image(pixels, normalize=True), rtol=0, atol=1e-4)
    tokens = open_clip.get_tokenizer(name)(texts)
    expected = model.encode_text(tokens, normalize=True)
    sequences = [row[: row.index(49407) + 1] for row in tokens.tolist()]
    torch.testing.assert_close(extend_all(text, sequences, 1, "cpu"), expected, rtol=0, atol=1e-4)


def greedy(decoder: torch.jit.ScriptModule, manifest: dict, embeds: torch.Tensor, new_tokens: int) -> list[list[int]]:
    """Captions as ids, prompt and end token included, padded to one length: what transformers' generate returns."""
    fields = manifest["decoder"]
    batch = embeds.shape[0]
    cross_keys, cross_values = decoder.cross(embeds)
    prompt = fields["promptIds"]
    shape = (fields["layers"], batch, fields["heads"], len(prompt) + new_tokens, fields["headDim"])
    keys = torch.zeros(shape, device=embeds.device)
    values = torch.zeros_like(keys)
    rows = [list(prompt) for _ in range(batch)]
    done = [False] * batch
    ids, position = torch.tensor(rows, device=embeds.device), 0
    for _ in range(new_tokens):
        chosen = decoder.step(ids, position, keys, values, cross_keys, cross_values).argmax(dim=-1).tolist()
        for row, token in enumerate(chosen):
            rows[row].append(0 if done[row] else token)
            done[row] = done[row] or token == fields["eosId"]
        if all(done):
            break
        position += ids.shape[1]
        ids = torch.tensor([[row[-1]] for row in rows], device=embeds.device)
    return rows
