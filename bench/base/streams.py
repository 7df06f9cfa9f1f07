"""Named random streams of a run.

A stream comes from the seed, its own name and the data's fingerprint: no name or path of a dataset,
a method or a backbone. So at one seed all methods share the training images, the initial weights
and the order of batches, and where they can their own draws too: a paired test is one.
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
    """The seeds of one run, one for each source of chance; `data` is the dataset's fingerprint."""

    data: str
    seed: int

    @property
    def subset(self) -> int:
        """Which training images: the same for every ratio, so that smaller subsets are nested."""
        return self._named("subset")

    @property
    def init(self) -> int:
        """The initial weights of the backbone."""
        return self._named("init")

    @property
    def order(self) -> int:
        """The order of batches."""
        return self._named("order")

    @property
    def dropout(self) -> int:
        """What the backbone itself draws in training (dropout, stochastic depth)."""
        return self._named("dropout")

    @property
    def augment(self) -> int:
        """The method's own draws."""
        return self._named("augment")

    def _named(self, name: str) -> int:
        return stream(name, self.data, self.seed)
