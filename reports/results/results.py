"""A quantity of the finished runs of a study, by method, dataset and seed."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench import metrics
from bench.data.catalogue import Info
from bench.grid.cell import Run
from bench.grid.notation import parts
from bench.looks import at_a_look
from bench.metrics import Metric
from bench.stats.equivalence import MARGIN
from bench.stats.verdict import NO_METRIC, Rule
from bench.study import Study, mean_scores

Combine = Literal["mean", "ensemble"]
Influences = Callable[[str, str, int], NDArray[np.float64] | None]
PHANTOM = "phantom data, not MedMNIST"


def seed_means(columns: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """The mean over columns at each seed that has them all."""
    shared = set.intersection(*map(set, columns))
    return {seed: fmean(column[seed] for column in columns) for seed in sorted(shared)}


def complete(values: Mapping[int, float], seeds: Sequence[int]) -> bool:
    """Whether every seed that was asked for has a value; what has not is a dash, and no test."""
    return set(seeds) <= values.keys()


def whole(found: Iterable["Results"]) -> list[tuple[int, ...]]:
    """The seeds of each cell of several results that has all that it needs."""
    return [seeds for results in found for seeds in results.whole]


def so_many_seeds(counts: Collection[int]) -> str:
    """`10 seeds`, or `10 to 30 seeds`."""
    numbers = " to ".join(map(str, dict.fromkeys((min(counts), max(counts)))))
    return numbers + (" seed" if numbers == "1" else " seeds")


def over(datasets: Sequence[str]) -> str:
    """`on breast`, or `mean over breast, retina`."""
    return f"{'mean over' if len(datasets) > 1 else 'on'} {', '.join(datasets)}"


@dataclass(frozen=True)
class Results:
    """A quantity under one backbone (or combination) and ratio, for methods and datasets.

    `values` holds it (metrics as fractions) by (method label, dataset) and seed; a run that is not
    done, or where it is undefined, is absent, and so is one after the last look that was reached.
    `seeds` are those that a cell needs: all, or those of the first look. `images` gives, by method,
    dataset and seed, what the test images add to the metric (`Study.influence`).
    """

    quantity: str
    backbone: str
    ratio: float
    methods: tuple[str, ...]
    datasets: tuple[str, ...]
    seeds: tuple[int, ...]
    values: dict[tuple[str, str], dict[int, float]]
    infos: tuple[Info, ...] = ()
    """What is known of the datasets."""
    looks: tuple[int, ...] = ()
    margin: float = MARGIN
    images: Influences | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """The quantity without its path: `acc`."""
        return self.quantity.partition(".")[2] or self.quantity

    @property
    def metric(self) -> Metric:
        """What the quantity is. BenchError where it is no metric."""
        name = self.name
        return metrics.get(name.removeprefix("val_") if self.of_validation else name)

    @property
    def of_validation(self) -> bool:
        """Whether it is of the validation split, and not of the test images."""
        return self.quantity.startswith("validation.")

    @property
    def heading(self) -> str:
        """The metric with its unit and, unless it is the test split, the split."""
        where = "Validation " if self.of_validation else ""
        return where + self.metric.heading

    @property
    def rule(self) -> Rule:
        """How its comparisons are judged."""
        if not self.quantity.startswith(("metrics.", "validation.val_")):
            return Rule(None, self.looks, NO_METRIC)
        return Rule.of(self.metric, self.margin, self.looks)

    @property
    def whole(self) -> list[tuple[int, ...]]:
        """The seeds of each cell that has all that it needs."""
        return [tuple(v) for v in self.values.values() if complete(v, self.seeds)]

    def counts(self) -> list[int]:
        """The numbers of seeds of its whole cells, each once, rising."""
        return sorted({*map(len, self.whole)} or {len(self.seeds)})

    @property
    def over_seeds(self) -> str:
        """`10 seeds`, or `10 to 30 seeds`."""
        return so_many_seeds(self.counts())

    @property
    def phantom(self) -> bool:
        """Whether one of the datasets is a phantom."""
        return any(info.phantom for info in self.infos)

    def means(self, method: str) -> dict[int, float]:
        """The mean over all datasets at each seed that has them all."""
        return seed_means([self.values[method, dataset] for dataset in self.datasets])

    def complete(self, method: str, dataset: str) -> bool:
        """Whether every seed that was asked for has a value."""
        return complete(self.values[method, dataset], self.seeds)

    @property
    def over(self) -> str:
        """The datasets in words."""
        return over(self.datasets)


def collect(
    study: Study,
    backbone: str,
    ratio: float,
    quantity: str = "metrics.acc",
    combine: Combine = "mean",
) -> Results:
    """A quantity of the records of one backbone and ratio.

    A combination `a+b` has, at each seed, the mean over its backbones, or (`ensemble`, for metrics)
    the metric of the mean of their stored test probabilities.
    """
    members: dict[tuple[str, str], dict[int, list[Run]]] = {}
    for run in study.grid.runs:
        if run.cell.backbone in parts(backbone) and run.cell.ratio == ratio:
            place = run.cell.method.label, run.cell.dataset
            members.setdefault(place, {}).setdefault(run.seed, []).append(run)
    ensemble = combine == "ensemble" and len(parts(backbone)) > 1
    whole = _ensembles if ensemble else _means
    asked = tuple(dict.fromkeys(seed for by_seed in members.values() for seed in by_seed))
    looks = study.selection.looks
    values = {
        place: at_a_look(whole(study, by_seed, quantity), asked, looks)
        for place, by_seed in members.items()
    }
    methods = dict.fromkeys(method for method, _ in members)
    datasets = dict.fromkeys(dataset for _, dataset in members)
    return Results(
        quantity=quantity,
        backbone=backbone,
        ratio=ratio,
        methods=tuple(methods),
        datasets=tuple(datasets),
        seeds=asked[: looks[0]] if looks else asked,
        values={(m, d): values.get((m, d), {}) for m in methods for d in datasets},
        infos=tuple(info for info in study.grid.datasets if info.name in datasets),
        looks=looks,
        margin=study.selection.margin,
        images=_influences(study, members, quantity, ensemble),
    )


def _influences(
    study: Study,
    members: Mapping[tuple[str, str], Mapping[int, Sequence[Run]]],
    quantity: str,
    ensemble: bool,
) -> Influences | None:
    """Of a metric on the test split; of a combination the mean over its backbones, or that of the
    ensemble.
    """
    kind, _, name = quantity.partition(".")
    if kind != "metrics":
        return None

    def find(method: str, dataset: str, seed: int) -> NDArray[np.float64] | None:
        runs = members[method, dataset][seed]
        found = [study.influence(m, name) for m in ([runs] if ensemble else [[r] for r in runs])]
        each = [one for one in found if one is not None]
        return np.mean(each, axis=0) if len(each) == len(found) else None

    return find


def _means(study: Study, by_seed: Mapping[int, Sequence[Run]], quantity: str) -> dict[int, float]:
    """The mean over the runs of each seed that have it all."""
    measured = study.measured.values(quantity)
    found = {
        seed: [measured[run.cell][seed] for run in runs if seed in measured[run.cell]]
        for seed, runs in by_seed.items()
    }
    return {s: fmean(values) for s, values in found.items() if len(values) == len(by_seed[s])}


def _ensembles(
    study: Study, by_seed: Mapping[int, Sequence[Run]], quantity: str
) -> dict[int, float]:
    """The metric of the mean of the members' probabilities, at each seed that has them all."""
    found = {}
    for seed, runs in by_seed.items():
        if all(run in study.measured.records for run in runs):
            name = quantity.removeprefix("metrics.")
            value = metrics.compute(name, *mean_scores(map(study.arrays, runs)), runs[0].cell.task)
            if value is not None:
                found[seed] = value
    return found
