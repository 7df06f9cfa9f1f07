"""All checks on the paper's tables and statements, in the order of its tables."""

from collections.abc import Iterable
from dataclasses import replace

from reports.arithmetic.benchmark import below_benchmark, other_metric
from reports.arithmetic.claimed import better_than_all, improvement, least_loss
from reports.arithmetic.counts import convergence, modalities, sizes, total
from reports.arithmetic.finding import Finding
from reports.arithmetic.generic import audit_table
from reports.arithmetic.granularity import granularity
from reports.arithmetic.identical import same_row
from reports.arithmetic.recomputed import agreement, mean, stated_differences
from reports.arithmetic.statements import Statement, source, statements
from reports.arithmetic.trends import penalised_term, swings
from reports.published.printed import FOLDER, Printed, read

OURS = "ails"
"""The row of the paper's own method."""
EXPLICIT = ("stylegan2-ada", "ddpm")
NETWORKS = ("ResNet-18 (28)", "ResNet-18 (224)")
BACKBONES = 2
"""Table 1's cells are of a combination of two."""


def audit_paper() -> list[Finding]:
    """What arithmetic says about `reports/published`, other papers' tables included."""
    said = statements()
    n = int(said["runs"].value)
    tables = {k: _read(f"table{k}") for k in range(1, 7)}
    return [
        *(finding for table in tables.values() for finding in audit_table(table, n)),
        *_table1(tables[1], tables[3], said, n),
        *stated_differences(tables[2], "ails_acc", "baseline_acc", "increase"),
        convergence(tables[2], "epochs_baseline", "epochs_ails", said["convergence"]),
        total(tables[3], said["images"]),
        modalities(tables[3], "modality", said["modalities"]),
        sizes(tables[3]),
        least_loss(tables[1], tables[4], OURS),
        *_sweeps(tables[1], tables[5], tables[6], n),
        *_other_papers(),
    ]


def _table1(table: Printed, sets: Printed, said: dict[str, Statement], n: int) -> list[Finding]:
    baselines = [row for row in table.rows if row != OURS]
    images = {row: int(sets.entries[row, "test"].mean.value) for row in sets.rows if row != "chest"}
    benchmark, bsda = _read("medmnist-v2"), _read("bsda-acc")
    return [
        _overall(table, said["mean"]),
        improvement(table, OURS, EXPLICIT, said["explicit"]),
        *better_than_all(table, OURS, baselines, said["p"], n),
        _bsda(table, bsda, said, n),
        other_metric(table, "chest", benchmark, _positive(sets)),
        below_benchmark(table, baselines, benchmark, NETWORKS, leave="chest"),
        *granularity(table, n, images, BACKBONES),
    ]


def _sweeps(main: Printed, alpha: Printed, beta: Printed, n: int) -> list[Finding]:
    ours = main.means([OURS], main.part_columns)
    stated = [
        agreement(
            "stated means",
            table.name,
            f"{row}, acc",
            f"The ACC selected in {table.name}, the mean of {OURS} in {main.name},",
            table.entries[row, "acc"].mean,
            mean(ours),
        )
        for table in (alpha, beta)
        for row in table.rows
        if (row, "selected") in table.words
    ]
    return [
        *stated,
        *swings(alpha, ("acc", "auc"), n, "selected"),
        *swings(beta, ("acc", "auc"), n, "selected"),
        penalised_term(beta, "kl", "CE + β·KL"),
    ]


def _other_papers() -> Iterable[Finding]:
    for name in ("bsda-acc", "bsda-auc"):
        yield from audit_table(_read(name), source(name).runs)


def _bsda(table: Printed, original: Printed, said: dict[str, Statement], n: int) -> Finding:
    """Its row in both papers, with the experiments that each says it made."""
    there = source(original.name)
    found = same_row(table, "bsda", n, original, "bsda", there.runs)
    stated = (
        f'Stated of {table.name}: {n} runs, "{said["backbone"].text}" Of {original.name}: '
        f"{there.runs} runs, {there.backbone}."
    )
    return replace(found, statement=f"{found.statement} {stated}")


def _overall(table: Printed, said: Statement) -> Finding:
    parts = table.means([OURS], table.part_columns)
    where = f"{OURS}, mean of {len(parts)} sets"
    what = f"The mean of {OURS}"
    return agreement("stated means", table.name, where, what, said.number, mean(parts))


def _positive(sets: Printed) -> float:
    """The share of ChestMNIST's labels that are positive; it holds all images of ChestX-ray14."""
    given = _read("chestxray14").entries["any of the 14", "count"].mean.value
    images = sum(number.value for number in sets.means(["chest"], sets.columns))
    return given / (14 * images)


def _read(name: str) -> Printed:
    return read(FOLDER / f"{name}.csv")
