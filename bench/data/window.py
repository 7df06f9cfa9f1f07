"""Windows: which values of deep images (16 bits, floats) become black and white."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bench.base.errors import BenchError
from bench.data.npz import Array

BOUND = re.compile(r"(p)?([-+]?(?:\d+\.?\d*|\.\d+))|min|max")


@dataclass(frozen=True)
class Window:
    """A low and a high bound: a number in the file's units, `pQ` a percentile, `min` or `max`."""

    low: str = "p0.5"
    high: str = "p99.5"

    @classmethod
    def parse(cls, text: str) -> "Window":
        """`"p0.5,p99.5"`, `"min,max"` or `"-160,240"`. Raises BenchError."""
        bounds = [bound.strip() for bound in text.split(",")]
        fit = [BOUND.fullmatch(bound) for bound in bounds]
        percents = [float(match[2]) for match in fit if match and match[1]]
        if len(bounds) != 2 or not all(fit) or any(not 0 <= p <= 100 for p in percents):
            raise BenchError(f"window {text!r}: write p0.5,p99.5 or min,max or two numbers")
        return cls(*bounds)

    def __str__(self) -> str:
        return f"{self.low},{self.high}"

    def limits(self, images: Iterable[Array]) -> tuple[float, float]:
        """What the bounds are on all pixels of these images together. Raises BenchError."""
        values = np.concatenate([image.ravel() for image in images])
        low, high = _bound(self.low, values), _bound(self.high, values)
        if not low < high:
            raise BenchError(
                f"window {self} is {low:g} to {high:g} here; give another --window, the lower "
                "bound first"
            )
        return low, high


def eight_bits(image: Array, low: float, high: float) -> Array:
    """uint8: `low` and below is 0, `high` and above 255, linear and rounded between."""
    scaled = np.clip((image.astype(np.float64) - low) / (high - low), 0, 1)
    return np.rint(scaled * 255).astype(np.uint8)


def _bound(text: str, values: Array) -> float:
    if text in ("min", "max"):
        return float(values.min() if text == "min" else values.max())
    if text.startswith("p"):
        return float(np.percentile(values, float(text[1:])))
    return float(text)
