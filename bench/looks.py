"""Seeds in steps: what is undecided at a look gets those of the next, what is decided no more.

The looks are declared with the selection (`Selection.looks`), the rules are those of
`bench.stats.verdict`, on the question of these images. What is to be done follows from the records
alone, so that a study resumes where it was stopped, under any engine.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from bench import metrics
from bench.base.errors import BenchError, unknown
from bench.grid.cell import Cell, Run
from bench.grid.notation import method_name
from bench.stats.paired import ALPHA, compare_all, pooled_sd
from bench.stats.power import pairs_needed
from bench.stats.sequential import nominal_levels
from bench.stats.verdict import UNDECIDED, Rule, judge
from bench.study import Study, failed

if TYPE_CHECKING:
    import pandas as pd

Column = Mapping[str, Cell]
"""The cells of one dataset, backbone and ratio, by method label."""
EFFECTS = (0.5, 1.0, 2.0)
"""True differences, in SDs of paired differences, for which a plan tells the runs."""
DRAWS = 4000


def until_decided(
    study: Study,
    run: Callable[[Study], None],
    metric: str = "acc",
    reference: str | None = None,
) -> None:
    """Run look after look, until every comparison is decided or has its last seeds.

    `run` does a part of the study with any engine. Raises BenchError where no looks are declared.
    """
    if not study.selection.looks:
        raise BenchError(
            "--until-decided needs looks that are declared beforehand: --looks 10,20,30"
        )
    tried: set[Run] = set()
    while to_do := [one for one in needed(study, metric, reference) if one not in tried]:
        run(study.only(to_do))
        tried |= set(to_do)
        study.refresh()


def needed(study: Study, metric: str = "acc", reference: str | None = None) -> list[Run]:
    """The runs, neither done nor failed, that undecided comparisons need at their next look.

    Methods are compared on each dataset and, where these are several, by their means over all.
    Both methods of a comparison need the runs; the reference is AILS, else the first.
    """
    columns = [*_columns(study)]
    wanted = {
        place
        for together in [*([column] for column in columns), *_of_several_sets(columns)]
        for place in _wanted(study, together, metric, reference)
    }
    out = study.measured.records.keys() | {one for one, _ in failed(study)}
    return [r for r in study.grid.runs if r not in out and (r.cell, r.seed) in wanted]


def _columns(study: Study) -> Iterator[Column]:
    def place(cell: Cell) -> tuple[str, str, float]:
        return cell.dataset, cell.backbone, cell.ratio

    cells = dict.fromkeys(run.cell for run in study.grid.runs)
    for _, column in groupby(sorted(cells, key=place), key=place):
        by_label = {cell.method.label: cell for cell in column}
        labels = dict.fromkeys(cell.method.label for cell in cells)
        yield {label: by_label[label] for label in labels if label in by_label}


def _of_several_sets(columns: Sequence[Column]) -> list[list[Column]]:
    """The columns of each backbone and ratio, where several datasets have them."""
    found: dict[tuple[str, float], list[Column]] = {}
    for column in columns:
        cell = next(iter(column.values()))
        found.setdefault((cell.backbone, cell.ratio), []).append(column)
    return [together for together in found.values() if len(together) > 1]


def _wanted(
    study: Study, columns: Sequence[Column], metric: str, reference: str | None
) -> set[tuple[Cell, int]]:
    """The cells and seeds of the next look of each undecided comparison of means over columns."""
    looks, seeds = study.selection.looks, study.selection.seeds
    cells = {
        label: [column[label] for column in columns]
        for label in columns[0]
        if all(label in column for column in columns)
    }
    name = chosen_reference(list(cells), reference)
    values = study.measured.values(f"metrics.{metric}")
    means = {label: _means([values[cell] for cell in found]) for label, found in cells.items()}
    rule = Rule.of(metrics.get(metric), study.selection.margin, looks)
    judged = judge(
        {label: (mean, means[name]) for label, mean in means.items() if label != name}, rule
    )
    wanted: set[tuple[Cell, int]] = set()
    for label in cells.keys() - {name}:
        one = judged.get(label)
        if one is None or one.verdict == UNDECIDED:
            later = [look for look in looks if one is None or look > one.n]
            ahead = seeds[: later[0]] if later else ()
            wanted |= {(cell, seed) for cell in cells[label] + cells[name] for seed in ahead}
    return wanted


def _means(columns: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """The mean at each seed that all columns have."""
    seeds = set.intersection(*(set(values) for values in columns))
    return {seed: fmean(values[seed] for values in columns) for seed in sorted(seeds)}


def at_a_look(
    values: dict[int, float], seeds: Sequence[int], looks: Sequence[int]
) -> dict[int, float]:
    """The values up to the last look whose seeds are all there; before the first all of them."""
    whole = [seeds[:n] for n in looks if set(seeds[:n]) <= values.keys()]
    return {seed: values[seed] for seed in whole[-1]} if whole else values


def chosen_reference(methods: Sequence[str], reference: str | None) -> str:
    """The reference asked for, else AILS, else the first. Raises BenchError where it is absent."""
    if reference is None:
        return next((m for m in methods if method_name(m) == "ails"), methods[0])
    if reference not in methods:
        raise unknown("reference method", reference, methods)
    return reference


def seeds_to_detect(
    study: Study, difference: float, metric: str = "acc", reference: str | None = None
) -> "pd.DataFrame":
    """How many `seeds` detect a true difference from the reference with 80 % power, a row for each
    dataset, backbone and ratio.

    `sd` is that of paired differences so far, pooled over the methods; the test is at Holm's first
    step. Both are None where no two methods have two seeds in common.
    """
    import pandas as pd

    values, rows = study.measured.values(f"metrics.{metric}"), []
    for column in _columns(study):
        name = chosen_reference(list(column), reference)
        family = compare_all({label: values[cell] for label, cell in column.items()}, name)
        sd = pooled_sd(family.values())
        level = ALPHA / max(1, len(column) - 1)
        seeds = None if np.isnan(sd) else pairs_needed(difference, sd, level)
        cell = column[name]
        rows.append((cell.dataset, cell.backbone, cell.ratio, sd if seeds else None, seeds))
    frame = pd.DataFrame(
        rows, columns=["dataset", "backbone", "ratio", "sd", "seeds"], dtype=object
    )
    return frame.where(frame.notna(), None)


def foreseen(study: Study) -> str:
    """The least and the most runs that looks take, and those expected at some true differences."""
    columns, looks = [*_columns(study)], study.selection.looks
    cells, compared = sum(map(len, columns)), max(len(column) - 1 for column in columns)
    seeds = [mean_seeds(looks, compared, effect) for effect in EFFECTS]
    references = len(columns)
    expected = [round(references * most + (cells - references) * mean) for mean, most in seeds]
    return (
        f"looks at {', '.join(map(str, looks))} seeds, with --until-decided: {cells * looks[0]:,} "
        f"runs at least, {cells * looks[-1]:,} at most; about "
        f"{', '.join(f'{runs:,} at {e:g} SD' for runs, e in zip(expected, EFFECTS, strict=True))} "
        f"of true differences{', each set by itself' * bool(_of_several_sets(columns))}"
    )


def mean_seeds(looks: Sequence[int], comparisons: int, effect: float) -> tuple[float, float]:
    """The seeds that a method gets where its true difference is so many SDs of paired differences,
    and those of the reference, which has as many as the last of its comparisons.

    By simulation, the same every time; each comparison at Holm's first step.
    """
    d = np.random.default_rng(0).normal(effect, 1, (DRAWS, looks[-1]))
    levels = nominal_levels(looks, ALPHA / max(1, comparisons))
    seeds = np.full(DRAWS, looks[-1])
    for n, level in reversed([*zip(looks, levels, strict=True)]):
        t = d[:, :n].mean(1) * np.sqrt(n) / d[:, :n].std(1, ddof=1)
        seeds[2 * special.stdtr(n - 1, -np.abs(t)) <= level] = n
    together = seeds[: DRAWS - DRAWS % max(1, comparisons)].reshape(-1, max(1, comparisons))
    return float(seeds.mean()), float(together.max(1).mean())
