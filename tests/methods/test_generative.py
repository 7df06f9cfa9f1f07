"""What methods with a generator share: cache, lock, mixing, resuming, quality."""

import json
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from tiny import CLASSES, LABELS, batch, setting, targets
from torch import Tensor

import methods
from bench.base.errors import BenchError
from bench.base.files import write_text
from bench.base.split import Split
from bench.base.task import Task
from methods.generative import method as module
from methods.generative import stage
from methods.generative.cache import Entry, as_labels, as_targets
from methods.generative.method import GenerativeMethod, library_version
from methods.generative.pixels import condition_rows, framed, unframed
from methods.generative.quality import mmd2, neighbours, quality
from methods.method import NotYetError, Setting, Workspace
from methods.parts.composition import compose

IDENTITY = {"dataset": "d", "fingerprint": "f", "size": 8, "subset": "s"}


class Painter(GenerativeMethod):
    """Paints random images, darker than 200; counts how often it is asked to."""

    summary = reference = "a test"

    class Params(GenerativeMethod.Params):
        brush: int = 1

    def __init__(self, params: Any, of: Setting) -> None:
        super().__init__(params, of)
        self.made = 0

    def make(
        self, train: Split, folder: Path, seed: int, report: Callable[[float], None]
    ) -> tuple[Split, dict[str, Any]]:
        self.made += 1
        write_text(folder / "half.pt", "")
        labels = self.requested(train.targets, seed)
        shape = (len(labels), *train.pixels(np.arange(1)).shape[1:])
        pixels = np.random.default_rng(seed).integers(0, 200, shape, dtype=np.uint8)
        report(1.0)
        return Split(pixels, labels), {"seconds": {"painting": 0.0}, "generator_parameters": 0}


def painter(task: Task = Task.MULTICLASS, seed: int = 0, **params: Any) -> Painter:
    return Painter(Painter.Params(**params), setting(task, seed=seed))


def subset(task: Task = Task.MULTICLASS, rows: int = 24, size: int = 8) -> Split:
    pixels = np.random.default_rng(5).integers(0, 200, (rows, size, size), dtype=np.uint8)
    return Split(pixels, targets(task, rows))


def workspace(folder: Path, **changes: Any) -> Workspace:
    return Workspace(folder, IDENTITY | changes)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("methods.generative.quality.JUDGE_STEPS", 2)


def pool_pixels(method: GenerativeMethod) -> NDArray[np.uint8]:
    return method.pool.pixels(np.arange(len(method.pool)))


@pytest.mark.parametrize("order", ["versions first", "painter first"])
def test_in_a_composition_a_generator_learns_from_the_runs_own_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    """Or its images, kept under a hash of those, would be of others for every later run."""
    parts = [("medaugment", methods.get("medaugment")), ("painter", Painter)]
    kind = compose(tuple(parts if order == "versions first" else parts[::-1]))
    together = kind(kind.Params(**{"medaugment.offline": True}), setting())
    seen: list[Split] = []
    make = Painter.make

    def watched(self: Painter, train: Split, *more: Any) -> tuple[Split, dict[str, Any]]:
        seen.append(train)
        return make(self, train, *more)

    monkeypatch.setattr(Painter, "make", watched)
    own = subset()
    given = together.prepare(own, workspace(tmp_path))
    assert seen == [own] and given is not own


# Mixing


@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.MULTILABEL])
@pytest.mark.parametrize(("share", "rows"), [(0.5, 12), (0.3, 12), (0.1, 4), (1.0, 5), (0.7, 9)])
def test_share_of_the_batch_is_exact(tmp_path: Path, task: Task, share: float, rows: int) -> None:
    method = painter(task, share=share)
    method.prepare(subset(task), workspace(tmp_path))
    images, labels = torch.full((rows, 1, 8, 8), 2.0), targets(task, rows)
    before = images.clone(), labels.clone()
    mixed, mixed_labels = method.augment(images, labels)
    synthetic = (mixed != 2.0).all(dim=(1, 2, 3))
    assert int(synthetic.sum()) == round(share * rows)
    assert torch.equal(mixed_labels[~synthetic], labels[~synthetic])
    assert torch.equal(images, before[0])
    assert torch.equal(labels, before[1])


def test_synthetic_rows_are_images_of_the_pool_with_their_labels(tmp_path: Path) -> None:
    method = painter(share=1.0)
    method.prepare(subset(), workspace(tmp_path))
    pool = method.pool.images(torch.arange(len(method.pool)))
    for _ in range(5):
        mixed, labels = method.augment(*batch())
        same = (mixed[:, None] == pool).all(dim=(2, 3, 4))
        assert (same.sum(1) == 1).all()
        assert torch.equal(labels, method.pool.targets[same.int().argmax(1)])


def test_every_row_and_every_image_is_used(tmp_path: Path) -> None:
    method = painter(share=0.5, images=6)
    method.prepare(subset(), workspace(tmp_path))
    rows, seen = torch.zeros(8), set()
    for _ in range(200):
        mixed, _ = method.augment(torch.full((8, 1, 8, 8), 2.0), torch.zeros(8).long())
        changed = (mixed != 2.0).all(dim=(1, 2, 3))
        rows += changed
        seen |= {image.numpy().tobytes() for image in mixed[changed]}
    assert len(seen) == 6
    assert ((rows / 200 - 0.5).abs() < 0.15).all()


def test_soft_targets_take_one_hot_rows(tmp_path: Path) -> None:
    method = painter(share=1.0)
    method.prepare(subset(), workspace(tmp_path))
    _, soft = method.augment(torch.rand(5, 1, 8, 8), torch.full((5, CLASSES), 1 / CLASSES))
    assert soft.shape == (5, CLASSES)
    assert ((soft == 1).sum(1) == 1).all()
    assert torch.equal(soft.sum(1), torch.ones(5))


def test_share_zero_trains_nothing_and_returns_the_same_objects(tmp_path: Path) -> None:
    method, split = painter(**Painter.zero), subset()
    assert method.prepare(split, workspace(tmp_path)) is split
    images, labels = batch()
    mixed, rows = method.augment(images, labels)
    assert mixed is images
    assert rows is labels
    assert method.made == 0
    assert method.facts == {}
    assert not list(tmp_path.iterdir())


def test_preparing_leaves_every_generator_alone(tmp_path: Path) -> None:
    method, split = painter(), subset()
    states = torch.get_rng_state(), method.generator.get_state()
    assert method.prepare(split, workspace(tmp_path)) is split
    assert torch.equal(torch.get_rng_state(), states[0])
    assert torch.equal(method.generator.get_state(), states[1])


def test_parameters_are_checked() -> None:
    for wrong in ({"share": 1.1}, {"images": 1}, {"generator_seed": "mine"}):
        with pytest.raises(ValidationError):
            painter(**wrong)


# Which labels are asked for


@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.MULTILABEL])
def test_requested_labels_are_rows_of_the_subset_equally_often(task: Task) -> None:
    own = targets(task, 10)
    unique = torch.arange(10)
    assert torch.equal(painter().requested(unique, 0).sort().values, unique)
    assert set(torch.bincount(painter(images=25).requested(unique, 0)).tolist()) == {2, 3}
    asked = painter(task, images=20).requested(own, 0)
    expected = torch.cat([own, own])
    assert sorted(map(str, asked.tolist())) == sorted(map(str, expected.tolist()))


def test_images_are_capped_by_number_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(painter().requested(torch.arange(20_000), 0)) == module.MOST_IMAGES
    monkeypatch.setattr(module, "RESIDENT_BYTES", 8 * 8 * 50)
    assert len(painter().requested(torch.arange(20_000), 0)) == 50
    assert len(painter(images=60).requested(torch.arange(20_000), 0)) == 60


# The key


def key(of: Painter, **changes: Any) -> str:
    return Entry(Path(), {"data": IDENTITY | changes, "recipe": of.recipe()}).key


def test_key_changes_with_data_settings_seed_and_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [
        key(painter()),
        *(key(painter(), **{name: "other"}) for name in IDENTITY),
        key(painter(brush=2)),
        key(painter(images=5)),
        key(painter(seed=1)),
        key(painter(generator_seed="shared")),
    ]
    monkeypatch.setattr(Painter, "version", 2)
    keys.append(key(painter()))
    monkeypatch.setattr(module, "library_version", lambda name: "0")
    keys.append(key(painter()))
    assert len(set(keys)) == len(keys)


def test_key_does_not_depend_on_share() -> None:
    assert key(painter(share=0.1)) == key(painter(share=0.7))


def test_a_shared_generator_is_that_of_every_seed(tmp_path: Path) -> None:
    first, second = (painter(seed=seed, generator_seed="shared") for seed in (1, 2))
    for method in (first, second):
        method.prepare(subset(), workspace(tmp_path))
    assert (first.made, second.made) == (1, 0)
    assert (first.facts["reused"], second.facts["reused"]) == (False, True)
    assert np.array_equal(pool_pixels(first), pool_pixels(second))
    own = [painter(seed=seed) for seed in (1, 2)]
    for method in own:
        method.prepare(subset(), workspace(tmp_path))
    assert [method.made for method in own] == [1, 1]
    assert not np.array_equal(pool_pixels(own[0]), pool_pixels(own[1]))


def test_a_missing_library_is_named_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BenchError, match=r"needs no-such-library.*medaug-bench\[gen\]"):
        library_version("no-such-library")
    monkeypatch.setattr(Painter, "libraries", ("no-such-library",))
    with pytest.raises(BenchError, match="not installed"):
        painter().recipe()


# The cache


@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.MULTILABEL])
def test_a_set_read_again_is_the_set_that_was_made(tmp_path: Path, task: Task) -> None:
    first, second = painter(task), painter(task)
    for method in (first, second):
        method.prepare(subset(task), workspace(tmp_path))
    assert (first.made, second.made) == (1, 0)
    assert np.array_equal(pool_pixels(first), pool_pixels(second))
    assert torch.equal(first.pool.targets, second.pool.targets)
    assert first.pool.targets.dtype == second.pool.targets.dtype
    assert first.facts | {"reused": True} == second.facts
    json.dumps(second.facts, allow_nan=False)
    assert torch.equal(first.augment(*batch(task))[0], second.augment(*batch(task))[0])


def test_layout_is_that_of_medmnist(tmp_path: Path) -> None:
    for task, width in ((Task.MULTICLASS, 1), (Task.MULTILABEL, LABELS)):
        method = painter(task)
        method.prepare(subset(task), workspace(tmp_path, fingerprint=task.value))
        folder = tmp_path / method.facts["generated_key"]
        assert {path.name for path in folder.iterdir()} == {"images.npz", "record.json"}
        with np.load(folder / "images.npz") as arrays:
            assert arrays["images"].shape == (24, 8, 8)
            assert arrays["labels"].shape == (24, width)
            assert arrays["images"].dtype == arrays["labels"].dtype == np.uint8


def test_labels_survive_both_ways() -> None:
    for own in (torch.arange(7), targets(Task.MULTILABEL, 7)):
        again = as_targets(as_labels(own))
        assert torch.equal(again, own)
        assert again.dtype == own.dtype


def test_a_damaged_set_is_made_anew(tmp_path: Path) -> None:
    first = painter()
    first.prepare(subset(), workspace(tmp_path))
    folder = tmp_path / first.facts["generated_key"]
    arrays, record = folder / "images.npz", folder / "record.json"
    content, text = arrays.read_bytes(), record.read_text()

    def other_pixel() -> None:
        with np.load(arrays) as kept:
            images, labels = kept["images"].copy(), kept["labels"]
        images[0, 0, 0] += 1
        np.savez(arrays, images=images, labels=labels)

    damages: list[Callable[[], Any]] = [
        other_pixel,
        arrays.unlink,
        record.unlink,
        lambda: arrays.write_bytes(content[: len(content) // 2]),
        lambda: arrays.write_bytes(b""),
        lambda: record.write_text(text[:-40]),
        lambda: record.write_text("[]"),
        lambda: record.write_text(text.replace('"subset": "s"', '"subset": "t"')),
    ]
    for damage in damages:
        damage()
        again = painter()
        again.prepare(subset(), workspace(tmp_path))
        assert again.made == 1
        assert np.array_equal(pool_pixels(again), pool_pixels(first))


def test_a_set_that_another_makes_is_put_off(tmp_path: Path) -> None:
    method, space = painter(), workspace(tmp_path)
    content = {name: value for name, value in IDENTITY.items() if name != "dataset"}
    entry = Entry(tmp_path, {"data": content, "recipe": method.recipe()})
    with entry.lock(), pytest.raises(NotYetError):
        method.prepare(subset(), space)
    assert method.made == 0
    with Entry(tmp_path, {"data": "other"}).lock():
        method.prepare(subset(), space)
    assert method.made == 1
    with entry.lock():
        later = painter()
        later.prepare(subset(), space)
    assert later.made == 0


def test_a_set_that_came_while_waiting_for_the_lock_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    painter().prepare(subset(), workspace(tmp_path))
    load, answers = Entry.load, iter([False, True])
    monkeypatch.setattr(Entry, "load", lambda self: load(self) if next(answers) else None)
    late = painter()
    late.prepare(subset(), workspace(tmp_path))
    assert late.made == 0


def _hold(folder: Path, held: Any) -> None:
    with Entry(folder, {"data": 1}).lock():
        held.set()
        multiprocessing.Event().wait()


def test_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    held = context.Event()
    process = context.Process(target=_hold, args=(tmp_path, held))
    process.start()
    assert held.wait(20)
    entry = Entry(tmp_path, {"data": 1})
    with pytest.raises(NotYetError), entry.lock():
        pass
    process.kill()
    process.join()
    with entry.lock():
        pass


def test_only_the_subset_is_read(tmp_path: Path) -> None:
    class Watched:
        """Images of a whole dataset that remember which were read."""

        def __init__(self) -> None:
            self.pixels = np.random.default_rng(0).integers(0, 200, (90, 8, 8), dtype=np.uint8)
            self.read: set[int] = set()

        def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
            self.read |= set(rows.tolist())
            return self.pixels[rows]

    watched, indices = Watched(), np.array([3, 9, 17, 40, 41, 66])
    painter().prepare(
        Split(watched, targets(Task.MULTICLASS, 90)).subset(indices), workspace(tmp_path)
    )
    assert watched.read == set(indices.tolist())


# Stages


class Walk:
    """A random walk on both the stage's state and torch's global generator."""

    def __init__(self, total: int = 9, fall: int | None = None) -> None:
        self.done, self.total, self.fall = 0, total, fall
        self.path = torch.randn(1)

    def advance(self) -> None:
        if self.done == self.fall:
            raise KeyboardInterrupt
        self.path = torch.cat([self.path, self.path[-1:] + torch.randn(1)])
        self.done += 1

    def state(self) -> dict[str, Any]:
        return {"path": self.path}

    def restore(self, state: dict[str, Any]) -> None:
        self.path = state["path"]


def walk(path: Path, seed: int = 0, fall: int | None = None) -> Tensor:
    return stage.finish(lambda: Walk(fall=fall), path, seed, lambda done: None)[0].path


@pytest.mark.parametrize("seconds", [0.0, 1e9])
def test_a_stage_killed_and_resumed_has_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(stage, "CHECKPOINT_SECONDS", seconds)
    whole = walk(tmp_path / "whole")
    for fall in (4, 6):
        with pytest.raises(KeyboardInterrupt):
            walk(tmp_path / "halved", fall=fall)
    assert torch.equal(walk(tmp_path / "halved"), whole)
    assert not torch.equal(walk(tmp_path / "other", seed=1), whole)
    assert torch.equal(walk(tmp_path / "whole", fall=0), whole)


def test_a_damaged_checkpoint_is_no_checkpoint(tmp_path: Path) -> None:
    whole = walk(tmp_path / "file")
    content = (tmp_path / "file").read_bytes()
    for damaged in (b"", content[:100], content[: len(content) // 2], b"x" * 500):
        (tmp_path / "file").write_bytes(damaged)
        assert torch.equal(walk(tmp_path / "file"), whole)


def test_a_stage_reports_and_leaves_the_global_generator_alone(tmp_path: Path) -> None:
    before, told = torch.get_rng_state(), []
    stage.finish(lambda: Walk(total=4), tmp_path / "file", 0, told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]
    assert torch.equal(torch.get_rng_state(), before)


def test_seconds_add_up_over_interruptions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(stage, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(stage.time, "monotonic", lambda: float(next(clock)))
    with pytest.raises(KeyboardInterrupt):
        walk(tmp_path / "file", fall=5)
    _, seconds = stage.finish(Walk, tmp_path / "file", 0, lambda done: None)
    assert seconds == 5 + 4 + 1


# Images


@pytest.mark.parametrize(("size", "frame"), [(28, 32), (28, 28), (9, 16)])
@pytest.mark.parametrize("channels", [1, 3])
def test_frame_and_back_is_exact(size: int, frame: int, channels: int) -> None:
    shape = (5, size, size, channels)[: 3 + (channels > 1)]
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    frames = framed(Split(pixels, torch.arange(5)).images(torch.arange(5)), frame)
    assert frames.shape == (5, channels, frame, frame)
    assert frames.min() >= -1
    assert frames.max() <= 1
    assert np.array_equal(unframed(frames, size), pixels)


def test_images_are_clamped() -> None:
    assert unframed(torch.tensor([-7.0, -1, 0.0, 1, 7])[:, None, None, None], 1).tolist() == [
        [[0]],
        [[0]],
        [[128]],
        [[255]],
        [[255]],
    ]


def test_condition_rows() -> None:
    assert condition_rows(torch.tensor([2, 0]), 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    rows = torch.tensor([[1.0, 0, 1], [0, 0, 0]])
    assert condition_rows(rows, 3).tolist() == [[1, 0, 1, 0], [0, 0, 0, 1]]


# Quality


def noise(rows: int, low: int = 0, high: int = 256, seed: int = 0, size: int = 8) -> Split:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(low, high, (rows, size, size), dtype=np.uint8)
    return Split(pixels, torch.arange(rows) % CLASSES)


def test_mmd_equals_its_sums() -> None:
    x, y = torch.randn(4, 3), torch.randn(6, 3)

    def k(a: Tensor, b: Tensor) -> float:
        return float(a @ b / 3 + 1) ** 3

    xx = sum(k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j) / 12
    yy = sum(k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j) / 30
    xy = sum(k(a, b) for a in x for b in y) / 24
    assert mmd2(x, y) == pytest.approx(xx + yy - 2 * xy, rel=1e-4)


def test_mmd_is_unbiased_and_grows_with_the_shift() -> None:
    torch.manual_seed(0)
    equal = torch.tensor([mmd2(torch.randn(30, 5), torch.randn(40, 5)) for _ in range(300)])
    assert float(equal.min()) < 0 < float(equal.max())
    assert abs(float(equal.mean())) < 4 * float(equal.std()) / 300**0.5
    x, y = torch.randn(500, 5), torch.randn(500, 5)
    small, large = mmd2(x, y + 0.5), mmd2(x, y + 1)
    assert 5 * float(equal.std()) < small < large
    assert mmd2(x, 2 * y) > 5 * float(equal.std())


def test_copies_are_memorised_and_fresh_images_are_not() -> None:
    real, fresh, own = noise(400), noise(300, seed=1), torch.arange(400)
    copied = neighbours(real.images(torch.arange(100)), real, own)
    assert copied["nearer"] == 1.0
    assert copied["synthetic_median"] < 0.01 < copied["real_median"]
    new = neighbours(fresh.images(torch.arange(300)), real, own)
    assert new["nearer"] < 0.05
    assert new["synthetic_median"] == pytest.approx(new["real_median"], rel=0.02)


def test_neighbours_are_those_of_the_whole_subset(monkeypatch: pytest.MonkeyPatch) -> None:
    """In chunks, and where only some of the real images are compared; against plain loops."""
    monkeypatch.setattr("methods.generative.quality.MOST", 7)
    real, fresh = noise(20), noise(5, seed=1)
    own = torch.tensor([19, 3, 8])
    pixels = real.images(torch.arange(20))

    def nearest(image: Tensor, leave: int = -1) -> float:
        others = [x for i, x in enumerate(pixels) if i != leave]
        return min(float((image - x).square().mean().sqrt()) for x in others)

    found = neighbours(fresh.images(torch.arange(5)), real, own)
    synthetic = sorted(nearest(image) for image in fresh.images(torch.arange(5)))
    theirs = sorted(nearest(pixels[i], int(i)) for i in own)
    assert found["synthetic_median"] == pytest.approx(synthetic[2], rel=1e-4)
    assert found["real_median"] == pytest.approx(theirs[1], rel=1e-4)


def test_quality_tells_a_good_set_from_a_bad_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("methods.generative.quality.JUDGE_STEPS", 60)

    def tinted(rows: int, seed: int, shift: int = 0) -> Split:
        labels = torch.arange(rows) % CLASSES
        rng = np.random.default_rng(seed)
        level = 40 + 60 * ((labels.numpy() + shift) % CLASSES)
        pixels = rng.integers(0, 40, (rows, 8, 8)) + level[:, None, None]
        return Split(pixels.astype(np.uint8), labels)

    real, good, wrong = tinted(240, 0), tinted(200, 1), tinted(200, 2, shift=1)
    states = torch.get_rng_state()
    fine, mixed = (quality(real, made, setting(), 3) for made in (good, wrong))
    dark = quality(real, noise(200, 0, 20), setting(), 3)
    assert torch.equal(torch.get_rng_state(), states)
    assert fine == quality(real, good, setting(), 3)
    json.dumps(fine, allow_nan=False)
    assert fine["class_counts"] == {"real": [80, 80, 80], "synthetic": [67, 67, 66]}
    assert fine["judged"]["real"] > 0.95
    assert fine["judged"]["synthetic"] > 0.95
    assert mixed["judged"]["synthetic"] < 0.05
    assert abs(fine["mmd2"]) < 0.1 < dark["mmd2"]
    pixels = real.images(torch.arange(240))
    assert fine["pixels"]["real"]["mean"] == pytest.approx(float(pixels.mean()), abs=0.02)
    assert fine["pixels"]["real"]["std"] == pytest.approx(float(pixels.std()), abs=0.02)


def test_quality_of_multilabel_sets_counts_findings(tmp_path: Path) -> None:
    method, split = painter(Task.MULTILABEL), subset(Task.MULTILABEL)
    method.prepare(split, workspace(tmp_path))
    counts = method.facts["quality"]["class_counts"]
    assert counts["real"] == split.targets.sum(0).int().tolist() == counts["synthetic"]


def test_large_images_are_averaged_first() -> None:
    """Noise as fine as a pixel is gone at half the size, so the distances shrink to a half."""
    own = torch.arange(60)
    fine, coarse = (
        neighbours(noise(20, seed=1, size=size).images(torch.arange(20)), noise(60, size=size), own)
        for size in (32, 8)
    )
    half = quality(noise(60, size=64), noise(20, seed=1, size=64), setting(), 0)["neighbours"]
    assert coarse["real_median"] < fine["real_median"]
    assert half["real_median"] == pytest.approx(fine["real_median"] / 2, rel=0.05)
