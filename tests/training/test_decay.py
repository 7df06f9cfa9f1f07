"""What weight decay pulls to zero, and by how much."""

from typing import Any

import pytest
import torch
from tiny import make
from torch import nn

from bench import backbone
from bench.grid.protocol import Protocol
from bench.training.decay import decay_groups, one_dimensional
from bench.training.state import Training
from methods.method import Method

RATE, DECAY = 0.1, 0.5
WIDE = {"epochs": 1, "lr": RATE, "weight_decay": DECAY}


def network() -> backbone.Backbone:
    return backbone.build("test_byobnet", 3, 1, 28, seed=0)


def decayed(method: Method, **changes: Any) -> dict[str, bool]:
    """Names of the parameters, and whether a step with gradients of zero made them smaller."""
    model = network()
    with torch.no_grad():
        for weight in [*model.parameters(), *method.parameters()]:
            weight.fill_(1.0)
    training = Training.begin(model, method, Protocol(**WIDE | changes))
    named = dict(nn.ModuleDict({"model": model, "method": method}).named_parameters())
    training.optimizer.zero_grad()
    sum((0 * weight).sum() for weight in named.values()).backward()
    training.optimizer.step()
    values = {name: weight.unique().item() for name, weight in named.items()}
    assert {round(value, 6) for value in values.values()} <= {1.0, 1 - RATE * DECAY}
    return {name: value < 1 for name, value in values.items()}


@pytest.mark.parametrize(
    "changes", [{}, {"optimizer": "sgd", "momentum": 0.0, "nesterov": False}], ids=str
)
def test_all_parameters_decay_by_rate_times_decay(changes: dict[str, Any]) -> None:
    assert all(decayed(make("ails"), **changes).values())
    assert not any(decayed(make("ails"), **changes, weight_decay=0.0).values())


def test_of_weights_alone_norms_and_biases_stay() -> None:
    found = decayed(make("ails"), decay="weights")
    assert found["method.posterior.out.weight"]
    assert not found["method.posterior.out.bias"]
    model = network()
    spared = {id(weight) for weight in one_dimensional(model)}
    for name, weight in model.named_parameters():
        assert (id(weight) in spared) == (weight.ndim < 2)
        assert found[f"model.{name}"] == (weight.ndim > 1)
    norm = nn.LayerNorm((4, 4))
    assert [*one_dimensional(norm)] == [norm.weight, norm.bias]


def test_the_head_of_ails_can_be_left_out() -> None:
    found = decayed(make("ails", head_decay=False, num_directions=4))
    kept = {name for name, smaller in found.items() if not smaller}
    assert kept == {name for name in found if name.startswith("method.posterior.")}


def test_groups_hold_each_parameter_once_in_order() -> None:
    model, method = network(), make("ails")
    every = [*model.parameters(), *method.parameters()]
    protocol = Protocol(**WIDE)
    ((trained, decay),) = decay_groups(model, method, protocol)
    assert [id(weight) for weight in trained] == [id(weight) for weight in every]
    groups = decay_groups(model, method, Protocol(**WIDE, decay="weights"))
    assert [decay for _, decay in groups] == [protocol.weight_decay, 0.0] and decay
    assert sum(len(group) for group, _ in groups) == len(every)
