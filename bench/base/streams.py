"""Named random streams of a run.

`subset`, `init` and `order` know nothing of the method, so that two methods at one seed share the
training images, the initial weights and the order of batches: a paired test is one. A method's
own draws come from a stream of its own.
"""

import hashlib
from dataclasses import dataclass

import numpy as np


def stream(*names: str | int | float) -> int:
    """A seed (0 to 2**63 - 1) that depends on the names alone, on every machine alike."""
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    sequence = np.random.SeedSequence(np.frombuffer(digest, np.uint32).tolist())
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))


@dataclass(frozen=True)
class Streams:
    """The seeds of one run, one for each source of chance."""

    dataset: str
    ratio: float
    backbone: str
    method: str
    seed: int

    @property
    def subset(self) -> int:
        """Which training images: the same for every ratio, so that smaller subsets are nested."""
        return stream("subset", self.dataset, self.seed)

    @property
    def init(self) -> int:
        """The initial weights of the backbone."""
        return stream("init", self.dataset, self.backbone, self.seed)

    @property
    def order(self) -> int:
        """The order of batches."""
        return stream("order", self.dataset, self.ratio, self.seed)

    @property
    def dropout(self) -> int:
        """What the backbone itself draws in training (dropout, stochastic depth)."""
        return stream("dropout", self.dataset, self.backbone, self.seed)

    @property
    def augment(self) -> int:
        """The method's own draws."""
        return stream("augment", self.dataset, self.ratio, self.backbone, self.method, self.seed)
