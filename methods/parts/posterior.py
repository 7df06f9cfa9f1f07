"""The variational posterior q(δ|f) of AILS, and its divergence from the prior."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from methods.bsda import two_layers
from methods.parts.forms import parse

LOG_VARIANCES = (-8.0, 4.0)
"""Log-variances are clamped to this range."""


@dataclass(frozen=True)
class Gaussian:
    """N(mean, diag(exp(log_var)) + factor factorᵀ) for each row, in units of the prior's std.

    `mean` and `log_var` are (B, K); `factor` is (B, K, r), or None for a diagonal covariance.
    """

    mean: Tensor
    log_var: Tensor
    factor: Tensor | None = None

    def sample(self, draws: int, generator: torch.Generator) -> Tensor:
        """Reparameterised draws (draws · B, K): the whole batch, `draws` times."""
        noise = torch.randn((draws, *self.mean.shape), generator=generator, device=self.mean.device)
        samples = self.mean + (self.log_var / 2).exp() * noise
        if self.factor is not None:
            batch, _, rank = self.factor.shape
            noise = torch.randn((draws, batch, rank), generator=generator, device=noise.device)
            samples = samples + torch.einsum("bkr,mbr->mbk", self.factor, noise)
        return samples.flatten(0, 1)

    def covariance(self, weights: Tensor) -> Tensor:
        """Covariance (B, C, C) of the C linear forms `weights` (B, C, K) of a sample."""
        covariance = (weights * self.log_var.exp()[:, None]) @ weights.mT
        if self.factor is not None:
            loadings = weights @ self.factor
            covariance = covariance + loadings @ loadings.mT
        return covariance

    def variance(self) -> Tensor:
        """The variance (B, K) of each coordinate."""
        variance = self.log_var.exp()
        return variance if self.factor is None else variance + self.factor.square().sum(2)

    def kl(self) -> Tensor:
        """`kl_to_prior` of each row, (B,)."""
        return kl_to_prior(self.mean, self.log_var, self.factor)


def kl_to_prior(mean: Tensor, log_var: Tensor, factor: Tensor | None = None) -> Tensor:
    """KL(N(mean, diag(exp(log_var)) + factor factorᵀ) ‖ N(0, I)) of each row, summed over K.

    Without factor Σ ½(μ² + e^ℓ - 1 - ℓ). As the divergence does not depend on the unit, it is also
    that of δ = s·u from N(0, s² I).
    """
    kl = (mean.square() + log_var.expm1() - log_var).sum(1) / 2
    if factor is None:
        return kl
    scaled = factor * (-log_var / 2).exp()[:, :, None]
    inner = torch.eye(factor.shape[2], device=factor.device) + scaled.mT @ scaled
    return kl + factor.square().sum((1, 2)) / 2 - torch.logdet(inner) / 2


class PosteriorHead(nn.Module):
    """ManifoldHead of Algorithm 1: features (B, d) to a Gaussian over K latent directions.

    `sigma`: "diag", "isotropic" (one variance a row) or "lowrank(r)" (diagonal and r factors).
    `head`: the trunk before the last, linear layer: "mlp" (Linear, LayerNorm, GELU), "linear"
    (none) or "bsda_like" (BSDA's, whose BatchNorm needs B ≥ 2). With `init` "prior" the last layer
    starts at zero, so that q equals the prior.
    """

    def __init__(
        self,
        width: int,
        directions: int,
        sigma: str = "diag",
        head: Literal["mlp", "linear", "bsda_like"] = "mlp",
        init: Literal["prior", "default"] = "prior",
        hidden: int | None = None,
        detach: bool = False,
    ) -> None:
        super().__init__()
        form, rank = parse(sigma)
        self.rank = int(rank) if form == "lowrank" else 0
        self.directions = directions
        self.detach = detach
        hidden = (hidden or min(width, 512)) if head == "mlp" else width
        self.trunk = nn.Sequential(*trunk(head, width, hidden))
        self.sizes = [directions, 1 if form == "isotropic" else directions, directions * self.rank]
        self.out = nn.Linear(hidden, sum(self.sizes))
        if init == "prior":
            nn.init.zeros_(self.out.weight)
            nn.init.zeros_(self.out.bias)

    def forward(self, features: Tensor) -> Gaussian:
        hidden = self.trunk(features.detach() if self.detach else features)
        mean, log_var, factor = self.out(hidden).split(self.sizes, dim=1)
        return Gaussian(
            mean,
            log_var.clamp(*LOG_VARIANCES).expand_as(mean),
            factor.unflatten(1, (self.directions, self.rank)) if self.rank else None,
        )


def trunk(head: str, width: int, hidden: int) -> list[nn.Module]:
    """The layers of a PosteriorHead before its last."""
    if head == "mlp":
        return [nn.Linear(width, hidden), nn.LayerNorm(hidden), nn.GELU()]
    return two_layers(width) if head == "bsda_like" else []


class Prior(nn.Module):
    """The head of nothing learned: q = N(0, I) for every row."""

    def forward(self, features: Tensor) -> Gaussian:
        zeros = torch.zeros_like(features)
        return Gaussian(zeros, zeros)
