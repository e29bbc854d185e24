"""tree_attention against attention written the long way."""

import pytest
import torch

from torch_interrogator_export.clip import operators


def random_tree(count: int, generator: torch.Generator) -> torch.Tensor:
    paths: list[list[int]] = []
    for node in range(count):
        parent = int(torch.randint(-1, node, (1,), generator=generator)) if node else -1
        paths.append((paths[parent] if parent >= 0 else []) + [node])
    width = max((len(path) for path in paths), default=1)
    return torch.tensor([path + [-1] * (width - len(path)) for path in paths]).view(count, width)


@pytest.mark.parametrize(("nodes", "prefix"), [(0, 3), (1, 1), (7, 1), (40, 5), (600, 2)])
def test_each_node_attends_to_the_prefix_and_its_own_path(nodes, prefix):
    generator = torch.Generator().manual_seed(nodes)
    heads, dim, scale = 3, 8, 0.37
    q, k, v = (torch.randn(nodes, heads, dim, generator=generator) for _ in range(3))
    prefix_k, prefix_v = (torch.randn(heads, prefix, dim, generator=generator) for _ in range(2))
    ancestors = random_tree(nodes, generator)
    actual = torch.ops.interrogator.tree_attention(q, k, v, prefix_k, prefix_v, ancestors, scale)
    assert actual.shape == q.shape
    for node in range(nodes):
        path = ancestors[node][ancestors[node] >= 0]
        keys = torch.cat([prefix_k, k[path].transpose(0, 1)], dim=1)
        values = torch.cat([prefix_v, v[path].transpose(0, 1)], dim=1)
        weights = (torch.einsum("hd,htd->ht", q[node], keys) * scale).softmax(dim=1)
        torch.testing.assert_close(actual[node], torch.einsum("ht,htd->hd", weights, values), rtol=1e-5, atol=1e-5)


def test_a_row_of_the_result_depends_on_no_later_chunk():
    generator = torch.Generator().manual_seed(5)
    count = operators._ROWS + 3
    q, k, v = (torch.randn(count, 2, 4, generator=generator) for _ in range(3))
    prefix_k, prefix_v = (torch.randn(2, 2, 4, generator=generator) for _ in range(2))
    ancestors = torch.arange(count).view(-1, 1)
    whole = operators.tree_attention(q, k, v, prefix_k, prefix_v, ancestors, 0.5)
    first = operators.tree_attention(q[:3], k, v, prefix_k, prefix_v, ancestors[:3], 0.5)
    torch.testing.assert_close(whole[:3], first)
