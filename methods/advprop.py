"""AdvProp: adversarial images as further training images, with a BatchNorm of their own."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from bench.base.errors import BenchError
from bench.base.task import Task
from methods.method import C, Classifier, Logs, Method, Parameters, Progress, Trial
from methods.parts.dual_batchnorm import in_state, split


class AdvProp(Method):
    """Train on each image and on an adversarial copy of it, in one pass.

        L = (L(x; main) + w L(x_adv; aux)) / (1 + w)
    with w = `adv_weight`; main and aux are two sets of BatchNorm layers, all other weights are
    shared. Evaluation uses main only. x_adv is made by L∞ PGD: n times
        x ← clip(x + step_size · sign ∇ₓ L(x; aux))
    into [0, 1] and into ±epsilon around the image. It is untargeted, and goes by the running
    statistics of aux, as in evaluation, without changing them. A step passes n + 2 batches.
    The publication's attack on its large networks is epsilon = 4/255 with steps = 5.
    """

    summary = "adversarial copies of the images, normalised by BatchNorm layers of their own"
    reference = "Xie et al. 2020, Adversarial Examples Improve Image Recognition, CVPR"
    zero = {"epsilon": 0.0, "adv_weight": 0.0}

    class Params(Parameters):
        """`epsilon` and `step_size` count in images of range [0, 1]."""

        epsilon: float = Field(1 / 255, ge=0, le=1)
        steps: int = Field(1, ge=1)
        step_size: float = Field(1 / 255, gt=0)
        random_start: bool = True
        """Start uniformly in ±epsilon, not at the image."""
        adv_weight: float = Field(1.0, ge=0)
        targeted: bool = False
        """Descend towards another class instead, as common PyTorch code does."""
        loss_reduction: Literal["mean", "sum"] = "mean"
        """sum: L is not divided by 1 + w, as in the publication."""
        allow_no_bn: bool = False
        """Train a backbone without BatchNorm on both kinds of images, with nothing to split."""

    params: Params

    @classmethod
    def space(cls, trial: Trial) -> None:
        """ε and steps of the publication, 1/255 to 4/255 and 1 to 5; the weight up to its 1."""
        trial.suggest_categorical("epsilon", tuple(n / 255 for n in (1, 2, 3, 4)))
        trial.suggest_categorical("steps", (1, 3, 5))
        trial.suggest_float("adv_weight", 0.25, 1.0)

    def adapt(self, model: C) -> C:
        """Split the model's BatchNorm layers; raises BenchError where it has none.

        The record tells how many it had: with 0, this is plain adversarial co-training.
        """
        self.facts["dual_batchnorm_layers"] = split(model)
        if not self.facts["dual_batchnorm_layers"] and not self.params.allow_no_bn:
            raise BenchError(
                "method advprop: this backbone has no BatchNorm to split; take another backbone, "
                "or set advprop's allow_no_bn=true for plain adversarial co-training"
            )
        return model

    def loss(
        self, model: Classifier, images: Tensor, targets: Tensor, progress: Progress
    ) -> tuple[Tensor, Logs]:
        weight = self.params.adv_weight
        if weight == 0:
            return super().loss(model, images, targets, progress)
        adversarial = self.attack(model, images, targets)
        with in_state(model, "mix"):
            clean_logits, adv_logits = model(torch.cat([images, adversarial])).chunk(2)
        clean, adv = self.task_loss(clean_logits, targets), self.task_loss(adv_logits, targets)
        total = clean + weight * adv
        if self.params.loss_reduction == "mean":
            total = total / (1 + weight)
        return total, {"clean": clean.detach(), "adv": adv.detach()}

    def attack(self, model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
        """Adversarial copies of the images; of the model nothing changes, no gradient is left."""
        epsilon = self.params.epsilon
        goal = self.another_class(targets) if self.params.targeted else targets
        step = -self.params.step_size if self.params.targeted else self.params.step_size
        lowest, highest = (images - epsilon).clamp(min=0), (images + epsilon).clamp(max=1)
        moved = images
        if self.params.random_start:
            chance = torch.rand(images.shape, generator=self.generator, device=images.device)
            moved = (images + epsilon * (2 * chance - 1)).clamp(lowest, highest)
        training = model.training
        model.eval()
        with in_state(model, "adv"):
            for _ in range(self.params.steps):
                moved = moved.detach().requires_grad_()
                (slope,) = torch.autograd.grad(self.task_loss(model(moved), goal), moved)
                moved = (moved + step * slope.sign()).clamp(lowest, highest)
        model.train(training)
        return moved.detach()

    def illustrate(self, model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
        return self.attack(model, images, targets)

    def another_class(self, targets: Tensor) -> Tensor:
        """Rows of a uniformly drawn other class for each image; of multi-label rows 1 - y."""
        rows = self.dense(targets)
        if self.setting.task is Task.MULTILABEL:
            return 1 - rows
        classes = rows.shape[1]
        shift = torch.randint(
            1, classes, (len(rows), 1), generator=self.generator, device=rows.device
        )
        return rows.gather(1, (torch.arange(classes, device=rows.device) - shift) % classes)
