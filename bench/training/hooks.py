"""Calls of a method's hooks: what one returns is looked at, and said in words where it is wrong."""

import json
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.backbone import Backbone
from bench.base.errors import BenchError
from bench.base.split import Split
from methods.method import Logs, Method, Progress, Workspace


def prepare(method: Method, train: Split, workspace: Workspace) -> Split:
    """`Method.prepare`. Raises BenchError where it returns no split."""
    found = method.prepare(train, workspace)
    if not isinstance(found, Split):
        raise _wrong("prepare", "return the split to train on", found)
    return found


def adapt(method: Method, model: Backbone) -> Backbone:
    """`Method.adapt`. Raises BenchError where it returns no backbone."""
    found = method.adapt(model)
    if not isinstance(found, Backbone):
        raise _wrong("adapt", "return the model that it was given, changed or not", found)
    return found


def augment(method: Method, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """`Method.augment`. Raises BenchError where it returns no batch of images and targets."""
    found = method.augment(images, targets)
    if not _tensors(found):
        raise _wrong("augment", "return images and targets, two tensors", found)
    if found[0].ndim != images.ndim or found[0].dtype != images.dtype:
        raise _wrong("augment", f"return images of {_of(images)}", found[0])
    if len(found[0]) != len(found[1]):
        raise _wrong("augment", f"return a target for each of {len(found[0])} images", found[1])
    return found


def loss(
    method: Method, model: Backbone, images: Tensor, targets: Tensor, progress: Progress
) -> tuple[Tensor, Logs]:
    """`Method.loss`. Raises BenchError where it returns no number to minimise and what to log."""
    found = method.loss(model, images, targets, progress)
    if not (isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], dict)):
        raise _wrong("loss", "return the loss and a dict of what to log, {} for nothing", found)
    value = found[0]
    if not isinstance(value, Tensor) or value.ndim or not value.requires_grad:
        raise _wrong("loss", "return a loss that is one number with a gradient", value)
    return found


def means(logs: list[Logs]) -> dict[str, float]:
    """The mean of each logged quantity over steps. Raises BenchError where one is no number."""
    return {name: _mean(name, logs) for name in logs[0]}


def facts(method: Method) -> dict[str, Any]:
    """What a method found, as JSON. Raises BenchError where JSON cannot hold it."""
    try:
        json.dumps(method.facts, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise BenchError(
            f"the method's facts cannot be stored as JSON: {error}; keep finite numbers and words"
        ) from None
    return method.facts


def _mean(name: str, logs: list[Logs]) -> float:
    try:
        mean = float(np.mean(_numbers([log[name] for log in logs])))
    except (TypeError, ValueError, KeyError, RuntimeError, OverflowError):
        raise BenchError(
            f"the method logs {name!r}, which is not one number at each step"
        ) from None
    if not math.isfinite(mean):
        raise BenchError(
            f"the method logs {name!r}, which is {mean} at some step; log what is finite"
        )
    return mean


def _numbers(values: list[float | Tensor]) -> list[float]:
    """As floats; tensors together, so that the host waits for their device once."""
    tensors = [value for value in values if isinstance(value, Tensor) and not value.ndim]
    if len(tensors) == len(values):
        return list(map(float, torch.stack(tensors).tolist()))
    return list(map(float, values))


def _tensors(found: Any) -> bool:
    return (
        isinstance(found, tuple)
        and len(found) == 2
        and all(isinstance(part, Tensor) for part in found)
    )


def _wrong(hook: str, wanted: str, found: object) -> BenchError:
    return BenchError(f"the method's {hook}() must {wanted}; it returned {_of(found)}")


def _of(found: object) -> str:
    """A value in a few words."""
    if isinstance(found, Tensor):
        return f"a {str(found.dtype).removeprefix('torch.')} tensor {tuple(found.shape)}"
    if isinstance(found, tuple):
        return f"({', '.join(map(_of, found))})"
    return "None" if found is None else f"a {type(found).__name__}"
