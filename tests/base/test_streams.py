"""Streams: a seed for each source of chance, from seed, name and data alone."""

import dataclasses

import pytest

from bench.base.streams import Streams, stream

RUN = Streams(data="ab12", seed=3)
NAMES = ("subset", "init", "order", "dropout", "augment")


def test_a_stream_is_the_same_on_every_machine() -> None:
    assert stream("order", "breast", 1.0, 0) == 7219806224766540805


def test_every_stream_of_every_seed_differs() -> None:
    seeds = [
        getattr(dataclasses.replace(RUN, seed=seed), name) for seed in range(50) for name in NAMES
    ]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize("change", [{"data": "cd34"}, {"seed": 4}])
@pytest.mark.parametrize("name", NAMES)
def test_a_stream_follows_data_and_seed(name: str, change: dict[str, object]) -> None:
    assert getattr(dataclasses.replace(RUN, **change), name) != getattr(RUN, name)


def test_a_stream_knows_no_names() -> None:
    """Of methods, backbones, ratios or files: so they share what they can."""
    assert {field.name for field in dataclasses.fields(Streams)} == {"data", "seed"}
