"""What every method must hold: checks that a method's author can run.

Each check takes a method class and a case, and raises AssertionError with what is wrong.
"""

import copy
import functools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from bench import backbone
from bench.backbone import Backbone
from bench.base.split import Split
from bench.base.task import Task
from methods.method import Method, Progress, Setting, Workspace
from methods.none import NoAugmentation

BACKBONE = "test_byobnet"
"""A network of 0.2 M parameters, with BatchNorm, that timm keeps for tests."""
BATCH = 8
STEPS = 2


@dataclass(frozen=True)
class Case:
    """A kind of dataset."""

    task: Task
    channels: int
    size: int

    @property
    def classes(self) -> int:
        return {Task.BINARY: 2, Task.MULTICLASS: 4, Task.ORDINAL: 5, Task.MULTILABEL: 3}[self.task]

    def batch(self, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Random images and targets; every class occurs."""
        generator = torch.Generator().manual_seed(seed)
        images = torch.rand(BATCH, self.channels, self.size, self.size, generator=generator)
        targets = torch.arange(BATCH) % self.classes
        if self.task is Task.MULTILABEL:
            targets = torch.randint(2, (BATCH, self.classes), generator=generator).float()
        return images, targets

    def __str__(self) -> str:
        colour = "gray" if self.channels == 1 else "RGB"
        return f"{self.task.value}, {colour}, {self.size} px"


CASES = [Case(*values) for values in product(Task, (1, 3), (28, 64))]


@functools.cache
def workshop() -> TemporaryDirectory[str]:
    """Where methods keep what they generate, until the process ends."""
    return TemporaryDirectory()


def build(method: type[Method], case: Case, **params: Any) -> tuple[Method, Backbone]:
    """A method, prepared on two batches, and a backbone, as `execute` builds them."""
    model = backbone.build(BACKBONE, case.classes, case.channels, case.size, seed=0)
    setting = Setting(case.task, case.classes, case.channels, case.size, model.feature_dim, 7)
    torch.manual_seed(1)
    built = method(method.Params(**method.quick | params), setting)
    images, targets = (torch.cat(pair) for pair in zip(case.batch(0), case.batch(1), strict=True))
    pixels = (images * 255).round().byte().permute(0, 2, 3, 1).squeeze(3).numpy()
    identity = {"subset": f"two batches of {case}"}
    built.prepare(Split(pixels, targets), Workspace(Path(workshop().name), identity))
    return built, built.adapt(model)


def train(method: Method, model: Backbone, case: Case, precision: str = "fp32") -> list[Tensor]:
    """The losses of a few steps in that precision, then the logits that evaluation sees."""
    optimizer = torch.optim.AdamW([*model.parameters(), *method.parameters()], lr=1e-3)
    losses = []
    for step in range(STEPS):
        images, targets = method.augment(*case.batch(step))
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss, _ = method.loss(model, images, targets, Progress(step, STEPS, step, STEPS))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    model.eval()
    with torch.no_grad():
        return [*losses, model(case.batch(99)[0])]


def check_says_what_it_is(method: type[Method], case: Case) -> None:
    """It has a one-line summary, a reference, and parameters that survive JSON."""
    for attribute in ("summary", "reference"):
        text = getattr(method, attribute, "")
        assert text and "\n" not in text, f"`{attribute}` must be one line of text"
    params = method.Params()
    text = json.dumps(params.model_dump(mode="json"))
    assert method.Params(**json.loads(text)) == params, "parameters must survive JSON"


def check_leaves_its_input_alone(method: type[Method], case: Case) -> None:
    """augment() modifies neither images nor targets; shape, range and label mass are kept."""
    built, _ = build(method, case)
    images, targets = case.batch()
    before = images.clone(), targets.clone()
    for _ in range(5):
        augmented, rows = built.augment(images, targets)
        assert torch.equal(images, before[0]) and torch.equal(targets, before[1]), (
            "augment() must not modify its input"
        )
        assert augmented.shape == images.shape and len(rows) == len(images), (
            f"augment() returned {tuple(augmented.shape)} for {tuple(images.shape)}"
        )
        low, high = augmented.min().item(), augmented.max().item()
        assert low >= -1e-6 and high <= 1 + 1e-6, f"images leave [0, 1]: {low:.3g} to {high:.3g}"
        if rows.ndim == 2 and case.task is not Task.MULTILABEL:
            assert torch.allclose(rows.sum(1), torch.ones(len(rows))), "soft targets must sum to 1"


def check_trains_the_backbone(method: type[Method], case: Case) -> None:
    """The loss is finite, and so are the gradients, which reach the backbone's first layer."""
    built, model = build(method, case)
    images, targets = built.augment(*case.batch())
    loss, logs = built.loss(model, images, targets, Progress(1, 2, 1, 2))
    assert loss.ndim == 0 and torch.isfinite(loss), f"the loss must be one finite number: {loss}"
    loss.backward()
    first = next(model.parameters())
    assert first.grad is not None and first.grad.abs().sum() > 0, "no gradient reached the backbone"
    for module in (built, model):
        for name, weight in module.named_parameters():
            assert weight.grad is None or torch.isfinite(weight.grad).all(), f"gradient of {name}"
    for name, value in logs.items():
        assert torch.isfinite(torch.as_tensor(value)).all(), f"log {name} is not finite"


def check_draws_from_its_own_stream(method: type[Method], case: Case) -> None:
    """The same seed gives the same bits, and the global generator is left as it was."""
    runs = []
    for _ in range(2):
        built, model = build(method, case)
        state = torch.get_rng_state()
        runs.append(train(built, model, case))
        assert torch.equal(state, torch.get_rng_state()), (
            "draw from self.generator or self.rng, not from torch's global generator"
        )
    same = all(torch.equal(*pair) for pair in zip(*runs, strict=True))
    assert same, "two runs of one seed differ"


def check_resumes(method: type[Method], case: Case) -> None:
    """After its state was saved and loaded it goes on with the same bits."""
    built, model = build(method, case)
    train(built, model, case)
    state, weights = copy.deepcopy(built.state_dict()), copy.deepcopy(model.state_dict())
    model.train()
    expected = train(built, model, case)
    built, model = build(method, case)
    built.load_state_dict(state)
    model.load_state_dict(weights)
    again = train(built, model, case)
    same = all(torch.equal(*pair) for pair in zip(expected, again, strict=True))
    assert same, "a resumed method differs: state outside of state_dict()"


def check_equals_none_at_strength_zero(
    method: type[Method], case: Case, precision: str = "fp32"
) -> None:
    """With its parameters `zero`, training has the bits of `none`."""
    ours = train(*build(method, case, **method.zero), case, precision)
    theirs = train(*build(NoAugmentation, case), case, precision)
    same = all(torch.equal(*pair) for pair in zip(ours, theirs, strict=True))
    assert same, f"with {method.zero} it must equal `none` bit for bit"


def check_equals_none_at_strength_zero_in_bf16(method: type[Method], case: Case) -> None:
    """So it has under `precision: bf16`, where both run in autocast."""
    check_equals_none_at_strength_zero(method, case, "bf16")


CHECKS: list[Callable[[type[Method], Case], None]] = [
    check_says_what_it_is,
    check_leaves_its_input_alone,
    check_trains_the_backbone,
    check_draws_from_its_own_stream,
    check_resumes,
    check_equals_none_at_strength_zero,
    check_equals_none_at_strength_zero_in_bf16,
]


def problems(method: type[Method], cases: Sequence[Case] = CASES) -> Iterator[str]:
    """What a method fails, a line each; a case that it skips with a reason is not checked."""
    for case, check in product(cases, CHECKS):
        if method.skip(case.task, case.channels):
            continue
        try:
            check(method, case)
        except Exception as error:
            name = check.__name__.removeprefix("check_").replace("_", " ")
            yield f"{name} ({case}): {error or type(error).__name__}"
