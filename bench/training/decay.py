"""Which parameters weight decay pulls to zero."""

from collections.abc import Iterator

from torch import nn

from bench.grid.protocol import Protocol
from bench.training.flat import Groups
from methods.method import Method


def decay_groups(model: nn.Module, method: Method, protocol: Protocol) -> Groups:
    """What is trained, with its weight decay: what decays, and, where there is any, what does not.

    Both in the order of the parameters, the model's before the method's, each once. `decay: all`
    spares what the method says alone, `decay: weights` also what `one_dimensional` gives.
    """
    spared = {id(weight) for weight in method.undecayed()}
    if protocol.decay == "weights":
        spared |= {id(weight) for module in (model, method) for weight in one_dimensional(module)}
    trained = list(dict.fromkeys([*model.parameters(), *method.parameters()]))
    decayed = [weight for weight in trained if id(weight) not in spared]
    rest = [weight for weight in trained if id(weight) in spared]
    return [group for group in ((decayed, protocol.weight_decay), (rest, 0.0)) if group[0]]


def one_dimensional(module: nn.Module) -> Iterator[nn.Parameter]:
    """Norms, biases, and whatever else has one dimension or none."""
    for part in module.modules():
        for name, weight in part.named_parameters(recurse=False):
            if weight.ndim <= 1 or name == "bias" or isinstance(part, nn.LayerNorm):
                yield weight
