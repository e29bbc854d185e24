"""How far two tensors are apart, and when that is too far."""

import torch

from .errors import ExportError

# Largest absolute difference of a float32 bundle; for the others 1 - cosine, which storing in 16 bits costs.
FP32_TOLERANCE = 1e-4
HALF_TOLERANCE = 1e-2
# Logits are not what a caption is made of, their order is: a small model in bfloat16 turns them this far.
HALF_LOGITS_TOLERANCE = 5e-2


def require_close(
    what: str, actual: torch.Tensor, expected: torch.Tensor, precision: str, half_limit: float = HALF_TOLERANCE
) -> None:
    """ExportError where `actual` is not `expected`: NaN and another shape included."""
    actual, expected = actual.detach().float().cpu(), expected.detach().float().cpu()
    if actual.shape != expected.shape:
        raise ExportError(f"the bundle is wrong: {what} has shape {list(actual.shape)}, not {list(expected.shape)}")
    if precision == "fp32":
        distance, limit = (actual - expected).abs().max().item(), FP32_TOLERANCE
    else:
        cosine = torch.nn.functional.cosine_similarity(actual, expected, dim=-1)
        distance, limit = (1 - cosine).max().item(), half_limit
    # Written so that NaN fails.
    if not distance <= limit:
        raise ExportError(
            f"the bundle differs from its model: {what} by {distance:.3g}, more than {limit:g}; nothing was kept"
            + ("" if precision == "fp32" else "; try another --precision")
        )
