"""Splits: groups whole, classes everywhere, sizes near what was asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.base.errors import BenchError
from bench.data import splits

PARTS = (0.7, 0.1, 0.2)


def one_hot(classes, count=3):
    return np.eye(count, dtype=np.uint8)[classes]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**16), st.sampled_from([PARTS, (0.6, 0.2, 0.2), (0.5, 0.1, 0.4)]))
def test_groups_stay_whole_and_every_class_is_in_every_split(seed, parts):
    rng = np.random.default_rng(seed)
    groups = rng.integers(60, size=150)
    kind = rng.integers(3, size=60)
    kind[:18] = np.arange(18) % 3
    groups[:60] = np.arange(60)
    labels = one_hot(kind[groups])
    split = splits.drawn(labels, groups, parts, seed, "abc")
    assert not splits.shared({s: groups[split == s] for s in ("train", "val", "test")})
    for name, part in zip(("train", "val", "test"), parts, strict=True):
        assert labels[split == name].any(0).all()
        assert abs((split == name).mean() - part) < 0.12


def test_without_groups_shares_are_met_to_an_image_a_class():
    labels = one_hot(np.repeat([0, 1, 2], [100, 40, 60]))
    split = splits.drawn(labels, np.arange(200), PARTS, 0, "abc")
    counts = [labels[split == s].sum(0).tolist() for s in ("train", "val", "test")]
    assert counts == [[70, 28, 42], [10, 4, 6], [20, 8, 12]]


@pytest.mark.parametrize("parts", [(0.96, 0.02, 0.02), (0.02, 0.96, 0.02)])
def test_small_parts_are_met_too(parts):
    split = splits.drawn(one_hot(np.arange(600) % 3), np.arange(600), parts, 0, "abc")
    assert [(split == s).sum() for s in ("train", "val", "test")] == [600 * p for p in parts]


def test_a_seed_is_a_split_and_another_is_another():
    labels, groups = one_hot(np.arange(90) % 3), np.arange(90)
    first, again, other = (splits.drawn(labels, groups, PARTS, seed, "abc") for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()


def test_three_groups_are_one_a_split():
    labels = one_hot(np.repeat([0, 1, 2], [3, 50, 50]))
    split = splits.drawn(labels, np.arange(103), PARTS, 0, "abc")
    assert sorted(split[:3]) == ["test", "train", "val"]


def test_many_images_of_two_patients_are_too_few_and_said_so():
    labels, groups = one_hot(np.repeat([0, 1, 2], 30)), np.arange(90)
    groups[:30] = np.arange(30) % 2
    with pytest.raises(BenchError, match=r"too few .*: a \(2\); a class needs .* three groups"):
        splits.drawn(labels, groups, PARTS, 0, "abc")


def test_a_class_that_the_parts_are_too_small_for_is_said_in_other_words():
    labels = one_hot(np.repeat([0, 1], 4), 2)
    with pytest.raises(
        BenchError, match=r"class a has too few groups .* larger share with --split"
    ):
        splits.drawn(labels, np.arange(8), PARTS, 0, "ab")


def test_what_two_splits_share_is_named_by_its_places():
    groups = {"train": np.array(["p", "q"]), "val": np.array(["r"]), "test": np.array(["s", "q"])}
    assert {pair: list(places) for pair, places in splits.shared(groups).items()} == {
        ("train", "test"): [1]
    }


@pytest.mark.parametrize("text", ["0.7,0.3", "0.7,0.1,0.3", "1,0,0", "a,b,c"])
def test_fractions_that_do_not_add_up_are_refused(text):
    with pytest.raises(BenchError, match="three fractions"):
        splits.fractions(text)
