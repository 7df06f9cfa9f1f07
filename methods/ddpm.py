"""DDPM: images of a class-conditional diffusion model, mixed into every batch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from bench.base.split import Split
from bench.base.streams import stream
from methods.generative.diffusion import Sampling, Training
from methods.generative.method import GenerativeMethod
from methods.generative.stage import finish


class DDPM(GenerativeMethod):
    """A diffusion model is trained on the run's subset, then sampled for labels of the subset.

    Training: E ‖ε - ε_θ(x_t, t, c)‖² with x_t = √ᾱ_t x_0 + √(1-ᾱ_t) ε, t uniform. Sampling: DDIM
    with the moving average of the weights; `eta` 1 and as many sampler steps as timesteps is DDPM's
    own sampler. Multi-label sets are conditioned on their label rows.
    """

    summary = "synthetic images of a class-conditional diffusion model (DDPM)"
    reference = (
        "Ho et al. 2020, Denoising Diffusion Probabilistic Models, NeurIPS; sampler of "
        "Song et al. 2021, Denoising Diffusion Implicit Models, ICLR; U-Net of diffusers"
    )
    libraries = ("torch", "diffusers")
    quick = {"channels": (8, 8), "layers": 1, "steps": 2, "batch": 4, "sampler_steps": 2}

    class Params(GenerativeMethod.Params):
        """The AILS paper gives none of these; see the class for the letters."""

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

    params: Params

    def make(
        self, train: Split, folder: Path, seed: int, report: Callable[[float], None]
    ) -> tuple[Split, dict[str, Any]]:
        params, setting = self.params, self.setting
        targets = self.requested(train.targets, stream(seed, "labels"))
        passes = params.sampler_steps * (2 if params.guidance else 1)
        training = 3 * params.steps * params.batch
        share = training / (training + passes * len(targets))
        trained, training_seconds = finish(
            lambda: Training(train, params, setting),
            folder / "training.pt",
            stream(seed, "training"),
            lambda done: report(share * done),
        )
        net = trained.averaged()
        sampled, sampling_seconds = finish(
            lambda: Sampling(net, targets, params, setting),
            folder / "sampling.pt",
            stream(seed, "sampling"),
            lambda done: report(share + (1 - share) * done),
        )
        return Split(sampled.pixels.numpy(), targets), {
            "seconds": {"training": training_seconds, "sampling": sampling_seconds},
            "generator_parameters": sum(weight.numel() for weight in net.parameters()),
        }
