"""Whoever starts the workers: the same selection gives the same predictions and tables."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.engines.engine import Engine
from bench.engines.local import Local
from bench.engines.ray import Ray
from bench.engines.shard import Shard
from bench.store.merge import merge
from bench.store.records import Store
from bench.study import Study
from reports import table

Do = Callable[[Path], None]


def study(results: Path) -> Study:
    return Study(
        datasets=["phantom-binary"],
        methods=["none", "mixup"],
        backbones=["test_byobnet"],
        seeds=2,
        settings={"steps": 3},
        results=results,
    )


def by(engine: Engine, workers: int) -> Do:
    return lambda results: study(results).run(workers, engine=engine)


def in_shards(results: Path) -> None:
    """Two parts, each in a folder of its own, merged."""
    for number in (1, 2):
        part = Shard(number, 2)
        folder = results.with_name(f"{results.name}-{number}")
        study(folder).shard(part).run(1)
        merge(Store(results), Store(folder))


WAYS = {"two": by(Local(), 2), "shards": in_shards, "ray": by(Ray(), 2)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("one") / "results"
    study(results).run(1)
    return results


def tables(results: Path) -> dict[str, bytes]:
    """The files of Table 1."""
    written = table(1, study(results)).write(results / "tables")
    return {path.name: path.read_bytes() for path in written}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_predictions_and_tables_are_those_of_one_worker(
    way: str, whole: Path, tmp_path: Path
) -> None:
    if way == "ray" and not importlib.util.find_spec("ray"):
        pytest.skip("Ray is not installed")
    results = tmp_path / "results"
    WAYS[way](results)
    names = sorted(path.relative_to(whole) for path in (whole / "preds").rglob("*.npz"))
    assert len(names) == 4 == len(list(Store(results)))
    assert all((results / name).read_bytes() == (whole / name).read_bytes() for name in names)
    assert tables(results) == tables(whole)
