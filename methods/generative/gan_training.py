"""Training and sampling of the class-conditional StyleGAN2 with adaptive augmentation.

Written from the two papers that `stylegan2` names. Images are (B, C, R, R) in [-1, 1]; conditions
are the rows of `pixels.condition_rows`.
"""

import copy
import math
from typing import Any, Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from bench.base.errors import BenchError
from bench.base.split import Split
from bench.base.task import Task
from methods.generative.ada import Controller, Pipeline
from methods.generative.pixels import condition_rows, framed, unframed
from methods.generative.stylegan2 import Discriminator, Generator, resolution, widths
from methods.method import Parameters, Setting

R1_INTERVAL, PATH_INTERVAL = 16, 4
"""Steps between regularisations (of D, of G), which then count so many times."""
PATH_WEIGHT, PATH_DECAY, MIXING = 2.0, 0.01, 0.9
"""Path length regularisation and style mixing; both only from SMALLEST_REGULARISED px on."""
SMALLEST_REGULARISED = 64
EMA_RAMP = 0.05
"""The half-life of the average is at most this share of the images seen."""


class GANParameters(Parameters):
    """Networks, training, pipeline and sampling.

    Training follows the published CIFAR preset, with networks of a fifth of its size.
    """

    channels: tuple[int, ...] = Field((256, 256, 256, 128), min_length=1)
    """Of the maps of 4, 8, 16, ... px; beyond the list its last is halved at each level."""
    latent: int = Field(256, ge=1)
    """Width of z."""
    style: int = Field(256, ge=1)
    """Width of w."""
    batch: int = Field(64, ge=1)
    group: int = Field(4, ge=1)
    """Images over which D's minibatch standard deviation is taken; divides the batch."""
    kimg: float = Field(1000.0, gt=0)
    """Thousands of real images that D is shown."""
    lr: float = Field(0.0025, gt=0)
    gamma: float = Field(0.01, ge=0)
    """γ of R1, γ/2 E ‖∇D(real)‖²."""
    ema_kimg: float = Field(500.0, gt=0)
    """Half-life of the average of G's weights; at most 5 % of the images seen."""
    ada_target: float = Field(0.6, ge=-1, le=1)
    """Of the mean sign of D on real images."""
    ada_kimg: float | None = Field(None, gt=0)
    """Thousands of images that p needs from 0 to 1; None: the lesser of 500 and kimg / 2."""
    p_max: float = Field(1.0, ge=0, le=1)
    """From about 0.8 on, augmentations may leak into the generated images."""
    pipeline: Literal["", "b", "g", "c", "bg", "bc", "gc", "bgc"] = "bgc"
    """Blit, geometry, colour; without any there is no ADA."""
    supersample: int = Field(1, ge=1, le=4)
    """Density of the grid on which the pipeline warps, against aliasing."""
    truncation: float = Field(1.0, ge=0, le=1)
    """ψ: how far sampled styles go from the mean style."""

    @property
    def steps(self) -> int:
        return math.ceil(1000 * self.kimg / self.batch)

    @property
    def ada_speed(self) -> float:
        """`ada_kimg`, or its default."""
        return self.ada_kimg or min(500.0, self.kimg / 2)

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if min(self.channels) < 1:
            raise ValueError("every entry of channels must be positive")
        if self.batch % min(self.group, self.batch):
            raise ValueError("group must divide batch")
        return self


def generator_loss(fake: Tensor) -> Tensor:
    """Non-saturating: mean softplus(-D(fake)), of logits (B,)."""
    return F.softplus(-fake).mean()


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """mean softplus(-D(real)) + mean softplus(D(fake)), of logits (B,)."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def r1_penalty(logits: Tensor, images: Tensor, gamma: float) -> Tensor:
    """γ/2 · mean ‖∂ logits / ∂ images‖², differentiable; images (B, ...) must require gradients."""
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean() * (gamma / 2)


def path_lengths(images: Tensor, styles: Tensor, noise: Tensor) -> Tensor:
    """‖Jᵀ noise‖ of each image (B,), differentiable: J is ∂ images / ∂ styles (B, layers, width).

    Squares are summed over the width and averaged over the layers.
    """
    product = (images * noise).sum()
    (gradient,) = torch.autograd.grad(product, styles, create_graph=True)
    return gradient.square().sum(2).mean(1).sqrt()


def ema_decay(batch: int, half_life: float) -> float:
    """The decay a batch that leaves half of the weight after `half_life` images."""
    return float(0.5 ** (batch / half_life))


def lazy_adam(network: nn.Module, lr: float, interval: int) -> torch.optim.Adam:
    """Adam (0, 0.99) for one more step, of regularisation, every `interval` steps.

    Rate and exponents are scaled by interval / (interval + 1), so that their sum stays as it was.
    As in the official code that is so where the regularisation is off, too: its CIFAR preset has no
    path lengths, and trains G at 0.8 of the rate.
    """
    share = interval / (interval + 1)
    return torch.optim.Adam(network.parameters(), lr * share, (0.0, 0.99**share), eps=1e-8)


def descend(loss: Tensor, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """One step on the weights of this network alone."""
    optimizer.zero_grad()
    loss.backward(inputs=list(network.parameters()))
    optimizer.step()


class Training:
    """Steps of both networks, the running average of the generator, and the control of p.

    One step: G on its loss, G on path lengths (every 4th, from 64 px on), D on its loss, D on R1
    (every 16th). D sees real and generated images through the same pipeline, always; R1 is the
    gradient at the image before it.
    """

    def __init__(self, train: Split, params: GANParameters, setting: Setting) -> None:
        self.train, self.params, self.setting = train, params, setting
        self.done, self.total = 0, params.steps
        self.frame = resolution(setting.image_size)
        maps = widths(params.channels, self.frame)
        rows = setting.num_classes + (setting.task is Task.MULTILABEL)
        generator = Generator(rows, setting.channels, params.latent, params.style, maps)
        discriminator = Discriminator(rows, setting.channels, maps, params.group)
        self.generator = generator.to(setting.device)
        self.discriminator = discriminator.to(setting.device)
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        self.regularised = self.frame >= SMALLEST_REGULARISED
        self.mixing = MIXING if self.regularised else 0.0
        self.generator_adam = lazy_adam(self.generator, params.lr, PATH_INTERVAL)
        self.discriminator_adam = lazy_adam(self.discriminator, params.lr, R1_INTERVAL)
        self.pipeline = Pipeline(params.pipeline, params.supersample)
        self.controller = Controller(params.ada_target, params.ada_speed, params.p_max)
        self.path_mean = torch.zeros((), device=setting.device)

    def advance(self) -> None:
        real, condition = self.drawn()
        self.train_generator(condition)
        if self.regularised and self.done % PATH_INTERVAL == 0:
            self.regularise_generator(condition[: -(-len(condition) // 2)])
        self.train_discriminator(real, condition)
        if self.params.gamma and self.done % R1_INTERVAL == 0:
            self.regularise_discriminator(real, condition)
        self.done += 1
        self.update_average()

    def drawn(self) -> tuple[Tensor, Tensor]:
        """A batch of real frames with their conditions."""
        rows, device = torch.randint(len(self.train), (self.params.batch,)), self.setting.device
        targets = self.train.targets[rows].to(device)
        frames = framed(self.train.images(rows).to(device), self.frame)
        return frames, condition_rows(targets, self.setting.num_classes)

    def train_generator(self, condition: Tensor) -> None:
        loss = generator_loss(self.judged(self.faked(condition), condition))
        descend(loss, self.generator, self.generator_adam)

    def train_discriminator(self, real: Tensor, condition: Tensor) -> None:
        with torch.no_grad():
            fake = self.faked(condition)
        logits = self.judged(real, condition)
        self.controller.observe(logits)
        loss = discriminator_loss(logits, self.judged(fake, condition))
        if not torch.isfinite(loss):
            raise BenchError(
                f"stylegan2_ada diverged after {self.done * self.params.batch} images; "
                "lower lr or raise gamma"
            )
        descend(loss, self.discriminator, self.discriminator_adam)

    def regularise_discriminator(self, real: Tensor, condition: Tensor) -> None:
        real = real.detach().requires_grad_()
        penalty = r1_penalty(self.judged(real, condition), real, self.params.gamma)
        descend(penalty * R1_INTERVAL, self.discriminator, self.discriminator_adam)

    def regularise_generator(self, condition: Tensor) -> None:
        """Pull the path lengths to their running mean."""
        styles = self.generator.mixed_styles(condition, self.mixing)
        images = self.generator.synthesis(styles)
        lengths = path_lengths(images, styles, torch.randn_like(images) / self.frame)
        self.path_mean = self.path_mean.lerp(lengths.detach().mean(), PATH_DECAY)
        penalty = (lengths - self.path_mean).square().mean()
        descend(penalty * PATH_WEIGHT * PATH_INTERVAL, self.generator, self.generator_adam)

    def faked(self, condition: Tensor) -> Tensor:
        return torch.as_tensor(
            self.generator.synthesis(self.generator.mixed_styles(condition, self.mixing))
        )

    def judged(self, images: Tensor, condition: Tensor) -> Tensor:
        """D's logits of the augmented images."""
        return torch.as_tensor(
            self.discriminator(self.pipeline(images, self.controller.p), condition)
        )

    @torch.no_grad()
    def update_average(self) -> None:
        """Weights move by 1 - decay; the mean style is copied."""
        batch = self.params.batch
        half_life = min(1000 * self.params.ema_kimg, EMA_RAMP * self.done * batch)
        weight = 1 - ema_decay(batch, half_life)
        ours, theirs = self.average.parameters(), self.generator.parameters()
        for mean, new in zip(ours, theirs, strict=True):
            mean.lerp_(new, weight)
        self.average.mean_style.copy_(self.generator.mean_style)

    def state(self) -> dict[str, Any]:
        parts = {name: getattr(self, name).state_dict() for name in STATEFUL}
        return parts | {"path_mean": self.path_mean}

    def restore(self, state: dict[str, Any]) -> None:
        for name in STATEFUL:
            getattr(self, name).load_state_dict(state[name])
        self.path_mean = state["path_mean"].to(self.setting.device)


STATEFUL = (
    "generator",
    "discriminator",
    "average",
    "generator_adam",
    "discriminator_adam",
    "controller",
)
"""What of `Training` has a `state_dict`."""


class Sampling:
    """Images for these targets, a batch at a step."""

    def __init__(
        self, net: Generator, targets: Tensor, params: GANParameters, setting: Setting
    ) -> None:
        self.net, self.targets, self.params, self.setting = net, targets, params, setting
        self.done, self.total = 0, len(targets)
        self.batches: list[Tensor] = []

    @torch.no_grad()
    def advance(self) -> None:
        targets = self.targets[self.done : self.done + self.params.batch].to(self.setting.device)
        rows = condition_rows(targets, self.setting.num_classes)
        frames = self.net(rows, self.params.truncation)
        self.batches.append(torch.from_numpy(unframed(frames, self.setting.image_size)))
        self.done += len(targets)

    @property
    def pixels(self) -> Tensor:
        """What is there so far: uint8 (N, H, W) or (N, H, W, 3)."""
        return torch.cat(self.batches)

    def state(self) -> dict[str, Any]:
        return {"batches": self.batches}

    def restore(self, state: dict[str, Any]) -> None:
        self.batches = state["batches"]
