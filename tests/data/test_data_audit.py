import json
import os

import numpy as np
import pytest

from bench.base.task import Task
from bench.data import audit as data_audit
from bench.data import dataset as data
from bench.data.audit import Sample, audit
from bench.data.dataset import Dataset, Info, open_dataset

real = pytest.mark.skipif("BENCH_DATA" not in os.environ, reason="needs BENCH_DATA")


def dataset(images, labels, task=Task.MULTICLASS, classes=3):
    """Images of one value each, by split."""
    counts = {split: len(values) for split, values in images.items()}
    names = tuple("abc"[:classes])
    info = Info("made", task, classes, 1, 4, counts, names, "f")
    return Dataset(
        info,
        lambda split: (
            np.array(images[split], np.uint8)[:, None, None].repeat(4, 1).repeat(4, 2),
            np.array(labels[split], np.uint8).reshape(counts[split], -1),
        ),
    )


@pytest.fixture(params=[1, 2, 256])
def made(request, monkeypatch):
    """Audited in pieces of 1, 2 and more images than there are."""
    monkeypatch.setattr(data_audit, "CHUNK", request.param)
    return audit(
        dataset(
            {"train": [5, 6, 5, 7], "val": [8, 7, 9], "test": [5, 1, 1]},
            {"train": [0, 1, 0, 1], "val": [2, 2, 1], "test": [0, 2, 2]},
        )
    )


def test_every_repeated_image_is_found_once(made):
    assert made.groups == (
        (Sample("train", 0, (0,)), Sample("train", 2, (0,)), Sample("test", 0, (0,))),
        (Sample("train", 3, (1,)), Sample("val", 1, (2,))),
        (Sample("test", 1, (2,)), Sample("test", 2, (2,))),
    )


def test_the_views_of_the_groups(made):
    fives, sevens, ones = made.groups
    assert made.within("train") == [fives]
    assert made.within("val") == []
    assert made.within("test") == [ones]
    assert made.across("train", "test") == made.across("test", "train") == [fives]
    assert made.across("train", "val") == [sevens]
    assert made.across("val", "test") == []
    assert made.conflicting == [sevens]
    assert list(made.summary().values()) == [1, 0, 1, 1, 1, 0, 1]


def test_class_counts(made):
    assert made.counts == {"train": (2, 2, 0), "val": (0, 1, 2), "test": (1, 0, 2)}


def test_rendered(made):
    text = "\n".join(made.lines())
    assert "train[3] label 1 = val[1] label 2  conflicting labels" in text
    assert text.count("conflicting labels") == 2
    assert json.loads(json.dumps(made.as_dict()))["groups"][1][1] == {
        "split": "val",
        "index": 1,
        "labels": [2],
    }
    assert made.as_dict()["counts"]["test"] == {"a": 1, "b": 0, "c": 2}


def test_multilabel_samples_have_all_their_labels():
    found = audit(
        dataset(
            {"train": [1, 2], "val": [1], "test": [3]},
            {"train": [[0, 1, 1], [0, 0, 0]], "val": [[0, 1, 0]], "test": [[1, 0, 0]]},
            Task.MULTILABEL,
        )
    )
    assert found.groups == ((Sample("train", 0, (1, 2)), Sample("val", 0, (1,))),)
    assert found.conflicting == list(found.groups)
    assert found.counts["train"] == (0, 1, 1)


def test_phantoms_hold_nothing_twice():
    for name in data.PHANTOMS:
        assert audit(open_dataset(name, 28)).groups == ()


@real
def test_breast_has_one_image_in_train_and_test_with_conflicting_labels():
    found = audit(open_dataset("breast", 28, download=False))
    conflict = (Sample("train", 115, (0,)), Sample("test", 76, (1,)))
    assert found.across("train", "test") == found.conflicting == [conflict]


@real
def test_retina_has_none_across_splits():
    found = audit(open_dataset("retina", 28, download=False))
    assert all(
        found.across(a, b) == [] for a, b in (("train", "val"), ("train", "test"), ("val", "test"))
    )


@real
def test_pneumonia_has_eight_images_in_train_and_val():
    found = audit(open_dataset("pneumonia", 28, download=False))
    assert len(found.across("train", "val")) == 8
    assert found.counts == {"train": (1214, 3494), "val": (135, 389), "test": (234, 390)}


@real
def test_from_disk_the_audit_is_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    resident = audit(open_dataset("pneumonia", 28, download=False))
    monkeypatch.setattr(data, "RESIDENT_BYTES", 0)
    assert audit(open_dataset("pneumonia", 28, download=False)) == resident
