"""Shards: every run in exactly one, the same on every machine."""

import pytest

from bench.base.errors import BenchError
from bench.engines.shard import Shard
from bench.grid import grid
from bench.grid.protocol import Protocol
from bench.grid.selection import Selection

RUNS = grid.expand(
    Selection(
        datasets=("phantom-binary",), methods=("none", "mixup", "cutout"), seeds=tuple(range(20))
    ),
    Protocol(steps=3),
).runs


@pytest.mark.parametrize("of", [1, 2, 7])
def test_every_run_is_in_exactly_one_shard(of: int) -> None:
    shards = [Shard(n + 1, of) for n in range(of)]
    assert all(sum(shard.holds(run) for shard in shards) == 1 for run in RUNS)


def test_a_run_stays_in_its_shard_whatever_else_is_asked_for() -> None:
    shard = Shard(2, 3)
    part = [run for run in RUNS if shard.holds(run)]
    assert [run for run in RUNS[10:] if shard.holds(run)] == [r for r in part if r in RUNS[10:]]


def test_a_worker_begins_in_its_own_shard_and_then_helps_all_others() -> None:
    for number in (1, 2, 3):
        shard = Shard(number, 3)
        order = shard.first(RUNS)
        own = sum(map(shard.holds, RUNS))
        assert order[:own] == tuple(run for run in RUNS if shard.holds(run))
        assert sorted(order, key=RUNS.index) == list(RUNS)
        assert order == shard.first(RUNS)
    helped = [Shard(number, 3).first(RUNS)[-1] for number in (1, 2, 3)]
    assert len(set(helped)) > 1


@pytest.mark.parametrize(
    "text", ["", "0/3", "4/3", "1/0", "a/3", "1", "1/3/5", "-1/3", "١/٣", "1/9999999"]
)
def test_what_is_no_shard_is_named_with_the_mend(text: str) -> None:
    with pytest.raises(BenchError, match="shard"):
        Shard.parse(text)


def test_a_shard_is_read_as_it_is_written() -> None:
    assert Shard.parse("2/8") == Shard(2, 8)
