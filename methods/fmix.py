"""FMix: regions of another image, shaped by low-frequency noise."""

import torch
from pydantic import Field
from torch import Tensor

from methods.method import Trial
from methods.parts.mixing import Mixing


class FMix(Mixing):
    """x̃ = M x + (1 - M) x[π] and ỹ = m y + (1 - m) y[π], m the mean of the binary mask M.

    One mask and one random permutation π a batch: M holds the highest round(lam H W) pixels of a
    gray image of `low_frequency_noise`, with lam ~ Beta(alpha, alpha).
    The official code differs from the paper: it draws half a spectrum and indexes the wrong axis of
    it, so that some frequencies are missing and its masks are not isotropic; and it weighs the
    targets with lam itself, which the mask misses by up to one pixel.
    """

    summary = "irregular regions of another image, and as much of its target"
    reference = "Harris et al. 2020, FMix: Enhancing Mixed Sample Data Augmentation, 2002.12047"
    version = 2

    class Params(Mixing.Params):
        """Beside those of all mixing methods."""

        decay: float = Field(3.0, ge=0)
        """δ: the power with which amplitude falls with frequency; more makes larger regions."""

    params: Params

    @classmethod
    def space(cls, trial: Trial) -> None:
        """`alpha` and `decay` around the publication's 1 and 3."""
        trial.suggest_float("alpha", 0.2, 2.0, log=True)
        trial.suggest_float("decay", 1.5, 5.0)

    def mix(self, images: Tensor, rows: Tensor, lam: float) -> tuple[Tensor, Tensor]:
        height, width = images.shape[2:]
        noise = low_frequency_noise(height, width, self.params.decay, self.generator)
        mask = highest(noise, lam)
        partner = self.permutation(images)
        mixed = torch.where(mask, images, images[partner])
        return mixed, torch.lerp(rows[partner], rows, mask.float().mean())


def low_frequency_noise(
    height: int, width: int, decay: float, generator: torch.Generator
) -> Tensor:
    """White noise (H, W) whose amplitude at frequency f is divided by max(f, 1 / max(H, W))^decay.

    f is in cycles a pixel along either axis: the noise is isotropic, as the paper has it.
    """
    device = generator.device
    y, x = torch.fft.fftfreq(height, device=device), torch.fft.rfftfreq(width, device=device)
    frequency = torch.hypot(y[:, None], x).clamp(min=1 / max(height, width))
    white = torch.randn((height, width), generator=generator, device=device)
    noise: Tensor = torch.fft.irfft2(torch.fft.rfft2(white) / frequency**decay, (height, width))
    return noise


def highest(noise: Tensor, fraction: float) -> Tensor:
    """A mask that is true at the highest round(fraction · H W) pixels."""
    chosen = noise.flatten().topk(round(fraction * noise.numel())).indices
    mask = torch.zeros(noise.numel(), dtype=torch.bool, device=noise.device)
    mask[chosen] = True
    return mask.view_as(noise)
