"""What mixup, CutMix and FMix share: when a batch is mixed, how much, and with what."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from pydantic import Field
from torch import Tensor

from methods.method import Method, Parameters


class Mixing(Method, ABC):
    """Mix a batch with itself in another order, with one lam ~ Beta(alpha, alpha) for all rows."""

    zero = {"prob": 0.0}

    class Params(Parameters):
        """`alpha` shapes the Beta distribution of lam; `prob` is that of mixing a batch at all."""

        alpha: float = Field(1.0, gt=0)
        prob: float = Field(1.0, ge=0, le=1)

    params: Any

    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        if self.rng.random() >= self.params.prob:
            return images, targets
        lam = self.rng.beta(self.params.alpha, self.params.alpha)
        return self.mix(images, self.dense(targets), lam)

    @abstractmethod
    def mix(self, images: Tensor, rows: Tensor, lam: float) -> tuple[Tensor, Tensor]:
        """Mixed images and target rows (B, C); lam is the share of a row's own image."""

    def permutation(self, images: Tensor) -> Tensor:
        """π (B,): which row each is mixed with."""
        return torch.randperm(len(images), generator=self.generator, device=images.device)
