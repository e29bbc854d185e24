"""Texts as a prefix tree, the form that `text.pt`'s extend takes."""

import torch


def build_tree(sequences: list[list[int]], prefix: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """ids, depth, ancestors and ends of the tree of what follows the first `prefix` ids that all sequences share."""
    nodes: dict[tuple[int, ...], int] = {}
    ids: list[int] = []
    paths: list[list[int]] = []
    ends: list[int] = []
    for sequence in sequences:
        path: list[int] = []
        for position in range(prefix, len(sequence)):
            key = tuple(sequence[prefix : position + 1])
            if key not in nodes:
                nodes[key] = len(ids)
                ids.append(sequence[position])
                paths.append([*path, nodes[key]])
            path = paths[nodes[key]]
        ends.append(path[-1])
    width = max(len(path) for path in paths)
    ancestors = torch.tensor([path + [-1] * (width - len(path)) for path in paths])
    depth = torch.tensor([len(path) - 1 for path in paths])
    return torch.tensor(ids), depth, ancestors, torch.tensor(ends)
