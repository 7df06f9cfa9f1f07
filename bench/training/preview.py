"""A image of what a method makes of training images, for a person to judge."""

import warnings
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from bench.backbone import Backbone
from bench.base.errors import Note
from bench.base.split import Split
from bench.data.dataset import Info, open_dataset
from bench.data.show import class_name
from bench.grid.cell import Run
from bench.training.execute import assemble, prepare_process, training_subset
from bench.training.trainer import fit
from methods.method import Method, Workspace

COLUMNS = 8
DRAWS = 3
FAINT = 0.05
"""Changes that nowhere exceed this are shown enlarged as well."""


@torch.no_grad()
def draw(run: Run, results: Path, data_dir: Path | None = None) -> Path:
    """Write a PNG: originals above, and below `DRAWS` rows of what the method makes of them.

    A method with a loss of its own is trained first, as the run's protocol says. Augmented features
    are shown as the training image with the nearest features. Returns the path.
    """
    prepare_process("cpu")
    dataset = open_dataset(run.cell.source, run.cell.source_size, data_dir)
    info = dataset.info
    train, identity = training_subset(run, dataset)
    model, method = assemble(run, info, "cpu", train.targets)
    train = method.prepare(train, Workspace(results / "generated", identity))
    model = method.adapt(model)
    if type(method).loss is not Method.loss:
        with torch.enable_grad():
            fit(run, model, method, train, dataset.split("val"))
    chosen = examples(train, info)
    images, targets = train.images(chosen), train.targets[chosen]
    rows = [("original", images)]
    rows += [made(method, model, train, images, targets) for _ in range(DRAWS)]
    if all(torch.equal(result, images) for _, result in rows[1:]):
        warnings.warn(
            "no image was changed: nothing fired, or the method works elsewhere", Note, stacklevel=2
        )
    change = rows[1][1] - images
    if 0 < change.abs().max() < FAINT:
        gain = 0.5 / change.abs().max()
        rows.append((f"change × {gain:.0f}", (0.5 + gain * change).clamp(0, 1)))
    path = results / "previews" / f"{run.cell.method.label}-{info.name}-{info.size}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    figure(run, info, rows, targets).savefig(path, dpi=110)
    return path


def examples(train: Split, info: Info) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Indices of `COLUMNS` training images, the classes in turn."""
    targets = train.targets
    of_label = targets if targets.ndim == 2 else torch.nn.functional.one_hot(targets.long())
    found: list[int] = []
    for number in range(COLUMNS):
        members = torch.nonzero(of_label[:, number % info.num_classes])[:, 0].tolist()
        fresh = [index for index in members if index not in found]
        found.append((fresh or list(range(len(train))))[0])
    return np.array(found)


def made(
    method: Method, model: Backbone, train: Split, images: Tensor, targets: Tensor
) -> tuple[str, Tensor]:
    """What the method makes of the images, as images, and what they are called."""
    model.eval()
    method.eval()
    with torch.enable_grad():
        result = method.illustrate(model, images, targets).detach()
    if result.ndim == 4:
        return "augmented", result
    batches = torch.arange(len(train)).split(256)
    known = torch.cat([model.features(train.images(batch)) for batch in batches])
    return "nearest", train.images(torch.cdist(result, known).argmin(1))


def figure(run: Run, info: Info, rows: list[tuple[str, Tensor]], targets: Tensor) -> Figure:
    """The grid; class names above, what each row is at its left."""
    matplotlib.use("Agg")
    sheet = Figure(figsize=(1.1 * COLUMNS + 1.2, 1.1 * len(rows) + 0.9), layout="constrained")
    title = f"{run.cell.method.label} on {info.name}, {info.size} px"
    if rows[1][0] == "nearest":
        title += ": the training images nearest to the augmented features"
    sheet.suptitle(title + ("\nphantom data, not MedMNIST" if info.phantom else ""), fontsize=10)
    axes = sheet.subplots(len(rows), COLUMNS, squeeze=False)
    for (name, images), line in zip(rows, axes, strict=True):
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
        for image, axis in zip(images, line, strict=True):
            axis.imshow(image.permute(1, 2, 0).clamp(0, 1).numpy(), cmap="gray", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
    for axis, target in zip(axes[0], targets, strict=True):
        axis.set_title(class_name(info, target), fontsize=7)
    return sheet
