"""Images and labels as people save them: what is used, what is said, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.base.errors import BenchError
from bench.base.task import Task
from bench.data import dataset as data
from bench.data import npz
from bench.data.dataset import SPLITS, Dataset, Info, open_dataset

Arrays = dict[str, np.ndarray[Any, Any]]
COUNTS = {"train": 24, "val": 12, "test": 12}
SIZE = 28


def plain(classes: int = 2, channels: int = 1) -> Arrays:
    """A sound set: gray or coloured uint8, class numbers (N, 1)."""
    rng = np.random.default_rng(0)
    made: Arrays = {}
    for split, count in COUNTS.items():
        shape = (count, SIZE, SIZE, channels)[: 3 + (channels > 1)]
        images = rng.integers(0, 256, shape, dtype=np.uint8)
        images.flat[:2] = 0, 255
        made[f"{split}_images"] = images
        made[f"{split}_labels"] = (np.arange(count) % classes).astype(np.uint8)[:, None]
    return made


def altered(arrays: Arrays, of: str, change: Any) -> Arrays:
    return {name: change(a) if name.endswith(of) else a for name, a in arrays.items()}


def opened(folder: Path, arrays: Arrays, yaml: str = "") -> Dataset:
    folder.mkdir(exist_ok=True)
    np.savez(folder / "own.npz", **arrays)
    if yaml:
        (folder / "own.yaml").write_text(yaml, encoding="utf-8")
    return open_dataset(str(folder / "own.npz"), SIZE)


def same(one: Dataset, other: Dataset) -> None:
    """The same content under the same fingerprint."""
    assert one.info.fingerprint == other.info.fingerprint
    for split in SPLITS:
        ours, theirs = one.split(split), other.split(split)
        rows = np.arange(len(ours))
        assert np.array_equal(ours.pixels(rows), theirs.pixels(rows))
        assert np.array_equal(ours.targets, theirs.targets)


IMAGES = {
    "float in [0, 1]": (lambda x: (x / 255).astype(np.float32), "multiplied by 255"),
    "double in [0, 1]": (lambda x: x / 255, "multiplied by 255"),
    "float in [0, 255]": (lambda x: x.astype(np.float32), "rounded to whole"),
    "16 bits": (lambda x: x.astype(np.uint16) * 257, "16 bits are scaled to 8"),
    "16 bits, big-endian": (lambda x: (x.astype(np.uint16) * 257).astype(">u2"), "16 bits"),
    "12 bits": (lambda x: np.rint(x * (4095 / 255)).astype(np.int32), "12 bits are scaled"),
    "int32": (lambda x: x.astype(np.int32), "taken as uint8"),
    "Fortran order": (np.asfortranarray, ""),
    "a channel": (lambda x: x[..., None], "they are gray"),
    "a channel first": (lambda x: x[:, None], "they are put last"),
}


@pytest.mark.parametrize(("change", "said"), IMAGES.values(), ids=IMAGES)
@pytest.mark.parametrize("on_disk", [False, True], ids=["in memory", "on disk"])
def test_images_in_another_form_are_the_same_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any, said: str, on_disk: bool
) -> None:
    if on_disk:
        monkeypatch.setattr(data, "RESIDENT_BYTES", 0)
        monkeypatch.setattr(npz, "PIECE", 5000)
    usual = opened(tmp_path / "usual", plain())
    other = opened(tmp_path / "other", altered(plain(), "images", change))
    same(usual, other)
    assert usual.info.notes == ()
    assert said in "; ".join(other.info.notes)
    assert open_dataset(str(tmp_path / "other/own.npz"), SIZE).info == other.info, "remembered"


@pytest.mark.parametrize(
    "change",
    [
        lambda x: np.moveaxis(x, -1, 1),
        lambda x: np.concatenate([x, np.full_like(x[..., :1], 255)], -1),
        lambda x: np.moveaxis(np.concatenate([x, np.full_like(x[..., :1], 9)], -1), -1, 1),
    ],
    ids=["channels first", "opaque alpha", "both"],
)
def test_colours_in_another_form_are_the_same_set(tmp_path: Path, change: Any) -> None:
    usual = opened(tmp_path / "usual", plain(channels=3))
    other = opened(tmp_path / "other", altered(plain(channels=3), "images", change))
    same(usual, other)
    assert other.info.notes


def test_truth_values_are_white_and_black(tmp_path: Path) -> None:
    made = opened(tmp_path / "d", altered(plain(), "images", lambda x: x > 127))
    assert set(np.unique(made.split("val").pixels(np.arange(12)))) == {0, 255}


SUSPICIOUS = {
    "black": (lambda x: x * 0, "every pixel of val_images is 0"),
    "0 and 1": (lambda x: x // 128, "save images * 255"),
}


@pytest.mark.parametrize(("change", "said"), SUSPICIOUS.values(), ids=SUSPICIOUS)
def test_what_is_sound_and_suspicious_is_said(tmp_path: Path, change: Any, said: str) -> None:
    assert said in "; ".join(opened(tmp_path / "d", altered(plain(), "images", change)).info.notes)


REFUSED = {
    "below zero": ("images", lambda x: x / 100 - 1, "np.clip"),
    "Hounsfield": ("images", lambda x: x.astype(np.int16) - 1000, "np.clip"),
    "beyond 255": ("images", lambda x: x * 3.5, "np.clip"),
    "NaN": ("images", lambda x: np.where(x == 0, np.nan, x / 255), "NaN or infinity"),
    "oblong": ("images", lambda x: x[:, :20], "np.pad(images, [(0, 0), (0, 8), (0, 0)])"),
    "a volume": ("images", lambda x: np.repeat(x[:, None], 20, 1), "images[:, 10]"),
    "flat": ("images", lambda x: x.reshape(len(x), -1), "reshape"),
    "two channels": ("images", lambda x: np.stack([x, x], -1), "np.stack"),
    "alpha": ("images", lambda x: np.stack([x] * 4, -1), "images[..., :3]"),
    "words": ("images", lambda x: x.astype(str), "no numbers"),
    "one split in [0, 1]": ("val_images", lambda x: x / 255, "make them alike"),
    "fractions": ("labels", lambda y: y + 0.5, "fractions"),
    "probabilities": ("labels", lambda y: np.full((len(y), 2), 0.5), "labels.argmax(1)"),
    "-1 for nothing": ("labels", lambda y: y.astype(int) - 1, "without a label"),
    "gaps": ("labels", lambda y: y * 2, "return_inverse"),
    "words in columns": ("labels", lambda y: y.repeat(2, 1).astype(str), "several columns"),
}


@pytest.mark.parametrize(("of", "change", "mend"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_in_one_way_is_refused(
    tmp_path: Path, of: str, change: Any, mend: str
) -> None:
    with pytest.raises(BenchError) as caught:
        opened(tmp_path / "d", altered(plain(classes=2), of, change))
    assert mend in str(caught.value) and "\n" not in str(caught.value)


def test_splits_of_other_ranges_are_refused(tmp_path: Path) -> None:
    arrays = altered(plain(), "images", lambda x: x.astype(np.float32))
    arrays["train_images"] = arrays["train_images"] / 255
    with pytest.raises(BenchError, match="highest values of train, val and test are 1, 255, 255"):
        opened(tmp_path / "d", arrays)


def test_the_mends_keep_the_data(tmp_path: Path) -> None:
    """What a refusal says to write is accepted, and holds what the images held."""
    low, high = -1024, 3071
    hounsfield = altered(
        plain(), "images", lambda x: np.rint(low + x / 255 * (high - low)).astype(np.int16)
    )
    with pytest.raises(BenchError, match=r"np\.clip\(\(images - low\) / \(high - low\), 0, 1\)"):
        opened(tmp_path / "d", hounsfield)
    mended = altered(hounsfield, "images", lambda x: np.clip((x - low) / (high - low), 0, 1))
    same(opened(tmp_path / "d", mended), opened(tmp_path / "usual", plain()))
    padded = np.pad(plain()["val_images"][:, :20], [(0, 0), (0, 8), (0, 0)])
    assert padded.shape == (12, SIZE, SIZE)


LABELS = {
    "flat": (2, lambda y: y[:, 0], ""),
    "floats": (2, lambda y: y.astype(float), ""),
    "truth values": (2, lambda y: y == 1, ""),
    "one-hot of 2": (2, lambda y: np.eye(2, dtype=np.uint8)[y[:, 0]], "2 classes, one-hot"),
    "one-hot of 4": (4, lambda y: np.eye(4)[y[:, 0]], "task: multi-label, binary-class"),
    "from 1": (3, lambda y: y + 1, "taken as classes 0 to 2"),
    "-1 and 1": (2, lambda y: 2 * y.astype(int) - 1, "taken as classes 0 and 1"),
}


@pytest.mark.parametrize(("classes", "change", "said"), LABELS.values(), ids=LABELS)
def test_labels_in_another_form_are_the_same_set(
    tmp_path: Path, classes: int, change: Any, said: str
) -> None:
    usual = opened(tmp_path / "usual", plain(classes))
    other = opened(tmp_path / "other", altered(plain(classes), "labels", change))
    same(usual, other)
    assert usual.info.task is other.info.task is (Task.BINARY if classes == 2 else Task.MULTICLASS)
    assert said in "; ".join(other.info.notes)


def test_words_are_classes_in_the_order_of_the_alphabet(tmp_path: Path) -> None:
    words = np.array(["malignant", "benign"])
    made = opened(tmp_path / "d", altered(plain(), "labels", lambda y: words[y]))
    assert made.info.labels == ("benign", "malignant")
    assert made.split("val").targets.tolist() == [1, 0] * 6


def test_rows_of_one_are_labels_where_the_yaml_says_so(tmp_path: Path) -> None:
    rows = altered(plain(4), "labels", lambda y: np.eye(4, dtype=np.uint8)[y[:, 0]])
    made = opened(tmp_path / "d", rows, "task: multi-label, binary-class")
    assert made.info.task is Task.MULTILABEL and made.info.notes == ()
    assert made.split("val").targets.shape == (12, 4)


def test_rows_of_several_are_labels_and_that_is_said(tmp_path: Path) -> None:
    rows = altered(plain(4), "labels", lambda y: np.tri(4, dtype=np.uint8)[y[:, 0]])
    info = opened(tmp_path / "d", rows).info
    assert info.task is Task.MULTILABEL and "4 labels" in info.notes[0]


@pytest.mark.parametrize("split", SPLITS)
def test_a_class_that_a_split_lacks_is_said(tmp_path: Path, split: str) -> None:
    lacking = altered(plain(3), f"{split}_labels", lambda y: np.where(y == 2, 1, y))
    info = opened(tmp_path / "d", lacking).info
    assert info.notes == (f"no {split} image is labelled 2",)
    assert info.per_class[split][2] == 0 and sum(info.per_class[split]) == COUNTS[split]
    assert Info.restored(vars(info) | {"task": info.task.value}) == info


def test_names_in_the_yaml_are_what_they_look_like(tmp_path: Path) -> None:
    assert opened(tmp_path / "d", plain(), "labels: [no, yes]").info.labels == ("no", "yes")


def test_a_yml_beside_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text("labels: [a, b]")
    with pytest.raises(BenchError, match=r"own\.yml is not read; call it own\.yaml"):
        opened(tmp_path, plain())
