"""How far two tensors are apart, and when that is too far."""

from collections.abc import Callable

import torch

from .errors import ExportError

# Largest absolute difference of a float32 bundle; for the others 1 - cosine, which storing in 16 bits costs.
FP32_TOLERANCE = 1e-4
HALF_TOLERANCE = 1e-2
# Logits are not what a caption is made of, their order is: a small model in bfloat16 turns them this far.
HALF_LOGITS_TOLERANCE = 5e-2


# Against an answer in float64, ours may be this many times as far off as the model's own in float32 is.
ROUNDING_FACTOR = 4
# Where float32 takes the model's own answer further from the exact one than this, nothing can be judged.
LARGEST_ROUNDING = 1e-2


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


def require_within_rounding(
    what: str, actual: torch.Tensor, expected: torch.Tensor, exact: Callable[[], torch.Tensor]
) -> None:
    """ExportError where two float32 answers of no fixed size differ by more than rounding explains.

    The tolerance is relative to the largest value. A model that magnifies rounding may go beyond it, by some times the
    distance of its own answer from the exact one, which `exact` gives in float64.
    """
    size = max(1.0, expected.abs().max().item())
    try:
        require_close(what, actual / size, expected / size, "fp32")
    except ExportError:
        if actual.shape != expected.shape:
            raise
        truth = exact()
        ours, theirs = ((answer.double() - truth).abs().max().item() / size for answer in (actual, expected))
        if theirs > LARGEST_ROUNDING:
            raise ExportError(
                f"the bundle cannot be judged: float32 takes the model's own {what} {theirs:.3g} from the exact ones; "
                "nothing was kept"
            ) from None
        if not ours <= ROUNDING_FACTOR * theirs:
            raise
