"""BatchNorm in two sets, main and auxiliary: one for each of two distributions of images."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

State = Literal["clean", "adv", "mix"]


class DualBatchNorm(nn.Module):
    """Mixed into a BatchNorm layer, which stays the main one, under its own state-dict keys.

    `aux` is a layer of the same kind, with the activation and dropout that timm's have. `state`
    says which normalises a batch: "clean" the main one, "adv" the auxiliary one, "mix" the main one
    the first half and the auxiliary one the second.
    """

    aux: nn.Module
    state: State = "clean"

    def forward(self, images: Tensor) -> Tensor:
        if self.state == "adv":
            return torch.as_tensor(self.aux(images))
        if self.state == "clean":
            return torch.as_tensor(super().forward(images))
        clean, adversarial = images.chunk(2)
        return torch.cat([super().forward(clean), self.aux(adversarial)])


def split(model: nn.Module) -> int:
    """Give each BatchNorm layer of the model an auxiliary one, equal at first; how many it has.

    In place, and drawing nothing; in the state "clean" the model computes what it did before.
    """
    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    for layer in layers:
        layer.aux = copy.deepcopy(layer)
        kind = type(layer)
        layer.__class__ = type(f"Dual{kind.__name__}", (DualBatchNorm, kind), {})
    return len(layers)


@contextmanager
def in_state(model: nn.Module, name: State) -> Iterator[None]:
    """All dual layers of the model in a state, and in "clean" afterwards."""
    layers = [module for module in model.modules() if isinstance(module, DualBatchNorm)]
    try:
        for layer in layers:
            layer.state = name
        yield
    finally:
        for layer in layers:
            layer.state = "clean"
