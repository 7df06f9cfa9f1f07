"""The flat optimiser does what torch's does to each parameter."""

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import methods
from bench.backbone import Backbone, build
from bench.base.task import Task
from bench.grid.protocol import Protocol
from bench.training.decay import decay_groups
from bench.training.flat import FlatOptimizer, Groups
from bench.training.state import Training, optimizer, weights
from bench.training.trainer import step as take_step
from methods.method import Method, Progress, Setting

SMALL = "test_byobnet"
STEPS, EPOCHS = 10, 2
OPTIMIZERS: list[dict[str, Any]] = [
    {"optimizer": "adamw"},
    {"optimizer": "adam", "betas": (0.8, 0.99)},
    {"optimizer": "sgd"},
    {"optimizer": "sgd", "momentum": 0.5, "nesterov": False},
    {"optimizer": "sgd", "momentum": 0, "nesterov": False},
]
Step = Callable[[int], None]


def protocol(**changes: Any) -> Protocol:
    return Protocol(**{"steps": STEPS, "lr": 0.01, "weight_decay": 0.1} | changes)


def parts(name: str) -> tuple[Backbone, Method]:
    model = build(SMALL, 2, 1, 28, seed=0)
    kind = methods.get(name)
    method = kind(kind.Params(), Setting(Task.BINARY, 2, 1, 28, model.feature_dim, seed=3))
    return method.adapt(model), method


def batch(number: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(number)
    return torch.rand(8, 1, 28, 28, generator=generator), torch.arange(8) % 2


def progress(number: int) -> Progress:
    return Progress(number, STEPS, number * EPOCHS // STEPS, EPOCHS)


def ordinary(model: Backbone, method: Method, chosen: Protocol) -> Step:
    """The plain PyTorch loop."""
    trained = weights(model, method)
    built = optimizer(trained, chosen)

    def one(number: int) -> None:
        loss, _ = method.loss(model, *method.augment(*batch(number)), progress(number))
        built.zero_grad()
        loss.backward()
        if chosen.grad_clip:
            nn.utils.clip_grad_norm_(trained, chosen.grad_clip)
        built.step()

    return one


def ours(model: Backbone, method: Method, chosen: Protocol) -> Step:
    training = Training.begin(model, method, chosen)
    return lambda number: (take_step(training, batch(number), progress(number), chosen), None)[1]


@pytest.mark.parametrize("name", ["none", "bsda", "advprop"])
@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("changes", OPTIMIZERS, ids=str)
def test_ten_steps_are_those_of_torch(
    changes: dict[str, Any], clip: float | None, name: str
) -> None:
    """BSDA's encoder has no gradient in the first of the two epochs."""
    chosen = protocol(grad_clip=clip, **changes)
    plain, flat = parts(name), parts(name)
    steps = ordinary(*plain, chosen), ours(*flat, chosen)
    for number in range(STEPS):
        for one in steps:
            one(number)
        assert_same(weights(*plain), weights(*flat))


def assert_same(theirs: Sequence[Tensor], ours: Sequence[Tensor]) -> None:
    """To a ten-thousandth of a step of Adam: vector and scalar code round differently."""
    for a, b in zip(theirs, ours, strict=True):
        torch.testing.assert_close(b, a, rtol=1e-5, atol=1e-6)


def tiny(*shapes: tuple[int, ...]) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


def flat(trained: list[nn.Parameter], **changes: Any) -> FlatOptimizer:
    return FlatOptimizer([(trained, 0.1)], partial(optimizer, protocol=protocol(**changes)))


def descend(built: Any, trained: list[nn.Parameter], chosen: list[int]) -> None:
    """A step whose loss depends on the chosen parameters alone."""
    loss = sum((trained[number].double() ** 4).sum() for number in chosen)
    built.zero_grad()
    torch.as_tensor(loss).backward()
    built.step()


@pytest.mark.parametrize("changes", OPTIMIZERS, ids=str)
def test_gradients_that_come_and_go(changes: dict[str, Any]) -> None:
    """Where a step brings none, neither decay nor momentum moves a parameter, nor does it count."""
    shapes = [(3,), (2, 5), (40,), (1,), (4, 4)]
    one, other = tiny(*shapes), tiny(*shapes)
    plain, built = optimizer(one, protocol(**changes)), flat(other, **changes)
    for chosen in ([0, 1, 2], [0, 1, 2, 3], [1, 3], [0, 4], [0, 1, 2, 3, 4], [2, 4], [1, 2]):
        descend(plain, one, chosen)
        descend(built, other, chosen)
        assert_same(one, other)


def test_parameters_reached_together_are_one_tensor() -> None:
    trained = tiny((3,), (2, 5), (40,))
    built = flat(trained)
    for _ in range(3):
        descend(built, trained, [0, 1, 2])
    assert [len(group["params"]) for group in built.param_groups] == [1]
    descend(built, trained, [0, 1])
    descend(built, trained, [0, 1, 2])
    assert [len(group["params"]) for group in built.param_groups] == [2]


def test_each_group_has_its_decay() -> None:
    decayed, plain = tiny((3,)), tiny((3,))
    both: Groups = [(decayed, 0.5), (plain, 0.0)]
    built = FlatOptimizer(both, partial(optimizer, protocol=protocol()))
    before = plain[0].detach().clone()
    built.zero_grad()
    (0 * decayed[0].sum() + 0 * plain[0].sum()).backward()
    built.step()
    assert torch.equal(plain[0], before)
    torch.testing.assert_close(decayed[0], before * (1 - 0.01 * 0.5))


def test_names_shapes_and_memory_formats_stay() -> None:
    model, method = parts("none")
    before = {name: (w.shape, w.stride()) for name, w in model.state_dict().items()}
    Training.begin(model, method, protocol())
    after = {name: (w.shape, w.stride()) for name, w in model.state_dict().items()}
    assert after == before
    convs = [m for m in model.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    assert convs and all(c.weight.is_contiguous(memory_format=torch.channels_last) for c in convs)
    assert all(w.grad is not None and w.grad.stride() == w.stride() for w in model.parameters())


@pytest.mark.parametrize("changes", OPTIMIZERS[:3], ids=str)
@pytest.mark.parametrize("name", ["none", "bsda", "advprop"])
def test_it_resumes_to_the_same_bits(name: str, changes: dict[str, Any]) -> None:
    chosen = protocol(grad_clip=0.5, **changes)
    runs = []
    for stop in (None, 2, 7):
        training = Training.begin(*parts(name), chosen)
        for number in range(STEPS):
            if number == stop:
                state = copy.deepcopy(training.state())
                training = Training.begin(*parts(name), chosen)
                training.restore(state)
            take_step(training, batch(number), progress(number), chosen)
        runs.append(weights(training.model, training.method))
    for again in runs[1:]:
        assert all(torch.equal(a, b) for a, b in zip(runs[0], again, strict=True))


def test_selected_weights_do_not_move_on() -> None:
    training = Training.begin(*parts("none"), protocol(select="last"))
    training.epoch = 1
    training.select("last")
    kept = training.best["model"]
    before = {name: value.clone() for name, value in kept.items()}
    take_step(training, batch(0), progress(0), protocol())
    assert all(torch.equal(kept[name], before[name]) for name in kept)
    assert not torch.equal(kept["net.stem.conv.weight"], training.model.net.stem.conv.weight)


def test_frozen_parameters_stay_until_they_are_thawed() -> None:
    one, other = tiny((3,), (4,), (5,)), tiny((3,), (4,), (5,))
    for trained in (one, other):
        trained[1].requires_grad_(False)
    plain, built = optimizer(one, protocol()), flat(other)
    for step in range(6):
        for trained in (one, other):
            trained[1].requires_grad_(step >= 2)
            trained[0].requires_grad_(step != 4)
        chosen = [n for n in range(3) if one[n].requires_grad]
        descend(plain, one, chosen)
        descend(built, other, chosen)
        assert_same(one, other)


def test_types_formats_and_gaps_train_together() -> None:
    def mixed() -> list[nn.Parameter]:
        wide, narrow, strange = tiny((4, 3, 2, 2), (5,), (6, 4))
        return [
            nn.Parameter(wide.data.contiguous(memory_format=torch.channels_last)),
            nn.Parameter(narrow.data.double()),
            nn.Parameter(strange.data[:, ::2]),
            nn.Parameter(torch.tensor(2.0)),
        ]

    one, other = mixed(), mixed()
    plain = torch.optim.AdamW(one, 0.01, weight_decay=0.1)  # fused, it errs on weights with gaps
    built = flat(other)
    assert len(built.buffers) == 2
    for chosen in ([0, 1, 2, 3], [1], [0, 2, 3]):
        descend(plain, one, chosen)
        descend(built, other, chosen)
    assert_same(one, other)


@pytest.mark.parametrize("what", ["zero_grad", "swap the data", "add a gradient"])
def test_a_loss_may_handle_gradients_and_data_itself(what: str) -> None:
    """As a method that passes twice, or puts averaged weights in place for a while."""

    def meddle(weight: nn.Parameter) -> None:
        if what == "zero_grad":
            weight.grad = None
        if what == "swap the data":
            weight.data = weight.data * 1.5
        if what == "add a gradient":
            (weight**2).sum().backward()

    one, other = tiny((3,), (4,)), tiny((3,), (4,))
    plain, built = optimizer(one, protocol()), flat(other)
    for _ in range(3):
        for maker, trained in ((plain, one), (built, other)):
            meddle(trained[1])
            descend(maker, trained, [0, 1])
    assert_same(one, other)


def test_a_graph_from_before_a_step_is_refused() -> None:
    trained = tiny((3,), (3,))
    built = flat(trained)
    stale = (trained[0] * trained[1]).sum()
    descend(built, trained, [0, 1])
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        stale.backward()


def test_a_copy_of_the_model_is_its_own() -> None:
    training = Training.begin(*parts("none"), protocol())
    teacher = copy.deepcopy(training.model)
    before = [w.detach().clone() for w in teacher.parameters()]
    take_step(training, batch(0), progress(0), protocol())
    assert all(torch.equal(a, b) for a, b in zip(before, teacher.parameters(), strict=True))


def test_a_parameter_that_two_modules_hold_is_trained_once() -> None:
    model, method = parts("none")
    method.teacher = model
    ((trained, _),) = decay_groups(model, method, protocol())
    assert len(trained) == len({id(weight) for weight in trained})
    assert len(trained) == len(list(model.parameters()))
