"""What commands do that run what is missing: before they show anything, and at their end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from bench.cli.printing import print_plan

if TYPE_CHECKING:
    from bench.study import Study


def do(studies: list[Study], options: dict[str, Any]) -> bool:
    """Do what is missing, or show the plan where that is all that was asked for: then False."""
    from bench.study import run

    if options["dry_run"]:
        for one in studies:
            print_plan(one, options["device"], options["workers"])
        return False
    if options["redo_stale"]:
        for one in studies:
            one.redo_stale()
    how = ("workers", "device", "retry_failed", "run_timeout")
    run(studies, *(options[name] for name in how))
    return True


def end(*studies: Study) -> None:
    """Name the runs that failed, and count those without a record; where there are some, exit with
    code 1.
    """
    from bench.engines.progress import console
    from bench.study import failed

    out = console()
    found = {run: failure for study in studies for run, failure in failed(study)}
    for run, failure in found.items():
        out.print(f"failed: {run}: {failure['reason']}", style="red", highlight=False)
    asked = {run.key for study in studies for run in study.grid.runs}
    done = {run.key for study in studies for run in study.measured.records}
    if left := len(asked - done) - len(found):
        out.print(
            f"{left} of {len(asked)} runs are missing; `bench status` shows them", style="red"
        )
    if asked != done:
        sys.exit(1)
