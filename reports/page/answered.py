"""The beginning of a report: what the comparison says, what is open, and what would decide it."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from bench import metrics
from bench.base.errors import BenchError
from bench.stats.verdict import UNDECIDED, Judged
from bench.study import Study
from reports.figures.catalogue import FIGURES
from reports.page import site
from reports.results import oddities
from reports.results.answer import in_a_sentence, of_images, of_new_images, seeds_that_decide
from reports.results.compare import families
from reports.results.pairs import OVERALL, Family
from reports.results.results import Results
from reports.results.view import View
from reports.results.wording import dataset_titles, method_titles
from reports.tables.table import DASH, Row, Table, titled

METRICS = ("acc", "auc")
OPEN = (
    "A range counts seeds a cell: with so many, a comparison would be decided, were the true "
    "difference in today's 95 % interval (80 % power). It is said from ten seeds on.",
    "Seeds decide about these test images. Whether it holds for other images, more images decide.",
)


def view_of(study: Study, metric: str = METRICS[0]) -> View:
    """Against no augmentation, where it was run."""
    labels = {run.cell.method.label for run in study.grid.runs}
    return View(metric, reference="none" if "none" in labels else None)


def section(study: Study) -> site.Section:
    """A sentence for each dataset, the differences as a figure, what is open."""
    titles = dataset_titles(study) | method_titles(study)
    try:
        found = {m: list(families(study, view_of(study, m))) for m in METRICS}
    except BenchError as reason:
        return site.Section("answer", "The answer", f"{reason}.")
    sentences = [(titled(a, titles), titled(b, titles)) for a, b in _sentences(found)]
    odd = [(place, titled(said, titles)) for place, said in _of_one_class(study, found)]
    if not sentences:
        items = [site.Answers(tuple(odd))] if odd else []
        return site.Section("answer", "The answer", "Nothing can be compared yet.", tuple(items))
    tables = [table for each in found[METRICS[0]] for table in _open(*each)]
    told: list[site.Item] = [site.Answers((*sentences, *odd)), *_forest(study)]
    told += [replace(table, titles=titles).in_print() for table in tables]
    lead = "Does an augmentation help? All methods are trained alike and compared seed by seed"
    lead += " with training without augmentation (none)." if view_of(study).reference else "."
    return site.Section("answer", "The answer", lead, tuple(told))


Families = list[tuple[Results, str, dict[str, Family]]]


def _sentences(found: Mapping[str, Families]) -> Iterator[tuple[str, str]]:
    """Place and sentence: the mean first, then each dataset."""
    first = found[METRICS[0]]
    for index, (results, reference, tests) in enumerate(first):
        several = len(first) > 1
        where = f", {results.backbone}, {results.ratio:.0%}" if several else ""
        for dataset in sorted(tests, key=lambda name: name != OVERALL):
            said = {
                metrics.get(metric).title: in_a_sentence(family, reference, each[index][0].rule)
                for metric, each in found.items()
                if (family := each[index][2].get(dataset))
            }
            if said:
                yield _place(results, dataset, tests[dataset]) + where, _joined(said)
        for family in [tests.get(OVERALL) or next(iter(tests.values()))]:
            if family:
                said_new = _of_new_images(family, reference, results)
                yield f"New images{where}", f"{results.metric.title}: {said_new}."


def _of_one_class(study: Study, found: Mapping[str, Families]) -> Iterator[tuple[str, str]]:
    """The runs that predict one class only, which hold up no difference and no equality."""
    odd = oddities.of(study, (results for results, *_ in found[METRICS[0]])).one_class
    if odd:
        yield (
            f"One class only ({oddities.MARK})",
            f"{oddities.named(odd)}: every test image is given the same class. These runs are "
            "counted like all others.",
        )


def _of_new_images(family: Family, reference: str, results: Results) -> str:
    """What is decided of other images of this kind, and of which methods these limit it."""
    if all(math.isnan(one.p_new) for one in family.values()):
        return of_new_images(family, reference, results.rule)
    limited = [method for method, one in family.items() if one.images_limit]
    said = in_a_sentence(of_images(family), reference, results.rule, "verdict_new")
    return said + f" (more seeds cannot decide {', '.join(limited)}: images do)" * bool(limited)


def _place(results: Results, dataset: str, family: Family) -> str:
    n = sorted({one.n for one in family.values()}) or [0]
    seeds = " to ".join(map(str, dict.fromkeys((n[0], n[-1])))) + " seeds"
    if dataset == OVERALL:
        return f"Mean over {len(results.datasets)} sets ({seeds})"
    images = [info.counts["test"] for info in results.infos if info.name == dataset]
    return f"{dataset} ({seeds}" + "".join(f", {n:,} test images" for n in images) + ")"


def _joined(said: Mapping[str, str]) -> str:
    if len(set(said.values())) == 1 and len(said) > 1:
        said = {" and ".join(said): next(iter(said.values()))}
    return " ".join(f"{metric}: {text}." for metric, text in said.items())


def _open(results: Results, reference: str, tests: Mapping[str, Family]) -> Iterator[Table]:
    """Method by dataset: the verdict, or the seeds that would decide."""
    methods = [m for m in results.methods if any(m in family for family in tests.values())]
    families = {name: family for name, family in tests.items() if family}
    if not any(one.verdict == UNDECIDED for f in families.values() for one in f.values()):
        return
    yield Table(
        f"What is decided, and how many seeds would decide the rest: {results.metric.title}, "
        f"compared with {reference}",
        ("method", *families),
        tuple(Row(m, tuple(_state(f.get(m)) for f in families.values())) for m in methods),
        notes=OPEN,
    )


def _state(one: Judged | None) -> str:
    if one is None:
        return DASH
    if one.verdict != UNDECIDED:
        return one.verdict
    return seeds_that_decide(one).replace(" to ", " – ") or UNDECIDED


def _forest(study: Study) -> Iterator[site.Item]:
    """The differences, if there are some."""
    view, entry = view_of(study), FIGURES["forest"]
    for one in entry.figures(entry.studies(study, view), view):
        yield site.Figure.of(one)
        reference = f" --reference {view.reference}" if view.reference else ""
        yield site.Command(f"python -m bench figure forest{study.options}{reference}")
