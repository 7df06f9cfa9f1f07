"""AILS: augmentation-invariant learning by variational offsets of the features."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from bench.base.identity import added
from methods.method import (
    Classifier,
    Logs,
    Method,
    Parameters,
    Progress,
    Setting,
    Trial,
    shares,
)
from methods.parts.ails_readings import READINGS
from methods.parts.divergence import closed_form_bound, symmetric_kl
from methods.parts.filter import Projection, SameClassCosine, longest, schedule, sphere
from methods.parts.forms import forms, parse, positive_or
from methods.parts.posterior import Gaussian, PosteriorHead

Classify = Callable[[Tensor], Tensor]
"""Features (B, d) to float32 logits (B, C)."""
STATISTIC_RANGE = (0.6, 0.95)
"""Where a threshold taken from the features may start."""


class OffsetParameters(Parameters):
    """Offsets, their filter and the losses on them: the part of AILS that nothing is learned for.

    The paper leaves much open: each switch is one of its ambiguities, A1 to A23, and defaults to
    the reading that Algorithm 1 supports best. (A17, optimiser, but for the head's decay, and A18,
    backbone, are not here.)
    """

    alpha: float = Field(0.3, ge=0)
    """α of (6): the magnitude of the offsets."""
    lam: float = Field(0.5, ge=0)
    """λ of (10): the weight of the invariance term."""
    tau_start: float = Field(0.8, ge=-1)
    """τ of (7) at the first step. A threshold above 1 accepts nothing, -1 everything."""
    tau_end: float = Field(0.6, ge=-1)
    """τ at the last step."""
    tau_schedule: Annotated[
        str,
        forms("linear", "cosine", "step(fraction)", "constant", "quantile(fraction)", "stat"),
    ] = "linear"
    """A3. quantile: accept this fraction of a batch. stat: from the running mean cosine of a class,
    clipped to 0.6..0.95, falling as linear does."""
    projection: Annotated[str, forms("none", "l2", "relu", "center", "pca(count)")] = "none"
    """A2: Π_M of (7)."""
    inv_temperature: Annotated[Literal["tau"] | float, positive_or("tau")] = 1.0
    """A4: divides both logits in the invariance term."""
    inv_pair: Literal["orig_aug", "aug_aug"] = "orig_aug"
    """A5: the two features of (9); aug_aug draws and filters a second offset."""
    inv_detach: Literal["none", "original"] = "none"
    """A6: which side of (9) passes no gradient."""
    prior_std: Annotated[Literal["feature_rms"] | float, positive_or("feature_rms")] = "feature_rms"
    """A8: the standard deviation of the prior p(δ) of (5)."""
    on_filtered: Annotated[str, forms("original", "drop", "resample(count)", "shrink")] = "original"
    """A9. original: f' = f. drop: no loss on the row. resample: so many further draws, then f' = f.
    shrink: the offset is scaled until its cosine is τ."""
    inv_label_reduction: Literal["mean", "sum"] = "mean"
    """A10: over the labels of multi-label sets."""
    offset_mode: Literal["additive", "multiplicative"] = "additive"
    """A11. multiplicative: (2), f' = f + αu ⊙ f."""
    mask: Annotated[str, forms("none", "nonzero", "bernoulli(fraction)")] = "none"
    """A11: d of (2). nonzero: where f is not 0; bernoulli: each dimension with this probability."""
    num_samples: int = Field(1, ge=1)
    """A12: offsets drawn for each image."""
    scale_in_loss: Literal["alpha", "one"] = "alpha"
    """A13: whether (8) is taken at f + αδ or, as printed, at f + δ."""
    ce_on: Literal["aug", "both"] = "aug"
    """A14. both: the mean of the losses on f' and on f."""
    ce_estimator: Literal["mc", "closed_form"] = "mc"
    """A15. closed_form: `closed_form_bound`, with no filter; for a linear classifier."""
    retraction: Literal["additive", "sphere"] = "additive"
    """A16: how δ moves f."""

    @model_validator(mode="after")
    def coherent(self) -> Self:
        closed = self.ce_estimator == "closed_form"
        thresholds = {self.tau_start, self.tau_end} if self.inv_temperature == "tau" else {1.0}
        conflicts = {
            "ce_estimator=closed_form has no filter: leave projection, tau_schedule, on_filtered": (
                closed
                and (self.projection, self.tau_schedule, self.on_filtered)
                != ("none", "linear", "original")
            ),
            "ce_estimator=closed_form needs Gaussian offsets: retraction=additive": (
                closed and self.retraction == "sphere"
            ),
            "ce_estimator=closed_form needs Gaussian offsets: mask=none or nonzero": (
                closed and self.mask.startswith("bernoulli")
            ),
            "offset_mode=multiplicative has the features for a scale: leave prior_std": (
                self.offset_mode == "multiplicative" and self.prior_std != "feature_rms"
            ),
            "inv_pair=aug_aug has no original: inv_detach=none": (
                self.inv_pair == "aug_aug" and self.inv_detach == "original"
            ),
            "inv_temperature=tau needs positive tau_start and tau_end": min(thresholds) <= 0,
            "inv_temperature=tau needs a tau_schedule that does not follow the data": (
                self.inv_temperature == "tau"
                and (closed or parse(self.tau_schedule)[0] in ("quantile", "stat"))
            ),
        }
        for conflict, present in conflicts.items():
            if present:
                raise ValueError(conflict)
        return self


@dataclass(frozen=True)
class View:
    """A filtered draw for each row: C(δ)·δ (rows, d), C(δ) itself (rows,), and τ."""

    delta: Tensor
    accepted: Tensor
    tau: float | Tensor


class AILS(Method):
    """Train the classifier on f' = f + αδ, δ ~ q(δ|f), with q learned and f' filtered.

    One step of Algorithm 1, with the numbers of the paper's equations:
        f = G(x)                                           features
        q(δ|f) = N(μ(f), Σ(f))                             (3), (4)   PosteriorHead
        f' = f + α C(δ) δ, δ = s (μ + Σ^½ ε)               (1), (6)   `view`
        C(δ) = 1{cos(Π f, Π(f + αδ)) ≥ τ}                  (7)        `accepted`
        L_CE-UB = E_q CE(g(f'), y) + β KL(q ‖ N(0, s² I))  (5), (8)
        L_inv = KL(p ‖ p') + KL(p' ‖ p)                    (9)        symmetric_kl
        L = L_CE-UB + λ L_inv                              (10)
    where s is the detached root mean square of the batch's features. (2) is `offset_mode`. G and g
    run in the caller's precision, all else in float32. Evaluation does not know of the method: the
    model is g(f).
    """

    summary = "variational offsets of the features, filtered by cosine, with an invariance loss"
    reference = (
        "Miao et al., Augmentation-Invariant Learning Strategy via Data Augmentation for Improving "
        "Model Generalization; written from the paper, as no code was released"
    )
    zero = {"alpha": 0.0}
    readings = READINGS

    class Params(OffsetParameters):
        """What is learned, beside the offsets that it is learned for."""

        beta: float = Field(1.0, ge=0)
        """β of (8): the weight of the KL term."""
        kl_reduction: Literal["mean", "sum"] = "mean"
        """A7: over the latent dimensions; with sum and β = 1, (8) is the exact negative ELBO."""
        sigma: Annotated[str, forms("diag", "isotropic", "lowrank(count)")] = "diag"
        """A1: the covariance of (4)."""
        num_directions: int | None = Field(None, ge=1)
        """A12: K of (3), δ = V z with V learned; by default each dimension is a direction."""
        head_input_detach: bool = False
        """A19: whether the head passes no gradient to the backbone."""
        head: Literal["mlp", "linear", "bsda_like"] = "mlp"
        """A23: the network of μ and Σ."""
        head_init: Literal["prior", "default"] = "prior"
        """A23. prior: q starts at p."""
        head_hidden: int | None = Field(None, ge=1)
        """A23: the width of the MLP; by default that of the features, 512 at most."""
        head_decay: bool = added(True)
        """A17: whether weight decay covers the head, which pulls q to the prior as β does."""

    params: Params

    @classmethod
    def space(cls, trial: Trial) -> None:
        """`offset_space`, and `beta` over the paper's grid (0.1 to 2) and below it, where q leaves
        the prior.
        """
        offset_space(trial)
        trial.suggest_float("beta", 1e-3, 2.0, log=True)

    def __init__(self, params: Params, setting: Setting) -> None:
        super().__init__(params, setting)
        width = setting.feature_dim
        self.posterior = self.make_posterior()
        self.directions = None
        if count := params.num_directions:
            self.directions = nn.Parameter(torch.randn(width, count) / count**0.5)
        self.projection = Projection(params.projection, width)
        if params.tau_schedule == "stat":
            self.same_class = SameClassCosine(params.tau_start)
        self.move = sphere if params.retraction == "sphere" else torch.add

    def make_posterior(self) -> nn.Module:
        """The module that gives q(δ|f) as a Gaussian."""
        p, width = self.params, self.setting.feature_dim
        return PosteriorHead(
            width,
            p.num_directions or width,
            p.sigma,
            p.head,
            p.head_init,
            p.head_hidden,
            p.head_input_detach,
        )

    def loss(
        self, model: Classifier, images: Tensor, targets: Tensor, progress: Progress
    ) -> tuple[Tensor, Logs]:
        features = model.features(images)
        device = features.device.type
        dtype, enabled = torch.get_autocast_dtype(device), torch.is_autocast_enabled(device)
        caller = torch.autocast(device, dtype, enabled)

        def classify(f: Tensor) -> Tensor:
            with caller:
                return model.head(f).float()

        with torch.autocast(device, enabled=False):
            return self.hybrid_loss(classify, features.float(), targets, progress)

    def hybrid_loss(
        self, classify: Classify, f: Tensor, targets: Tensor, progress: Progress
    ) -> tuple[Tensor, Logs]:
        """AiHLoss (10) of features (B, d), and what to log of it."""
        p = self.params
        self.observe(f.detach(), targets)
        q: Gaussian = self.posterior(f)
        rows, labels = f.repeat(p.num_samples, 1), torch.cat([targets] * p.num_samples)
        view = self.view(rows, q, progress)
        augmented = self.move(rows, p.alpha * view.delta)
        z, z_aug = classify(f), classify(augmented)

        if p.ce_estimator == "closed_form":
            ce = self.bound(classify, f, q, targets)
        elif p.scale_in_loss == "one":
            ce = self.cross_entropy(classify(self.move(rows, view.delta)), labels, view.accepted)
        else:
            ce = self.cross_entropy(z_aug, labels, view.accepted)
        if p.ce_on == "both":
            ce = (ce + self.task_loss(z, targets)) / 2

        kl_sum = q.kl().mean()
        kl_dim = kl_sum / q.mean.shape[1]
        beta_kl = p.beta * (kl_dim if p.kl_reduction == "mean" else kl_sum)

        if p.inv_pair == "aug_aug":
            other = self.view(rows, q, progress)
            z_other = classify(self.move(rows, p.alpha * other.delta))
            inv = self.invariance(z_other, z_aug, view.tau, view.accepted * other.accepted)
        else:
            z = z.detach() if p.inv_detach == "original" else z
            inv = self.invariance(z.repeat(p.num_samples, 1), z_aug, view.tau, view.accepted)

        terms = {"ce": ce, "kl_dim": kl_dim, "kl_sum": kl_sum, "beta_kl": beta_kl, "inv": inv}
        logs = {name: term.detach() for name, term in terms.items()}
        return ce + beta_kl + p.lam * inv, logs | self.statistics(rows, augmented, q, view)

    def undecayed(self) -> Iterable[nn.Parameter]:
        return () if self.params.head_decay else self.posterior.parameters()

    def illustrate(self, model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
        f = model.features(images)
        q: Gaussian = self.posterior(f)
        rows = f.repeat(self.params.num_samples, 1)
        moved = self.move(rows, self.params.alpha * self.view(rows, q, Progress(0, 1, 0, 1)).delta)
        return moved[: len(f)]

    def observe(self, f: Tensor, targets: Tensor) -> None:
        """Let the running statistics of projection and threshold follow the features."""
        self.projection.update(f)
        if self.params.tau_schedule == "stat":
            self.same_class.update(self.projection(f), targets)

    def view(self, f: Tensor, q: Gaussian, progress: Progress) -> View:
        """Draw δ ~ q for each row and filter it, (7)."""
        filtered, redraws = parse(self.params.on_filtered)
        delta = self.draw(f, q)
        cosine = self.cosine(f, delta)
        tau = self.threshold(cosine, progress)
        for _ in range(int(redraws) if filtered == "resample" else 0):
            delta = torch.where((cosine >= tau)[:, None], delta, self.draw(f, q))
            cosine = self.cosine(f, delta)
        accepted = cosine >= tau
        factor = accepted[:, None].float()
        if filtered == "shrink":
            border = longest(lambda factor: self.cosine(f, factor * delta) >= tau, f)
            factor = torch.where(accepted[:, None], factor, border)
        return View(factor * delta, accepted.float(), tau)

    def draw(self, f: Tensor, q: Gaussian) -> Tensor:
        """Offsets δ = gain ⊙ u, or gain ⊙ V u, with u ~ q in units of the prior."""
        u = q.sample(self.params.num_samples, self.generator)
        delta = self.gain(f) * (u if self.directions is None else u @ self.directions.mT)
        mask, probability = parse(self.params.mask)
        if mask == "bernoulli":
            chance = torch.rand(f.shape, generator=self.generator, device=f.device)
            delta = delta * (chance < probability)
        return delta

    def gain(self, f: Tensor) -> Tensor:
        """What a unit of the prior is in feature space, (rows, d)."""
        p = self.params
        if p.offset_mode == "multiplicative":
            gain = f
        elif p.prior_std == "feature_rms":
            gain = rms(f.detach()).expand_as(f)
        else:
            gain = torch.full_like(f, p.prior_std)
        return gain * (f != 0) if p.mask == "nonzero" else gain

    @torch.no_grad()
    def cosine(self, f: Tensor, delta: Tensor) -> Tensor:
        """cos(Π f, Π f'), (rows,), without gradient; 0 where either is zero."""
        moved = self.move(f, self.params.alpha * delta)
        return F.cosine_similarity(self.projection(f), self.projection(moved)).clamp(-1, 1)

    def threshold(self, cosine: Tensor, progress: Progress) -> float | Tensor:
        """τ of this step; -1, which accepts all, where the loss is in closed form."""
        p = self.params
        form, keep = parse(p.tau_schedule)
        if p.ce_estimator == "closed_form":
            return -1.0
        if form == "quantile":
            return torch.quantile(cosine, 1 - keep)
        if form == "stat":
            start = self.same_class.value.clamp(*STATISTIC_RANGE)
            return start - progress.fraction * (p.tau_start - p.tau_end)
        return schedule(p.tau_schedule, p.tau_start, p.tau_end, progress.fraction)

    def cross_entropy(self, logits: Tensor, labels: Tensor, accepted: Tensor) -> Tensor:
        """The task loss, of the accepted rows alone where filtered ones are dropped."""
        if self.params.on_filtered == "drop":
            return self.average(self.task_loss(logits, labels, "none"), accepted)
        return self.task_loss(logits, labels)

    def invariance(self, a: Tensor, b: Tensor, tau: float | Tensor, accepted: Tensor) -> Tensor:
        """L_inv (9)."""
        p = self.params
        temperature = tau if p.inv_temperature == "tau" else p.inv_temperature
        a, b = a / temperature, b / temperature
        return self.average(symmetric_kl(a, b, self.setting.task, p.inv_label_reduction), accepted)

    def average(self, rows: Tensor, accepted: Tensor) -> Tensor:
        if self.params.on_filtered == "drop":
            return (rows * accepted).sum() / accepted.sum().clamp(min=1)
        return rows.mean()

    def bound(self, classify: Classify, f: Tensor, q: Gaussian, targets: Tensor) -> Tensor:
        """Closed-form bound on E_q CE: logits of Gaussian offsets are Gaussian if g is affine.

        The weights of g are had by applying it to the unit vectors.
        """
        gain = self.gain(f) * (self.params.alpha if self.params.scale_in_loss == "alpha" else 1)
        unit = torch.eye(f.shape[1], device=f.device)
        weights = (classify(unit) - classify(torch.zeros_like(unit[:1]))).mT * gain[:, None]
        if self.directions is None:
            mean = classify(f + gain * q.mean)
        else:
            mean = classify(f + gain * (q.mean @ self.directions.mT))
            weights = weights @ self.directions
        of = self.setting
        counted = shares(self.dense(targets), of.task, of.weights, of.label_smoothing)
        return closed_form_bound(mean, q.covariance(weights), counted, of.task).mean()

    @torch.no_grad()
    def statistics(self, f: Tensor, augmented: Tensor, q: Gaussian, view: View) -> Logs:
        """A20, A21: how far features move, and what the posterior has become."""
        offsets = augmented - f
        distance = offsets.norm(dim=1)
        scale = rms(f)
        return {
            "tau": view.tau,
            "accept_rate": view.accepted.mean(),
            "fdi": distance.mean(),
            "fdi_accepted": (distance * view.accepted).sum() / view.accepted.sum().clamp(min=1),
            "fdi_rel": distance.mean() / (scale * f.shape[1] ** 0.5).clamp(min=1e-12),
            "post_var": q.variance().mean(),
            "offset_var": offsets.var(correction=0),
            "aug_feature_var": augmented.var(0, correction=0).mean(),
            "mu_rms": rms(q.mean),
            "feature_rms": scale,
        }


def offset_space(trial: Trial) -> None:
    """`alpha` over the paper's grid (0.1 to 0.7) and `lam` around its 0.5; τ around its 0.8 early
    and 0.6 late, falling; the prior (A8) and the draws (A12) as its readings have them.
    """
    trial.suggest_float("alpha", 0.05, 0.7)
    trial.suggest_float("lam", 0.0, 1.0)
    trial.suggest_float("tau_start", 0.7, 0.95)
    trial.suggest_float("tau_end", 0.5, 0.7)
    trial.suggest_categorical("num_samples", (1, 2, 4))
    trial.suggest_categorical("prior_std", ("feature_rms", 0.3, 1.0))


def rms(values: Tensor) -> Tensor:
    """The root mean square of all elements."""
    return values.square().mean().sqrt()
