"""A torch optimiser over parameters that lie side by side in memory."""

import functools
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

Groups = Sequence[tuple[Sequence[nn.Parameter], float]]
"""Parameters with their weight decay; none stands in two groups, or twice in one."""
ALIGNMENT = 64
"""Bytes: a cache line, and the longest vector of a CPU. Each parameter begins at a multiple."""


class Segment(NamedTuple):
    """Neighbours in a buffer, from parameter number `first` on: what the torch optimiser moves."""

    first: int
    data: Tensor
    grad: Tensor


class Buffer:
    """Parameters of one type on one device as views of one tensor, their gradients of another.

    The views keep shapes and strides, and autograd adds to the gradients in place. `reached` says
    which parameters a gradient has reached since `clear`.
    """

    def __init__(self, weights: Sequence[nn.Parameter]) -> None:
        self.weights = weights
        step = ALIGNMENT // weights[0].element_size()
        self.ends = [
            0,
            *itertools.accumulate(-(-weight.numel() // step) * step for weight in weights),
        ]
        self.data = torch.zeros(self.ends[-1], dtype=weights[0].dtype, device=weights[0].device)
        self.grad = torch.zeros_like(self.data)
        self.homes, self.slopes = self._views(self.data), self._views(self.grad)
        self.segments = self.divided([0])
        for number, weight in enumerate(weights):
            weight.register_post_accumulate_grad_hook(functools.partial(self._mark, number))
        self.clear()

    def _views(self, flat: Tensor) -> list[Tensor]:
        dense = [torch.empty_like(weight, device="meta") for weight in self.weights]
        places = zip(dense, self.ends, strict=False)
        return [flat.as_strided(like.shape, like.stride(), start) for like, start in places]

    def _mark(self, number: int, weight: Tensor) -> None:
        self.reached[number] = True

    def clear(self) -> None:
        """Zero the gradients; take back what has been put elsewhere, as by `weight.data = ...`."""
        for weight, home, slope in zip(self.weights, self.homes, self.slopes, strict=True):
            if weight.data_ptr() != home.data_ptr():
                weight.data = home.copy_(weight.data)
            if weight.grad is not slope:
                weight.grad = slope
        self.grad.zero_()
        self.reached = [False] * len(self.weights)

    def divided(self, cuts: Sequence[int]) -> list[Segment]:
        """Segments that begin at these parameters; the first at 0."""
        ends = [self.ends[cut] for cut in [*cuts, len(self.weights)]]
        parts = zip(cuts, itertools.pairwise(ends), strict=True)
        return [Segment(cut, self.data[a:b], self.grad[a:b]) for cut, (a, b) in parts]

    def borders(self) -> set[int]:
        """Where reached parameters begin or end."""
        return {
            n
            for n, (left, right) in enumerate(itertools.pairwise(self.reached), 1)
            if left != right
        }


class FlatOptimizer:
    """Does to each parameter what a torch optimiser would, a segment of a buffer at a time.

    A parameter that no gradient reaches in a step is left alone: no decay, no momentum, no count of
    the step; a gradient of zeros is not that. So a segment holds neighbours that were reached in
    the same steps: a step that reaches only some of them cuts it, and its state. A parameter that
    is frozen when training begins lies in no buffer; should it be thawed, it is moved by itself.
    """

    def __init__(
        self, groups: Groups, kind: Callable[[list[dict[str, Any]]], torch.optim.Optimizer]
    ) -> None:
        """`kind` makes the torch optimiser of its parameter groups."""
        flat = [(Buffer(alike), decay) for weights, decay in groups for alike in _alike(weights)]
        alone = [([w for w in weights if not w.requires_grad], decay) for weights, decay in groups]
        self.buffers = [buffer for buffer, _ in flat]
        self.alone = [weight for weights, _ in alone for weight in weights]
        parts = [(_tensors(buffer), decay) for buffer, decay in flat] + alone
        self.inner = kind([{"params": p, "weight_decay": decay} for p, decay in parts if p])

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The options of each buffer, `lr` among them."""
        return self.inner.param_groups

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for buffer in self.buffers:
            buffer.clear()
        for weight in self.alone:
            weight.grad = None

    def clip(self, norm: float) -> None:
        """Scale the gradients so that all together have at most this norm."""
        moved = [w for b in self.buffers for w in itertools.compress(b.weights, b.reached)]
        nn.utils.clip_grad_norm_([*moved, *self.alone], norm)

    def step(self) -> None:
        """Move the parameters that a gradient has reached."""
        for number, buffer in enumerate(self.buffers):
            cuts = {segment.first for segment in buffer.segments}
            if not buffer.borders() <= cuts:
                self._cut(number, cuts | buffer.borders())
            for first, data, grad in buffer.segments:
                data.grad = grad if buffer.reached[first] else None
        self.inner.step()
        for weight in (w for buffer in self.buffers for w in buffer.weights):
            torch.autograd.graph.increment_version(weight)  # autograd shall refuse an older graph

    def _cut(self, number: int, cuts: Iterable[int]) -> None:
        """New segments of a buffer, each with its part of the state."""
        buffer, states = self.buffers[number], self.inner.state
        old, buffer.segments = buffer.segments, buffer.divided(sorted(cuts))
        for part in buffer.segments:
            whole = next(segment for segment in reversed(old) if segment.first <= part.first)
            start = buffer.ends[part.first] - buffer.ends[whole.first]
            states[part.data] = {
                name: value[start : start + len(part.data)].clone() if value.ndim else value.clone()
                for name, value in states[whole.data].items()
            }
        for whole in old:
            states.pop(whole.data, None)
        self.param_groups[number]["params"] = _tensors(buffer)

    def state_dict(self) -> dict[str, Any]:
        """The torch optimiser's, and where the segments begin."""
        cuts = [[segment.first for segment in buffer.segments] for buffer in self.buffers]
        return {"cuts": cuts, "optimizer": self.inner.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for number, cuts in enumerate(state["cuts"]):
            self._cut(number, cuts)
        self.inner.load_state_dict(state["optimizer"])


def _tensors(buffer: Buffer) -> list[Tensor]:
    return [segment.data for segment in buffer.segments]


def _alike(weights: Iterable[nn.Parameter]) -> list[list[nn.Parameter]]:
    """Those that are trained, by type and device."""
    found: dict[tuple[torch.dtype, torch.device], list[nn.Parameter]] = {}
    for weight in weights:
        if weight.requires_grad:
            found.setdefault((weight.dtype, weight.device), []).append(weight)
    return list(found.values())
