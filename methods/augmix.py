"""AugMix: a mixture of chains of operations, and agreement between such views."""

import math

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from bench.base.task import Task
from methods.method import Classifier, Logs, Method, Parameters, Progress, Trial
from methods.parts.auto_augment import BLENDS, Space, operation_space, transform

BINS = 10
VIEWS = 3


class AugMix(Method):
    """x̃ = (1 - m) x + m Σ_k w_k chain_k(x), drawn for each image.

    m ~ Beta(alpha, alpha), w ~ Dirichlet(alpha, ..., alpha) of `width` chains, each of `depth`
    operations of the first `severity` of ten strengths. Interpolation is bilinear; outside is
    black. "Color" leaves gray images as they are.
    With `jsd` a batch becomes its images and two such views of them, and
        L = L(z, y) + 12 JSD(p(z), p(z'), p(z''))
    with the targets' own loss on the images alone; three backbone passes.
    """

    summary = "mixtures of chains of operations; optionally agreement between views"
    reference = "Hendrycks et al. 2020, AugMix, ICLR; torchvision's AugMix"
    zero = {"severity": 0}

    class Params(Parameters):
        """Defaults of torchvision; `jsd` is off, as MedAugment's authors ran it."""

        severity: int = Field(3, ge=0, le=BINS)
        """0 leaves the images as they are."""
        width: int = Field(3, ge=1)
        depth: int = Field(-1, ge=-1)
        """Below 1: one to three, drawn for each chain."""
        alpha: float = Field(1.0, gt=0)
        all_ops: bool = True
        """False: without brightness, color, contrast and sharpness."""
        jsd: bool = False
        jsd_weight: float = Field(12.0, ge=0)

    params: Params

    @classmethod
    def space(cls, trial: Trial) -> None:
        """Around torchvision's and the publication's severity 3 and width 3."""
        trial.suggest_int("severity", 1, 5)
        trial.suggest_int("width", 1, 4)

    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        if not self.params.jsd:
            return self.mix(images), targets
        views = torch.cat([images, *(self.mix(images) for _ in range(VIEWS - 1))])
        return views, torch.cat([targets] * VIEWS)

    def loss(
        self, model: Classifier, images: Tensor, targets: Tensor, progress: Progress
    ) -> tuple[Tensor, Logs]:
        if not self.params.jsd:
            return super().loss(model, images, targets, progress)
        views = torch.stack(model(images).float().chunk(VIEWS))
        loss = self.task_loss(views[0], targets[: views.shape[1]])
        divergence = jensen_shannon(views, self.setting.task)
        logs: Logs = {"ce": loss.detach(), "jsd": divergence.detach()}
        return loss + self.params.jsd_weight * divergence, logs

    def mix(self, images: Tensor) -> Tensor:
        """One view of each image."""
        if self.params.severity == 0:
            return images
        count, width, alpha = len(images), self.params.width, self.params.alpha
        share = self.rng.beta(alpha, alpha, (count, 1))
        weights = np.hstack([1 - share, share * self.rng.dirichlet([alpha] * width, count)])
        parts = torch.stack([images, *self.chains(images).chunk(width)], 1)
        shares = torch.from_numpy(weights).to(parts, non_blocking=True)
        return torch.einsum("bk,bkchw->bchw", shares, parts).clamp(0, 1)

    def chains(self, images: Tensor) -> Tensor:
        """Images after each of the chains, (width · B, C, H, W), chain by chain."""
        images = images.repeat(self.params.width, 1, 1, 1)
        space = mixed_space(images.shape[2], images.shape[3], self.params.all_ops)
        depths = self.depths(len(images))
        for step in range(int(depths.max())):
            rows = (depths > step).nonzero().squeeze(1)
            levels = self.integers(0, self.params.severity, len(rows)) / (BINS - 1)
            images[rows] = transform(images[rows], space, levels, "bilinear", self.generator)
        return images

    def depths(self, count: int) -> Tensor:
        """How many operations each chain has."""
        if self.params.depth < 1:
            return self.integers(1, 4, count)
        return torch.full((count,), self.params.depth, device=self.generator.device)

    def integers(self, low: int, high: int, count: int) -> Tensor:
        """Uniform, `high` excluded."""
        device = self.generator.device
        return torch.randint(low, high, (count,), generator=self.generator, device=device)


def mixed_space(height: int, width: int, all_ops: bool) -> Space:
    """AugMix's operations for images of this size; it has no identity."""
    space = operation_space(
        shear=0.3, shift=(width / 3, height / 3), degrees=30, blend=0.9, bits=(4, 0)
    )
    left_out = {"Identity"} if all_ops else {"Identity", *BLENDS}
    return {name: strength for name, strength in space.items() if name not in left_out}


def jensen_shannon(views: Tensor, task: Task) -> Tensor:
    """Mean KL divergence of each view from the mixture of all, in nats, over the batch.

    Of logits (V, B, C); 0 if all views are equal, at most ln V. Multi-label sets: of the Bernoulli
    variable of each label, averaged over the labels.
    """
    if task is Task.MULTILABEL:
        views = torch.stack([views, torch.zeros_like(views)], -1)
    logs = views.log_softmax(-1)
    mixture = logs.logsumexp(0) - math.log(len(views))
    return (logs.exp() * (logs - mixture)).sum(-1).mean()
