"""What reports say of a study: file names, footnotes, seeds."""

import re
from collections.abc import Collection, Iterable, Sequence

from bench.base import version
from bench.grid.notation import parts
from bench.metrics import get
from bench.study import Study
from bench.tuning.point import write


def stem(study: Study, *words: str, backbone: str | None = None, ratio: float | None = None) -> str:
    """A file name that tells backbones and ratios apart where the study has several."""
    several_backbones, several_ratios = (
        len(study.backbone_labels) > 1,
        len(study.measured.ratios) > 1,
    )
    if backbone is not None and several_backbones:
        words = (*words, backbone)
    if ratio is not None and several_ratios:
        words = (*words, f"{ratio:g}")
    return re.sub(r'[\\/:*?"<>|]', "-", "-".join(words))


def dataset_titles(study: Study) -> dict[str, str]:
    """The names without the digits of their content, `chest` for `chest@1a2b3c4d`, where no other
    set is meant by that.
    """
    names = [info.name for info in study.grid.datasets]
    stems = [name.partition("@")[0] for name in names]
    found = zip(names, stems, strict=True)
    return {name: stem for name, stem in found if name != stem and stems.count(stem) == 1}


def method_titles(study: Study) -> dict[str, str]:
    """The names for print of those methods that have one."""
    choices = {run.cell.method for run in study.grid.runs}
    return {c.name: c.method.title for c in choices if c.method.title}


def capital(text: str) -> str:
    """As the beginning of a sentence."""
    return f"{text[:1].upper()}{text[1:]}"


def footnotes(
    study: Study, backbones: Sequence[str], cells: Iterable[Collection[int]]
) -> list[str]:
    """Caution, protocol, data, seeds, command and commit, a line each.

    `cells` are the seeds of each cell of the table that has them all.
    """
    config, measured = study.config, study.measured
    protocol = config.protocol
    used = {part for name in backbones for part in parts(name)}
    records = [rec for run, rec in measured.records.items() if run.cell.backbone in used]
    training = (
        f"{protocol.length()}, batch {protocol.batch_size}, {protocol.optimizer} "
        f"lr {protocol.lr:g}, weight decay {protocol.weight_decay:g}, {protocol.schedule}, "
        f"{protocol.precision}, {epoch_of(protocol.select)}"
    )
    cell = measured.grid.runs[0].cell
    sizes = f"{cell.source_size} px"
    if cell.input_size != cell.source_size:
        change = "enlarged" if cell.input_size > cell.source_size else "shrunk"
        sizes += f" {change} to {cell.input_size} px"
    data = ", ".join(
        f"{info.name.partition('@')[0]} {info.fingerprint[:8]}"
        + f" ({'; '.join(info.warnings)})" * bool(info.warnings)
        for info in measured.grid.datasets
    )
    commits = sorted({str(record["commit"]) for record in records})
    lines = [
        f"Protocol {config.name}: {training}; {', '.join(backbones)}, {sizes}.",
        f"Data (name, fingerprint): {data}; {over_seeds(cells, measured.seeds)}.",
        f"Command: {study.command}; commit {', '.join(commits) or version.commit()}.",
    ]
    lines += tuned(study, backbones)
    changed = sum(str(record["commit"]).endswith("+") for record in records)
    if changed:
        lines.append(
            f"The code had changes that were not committed in {changed} of {len(records)} runs."
        )
    return [f"Caution: {config.caution}.", *lines] if config.caution else lines


def over_seeds(cells: Iterable[Collection[int]], asked: Sequence[int]) -> str:
    """`seeds 0–9; n = 10, SD with n − 1`, of the cells that are whole; of `asked` without one."""
    each = [set(seeds) for seeds in cells]
    if not each:
        return f"no cell has all its seeds ({ranges(asked)})"
    counts = sorted({len(seeds) for seeds in each})
    n = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    uneven = ", in brackets where cells of a column differ" * (len(counts) > 1)
    return f"seeds {ranges(sorted(set.union(*each)))}; n = {n}{uneven}, SD with n − 1"


def epoch_of(select: str) -> str:
    """Whose weights a run keeps, from the protocol's `select`: `val_auc`, or `last`."""
    metric = select.removeprefix("val_")
    return "last epoch" if metric == select else f"epoch of the best validation {get(metric).title}"


def tuned(study: Study, backbones: Sequence[str]) -> list[str]:
    """Which parameters were tuned, how, and to what; nothing where they are the defaults."""
    if study.params == "default":
        return []
    used = {part for name in backbones for part in parts(name)}
    cells = dict.fromkeys(run.cell for run in study.grid.runs if run.cell.backbone in used)
    entries = [(cell, entry) for cell in cells if (entry := study.shelf.entry(cell))]
    lines = [
        f"Tuned: {cell.method.label} on {cell.dataset}, {cell.backbone}"
        f"{f' ({cell.ratio:.0%})' if cell.ratio < 1 else ''}: {write(entry['parameters'])}; trial "
        f"{entry['trial']} of {entry['trials']}, by validation {entry['metric']} over seeds "
        f"{ranges(entry['seeds'])}, commit {entry['commit']}."
        for cell, entry in entries
    ]
    budgets = sorted({(entry["trials"], len(entry["seeds"])) for _, entry in entries})
    if len(budgets) > 1:
        said = ", ".join(f"{trials} trials of {seeds} seeds" for trials, seeds in budgets)
        lines.insert(0, f"Caution: methods were tuned with different budgets: {said}.")
    return lines


def ranges(seeds: Sequence[int]) -> str:
    """`0–9`, or `0–2, 5`."""
    spans: list[list[int]] = []
    for seed in sorted(seeds):
        if spans and seed == spans[-1][-1] + 1:
            spans[-1].append(seed)
        else:
            spans.append([seed])
    return ", ".join(f"{s[0]}–{s[-1]}" if len(s) > 1 else str(s[0]) for s in spans)
