"""Backbones by name: timm's, and a user's own by file or entry point."""

from pathlib import Path

import torch

from bench.backbone import networks, own
from bench.backbone.model import Backbone
from bench.base.errors import BenchError, unknown

__all__ = ["Backbone", "build", "check", "fetch", "identify"]


def identify(source: str) -> tuple[str, str]:
    """The name under which a backbone stands in records, and the digest of one's own, else ""."""
    if own.is_own(source):
        found = own.find(source)
        return found.name, found.version
    return networks.canonical(source), ""


def check(source: str, size: int, channels: int = 3) -> None:
    """Raises BenchError where there is no such backbone, with the nearest names, and where it
    cannot take `size` or is no backbone.
    """
    if own.is_own(source):
        own.check(source, size, channels)
    elif networks.known(source):
        networks.check(source, size)
    else:
        raise unknown("backbone", source, [*networks.names(), *own.BACKBONES.names()])


def fetch(source: str, size: int, channels: int, pretrained: bool | Path) -> None:
    """See that pretrained weights are here, or that a file of them fits the network.

    Raises BenchError, before any run, where they are not available.
    """
    if own.is_own(source):
        raise _untrained(source)
    if isinstance(pretrained, Path):
        networks.build(source, 2, channels, size, pretrained)
    else:
        networks.fetch(source)


def build(
    source: str,
    num_classes: int,
    channels: int,
    input_size: int,
    *,
    seed: int,
    pretrained: bool | Path = False,
    rgb: bool = False,
) -> Backbone:
    """A backbone with weights drawn from `seed`; gray images stay one channel unless `rgb`.

    `pretrained` are weights that timm has, or a file of them (`bench.backbone.weights`).
    """
    in_channels = 3 if rgb else channels
    torch.manual_seed(seed)
    if not own.is_own(source):
        return networks.build(source, num_classes, in_channels, input_size, pretrained)
    if pretrained:
        raise _untrained(source)
    return own.build(source, num_classes, in_channels, input_size)


def _untrained(source: str) -> BenchError:
    return BenchError(f"{source} has no pretrained weights; set pretrained=false")
