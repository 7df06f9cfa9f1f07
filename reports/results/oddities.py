"""Runs that a reader should know of: those that predict one class only, and outliers of their cell.

They are marked and counted like all others; none is ever left out.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.base.errors import BenchError
from bench.base.task import Task
from bench.grid.cell import Run
from bench.grid.notation import parts
from bench.metrics import decisions
from bench.stats.paired import OUTLYING, outlying
from bench.study import Study
from reports.results.results import Results
from reports.results.wording import ranges

Odd = dict[tuple[str, str], list[int]]
"""Seeds by method and dataset."""
MARK = "†"
MANY = 12
"""Runs of which a note gives the number in place of the seeds."""


@dataclass(frozen=True)
class Oddities:
    """Such runs of some results."""

    one_class: Odd = field(default_factory=dict)
    far: Odd = field(default_factory=dict)
    untaught: Odd = field(default_factory=dict)
    """The cells of which every run predicts one class."""

    def mark(self, method: str, datasets: Iterable[str], seeds: Collection[int]) -> str:
        """† where one of them is behind a cell of the method, over these datasets and seeds."""
        found = (odd.get((method, d), ()) for d in datasets for odd in (self.one_class, self.far))
        return MARK if any(seed in seeds for each in found for seed in each) else ""

    def sentences(self) -> list[str]:
        """What the mark means, and which runs it is about, where there are some."""
        return explained({"": self})


NOTHING_ODD = Oddities()


def of(study: Study, found: Iterable[Results]) -> Oddities:
    """Those of all these results."""
    odd = Oddities()
    for results in found:
        one_class, untaught = of_one_class(study, results)
        for kind, more in (
            (odd.one_class, one_class),
            (odd.far, far_off(results)),
            (odd.untaught, untaught),
        ):
            for place, seeds in more.items():
                kind[place] = sorted({*kind.get(place, ()), *seeds})
    return odd


def explained(parts: Mapping[str, Oddities]) -> list[str]:
    """What † means in a table of several parts, such as `20%`, named before their runs."""
    kinds = {
        "predicts one class only": {where: odd.one_class for where, odd in parts.items()},
        f"is an outlier, more than {OUTLYING:g} robust SDs from the median of its seeds": {
            where: odd.far for where, odd in parts.items()
        },
    }
    said = [f"{kind} ({runs})" for kind, odd in kinds.items() if (runs := _of_parts(odd))]
    if not said:
        return []
    untaught = _of_parts({where: odd.untaught for where, odd in parts.items()})
    warning = (
        f" Where all runs predict one class ({untaught}), no verdict says anything of methods."
    )
    return [
        f"{MARK} holds a run that {', or that '.join(said)}. None is left out."
        + (warning if untaught else "")
    ]


def _of_parts(parts: Mapping[str, Odd]) -> str:
    return "; ".join(_in(where, odd) for where, odd in parts.items() if odd)


def _in(where: str, odd: Odd) -> str:
    return f"{where}: {named(odd)}" if where else named(odd)


def named(odd: Odd) -> str:
    """`mixup on breast seed 0–2, cutmix on breast seed 1` or, of many, `13 runs on breast`."""
    counts = Counter(d for (_, d), seeds in odd.items() for _ in seeds)
    if counts.total() > MANY:
        return ", ".join(f"{count} runs on {dataset}" for dataset, count in counts.items())
    return ", ".join(f"{m} on {d} seed {ranges(s)}" for (m, d), s in odd.items())


def far_off(results: Results) -> Odd:
    """The outliers of each cell."""
    found = {place: [*outlying(values)] for place, values in results.values.items()}
    return {place: seeds for place, seeds in found.items() if seeds}


def of_one_class(study: Study, results: Results) -> tuple[Odd, Odd]:
    """The seeds with a run that predicts one class for every test image, and those of the places
    where every run does, under each backbone of a combination.
    """
    found: dict[tuple[str, str], list[tuple[int, bool]]] = {}
    for run, record in study.measured.records.items():
        cell = run.cell
        place = cell.method.label, cell.dataset
        asked = cell.backbone in parts(results.backbone) and cell.ratio == results.ratio
        used = run.seed in results.values.get(place, ())
        if asked and used:
            one = predicts_one_class(study, run, record)
            found.setdefault(place, []).append((run.seed, one))
    seeds = {place: sorted({s for s, one in runs if one}) for place, runs in found.items()}
    one_class = {place: each for place, each in seeds.items() if each}
    return one_class, {p: s for p, s in one_class.items() if all(one for _, one in found[p])}


def predicts_one_class(study: Study, run: Run, record: Mapping[str, Any]) -> bool:
    """Read from the predictions, where the mean recall over classes is such that it could be."""
    recall = record["metrics"].get("balanced_acc")
    if run.cell.task is Task.MULTILABEL or recall is None or not _a_share(recall):
        return False
    with suppress(BenchError):
        scores, _ = study.arrays(run)
        return len(np.unique(decisions(scores, run.cell.task))) == 1
    return False


def _a_share(recall: float) -> bool:
    """Whether it is 0, or 1 of a whole number of classes."""
    return recall == 0 or (recall <= 0.5 and abs(1 / recall - round(1 / recall)) < 1e-6)
