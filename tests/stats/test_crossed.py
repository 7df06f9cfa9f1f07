"""The crossed interval against analyses of variance, DeLong's covariance and published results."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from bench import metrics
from bench.base.errors import BenchError
from bench.base.task import Task
from bench.stats.crossed import METRICS, Parts, crossed, influence, other_sets, parts
from bench.stats.paired import compare

IMAGES = 60


def scored(task: Task, seed: int = 0, images: int = IMAGES):
    """Probabilities and targets of a run."""
    rng = np.random.default_rng(seed)
    if task is Task.MULTILABEL:
        targets = (np.arange(images)[:, None] + np.arange(3)) % 4 == 0
        return (rng.uniform(size=(images, 3)) + targets).astype(np.float32) / 2, targets.astype(int)
    classes = 2 if task is Task.BINARY else 4
    targets = np.arange(images) % classes
    scores = rng.dirichlet(np.ones(classes), images) + 0.5 * np.eye(classes)[targets]
    return (scores / scores.sum(1, keepdims=True)).astype(np.float32), targets


def centred(values):
    """Scores of images (S, I) as parts."""
    n = values.shape[1]
    return parts(values.mean(1), (values - values.mean(1, keepdims=True)) / np.sqrt(n * (n - 1)))


class TestAgainstAnalysisOfVariance:
    @pytest.mark.parametrize("image_sd", [0.0, 2.0])
    def test_the_variance_is_that_of_the_two_way_random_table(self, image_sd):
        rng = np.random.default_rng(1)
        seeds, images = 6, 25
        table = rng.normal(size=(seeds, images)) + image_sd * rng.normal(size=images)
        cells = pd.DataFrame(
            {
                "y": table.ravel(),
                "seed": np.repeat(np.arange(seeds), images),
                "image": np.tile(np.arange(images), seeds),
            }
        )
        squares = anova_lm(ols("y ~ C(seed) + C(image)", cells).fit())["mean_sq"]
        of_seed, of_image, rest = squares["C(seed)"], squares["C(image)"], squares["Residual"]
        found = crossed([centred(table)])
        expected = (of_seed + max(0, of_image - rest)) / (seeds * images)
        assert found.se**2 == pytest.approx(expected)
        assert found.image_sd**2 == pytest.approx(max(0, of_image - rest) / (seeds * images))

    def test_without_a_part_of_the_images_it_is_the_paired_t_test(self):
        d = np.random.default_rng(2).normal(1, 2, 10)
        found = crossed([Parts(d, 0.0)])
        other = compare(dict(enumerate(d)), dict.fromkeys(range(10), 0.0))
        assert (found.low, found.high, found.p) == pytest.approx((other.low, other.high, other.p))
        assert found.seeds == math.inf

    def test_without_a_part_of_the_seeds_it_is_a_normal_interval(self):
        found = crossed([Parts(np.full(10, 0.5), 0.04)])
        assert found.df == math.inf
        assert (found.low, found.high) == pytest.approx(stats.norm.interval(0.95, 0.5, 0.2))


def test_van_dykes_published_analysis_follows_from_its_published_components():
    """Five readers, 114 cases: the AUC of each reader with either modality, DeLong's covariances,
    and what MRMCaov makes of them (Smith and Hillis, docs/jss/MRMCaov.tex of its repository).
    """
    first = np.array([0.9196457, 0.8587762, 0.9038647, 0.9731079, 0.8297907])
    second = np.array([0.9478261, 0.9053140, 0.9217391, 0.9993559, 0.9299517])
    cov2, cov3 = 0.0003395265, 0.0002358497
    found = crossed([Parts(first - second, 2 * (cov2 - cov3))])
    values = found.se, found.df, found.low, found.high, found.p
    printed = (0.0206825, 15.06611, -0.0878671960, 0.0002665519, 0.05123303)
    assert values == pytest.approx(printed, rel=1e-4, abs=1e-7)


class TestInfluence:
    def test_of_auc_gives_delongs_covariance_by_brute_force(self):
        (a, targets), (b, _) = scored(Task.BINARY), scored(Task.BINARY, 5)
        positive = targets == 1

        def components(score):
            pairs = score[positive, None], score[None, ~positive]
            wins = (pairs[0] > pairs[1]) + 0.5 * (pairs[0] == pairs[1])
            return wins.mean(1), wins.mean(0)

        (a10, a01), (b10, b01) = components(a[:, 1]), components(b[:, 1])
        expected = np.cov(a10, b10)[0, 1] / len(a10) + np.cov(a01, b01)[0, 1] / len(a01)
        one, other = (influence("auc", x, targets, Task.BINARY) for x in (a, b))
        assert one @ other == pytest.approx(expected)

    def test_of_auc_is_that_of_mid_ranks_to_the_bit_where_scores_are_tied(self):
        (scores, targets), rank = scored(Task.BINARY), stats.rankdata
        scores = scores.round(1)
        score, found = scores[:, 1], np.empty(IMAGES)
        for group, sign in ((targets == 1, 1), (targets != 1, -1)):
            above = (rank(score)[group] - rank(score[group])) / (~group).sum()
            m = len(above)
            found[group] = sign * ((above - above.mean()) / math.sqrt(m * (m - 1)))
        assert influence("auc", scores, targets, Task.BINARY).tobytes() == found.tobytes()

    @pytest.mark.parametrize("task", list(Task))
    @pytest.mark.parametrize("name", METRICS)
    def test_is_what_leaving_an_image_out_does(self, name, task):
        """The infinitesimal jackknife and the jackknife agree to the order of 1 / images."""
        scores, targets = scored(task, images=400)
        found = influence(name, scores, targets, task)
        whole = metrics.compute(name, scores, targets, task)
        left = [
            metrics.compute(name, np.delete(scores, i, 0), np.delete(targets, i, 0), task)
            for i in range(60)
        ]
        assert found.sum() == pytest.approx(0, abs=1e-12)
        shift = len(scores) * np.array([whole - value for value in left]) / len(scores)
        assert found[:60] == pytest.approx(shift, rel=0.02, abs=0.02 * np.abs(shift).max())

    def test_a_mean_over_images_has_the_variance_of_a_mean(self):
        scores, targets = scored(Task.BINARY)
        right = (scores.argmax(1) == targets).astype(float)
        found = influence("acc", scores, targets, Task.BINARY)
        assert (found**2).sum() == pytest.approx(right.var(ddof=1) / len(right))

    def test_others_have_none(self):
        scores, targets = scored(Task.MULTICLASS)
        assert influence("kappa", scores, targets, Task.MULTICLASS) is None
        assert influence("auc", scores, np.zeros(IMAGES, int), Task.MULTICLASS) is None

    def test_one_column_of_auc_is_that_of_scikit_learn(self):
        scores, targets = scored(Task.BINARY)
        assert roc_auc_score(targets, scores[:, 1]) == metrics.compute(
            "auc", scores, targets, Task.BINARY
        )


class TestSets:
    def test_the_variance_of_a_mean_over_fixed_sets_is_a_sum(self):
        rng = np.random.default_rng(3)
        sets = [Parts(rng.normal(0, 1 + k, 10), 0.1 * k) for k in range(3)]
        each = [crossed([one]) for one in sets]
        found = crossed(sets)
        assert found.se**2 == pytest.approx(sum(one.se**2 for one in each) / 9)
        assert found.difference == pytest.approx(np.mean([one.difference for one in each]))
        own = [one.differences.var(ddof=1) / 10 / 9 for one in sets]
        assert found.df == pytest.approx(found.se**4 / sum(v**2 / 9 for v in own))

    def test_other_sets_is_a_t_test_of_the_means(self):
        means = [0.01, 0.02, -0.01, 0.03]
        found, expected = other_sets(means), stats.ttest_1samp(means, 0)
        assert found.p == pytest.approx(expected.pvalue)
        assert (found.low, found.high) == pytest.approx(expected.confidence_interval())

    def test_no_difference_anywhere_is_no_evidence(self):
        found = crossed([Parts(np.zeros(5), 0.0)])
        assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)

    def test_one_seed_is_refused(self):
        with pytest.raises(BenchError, match="two or more"):
            parts([0.1], np.zeros((1, 5)))
