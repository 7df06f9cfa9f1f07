"""A GPU's random numbers taken from the CPU's generators, so that both compute the same."""

from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class HostDraws(TorchFunctionMode):
    """Whatever a generator of a GPU would draw, one of the CPU with the same seed draws."""

    def __init__(self) -> None:
        super().__init__()
        self.hosts: dict[torch.Generator, torch.Generator] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        theirs = kwargs.get("generator")
        if theirs is None or theirs.device.type == "cpu":
            return func(*args, **kwargs)
        if theirs not in self.hosts:
            self.hosts[theirs] = torch.Generator().manual_seed(theirs.initial_seed())
        kwargs["generator"] = self.hosts[theirs]
        if func is torch.Tensor.bernoulli_:
            target, *chance = args
            return target.copy_(torch.empty(target.shape).bernoulli_(*chance, **kwargs))
        device = kwargs.pop("device")
        return func(*args, **kwargs).to(device)
