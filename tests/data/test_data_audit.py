import json
import os
from pathlib import Path

import numpy as np
import pytest

from bench import Study
from bench.base.errors import BenchError, Note
from bench.base.task import Task
from bench.data import audit as data_audit
from bench.data import dataset as data
from bench.data.audit import Sample, audit, audited
from bench.data.dataset import Dataset, Info, open_dataset
from bench.data.known import known, unaware
from bench.data.leaks import groups_of_csv, groups_of_npz
from reports.results.wording import footnotes

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
    monkeypatch.setattr("bench.base.split.CHUNK", request.param)
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
    assert "train[3] label b = val[1] label c  conflicting labels" in text
    assert text.count("conflicting labels") == 2
    assert json.loads(json.dumps(made.as_dict()))["groups"][1][1] == {
        "split": "val",
        "index": 1,
        "labels": [2],
        "file": "",
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


def kept(path, groups=None, **images):
    """An npz of random images, some of them given, by split."""
    rng = np.random.default_rng(0)
    arrays = {}
    for split, count in {"train": 30, "val": 10, "test": 20}.items():
        arrays[f"{split}_images"] = rng.integers(0, 256, (count, 28, 28), np.uint8)
        arrays[f"{split}_labels"] = np.arange(count)[:, None] % 2
        for place, image in images.get(split, {}).items():
            arrays[f"{split}_images"][place] = image
        if groups:
            arrays[f"{split}_groups"] = np.array(groups[split])
    np.savez(path, **arrays)
    return path


def smooth(seed, shift=0):
    """An image with shapes in it, at any brightness."""
    y, x = np.mgrid[:28, :28] / 28
    a, b, c = np.random.default_rng(seed).uniform(1, 4, 3)
    return np.uint8(100 + 80 * np.sin(a * 6 * x + c) * np.cos(b * 6 * y) + shift)


def test_near_duplicates_are_found_and_others_are_not(tmp_path):
    images = {place: smooth(place) for place in range(8)}
    again = {0: smooth(2, 3), 1: smooth(40), 2: smooth(5), 3: 255 - smooth(6)}
    path = kept(tmp_path / "set.npz", train=images, test=again)
    found = audit(open_dataset(str(path), 28), look_nearly=True)
    assert found.near["train", "test"] == ((Sample("train", 2, (0,)), Sample("test", 0, (0,))),)
    assert found.near["train", "val"] == ()
    assert found.across("train", "test") == [(Sample("train", 5, (1,)), Sample("test", 2, (0,)))]
    assert list(filter(None, found.told().values())) == [
        "1 of 20 test images is in train too",
        "1 of 20 test images is nearly the same as one in train",
        "images under two labels: 1",
    ]


def test_what_an_audit_found_is_said_by_runs_and_tables_from_then_on(tmp_path):
    path = kept(tmp_path / "set.npz", train={0: smooth(1)}, test={3: smooth(1, 2), 4: 7})
    study = Study(
        datasets=[path], methods=["none"], seeds=1, backbones="test_byobnet", results=tmp_path
    )
    assert study.grid.datasets[0].warnings == ()
    audited(open_dataset(str(path), 28))
    said = "1 of 20 test images is nearly the same as one in train; constant images: 1"
    study = Study(
        datasets=[path], methods=["none"], seeds=1, backbones="test_byobnet", results=tmp_path
    )
    with pytest.warns(Note, match=f"set@.*: {said}"):
        assert study.grid.runs
    (data,) = [line for line in footnotes(study, ["test_byobnet"], []) if line.startswith("Data")]
    assert f"({said})" in data


def test_what_was_not_looked_for_stays_known(tmp_path):
    groups = {"train": range(30), "val": range(40, 50), "test": [0, 1, *range(60, 78)]}
    path = kept(tmp_path / "set.npz")
    table = tmp_path / "ids.csv"
    rows = [f"{s},{i},p{g}" for s, each in groups.items() for i, g in enumerate(each)]
    table.write_text("\n".join(["split,index,patient", *rows]), encoding="utf-8")
    dataset = open_dataset(str(path), 28)
    named = groups_of_csv(table, "patient", dataset.info.counts)
    leak = "2 of 20 test images are of groups that train has too"
    for given in (named, None):
        found = audited(dataset, given)
        assert known(found.fingerprint) == (leak,)
    assert open_dataset(str(path), 28).info.warnings == (leak,)


def test_committed_tables_hang_on_no_audit_of_this_machine(tmp_path):
    path = str(kept(tmp_path / "set.npz", test={4: 7}))
    audited(open_dataset(path, 28))
    with unaware():
        assert open_dataset(path, 28).info.warnings == ()
    assert open_dataset(path, 28).info.warnings == ("constant images: 1",)


def test_an_ids_table_that_does_not_fit_is_said(tmp_path):
    table = tmp_path / "ids.csv"
    table.write_text("split,index,patient\ntrain,0,a\n", encoding="utf-8")
    with pytest.raises(BenchError, match=r"2 images have no row, the first train\[1\]"):
        groups_of_csv(table, "patient", {"train": 2, "val": 1})
    with pytest.raises(BenchError, match="did you mean 'patient'"):
        groups_of_csv(table, "patent", {"train": 1})


def test_the_column_of_groups_is_found_by_its_usual_name(tmp_path):
    table = tmp_path / "ids.csv"
    table.write_text("split,index,Lesion_ID,sex\ntrain,0,a,m\n", encoding="utf-8")
    assert groups_of_csv(table, None, {"train": 1})["train"].tolist() == ["a"]
    table.write_text("split,index,patient\ntrain,0, p\ntrain,1,p \ntrain,2, \n", encoding="utf-8")
    assert groups_of_csv(table, None, {"train": 3})["train"].tolist() == ["p", "p", "train[2]"]
    for columns in ("lesion_id,patient", "age,sex"):
        table.write_text(f"split,index,{columns}\ntrain,0,a,m\n", encoding="utf-8")
        with pytest.raises(BenchError, match=r"which column is the group.*--group-column"):
            groups_of_csv(table, None, {"train": 1})


def test_images_are_named_by_the_files_of_their_import(tmp_path):
    path = kept(tmp_path / "set.npz", train={0: smooth(1)}, test={3: smooth(1)})
    rows = [f"{s},{i},f{i}.png,0" for s in ("train", "test") for i in range(20)]
    table = tmp_path / "set.csv"
    table.write_text("\n".join(["split,index,image,sha256", *rows]), encoding="utf-8")
    said = "  train[0] f0.png label 0 = test[3] f3.png label 1  conflicting labels"
    for name in ("set.npz", "set_28.npz"):
        path = path.rename(tmp_path / name)
        assert said in list(audit(open_dataset(str(path), 28)).lines())
    table.write_text("anything else", encoding="utf-8")
    assert said.replace(" f0.png", "").replace(" f3.png", "") in "\n".join(
        audit(open_dataset(str(path), 28)).lines()
    )


def test_of_many_equal_images_some_are_named():
    values = {"train": [5] * 9, "val": [6], "test": [7]}
    labels = {split: [0] * len(each) for split, each in values.items()}
    line = "  " + " = ".join(f"train[{i}] label a" for i in range(4)) + " and 5 more"
    assert line in list(audit(dataset(values, labels)).lines())


def test_an_own_set_with_an_image_in_two_splits_warns_unasked(tmp_path):
    path = kept(tmp_path / "set.npz", train={0: smooth(1)}, test={3: smooth(1), 4: smooth(1)})
    assert open_dataset(str(path), 28).info.warnings == ("2 of 20 test images are in train too",)


def test_groups_of_the_npz_are_audited(tmp_path):
    groups = {"train": range(30), "val": [*range(3), *range(43, 50)], "test": range(60, 80)}
    found = audit(open_dataset(str(kept(tmp_path / "set.npz", groups)), 28))
    assert found.wrong() == ("3 of 10 val images are of groups that train has too",)


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (["a"], "has groups, but no val_groups; save groups of train, val and test"),
        (np.array(["a"], object), r"train_groups holds Python objects; .* groups.astype\(str\)"),
    ],
)
def test_groups_that_cannot_be_read_say_what_is_needed(tmp_path, groups, said):
    np.savez(tmp_path / "set.npz", train_groups=groups)
    with pytest.raises(BenchError, match=said):
        groups_of_npz(tmp_path / "set.npz")


def test_brightness_and_imbalance_are_said(tmp_path):
    dark = {place: np.full((28, 28), place % 7, np.uint8) for place in range(20)}
    text = "\n".join(audit(open_dataset(str(kept(tmp_path / "s.npz", test=dark)), 28)).lines())
    assert "test is darker than train" in text and "imbalance in train: 1.0 to 1\n" in text
    assert "constant images: 20" in text


@real
def test_lesions_of_the_official_derma_split():
    """693 of 2,005 test images show a lesion that is in train (the shared README's count)."""
    folder = Path(os.environ["BENCH_DATA"])
    path = folder / "dermamnist_rebuilt.npz"
    if not path.is_file():
        pytest.skip("no dermamnist_rebuilt")
    dataset = open_dataset(str(path), 28)
    table = folder / "dermamnist_rebuilt_ids.csv"
    found = audit(dataset, groups_of_csv(table, "lesion_id", dataset.info.counts))
    assert found.leaks["train", "test"] == 693 and found.leaks["train", "val"] == 348


def test_classes_of_few_test_images_are_named():
    split = {"train": [0, 1] * 12, "val": [0, 1], "test": [0] * 12 + [1] * 3}
    found = audit(dataset({k: range(len(v)) for k, v in split.items()}, split, classes=2))
    assert "few test images, which decide nothing of their class: b 3" in found.lines()


def test_without_the_library_near_duplicates_are_left_out_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr(data_audit, "available", lambda: False)
    found = audited(open_dataset(str(kept(tmp_path / "set.npz")), 28))
    assert found.near is None
    assert "near duplicates were not looked for: pip install 'medaug-bench[audit]'" in found.lines()
