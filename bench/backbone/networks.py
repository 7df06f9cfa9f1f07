"""Backbones of timm, under the names that stand in records."""

import functools
import urllib.request
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.backbone import taps, weights
from bench.backbone.model import Backbone
from bench.base.errors import BenchError

ALIASES = {
    "mobilenetv3": "mobilenetv3_large_100",
    "resnest101": "resnest101e",
    "swin_tiny": "swin_tiny_patch4_window7_224",
}
CIFAR_STEM = {"resnet18-cifar": "resnet18", "resnet50-cifar": "resnet50"}
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
PATIENCE = 10.0
"""Seconds."""
INPUT_SIZES = (28, 32, 48, 64, 96, 128, 160, 192, 224, 256, 288, 320, 384, 448)


def canonical(name: str) -> str:
    """The name under which a backbone stands in records: its alias where it has one."""
    return {full: alias for alias, full in ALIASES.items()}.get(name, name)


class TimmBackbone(Backbone):
    """A timm model: its features before the classifier, and the classifier."""

    def __init__(self, net: Any, *rest: Any) -> None:
        super().__init__(net, *rest)
        self.feature_dim = net.head_hidden_size

    def penultimate(self, images: Tensor) -> Tensor:
        hidden = self.net.forward_features(images.contiguous(memory_format=torch.channels_last))
        return torch.as_tensor(self.net.forward_head(hidden, pre_logits=True))

    def head(self, features: Tensor) -> Tensor:
        """Logits (B, num_classes) of features."""
        return torch.as_tensor(self.net.get_classifier()(features))


def _network(name: str, channels: int, num_classes: int, size: int, pretrained: bool | Path) -> Any:
    full = CIFAR_STEM.get(name, ALIASES.get(name, name))
    options: dict[str, Any] = {"in_chans": channels, "num_classes": num_classes}
    if getattr(timm().get_pretrained_cfg(full), "fixed_input_size", False):
        options["img_size"] = size
    file = pretrained if isinstance(pretrained, Path) else None
    pretrained = pretrained is True
    if name in CIFAR_STEM and pretrained:
        raise BenchError(f"{name} has no pretrained weights; set pretrained=false")
    try:
        net: Any = timm().create_model(full, pretrained=pretrained, **options)
    except Exception as error:
        if not pretrained:
            raise
        raise BenchError(
            f"the pretrained weights of {name} are not available ({type(error).__name__}); "
            "set pretrained=false, or name a file of them with --weights"
        ) from None
    if name in CIFAR_STEM:
        _as_medmnist(net, channels)
    if file:
        weights.load(net, name, file)
    return net


def _as_medmnist(net: Any, channels: int) -> None:
    """MedMNIST's own form for 28 px: a stem of 3 × 3 without pooling, and PyTorch's default start
    (Kaiming uniform, every BatchNorm at 1) where timm's has each block's last BatchNorm at 0.

    Source: github.com/MedMNIST/experiments, MedMNIST2D/models.py.
    """
    net.conv1 = nn.Conv2d(channels, net.conv1.out_channels, 3, padding=1, bias=False)
    net.maxpool = nn.Identity()
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d | nn.Linear):
            module.reset_parameters()


def _map_sizes(name: str, channels: int, size: int) -> dict[str, set[taps.Size]]:
    """Those of `taps.map_sizes`, from a forward pass without memory or arithmetic."""
    with torch.device("meta"):
        net = _network(name, channels, 2, size, pretrained=False)
        return taps.map_sizes(net, torch.empty(2, channels, size, size))


def _takes(name: str, channels: int, size: int) -> bool:
    """Whether the network can take this size."""
    try:
        _map_sizes(name, channels, size)
    except (RuntimeError, AssertionError, ValueError):
        return False
    return True


def fetch(name: str) -> None:
    """See that the pretrained weights are in the cache, and get them if not.

    Raises BenchError, within seconds where there is no network.
    """
    full = ALIASES.get(name, name)
    config = timm().get_pretrained_cfg(full)
    if name in CIFAR_STEM or not getattr(config, "has_weights", False):
        raise BenchError(f"{name} has no pretrained weights; set pretrained=false")
    if not _cached(config):
        _reach(name, full, config)
        _network(name, 3, 2, config.input_size[-1], pretrained=True)


def _cached(config: Any) -> bool:
    """Whether the weights are on this machine."""
    from huggingface_hub import try_to_load_from_cache
    from torch.hub import get_dir

    if config.hf_hub_id:
        files = [config.hf_hub_filename] if config.hf_hub_filename else WEIGHTS
        return any(isinstance(try_to_load_from_cache(config.hf_hub_id, f), str) for f in files)
    file = config.file or Path(get_dir(), "checkpoints", Path(str(config.url)).name)
    return Path(file).is_file()


def _reach(name: str, full: str, config: Any) -> None:
    """Ask once for where the weights are kept: libraries ask again for a minute."""
    place = config.url if not config.hf_hub_id else f"https://huggingface.co/{config.hf_hub_id}"
    try:
        asked = urllib.request.Request(str(place), method="HEAD")
        urllib.request.urlopen(asked, timeout=PATIENCE).close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise BenchError(
            f"the pretrained weights of {name} are not here and cannot be fetched ({reason}); run "
            f"python -c \"import timm; timm.create_model('{full}', pretrained=True)\" where there "
            "is a network, and copy ~/.cache/huggingface and ~/.cache/torch from there; or name a "
            "file with --weights, or set pretrained=false"
        ) from None


@functools.cache
def check(name: str, size: int) -> None:
    """Raises BenchError where the network cannot take `size`, with the smallest that works."""
    if not _takes(name, 3, size):
        works = next((s for s in INPUT_SIZES if s > size and _takes(name, 3, s)), None)
        mend = f"the smallest that works is --input-size {works}" if works else "use another"
        raise BenchError(f"backbone {name} cannot take {size} px; {mend}")


def known(name: str) -> bool:
    """Whether timm has it, or it is one of ours."""
    return name in ALIASES or name in CIFAR_STEM or bool(timm().is_model(name))


def names() -> list[str]:
    """All that are known, more than a thousand."""
    return [*timm().list_models(), *ALIASES, *CIFAR_STEM]


def build(
    name: str, num_classes: int, channels: int, input_size: int, pretrained: bool | Path
) -> TimmBackbone:
    """A backbone with weights from the global generator, or pretrained ones.

    Pretrained networks bring their own mean and std; others take 0.5 and 0.5, as MedMNIST's own
    benchmark does.
    """
    net = _network(name, channels, num_classes, input_size, pretrained)
    mean, std = [0.5] * channels, [0.5] * channels
    if pretrained and channels == 3:
        mean, std = list(net.pretrained_cfg["mean"]), list(net.pretrained_cfg["std"])
    taps.cut(net, _map_sizes(name, channels, input_size))
    return TimmBackbone(net.to(memory_format=torch.channels_last), input_size, mean, std)


def timm() -> Any:
    """The library, imported where it is needed: reports do without it."""
    import timm

    return timm
