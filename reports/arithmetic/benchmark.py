"""A paper's accuracies beside those of MedMNIST's own benchmark (no augmentation)."""

from collections.abc import Iterable, Sequence

from reports.arithmetic.finding import Finding
from reports.published.printed import Printed


def other_metric(table: Printed, column: str, benchmark: Printed, positive: float) -> Finding:
    """Accuracies of a multi-label set that lie below what no network at all would get.

    MedMNIST's ACC of such a set is the share of right labels. Where a share `positive` of them is
    positive, answering "no" to every one gets 1 - `positive`.
    """
    values = table.means(table.rows, [column])
    low, high = min(v.value for v in values), max(v.value for v in values)
    reference = [number.value for number in benchmark.means(benchmark.rows, [column])]
    none = 100 * (1 - positive)
    below = high < min(*reference, none)
    return Finding(
        "metric",
        table.name,
        column,
        "implausible" if below else "consistent",
        f"ACC on {column} is {low:g} to {high:g}. By MedMNIST's definition (share of right labels) "
        f"its benchmark has {min(reference):g} to {max(reference):g} for every ResNet, and "
        f'answering "no finding" to every label has {none:.1f}'
        + (": these are values of another metric." if below else "."),
    )


def below_benchmark(
    table: Printed, rows: Iterable[str], benchmark: Printed, networks: Sequence[str], leave: str
) -> Finding:
    """Cells below the accuracy of every one of these plain networks, beyond rounding."""
    columns = [c for c in table.part_columns if c in benchmark.columns and c != leave]
    cells = [(row, column) for row in rows for column in columns]
    lowest = {
        column: min(n.unrounded.low for n in benchmark.means(networks, [column]))
        for column in columns
    }
    below = [(r, c) for r, c in cells if table.entries[r, c].mean.unrounded.high < lowest[c]]
    deepest: dict[str, tuple[float, str]] = {
        column: min((table.entries[r, c].mean.value, r) for r, c in below if c == column)
        for column in dict.fromkeys(column for _, column in below)
    }
    examples = "; ".join(
        f"{row} on {column} {value:g} against "
        f"{min(number.value for number in benchmark.means(networks, [column])):g}"
        for column, (value, row) in deepest.items()
    )
    names = " and ".join(networks)
    return Finding(
        "benchmark",
        table.name,
        ", ".join(deepest or columns),
        "note" if below else "consistent",
        f"{len(below)} of {len(cells)} cells ({leave} left out) lie below the ACC of {names} "
        f"without augmentation" + (f", furthest {examples}." if below else "."),
    )
