import torch
from sample_train.caption.local_attention import start_local
from transformers import BlipVisionConfig
from transformers.models.blip.modeling_blip import BlipVisionModel


def test_each_head_starts_by_looking_at_its_neighbour():
    config = BlipVisionConfig(
        hidden_size=192, intermediate_size=256, num_hidden_layers=1, num_attention_heads=8, image_size=64, patch_size=8
    )
    config._attn_implementation = "eager"
    vision = BlipVisionModel(config).eval()
    start_local(vision)
    with torch.no_grad():
        attention = vision(torch.randn(1, 3, 64, 64), output_attentions=True).attentions[0][0]
    middle = 1 + 3 * 8 + 4
    # right and down: the patch itself, its right one, its left one, the one below, the one above, …
    steps = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1))
    assert attention[:, middle].argmax(1).tolist() == [middle + right + 8 * down for right, down in steps]
