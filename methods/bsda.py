"""BSDA: Bayesian random semantic data augmentation."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from methods.method import Classifier, Logs, Method, Parameters, Progress, Setting, Trial

OFFICIAL_BATCH = 128
"""The batch size of the official runs, whose KL is a sum over the batch."""


class BSDA(Method):
    """Offsets of learned, feature-dependent variance along random semantic directions.

    With features a (B, d), an encoder E and a decoder D, `draws` times for each row:
        m = exp(E(a)/2) ⊙ ε
        ã = a + dropout(m) ⊙ 1{a ≠ 0}
        L_kl = KL(N(0, exp E(a)) ‖ N(0, I))
        L_rec = ½ mean (a - D(m))²
        L_bsda = CE(g(ã), y) + kl_weight L_kl + rec_weight L_rec
        L = CE(g(a), y) + r L_bsda
    where r rises linearly over the first half of the epochs, from 0 to `weight`.
    The encoder's BatchNorm needs two rows: a batch of one has the plain loss only.
    """

    summary = "learned Gaussian offsets along random semantic directions of the features"
    reference = "Zhu et al. 2024, BSDA, Sensors 24(23):7511; its official code is the authority"
    zero = {"weight": 0.0}

    class Params(Parameters):
        """Defaults of the official code and its documented command."""

        drop: float = Field(0.8, ge=0, le=1)
        """λ: the probability that a direction is dropped."""
        draws: int = Field(10, ge=1)
        """M: augmented features of each image."""
        weight: float = Field(0.5, ge=0)
        """α: the last value of the ramp r."""
        kl_weight: float = Field(8e-4 * OFFICIAL_BATCH, ge=0)
        """For the KL of one image, summed over dimensions; the official 8e-4 at its batch."""
        rec_weight: float = Field(1.0, ge=0)
        rescale: bool = True
        """Divide what is kept by 1 - λ, as dropout does."""
        kl_mode: Literal["mean", "official_sum"] = "mean"
        """Over the batch; the official sum grows with the batch and equals the mean at 128."""
        use_ori: bool = True
        """False: L_bsda alone, without the ramp."""
        decoder_out: Literal["gelu", "linear"] = "gelu"
        """The decoder's last activation; with GELU it cannot rebuild clearly negative features."""

    params: Params

    @classmethod
    def space(cls, trial: Trial) -> None:
        """Around the official code's values: λ 0.8, M 10, α 0.5, and its weights of KL and
        reconstruction by a decade or more.
        """
        trial.suggest_float("drop", 0.5, 0.95)
        trial.suggest_categorical("draws", (1, 2, 5, 10))
        trial.suggest_float("weight", 0.1, 1.0)
        trial.suggest_float("kl_weight", 1e-3, 1.0, log=True)
        trial.suggest_float("rec_weight", 0.1, 10.0, log=True)

    def __init__(self, params: Params, setting: Setting) -> None:
        super().__init__(params, setting)
        width = setting.feature_dim
        self.encoder = nn.Sequential(*two_layers(width), nn.Linear(width, width))
        decoder = two_layers(width)
        self.decoder = nn.Sequential(*(decoder if params.decoder_out == "gelu" else decoder[:-1]))

    def loss(
        self, model: Classifier, images: Tensor, targets: Tensor, progress: Progress
    ) -> tuple[Tensor, Logs]:
        features = model.features(images)
        original = self.task_loss(model.head(features), targets)
        weight = ramp(progress, self.params.weight) if self.params.use_ori else 1.0
        logs: Logs = {"ce": original.detach(), "ramp": weight, "aug": 0.0, "kl": 0.0, "rec": 0.0}
        if weight == 0 or len(features) < 2:
            return original, logs
        terms = self.terms(model, features, targets)
        logs |= {name: term.detach() for name, term in terms.items()}
        bsda = (
            terms["aug"]
            + self.params.kl_weight * terms["kl"]
            + self.params.rec_weight * terms["rec"]
        )
        return original + weight * bsda if self.params.use_ori else bsda, logs

    def terms(self, model: Classifier, features: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The three terms of L_bsda, unweighted."""
        draws = self.params.draws
        shape = (draws, *features.shape)
        log_var = self.encoder(features).float()
        noise = torch.randn(shape, generator=self.generator, device=features.device)
        offsets = (log_var / 2).exp() * noise
        augmented = features + self.dropped(offsets) * (features != 0)
        rebuilt = self.decoder(offsets.flatten(0, 1)).view(shape).float()
        kl = (log_var.exp() - 1 - log_var).sum(1) / 2
        return {
            "aug": self.task_loss(
                model.head(augmented.flatten(0, 1)), torch.cat([targets] * draws)
            ),
            "kl": kl.mean() if self.params.kl_mode == "mean" else kl.sum() / OFFICIAL_BATCH,
            "rec": (features - rebuilt).square().mean() / 2,
        }

    def illustrate(self, model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
        features = model.features(images)
        spread = (self.encoder(features) / 2).exp()
        noise = torch.randn(spread.shape, generator=self.generator, device=spread.device)
        return features + self.dropped(spread * noise) * (features != 0)

    def dropped(self, offsets: Tensor) -> Tensor:
        """Offsets with a fraction `drop` set to zero, the others divided by 1 - drop."""
        kept = 1 - self.params.drop
        mask = torch.empty_like(offsets).bernoulli_(kept, generator=self.generator)
        return offsets * (mask / kept if self.params.rescale and kept else mask)


def ramp(progress: Progress, weight: float) -> float:
    """0 in the first epoch, rising linearly to `weight` at half of the epochs."""
    return weight * min(1.0, progress.epoch / max(1, progress.epochs // 2))


def two_layers(width: int) -> list[nn.Module]:
    """Twice Linear, BatchNorm, GELU: the encoder's trunk, and the decoder."""
    return [
        layer
        for _ in range(2)
        for layer in (nn.Linear(width, width), nn.BatchNorm1d(width), nn.GELU())
    ]
