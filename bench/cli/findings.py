"""What checks found, printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.checks.deviation import Verdict
    from bench.checks.golden import Finding
    from reports.documents import Finding as Reported


def print_traces(verdicts: list[Verdict], explain: bool) -> None:
    """A row a method and phantom: mean losses, and for both parts the deviation and its limit.

    Below it what is wrong, a line each, if it is to be explained.
    """
    from rich.table import Table

    from bench.engines.progress import console

    view = Table(box=None, pad_edge=False)
    for name in ("method", "phantom"):
        view.add_column(name)
    numbers = ("expected", "found", "equal weights", "allowed", "three steps", "allowed")
    for name in numbers:
        view.add_column(name, justify="right")
    view.add_column("verdict")
    for v in verdicts:
        losses = (shown(loss, ".6g") for loss in v.losses)
        parts = (shown(d.get(p), ".1e") for p in ("batches", "steps") for d in (v.worst, v.allowed))
        phantom = v.phantom.removeprefix("phantom-")
        view.add_row(v.method, phantom, *losses, *parts, word(v))
    out = console()
    out.print(view)
    for v in verdicts:
        if v.problem and explain:
            out.print(f"{v.method} on {v.phantom}: {v.problem}", style="red", highlight=False)


def word(verdict: Verdict) -> str:
    """The verdict in a word."""
    old, new = verdict.losses
    if old is None or new is None:
        return "extra" if old is None else "missing"
    return "differs" if verdict.problem else "same"


def print_golden(findings: list[Finding]) -> None:
    """A row a cell and metric: means over seeds, their difference in SDs of seeds, how far they
    may be apart, the verdict.
    """
    from rich.table import Table

    from bench.engines.progress import console

    view = Table(box=None, pad_edge=False)
    for name in ("dataset", "method", "metric"):
        view.add_column(name)
    for name in ("expected", "found", "in SDs", "allowed"):
        view.add_column(name, justify="right")
    view.add_column("verdict")
    for f in findings:
        means = (shown(mean, ".4f") for mean in (f.old, f.new))
        allowed = f"±{f.allowed:.4f}" if f.allowed else "every bit"
        moved = shown(f.sds, "+.2f")
        view.add_row(f.dataset, f.method, f.metric, *means, moved, allowed, f.problem or "same")
    console().print(view)


def shown(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def print_reported(findings: list[Reported]) -> None:
    """A row a table of a document: where it stands, the command that makes it, the verdict."""
    from rich.table import Table

    from bench.engines.progress import console

    view = Table(box=None, pad_edge=False)
    for name in ("place", "made by", "verdict"):
        view.add_column(name, overflow="fold")
    for f in findings:
        view.add_row(f.place, f.command or "–", f.problem or "same")
    console().print(view)
