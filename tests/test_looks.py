"""Seeds in steps: who gets more, when it ends, and what tables make of unequal numbers."""

from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from made_up import fill, study

from bench.base.errors import BenchError
from bench.cli import main
from bench.grid import configs, grid
from bench.grid.selection import Selection
from bench.looks import foreseen, mean_seeds, needed, until_decided
from bench.store.records import Store
from bench.study import Study
from reports.results.results import collect
from reports.results.view import View
from reports.tables import table1
from reports.tables.table import to_csv

LOOKS = (5, 10, 15)
METHODS = ("none", "mixup", "cutmix", "ails")
SHIFT = {"none": -0.1, "mixup": 0.001, "cutmix": -0.01, "ails": 0.0}


def acc(run: Any) -> dict[str, float]:
    """`none` is far below, `mixup` undecided, `cutmix` decided at the second look."""
    rng = np.random.default_rng([run.seed, METHODS.index(run.cell.method.name)])
    spread = {"mixup": 0.02, "cutmix": 0.006}.get(run.cell.method.name, 0.002)
    return {"acc": 0.8 + SHIFT[run.cell.method.name] + spread * float(rng.normal()), "auc": 0.9}


@pytest.fixture
def asked(store: Store) -> Study:
    selection = Selection(datasets=("phantom-binary",), methods=METHODS, looks=LOOKS)
    found = study(store, grid.expand(selection, configs.load("laptop").protocol))
    found.__dict__["selection"] = selection
    return found


def done(asked: Study) -> dict[str, int]:
    asked.refresh()
    counts: dict[str, int] = {}
    for run in asked.measured.records:
        counts[run.cell.method.name] = counts.get(run.cell.method.name, 0) + 1
    return counts


def test_the_first_look_is_for_all(asked: Study) -> None:
    runs = needed(asked)
    assert len(runs) == len(METHODS) * LOOKS[0]
    assert {run.seed for run in runs} == set(range(5))


def test_what_is_decided_gets_no_more_seeds(asked: Study) -> None:
    parts: list[int] = []

    def run(part: Study) -> None:
        parts.append(len(part.grid.runs))
        fill(part.store, part.grid, acc)

    until_decided(asked, run)
    assert done(asked) == {"none": 5, "cutmix": 10, "mixup": 15, "ails": 15}
    assert parts == [20, 15, 10]
    assert needed(asked) == []


def test_the_mean_over_sets_is_one_of_the_comparisons(store: Store) -> None:
    """Mixup is better on one set and worse on the other, both at the first look."""
    sets = ("phantom-binary", "phantom-ordinal")

    def asked(*datasets: str) -> Study:
        selection = Selection(
            datasets=datasets, methods=("none", "mixup", "cutmix"), looks=LOOKS, margin=0.001
        )
        found = study(store, grid.expand(selection, configs.load("laptop").protocol))
        found.__dict__["selection"] = selection
        return found

    def opposite(run: Any) -> dict[str, float]:
        method, sign = run.cell.method.name, 1 if run.cell.dataset == sets[0] else -1
        noise = np.random.default_rng([run.seed, sign + 1]).normal(0, 0.01)
        shift = {"none": 0.0, "mixup": sign * 0.1 + noise, "cutmix": 0.2 + noise / 100}[method]
        return {"acc": 0.5 + float(shift), "auc": 0.9}

    for one in sets:
        until_decided(asked(one), lambda part: fill(part.store, part.grid, opposite), "acc", "none")
    assert done(asked(*sets)) == {"none": 10, "mixup": 10, "cutmix": 10}
    both = asked(*sets)
    until_decided(both, lambda part: fill(part.store, part.grid, opposite), "acc", "none")
    assert done(both) == {"none": 30, "mixup": 30, "cutmix": 10}


def test_it_goes_on_where_it_was_stopped(asked: Study) -> None:
    first = asked.only(needed(asked)[:7])
    fill(asked.store, first.grid, acc)
    asked.refresh()
    assert len(needed(asked)) == 13


def test_a_failed_run_ends_it(asked: Study) -> None:
    tried: list[int] = []

    def run(part: Study) -> None:
        tried.append(len(part.grid.runs))
        for one in part.grid.runs:
            asked.store.fail(one.key, one.describe() | {"key": one.key, "reason": "no"})

    until_decided(asked, run)
    assert tried == [20]


def test_without_looks_there_is_nothing_to_decide_at(store: Store) -> None:
    with pytest.raises(BenchError, match="--looks 10,20,30"):
        until_decided(Study(datasets="phantom-binary", results=store.root), lambda part: None)


def test_a_table_of_unequal_numbers_tells_each(asked: Study) -> None:
    until_decided(asked, lambda part: fill(part.store, part.grid, acc))
    asked.refresh()
    (output,) = table1.outputs(asked, View())
    text = to_csv(output.table)
    assert "none,70.1 ± 0.2 (5)" in text and "(10)" in text and "(15)" in text
    assert "5 to 15 seeds" in output.table.title
    by_method = {test["method"]: test for test in output.tests}
    assert {m: test["n"] for m, test in by_method.items()} == {"none": 5, "cutmix": 10, "mixup": 15}
    assert by_method["none"]["verdict"] == "worse"
    assert by_method["cutmix"]["verdict"] != "undecided"


def test_runs_between_looks_wait_for_the_next(asked: Study) -> None:
    fill(asked.store, asked.only([r for r in asked.grid.runs if r.seed < 8]).grid, acc)
    asked.refresh()
    found = collect(asked, "resnet18", 1.0)
    assert {len(values) for values in found.values.values()} == {5}


class TestForeseen:
    def test_the_plan_tells_the_least_the_most_and_the_expected(self, asked: Study) -> None:
        said = foreseen(asked)
        assert "20 runs at least, 60 at most" in said
        assert "at 0.5 SD" in said and "by itself" not in said

    def test_of_several_sets_the_mean_may_take_more(self) -> None:
        both = Study(datasets="phantom-binary,phantom-ordinal", methods="none,ails", looks=LOOKS)
        assert "of true differences, each set by itself" in foreseen(both)

    @pytest.mark.parametrize(("effect", "seeds"), [(0.5, 28.2), (1.0, 19.5), (2.0, 10.7)])
    def test_expected_seeds_are_those_of_the_simulation(self, effect: float, seeds: float) -> None:
        """Of nine comparisons; statistics of the design, section 3."""
        assert mean_seeds((10, 20, 30), 9, effect)[0] == pytest.approx(seeds, abs=0.4)

    def test_the_reference_has_the_seeds_of_its_last_comparison(self) -> None:
        alone, most = mean_seeds((10, 20, 30), 1, 1.0)
        assert most == alone < mean_seeds((10, 20, 30), 9, 1.0)[1] < 30
        assert mean_seeds((10, 20, 30), 9, 4.0) == (10, 10)


class TestDeclared:
    def test_looks_are_the_seeds_too(self) -> None:
        found = Study(looks="10,20,30")
        assert found.selection.seeds == tuple(range(30))
        assert "--looks 10,20,30" in found.options
        assert Study().selection.looks == ()

    def test_looks_are_at_the_lowest_seeds_first_in_whatever_order_they_are_named(self) -> None:
        assert Study(looks="5,10", seeds="5-9,0-4").selection.seeds == tuple(range(10))

    @pytest.mark.parametrize(
        ("looks", "seeds", "match"),
        [
            ("20,10", None, "rising"),
            ("1,10", None, "2 or more"),
            ("4,10", None, "nothing is decided below 5 seeds"),
            ("10,20", 10, "end at 20 seeds, and 10 are named"),
            ("ten", None, "write numbers of seeds"),
        ],
    )
    def test_wrong_ones_are_told(self, looks: str, seeds: int | None, match: str) -> None:
        with pytest.raises(BenchError, match=match):
            _ = Study(looks=looks, seeds=seeds).selection

    @pytest.mark.slow
    def test_on_the_command_line(self, store: Store) -> None:
        command = (
            "table 1 --datasets phantom-binary --backbones test_resnet --methods none,mixup "
            "--looks 5,6 --until-decided --set steps=4 --workers 1 --results"
        )
        found = CliRunner().invoke(main, [*command.split(), str(store.root)])
        assert found.exit_code == 0, found.output
        assert "3 seeds" in found.output
        plan = CliRunner().invoke(main, [*command.split(), str(store.root), "--dry-run"])
        assert "looks at 2, 3 seeds" in plan.output
