"""What looking for work costs: many workers, one store, no training.

    python tests/simulations/claims.py

A look at the store takes a worker `LATENCY`; the file server does so many a second. Runs take ten
minutes on average, some ten times as long as others. `in order`: every worker goes through all
runs from the first on. `shards first`: it begins in its own part and then helps the others in an
order of its own, and lists the store where it meets what others have done, as
`bench.engines.local.Team` does. `idle` is the share of the workers' time that is not spent on runs,
`last` how much longer all takes than with perfect sharing.
"""

import heapq

import numpy as np

LATENCY = 0.001
"""Seconds of an operation on a network file system."""
LOOK, CLAIM, PUBLISH = 3, 5, 12
"""Operations: is it done, has it failed, is it leased; take the lease; predictions and record."""
PER_LISTING = 100
"""Names that an operation lists."""
FOLDERS = 256
MEAN_SECONDS = 600.0
IN_VAIN = 16


class Store:
    """When each run begins and ends, and the operations that were asked for."""

    def __init__(self, runs, rng):
        cell = rng.lognormal(0, 0.8, -(-runs // 10)).repeat(10)[:runs]
        self.seconds = MEAN_SECONDS * cell / cell.mean() * rng.lognormal(0, 0.05, runs)
        self.ends = np.full(runs, np.inf)
        self.taken = np.zeros(runs, bool)
        self.operations = 0

    def spend(self, operations):
        self.operations += operations
        return operations * LATENCY

    def listing(self):
        return self.spend(FOLDERS + len(self.ends) // PER_LISTING)


class InOrder:
    """Goes through all runs; those that others hold it looks at again at the end."""

    def __init__(self, number, workers, store):
        self.store, self.place = store, 0

    def next(self, now):
        free = np.flatnonzero(~self.store.taken[self.place :])
        if not len(free):
            passed, self.place = len(self.store.taken) - self.place, len(self.store.taken)
            return None, self.store.spend(LOOK * passed)
        passed, self.place = int(free[0]), self.place + int(free[0]) + 1
        return self.place - 1, self.store.spend(LOOK * (passed + 1))


class ShardsFirst:
    """Its own part, then the others."""

    def __init__(self, number, workers, store):
        self.store = store
        runs = np.arange(len(store.ends))
        own = runs[number::workers]
        others = np.delete(runs, own)
        np.random.default_rng(number).shuffle(others)
        self.order, self.place = np.concatenate([own, others]), 0

    def next(self, now):
        spent = self.store.listing() if not self.place else 0.0
        in_vain = 0
        while self.place < len(self.order):
            run = self.order[self.place]
            self.place += 1
            spent += self.store.spend(LOOK)
            if not self.store.taken[run]:
                return run, spent
            in_vain += 1
            if in_vain == IN_VAIN:
                spent += self.store.listing()
                ahead = self.order[self.place :]
                self.order, self.place = ahead[self.store.ends[ahead] > now], 0
        return None, spent


def simulate(kind, runs=100_000, workers=1000, seed=0):
    """Operations, those a second on average, the idle share, and how much longer all takes."""
    store = Store(runs, np.random.default_rng(seed))
    team = [kind(number, workers, store) for number in range(workers)]
    queue = [(0.0, number) for number in range(workers)]
    last = looking = 0.0
    while queue:
        now, number = heapq.heappop(queue)
        run, spent = team[number].next(now)
        looking += spent
        if run is None:
            continue
        store.taken[run] = True
        spent += store.spend(CLAIM + PUBLISH)
        store.ends[run] = now + spent + store.seconds[run]
        last = max(last, store.ends[run])
        heapq.heappush(queue, (store.ends[run], number))
    perfect = store.seconds.sum() / workers
    return {
        "operations": store.operations,
        "a second": store.operations / last,
        "idle": 1 - store.seconds.sum() / (last * workers),
        "looking": looking / (last * workers),
        "last": last / perfect - 1,
    }


def main():
    for runs, workers in ((5_000, 20), (20_000, 200), (100_000, 1000)):
        for name, kind in (("in order", InOrder), ("shards first", ShardsFirst)):
            found = simulate(kind, runs, workers)
            print(
                f"{runs:8,} runs {workers:5,} workers  {name:13}"
                f"{found['operations'] / 1e6:9.1f} M operations {found['a second']:9.0f} a second"
                f"  looking {found['looking']:6.2%}  idle {found['idle']:6.1%}"
                f"  last +{found['last']:.1%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
