"""The examples at the end of every `--help`."""

from collections.abc import Mapping

import click

EXAMPLES: Mapping[str, str] = {
    "run": "--datasets breast --methods none,mixup --seeds 10",
    "plan": "--datasets breast,retina",
    "status": "--study studies/first/headline",
    "export": "--datasets breast runs.csv",
    "compare": "--datasets breast --reference none",
    "work": "--datasets breast --shard 1/4",
    "merge": "other-machine/results",
    "show": "3fa9",
    "verify": "3fa9",
    "pack": "studies/first/headline",
    "table": "1 --datasets breast,retina --published --tests",
    "figure": "forest --datasets breast --reference none",
    "tune": "--datasets breast --methods ails,mixup --trials 32",
    "audit": "my-table.csv --runs 10",
    "check": "reported",
    "readings": "--method ails --datasets breast --seeds 3",
    "report": "--study studies/first/headline --out report.html",
    "paper": "--datasets breast --seeds 3",
    "methods": "mixup",
    "methods show": "mixup",
    "methods check": "my_method.py",
    "preview": "--method cutmix --dataset breast",
    "data": "list",
    "data list": "--size 64",
    "data verify": "breast,retina",
    "data export": "--dataset breast --ratio 0.2 breast.zip",
    "data audit": "breast",
    "data show": "breast",
    "data import": "scans/ --name scans --size 64",
    "doctor": "--fix",
    "clean": "--results results",
}
"""Arguments by command."""


def add_examples(group: click.Group, *path: str) -> None:
    """Give each command of the group its example; what else stands at its end stays."""
    for name, command in group.commands.items():
        words = (*path, name)
        example = f"\b\nExample:\n  python -m bench {' '.join(words)} {EXAMPLES[' '.join(words)]}"
        command.epilog = "\n\n".join(filter(None, [command.epilog, example]))
        if isinstance(command, click.Group):
            add_examples(command, *words)
