"""The geometry of AILS: which offsets keep the meaning of a feature, equation (7)."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from methods.parts.forms import parse

SLOWEST_RATE = 0.1
"""A running statistic is the plain mean of its first ten batches, then exponential at this rate."""


class Projection(nn.Module):
    """Π_M of (7): features (B, d) to what their cosine is taken of.

    "none", "l2" (on the unit sphere), "relu", "center" (less their running mean), or "pca(r)"
    (centred, on r principal directions, which follow the features by one step of orthogonal
    iteration a batch).
    """

    count: Tensor
    mean: Tensor
    sketch: Tensor
    basis: Tensor

    def __init__(self, form: str, width: int) -> None:
        super().__init__()
        self.form, rank = parse(form)
        if self.form in ("center", "pca"):
            self.register_buffer("count", torch.zeros(()))
            self.register_buffer("mean", torch.zeros(width))
        if self.form == "pca":
            basis = torch.linalg.qr(torch.randn(width, min(width, int(rank)))).Q
            self.register_buffer("sketch", torch.zeros_like(basis))
            self.register_buffer("basis", basis)

    @torch.no_grad()
    def update(self, features: Tensor) -> None:
        """Let the running statistics follow a batch."""
        if self.form in ("center", "pca"):
            self.count += 1
            rate = (1 / self.count).clamp(min=SLOWEST_RATE)
            self.mean.lerp_(features.mean(0), rate)
        if self.form == "pca":
            centred = features - self.mean
            self.sketch.lerp_(centred.mT @ (centred @ self.basis) / len(centred), rate)
            self.basis.copy_(torch.linalg.qr(self.sketch).Q)

    def forward(self, features: Tensor) -> Tensor:
        match self.form:
            case "l2":
                return F.normalize(features)
            case "relu":
                return features.relu()
            case "center":
                return features - self.mean
            case "pca":
                return (features - self.mean) @ self.basis
        return features


class SameClassCosine(nn.Module):
    """Running mean of the cosine between two images of a batch with equal targets."""

    count: Tensor
    value: Tensor

    def __init__(self, initial: float) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("value", torch.tensor(initial))

    @torch.no_grad()
    def update(self, features: Tensor, targets: Tensor) -> None:
        """Follow a batch; one without a pair changes nothing."""
        rows = targets.flatten(1) if targets.ndim == 2 else targets[:, None]
        same = (rows[:, None] == rows).all(2).float().fill_diagonal_(0)
        unit = F.normalize(features)
        mean = (unit @ unit.mT * same).sum() / same.sum().clamp(min=1)
        self.count += same.any()
        rate = (1 / self.count.clamp(min=1)).clamp(min=SLOWEST_RATE)
        self.value.lerp_(mean, rate * same.any())


def schedule(form: str, start: float, end: float, fraction: float) -> float:
    """τ at a fraction of training: "linear", "cosine", "step(at)" or "constant" (at `start`)."""
    word, at = parse(form)
    passed = {
        "linear": fraction,
        "cosine": (1 - math.cos(math.pi * fraction)) / 2,
        "step": float(fraction >= at),
        "constant": 0.0,
    }[word]
    return (1 - passed) * start + passed * end


def sphere(features: Tensor, step: Tensor) -> Tensor:
    """The exponential map on the sphere of radius ‖f‖, of the tangential part t of a step.

    It moves by the angle ‖t‖/‖f‖; a step of zero gives the features exactly.
    """
    radius: Tensor = torch.linalg.vector_norm(features, dim=1, keepdim=True).clamp_min(1e-6)
    unit = features / radius
    tangent = step - (step * unit).sum(1, keepdim=True) * unit
    angle: Tensor = torch.linalg.vector_norm(tangent, dim=1, keepdim=True) / radius
    return angle.cos() * features + torch.sinc(angle / math.pi) * tangent


def longest(accepts: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """By bisection, factors (B, 1) in [0, 1) at the border of what `accepts` takes, (B, 1) → (B,).

    Each is 0 or accepted itself. `rows` (B, ...) gives number, type and device.
    """
    low, high = rows.new_zeros(len(rows), 1), rows.new_ones(len(rows), 1)
    for _ in range(24):
        middle = (low + high) / 2
        inside = accepts(middle)[:, None]
        low, high = torch.where(inside, middle, low), torch.where(inside, high, middle)
    return low
