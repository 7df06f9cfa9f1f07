"""Completion of values in a shell."""

import click
import pytest
from click.shell_completion import ShellComplete

from bench.cli import main

CASES = [
    (["run", "--methods"], "ai", {"ails"}),
    (["run", "--methods"], "none,mix", {"none,mixup"}),
    (["run", "--methods"], "none,mixup,cut", {"none,mixup,cutmix", "none,mixup,cutout"}),
    (["run", "--methods"], "ails[alpha=0.5],no", {"ails[alpha=0.5],none"}),
    (["compare", "--datasets"], "bre", {"breast"}),
    (["status", "--datasets"], "breast,phantom-o", {"breast,phantom-ordinal"}),
    (["plan", "--protocol"], "la", {"laptop"}),
    (["preview", "--protocol"], "q", {"quick"}),
    (["preview", "--method"], "mix", {"mixup"}),
    (["preview", "--dataset"], "bre", {"breast"}),
    (["data", "export", "--dataset"], "bre", {"breast"}),
    (["readings", "--method"], "ail", {"ails"}),
    (["table", "1", "--metric"], "ka", {"kappa"}),
    (["figure", "forest", "--metric"], "s", {"sensitivity", "specificity"}),
    (["compare", "--metric"], "n", {"nll"}),
    (["readings", "--metric"], "b", {"balanced_acc", "brier"}),
    (["table"], "", {"1", "2", "3", "4", "5", "6"}),
    (["figure"], "re", {"reliability"}),
    (["methods", "show"], "mix", {"mixup"}),
    (["methods", "check"], "mix", {"mixup"}),
    (["data", "verify"], "bre", {"breast"}),
    (["run", "--methods"], "xyz", set()),
]


@pytest.mark.parametrize(
    ("words", "typed", "expected"), CASES, ids=lambda v: "" if isinstance(v, set) else str(v)
)
def test_values_are_completed(words: list[str], typed: str, expected: set[str]) -> None:
    complete = ShellComplete(main, {}, "bench", "_BENCH_COMPLETE")
    assert {item.value for item in complete.get_completions(words, typed)} == expected


def test_a_name_in_every_list_is_completed() -> None:
    """Whoever adds an option for a name gives it its completion."""
    named = {"--methods", "--datasets", "--method", "--dataset", "--protocol", "--metric"}
    for command in main.commands.values():
        for option in command.params:
            if named & set(option.opts) and option.type == click.STRING:
                file = getattr(option, "metavar", "") == "FILE"
                assert file or option._custom_shell_complete, (command.name, option.opts)
