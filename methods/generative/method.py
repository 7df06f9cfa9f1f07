"""GenerativeMethod: synthetic images of a generator that was trained on the run's subset alone."""

import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from bench.base.errors import BenchError
from bench.base.identity import identity
from bench.base.split import RESIDENT_BYTES, Split
from bench.base.streams import stream
from methods.generative.cache import Entry
from methods.generative.quality import quality
from methods.method import Classifier, Method, Parameters, Trial, Workspace

MOST_IMAGES = 10_000


class GenerativeMethod(Method, ABC):
    """Replaces round(share B) rows of every batch by synthetic images with their labels.

    `prepare` takes the set from the cache or makes it: once for all runs with the same subset,
    settings and generator seed, never across subsets. A subclass says how, in `make`.
    """

    zero = {"share": 0.0}
    libraries: ClassVar[tuple[str, ...]] = ("torch",)
    """The packages whose versions decide the generated images."""

    pool: Split
    """The generated set, once `prepare` has run."""

    class Params(Parameters):
        """What every generator has; all but `share` decide the generated set."""

        share: float = Field(0.5, ge=0, le=1)
        """ρ: the synthetic share of each batch; at 0 no generator is trained."""
        images: int | None = Field(None, ge=2)
        """How many to sample; None: as many as the subset has, at most 10,000 and 512 MiB."""
        generator_seed: Literal["per_run", "shared"] = "per_run"
        """A generator for each run, or one for all runs over the same subset."""

    params: Any

    @classmethod
    def space(cls, trial: Trial) -> None:
        """The synthetic share around our half; the AILS paper gives none.

        All else decides the generator: each value of it would train another one.
        """
        trial.suggest_float("share", 0.1, 0.7)

    @abstractmethod
    def make(
        self, train: Split, folder: Path, seed: int, report: Callable[[float], None]
    ) -> tuple[Split, dict[str, Any]]:
        """Train on `train`, sample, and return the set and facts for the record, as JSON.

        `folder` is for checkpoints (see `stage.finish`), `seed` the only source of chance, and
        `report` is told the finished fraction. The facts have `seconds`, a mapping of stages, and
        `generator_parameters`.
        """

    def recipe(self) -> dict[str, Any]:
        """All that decides the generated set, beside the data."""
        settings = identity(self.params)
        del settings["share"]
        shared = self.params.generator_seed == "shared"
        return {
            "method": type(self).__module__.rpartition(".")[2],
            "version": self.version,
            "settings": settings,
            "seed": None if shared else self.setting.seed,
            "libraries": {name: library_version(name) for name in self.libraries},
        }

    def prepare(self, train: Split, workspace: Workspace) -> Split:
        if self.params.share:
            data = {name: value for name, value in workspace.data.items() if name != "dataset"}
            entry = Entry(workspace.folder, {"data": data, "recipe": self.recipe()})
            kept = entry.load()
            pool, facts = kept or self._make(train, entry, workspace.report)
            self.pool = pool.to(self.setting.device)
            self.facts |= facts | {"generated_key": entry.key, "reused": kept is not None}
        return train

    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        count = round(self.params.share * len(images))
        if not count:
            return images, targets
        device = images.device
        rows = torch.randperm(len(images), generator=self.generator, device=device)[:count]
        picks = torch.randint(len(self.pool), (count,), generator=self.generator, device=device)
        picks = picks.to(self.pool.targets.device)
        labels = self.pool.targets[picks]
        labels = self.dense(labels) if targets.ndim == 2 else labels
        return (
            images.index_copy(0, rows, self.pool.images(picks).to(images)),
            targets.index_copy(0, rows, labels.to(targets)),
        )

    def illustrate(self, model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
        """For each image a synthetic one with its label; where there is none, any."""
        made = self.pool.targets
        picks = []
        for target in targets:
            same = made == target if made.ndim == 1 else (made == target).all(1)
            members = torch.nonzero(same)[:, 0] if same.any() else torch.arange(len(made))
            picks.append(members[torch.randint(len(members), (), generator=self.generator)])
        return self.pool.images(torch.stack(picks))

    def requested(self, targets: Tensor, seed: int) -> Tensor:
        """The labels to sample images for: rows of the subset's own targets, in random order.

        Each row comes equally often, up to one; so the classes, and in multi-label sets the
        findings that occur together, have the frequencies of the subset.
        """
        setting = self.setting
        most = min(MOST_IMAGES, RESIDENT_BYTES // (setting.image_size**2 * setting.channels))
        count = self.params.images or min(len(targets), most)
        generator = torch.Generator().manual_seed(seed)
        rounds = -(-count // len(targets))
        orders = [torch.randperm(len(targets), generator=generator) for _ in range(rounds)]
        return targets[torch.cat(orders)[:count]]

    def _make(
        self, train: Split, entry: Entry, report: Callable[[float], None]
    ) -> tuple[Split, dict[str, Any]]:
        """Make a set and keep it, unless another worker does or just did. Raises NotYetError."""
        with entry.lock():
            if kept := entry.load():
                return kept
            seed = stream("generator", entry.key)
            made, facts = self.make(train, entry.stages, seed, report)
            began = time.monotonic()
            facts["quality"] = quality(train, made, self.setting, stream(seed, "quality"))
            facts["seconds"]["quality"] = time.monotonic() - began
            facts["images"] = len(made)
            entry.save(made, facts)
            shutil.rmtree(entry.stages, ignore_errors=True)
            return made, facts


def library_version(name: str) -> str:
    """The version of an installed package. Raises BenchError."""
    try:
        return version(name)
    except PackageNotFoundError:
        raise BenchError(
            f"this method needs {name}, which is not installed; pip install medaug-bench[gen]"
        ) from None
