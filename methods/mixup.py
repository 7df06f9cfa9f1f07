"""Mixup: convex combinations of images and of their targets."""

import torch
from pydantic import Field
from torch import Tensor

from methods.method import Trial
from methods.parts.mixing import Mixing


class Mixup(Mixing):
    """x̃ = lam x + (1 - lam) x[π] and ỹ = lam y + (1 - lam) y[π].

    One lam ~ Beta(alpha, alpha) and one random permutation π a batch. Targets become float rows
    (B, C); the loss on ỹ equals lam L(z, y) + (1 - lam) L(z, y[π]), as task losses are linear in
    the target.
    """

    summary = "convex combinations of image pairs and their targets"
    reference = "Zhang et al. 2018, mixup: Beyond Empirical Risk Minimization, ICLR"

    class Params(Mixing.Params):
        """`alpha` shapes the Beta distribution of lam; `prob` is that of mixing a batch at all."""

        alpha: float = Field(0.2, gt=0)

    params: Params

    @classmethod
    def space(cls, trial: Trial) -> None:
        """`alpha` from a quarter of our default to twice the official 1.0 for CIFAR (the paper
        has 0.1 to 0.4 on ImageNet); `prob` from a third of the batches to the publication's all.
        """
        trial.suggest_float("alpha", 0.05, 2.0, log=True)
        trial.suggest_float("prob", 0.3, 1.0)

    def mix(self, images: Tensor, rows: Tensor, lam: float) -> tuple[Tensor, Tensor]:
        partner = self.permutation(images)
        return torch.lerp(images[partner], images, lam), torch.lerp(rows[partner], rows, lam)
