"""A compact class-conditional StyleGAN2: mapping, synthesis, discriminator.

Written from Karras et al. 2020, Analyzing and Improving the Image Quality of StyleGAN, CVPR, and
Karras et al. 2020, Training Generative Adversarial Networks with Limited Data, NeurIPS. All of it
in float32; images are (B, channels, R, R) in about [-1, 1], R a power of two. Conditions are the
rows of `pixels.condition_rows`.
"""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-8
SLOPE = 0.2
"""Of every leaky ReLU; its gain is √2."""
MAPPING_RATE = 0.01
"""Learning-rate multiplier of the mapping networks."""
MEAN_STYLE_DECAY = 0.995


def resolution(size: int) -> int:
    """The frame of images of `size` px: the next power of two, at least 8."""
    return max(8, 1 << (size - 1).bit_length())


def widths(channels: tuple[int, ...], resolution: int) -> tuple[int, ...]:
    """Channels at 4, 8, ... `resolution` px; where the list is too short its last is halved on."""
    levels = resolution.bit_length() - 2
    longer = [max(16, channels[-1] >> step) for step in range(1, 1 + levels - len(channels))]
    return (*channels[:levels], *longer)


def activate(x: Tensor) -> Tensor:
    """Leaky ReLU that keeps the variance."""
    return F.leaky_relu(x, SLOPE) * math.sqrt(2)


def unit_moment(x: Tensor) -> Tensor:
    """Rows (B, d) with a mean square of 1."""
    return x * (x.square().mean(1, keepdim=True) + EPSILON).rsqrt()


def blur(x: Tensor, pad: int, stride: int = 1, gain: float = 1.0) -> Tensor:
    """Each channel filtered by [1, 3, 3, 1] / 8 along both axes, zeros outside, times `gain`."""
    return F.conv2d(x, binomial(x, gain), stride=stride, padding=pad, groups=x.shape[1])


def doubled(x: Tensor) -> Tensor:
    """Twice the size: zeros between the pixels and around them, then `blur` with a gain of 4."""
    return F.conv_transpose2d(x, binomial(x, 4), stride=2, padding=1, groups=x.shape[1])


def binomial(x: Tensor, gain: float) -> Tensor:
    """The kernel of `blur` for each channel of x, (C, 1, 4, 4)."""
    taps = x.new_tensor([1.0, 3.0, 3.0, 1.0]) / 8
    return (gain * taps[:, None] * taps).expand(x.shape[1], 1, 4, 4)


def minibatch_std(x: Tensor, group: int) -> Tensor:
    """(B, C, H, W) with one channel more: how much the images of a group differ.

    The standard deviation over the min(group, B) images of a group, averaged over channels and
    pixels. B must be a multiple of the group.
    """
    rows = len(x)
    groups = x.reshape(min(group, rows), -1, *x.shape[1:])
    spread = (groups.var(0, unbiased=False) + EPSILON).sqrt().mean((1, 2, 3))
    channel = spread.repeat(min(group, rows)).view(rows, 1, 1, 1)
    return torch.cat([x, channel.expand(-1, -1, *x.shape[2:])], 1)


class Linear(nn.Module):
    """Fully connected, with equalised learning rate: weights ~ N(0, 1), scaled in `forward`.

    `rate` multiplies the learning rate: the weights start larger by 1 / rate and count by `rate`.
    """

    def __init__(self, inputs: int, outputs: int, bias: float = 0.0, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))
        self.rate = rate
        self.scale = rate / math.sqrt(inputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias * self.rate)


class Conv(nn.Module):
    """Convolution with equalised learning rate; with `down`, blurred and of stride 2."""

    def __init__(self, inputs: int, outputs: int, kernel: int, down: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.scale = 1 / math.sqrt(inputs * kernel**2)
        self.down = down

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight * self.scale
        pad = weight.shape[2] // 2
        if not self.down:
            return F.conv2d(x, weight, padding=pad)
        if pad == 0:
            return F.conv2d(blur(x, pad=1, stride=2), weight)
        return F.conv2d(blur(x, pad=1 + pad), weight, stride=2)


class BiasedConv(Conv):
    """The convolution, a bias, and the leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, down: bool = False) -> None:
        super().__init__(inputs, outputs, kernel, down)
        self.bias = nn.Parameter(torch.zeros(outputs, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return activate(super().forward(x) + self.bias)


class Mapping(nn.Module):
    """From a latent z and a condition to a style, (B, width).

    Both are normalised to unit second moment, the condition after a linear embedding; then two
    fully connected layers. Without a latent (`latent` 0) the condition alone is mapped.
    """

    def __init__(self, latent: int, conditions: int, width: int) -> None:
        super().__init__()
        self.embedding = Linear(conditions, width)
        self.layers = nn.ModuleList(
            [
                Linear(latent + width, width, rate=MAPPING_RATE),
                Linear(width, width, rate=MAPPING_RATE),
            ]
        )

    def forward(self, condition: Tensor, z: Tensor | None = None) -> Tensor:
        x = unit_moment(self.embedding(condition))
        if z is not None:
            x = torch.cat([unit_moment(z), x], 1)
        for layer in self.layers:
            x = activate(layer(x))
        return x


class ModulatedConv(nn.Module):
    """A convolution whose input channels are scaled by styles, an affine map of w.

    With `demodulate` each output channel is divided by the norm of its scaled weights, so that
    input of unit variance gives output of unit variance. Scaling the input before and the output
    after one shared convolution equals an own weight tensor for each image. With `up` the output
    has twice the size, blurred.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        width: int,
        demodulate: bool = True,
        up: bool = False,
    ) -> None:
        super().__init__()
        self.affine = Linear(width, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.scale = 1 / math.sqrt(inputs * kernel**2)
        self.demodulate = demodulate
        self.up = up

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        return self.styled(x, self.affine(w))

    def styled(self, x: Tensor, styles: Tensor) -> Tensor:
        """Of x (B, inputs, H, W) and styles (B, inputs)."""
        weight = self.weight * self.scale
        x = x * styles[:, :, None, None]
        if self.up:
            x = blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), pad=1, gain=4)
        else:
            x = F.conv2d(x, weight, padding=weight.shape[2] // 2)
        if not self.demodulate:
            return x
        power = styles.square() @ weight.square().sum((2, 3)).T
        return x * (power + EPSILON).rsqrt()[:, :, None, None]


class StyledLayer(nn.Module):
    """Modulated 3x3 convolution, noise of learned strength, bias, leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, width: int, up: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, outputs, 3, width, up=up)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs, 1, 1))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        x = self.conv(x, w)
        noise = torch.randn((len(x), 1, *x.shape[2:]), device=x.device)
        return activate(x + self.strength * noise + self.bias)


class ToRGB(nn.Module):
    """Modulated 1x1 convolution to image channels, not demodulated, and a bias."""

    def __init__(self, inputs: int, channels: int, width: int) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, channels, 1, width, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        return torch.as_tensor(self.conv(x, w) + self.bias)


class Synthesis(nn.Module):
    """From styles (B, `styles`, width) to images: a learned 4x4 constant, doubled level by level.

    Each level adds its image to that of the level before, `doubled`. Level i takes styles 2i - 1
    and 2i, its image style 2i + 1.
    """

    def __init__(self, channels: int, width: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.styles = 2 * len(widths)
        self.constant = nn.Parameter(torch.randn(widths[0], 4, 4))
        self.first = StyledLayer(widths[0], widths[0], width)
        self.ups = nn.ModuleList(StyledLayer(a, b, width, up=True) for a, b in pairwise(widths))
        self.layers = nn.ModuleList(StyledLayer(b, b, width) for b in widths[1:])
        self.images = nn.ModuleList(ToRGB(b, channels, width) for b in widths)

    def forward(self, styles: Tensor) -> Tensor:
        x = self.first(self.constant.expand(len(styles), -1, -1, -1), styles[:, 0])
        image = self.images[0](x, styles[:, 1])
        for i, (up, layer) in enumerate(zip(self.ups, self.layers, strict=True), 1):
            x = up(x, styles[:, 2 * i - 1])
            x = layer(x, styles[:, 2 * i])
            image = doubled(image) + self.images[i](x, styles[:, 2 * i + 1])
        return torch.as_tensor(image)


class Generator(nn.Module):
    """Mapping and synthesis. In training it keeps a running mean of w, which truncation uses."""

    mean_style: Tensor

    def __init__(
        self, conditions: int, channels: int, latent: int, width: int, widths: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.latent = latent
        self.mapping = Mapping(latent, conditions, width)
        self.synthesis = Synthesis(channels, width, widths)
        self.register_buffer("mean_style", torch.zeros(width))

    def forward(self, condition: Tensor, truncation: float = 1.0) -> Tensor:
        """Images of the conditions; `truncation` ψ: w becomes mean + ψ (w - mean)."""
        w = self.style(condition)
        if truncation != 1:
            w = self.mean_style.lerp(w, truncation)
        return torch.as_tensor(self.synthesis(self.broadcast(w)))

    def style(self, condition: Tensor) -> Tensor:
        """w (B, width) of newly drawn latents."""
        z = torch.randn((len(condition), self.latent), device=condition.device)
        w = torch.as_tensor(self.mapping(condition, z))
        if self.training:
            self.mean_style.lerp_(w.detach().mean(0), 1 - MEAN_STYLE_DECAY)
        return w

    def broadcast(self, w: Tensor) -> Tensor:
        """One style a layer, (B, styles, width), all the same."""
        return w[:, None].expand(-1, self.synthesis.styles, -1)

    def mixed_styles(self, condition: Tensor, probability: float) -> Tensor:
        """Styles (B, styles, width), some of them mixed.

        With this probability the layers from a random one on, an image each, follow another latent.
        """
        styles = self.broadcast(self.style(condition))
        if probability == 0:
            return styles
        rows, layers, _ = styles.shape
        cut = torch.randint(1, layers, (rows, 1), device=styles.device)
        mixed = torch.rand((rows, 1), device=styles.device) < probability
        second = mixed & (torch.arange(layers, device=styles.device) >= cut)
        return torch.where(second[..., None], self.broadcast(self.style(condition)), styles)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, the second with blur and stride 2, and a 1x1 path beside them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = BiasedConv(inputs, inputs, 3)
        self.second = BiasedConv(inputs, outputs, 3, down=True)
        self.skip = Conv(inputs, outputs, 1, down=True)

    def forward(self, x: Tensor) -> Tensor:
        return torch.as_tensor((self.second(self.first(x)) + self.skip(x)) / math.sqrt(2))


class Discriminator(nn.Module):
    """Logits (B,): the projection ⟨D(x), map(c)⟩ / √d of images on their conditions."""

    def __init__(
        self, conditions: int, channels: int, widths: tuple[int, ...], group: int = 4
    ) -> None:
        super().__init__()
        last = widths[0]
        self.group = group
        self.stem = BiasedConv(channels, widths[-1], 1)
        self.blocks = nn.Sequential(
            *(ResidualBlock(b, a) for a, b in reversed(list(pairwise(widths))))
        )
        self.conv = BiasedConv(last + 1, last, 3)
        self.hidden = Linear(last * 4 * 4, last)
        self.output = Linear(last, last)
        self.mapping = Mapping(0, conditions, last)

    def forward(self, images: Tensor, condition: Tensor) -> Tensor:
        x = minibatch_std(self.blocks(self.stem(images)), self.group)
        x = self.output(activate(self.hidden(self.conv(x).flatten(1))))
        logits = (x * self.mapping(condition)).sum(1) / math.sqrt(x.shape[1])
        return torch.as_tensor(logits)
