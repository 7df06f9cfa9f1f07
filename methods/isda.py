"""ISDA: implicit semantic data augmentation, an upper bound instead of drawn features."""

import torch
from pydantic import Field
from torch import Tensor, nn

from bench.base.errors import BenchError
from bench.base.task import Task
from methods.method import Classifier, Logs, Method, Parameters, Progress, Setting, Trial

FULL_VALUES = 8_000_000
"""Covariances of all classes are full up to this many values, and diagonal beyond."""


class ISDA(Method):
    """Cross-entropy of features drawn from N(a, r Σ_y), bounded from above in closed form.

        z'_c = z_c + r/2 (w_c - w_y)ᵀ Σ_y (w_c - w_y),  L = CE(z', y)
    with w the head's weights, Σ_y the running covariance of the features of class y (detached),
    and r = lambda0 · epoch / epochs. A multi-label set has, for each label l, the two-class form
        z'_l = z_l + (1 - 2 y_l) r/2 w_lᵀ Σ_ly w_l
    with Σ_ly the diagonal covariance of the features of all images whose label l is y. Labels are
    hard: BenchError otherwise.
    """

    summary = "infinitely many Gaussian offsets with each class's covariance, in closed form"
    reference = "Wang et al. 2019, Implicit Semantic Data Augmentation for Deep Networks, NeurIPS"
    zero = {"lambda0": 0.0}

    class Params(Parameters):
        """`lambda0` is the last value of the ramp r; 0.5 is the official one for CIFAR."""

        lambda0: float = Field(0.5, ge=0)

    params: Params

    @classmethod
    def space(cls, trial: Trial) -> None:
        """From a tenth of the official 0.5 (CIFAR) to above its 7.5 (ImageNet, ResNet-50)."""
        trial.suggest_float("lambda0", 0.05, 10.0, log=True)

    def __init__(self, params: Params, setting: Setting) -> None:
        super().__init__(params, setting)
        classes, width = setting.num_classes, setting.feature_dim
        multilabel = setting.task is Task.MULTILABEL
        full = not multilabel and classes * width**2 <= FULL_VALUES
        self.statistics = ClassStatistics(classes * (2 if multilabel else 1), width, full)

    def loss(
        self, model: Classifier, images: Tensor, targets: Tensor, progress: Progress
    ) -> tuple[Tensor, Logs]:
        features = model.features(images)
        logits = model.head(features)
        strength = self.params.lambda0 * progress.epoch / progress.epochs
        with torch.autocast(features.device.type, enabled=False):
            self.statistics.update(features.detach().float(), self.members(targets))
            if strength:
                weight = head_weight(model, features)
                logits = logits + strength / 2 * self.quadratic(weight, targets)
        return self.task_loss(logits, targets), {"ramp": strength}

    def illustrate(self, model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
        """Draws from the Gaussian whose expected loss is bounded, at the end of the ramp."""
        features = model.features(images)
        noise = torch.randn(features.shape, generator=self.generator, device=features.device)
        members = self.members(targets)
        roots = self.statistics.roots()
        offsets = torch.stack([noise @ root if root.ndim == 2 else noise * root for root in roots])
        shares = members / members.sum(1, keepdim=True)
        drawn: Tensor = features + self.params.lambda0**0.5 * (shares.T[..., None] * offsets).sum(0)
        return drawn

    def members(self, targets: Tensor) -> Tensor:
        """Which class each image is of, (B, C) of 0 and 1.

        For a multi-label set (B, 2 L): the images without each label, then those with it.
        """
        if self.setting.task is not Task.MULTILABEL:
            if targets.ndim != 1:
                raise BenchError("method isda: soft labels have no class; give it class numbers")
            return self.dense(targets)
        if not ((targets == 0) | (targets == 1)).all():
            raise BenchError("method isda: soft labels have no class; give it rows of 0 and 1")
        return torch.cat([1 - targets, targets], 1)

    def quadratic(self, weight: Tensor, targets: Tensor) -> Tensor:
        """What r/2 multiplies, (B, C): it depends on the class alone, so a table is looked up."""
        if self.setting.task is not Task.MULTILABEL:
            return self.statistics.spread(weight - weight[:, None])[targets]
        without, having = self.statistics.spread(weight.repeat(2, 1)[:, None]).view(2, -1)
        return torch.where(targets == 1, -having, without)


class ClassStatistics(nn.Module):
    """Running mean and covariance of the features of each class, without forgetting.

    `covariance` is (C, d, d), or (C, d) where it is diagonal; it divides by the count.
    """

    count: Tensor
    mean: Tensor
    covariance: Tensor

    def __init__(self, classes: int, width: int, full: bool) -> None:
        super().__init__()
        self.full = full
        self.register_buffer("count", torch.zeros(classes, dtype=torch.int64))
        self.register_buffer("mean", torch.zeros(classes, width))
        shape = (classes, width, width) if full else (classes, width)
        self.register_buffer("covariance", torch.zeros(shape))

    @torch.no_grad()
    def update(self, features: Tensor, members: Tensor) -> None:
        """Take in features (B, d); `members` (B, C) of 0 and 1 tells their classes.

        With n new features of a class, of mean m_b and covariance S, and N before, ω = n / (n + N):
        Σ ← (1-ω) Σ + ω S + ω (1-ω) (m - m_b)(m - m_b)ᵀ and m ← (1-ω) m + ω m_b.
        """
        new = members.sum(0)
        mean = members.T @ features / new.clamp(min=1)[:, None]
        centred = (features - mean[:, None]) * members.T[..., None]
        share = new / (new + self.count).clamp(min=1)
        each = (-1, *[1] * (self.covariance.ndim - 1))
        n, weight = new.clamp(min=1).view(each), share.view(each)
        self.covariance.lerp_(self.scatter(centred) / n, weight)
        self.covariance += weight * (1 - weight) * self.scatter((self.mean - mean)[:, None])
        self.mean.lerp_(mean, share[:, None])
        self.count += new.long()

    def scatter(self, rows: Tensor) -> Tensor:
        """The sum of r rᵀ, or of its diagonal, over the rows of each class, (C, n, d)."""
        return rows.mT @ rows if self.full else rows.square().sum(1)

    def roots(self) -> Tensor:
        """The square roots of the covariances, (C, d, d), or (C, d) of diagonal ones."""
        if not self.full:
            return self.covariance.sqrt()
        values, vectors = torch.linalg.eigh(self.covariance)
        roots: Tensor = vectors * values.clamp(min=0).sqrt()[:, None] @ vectors.mT
        return roots

    def spread(self, directions: Tensor) -> Tensor:
        """vᵀ Σ_c v for directions v (C, K, d), as (C, K)."""
        if self.full:
            return (directions @ self.covariance * directions).sum(2)
        return (directions.square() * self.covariance[:, None]).sum(2)


def head_weight(model: Classifier, features: Tensor) -> Tensor:
    """The weight (C, d) of a linear head, by its values at unit vectors and at 0."""
    units = torch.eye(features.shape[1], device=features.device)
    return (model.head(units) - model.head(torch.zeros_like(units[:1]))).T
