"""Properties of external images, the exporter, and runs of a user's own checkout."""

import io
import json
import os
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from bench.base.errors import BenchError
from bench.base.split import Split
from bench.base.task import Task
from methods.generative.cache import as_labels
from methods.generative.checkout import generate
from methods.generative.export import export
from methods.generative.external import External, read
from methods.method import Setting, Workspace
from methods.stylegan2_ada import StyleGAN2ADA, class_names

NAMES = ("dark", "middle", "bright")
Array = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


@pytest.fixture(autouse=True)
def _short_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    """The classifier that measures quality is not what these tests are about."""
    monkeypatch.setattr("methods.generative.quality.JUDGE_STEPS", 1)


def setting(task: Task = Task.MULTICLASS, channels: int = 1, size: int = 28) -> Setting:
    return Setting(task, 3, channels, size, feature_dim=4)


def random_images(count: int = 6, size: int = 28, channels: int = 1) -> Array:
    shape = (count, size, size, channels)[: 3 + (channels == 3)]
    return np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)


def png(pixels: Array) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def in_folders(images: Array, labels: list[Any]) -> dict[str, bytes]:
    pairs = enumerate(zip(images, labels, strict=True))
    return {f"{label}/{i}.png": png(image) for i, (image, label) in pairs}


def listed(images: Array, labels: list[Any]) -> dict[str, bytes]:
    files = {f"some/{i}.png": png(image) for i, image in enumerate(images)}
    table = json.dumps({"labels": list(map(list, zip(files, labels, strict=True)))})
    return files | {"dataset.json": table.encode()}


def write(path: Path, files: dict[str, bytes]) -> Path:
    """A zip where the path ends so, else a folder."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        for name, content in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
    return path


def same(ours: External, theirs: External) -> bool:
    rows = np.arange(len(ours.split))
    return (
        ours.sha256 == theirs.sha256
        and np.array_equal(ours.split.pixels(rows), theirs.split.pixels(rows))
        and torch.equal(ours.split.targets, theirs.split.targets)
    )


# Layouts


@pytest.mark.parametrize("channels", [1, 3])
def test_all_layouts_give_the_same_set(channels: int, tmp_path: Path) -> None:
    images, labels, want = (
        random_images(channels=channels),
        [2, 0, 1, 1, 0, 2],
        setting(channels=channels),
    )
    np.savez(tmp_path / "c.npz", images=images, labels=np.array(labels, np.uint8)[:, None])
    by_name = [NAMES[label].upper() for label in labels]
    found = [
        read(write(tmp_path / "a", in_folders(images, labels)), want),
        read(write(tmp_path / "a.zip", in_folders(images, labels)), want),
        read(write(tmp_path / "named", in_folders(images, by_name)), want, NAMES),
        read(write(tmp_path / "b", listed(images, labels)), want),
        read(write(tmp_path / "b.zip", listed(images, labels)), want),
        read(tmp_path / "c.npz", want),
    ]
    assert all(same(found[0], other) for other in found[1:])
    split = found[0].split
    pairs = {(split.pixels(np.array([i])).tobytes(), int(split.targets[i])) for i in range(6)}
    assert pairs == {(x.tobytes(), label) for x, label in zip(images, labels, strict=True)}
    assert split.targets.dtype == torch.int64


def test_multi_label_rows_in_layouts_b_and_c(tmp_path: Path) -> None:
    images, labels, want = (
        random_images(3),
        [[0, 0, 0], [1, 0, 1], [0, 1, 0]],
        setting(Task.MULTILABEL),
    )
    np.savez(tmp_path / "c.npz", images=images, labels=np.array(labels))
    found = read(write(tmp_path / "b", listed(images, labels)), want)
    assert same(found, read(tmp_path / "c.npz", want))
    assert found.split.targets.tolist() == sorted(labels)
    assert found.split.targets.dtype == torch.float32
    with pytest.raises(BenchError, match=r"one label only; add a dataset\.json"):
        read(write(tmp_path / "a", in_folders(images, [0, 1, 2])), want)


def test_any_change_changes_the_checksum(tmp_path: Path) -> None:
    images = random_images()
    first = read(write(tmp_path / "a", listed(images, [0, 1, 2, 0, 1, 2])), setting())
    second = read(write(tmp_path / "b", listed(images, [0, 1, 2, 0, 1, 1])), setting())
    images[0, 0, 0] ^= 1
    third = read(write(tmp_path / "c", listed(images, [0, 1, 2, 0, 1, 2])), setting())
    assert len({first.sha256, second.sha256, third.sha256}) == 3


def test_absent_classes_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a", in_folders(random_images(), [1] * 6))
    assert read(path, setting(), NAMES).warnings == (
        "no image of class dark",
        "no image of class bright",
    )
    assert read(path, setting()).warnings == ("no image of class 0", "no image of class 2")
    path = write(tmp_path / "b", listed(random_images(1), [[0, 1, 1]]))
    assert read(path, setting(Task.MULTILABEL)).warnings == ("no image of class 0",)


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    files = in_folders(random_images(), [0, 1, 2, 0, 1, 2])
    plain = read(write(tmp_path / "a", files), setting())
    extra = {".DS_Store": b"x", "__MACOSX/0/._1.png": b"x"}
    assert same(plain, read(write(tmp_path / "b.zip", files | extra), setting()))


# Sizes and channels


def test_frames_are_cropped_and_other_sizes_resized_when_asked(tmp_path: Path) -> None:
    images = random_images()
    framed = np.pad(images, ((0, 0), (2, 2), (2, 2)), mode="reflect")
    labels = [0, 1, 2, 0, 1, 2]
    plain = read(write(tmp_path / "a", in_folders(images, labels)), setting())
    assert same(plain, read(write(tmp_path / "b", in_folders(framed, labels)), setting()))
    large = np.full((6, 40, 50), 90, np.uint8)
    path = write(tmp_path / "c", in_folders(large, labels))
    with pytest.raises(BenchError, match="50x40 px; expected 28x28, or 32x32"):
        read(path, setting())
    pixels = read(path, setting(), resize=True).split.pixels(np.arange(6))
    assert pixels.shape == (6, 28, 28)
    assert (pixels == 90).all()


def test_gray_rgb_files_become_gray_and_coloured_ones_are_refused(tmp_path: Path) -> None:
    gray = random_images(3) // 2 + 50
    rgb = np.repeat(gray[..., None], 3, 3)
    plain = read(write(tmp_path / "a", in_folders(gray, [0, 1, 2])), setting())
    assert same(plain, read(write(tmp_path / "b", in_folders(rgb, [0, 1, 2])), setting()))
    nearly = rgb + np.array([0, 3, 6], np.uint8)
    found = read(write(tmp_path / "c", in_folders(nearly, [0, 1, 2])), setting()).split
    assert (np.sort(found.pixels(np.arange(3)), 0) == np.sort(gray + 3, 0)).all()
    coloured = rgb + np.array([0, 0, 40], np.uint8)
    with pytest.raises(BenchError, match="is coloured"):
        read(write(tmp_path / "d", in_folders(coloured, [0, 1, 2])), setting())


def test_gray_files_of_an_rgb_dataset_are_repeated(tmp_path: Path) -> None:
    gray = random_images(1)
    path = write(tmp_path / "a", in_folders(gray, [0]))
    pixels = read(path, setting(channels=3)).split.pixels(np.arange(1))
    assert (pixels == gray[..., None]).all()
    assert pixels.shape == (1, 28, 28, 3)


# What is refused


@pytest.mark.parametrize("label", [3, -1, "1", 1.5, None, [1, 0, 0], {"a": 1}])
def test_wrong_labels(label: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "b", listed(random_images(1), [label]))
    with pytest.raises(BenchError, match="expected one number of 0 to 2"):
        read(path, setting())


@pytest.mark.parametrize("label", [1, [1, 0], [1, 0, 2], [1, 0, 0, 0], [[1], 0, 0]])
def test_wrong_rows(label: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "b", listed(random_images(1), [label]))
    with pytest.raises(BenchError, match="expected 3 of 0 and 1"):
        read(path, setting(Task.MULTILABEL))


def test_wrong_class_folders(tmp_path: Path) -> None:
    for name, message in (("9", "0 to 2"), ("grey", "class number or a label"), ("0/1", "folder")):
        path = write(tmp_path / f"{name[0]}.zip", in_folders(random_images(1), [name]))
        with pytest.raises(BenchError, match=message):
            read(path, setting(), NAMES)


NAMES_OUTSIDE = ["../0/1.png", "0/../../1.png", "/0/1.png", "C:/0/1.png", "0\\..\\1.png"]


@pytest.mark.parametrize("name", NAMES_OUTSIDE)
def test_zip_traversal(name: str, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.zip", in_folders(random_images(1), [0]) | {name: png(random_images(1)[0])}
    )
    with pytest.raises(BenchError, match="leads out of it"):
        read(path, setting())
    assert sorted(tmp_path.rglob("*")) == [path]


@pytest.mark.parametrize("name", NAMES_OUTSIDE)
def test_a_list_that_leads_elsewhere(name: str, tmp_path: Path) -> None:
    table = json.dumps({"labels": [[name, 0]]}).encode()
    (tmp_path / "1.png").write_bytes(png(random_images(1)[0]))
    path = write(tmp_path / "b", {"dataset.json": table})
    with pytest.raises(BenchError, match="is not both there and listed"):
        read(path, setting())


def test_links_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(png(random_images(1)[0]))
    path = write(tmp_path / "a", in_folders(random_images(1), [0]))
    (path / "0" / "2.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(BenchError, match="leads out of"):
        read(path, setting())


class Bomb:
    """Makes a folder when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("exploded",)


@pytest.mark.parametrize("name", ["0/network.pkl", "0/1.png", "dataset.json"])
@pytest.mark.parametrize("kind", ["a", "a.zip"])
def test_pickles(name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / kind, in_folders(random_images(1), [0]) | {name: pickle.dumps(Bomb())})
    with pytest.raises(BenchError):
        read(path, setting())
    assert not (tmp_path / "exploded").exists()


def test_pickled_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    images = np.array([Bomb()], object)
    np.savez(tmp_path / "c.npz", images=images, labels=np.zeros((1, 1), np.uint8))
    (tmp_path / "d.npz").write_bytes(pickle.dumps(Bomb()))
    with (tmp_path / "e.npz").open("wb") as file:
        np.save(file, random_images(1))
    for name in ("c.npz", "d.npz", "e.npz"):
        with pytest.raises(BenchError, match="cannot be read"):
            read(tmp_path / name, setting())
    assert not (tmp_path / "exploded").exists()


def test_files_that_are_damaged_or_of_another_kind(tmp_path: Path) -> None:
    good = in_folders(random_images(2), [0, 1])
    broken = good | {"1/1.png": good["1/1.png"][:300]}
    alpha = np.zeros((28, 28, 4), np.uint8)
    cases: dict[str, tuple[dict[str, bytes], str]] = {
        "broken": (broken, "1/1.png cannot be read"),
        "alpha": (good | {"0/2.png": png(alpha)}, "is RGBA"),
        "other": (good | {"notes.txt": b"x"}, "notes.txt is no image"),
        "empty": ({".hidden": b""}, "holds no image"),
        "nojson": (good | {"dataset.json": b"{"}, "write it so"),
        "nolabels": (good | {"dataset.json": b'{"labels": null}'}, "write it so"),
        "unlisted": (good | {"dataset.json": b'{"labels": [["0/0.png", 1]]}'}, "1/1.png"),
        "twice": (
            {"a.png": good["0/0.png"], "dataset.json": b'{"labels": [["a.png", 1], ["a.png", 0]]}'},
            "lists an image twice",
        ),
    }
    for name, (files, message) in cases.items():
        for path in (tmp_path / name, tmp_path / f"{name}.zip"):
            with pytest.raises(BenchError, match=message):
                read(write(path, files), setting())
    (tmp_path / "not.zip").write_bytes(b"PK nothing")
    for path in (tmp_path / "not.zip", tmp_path / "nowhere"):
        with pytest.raises(BenchError, match="no folder, zip or npz"):
            read(path, setting())


def test_wrong_arrays(tmp_path: Path) -> None:
    good = {"images": random_images(2), "labels": np.zeros((2, 1), np.uint8)}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"images": good["images"].astype(np.float32)}, "images are float32"),
        ({"images": good["images"][0]}, "images are uint8"),
        ({"labels": np.zeros((3, 1), np.uint8)}, "a row an image"),
        ({"labels": np.zeros((2, 1))}, "labels are float64"),
        ({"labels": np.full((2, 1), 7)}, r"image 0 has the label \[7\]"),
    ]
    for change, message in wrong:
        np.savez(tmp_path / "c.npz", **(good | change))
        with pytest.raises(BenchError, match=message):
            read(tmp_path / "c.npz", setting())
    np.savez(tmp_path / "c.npz", images=good["images"])
    with pytest.raises(BenchError, match="has no array labels"):
        read(tmp_path / "c.npz", setting())


# The exporter


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.MULTILABEL])
def test_what_is_exported_comes_back(task: Task, channels: int, tmp_path: Path) -> None:
    images = random_images(channels=channels)
    targets = torch.arange(6) % 3
    if task is Task.MULTILABEL:
        targets = torch.eye(3)[targets] * (torch.arange(6) > 0)[:, None]
    path = export(Split(images, targets), tmp_path / "set.zip")
    np.savez(tmp_path / "c.npz", images=images, labels=as_labels(targets))
    want = setting(task, channels)
    assert same(read(path, want), read(tmp_path / "c.npz", want))


def test_the_export_is_what_the_official_script_reads(tmp_path: Path) -> None:
    images = random_images(3)
    whole = Split(images, torch.tensor([2, 0, 1]))
    path = export(whole.subset(np.array([2, 0])), tmp_path / "set.zip")
    with zipfile.ZipFile(path) as archive:
        table = json.loads(archive.read("dataset.json"))
        assert table == {"labels": [["00000/img00000000.png", 1], ["00000/img00000001.png", 2]]}
        assert sorted(archive.namelist()) == [
            *(name for name, _ in table["labels"]),
            "dataset.json",
        ]
        for (name, _), source in zip(table["labels"], images[[2, 0]], strict=True):
            image = Image.open(io.BytesIO(archive.read(name)))
            assert (image.mode, image.size) == ("RGB", (32, 32))
            pixels = np.asarray(image)
            expected = np.pad(source, 2, mode="reflect")
            assert (pixels == expected[..., None]).all()


def test_the_export_has_the_same_bytes_at_every_call(tmp_path: Path) -> None:
    split = Split(random_images(), torch.arange(6) % 3)
    first, second = (export(split, tmp_path / name).read_bytes() for name in ("a.zip", "b.zip"))
    assert first == second
    assert sorted(tmp_path.iterdir()) == [tmp_path / "a.zip", tmp_path / "b.zip"]


# The method


def method(share: float = 0.5, task: Task = Task.MULTICLASS, **params: Any) -> StyleGAN2ADA:
    return StyleGAN2ADA(StyleGAN2ADA.Params(share=share, **params), setting(task))


def prepared(built: StyleGAN2ADA, folder: Path) -> StyleGAN2ADA:
    built.prepare(
        Split(random_images(), torch.arange(6) % 3),
        Workspace(folder, {"dataset": "x", "subset": "y"}),
    )
    return built


def test_external_images_take_the_place_of_a_generator(tmp_path: Path) -> None:
    images = random_images(9)
    path = write(tmp_path / "a", in_folders(images, [0, 1, 2] * 3))
    built = prepared(method(external=path), tmp_path / "work")
    assert len(built.pool) == 9
    assert built.facts["origin"] == "external"
    assert built.facts["provenance"] == "unverified"
    known = {image.tobytes() for image in images}
    batch = torch.zeros(8, 1, 28, 28)
    mixed, _ = built.augment(batch, torch.zeros(8, dtype=torch.int64))
    changed = mixed[mixed.flatten(1).any(1)]
    assert len(changed) == 4
    for image in changed:
        assert (image[0] * 255).round().byte().numpy().tobytes() in known


def test_the_note_on_provenance_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "a", in_folders(random_images(), [0, 1, 2] * 2))
    built = prepared(method(external=path, provenance="train of seed 0"), tmp_path / "work")
    assert built.facts["provenance"] == "train of seed 0"


def test_the_key_of_external_images_is_their_content(tmp_path: Path) -> None:
    images, labels = random_images(), [0, 1, 2] * 2
    first = prepared(
        method(external=write(tmp_path / "a", in_folders(images, labels))), tmp_path / "work"
    )
    moved = prepared(
        method(external=write(tmp_path / "b.zip", listed(images, labels)), kimg=7.0),
        tmp_path / "work",
    )
    assert first.recipe() == moved.recipe()
    assert moved.facts["reused"]
    other = write(tmp_path / "c", in_folders(255 - images, labels))
    assert prepared(method(external=other), tmp_path / "work").recipe() != first.recipe()


def test_without_a_share_nothing_is_read(tmp_path: Path) -> None:
    prepared(method(share=0.0, external=tmp_path / "nowhere"), tmp_path / "work")


def test_class_names_are_those_of_medmnist() -> None:
    assert class_names("breast") == ("malignant", "normal, benign")
    assert class_names("mine@12345678") == ()


SCRIPT = """
import argparse, pathlib
from PIL import Image
parser = argparse.ArgumentParser()
for name in ("outdir", "network", "seeds", "trunc", "class"):
    parser.add_argument(f"--{name}", required=True)
options = vars(parser.parse_args())
with open("calls.txt", "a") as calls:
    calls.write(f"{options['class']} {options['seeds']} {options['trunc']}\\n")
if pathlib.Path(options["network"]).read_text() == "broken":
    raise SystemExit("no such network")
first, last = map(int, options["seeds"].split("-"))
for seed in range(first, last + 1):
    colour = 40 * int(options["class"]) + seed
    image = Image.new("RGB", (32, 32), (colour, colour, colour))
    image.save(pathlib.Path(options["outdir"]) / f"seed{seed:04d}.png")
"""


@pytest.fixture
def checkout(tmp_path: Path) -> dict[str, Any]:
    """A fake of the official code, and the parameters that use it."""
    folder = tmp_path / "official"
    folder.mkdir()
    (folder / "generate.py").write_text(SCRIPT)
    (tmp_path / "network.pkl").write_text("weights")
    return {
        "checkout": folder,
        "network": tmp_path / "network.pkl",
        "python": sys.executable,
        "accept_noncommercial": True,
    }


def test_a_checkout_is_called_once_a_class(checkout: dict[str, Any], tmp_path: Path) -> None:
    built = prepared(method(images=12, truncation=0.7, **checkout), tmp_path / "work")
    assert (checkout["checkout"] / "calls.txt").read_text().splitlines() == [
        "0 0-3 0.7",
        "1 4-7 0.7",
        "2 8-11 0.7",
    ]
    assert built.facts["origin"] == "external"
    assert torch.equal(built.pool.targets, torch.arange(3).repeat_interleave(4))
    levels = built.pool.pixels(np.arange(12))[:, 0, 0]
    assert levels.tolist() == [40 * label + 4 * label + i for label in range(3) for i in range(4)]
    again = prepared(method(images=12, truncation=0.7, **checkout), tmp_path / "work")
    assert again.facts["reused"]


def test_the_network_file_is_part_of_the_recipe(checkout: dict[str, Any]) -> None:
    recipes = [method(**checkout).recipe(), method(truncation=0.5, **checkout).recipe()]
    checkout["network"].write_text("other weights")
    recipes.append(method(**checkout).recipe())
    assert len({str(recipe) for recipe in recipes}) == 3


def test_classes_that_are_there_are_not_made_again(
    checkout: dict[str, Any], tmp_path: Path
) -> None:
    folder, calls = tmp_path / "out", checkout["checkout"] / "calls.txt"

    def call() -> None:
        generate(
            checkout["checkout"],
            sys.executable,
            checkout["network"],
            [2, 0, 3],
            1.0,
            folder,
            lambda done: None,
        )

    call()
    (folder / "2").rename(folder / "2.part")
    call()
    assert calls.read_text().splitlines() == ["0 0-1 1.0", "2 2-4 1.0", "2 2-4 1.0"]
    assert sorted(path.name for path in folder.iterdir()) == ["0", "2"]


def test_a_checkout_that_fails(checkout: dict[str, Any], tmp_path: Path) -> None:
    checkout["network"].write_text("broken")
    with pytest.raises(BenchError, match=r"generate\.py failed \(no such network\)"):
        prepared(method(**checkout), tmp_path / "work")
    with pytest.raises(BenchError, match="cannot run"):
        prepared(method(**(checkout | {"python": "no-such-python"})), tmp_path / "work")
    with pytest.raises(BenchError, match="multi-label"):
        prepared(method(task=Task.MULTILABEL, **checkout), tmp_path / "work")


def test_the_licence_must_be_accepted(checkout: dict[str, Any]) -> None:
    wrong: list[dict[str, Any]] = [
        checkout | {"accept_noncommercial": False},
        {key: value for key, value in checkout.items() if key != "network"},
        checkout | {"external": Path("x")},
        {"external": Path("x"), "images": 4},
    ]
    for params in wrong:
        with pytest.raises(ValidationError):
            StyleGAN2ADA.Params(**params)
    assert not StyleGAN2ADA.Params().accept_noncommercial
