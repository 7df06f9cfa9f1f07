"""Where the numbers of a table come from: the footnotes that stand under it."""

from collections.abc import Sequence

from bench.grid import Grid
from bench.protocol import Config
from reports.results import Results


def footnotes(config: Config, grid: Grid, results: Results, command: str) -> list[str]:
    """Caution, protocol, data, seeds, command and commit, a line each."""
    protocol = config.protocol
    training = (
        f"{protocol.length()}, batch {protocol.batch_size}, {protocol.optimizer} "
        f"lr {protocol.lr:g}, weight decay {protocol.weight_decay:g}, {protocol.schedule}, "
        f"{protocol.precision}, selected by {protocol.select.replace('_', ' ')}"
    )
    cell = grid.runs[0].cell
    sizes = f"{cell.source_size} px"
    if cell.input_size != cell.source_size:
        sizes += f" enlarged to {cell.input_size} px"
    data = ", ".join(f"{info.name} {info.fingerprint[:8]}" for info in grid.datasets)
    commits = sorted({str(record["commit"]) for record in results.records})
    lines = [
        f"Protocol {config.name}: {training}; {results.backbone}, {sizes}.",
        f"Data: {data}; seeds {ranges(results.seeds)}; n = {len(results.seeds)}, SD with n − 1.",
        f"Command: {command}; commit {', '.join(commits) or 'none'}.",
    ]
    return [f"Caution: {config.caution}.", *lines] if config.caution else lines


def ranges(seeds: Sequence[int]) -> str:
    """`0–9`, or `0–2, 5`."""
    spans: list[list[int]] = []
    for seed in sorted(seeds):
        if spans and seed == spans[-1][-1] + 1:
            spans[-1].append(seed)
        else:
            spans.append([seed])
    return ", ".join(f"{s[0]}–{s[-1]}" if len(s) > 1 else str(s[0]) for s in spans)
