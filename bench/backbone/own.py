"""Backbones of a user's own: a class in a file, or behind an entry point."""

import inspect
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.backbone.model import Backbone
from bench.backbone.networks import INPUT_SIZES, known
from bench.base import plugins
from bench.base.errors import BenchError
from bench.base.plugins import Plugin, Plugins

CLASSES = 3
"""Of the network that `check` builds."""


def _fits(member: Any) -> bool:
    if not (inspect.isclass(member) and issubclass(member, nn.Module)):
        return False
    signature = inspect.signature(member)
    try:
        signature.bind(num_classes=2, channels=3, input_size=28)
    except TypeError:
        return False
    return "num_classes" in signature.parameters


BACKBONES: Plugins[type[nn.Module]] = Plugins(
    kind="backbone",
    group="bench.backbones",
    wanted="nn.Module class that takes num_classes, channels and input_size",
    fits=_fits,
    own={},
)


class OwnBackbone(Backbone):
    """A network with `features(images) -> (B, d)` and `head(features) -> logits`."""

    def __init__(self, net: nn.Module, width: int, *rest: Any) -> None:
        super().__init__(net, *rest)
        self.feature_dim = width

    def penultimate(self, images: Tensor) -> Tensor:
        return torch.as_tensor(self.net.features(images.contiguous()))

    def head(self, features: Tensor) -> Tensor:
        """Logits (B, num_classes) of features."""
        return torch.as_tensor(self.net.head(features))


def is_own(source: str) -> bool:
    """Whether it is a file, or the name of an installed one that timm does not have."""
    return plugins.is_file(source) or (source in BACKBONES.names() and not known(source))


def find(source: str) -> Plugin[type[nn.Module]]:
    """The class, its name in records, and the digest of the file that defines it."""
    found = BACKBONES.find(source)
    if known(found.name):
        raise BenchError(f"{source}: timm has a backbone {found.name} already; rename the file")
    digest = found.digest or plugins.digest(Path(inspect.getfile(found.value)))
    return Plugin(found.name, found.value, digest)


def build(source: str, num_classes: int, channels: int, input_size: int) -> OwnBackbone:
    """With weights from the global generator; images are normalised with mean and std 0.5.

    Raises BenchError, one line, where the class does not do what a backbone must.
    """
    found = find(source)
    try:
        with plugins.no_exit():
            net: Any = found.value(
                num_classes=num_classes, channels=channels, input_size=input_size
            )
            width = _width(net, (2, channels, input_size, input_size), num_classes)
    except (Exception, SystemExit) as error:
        kind = "" if isinstance(error, TypeError | ValueError) else f"{type(error).__name__}: "
        reason = kind + plugins.said(error)
        raise BenchError(
            f"backbone {found.name} at {input_size} px, {channels} channels: {reason}"
        ) from None
    return OwnBackbone(net, width, input_size, [0.5] * channels, [0.5] * channels)


def check(source: str, size: int, channels: int) -> None:
    """Raises BenchError where it cannot be built, or cannot take `size`: then with what it can."""
    with torch.random.fork_rng():
        try:
            build(source, CLASSES, channels, size)
        except BenchError as error:
            works = (s for s in INPUT_SIZES if s > size and _builds(source, channels, s))
            larger = next(works, None)
            mend = f"; the smallest that works is --input-size {larger}" if larger else ""
            raise BenchError(f"{error}{mend}") from None


def _builds(source: str, channels: int, size: int) -> bool:
    try:
        build(source, CLASSES, channels, size)
    except BenchError:
        return False
    return True


def _width(net: Any, shape: tuple[int, ...], classes: int) -> int:
    """Of the features of blank images; TypeError or ValueError says what is wrong with them."""
    for name in ("features", "head"):
        if not callable(getattr(net, name, None)):
            raise TypeError(f"{type(net).__name__} has no {name}(); it needs features and head")
    net.eval()
    with torch.no_grad(), torch.random.fork_rng():
        features = net.features(torch.zeros(shape))
        if features.ndim != 2 or len(features) != shape[0]:
            raise ValueError(f"features() gives shape {tuple(features.shape)}, not ({shape[0]}, d)")
        logits = net.head(features)
    if logits.shape != (shape[0], classes):
        raise ValueError(f"head() gives shape {tuple(logits.shape)}, not ({shape[0]}, {classes})")
    net.train()
    return int(features.shape[1])
