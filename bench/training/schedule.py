"""Schedule: steps, epochs, batches and learning rate of a run."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.base.errors import BenchError
from bench.base.streams import stream
from bench.grid.protocol import SMALLEST_BATCH, Protocol


class Schedule:
    """What a protocol makes of so many training images."""

    def __init__(
        self, images: int, protocol: Protocol, chances: NDArray[np.float64] | None = None
    ) -> None:
        """`chances` (images,) are those of each image to be drawn; None: each once an epoch."""
        self._chances = chances
        whole, rest = divmod(images, protocol.batch_size)
        self.images = images
        self.protocol = protocol
        self.per_epoch = whole + (rest >= SMALLEST_BATCH)
        if not self.per_epoch:
            raise BenchError(f"{images} training images: expected at least {SMALLEST_BATCH}")
        self.steps = protocol.steps or (protocol.epochs or 0) * self.per_epoch
        self.epochs = math.ceil(self.steps / self.per_epoch)

    def batches(
        self, seed: int, epoch: int, device: str | torch.device = "cpu"
    ) -> Iterator[tuple[int, Tensor]]:
        """The steps of an epoch with the indices of their images, moved to the device at once.

        They depend on seed and epoch alone.
        """
        rng = np.random.default_rng(stream(seed, epoch))
        if self._chances is None:
            order = rng.permutation(self.images)
        else:
            order = rng.choice(self.images, self.images, p=self._chances)
        first = epoch * self.per_epoch
        batches = torch.from_numpy(order).to(device).split(self.protocol.batch_size)
        yield from enumerate(batches[: self.per_epoch][: self.steps - first], first)

    def lr(self, step: int) -> float:
        """Linear warm-up (its last step has the full rate), then the protocol's schedule."""
        protocol = self.protocol
        warmup = round(protocol.warmup_epochs * self.per_epoch)
        if step < warmup:
            return protocol.lr * (step + 1) / warmup
        if protocol.schedule == "cosine":
            fraction = (step - warmup) / max(1, self.steps - warmup)
            return protocol.lr * 0.5 * (1 + math.cos(math.pi * fraction))
        passed = sum(step >= milestone * self.per_epoch for milestone in protocol.milestones)
        return protocol.lr * float(protocol.gamma**passed)
