"""Backbone: a network as a classifier on images in [0, 1], split into features and head."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from bench.base.split import resized
from methods.method import Classifier


class Backbone(Classifier, ABC):
    """A network behind its own preparation of images (B, C, H, W) in [0, 1].

    It resizes to `input_size` (bilinear) where the images have another size, repeats gray images
    where the network takes three channels, and normalises with the network's mean and std.
    `images_seen` counts the images that went through it with gradients on.
    """

    mean: Tensor
    std: Tensor
    feature_dim: int
    """Width of the features."""

    def __init__(self, net: Any, input_size: int, mean: list[float], std: list[float]) -> None:
        """`mean` and `std` have an entry for each channel that the network takes."""
        super().__init__()
        self.net = net
        self.input_size = input_size
        self.in_channels = len(mean)
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), persistent=False)
        self.images_seen = 0

    @abstractmethod
    def penultimate(self, images: Tensor) -> Tensor:
        """The network's features of normalised images of its size."""

    def features(self, images: Tensor) -> Tensor:
        """Penultimate features (B, feature_dim)."""
        if torch.is_grad_enabled():
            self.images_seen += len(images)
        images = resized(images, self.input_size)
        if images.shape[1] != self.in_channels:
            images = images.expand(-1, self.in_channels, -1, -1)
        return self.penultimate((images - self.mean) / self.std)
