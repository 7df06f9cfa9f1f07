import errno
import os
import subprocess
import sys
import threading
import zipfile
from itertools import pairwise
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from medmnist import INFO

from bench.base.errors import BenchError
from bench.base.split import Split
from bench.base.task import Task
from bench.data import dataset as data
from bench.data import npz, verify
from bench.data.catalogue import medmnist_entry
from bench.data.dataset import (
    NAMES,
    PHANTOMS,
    SIZES,
    SPLITS,
    MissingData,
    open_dataset,
    phantom_for,
    subset_indices,
)

COUNTS = {"train": 30, "val": 8, "test": 10}
BREAST = {"train": 546, "val": 78, "test": 156}


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch):
    """No cache, no data and no home but this test's own."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("BENCH_DATA", raising=False)


def arrays(classes=3, counts=COUNTS, size=28, channels=1):
    rng = np.random.default_rng(0)
    made = {}
    for split, count in counts.items():
        shape = (count, size, size, channels) if channels > 1 else (count, size, size)
        made[f"{split}_images"] = rng.integers(256, size=shape, dtype=np.uint8)
        made[f"{split}_labels"] = (np.arange(count) % classes).astype(np.uint8)[:, None]
    return made


def saved(folder, content=None, name="own.npz"):
    folder.mkdir(exist_ok=True)
    np.savez_compressed(folder / name, **(content or arrays()))
    return folder / name


def fails(path, *words, size=28):
    """That opening is refused in one line, which names the file and has these words."""
    with pytest.raises(BenchError) as caught:
        open_dataset(str(path), size).split("train")
    message = str(caught.value)
    assert "\n" not in message
    for word in (str(path), *words):
        assert word in message


# names


def test_the_names_are_those_of_medmnist():
    flat = {key.removesuffix("mnist") for key in INFO if not key.endswith("3d")}
    assert set(NAMES) == flat and len(NAMES) == 12


def test_each_set_has_every_size_and_its_md5():
    for name in NAMES:
        entry = INFO[f"{name}mnist"]
        assert all(("MD5" if size == 28 else f"MD5_{size}") in entry for size in SIZES)


@pytest.mark.parametrize("name", NAMES)
def test_the_phantom_of_a_set_has_its_task(name):
    assert open_dataset(phantom_for(name), 28).info.task == INFO[f"{name}mnist"]["task"]


def test_importing_the_room_imports_nothing_heavy():
    code = (
        "import sys, bench.data.dataset; print({'torch', 'medmnist', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("name", "mend"), [("brest", "breast"), ("fantom-binary", "phantom-binary"), ("x", "choose")]
)
def test_a_wrong_name_is_answered_with_the_nearest(name, mend):
    with pytest.raises(BenchError, match=mend):
        open_dataset(name, 28)


def test_a_size_that_medmnist_has_not():
    with pytest.raises(BenchError, match="28, 64, 128, 224"):
        open_dataset("breast", 32)


# location


def breast(folder, channels=1, counts=BREAST, classes=2):
    return saved(folder, arrays(classes, counts, channels=channels), "breastmnist.npz")


def test_the_folder_given_comes_before_the_environment_and_that_before_home(tmp_path, monkeypatch):
    given_, named, home = (tmp_path / folder for folder in ("given", "named", "home"))
    home.mkdir()
    files = [breast(folder) for folder in (given_, named, home / ".medmnist")]
    monkeypatch.setenv("BENCH_DATA", str(named))
    for file in files:
        assert data.locate("breast", 28, given_, download=False) == file
        file.unlink()


def test_missing_data_names_where_it_looked_and_a_phantom(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "b"))
    with pytest.raises(MissingData) as caught:
        open_dataset("retina", 64, tmp_path / "a", download=False)
    for word in ("retinamnist_64.npz", tmp_path / "a", tmp_path / "b", "home", "phantom-ordinal"):
        assert str(word) in str(caught.value)


def test_a_failed_download_is_missing_data(monkeypatch, tmp_path):
    def refuse(**_):
        raise URLError("no network")

    monkeypatch.setattr("torchvision.datasets.utils.download_url", refuse)
    with pytest.raises(MissingData, match=r"download failed \(<urlopen error no network>\)"):
        open_dataset("breast", 28)
    assert list((tmp_path / "home/.medmnist").iterdir()) == []


def test_an_interrupted_download_is_an_interrupt(monkeypatch):
    def interrupt(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr("torchvision.datasets.utils.download_url", interrupt)
    with pytest.raises(KeyboardInterrupt):
        open_dataset("breast", 28)


def test_a_download_goes_to_medmnists_folder_when_it_is_whole(monkeypatch, tmp_path):
    home = tmp_path / "home/.medmnist"

    def fetch(url, root, filename, md5):
        assert "breastmnist.npz" in url and md5 == INFO["breastmnist"]["MD5"]
        assert not (home / filename).exists()
        breast(Path(root))

    monkeypatch.setattr("torchvision.datasets.utils.download_url", fetch)
    assert open_dataset("breast", 28).info.counts == BREAST
    assert [file.name for file in home.iterdir()] == ["breastmnist.npz"]


# verification


def test_a_sound_medmnist_file_with_another_md5_is_a_warning(tmp_path):
    file = breast(tmp_path / "d")
    info = open_dataset("breast", 28, file.parent).info
    assert (info.name, info.task, info.num_classes) == ("breast", Task.BINARY, 2)
    assert info.labels == ("malignant", "normal, benign")
    assert not info.phantom
    assert info.warnings == ("its md5 is not MedMNIST's: it is another set",)


def test_the_published_md5_is_no_warning(tmp_path, monkeypatch):
    file = breast(tmp_path / "d")
    monkeypatch.setitem(medmnist_entry("breast"), "MD5", npz.md5(file))
    assert open_dataset("breast", 28, file.parent).info.warnings == ()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"counts": BREAST | {"train": 545}}, "'train': 545"),
        ({"channels": 3}, "3 channels"),
        ({"classes": 3}, "0, 1, 2"),
        ({"classes": 1}, "each of 0 to 1"),
    ],
)
def test_a_medmnist_file_that_is_not_medmnists(tmp_path, change, word):
    file = breast(tmp_path / "d", **change)
    with pytest.raises(BenchError) as caught:
        open_dataset("breast", 28, file.parent)
    assert word in str(caught.value) and str(file) in str(caught.value)


def changed(**changes):
    return {key: value for key, value in (arrays() | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (changed(val_labels=None), ["no array val_labels"]),
        (changed(train_images=np.zeros((30, 28, 28), np.float32)), ["float32", "make them alike"]),
        (changed(val_images=np.zeros((8, 28, 30), np.uint8)), ["(8, 28, 30)", "np.pad"]),
        (changed(val_images=np.zeros((8, 28, 28, 1), np.uint8)), ["(8, 28, 28, 1)"]),
        (changed(val_images=np.zeros((8, 28, 28, 3), np.uint8)), ["differ in channels"]),
        (changed(val_images=np.zeros((8, 64, 64), np.uint8)), ["64 px, not 28"]),
        (changed(test_images=np.zeros((0, 28, 28), np.uint8)), ["test_images is empty"]),
        (changed(test_labels=np.zeros((9, 1), np.uint8)), ["10 images but 9 labels in test"]),
        (changed(test_labels=np.zeros((10, 1, 1), np.uint8)), ["shape (10, 1, 1)", "(N, 1)"]),
        (changed(test_labels=np.full((10, 1), 0.5)), ["float64", "fractions"]),
        (changed(test_labels=np.full((10, 1), 4, np.uint8)), ["0, 1, 2, 4", "each of 0 to 3"]),
        (changed(test_labels=np.full((10, 1), -1, np.int8)), ["-1, 0, 1, 2", "np.unique"]),
        (changed(test_labels=np.full((10, 1), "a", object)), ["Python objects"]),
        (arrays(classes=1), ["1 labels do not fit multi-class"]),
    ],
)
def test_a_file_out_of_layout_is_refused(tmp_path, content, words):
    fails(saved(tmp_path / "d", content), *words)


def test_truncated_at_any_length(tmp_path):
    file = saved(tmp_path / "d")
    whole = file.read_bytes()
    for length in (0, 100, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        fails(file, "truncated or corrupt")


def test_a_flipped_byte_in_the_images(tmp_path):
    file = saved(tmp_path / "d")
    content = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        content[archive.getinfo("train_images.npy").header_offset + 5000] ^= 255
    file.write_bytes(content)
    fails(file, "truncated or corrupt")


def test_an_array_longer_than_its_header_says(tmp_path):
    file = saved(tmp_path / "d", changed(train_images=None))
    with zipfile.ZipFile(file, "a") as archive, archive.open("train_images.npy", "w") as member:
        np.save(member, arrays()["train_images"])
        member.write(b"more")
    fails(file, "shorter or longer")


def test_not_an_npz_and_no_file(tmp_path):
    file = tmp_path / "own.npz"
    fails(file, "no file")
    file.write_text("text")
    fails(file, "truncated or corrupt")


# verification is remembered


@pytest.fixture
def verifications(monkeypatch):
    """The datasets of which the content was read."""
    computed = []
    verified = verify.verify
    monkeypatch.setattr(verify, "verify", lambda *a: (computed.append(a), verified(*a))[1])
    return computed


def test_verified_once_and_again_when_the_file_changes(tmp_path, verifications):
    file = saved(tmp_path / "d")
    first = open_dataset(str(file), 28).info
    assert open_dataset(str(file), 28).info == first
    assert len(verifications) == 1
    saved(tmp_path / "d", arrays(counts=COUNTS | {"train": 31}))
    assert open_dataset(str(file), 28).info.counts["train"] == 31
    file.with_suffix(".yaml").write_text("labels: [a, b, c]")
    assert open_dataset(str(file), 28).info.labels == ("a", "b", "c")
    assert len(verifications) == 3


def test_a_verified_file_is_not_taken_for_another_size_or_set(tmp_path):
    file = breast(tmp_path / "d")
    open_dataset("breast", 28, file.parent)
    fails(file, "28 px, not 64", size=64)
    assert open_dataset(str(file), 28).info.name.startswith("breastmnist@")


@pytest.mark.parametrize("rubbish", ["", "{", "[]", "{}", '{"task": "x"}'])
def test_a_corrupt_memory_is_made_anew(tmp_path, verifications, rubbish):
    file = saved(tmp_path / "d")
    first = open_dataset(str(file), 28).info
    (memory,) = (tmp_path / "cache/verified").iterdir()
    memory.write_text(rubbish)
    assert open_dataset(str(file), 28).info == first
    assert open_dataset(str(file), 28).info == first
    assert len(verifications) == 2


def test_without_a_place_for_the_memory_it_verifies_each_time(tmp_path, verifications):
    (tmp_path / "cache").write_text("a file where the folder should be")
    file = saved(tmp_path / "d")
    assert open_dataset(str(file), 28).info == open_dataset(str(file), 28).info
    assert len(verifications) == 2


def test_a_file_that_changes_while_it_is_open_is_not_read(tmp_path):
    file = saved(tmp_path / "d")
    dataset = open_dataset(str(file), 28)
    dataset.split("train")
    os.utime(file, (1, 1))
    with pytest.raises(BenchError, match="has changed"):
        dataset.split("val")


def test_the_images_are_not_kept_at_verification_nor_is_the_test_split_before_it_is_asked_for(
    tmp_path, monkeypatch
):
    read, names = npz.read, []
    monkeypatch.setattr(npz, "read", lambda path, name: (names.append(name), read(path, name))[1])
    dataset = open_dataset(str(saved(tmp_path / "d")), 28)
    assert not any("images" in name for name in names)
    names.clear()
    rows, rowed = npz.rows, []
    monkeypatch.setattr(npz, "rows", lambda path, name: (rowed.append(name), rows(path, name))[1])
    assert dataset.split("train") is dataset.split("train")
    dataset.split("val")
    assert names == ["train_labels", "val_labels"]
    assert rowed == ["train_images", "val_images"]


# a user's own file


def test_the_task_is_read_off_the_labels(tmp_path):
    rows = {f"{split}_labels": np.tri(4, dtype=np.uint8).repeat(10, 0)[:n]
            for split, n in COUNTS.items()}  # fmt: skip
    rows["train_labels"][0] = 1
    for content, task, classes in (
        (arrays(classes=2), Task.BINARY, 2),
        (arrays(classes=5), Task.MULTICLASS, 5),
        (arrays() | rows, Task.MULTILABEL, 4),
    ):
        file = saved(tmp_path / "d", content)
        info = open_dataset(str(file), 28).info
        assert (info.task, info.num_classes, info.channels) == (task, classes, 1)
        assert info.labels == tuple(map(str, range(classes)))
        assert info.name == f"own@{info.fingerprint[:8]}"


def test_task_and_labels_stand_in_the_yaml_beside(tmp_path):
    file = saved(tmp_path / "d", arrays(channels=3))
    file.with_suffix(".yaml").write_text("task: ordinal-regression\nlabels: [low, mid, high]")
    info = open_dataset(str(file), 28).info
    assert (info.task, info.labels, info.channels) == (Task.ORDINAL, ("low", "mid", "high"), 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lables: [a, b, c]", ["lables", "did you mean 'labels'"]),
        ("task: ordinal-regresion", ["did you mean 'ordinal-regression'"]),
        ("task: [", ["not valid YAML"]),
        ("task: multi-class\ntask: ordinal-regression", ["'task' is given twice"]),
        ("labels: [a, a, b]", ["two labels have one name"]),
        ("labels: [&a [x, x], *a, b]", ["an alias"]),
        ("- task", ["no mapping"]),
        ("labels: a", ["labels is no list"]),
    ],
)
def test_a_wrong_yaml(tmp_path, text, words):
    file = saved(tmp_path / "d")
    file.with_suffix(".yaml").write_text(text)
    with pytest.raises(BenchError) as caught:
        open_dataset(str(file), 28)
    for word in ("own.yaml", *words):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("labels: [a, b]", "0, 1, 2"),
        ("labels: [a, b, c, d]", "0 to 3"),
        ("labels: []", "0 labels"),
        ("task: binary-class", "3 labels do not fit binary-class"),
        ("task: multi-label, binary-class", "needs 3 with each of 0 to 1"),
    ],
)
def test_a_yaml_that_the_labels_contradict(tmp_path, text, word):
    file = saved(tmp_path / "d")
    file.with_suffix(".yaml").write_text(text)
    fails(file, word)


# splits


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_the_pixels_over_255(tmp_path, channels):
    content = arrays(channels=channels)
    train = open_dataset(str(saved(tmp_path / "d", content)), 28).split("train")
    indices = torch.tensor([5, 0, 5, 29])
    images = train.images(indices)
    assert images.dtype == torch.float32 and images.shape == (4, channels, 28, 28)
    pixels = content["train_images"].reshape(30, 28, 28, channels)[indices].transpose(0, 3, 1, 2)
    assert np.array_equal(images.numpy(), pixels.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("name", PHANTOMS)
def test_targets_have_the_shape_of_the_task(name):
    dataset = open_dataset(name, 28)
    for split in SPLITS:
        targets, count = dataset.split(split).targets, dataset.info.counts[split]
        if dataset.info.task is Task.MULTILABEL:
            assert targets.dtype == torch.float32 and targets.shape == (count, 5)
        else:
            assert targets.dtype == torch.int64 and targets.shape == (count,)


def test_one_sample_keeps_its_dimension():
    val = open_dataset("phantom-binary", 28).split("val").subset(np.array([3]))
    assert val.targets.shape == (1,) and val.images(np.array([0])).shape == (1, 1, 28, 28)


def test_a_subset_of_a_subset_is_a_view():
    images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1)
    split = Split(images, torch.arange(10) * 2)
    part = split.subset(np.array([8, 1, 5])).subset(np.array([2, 0]))
    assert len(part) == 2 and part.targets.tolist() == [10, 16]
    assert part.pixels(np.array([0, 1])).ravel().tolist() == [5, 8]
    images[5] = 99
    assert part.pixels(np.array([0])).item() == 99
    with pytest.raises(IndexError):
        part.images(np.array([2]))


# large sets on disk


@pytest.fixture
def large(monkeypatch):
    monkeypatch.setattr(data, "RESIDENT_BYTES", 0)


@pytest.mark.parametrize("channels", [1, 3])
def test_gathered_from_disk_equals_resident(tmp_path, monkeypatch, channels):
    file = str(saved(tmp_path / "d", arrays(channels=channels)))
    resident = open_dataset(file, 28)
    monkeypatch.setattr(data, "RESIDENT_BYTES", 0)
    monkeypatch.delattr(os, "preadv", raising=False)  # Windows has none
    on_disk = open_dataset(file, 28)
    rng = np.random.default_rng(0)
    for split, count in COUNTS.items():
        one, other = resident.split(split), on_disk.split(split)
        assert isinstance(other._images, npz.OnDisk)
        assert torch.equal(one.targets, other.targets)
        part = rng.permutation(count)[:6]
        indices = rng.integers(6, size=40)
        assert torch.equal(one.subset(part).images(indices), other.subset(part).images(indices))


@pytest.mark.usefixtures("large")
def test_unpacked_once_and_only_the_split_asked_for(tmp_path):
    file = saved(tmp_path / "d")
    open_dataset(str(file), 28).split("train")
    (folder,) = (tmp_path / "cache/unpacked").iterdir()
    assert sorted(f.name for f in folder.iterdir()) == ["lock", "train_images.npy"]
    written = (folder / "train_images.npy").stat()
    open_dataset(str(file), 28).split("train")
    assert (folder / "train_images.npy").stat() == written


@pytest.mark.usefixtures("large")
def test_a_copy_cut_short_is_made_anew(tmp_path):
    file = saved(tmp_path / "d")
    first = open_dataset(str(file), 28).split("train")
    everything = first.pixels(np.arange(30))
    (copy,) = (tmp_path / "cache/unpacked").glob("*/train_images.npy")
    os.truncate(copy, 5000)
    with pytest.raises(BenchError, match="ends before row"):
        first.pixels(np.arange(30))
    again = open_dataset(str(file), 28).split("train")
    assert np.array_equal(again.pixels(np.arange(30)), everything)


@pytest.mark.usefixtures("large")
def test_of_several_that_ask_at_once_one_unpacks(tmp_path, monkeypatch):
    write, written = npz._write, []
    monkeypatch.setattr(npz, "_write", lambda *a: (written.append(a[2]), write(*a)))
    file = saved(tmp_path / "d")
    datasets = [open_dataset(str(file), 28) for _ in range(4)]
    threads = [threading.Thread(target=d.split, args=("train",)) for d in datasets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(written) == 1
    first, *others = [d.split("train").pixels(np.arange(30)) for d in datasets]
    assert all(np.array_equal(first, other) for other in others)


@pytest.mark.usefixtures("large")
def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    file = saved(tmp_path / "d")
    dataset = open_dataset(str(file), 28)
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BenchError, match=r"No space left.*BENCH_CACHE"):
        dataset.split("train")
    (folder,) = (tmp_path / "cache/unpacked").iterdir()
    assert [f.name for f in folder.iterdir()] == ["lock"]


@pytest.mark.usefixtures("large")
def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    fails(saved(tmp_path / "d"), "cannot unpack train_images", "BENCH_CACHE")


# subsets

RATIOS = st.lists(st.floats(0.001, 1), min_size=2, max_size=4).map(sorted)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=80), RATIOS, st.integers(0, 2**63 - 1))
def test_subsets_are_nested_stratified_and_hold_each_class(labels, ratios, seed):
    targets = torch.tensor(labels)
    subsets = [subset_indices(targets, ratio, seed) for ratio in ratios]
    for small, large_ in pairwise(subsets):
        assert set(small) <= set(large_)
    for ratio, subset in zip(ratios, subsets, strict=True):
        assert np.all(np.diff(subset) > 0)
        for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
            chosen = (targets[subset] == label).sum().item()
            assert chosen >= 1
            assert chosen == 1 or abs(chosen - ratio * count) <= 0.5 + 1e-9


@given(st.integers(1, 60), st.floats(0, 0.5), RATIOS, st.integers(0, 2**63 - 1))
def test_multilabel_subsets_are_nested_and_hold_each_label(count, rate, ratios, seed):
    targets = (torch.rand(count, 5, generator=torch.Generator().manual_seed(seed)) < rate).float()
    subsets = [subset_indices(targets, ratio, seed) for ratio in ratios]
    for small, large_ in pairwise(subsets):
        assert set(small) <= set(large_)
    for ratio, subset in zip(ratios, subsets, strict=True):
        assert np.all(np.diff(subset) > 0)
        assert torch.equal(targets[subset].amax(0), targets.amax(0))
        assert 0 <= len(subset) - max(1, np.floor(ratio * count + 0.5)) <= 5


@pytest.mark.parametrize("name", PHANTOMS)
def test_the_ratios_of_the_paper(name):
    targets = open_dataset(name, 28).split("train").targets
    fifth, third, half, whole = (subset_indices(targets, r, 7) for r in (0.2, 0.3, 0.5, 1))
    assert set(fifth) < set(third) < set(half) < set(whole)
    assert np.array_equal(whole, np.arange(400))
    assert abs(len(fifth) - 80) <= 3
    assert np.array_equal(fifth, subset_indices(targets, 0.2, 7))
    assert not np.array_equal(fifth, subset_indices(targets, 0.2, 8))


@pytest.mark.parametrize("ratio", [0, -0.1, 1.5, float("nan")])
def test_a_ratio_out_of_range(ratio):
    with pytest.raises(BenchError, match="ratio"):
        subset_indices(torch.zeros(4, dtype=torch.int64), ratio, 0)


def test_rules_are_part_of_what_is_remembered(tmp_path, verifications, monkeypatch):
    file = saved(tmp_path / "d")
    open_dataset(str(file), 28)
    monkeypatch.setattr(verify, "RULES", verify.RULES + 1)
    open_dataset(str(file), 28)
    assert len(verifications) == 2
