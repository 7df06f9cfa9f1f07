"""The size of the joint test of readings where nothing has an effect.

    python tests/simulations/joint.py

Thirty readings share the reference's run. Where runs collapse, 8 % of them lose 20 points.
"""

import numpy as np

from reports.results.specification import sign_flip

STUDIES = 2000
READINGS = 30


def differences(rng, seeds, collapses):
    """(readings, seeds), in points: part of the noise is one of the method, part of a reading."""
    shared = rng.normal(size=seeds)
    ours = 1.5 * shared + rng.normal(size=(READINGS, seeds))
    reference = 1.8 * rng.normal(size=seeds)
    return (
        ours
        - reference
        - 20
        * (
            (rng.uniform(size=(READINGS, seeds)) < collapses).astype(float)
            - (rng.uniform(size=seeds) < collapses)
        )
    )


def size(seeds=10, collapses=0.0, studies=STUDIES):
    """How often p is at most 5 % and at most 1 %."""
    rng = np.random.default_rng(3)
    p = np.array([sign_flip(differences(rng, seeds, collapses)).median for _ in range(studies)])
    return (p <= 0.05).mean(), (p <= 0.01).mean()


def main():
    print("| seeds | runs that collapse | at 5 % | at 1 % |")
    print("|---|---|---|---|")
    for seeds in (5, 10):
        for collapses in (0.0, 0.08):
            five, one = size(seeds, collapses)
            print(f"| {seeds} | {collapses:.0%} | {five:.3f} | {one:.3f} |")


if __name__ == "__main__":
    main()
