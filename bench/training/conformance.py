"""What every method must hold: checks that a method's author can run.

Each check takes a method class and a case, and raises AssertionError with what is wrong.
"""

import copy
import functools
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from bench import backbone
from bench.backbone import Backbone
from bench.base.errors import BenchError
from bench.base.plugins import calling
from bench.base.split import Split
from bench.base.task import Task
from bench.training import hooks
from bench.training.state import weights
from methods.method import Method, Progress, Setting, Workspace
from methods.none import NoAugmentation

BACKBONE = "test_byobnet"
"""A network of 0.2 M parameters, with BatchNorm, that timm keeps for tests."""
BATCH = 8
STEPS = 2


@dataclass(frozen=True)
class Case:
    """A kind of dataset, and the network that is trained on it."""

    task: Task
    channels: int
    size: int
    backbone: str = BACKBONE

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
    model = backbone.build(case.backbone, case.classes, case.channels, case.size, seed=0)
    setting = Setting(case.task, case.classes, case.channels, case.size, model.feature_dim, 7)
    torch.manual_seed(1)
    built = method(method.Params(**method.quick | params), setting)
    images, targets = (torch.cat(pair) for pair in zip(case.batch(0), case.batch(1), strict=True))
    pixels = (images * 255).round().byte().permute(0, 2, 3, 1).squeeze(3).numpy()
    identity = {"subset": f"two batches of {case}"}
    workspace = Workspace(Path(workshop().name), identity)
    hooks.prepare(built, Split(pixels, targets), workspace)
    return built, hooks.adapt(built, model)


def train(method: Method, model: Backbone, case: Case, precision: str = "fp32") -> list[Tensor]:
    """The losses of a few steps in that precision, then the logits that evaluation sees."""
    optimizer = torch.optim.AdamW(weights(model, method), lr=1e-3)
    losses = []
    for step in range(STEPS):
        images, targets = hooks.augment(method, *case.batch(step))
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            progress = Progress(step, STEPS, step, STEPS)
            loss, _ = hooks.loss(method, model, images, targets, progress)
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
        augmented, rows = hooks.augment(built, images, targets)
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
    images, targets = hooks.augment(built, *case.batch())
    loss, logs = hooks.loss(built, model, images, targets, Progress(1, 2, 1, 2))
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


CAUSES = {
    "has no attribute": "the checks train a small network; name yours with --backbone",
    "submodule": "the checks train a small network; name yours with --backbone",
    "must not modify its input": "an operation in place, as mul_ or images[...] = …; clone first",
    "global generator": "torch.rand… without generator=self.generator, or dropout of its own",
    "two runs of one seed differ": "randomness from elsewhere, or state that instances share",
    "state outside": "an attribute that training changes; register_buffer keeps a tensor",
    "it must equal `none`": "a draw or a step at strength zero too, or `zero` is wrong",
    "no gradient reached": "a detach, no_grad, or a loss that does not come from model(images)",
    "images leave [0, 1]": "no clamp(0, 1) at the end",
    "must survive JSON": "a parameter whose type is no number, word, list or dict",
}
"""By a part of what is wrong, what it most often comes from."""


@dataclass(frozen=True)
class Problem:
    """What one check finds wrong, on all the kinds of dataset where it does."""

    check: str
    wrong: str
    cases: tuple[Case, ...]
    of: int

    def __str__(self) -> str:
        where = "all kinds of dataset"
        if len(self.cases) < self.of:
            more = f" and {len(self.cases) - 1} more" * (len(self.cases) > 1)
            where = f"{self.cases[0]}{more}"
        cause = next((cause for part, cause in CAUSES.items() if part in self.wrong), "")
        return f"{self.check} ({where}): {self.wrong}" + f"; likely {cause}" * bool(cause)


def cases(network: str) -> list[Case]:
    """Those whose images a network takes; BenchError where there is no such network, or none."""
    refused: dict[tuple[int, int], BenchError] = {}
    for size, channels in dict.fromkeys((case.size, case.channels) for case in CASES):
        try:
            backbone.check(network, size, channels)
        except BenchError as error:
            refused[size, channels] = error
    taken = [case for case in CASES if (case.size, case.channels) not in refused]
    if not taken:
        raise next(iter(refused.values()))
    return [replace(case, backbone=network) for case in taken]


def problems(method: type[Method], cases: Sequence[Case] = CASES) -> list[Problem]:
    """What a method fails; a case that it skips with a reason is not checked."""
    with calling(method.__name__, "skip()"):
        served = [case for case in cases if not method.skip(case.task, case.channels)]
    found: dict[tuple[str, str], list[tuple[str, Case]]] = {}
    for check, case in product(CHECKS, served):
        if wrong := _wrong(check, method, case):
            name = check.__name__.removeprefix("check_").replace("_", " ")
            kind = re.sub(r"[0-9.,() e+-]+", " ", wrong)
            found.setdefault((name, kind), []).append((wrong, case))
    return [
        Problem(name, each[0][0], tuple(case for _, case in each), len(served))
        for (name, _), each in found.items()
    ]


def _wrong(check: Callable[[type[Method], Case], None], method: type[Method], case: Case) -> str:
    """What a check finds wrong, in one line; "" for nothing."""
    try:
        check(method, case)
    except (AssertionError, BenchError) as error:
        return " ".join(str(error).split()) or "it does not hold"
    except (Exception, SystemExit) as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return ""
