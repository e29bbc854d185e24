"""What the machine can do at this moment: libtorch's own matrix product, and copying memory."""

from functools import cache

import torch
from calls import Session, versions
from timed import clocked

#: Rows and columns of the matrices that are multiplied, by device kind.
SIDE = {"cpu": 2048, "cuda": 8192}
#: Bytes that are copied: several times any last-level cache.
COPIED = {"cpu": 2**28, "cuda": 2**30}


@cache
def _operands(kind: str) -> dict[str, torch.Tensor]:
    """Written to, all of them: a page that never was is one page of zeros, read at the speed of a cache."""
    dtype = torch.float32 if kind == "cpu" else torch.float16
    side, numbers = SIDE[kind], COPIED[kind] // 4
    return {
        "a": torch.randn(side, side, device=kind, dtype=dtype),
        "b": torch.randn(side, side, device=kind, dtype=dtype),
        "product": torch.ones(side, side, device=kind, dtype=dtype),
        "source": torch.full((numbers,), 1.5, device=kind),
        "target": torch.full((numbers,), 2.5, device=kind),
    }


def machine_rates(_session: Session, device: str) -> dict:
    """flops: of a matrix product, float32 on the CPU, float16 on CUDA. bytes: read and written a second by a copy."""
    kind = device.split(":")[0]
    tensors = _operands(kind)
    product, _ = clocked(lambda: torch.mm(tensors["a"], tensors["b"], out=tensors["product"]))
    copy, _ = clocked(lambda: tensors["target"].copy_(tensors["source"]))
    return {"flops": 2 * SIDE[kind] ** 3 / product, "bytes": 2 * COPIED[kind] / copy}


def set_threads(_session: Session, threads: int) -> int:
    """Sets the threads of one operation where more than 0, and tells how many there are."""
    if threads > 0:
        torch.set_num_threads(threads)
    return torch.get_num_threads()


def describe_machine(session: Session, device: str) -> dict:
    gpu = torch.cuda.get_device_name() if device.startswith("cuda") else None
    return {"gpu": gpu, "versions": versions(session)}
