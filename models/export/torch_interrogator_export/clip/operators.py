"""`interrogator::tree_attention` in plain PyTorch: the definition that every faster kernel is tested against."""

import torch

SCHEMA = (
    "tree_attention(Tensor q, Tensor k, Tensor v, Tensor prefix_k, Tensor prefix_v, Tensor ancestors, float scale) -> Tensor"
)

# Rows a pass: the gathered keys take rows x depth x width floats, and depth reaches the context length.
_ROWS = 512


def tree_attention(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    prefix_k: torch.Tensor,
    prefix_v: torch.Tensor,
    ancestors: torch.Tensor,
    scale: float,
) -> torch.Tensor:
    """Attention of nodes of a prefix tree to the shared prefix and to the nodes on their paths from the root.

    q: [R, heads, headDim]; k, v: [M, heads, headDim]; prefix_k, prefix_v: [heads, P, headDim]; ancestors: int64 [R, A], for
    each row of q nodes among the M, then -1. Returns [R, heads, headDim]. Scores are multiplied by `scale` before softmax.
    """
    result = torch.empty(q.shape, dtype=q.dtype, device=q.device)
    prefix_length = prefix_k.shape[1]
    for start in range(0, q.shape[0], _ROWS):
        rows = slice(start, start + _ROWS)
        path = ancestors[rows]
        nodes = path.clamp(min=0)
        path_scores = torch.einsum("mhd,mahd->mha", q[rows], k[nodes]) * scale
        path_scores = path_scores.masked_fill((path < 0).unsqueeze(1), float("-inf"))
        prefix_scores = torch.einsum("mhd,hpd->mhp", q[rows], prefix_k) * scale
        weights = torch.cat([prefix_scores, path_scores], dim=2).softmax(dim=2)
        from_prefix = torch.einsum("mhp,hpd->mhd", weights[:, :, :prefix_length], prefix_v)
        from_path = torch.einsum("mha,mahd->mhd", weights[:, :, prefix_length:], v[nodes])
        result[rows] = from_prefix + from_path
    return result


# The registration lives as long as this object does.
_library = torch.library.Library("interrogator", "DEF")
_library.define(SCHEMA)
_library.impl("tree_attention", tree_attention, "CompositeExplicitAutograd")
