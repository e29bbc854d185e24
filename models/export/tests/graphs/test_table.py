"""Where tensors of a module come from: every view that a tower takes, and what no table can say."""

import pytest
import torch
from torch import nn

from torch_interrogator_export.errors import ExportError
from torch_interrogator_export.graphs.table import find_sources, other_names, take

VIEWS = {
    "the whole": (lambda t: t, {}),
    "rows": (lambda t: t[2:5], {"rows": [2, 5]}),
    "the first row": (lambda t: t[:1], {"rows": [0, 1]}),
    "a transposition": (lambda t: t.t(), {"transpose": True}),
    "rows, transposed": (lambda t: t[1:3].t(), {"rows": [1, 3], "transpose": True}),
    "another shape": (lambda t: t.reshape(2, 3, 4), {"shape": [2, 3, 4]}),
    "rows in another shape": (lambda t: t[3:6].view(2, 6), {"rows": [3, 6], "shape": [2, 6]}),
    "one row as a vector": (lambda t: t[4], {"rows": [4, 5], "shape": [4]}),
}


def module_of(tensor: torch.Tensor) -> nn.Module:
    module = nn.Module()
    module.weight = nn.Parameter(tensor.detach())
    return module


@pytest.fixture(autouse=True)
def _plain_tensors(_no_gradients):
    with torch.inference_mode(False), torch.no_grad():
        yield


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_view_is_found_and_taken_again(view, device):
    of, said = VIEWS[view]
    whole = torch.arange(24.0).reshape(6, 4)
    there = whole.to(device)
    (entry,) = find_sources(module_of(of(there)), {"other": torch.empty(6, 4, device=device), "source": there})
    assert entry == {"to": "weight", "from": "source"} | said
    taken = take(entry, whole)
    assert torch.equal(taken, of(whole))
    assert taken.is_contiguous()


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_parameter_from_nowhere_is_an_error(device):
    with pytest.raises(ExportError, match="weight of the exported module comes from no tensor"):
        find_sources(module_of(torch.ones(6, 4, device=device)), {"source": torch.ones(6, 4, device=device)})


def test_a_copy_is_no_view():
    source = torch.ones(6, 4)
    with pytest.raises(ExportError, match="comes from no tensor"):
        find_sources(module_of(source.clone()), {"source": source})


@pytest.mark.parametrize(
    "of",
    [
        lambda t: t[:, 1:3],
        lambda t: t[::2],
        lambda t: t.flatten()[2:10],
        lambda t: t[:1].expand(3, 4),
        lambda t: t.view(4, 6).t(),
        lambda t: t.view(2, 3, 4).permute(1, 0, 2),
    ],
    ids=["columns", "every other row", "parts of rows", "a repeated row", "reshaped, then transposed", "permuted"],
)
def test_a_view_that_no_table_can_say_is_an_error(of):
    source = torch.arange(24.0).reshape(6, 4)
    with pytest.raises(ExportError, match="of the exported module is"):
        find_sources(module_of(of(source)), {"source": source})


def test_names_of_a_tied_tensor_are_one_source():
    tied = torch.ones(6, 4)
    checkpoint = {"first": tied, "second": tied, "third": torch.ones(2)}
    (entry,) = find_sources(module_of(tied), checkpoint)
    assert entry["from"] == "first"
    assert other_names(checkpoint) == {"first": ["second"]}


def test_buffers_are_found_and_constants_left_alone():
    source = torch.ones(3)
    module = nn.Module()
    module.register_buffer("running_mean", source)
    module.register_buffer("dtype_of", torch.zeros(1))
    assert find_sources(module, {"bn.running_mean": source}) == [{"to": "running_mean", "from": "bn.running_mean"}]
