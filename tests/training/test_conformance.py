"""Every method against every kind of dataset; and the checks against methods that are wrong."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import methods
from bench.base.task import Task
from bench.training import conformance
from bench.training.conformance import CASES, CHECKS, Case
from methods.method import Method

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
    for name in methods.names()
    for case in CASES
]


@pytest.mark.parametrize(("name", "case"), PAIRS)
def test_conforms(name: str, case: Case) -> None:
    method = methods.get(name)
    if reason := method.skip(case.task, case.channels):
        pytest.skip(reason)
    for check in CHECKS:
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
    (HidesItsState, conformance.check_resumes),
]


@pytest.mark.parametrize(("method", "check"), FAULTS, ids=lambda value: value.__name__)
def test_each_fault_is_found(
    method: type[Method], check: Callable[[type[Method], Case], None]
) -> None:
    with pytest.raises(AssertionError):
        check(method, CASES[0])
