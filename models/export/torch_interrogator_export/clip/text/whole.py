"""What networks of open_clip's text tower have that read whole texts."""

from torch import nn

from ..transformer import EndBlock, FullBlock, layer_norm, projection


class WholeText(nn.Module):
    """The tower's weights. Of its last block only what is read is computed."""

    def __init__(self, tower: nn.Module):
        super().__init__()
        self.token_embedding = nn.Parameter(tower.token_embedding.weight.detach())
        self.positional_embedding = nn.Parameter(tower.positional_embedding.detach())
        blocks = tower.transformer.resblocks
        self.blocks = nn.ModuleList(FullBlock(block) for block in blocks[:-1])
        self.last = EndBlock(blocks[-1])
        self.ln_final = layer_norm(tower.ln_final)
        self.projection = projection(tower.text_projection)
