"""Readings of a publication: does its conclusion hang on how its open points are read?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean

from bench import metrics
from bench.base.errors import BenchError
from bench.base.words import slug
from bench.grid.readings import labels
from bench.stats.paired import ALPHA, summarise
from bench.stats.verdict import FEWEST, Judged
from bench.store.measured import Measured
from bench.study import Study
from reports.results import oddities
from reports.results.oddities import NOTHING_ODD, Oddities
from reports.results.results import collect, whole
from reports.results.specification import (
    DEFAULT,
    HARDLY,
    Outcome,
    SignFlip,
    Specification,
    Tally,
    Values,
    accept_rates,
    analyse,
    sign_flip,
    tally,
)
from reports.results.tidy import Rows, numbers
from reports.results.wording import footnotes
from reports.tables import cells, table
from reports.tables.output import Output
from reports.tables.table import DASH, MISSING, Row, Table

NOT_VARIED = (
    "Not varied: what the protocol and the selection decide (optimiser, schedule, epochs, batch "
    "size, backbone), and how numbers are reported."
)
ON_REJECTED = {"on_filtered"}
"""The parameter that matters to rejected offsets alone."""


def build(
    measured: Measured,
    method: str,
    metric: str,
    reference: str = "none",
    odd: Oddities = NOTHING_ODD,
    origin: Sequence[str] = (),
) -> Output:
    """The readings as a table, sorted by effect; what has a run missing is a dash, and last."""
    found = analyse(measured, method, metric, reference)
    shown = metrics.get(metric)
    title = f"Readings of {found.method}: {shown.heading}, mean ± SD over"
    return Output(
        f"readings-{found.method}-{metric}",
        Table(
            title=f"{title} {len(found.seeds)} seeds; {found.where}",
            columns=(
                "reading",
                "what it changes",
                shown.title,
                f"− {DEFAULT}",
                f"− {reference}",
                "95 % interval",
                "accepted",
            ),
            rows=tuple(_row(found, outcome, odd) for outcome in found.outcomes),
            answer=(conclusion(found),) if found.effects else (),
            notes=(*_notes(found), *odd.sentences()),
            origin=tuple(origin),
            label=f"tab:readings-{slug(shown.name)}",
            data=found.data,
        ),
        _tidy(measured, found),
        _tests(found),
    )


@dataclass(frozen=True)
class Readings:
    """Which readings are compared: those of a method, `sample` joint ones among them, by a metric,
    with a reference method.
    """

    method: str
    sample: int = 20
    metric: str = "acc"
    reference: str = "none"

    def study(self, study: Study) -> Study:
        """The study with the readings that matter to its datasets, and the reference."""
        if metrics.get(self.metric).scale != 100:
            raise BenchError(f"readings compare metrics in percent, and {self.metric} is none")
        given = {"method": self.method, "sample": self.sample, "metric": self.metric}
        given["reference"] = self.reference
        tasks = {info.task for info in study.grid.datasets}
        chosen = (*labels(self.method, self.sample, tasks), self.reference)
        options = "".join(f" --{name} {value}" for name, value in given.items())
        return replace(study, methods=None).about(
            lambda selection: selection.model_copy(update={"methods": chosen}),
            f"readings{options}",
            named_last=False,
        )


def output(study: Study, asked: Readings) -> Output:
    """`build`, of what is measured in a study."""
    found = [
        collect(study, backbone, ratio, f"metrics.{asked.metric}")
        for backbone in study.backbone_labels
        for ratio in study.measured.ratios
    ]
    origin = footnotes(study, study.backbone_labels, whole(found))
    odd = oddities.of(study, found)
    return build(study.measured, asked.method, asked.metric, asked.reference, odd, origin)


def _row(found: Specification, outcome: Outcome, odd: Oddities) -> Row:
    effect = outcome.to_reference
    changed = [f"{reading.ambiguity} {reading.title}" for reading in outcome.readings]
    return Row(
        outcome.name,
        (
            changed[0] if len(changed) == 1 else f"{len(changed)} readings" if changed else "",
            cells.marked(
                cells.cell(outcome.values, found.seeds, **metrics.get(found.metric).form),
                odd.mark(outcome.choice.label, [p.dataset for p in found.places], outcome.values),
            ),
            "=" if outcome.equals == DEFAULT else _difference(outcome.to_default),
            _difference(effect),
            _interval(effect) if effect and effect.has_interval else DASH,
            cells.cell(outcome.accepted, found.seeds, decimals=0),
        ),
    )


def _difference(comparison: Judged | None) -> table.Cell:
    if comparison is None:
        return MISSING
    mark = "*" if comparison.differs else ""
    detail = f"p = {comparison.p:.3g}, Holm {comparison.p_holm:.3g}"
    return table.Cell(comparison.difference, mark=mark, detail=detail, decimals=2)


def _interval(effect: Judged) -> str:
    return f"[{_points(effect.low)}, {_points(effect.high)}]"


def _points(fraction: float) -> str:
    return f"{100 * fraction:z.2f}".replace("-", "−")


def _notes(found: Specification) -> list[str]:
    notes = [
        "* differs: paired t-test over seeds, Holm over all different outcomes of the column, "
        f"p < {ALPHA:g}; the interval is that of one comparison, a dash where all seeds differ "
        "alike.",
        "Joint readings change several switches at random; the tidy CSV has their parameters. "
        "Accepted: the offsets that pass the filter in the selected epoch, %; a dash where there "
        "is none.",
        NOT_VARIED,
    ]
    if found.baseline:
        notes.append(_baseline(found))
    notes += [*_equal(found), *_drawn_again(found), *_closed(found)]
    gaps = ", ".join(f"{name} {done}" for name, done in found.gaps.items())
    if gaps:
        notes.append(f"Seeds done where one is missing, of {len(found.seeds)}: {gaps}.")
    return notes


def conclusion(found: Specification) -> str:
    """How far a difference from the reference hangs on the reading. BenchError without effects."""
    t, joint = tally(found), sign_flip(found.differences)
    return f"{_headline(found, t, joint)} {_caution(found, t, joint)}"


def _headline(found: Specification, t: Tally, joint: SignFlip) -> str:
    default = found.default.to_reference
    p = (
        f"joint sign-flip p = {joint.median:.2g}; with {len(found.seeds)} seeds it cannot be below "
        f"{joint.least:.2g}"
    )
    return (
        f"Median effect {_points(t.median)} points ({p}), range {_points(t.lowest)} to "
        f"{_points(t.highest)}{f', default {_points(default.difference)}' if default else ''}. "
        f"{t.positive} of {_counted(found, t)} are above {found.reference}, {t.better} "
        f"significantly; {t.worse} significantly below."
    )


def _caution(found: Specification, t: Tally, joint: SignFlip) -> str:
    shared = (
        f"All effects share the runs of {found.reference}: counts on one side are not independent "
        f"evidence (sign flips alone put as many there with p = {joint.share:.2g}). "
    )
    if len(found.seeds) < FEWEST:
        return f"{shared}Nothing is decided below {FEWEST} seeds."
    return (
        f"{shared}With "
        f"{len(found.seeds)} seeds and Holm over {t.outcomes} the clearest effect must exceed "
        f"{t.bar_d_z:.1f} SDs of its differences, here about {100 * t.bar:.1f} points, to be "
        "significant."
    )


def _counted(found: Specification, t: Tally) -> str:
    """The outcomes, and how many readings gave none of their own."""
    equal = [outcome.equals for outcome in found.compared if outcome.equals]
    of_default = equal.count(DEFAULT)
    if not equal:
        return f"{t.outcomes} readings"
    why = ", as the filter rejects nothing" if found.default.rejects_nothing else ""
    parts = [
        f"{of_default} equal to the default{why}" if of_default else "",
        f"{len(equal) - of_default} equal to another" if len(equal) > of_default else "",
    ]
    return (
        f"{t.outcomes} different outcomes of {len(found.compared)} readings "
        f"({'; '.join(filter(None, parts))})"
    )


def _equal(found: Specification) -> list[str]:
    """A note on the readings that gave what another gave."""
    copies: dict[str, list[str]] = {}
    for outcome in found.outcomes:
        if outcome.equals:
            copies.setdefault(outcome.equals, []).append(outcome.name)
    listed = "; ".join(f"{first}: {', '.join(names)}" for first, names in copies.items())
    return [f"Equal in every metric at every seed, and counted once. {listed}."] if listed else []


def _drawn_again(found: Specification) -> list[str]:
    """A note on the readings that would treat rejected offsets otherwise, where there are none."""
    names = [
        outcome.name
        for outcome in found.distinct
        if outcome.rejects_nothing
        and found.default.rejects_nothing
        and {key for reading in outcome.readings for key in reading.changes} == ON_REJECTED
    ]
    return [
        f"{name} differs from the default by its random draws alone: nothing is rejected."
        for name in names
    ]


def _closed(found: Specification) -> list[str]:
    """A note on the readings whose filter hardly lets anything pass."""
    names = [outcome.name for outcome in found.distinct if outcome.rejects_nearly_all]
    said = f"The filter accepts less than {HARDLY:.0%} of the offsets: hardly anything is augmented"
    return [f"{said} by {', '.join(names)}."] if names else []


def _baseline(found: Specification) -> str:
    summary = summarise(found.baseline.values())
    return f"{found.reference}: {100 * summary.mean:.1f} over {summary.n} seeds."


def _tidy(measured: Measured, found: Specification) -> Rows:
    """A row a reading and place, the reference last."""
    values, accepted = measured.values(f"metrics.{found.metric}"), accept_rates(measured)
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
            **numbers(values.get(replace(place, method=choice), {}), found.seeds),
            "accept_rate": _mean(accepted.get(replace(place, method=choice), {})),
        }
        for name, kind, choice, readings in choices
        for place in found.places
    ]


def _mean(values: Values) -> float | None:
    return fmean(values.values()) if values else None


def _tests(found: Specification) -> Rows:
    """A row a comparison, of means over all places; equal readings have the same."""
    return [
        {
            "reading": outcome.name,
            "kind": outcome.kind,
            "equals": outcome.equals,
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
