"""Convolution taps that meet nothing but padding, cut out of a network for one input size.

At 28 px a ResNet's last maps are 2x2 and 1x1: of a 3x3 kernel one tap or four meet a pixel, and all
nine cost. Without the others the network is the same function. Their gradient is zero, so training
moves nothing that counts; only weight decay would have shrunk them.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Size = tuple[int, ...]


class Span(NamedTuple):
    """Of one dimension: the taps `first` to before `end`, and the padding that they need.

    Negative padding is a crop.
    """

    first: int
    end: int
    before: int
    after: int


class CutConv2d(nn.Conv2d):
    """A convolution without its dead taps, for maps of `map_size`; `pads` as `F.pad` takes them."""

    map_size: Size
    pads: tuple[int, ...]

    def forward(self, input: Tensor) -> Tensor:
        if input.shape[-2:] != self.map_size:
            raise ValueError(f"cut for maps of {self.map_size}, given {tuple(input.shape[-2:])}")
        return super().forward(F.pad(input, self.pads) if any(self.pads) else input)


def map_sizes(net: nn.Module, images: Tensor) -> dict[str, set[Size]]:
    """The sizes of the maps that reach each plain convolution of a network, by its name.

    Plain is one of the class itself, with padding of zeros: a subclass may look at all taps.
    """
    seen: dict[str, set[Size]] = {}
    for name, module in net.named_modules():
        if type(module) is nn.Conv2d and module.padding_mode == "zeros":
            found = seen.setdefault(name, set())
            module.register_forward_pre_hook(
                lambda _, inputs, found=found: found.add(tuple(inputs[0].shape[-2:]))
            )
    with torch.no_grad():
        net.eval()(images)
    return seen


def cut(net: nn.Module, sizes: Mapping[str, set[Size]]) -> None:
    """Cut the dead taps of the convolutions that maps of one size alone reach; names stay."""
    for name, found in sizes.items():
        conv = net.get_submodule(name)
        if len(found) == 1 and isinstance(conv, nn.Conv2d) and not isinstance(conv.padding, str):
            geometry = conv.kernel_size, conv.stride, conv.padding, conv.dilation
            (size,) = found
            _keep(conv, size, [span(*numbers) for numbers in zip(size, *geometry, strict=True)])


def _keep(conv: nn.Conv2d, size: Size, spans: list[Span]) -> None:
    """Of each dimension of the kernel its span."""
    kernel = tuple(end - first for first, end, _, _ in spans)
    if kernel == conv.kernel_size:
        return
    rows, columns = (slice(first, end) for first, end, _, _ in spans)
    kept = conv.weight.detach()[:, :, rows, columns].clone()
    conv.weight = nn.Parameter(kept, conv.weight.requires_grad)
    symmetric = all(before == after >= 0 for _, _, before, after in spans)
    padding = tuple(before if symmetric else 0 for _, _, before, _ in spans)
    pads = () if symmetric else sum(((before, after) for *_, before, after in reversed(spans)), ())
    vars(conv).update(kernel_size=kernel, padding=padding, map_size=size, pads=pads)
    conv.__class__ = CutConv2d


def span(size: int, kernel: int, stride: int, padding: int, dilation: int) -> Span:
    """What is left of a kernel on a map, in one dimension; symmetric padding where it will do."""
    outputs = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    starts = range(-padding, outputs * stride - padding, stride)
    alive = [t for t in range(kernel) if any(0 <= s + t * dilation < size for s in starts)]
    if not alive:
        return Span(0, kernel, padding, padding)
    first, last = alive[0], alive[-1]
    before = padding - first * dilation
    after = starts[-1] + last * dilation + 1 - size
    return Span(first, last + 1, before, before if after <= before < after + stride else after)
