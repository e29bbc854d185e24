"""Texts as a prefix tree, the form that `text.pt`'s extend takes."""

import torch


def build_tree(sequences: list[list[int]], prefix: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """ids, depth, ancestors and ends of the tree of what follows the first `prefix` ids that all sequences share."""
    # By the ids from the root to a node, its number.
    nodes: dict[tuple[int, ...], int] = {}
    for sequence in sequences:
        for length in range(1, len(sequence) - prefix + 1):
            nodes.setdefault(tuple(sequence[prefix : prefix + length]), len(nodes))
    width = max(len(path) for path in nodes)
    ids = torch.tensor([path[-1] for path in nodes])
    depth = torch.tensor([len(path) - 1 for path in nodes])
    paths = ([nodes[path[: length + 1]] for length in range(len(path))] for path in nodes)
    ancestors = torch.tensor([path + [-1] * (width - len(path)) for path in paths])
    return ids, depth, ancestors, torch.tensor([nodes[tuple(sequence[prefix:])] for sequence in sequences])
