"""Every method against every kind of dataset; and the checks against methods that are wrong."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

import methods
from bench.base.errors import BenchError
from bench.base.task import Task
from bench.training import conformance
from bench.training.conformance import CASES, CHECKS, Case
from methods.method import Method

Check = Callable[[type[Method], Case], None]
NAMES = [*methods.names(), "basic+mixup", "basic+ails"]
GENERATORS = {"ddpm", "stylegan2_ada"}
"""They train a generator and judge it for each case."""


def slow(name: str, case: Case) -> bool:
    """All but one case of a generator; of the others the larger size, but for one task."""
    if name in GENERATORS:
        return case is not CASES[0]
    return case.size > 28 and case.task is not Task.MULTICLASS


PAIRS = [
    pytest.param(
        name,
        case,
        id=f"{name}: {case}",
        marks=[pytest.mark.slow] if slow(name, case) else [],
    )
    for name in NAMES
    for case in CASES
]


IN_BF16 = conformance.check_equals_none_at_strength_zero_in_bf16


@pytest.mark.parametrize(("name", "case"), PAIRS)
def test_conforms(name: str, case: Case) -> None:
    for check in CHECKS:
        if check is not IN_BF16:
            conform(name, case, check)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", [CASES[0], CASES[-1]], ids=str)
def test_strength_zero_equals_none_in_bf16(name: str, case: Case) -> None:
    conform(name, case, IN_BF16)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES[1:-1], ids=str)
def test_strength_zero_equals_none_in_bf16_on_every_case(name: str, case: Case) -> None:
    conform(name, case, IN_BF16)


def conform(name: str, case: Case, check: Check) -> None:
    """Raises AssertionError with what is wrong; skips what the method does."""
    method = methods.get(name)
    if reason := method.skip(case.task, case.channels):
        pytest.skip(reason)
    check(method, case)


class Faulty(Method):
    summary = "a method with a fault"
    reference = "none"


class EditsInPlace(Faulty):
    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        return images.mul_(0.5), targets


class LeavesTheRange(Faulty):
    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        return images * 2, targets


class DrawsGlobally(Faulty):
    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        return images * torch.rand(()), targets


class DetachesTheBackbone(Faulty):
    def loss(self, model: Any, images: Tensor, targets: Tensor, progress: Any) -> Any:
        return self.task_loss(model.head(model.features(images).detach()), targets), {}


class IsNeverOff(Faulty):
    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        return images.flip(3), targets


class LeavesAutocast(Faulty):
    def loss(self, model: Any, images: Tensor, targets: Tensor, progress: Any) -> Any:
        features = model.features(images)
        with torch.autocast("cpu", enabled=False):
            return self.task_loss(model.head(features.float()), targets), {}


class HidesItsState(Faulty):
    calls = 0

    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        self.calls += 1
        return images / self.calls, targets


FAULTS = [
    (EditsInPlace, conformance.check_leaves_its_input_alone),
    (LeavesTheRange, conformance.check_leaves_its_input_alone),
    (DrawsGlobally, conformance.check_draws_from_its_own_stream),
    (DetachesTheBackbone, conformance.check_trains_the_backbone),
    (IsNeverOff, conformance.check_equals_none_at_strength_zero),
    (LeavesAutocast, IN_BF16),
    (HidesItsState, conformance.check_resumes),
]


@pytest.mark.parametrize(("method", "check"), FAULTS, ids=lambda value: value.__name__)
def test_each_fault_is_found(method: type[Method], check: Check) -> None:
    with pytest.raises(AssertionError):
        check(method, CASES[0])


class WantsAResNet(Faulty):
    def adapt(self, model: Any) -> Any:
        return model.net.layer1 and model


def test_what_is_found_is_grouped_with_its_likely_cause() -> None:
    (problem, *rest) = conformance.problems(WantsAResNet, CASES[:3])
    assert len(problem.cases) == 3 and len({other.check for other in rest}) == len(rest)
    assert "all kinds of dataset" in str(problem) and "--backbone" in str(problem)
    only = conformance.problems(EditsInPlace, CASES[:1])
    assert any("clone first" in str(found) for found in only)


def test_a_check_can_be_of_a_network_by_name() -> None:
    case = replace(CASES[0], backbone="resnet18")
    _, model = conformance.build(WantsAResNet, case)
    assert hasattr(model.net, "layer1")


def test_only_what_a_network_takes_is_checked() -> None:
    assert {case.size for case in conformance.cases("densenet121")} == {64}
    assert conformance.cases(conformance.BACKBONE) == CASES
    with pytest.raises(BenchError, match="did you mean 'resnet18'"):
        conformance.cases("resnet81")


def test_a_method_that_keeps_the_backbone_steps_it_once() -> None:
    class Keeps(Faulty):
        def adapt(self, model: Any) -> Any:
            self.model = model
            return model

    kept = conformance.train(*conformance.build(Keeps, CASES[0]), CASES[0])
    none = conformance.train(*conformance.build(methods.get("none"), CASES[0]), CASES[0])
    assert all(torch.equal(*pair) for pair in zip(kept, none, strict=True))
