"""timm's networks, which open_clip wraps, as `image.pt`: they script as they are, all but tables of positions."""

import torch
from open_clip.timm_model import TimmModel
from timm.layers import RotaryEmbeddingCat
from timm.models.swin_transformer import SwinTransformerBlock
from torch import nn

from ...errors import UnsupportedError


class RotaryTable(nn.Module):
    """Sines and cosines of patches in a grid [H * W, 2 * headDim], kept as one part by row and one by column.

    Stands in for timm's RotaryEmbeddingCat, whose table holds the same numbers again and again.
    """

    def __init__(self, source: RotaryEmbeddingCat):
        super().__init__()
        height, width = source.feat_shape
        table = source.pos_embed.view(height, width, -1)
        # Each column of the table depends on one of the two.
        by_row = (table == table[:, :1]).all(dim=0).all(dim=0)
        zero = torch.zeros((), dtype=table.dtype)
        self.register_buffer("rows", torch.where(by_row, table[:, 0], zero).contiguous(), persistent=False)
        self.register_buffer("columns", torch.where(by_row, zero, table[0]).contiguous(), persistent=False)
        # timm asks whether there is one.
        self.feat_shape = [height, width]
        if not torch.equal(self.get_embed(), source.pos_embed):
            raise UnsupportedError("rotary positions that are no sum of rows and columns are not supported yet")

    def get_embed(self, shape: list[int] | None = None) -> torch.Tensor:
        # The network was made for one size of picture, and so for one shape.
        return (self.rows.unsqueeze(1) + self.columns.unsqueeze(0)).flatten(0, 1)


def timm_tower(visual: TimmModel) -> nn.Module:
    """What scripts of an open_clip tower around a timm network in eval mode: the tower itself."""
    trunk = visual.trunk
    rope = getattr(trunk, "rope", None)
    if isinstance(rope, RotaryEmbeddingCat):
        if rope.pos_embed is None:
            raise UnsupportedError("rotary positions of any size are not supported yet")
        trunk.rope = RotaryTable(rope)
        trunk.rope.eval()
    elif rope is not None and not isinstance(rope, RotaryTable):
        raise UnsupportedError(f"positions by {type(rope).__name__} are not supported yet")
    for module in visual.modules():
        # timm makes it where the weights are, and a graph's weights are nowhere.
        if isinstance(module, SwinTransformerBlock) and module.attn_mask is not None and module.attn_mask.is_meta:
            module.attn_mask = module.get_attn_mask(device=torch.device("cpu"), dtype=torch.float32)
        # Scripting takes no integer for it, which open_clip's 'mlp' projection has.
        if isinstance(module, nn.Dropout):
            module.p = float(module.p)
    return visual
