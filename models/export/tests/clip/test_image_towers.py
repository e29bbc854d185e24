"""Image towers that are not plain ViTs, as open_clip makes them, against open_clip itself."""

import contextlib

import open_clip
import pytest
import timm
import torch
import torch.nn.functional as F
from towers import EMBED_DIM, VISION, randomised, vision_tower

from torch_interrogator_export.clip.image import image_tower, script_image
from torch_interrogator_export.clip.image.attention_pool import AttentionPooledTower
from torch_interrogator_export.clip.weightless import without_weights
from torch_interrogator_export.graphs.depth import reduced


@pytest.fixture(autouse=True)
def _plain_tensors(_no_gradients):
    with torch.inference_mode(False), torch.no_grad():
        yield


def require_equal(visual, size: tuple[int, int]) -> None:
    """Before scripting the source is asked: it may be the very module that is scripted."""
    pixels = torch.randn(3, 3, *size, generator=torch.Generator().manual_seed(0))
    answers = [visual(pixels[:batch]) for batch in (1, 3)]
    expected = [F.normalize(answer[0] if isinstance(answer, tuple) else answer, dim=-1) for answer in answers]
    scripted = script_image(visual)
    for batch, features in zip((1, 3), expected, strict=True):
        torch.testing.assert_close(scripted(pixels[:batch]), features, rtol=0, atol=1e-5)


@pytest.mark.parametrize("context", [{"width": 64}, {"width": EMBED_DIM, "head_width": 8}], ids=["wider", "as wide"])
def test_of_cocas_pool_only_the_query_that_is_read_is_asked(context):
    visual = vision_tower(
        VISION
        | context
        | {"attentional_pool": True, "attn_pooler_queries": 7, "attn_pooler_heads": 4, "output_tokens": True}
    )
    assert isinstance(image_tower(visual), AttentionPooledTower)
    require_equal(visual, (32, 32))


def test_a_plain_tower_that_gives_tokens_too():
    require_equal(vision_tower(VISION | {"output_tokens": True}), (32, 32))


# A name of each kind of network, with what makes it small; sizes are those that its tables of positions are made for.
NETWORKS = {
    "convnext_tiny": ({"depths": (1, 1, 2, 1), "dims": (8, 16, 24, 32)}, "linear", "", 64),
    "convnext_small": ({"depths": (1, 1, 2, 1), "dims": (8, 16, 24, 32)}, "mlp", "", 64),
    "swin_base_patch4_window7_224": (
        {"img_size": 112, "embed_dim": 16, "depths": (2, 2, 2, 2), "num_heads": (1, 2, 4, 4)},
        "linear",
        "",
        112,
    ),
    "vit_medium_patch16_gap_256": ({"img_size": 64, "embed_dim": 32, "depth": 2, "num_heads": 4}, "linear", "", 64),
    "vit_relpos_medium_patch16_cls_224": ({"img_size": 64, "embed_dim": 32, "depth": 2, "num_heads": 4}, "linear", "", 64),
    "vit_base_patch16_siglip_224": ({"img_size": 64, "embed_dim": 32, "depth": 2, "num_heads": 4}, "none", "map", 64),
    "vit_large_patch14_clip_224": ({"img_size": 56, "embed_dim": 32, "depth": 2, "num_heads": 4}, None, "token", 56),
    "vit_base_mci_224": ({"img_size": 64, "depth": 1}, None, "token", 64),
    "eva_giant_patch14_224": ({"img_size": 56, "embed_dim": 32, "depth": 2, "num_heads": 4}, None, "token", 56),
    "eva02_base_patch16_clip_224": ({"img_size": 64, "embed_dim": 32, "depth": 2, "num_heads": 2}, None, "token", 64),
    "vit_pe_core_base_patch16_224": ({"img_size": 80, "embed_dim": 32, "depth": 2, "num_heads": 2}, None, "map", 80),
    "vitamin_small_224": ({"img_size": 64, "embed_dim": 384, "depth": 1}, "linear", "", 64),
    "fastvit_mci0": ({"layers": (1, 1, 1, 1)}, None, "avg", 64),
}


@contextlib.contextmanager
def smaller(monkeypatch, options):
    """timm's networks with other sizes than their names say, which open_clip does not pass on."""
    make = timm.create_model
    with monkeypatch.context() as patch:
        patch.setattr(timm, "create_model", lambda name, **given: make(name, **given | options))
        yield


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_timm_scripts_to_what_it_is(name, monkeypatch):
    options, projection, pool, size = NETWORKS[name]
    config = {"timm_model_name": name, "timm_pool": pool, "timm_proj": projection, "image_size": size}
    with smaller(monkeypatch, options):
        visual = vision_tower(config)
    require_equal(visual, (size, size))


@pytest.mark.parametrize(
    "name", ["EVA02-B-16", "swin_base_patch4_window7_224", "vit_relpos_medium_patch16_cls_224", "ViTamin-S", "MobileCLIP2-B"]
)
def test_constants_of_a_model_without_weights_are_those_of_one_with(name):
    config = open_clip.get_model_config(name)
    with reduced(2):
        with without_weights():
            empty = script_image(open_clip.model._build_vision_tower(config["embed_dim"], config["vision_cfg"]).eval())
        whole = script_image(open_clip.model._build_vision_tower(config["embed_dim"], config["vision_cfg"]).eval())
    there = dict(whole.named_buffers())
    constants = {each: buffer for each, buffer in empty.named_buffers() if not each.endswith("num_batches_tracked")}
    assert set(constants) <= set(there)
    for each, buffer in constants.items():
        assert torch.equal(buffer, there[each]), each
    assert all(parameter.is_meta for parameter in empty.parameters())


def test_rotary_tables_are_kept_by_row_and_column():
    config = open_clip.get_model_config("EVA02-L-14-336")
    with reduced(1), without_weights():
        visual = open_clip.model._build_vision_tower(768, config["vision_cfg"])
    table = visual.trunk.rope.get_embed().clone()
    assert table.shape == (24 * 24, 128)
    rope = image_tower(visual).trunk.rope
    assert torch.equal(rope.get_embed(), table)
    assert sum(buffer.numel() for buffer in rope.buffers()) == 2 * 24 * 128


def test_noise_reaches_every_parameter():
    # What the comparisons above rest on.
    visual = randomised(torch.nn.LayerNorm(4))
    assert (visual.weight != 1).all()
    assert (visual.bias != 0).all()
