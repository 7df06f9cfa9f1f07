"""What do looks save? A study that is done, done again look after look from its own records.

    python tests/simulations/replay.py studies/first/headline --datasets breast

Nothing is trained. Each row is a comparison: its seeds and verdict where it was stopped when
decided, and its verdict with all seeds.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.committed import part
from bench.looks import needed
from bench.store.measured import Measured
from bench.study import Study
from reports.results.compare import compare_rows
from reports.results.view import View


def replayed(study: Study, metric: str = "acc") -> Study:
    """The study with the runs alone that `--until-decided` would have done."""
    whole, again = study.measured, replace(study)
    shown: dict = {}
    while True:
        again.__dict__["grid"] = study.grid
        again.__dict__["measured"] = Measured(whole.grid, dict(shown), whole.store)
        asked = needed(again, metric)
        if not asked:
            return again
        shown |= {run: whole.records[run] for run in asked}


def beside(again: Study, study: Study, metric: str = "acc") -> list[tuple[dict, dict]]:
    """The comparisons of a replayed study, each with that of the whole."""
    stopped, full = (compare_rows(one, View(metric)) for one in (again, study))
    return [*zip(stopped, full, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study")
    for name in ("datasets", "methods", "results"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--metric", default="acc")
    options = parser.parse_args()
    given = {"datasets": options.datasets, "methods": options.methods}
    with tempfile.TemporaryDirectory() as folder:
        study = part(options.study).study(results=options.results or folder, **given)
        missing = len(study.grid.runs) - len(study.measured.records)
        if missing:
            sys.exit(
                f"{missing} runs of the study are not done; name sets that are whole by --datasets"
            )
        again = replayed(study, options.metric)
        done, all_runs = len(again.measured.records), len(study.grid.runs)
        print(f"{done} of {all_runs} runs; {1 - done / all_runs:.0%} saved\n")
        print("| set | method | seeds | stopped when decided | with all seeds |")
        print("|---|---|--:|---|---|")
        for one, other in beside(again, study, options.metric):
            verdicts = " | ".join(
                f"{row['verdict']} {100 * row['difference']:+.1f}" for row in (one, other)
            )
            print(f"| {one['dataset']} | {one['method']} | {one['n']} | {verdicts} |")


if __name__ == "__main__":
    main()
