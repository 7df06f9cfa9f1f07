"""Our baseline beside published numbers."""

from pathlib import Path
from typing import Any

import pytest
from made_up import fill

from bench.base.errors import BenchError
from bench.stats.paired import Summary
from bench.study import Study
from reports.tables.replication import METRICS, output, sources, tolerance


def test_the_sources_name_every_set_of_medmnist_and_both_metrics() -> None:
    from bench.data.catalogue import NAMES

    assert {source.dataset for source in sources()} == set(NAMES)
    assert all(0.5 < source.mean[metric] < 1 for source in sources() for metric in METRICS)


@pytest.mark.parametrize(("sd", "n", "allowed"), [(0.001, 3, 0.02), (0.03, 9, 0.03)])
def test_the_tolerance_is_of_the_seeds_but_no_less_than_the_floor(
    sd: float, n: int, allowed: float
) -> None:
    assert tolerance("auc", Summary(n, 0.9, sd, 0.8, 1.0)) == pytest.approx(allowed)


def test_differences_beyond_the_tolerance_are_marked(monkeypatch: Any, tmp_path: Path) -> None:
    """Means of .90 and .80, three runs of equal value."""
    study = Study(datasets=["phantom-binary"], methods=["none"], seeds=3, results=tmp_path)
    fill(study.store, study.grid, lambda run: {"auc": 0.9, "acc": 0.8})
    place = "reports.tables.replication._cell"
    monkeypatch.setattr(place, lambda study: ("breast", "resnet18-cifar"))
    found = output({"fp32": study})
    cells = {(cell["source"], cell["metric"]): cell for cell in found.cells}
    assert cells["MedMNIST v2", "auc"]["difference"] == pytest.approx(-0.001)
    assert cells["MedMNIST v2", "auc"]["within"]
    assert not cells["MedMNIST v2", "acc"]["within"]
    lines = {line[0]: line[4:] for line in found.table.lines}
    assert lines["MedMNIST v2"] == ["−0.1 (±2.0)", "−6.3 (±3.0) !"]
    assert lines["ours, fp32"] == ["–", "–"]


def test_one_run_is_no_comparison(tmp_path: Path) -> None:
    study = Study(datasets=["phantom-binary"], methods=["none"], seeds=1, results=tmp_path)
    with pytest.raises(BenchError, match="fewer than two runs"):
        output({"fp32": study})
