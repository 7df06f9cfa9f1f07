"""The simulations behind docs/fairness.md, with fewer studies."""

import sys
from pathlib import Path

import numpy as np
import pytest
from made_up import record

from bench.study import Study

sys.path.insert(0, str(Path(__file__).parent))

import claims
import coverage
import joint
import looks
import replay

pytestmark = pytest.mark.slow
TARGETS = np.arange(20) % 2
SCORES = np.eye(2, dtype=np.float32)[TARGETS] * 0.8 + 0.1


@pytest.mark.parametrize(("seeds", "images", "sds"), coverage.ROWS)
def test_the_crossed_interval_covers(seeds, images, sds):
    *_, crossed = coverage.coverage(seeds, images, sds, studies=600)
    assert crossed == pytest.approx(0.95, abs=0.025)


def test_it_covers_where_seeds_alone_do_not():
    alone, _, crossed = coverage.coverage(30, 400, (1.5, 15.0, 25.0), studies=600)
    assert alone < 0.7 < 0.92 < crossed
    alone, crossed = coverage.coverage_of_auc(studies=300)
    assert alone < 0.9 < 0.92 < crossed


def test_looks_keep_the_error_and_save_seeds():
    nothing = looks.measure(0.0, studies=1000)
    assert nothing["these looks"][0] <= 0.065 < nothing["three looks at .05"][0]
    clear = looks.measure(2.0, studies=300)
    assert clear["these looks"][1] > 0.99
    assert clear["these looks"][2] < 12


@pytest.mark.parametrize(("margin", "designed"), [(0.4, 0.35), (0.5, 0.67), (2 / 3, 0.94)])
def test_equivalence_is_found_as_designed(margin, designed):
    assert looks.equivalent(margin, studies=1000) == pytest.approx(designed, abs=0.04)


@pytest.mark.parametrize("collapses", [0.0, 0.08])
def test_the_joint_test_keeps_its_size(collapses):
    five, _ = joint.size(10, collapses, studies=600)
    assert five <= 0.075


def test_workers_that_begin_in_their_own_shard_ask_far_less_of_the_store():
    found = [claims.simulate(k, 5000, 100) for k in (claims.InOrder, claims.ShardsFirst)]
    assert found[1]["operations"] < found[0]["operations"] / 5
    assert found[1]["looking"] < found[0]["looking"] < 0.01
    assert abs(found[1]["last"] - found[0]["last"]) < 0.1


def test_a_study_done_again_stops_what_is_decided(tmp_path):
    """`basic` is far below from the first look on, `mixup` is never decided."""
    rng = np.random.default_rng(0)
    study = Study(
        datasets=["phantom-binary"],
        methods=["none", "basic", "mixup"],
        seeds=15,
        looks=[5, 10, 15],
        results=tmp_path,
    )
    for run in study.grid.runs:
        acc = 0.8 + rng.normal(0, 0.02) - 0.3 * (run.cell.method.name == "basic")
        study.store.publish(run.key, record(run, {"acc": acc, "auc": 0.9}), SCORES, TARGETS)
    again = replay.replayed(study)
    assert len(again.measured.records) == 35
    (basic, whole), (mixup, _) = replay.beside(again, study)
    assert (basic["n"], whole["n"], mixup["n"]) == (5, 15, 15)
    assert basic["verdict"] == whole["verdict"] == "worse"
