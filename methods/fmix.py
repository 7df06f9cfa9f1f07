"""FMix: regions of another image, shaped by low-frequency noise."""

import torch
from pydantic import Field
from torch import Tensor

from methods.method import Method, Parameters


class FMix(Method):
    """x̃ = M x + (1 - M) x[π] and ỹ = m y + (1 - m) y[π], m the mean of the binary mask M.

    One mask and one random permutation π a batch: M holds the highest round(lam H W) pixels of a
    gray image of `low_frequency_noise`, with lam ~ Beta(alpha, alpha). The official code weighs
    the targets with lam itself, which the mask misses by up to one pixel.
    """

    summary = "irregular regions of another image, and as much of its target"
    reference = "Harris et al. 2020, FMix: Enhancing Mixed Sample Data Augmentation, 2002.12047"
    zero = {"prob": 0.0}

    class Params(Parameters):
        """`alpha` shapes the Beta distribution of lam; `prob` is that of mixing a batch at all."""

        alpha: float = Field(1.0, gt=0)
        decay: float = Field(3.0, ge=0)
        """δ: the power with which amplitude falls with frequency; more makes larger regions."""
        prob: float = Field(1.0, ge=0, le=1)

    params: Params

    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        if self.rng.random() >= self.params.prob:
            return images, targets
        height, width = images.shape[2:]
        lam = self.rng.beta(self.params.alpha, self.params.alpha)
        noise = low_frequency_noise(height, width, self.params.decay, self.generator)
        mask = highest(noise, lam)
        partner = torch.randperm(len(images), generator=self.generator, device=images.device)
        rows = self.dense(targets)
        mixed = torch.where(mask, images, images[partner])
        return mixed, torch.lerp(rows[partner], rows, float(mask.float().mean()))


def low_frequency_noise(
    height: int, width: int, decay: float, generator: torch.Generator
) -> Tensor:
    """Gaussian noise (H, W) whose amplitude at frequency f is 1 / max(f, 1 / max(H, W))^decay."""
    device = generator.device
    y, x = torch.fft.fftfreq(height, device=device), torch.fft.rfftfreq(width, device=device)
    frequency = torch.hypot(y[:, None], x).clamp(min=1 / max(height, width))
    shape = (*frequency.shape, 2)
    spectrum = torch.view_as_complex(torch.randn(shape, generator=generator, device=device))
    noise: Tensor = torch.fft.irfft2(spectrum / frequency**decay, (height, width))
    return noise


def highest(noise: Tensor, fraction: float) -> Tensor:
    """A mask that is true at the highest round(fraction · H W) pixels."""
    chosen = noise.flatten().topk(round(fraction * noise.numel())).indices
    mask = torch.zeros(noise.numel(), dtype=torch.bool, device=noise.device)
    mask[chosen] = True
    return mask.view_as(noise)
