"""GRIM for anybody's table: an accuracy is a count over the images of a known test split."""

import re
from collections.abc import Mapping

import numpy as np

from bench.base.errors import unknown
from bench.data.catalogue import NAMES, medmnist_entry
from reports.arithmetic.finding import Finding, Severity
from reports.arithmetic.granularity import has_multiple, whole
from reports.published.numbers import Number
from reports.published.printed import Printed
from reports.published.quantities import METRIC, OTHER, metric

CHECK = "granularity"
MOST_RUNS = 30
RUNS = np.arange(1, MOST_RUNS + 1)
MULTILABEL = "chest"
"""Its accuracy is a mean over labels, too."""


def grim(table: Printed, runs: int | None, images: Mapping[str, int]) -> list[Finding]:
    """Whether each mean can be one of accuracies on as many images, of `runs` runs.

    `images` are those of columns by name; a column named as a set of MedMNIST, if it may hold
    accuracies, has that of its test split. Where `runs` is not known, or nothing says that the
    column holds accuracies, what cannot be is a note. Raises BenchError for an unknown column.
    """
    for column in images:
        if column not in table.columns:
            raise unknown("column of numbers", column, table.columns)
    found = []
    for column in table.columns:
        count = images.get(column) or _images(column)
        if count and column not in table.averages and _may_be_accuracy(table, column):
            sure = column in images or "acc" in (metric(column), metric(table.name))
            found.append(_judged(table, column, count, runs, sure))
    return found


def _judged(table: Printed, column: str, images: int, runs: int | None, sure: bool) -> Finding:
    means = {row: e.mean for (row, name), e in table.entries.items() if name == column}
    top = whole(list(means.values()))
    possible = {row: RUNS[has_multiple(mean, top / (RUNS * images))] for row, mean in means.items()}
    common = sorted(set(RUNS.tolist()).intersection(*map(set, possible.values())))
    n = runs or (common[0] if common else 1)
    wrong = [row for row, mean in means.items() if not has_multiple(mean, top / (n * images))]
    subject = "" if sure else "If these are accuracies: "
    if not wrong:
        said = f"every mean can be one of {n} accuracies on {images} images; {_counts(common)}"
        return Finding(CHECK, table.name, column, "consistent", _sentence(subject, said))
    shown = ", ".join(f"{_text(means[row])} ({row})" for row in wrong[:4])
    more = f" and {len(wrong) - 4} more" if len(wrong) > 4 else ""
    said = (
        f"{shown}{more} is no mean of {n} accuracies on {images} images, multiples of "
        f"{top / (n * images):.3g}; {_counts(common)}"
    )
    severity: Severity = "contradiction" if sure and runs else "note"
    where = f"{', '.join(wrong)}, {column}"
    return Finding(CHECK, table.name, where, severity, _sentence(subject, said))


def _counts(common: list[int]) -> str:
    """The numbers of runs that all means of a column can be of."""
    if not common:
        return f"no single number of runs up to {MOST_RUNS} gives all means of the column"
    if len(common) > MOST_RUNS // 2:
        return f"the digits hardly tell how many runs there were (least {common[0]})"
    return f"all means of the column can be of {', '.join(map(str, common))} runs"


def _may_be_accuracy(table: Printed, column: str) -> bool:
    """Whether no name says that these are something else."""
    said = metric(column) or metric(table.name)
    return said in (None, "acc") and not OTHER.search(column)


def _images(column: str) -> int | None:
    """Of the test split of the MedMNIST set that a column is named as."""
    plain = METRIC.sub("", column).strip(" -_()%").lower()
    name = re.sub(r"mnist$", "", plain)
    if name not in NAMES or name == MULTILABEL:
        return None
    return int(medmnist_entry(name)["n_samples"]["test"])


def _text(number: Number) -> str:
    return f"{number.value:g}"


def _sentence(subject: str, said: str) -> str:
    text = f"{subject}{said}."
    return text[0].upper() + text[1:]
