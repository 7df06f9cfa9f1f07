"""Divergences between predictions, equations (8) and (9) of AILS."""

import torch.nn.functional as F
from torch import Tensor

from bench.base.task import Task


def symmetric_kl(a: Tensor, b: Tensor, task: Task, label_reduction: str = "mean") -> Tensor:
    """KL(p1‖p2) + KL(p2‖p1) of logits (B, C), row by row, (B,).

    Multi-label sets: of the Bernoulli variables of the labels, their "mean" or "sum".
    """
    if task is Task.MULTILABEL:
        labels = (a.sigmoid() - b.sigmoid()) * (a - b)
        return labels.mean(1) if label_reduction == "mean" else labels.sum(1)
    log_a, log_b = a.log_softmax(1), b.log_softmax(1)
    return ((log_a.exp() - log_b.exp()) * (log_a - log_b)).sum(1)


def closed_form_bound(
    mean: Tensor, covariance: Tensor, shares: tuple[Tensor, Tensor], task: Task
) -> Tensor:
    """Upper bound (B,) of the expected task loss of Gaussian logits, by Jensen's inequality.

    With logits z ~ N(mean (B, C), covariance (B, C, C)) and the `shares` of the targets (B, C):
    E log Σ_c exp(z_c - z_k) ≤ log Σ_c exp(E[z_c - z_k] + ½ Var[z_c - z_k]) for the class k, and
    E log(1 + e^-m) ≤ log(1 + exp(-E m + ½ Var m)) for the signed logit m of a label.
    """
    present, absent = shares
    variance = covariance.diagonal(dim1=1, dim2=2)
    if task is Task.MULTILABEL:
        positive, negative = F.softplus(variance / 2 - mean), F.softplus(variance / 2 + mean)
        return (present * positive + absent * negative).mean(1)
    gaps = mean[:, None, :] - mean[:, :, None]
    spread = variance[:, None, :] + variance[:, :, None] - 2 * covariance
    return (present * (gaps + spread / 2).logsumexp(2)).sum(1)
