"""The page of all comparisons says of a method what Table 1 says."""

import importlib.util
from pathlib import Path
from statistics import fmean
from types import ModuleType, SimpleNamespace

import pytest
from made_up import drawn, fill

from bench.study import Study

HOOKS = Path(__file__).parents[2] / "website" / "hooks.py"


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    pytest.importorskip("mkdocs")
    spec = importlib.util.spec_from_file_location("hooks", HOOKS)
    assert spec and spec.loader
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    return module


@pytest.mark.parametrize(
    ("value", "sign", "text"),
    [(0.0004, "+", "0.0"), (-0.0004, "+", "0.0"), (-0.0004, "", "0.0"), (0.012, "+", "+1.2")],
)
def test_what_rounds_to_zero_has_no_sign(
    value: float, sign: str, text: str, hooks: ModuleType
) -> None:
    assert hooks.percent(value, sign) == text


def test_seeds_beyond_the_look_that_was_reached_count_nowhere(
    hooks: ModuleType, tmp_path: Path
) -> None:
    def study(looks: list[int]) -> Study:
        methods = ["none", "ails"]
        return Study(datasets=["phantom-binary"], methods=methods, looks=looks, results=tmp_path)

    done = study([5, 7])
    fill(done.store, done.grid)
    first, _ = hooks._rows(study([5, 10]))
    method, reference, *_, acc, seeds = first
    runs = [run for run in done.grid.runs if run.cell.method.name == "ails" and run.seed < 5]
    assert (method, reference, seeds) == ("ails", "none", "5")
    assert acc.startswith(f"{100 * fmean(drawn(run)['acc'] for run in runs):.1f} ± ")


def test_paths_of_links_and_images_are_those_of_the_site(hooks: ModuleType) -> None:
    page = SimpleNamespace(file=SimpleNamespace(src_uri="index.md"))
    found = hooks.on_page_markdown(
        '[a](docs/data.md#b) ![c](docs/figures/d.svg) <img src="docs/figures/e.svg" alt="f">'
        ' <source srcset="docs/figures/g.svg"> [h](https://medmnist.com)',
        page,
    )
    assert found == (
        '[a](data.md#b) ![c](figures/d.svg) <img src="figures/e.svg" alt="f">'
        ' <source srcset="figures/g.svg"> [h](https://medmnist.com)'
    )
