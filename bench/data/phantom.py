"""Phantoms: small synthetic sets, one for each task, in MedMNIST's layout.

A image is a patchy background with one or more bright bumps and noise; how bright a bump is, or
its colour, depends on the label, with overlap between the labels and with some labels wrong. So a
small network learns them, but not perfectly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.base.streams import stream
from bench.base.task import Task

COUNTS = {"train": 400, "val": 100, "test": 200}
NOISE = 0.15
PATCHES = 4

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """What is painted on N images: K bumps each, and the labels they show."""

    places: Floats
    """Centres of the bumps, (N, K, 2) in [0, 1]."""
    tints: Floats
    """What the bumps add at their centres, (N, K, channels)."""
    labels: npt.NDArray[np.int64]
    """(N, 1), or (N, L) of 0 and 1."""


@dataclass(frozen=True)
class Phantom:
    """A kind of phantom: its task, its labels, and how its scenes are drawn."""

    task: Task
    channels: int
    labels: tuple[str, ...]
    draw: Callable[[np.random.Generator, int], Scene]

    def arrays(self, name: str, size: int) -> dict[str, npt.NDArray[Any]]:
        """The six arrays of an npz, at `size` pixels; the same at every call."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        for split, count in COUNTS.items():
            rng = np.random.default_rng(stream("phantom", name, split))
            scene = self.draw(rng, count)
            arrays[f"{split}_images"] = _paint(scene, size, rng)
            arrays[f"{split}_labels"] = scene.labels.astype(np.uint8)
        return arrays


def _paint(scene: Scene, size: int, rng: np.random.Generator) -> Bytes:
    """Images (N, size, size), or (N, size, size, 3)."""
    count, _, channels = scene.tints.shape
    at = (np.arange(size) + 0.5) / size
    patch = np.arange(size) * PATCHES // size
    background = rng.uniform(0.15, 0.35, (count, PATCHES, PATCHES, 1))
    images = np.empty((count, size, size, channels), np.uint8)
    for i in range(count):
        image = background[i][np.ix_(patch, patch)] + np.zeros(channels)
        for (x, y), tint in zip(scene.places[i], scene.tints[i], strict=True):
            squared = np.square(at - y)[:, None] + np.square(at - x)
            image += np.maximum(0, 1 - squared / 0.04)[..., None] * tint
        image += rng.uniform(-NOISE, NOISE, image.shape)
        images[i] = np.clip(image, 0, 1) * 255
    return images if channels > 1 else images[..., 0]


def _places(rng: np.random.Generator, count: int) -> Floats:
    return rng.uniform(0.3, 0.7, (count, 1, 2))


def _mislabel(
    rng: np.random.Generator, labels: npt.NDArray[np.int64], classes: int
) -> npt.NDArray[np.int64]:
    """A tenth of the labels drawn anew, as (N, 1)."""
    wrong = rng.random(len(labels)) < 0.1
    return np.where(wrong, rng.integers(classes, size=len(labels)), labels)[:, None]


def _binary(rng: np.random.Generator, count: int) -> Scene:
    bright = rng.choice(2, count, p=[0.4, 0.6])
    tints = 0.15 + 0.25 * bright + rng.uniform(-0.2, 0.2, count)
    return Scene(_places(rng, count), tints.reshape(-1, 1, 1), _mislabel(rng, bright, 2))


def _multiclass(rng: np.random.Generator, count: int) -> Scene:
    colours = np.array([[0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.2, 0.2, 0.6], [0.5, 0.5, 0.1]])
    colour = rng.choice(4, count, p=[0.3, 0.3, 0.2, 0.2])
    tints = colours[colour] + rng.uniform(-0.3, 0.3, (count, 3))
    return Scene(_places(rng, count), tints[:, None], _mislabel(rng, colour, 4))


def _ordinal(rng: np.random.Generator, count: int) -> Scene:
    grade = rng.choice(5, count, p=[0.3, 0.2, 0.2, 0.15, 0.15])
    strength = 0.18 * grade + rng.uniform(-0.12, 0.12, count)
    tints = strength[:, None] * np.array([1.0, 0.8, 0.6])
    return Scene(_places(rng, count), tints[:, None], _mislabel(rng, grade, 5))


def _multilabel(rng: np.random.Generator, count: int) -> Scene:
    """One place for each finding; whether it is there is how bright it is."""
    centres = np.array([[0.25, 0.25], [0.75, 0.25], [0.5, 0.5], [0.25, 0.75], [0.75, 0.75]])
    places = centres + rng.uniform(-0.06, 0.06, (count, 5, 2))
    present = rng.random((count, 5)) < [0.45, 0.4, 0.35, 0.3, 0.25]
    tints = 0.15 + 0.25 * present + rng.uniform(-0.2, 0.2, (count, 5))
    wrong = rng.random(present.shape) < 0.05
    return Scene(places, tints[..., None], (present ^ wrong).astype(np.int64))


PHANTOMS = {
    "phantom-binary": Phantom(Task.BINARY, 1, ("dim", "bright"), _binary),
    "phantom-multiclass": Phantom(
        Task.MULTICLASS, 3, ("red", "green", "blue", "yellow"), _multiclass
    ),
    "phantom-ordinal": Phantom(
        Task.ORDINAL, 3, ("grade 0", "grade 1", "grade 2", "grade 3", "grade 4"), _ordinal
    ),
    "phantom-multilabel": Phantom(
        Task.MULTILABEL,
        1,
        ("upper left", "upper right", "middle", "lower left", "lower right"),
        _multilabel,
    ),
}
