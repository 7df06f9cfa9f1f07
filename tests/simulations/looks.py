"""What do looks at 10, 20 and 30 seeds cost in error, and save in seeds?

    python tests/simulations/looks.py

Nine comparisons share a reference, and one of them differs or none. `power` is how often it is
shown, `mean seeds` what its method gets. Differences are in units of the SD of paired differences.
"""

import numpy as np
from scipy import special

from bench.stats.equivalence import equivalence_p
from bench.stats.paired import holm_p
from bench.stats.sequential import obrien_fleming, sequential_p

STUDIES = 2000
LOOKS = (10, 20, 30)
FAMILY = 9


def p_values(rng, effect, looks=LOOKS):
    """Two-sided t-tests at every look: (family, looks)."""
    runs = rng.normal(size=(FAMILY, looks[-1])) - rng.normal(size=looks[-1])
    d = runs / np.sqrt(2)
    d[0] += effect
    t = [d[:, :n].mean(1) * np.sqrt(n) / d[:, :n].std(1, ddof=1) for n in looks]
    return np.stack([2 * special.stdtr(n - 1, -abs(x)) for n, x in zip(looks, t, strict=True)], 1)


def by_looks(p, looks=LOOKS):
    """Whether each comparison is shown, and the seeds that its method gets."""
    so_far = np.ones(len(p))
    seeds, shown = np.full(len(p), looks[-1]), np.zeros(len(p), bool)
    for k, n in enumerate(looks):
        for m in np.flatnonzero(~shown):
            so_far[m] = sequential_p(p[m, : k + 1].tolist(), looks)
        now = np.array(holm_p(so_far.tolist())) <= 0.05
        seeds[now & ~shown], shown = n, shown | now
    return shown, seeds


def fixed(p):
    """One look at the last seeds."""
    return np.array(holm_p(p[:, -1].tolist())) <= 0.05


def as_people_do(p):
    """Holm at 5 % at every look, until something is shown."""
    return np.any([np.array(holm_p(column.tolist())) <= 0.05 for column in p.T], axis=0)


def measure(effect, studies=STUDIES):
    """By rule: how often any is shown, how often the first, and the seeds of the first."""
    rng = np.random.default_rng(1)
    found = {name: [] for name in ("10 fixed", "30 fixed", "three looks at .05", "these looks")}
    for _ in range(studies):
        p = p_values(rng, effect)
        shown, seeds = by_looks(p)
        for name, which, spent in (
            ("10 fixed", fixed(p[:, :1]), 10),
            ("30 fixed", fixed(p), 30),
            ("three looks at .05", as_people_do(p), np.nan),
            ("these looks", shown, seeds[0]),
        ):
            found[name].append((which.any(), which[0], spent))
    return {name: np.mean(rows, axis=0) for name, rows in found.items()}


def equivalent(margin, studies=STUDIES):
    """How often equivalence is shown at a true zero."""
    rng = np.random.default_rng(2)
    shown = []
    for d in rng.normal(size=(studies, LOOKS[-1])):
        steps = [equivalence_p(d[:n], margin) for n in LOOKS]
        shown.append(sequential_p(steps, LOOKS, obrien_fleming, sides=1) <= 0.05)
    return float(np.mean(shown))


def main():
    effects = (0.0, 0.5, 1.0, 2.0)
    found = {effect: measure(effect) for effect in effects}
    titles = [f"{effect:g} SD: power, mean seeds" for effect in effects[1:]]
    print(f"| rule | error, nothing true | {' | '.join(titles)} |")
    print("|---|---|---|---|---|")
    for name in found[0.0]:
        cells = [f"{found[e][name][1]:.2f}, {found[e][name][2]:.3g}" for e in effects[1:]]
        cells = ["" if "nan" in cell else cell for cell in cells]
        print(f"| {name} | {found[0.0][name][0]:.3f} | {' | '.join(cells)} |")
    print("\n| margin, in SD | equivalent at a true zero |\n|---|---|")
    for margin in (0.4, 0.5, 2 / 3):
        print(f"| {margin:.2f} | {equivalent(margin):.2f} |")


if __name__ == "__main__":
    main()
