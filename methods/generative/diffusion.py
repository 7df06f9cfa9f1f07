"""A class-conditional diffusion model: its network, training and sampling.

Ho et al. 2020, Denoising Diffusion Probabilistic Models, NeurIPS, with the U-Net and schedulers
of diffusers. In both directions x_t = √ᾱ_t x_0 + √(1-ᾱ_t) ε, x_0 in [-1, 1].
"""

import math
from typing import Any, Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from bench.base.split import Split
from bench.base.task import Task
from methods.generative.pixels import condition_rows, framed, unframed
from methods.method import Parameters, Setting


class DiffusionParameters(Parameters):
    """The network, its training and its sampling."""

    channels: tuple[int, ...] = Field((64, 128, 128), min_length=2)
    """Of each level of the U-Net, multiples of 8; the middle level has attention."""
    layers: int = Field(2, ge=1)
    """Residual blocks a level."""
    dropout: float = Field(0.1, ge=0, lt=1)
    timesteps: int = Field(1000, ge=1)
    schedule: Literal["squaredcos_cap_v2", "linear"] = "squaredcos_cap_v2"
    prediction: Literal["epsilon", "v_prediction"] = "epsilon"
    steps: int = Field(20_000, ge=1)
    batch: int = Field(128, ge=1)
    lr: float = Field(2e-4, gt=0)
    clip: float = Field(1.0, gt=0)
    """Largest norm of the gradient."""
    ema: float | None = Field(None, ge=0, lt=1)
    """None: 0.999 below 50,000 steps, else 0.9999."""
    sampler_steps: int = Field(50, ge=1)
    eta: float = Field(0.0, ge=0, le=1)
    """Of DDIM's noise: 0 is deterministic, 1 has the variance of DDPM's posterior."""
    guidance: float = Field(0.0, ge=0)
    """w in ε̂ = (1 + w) ε_θ(x_t, t, c) - w ε_θ(x_t, t, ∅)."""
    label_dropout: float = Field(0.1, ge=0, le=1)
    """How often a label is left out in training; only with guidance."""

    @property
    def decay(self) -> float:
        """Of the moving average of the weights, at its end."""
        return (0.999 if self.steps < 50_000 else 0.9999) if self.ema is None else self.ema

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if any(width < 8 or width % 8 for width in self.channels):
            raise ValueError("every entry of channels must be a multiple of 8")
        if self.timesteps % self.sampler_steps:
            raise ValueError("sampler_steps must divide timesteps")
        return self


def schedule(params: DiffusionParameters) -> Any:
    """Noise schedule and DDIM sampler; the "trailing" timesteps begin at the last, pure noise."""
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        num_train_timesteps=params.timesteps,
        beta_schedule=params.schedule,
        prediction_type=params.prediction,
        timestep_spacing="trailing",
    )


class Denoiser(nn.Module):
    """U-Net that predicts the noise (or the velocity) in x_t, given t and the label.

    Attention has one head, as Ho et al. have it, at the middle and the lowest level. Labels enter
    as rows (B, K) through a linear map that is added to the embedding of t; the zero row stands for
    no label. The frame is the image's size, rounded up so that every level halves evenly.
    """

    def __init__(self, params: DiffusionParameters, setting: Setting) -> None:
        from diffusers import UNet2DModel

        super().__init__()
        channels, levels = params.channels, len(params.channels)
        attention = levels // 2
        down = ["AttnDownBlock2D" if i == attention else "DownBlock2D" for i in range(levels)]
        up = ["AttnUpBlock2D" if i == attention else "UpBlock2D" for i in reversed(range(levels))]
        self.frame = math.ceil(setting.image_size / 2**levels) * 2**levels
        self.classes = setting.num_classes
        self.unet = UNet2DModel(
            sample_size=self.frame,
            in_channels=setting.channels,
            out_channels=setting.channels,
            down_block_types=tuple(down),
            up_block_types=tuple(up),
            block_out_channels=channels,
            layers_per_block=params.layers,
            norm_num_groups=math.gcd(32, *(width // 2 for width in channels)),
            attention_head_dim=None,
            dropout=params.dropout,
            class_embed_type="identity",
        )
        rows = self.classes + (setting.task is Task.MULTILABEL)
        self.label = nn.Linear(rows, 4 * channels[0])

    def forward(self, x: Tensor, t: Tensor, rows: Tensor) -> Tensor:
        return torch.as_tensor(self.unet(x, t, class_labels=self.label(rows)).sample)

    def guided(self, x: Tensor, t: Tensor, rows: Tensor, weight: float) -> Tensor:
        """(1 + w) ε(x, t, c) - w ε(x, t, ∅), Ho and Salimans 2021."""
        conditional: Tensor = self(x, t, rows)
        if not weight:
            return conditional
        unconditional: Tensor = self(x, t, torch.zeros_like(rows))
        return conditional + weight * (conditional - unconditional)


class Training:
    """Steps on the mean square of prediction error, and the moving average of the weights."""

    def __init__(self, train: Split, params: DiffusionParameters, setting: Setting) -> None:
        from diffusers.training_utils import EMAModel

        self.train, self.params, self.device = train, params, setting.device
        self.done, self.total = 0, params.steps
        self.net = Denoiser(params, setting).to(setting.device)
        self.schedule = schedule(params)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), params.lr, fused=True)
        self.average = EMAModel(self.net.parameters(), decay=params.decay)

    def advance(self) -> None:
        loss = self.loss(torch.randint(len(self.train), (self.params.batch,)))
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), self.params.clip)
        self.optimizer.step()
        self.average.step(self.net.parameters())
        self.done += 1

    def loss(self, indices: Tensor) -> Tensor:
        """At random times, of these images; with guidance some of them without their label."""
        clean = framed(self.train.images(indices).to(self.device), self.net.frame)
        rows = condition_rows(self.train.targets[indices].to(self.device), self.net.classes)
        if self.params.guidance:
            rows = rows * (
                torch.rand(len(rows), 1, device=self.device) >= self.params.label_dropout
            )
        noise = torch.randn_like(clean)
        t = torch.randint(self.params.timesteps, (len(clean),), device=self.device)
        noisy = self.schedule.add_noise(clean, noise, t)
        velocity = self.params.prediction == "v_prediction"
        wanted = self.schedule.get_velocity(clean, noise, t) if velocity else noise
        return F.mse_loss(self.net(noisy, t, rows), wanted)

    def averaged(self) -> Denoiser:
        """The network with the averaged weights, for sampling."""
        self.average.copy_to(self.net.parameters())
        return self.net.eval()

    def state(self) -> dict[str, Any]:
        return {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.load_state_dict(state["average"])
        self.average.to(self.device)


class Sampling:
    """Images for these targets, a batch at a step."""

    def __init__(
        self, net: Denoiser, targets: Tensor, params: DiffusionParameters, setting: Setting
    ) -> None:
        self.net, self.targets, self.params, self.setting = net, targets, params, setting
        self.done, self.total = 0, len(targets)
        self.schedule = schedule(params)
        self.schedule.set_timesteps(params.sampler_steps, setting.device)
        size, channels = setting.image_size, setting.channels
        self.pixels = torch.zeros(
            (self.total, size, size, channels)[: 3 + (channels > 1)], dtype=torch.uint8
        )

    def advance(self) -> None:
        device, size = self.setting.device, self.setting.image_size
        targets = self.targets[self.done : self.done + self.params.batch].to(device)
        made = torch.from_numpy(unframed(self.denoised(targets), size))
        self.pixels[self.done : self.done + len(made)] = made
        self.done += len(made)

    @torch.no_grad()
    def denoised(self, targets: Tensor) -> Tensor:
        """Frames (B, C, S, S) in [-1, 1], from noise."""
        rows = condition_rows(targets, self.net.classes)
        shape = (len(rows), self.setting.channels, self.net.frame, self.net.frame)
        x = torch.randn(shape, device=rows.device)
        for t in self.schedule.timesteps:
            x = self.earlier(x, t, rows)
        return x

    def earlier(self, x: Tensor, t: Tensor, rows: Tensor) -> Tensor:
        """One step from x_t: x_0 is clipped to [-1, 1], and ε is what then explains x_t."""
        predicted = self.net.guided(x, t, rows, self.params.guidance)
        step = self.schedule.step(
            predicted, t, x, eta=self.params.eta, use_clipped_model_output=True
        )
        return torch.as_tensor(step.prev_sample)

    def state(self) -> dict[str, Any]:
        return {"pixels": self.pixels}

    def restore(self, state: dict[str, Any]) -> None:
        self.pixels = state["pixels"]
