"""How often does a 95 % interval hold the truth, where new seeds meet new images?

    python tests/simulations/coverage.py

A difference of two methods at a seed and an image is a part of the seed, a part of the image, and
the rest; the truth is zero. `seeds alone` is the t interval over seeds, `images alone` that over
images of the mean over seeds, `crossed` that of `bench.stats.crossed`.
"""

import numpy as np
from scipy import stats

from bench.base.task import Task
from bench.stats.crossed import crossed, influence, parts
from bench.stats.paired import compare

STUDIES = 2000
ROWS = (
    (10, 156, (0.0, 0.0, 25.0)),
    (10, 156, (1.8, 5.0, 29.0)),
    (10, 156, (1.5, 15.0, 25.0)),
    (10, 624, (1.8, 5.0, 29.0)),
    (30, 400, (0.0, 10.0, 29.0)),
    (30, 400, (1.5, 15.0, 25.0)),
)
"""Seeds, images, and the SDs of seed, image and rest, in points."""


def scores(rng, seeds, images, sds):
    of_seed, of_image, rest = sds
    return (
        of_seed * rng.normal(size=(seeds, 1))
        + of_image * rng.normal(size=images)
        + rest * rng.normal(size=(seeds, images))
    )


def covered(table):
    """Whether each of the three intervals holds zero."""
    seeds, images = table.shape
    d = table.mean(1)
    alone = compare(dict(enumerate(d)), dict.fromkeys(range(seeds), 0.0))
    over_images = stats.ttest_1samp(table.mean(0), 0).pvalue >= 0.05
    influences = (table - d[:, None]) / np.sqrt(images * (images - 1))
    both = crossed([parts(d, influences)])
    return alone.low <= 0 <= alone.high, over_images, both.low <= 0 <= both.high


def coverage(seeds, images, sds, studies=STUDIES):
    rng = np.random.default_rng(0)
    return np.mean([covered(scores(rng, seeds, images, sds)) for _ in range(studies)], axis=0)


def coverage_of_auc(seeds=10, images=156, studies=STUDIES):
    """Of seeds alone and crossed: scores of two methods that are equally good, with shared images,
    an image's own leaning to one of the methods, and a run's own quality.
    """
    rng, held = np.random.default_rng(0), []
    targets = (np.arange(images) % 4 > 0).astype(int)
    for _ in range(studies):
        shared = rng.normal(size=images) + 1.2 * targets
        leaning = 0.5 * rng.normal(size=(2, images))
        d, influences = [], []
        for _ in range(seeds):
            runs = [
                shared + leaning[m] + rng.normal(0, 0.15) * targets + 0.8 * rng.normal(size=images)
                for m in range(2)
            ]
            two = [np.stack([-x, x], 1).astype(np.float32) for x in runs]
            one, other = (influence("auc", x, targets, Task.BINARY) for x in two)
            d.append(_auc(runs[0], targets) - _auc(runs[1], targets))
            influences.append(one - other)
        alone = compare(dict(enumerate(d)), dict.fromkeys(range(seeds), 0.0))
        both = crossed([parts(d, np.array(influences))])
        held.append((alone.low <= 0 <= alone.high, both.low <= 0 <= both.high))
    return np.mean(held, axis=0)


def _auc(score, targets):
    ranks = stats.rankdata(score)
    positive = targets == 1
    count = positive.sum()
    return (ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(targets) - count))


def main():
    print("| seeds, images | SD of seeds, images, rest | seeds alone | images alone | crossed |")
    print("|---|---|---|---|---|")
    for seeds, images, sds in ROWS:
        found = " | ".join(f"{share:.3f}" for share in coverage(seeds, images, sds))
        print(f"| {seeds}, {images} | {', '.join(f'{sd:g}' for sd in sds)} | {found} |")
    alone, both = coverage_of_auc()
    print(f"| 10, 156, AUC | by scores | {alone:.3f} | – | {both:.3f} |")


if __name__ == "__main__":
    main()
