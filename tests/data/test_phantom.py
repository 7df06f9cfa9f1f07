import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from bench.base.task import Task
from bench.data.dataset import PHANTOMS, open_dataset


def features(images):
    """Means over a 7 × 7 grid, and the three largest of them, of each channel."""
    count, size = images.shape[:2]
    grid = images.reshape(count, 7, size // 7, 7, size // 7, -1).mean((2, 4)) / 255
    cells = grid.reshape(count, 49, -1)
    return np.concatenate([cells, np.sort(cells, axis=1)[:, -3:]], 1).reshape(count, -1)


def everything(split):
    return split.pixels(np.arange(len(split)))


@pytest.mark.parametrize("name", PHANTOMS)
def test_learnable_but_not_perfectly(name):
    dataset = open_dataset(name, 28)
    train, test = dataset.split("train"), dataset.split("test")
    x, x_test = features(everything(train)), features(everything(test))
    y, y_test = train.targets.numpy(), test.targets.numpy()
    if y.ndim == 1:
        classes = np.arange(dataset.info.num_classes)
        y, y_test = y[:, None] == classes, y_test[:, None] == classes
    scale = x.std(0)
    model = LogisticRegression(C=0.01, max_iter=1000)
    areas = [
        roc_auc_score(there, model.fit(x / scale, here).decision_function(x_test / scale))
        for here, there in zip(y.T, y_test.T, strict=True)
    ]
    assert 0.7 < np.mean(areas) < 0.95


@pytest.mark.parametrize("name", PHANTOMS)
def test_the_same_at_every_opening(name):
    one, other = open_dataset(name, 28), open_dataset(name, 28)
    assert one.info == other.info and one.info.phantom
    assert len({open_dataset(name, size).info.fingerprint for size in (28, 30, 64)}) == 3
    for split in ("train", "val", "test"):
        assert np.array_equal(everything(one.split(split)), everything(other.split(split)))


@pytest.mark.parametrize("name", PHANTOMS)
def test_the_labels_do_not_depend_on_the_size(name):
    assert (
        open_dataset(name, 28)
        .split("val")
        .targets.equal(open_dataset(name, 40).split("val").targets)
    )


@pytest.mark.parametrize("name", PHANTOMS)
def test_every_class_is_in_every_split_and_none_is_rare(name):
    dataset = open_dataset(name, 28)
    for split in ("train", "val", "test"):
        targets = dataset.split(split).targets.numpy()
        if targets.ndim == 2:
            shares = targets.mean(0)
        else:
            shares = np.bincount(targets, minlength=dataset.info.num_classes) / len(targets)
        assert shares.min() > 0.05 and shares.max() < 0.75


def test_task_channels_and_size():
    expected = {
        "phantom-binary": (Task.BINARY, 1, 2),
        "phantom-multiclass": (Task.MULTICLASS, 3, 4),
        "phantom-ordinal": (Task.ORDINAL, 3, 5),
        "phantom-multilabel": (Task.MULTILABEL, 1, 5),
    }
    assert set(expected) == set(PHANTOMS)
    for name, (task, channels, classes) in expected.items():
        dataset = open_dataset(name, 33)
        info = dataset.info
        assert (info.task, info.channels, info.num_classes) == (task, channels, classes)
        assert len(info.labels) == classes
        assert dataset.split("val").images(np.arange(2)).shape == (2, channels, 33, 33)


def test_the_ordinal_classes_are_ordered_by_strength():
    train = open_dataset("phantom-ordinal", 28).split("train")
    brightness = everything(train).mean((1, 2, 3))
    means = [brightness[train.targets.numpy() == grade].mean() for grade in range(5)]
    assert np.all(np.diff(means) > 0)
