"""open_clip models without memory for their weights: parameters have shapes alone, constants are real."""

import contextlib
import copy
from collections.abc import Iterator
from typing import Any
from unittest import mock

import torch
from timm.layers import HybridEmbed
from torch import nn

_META = torch.device("meta")


@contextlib.contextmanager
def without_weights() -> Iterator[None]:
    """Within it, modules are made with parameters on the meta device and buffers where they belong.

    Unlike `torch.device("meta")` it keeps the numbers of buffers: tables of positions are constants of a graph and in no
    checkpoint. A parameter's memory is never touched, because whatever initialises it finds it on the meta device.
    """
    register = nn.Module.register_parameter
    measure = HybridEmbed._init_backbone

    def register_on_meta(self: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        register(self, name, parameter)
        if parameter is not None and not parameter.is_meta:
            self._parameters[name] = nn.Parameter(parameter.data.to(_META), requires_grad=parameter.requires_grad)

    def measure_on_meta(self: HybridEmbed, *arguments: Any, **options: Any) -> Any:
        # It runs the backbone once to see how large its output is, and that takes all tensors on one device.
        backbone = self.backbone
        self.backbone = copy.deepcopy(backbone).to(_META)
        try:
            return measure(self, *arguments, **options | {"device": _META})
        finally:
            self.backbone = backbone

    with (
        mock.patch.object(nn.Module, "register_parameter", register_on_meta),
        mock.patch.object(HybridEmbed, "_init_backbone", measure_on_meta),
        # Else open_clip moves the whole model, and parameters on the meta device cannot be moved.
        mock.patch("open_clip.factory._set_model_device_and_precision"),
    ):
        yield
