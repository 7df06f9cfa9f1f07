"""The seeds of a run: what shares them and what does not."""

from dataclasses import replace

from bench.base.streams import Streams, stream

RUN = Streams(dataset="breast", ratio=0.5, backbone="resnet18", method="ails", seed=3)


def test_seeds_are_the_same_on_every_machine() -> None:
    assert stream("order", "breast", 1.0, 0) == 7219806224766540805


def test_methods_share_subset_init_and_order_but_not_their_own_draws() -> None:
    other = replace(RUN, method="none")
    assert (other.subset, other.init, other.order, other.dropout) == (
        RUN.subset,
        RUN.init,
        RUN.order,
        RUN.dropout,
    )
    assert other.augment != RUN.augment


def test_subsets_of_all_ratios_come_from_one_seed() -> None:
    assert replace(RUN, ratio=0.2).subset == RUN.subset


def test_every_stream_of_every_seed_differs() -> None:
    seeds = [
        getattr(replace(RUN, seed=seed), name)
        for seed in range(50)
        for name in ("subset", "init", "order", "dropout", "augment")
    ]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
