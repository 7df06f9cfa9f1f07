"""DDPM: images of a class-conditional diffusion model, mixed into every batch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.base.split import Split
from bench.base.streams import stream
from methods.generative.diffusion import DiffusionParameters, Sampling, Training
from methods.generative.method import GenerativeMethod
from methods.generative.stage import finish


class DDPM(GenerativeMethod):
    """A diffusion model is trained on the run's subset, then sampled for labels of the subset.

    Training: E ‖ε - ε_θ(x_t, t, c)‖² with x_t = √ᾱ_t x_0 + √(1-ᾱ_t) ε, t uniform. Sampling: DDIM
    with the moving average of the weights; each step clips its x_0 to [-1, 1] and takes the ε that
    belongs to it. So `eta` 1 and as many sampler steps as timesteps is DDPM's own sampler, with the
    lower of its two variances, that of q(x_{t-1} | x_t, x_0). Multi-label sets are conditioned on
    their label rows.
    """

    summary = "synthetic images of a class-conditional diffusion model (DDPM)"
    reference = (
        "Ho et al. 2020, Denoising Diffusion Probabilistic Models, NeurIPS; sampler of "
        "Song et al. 2021, Denoising Diffusion Implicit Models, ICLR; U-Net of diffusers"
    )
    version = 2
    libraries = ("torch", "diffusers")
    quick = {"channels": (8, 8), "layers": 1, "steps": 2, "batch": 4, "sampler_steps": 2}

    class Params(DiffusionParameters, GenerativeMethod.Params):
        """The AILS paper gives none of these."""

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
