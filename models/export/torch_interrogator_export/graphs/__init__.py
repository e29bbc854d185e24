"""Graphs: TorchScript modules without their weights, and where in a publisher's checkpoint each weight is found."""
