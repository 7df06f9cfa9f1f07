"""Mixup: convex combinations of images and of their targets."""

import torch
from pydantic import Field
from torch import Tensor

from methods.method import Method, Parameters


class Mixup(Method):
    """x̃ = lam x + (1 - lam) x[π] and ỹ = lam y + (1 - lam) y[π].

    One lam ~ Beta(alpha, alpha) and one random permutation π a batch. Targets become float rows
    (B, C); the loss on ỹ equals lam L(z, y) + (1 - lam) L(z, y[π]), as task losses are linear in
    the target.
    """

    summary = "convex combinations of image pairs and their targets"
    reference = "Zhang et al. 2018, mixup: Beyond Empirical Risk Minimization, ICLR"
    zero = {"prob": 0.0}

    class Params(Parameters):
        """`alpha` shapes the Beta distribution of lam; `prob` is that of mixing a batch at all."""

        alpha: float = Field(0.2, gt=0)
        prob: float = Field(1.0, ge=0, le=1)

    params: Params

    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        if self.rng.random() >= self.params.prob:
            return images, targets
        lam = self.rng.beta(self.params.alpha, self.params.alpha)
        partner = torch.randperm(len(images), generator=self.generator, device=images.device)
        rows = self.dense(targets)
        return torch.lerp(images[partner], images, lam), torch.lerp(rows[partner], rows, lam)
