"""Readings of a publication: does its conclusion hang on how its open points are read?"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from statistics import fmean

from reports import cells, table
from reports.output import Output, Rows
from reports.results import Measured
from reports.specification import ACCEPTED, DEFAULT, Outcome, Specification, Values, analyse, tally
from reports.stats import ALPHA, Comparison, summarise
from reports.table import DASH, MISSING, Row, Table


def build(
    measured: Measured,
    method: str,
    metric: str,
    reference: str = "none",
    notes: Sequence[str] = (),
) -> Output:
    """The readings as a table, sorted by effect; what has a run missing is a dash, and last."""
    found = analyse(measured, method, metric, reference)
    title = f"Readings of {found.method}: {metric.upper()} (%), mean ± SD over"
    return Output(
        f"readings-{found.method}-{metric}",
        Table(
            title=f"{title} {len(found.seeds)} seeds; {found.where}",
            columns=(
                "reading",
                "what it changes",
                metric.upper(),
                f"− {DEFAULT}",
                f"− {reference}",
                "95 % interval",
                "accepted",
            ),
            rows=tuple(_row(found, outcome) for outcome in found.outcomes),
            notes=(*_notes(found), *notes),
            label=f"tab:readings-{metric}",
            data=found.data,
        ),
        _tidy(measured, found),
        _tests(found),
    )


def _row(found: Specification, outcome: Outcome) -> Row:
    effect = outcome.to_reference
    changed = [f"{reading.ambiguity} {reading.title}" for reading in outcome.readings]
    return Row(
        outcome.name,
        (
            changed[0] if len(changed) == 1 else f"{len(changed)} ambiguities" if changed else "",
            cells.cell(outcome.values, found.seeds),
            _difference(outcome.to_default),
            _difference(effect),
            f"[{_points(effect.low)}, {_points(effect.high)}]" if effect else DASH,
            cells.cell(outcome.accepted, found.seeds, decimals=0),
        ),
    )


def _difference(comparison: Comparison | None) -> table.Cell:
    if comparison is None:
        return MISSING
    mark = "*" if comparison.p_holm < ALPHA else ""
    detail = f"p = {comparison.p:.3g}, Holm {comparison.p_holm:.3g}"
    return table.Cell(comparison.difference, mark=mark, detail=detail, decimals=2)


def _points(fraction: float) -> str:
    return f"{100 * fraction:z.2f}".replace("-", "−")


def _notes(found: Specification) -> list[str]:
    notes = [
        "* differs: paired t-test over seeds, Holm over all readings of the column, "
        f"p < {ALPHA:g}; the interval is that of one comparison.",
        "Joint readings change several ambiguities at random; the tidy CSV has their parameters. "
        "Accepted: the offsets that pass the filter, %.",
    ]
    if found.effects:
        notes = [conclusion(found), *notes]
    if found.baseline:
        notes.append(_baseline(found))
    default = found.default
    equal = [o.name for o in found.outcomes if o is not default and o.values == default.values]
    if default.values and equal:
        notes.append(f"Equal to the default at every seed: {', '.join(equal)}.")
    gaps = ", ".join(f"{name} {done}" for name, done in found.gaps.items())
    if gaps:
        notes.append(f"Seeds done where one is missing, of {len(found.seeds)}: {gaps}.")
    return notes


def conclusion(found: Specification) -> str:
    """How far a difference from the reference hangs on the reading. BenchError without effects."""
    t = tally(found.effects)
    default = found.default.to_reference
    return (
        f"{t.positive} of {t.readings} readings are above {found.reference}, {t.better} "
        f"significantly; {t.worse} significantly below. Median effect {_points(t.median)} points, "
        f"range {_points(t.lowest)} to {_points(t.highest)}"
        f"{f', default {_points(default.difference)}' if default else ''}."
    )


def _baseline(found: Specification) -> str:
    summary = summarise(found.baseline.values())
    return (
        f"{found.reference}: {100 * summary.mean:.1f} over {summary.n} seeds; all readings are "
        "compared with these same runs, so their effects are not independent."
    )


def _tidy(measured: Measured, found: Specification) -> Rows:
    """A row a reading and place, the reference last."""
    values, accepted = measured.values(f"metrics.{found.metric}"), measured.values(ACCEPTED)
    reference = found.places[0].method
    choices = [
        *((o.name, o.kind, o.choice, o.readings) for o in found.outcomes),
        (found.reference, "reference", reference, ()),
    ]
    return [
        {
            "reading": name,
            "kind": kind,
            "changes": " ".join(reading.ambiguity for reading in readings),
            "method": choice.label,
            "dataset": place.dataset,
            "backbone": place.backbone,
            "ratio": place.ratio,
            "metric": found.metric,
            "data": found.data,
            **cells.numbers(values.get(replace(place, method=choice), {}), found.seeds),
            "accept_rate": _mean(accepted.get(replace(place, method=choice), {})),
        }
        for name, kind, choice, readings in choices
        for place in found.places
    ]


def _mean(values: Values) -> float | None:
    return fmean(values.values()) if values else None


def _tests(found: Specification) -> Rows:
    """A row a comparison, of means over all places."""
    return [
        {
            "reading": outcome.name,
            "method": outcome.choice.label,
            "reference": reference,
            "metric": found.metric,
            "data": found.data,
            **asdict(comparison),
        }
        for outcome in found.outcomes
        for reference, comparison in (
            (found.method, outcome.to_default),
            (found.reference, outcome.to_reference),
        )
        if comparison
    ]
