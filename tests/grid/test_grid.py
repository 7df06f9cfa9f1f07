"""Cells, runs and keys."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from bench import Study
from bench.base.errors import BenchError
from bench.grid import grid, notation
from bench.grid.cell import Run, key_of
from bench.grid.choice import MethodChoice
from bench.grid.grid import Grid
from bench.grid.protocol import Protocol
from bench.grid.selection import Selection
from methods.mixup import Mixup

MakeRun = Callable[..., Run]


def expand(**changes: object) -> Grid:
    values = {"datasets": ("phantom-binary",)} | changes
    return grid.expand(Selection(**values), Protocol(epochs=1))  # type: ignore[arg-type]


def test_the_grid_is_the_product() -> None:
    runs = expand(
        datasets=("phantom-binary", "phantom-ordinal"),
        methods=("none", "mixup"),
        ratios=(0.5, 1.0),
        seeds=(0, 1, 2),
    ).runs
    assert len({run.key for run in runs}) == len(runs) == 2 * 2 * 2 * 3


def test_a_rule_that_a_dataset_cannot_have_is_answered_before_any_run() -> None:
    chosen = Selection(datasets=("phantom-ordinal", "phantom-multilabel"))
    with pytest.raises(BenchError, match="select=val_kappa on phantom-multilabel: κ is not"):
        grid.expand(chosen, Protocol(epochs=1, select="val_kappa"))


def test_a_combination_of_backbones_is_its_parts_and_parts_run_once() -> None:
    runs = expand(backbones=("resnet18+resnet34", "resnet18"), seeds=(0,)).runs
    assert [run.cell.backbone for run in runs] == ["resnet18", "resnet34"]


def test_parameters_at_their_default_are_the_same_run(make_run: MakeRun) -> None:
    assert make_run("mixup").key == make_run("mixup[alpha=0.2]").key
    assert make_run("mixup").key != make_run("mixup[alpha=0.3]").key
    assert make_run("mixup[alpha=1]").key == make_run("mixup[alpha=1.0]").key


def test_an_alias_is_the_same_run_as_its_full_name() -> None:
    alias, full = (
        expand(backbones=(name,), seeds=(0,)).runs[0]
        for name in ("swin_tiny", "swin_tiny_patch4_window7_224")
    )
    assert alias.key == full.key


def test_the_key_is_the_hash_of_the_description(make_run: MakeRun) -> None:
    run = make_run("ails[alpha=0.5]", seed=3)
    described = run.describe()
    assert described["cell"].pop("dataset") == "phantom-binary"
    text = json.dumps(described, sort_keys=True, separators=(",", ":"))
    assert run.key == key_of(run.describe()) == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_the_key_follows_all_that_decides_the_result(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [
        make_run("mixup").key,
        make_run("none").key,
        make_run("mixup", seed=1).key,
        make_run("mixup", ratio=0.5).key,
        make_run("mixup", dataset="phantom-ordinal").key,
        make_run("mixup", protocol=Protocol(epochs=3)).key,
    ]
    monkeypatch.setattr(Mixup, "version", 2)
    keys.append(make_run("mixup").key)
    assert len(set(keys)) == len(keys)


def test_labels_show_what_was_changed_and_read_back() -> None:
    choice = MethodChoice.parse("mixup[prob=0.5, alpha=1]")
    assert choice.label == "mixup[alpha=1,prob=0.5]"
    assert MethodChoice.parse(choice.label) == choice


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"methods": ("mixap",)}, "did you mean 'mixup'"),
        ({"methods": ("mixup[alhpa=1]",)}, "did you mean 'alpha'"),
        ({"methods": ("mixup[alpha=-1]",)}, "mixup parameter alpha"),
        ({"methods": ("mixup[alpha=1",)}, "bracket is not closed"),
        ({"datasets": ("braest",)}, "did you mean 'breast'"),
        ({"backbones": ("resnet81",)}, "did you mean 'resnet18'"),
        ({"ratios": (1.5,)}, "ratio 1.5"),
        ({"backbones": ("densenet121",)}, "smallest that works is --input-size 32"),
    ],
)
def test_a_wrong_name_is_answered_with_the_mend(changes: dict[str, object], answer: str) -> None:
    with pytest.raises(BenchError) as error:
        found = expand(**changes)
        grid.check_backbones(found, found.runs)
    assert answer in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("3", (0, 1, 2)),
        ("3,", (3,)),
        ("0-3", (0, 1, 2, 3)),
        ("3,5,7", (3, 5, 7)),
        ("1-2,2", (1, 2)),
    ],
)
def test_seeds(text: str, seeds: tuple[int, ...]) -> None:
    assert notation.seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "0", "a", "5-3", "-1", "1.5"])
def test_wrong_seeds(text: str) -> None:
    with pytest.raises(BenchError, match="seeds"):
        notation.seeds(text)


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"methods": {"mixup": {"alpha": 1}}}, r"methods .*brackets: mixup\[alpha=1\]"),
        ({"datasets": {"breast": 1}}, "datasets .*write a name, or a list of names$"),
        ({"ratios": {0.5: 1}}, "ratio {0.5: 1}: expected numbers"),
        ({"seeds": {3: 1}}, "seeds {3: 1}: write a count"),
        ({"looks": {2: 1}}, "looks {2: 1}: write numbers of seeds"),
        ({"looks": [2.5, 3]}, "looks .2.5, 3.: write numbers of seeds"),
    ],
)
def test_what_would_be_lost_is_refused(changes: dict[str, Any], answer: str) -> None:
    with pytest.raises(BenchError, match=answer):
        _ = Study(**{"datasets": "phantom-binary", "methods": "none"} | changes).selection


def test_lists_split_outside_brackets() -> None:
    assert notation.split_list("a[x=1,y=f(2,3)], b,,c") == ["a[x=1,y=f(2,3)]", "b", "c"]
