"""Which parameters weight decay pulls to zero."""

from collections.abc import Iterator
from typing import Any

from torch import nn

from bench.grid.protocol import Protocol
from methods.method import Method


def parameter_groups(model: nn.Module, method: Method, protocol: Protocol) -> list[dict[str, Any]]:
    """The groups of an optimiser: what decays, and, where there is any, what does not.

    Both in the order of the parameters, the model's before the method's. `decay: all` spares what
    the method says alone, `decay: weights` also what `one_dimensional` gives.
    """
    spared = {id(weight) for weight in method.undecayed()}
    if protocol.decay == "weights":
        spared |= {id(weight) for module in (model, method) for weight in one_dimensional(module)}
    trained = [*model.parameters(), *method.parameters()]
    decayed = {"params": [weight for weight in trained if id(weight) not in spared]}
    rest = {"params": [weight for weight in trained if id(weight) in spared], "weight_decay": 0.0}
    return [group for group in (decayed, rest) if group["params"]]


def one_dimensional(module: nn.Module) -> Iterator[nn.Parameter]:
    """Norms, biases, and whatever else has one dimension or none."""
    for part in module.modules():
        for name, weight in part.named_parameters(recurse=False):
            if weight.ndim <= 1 or name == "bias" or isinstance(part, nn.LayerNorm):
                yield weight
