"""What a generated set is worth, measured against the training subset that it was made from."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.base.split import Split
from bench.base.task import Task
from methods.method import Setting, task_loss

MOST = 1000
"""Real and synthetic images that are compared, each drawn at random."""
LARGEST = 32
"""Larger images are averaged down to this many pixels first."""
FLAT = 0.01
"""Features that vary less than this part of the one that varies most are scaled no further."""
JUDGE_STEPS, JUDGE_BATCH, JUDGE_WIDTH = 300, 64, 64


def quality(real: Split, synthetic: Split, setting: Setting, seed: int) -> dict[str, Any]:
    """Numbers for the record, as JSON; none of them needs images outside the subset.

    - `class_counts`: images of each class, or with each finding.
    - `pixels`: mean and standard deviation over all pixels, in [0, 1].
    - `neighbours`: see `neighbours`, memorisation.
    - `mmd2`: see `mmd2`, in the features of a small classifier, each scaled to mean 0 and variance
      1 over the real images.
    - `judged`: how often that classifier, on the real and on the synthetic images, says the label.

    The classifier is trained on one half of the subset, the real images are of the other half: so
    further real images would have an `mmd2` of about 0, and be judged alike.
    """
    sets = {"real": real, "synthetic": synthetic}
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        own, others = torch.randperm(len(real)).tensor_split(2)
        judge = _trained(real, others, setting)
        rows = {"real": own[:MOST], "synthetic": torch.randperm(len(synthetic))[:MOST]}
    images = {name: _small(split, rows[name]) for name, split in sets.items()}
    with torch.no_grad():
        features = {name: judge.features(x.to(setting.device)) for name, x in images.items()}
        logits = {name: judge.head(x).cpu() for name, x in features.items()}
    mean, spread = features["real"].mean(0), features["real"].std(0)
    spread = spread.clamp_min(FLAT * float(spread.max()))
    scaled = {name: (x - mean) / spread for name, x in features.items()}
    return {
        "class_counts": {name: _counts(split, setting) for name, split in sets.items()},
        "pixels": {
            name: {"mean": float(x.mean()), "std": float(x.std())} for name, x in images.items()
        },
        "neighbours": neighbours(images["synthetic"], real, rows["real"]),
        "mmd2": mmd2(scaled["real"], scaled["synthetic"]),
        "judged": {
            name: _agreement(z, sets[name].targets[rows[name]]) for name, z in logits.items()
        },
    }


def neighbours(synthetic: Tensor, real: Split, own: Tensor) -> dict[str, float]:
    """Distances of synthetic images to their nearest training image, against real to real.

    Root mean square over pixels; the real images `own` (indices) leave themselves out. `nearer` is
    the share of synthetic images as near to a training image as the nearest 1 % of the real ones:
    about 0.01 where nothing is memorised, 1 for copies.
    """
    queries = torch.cat([synthetic, _small(real, own)]).flatten(1)
    nearest = torch.full((len(queries),), torch.inf)
    for rows in torch.arange(len(real)).split(MOST):
        distances = torch.cdist(queries, _small(real, rows).flatten(1))
        distances /= queries.shape[1] ** 0.5
        itself = own[:, None] == rows
        distances[len(synthetic) :].masked_fill_(itself, torch.inf)
        nearest = torch.minimum(nearest, distances.amin(1))
    ours, theirs = nearest.split([len(synthetic), len(own)])
    return {
        "synthetic_median": float(ours.median()),
        "real_median": float(theirs.median()),
        "nearer": float((ours <= theirs.quantile(0.01)).float().mean()),
    }


def mmd2(x: Tensor, y: Tensor) -> float:
    """Squared maximum mean discrepancy of rows (M, d) and (N, d), unbiased, so 0 or a bit below.

    With the kernel k(a, b) = (aᵀb/d + 1)³ of Bińkowski et al. 2018, Demystifying MMD GANs, ICLR
    (the kernel inception distance, here on features of another network):
        Σ_{i≠j} k(xᵢ, xⱼ) / M(M-1) + Σ_{i≠j} k(yᵢ, yⱼ) / N(N-1) - 2 Σ_ij k(xᵢ, yⱼ) / MN.
    """
    x, y = x.double(), y.double()

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a: Tensor) -> Tensor:
        k = kernel(a, a)
        return (k.sum() - k.diagonal().sum()) / (len(a) * (len(a) - 1))

    return float(within(x) + within(y) - 2 * kernel(x, y).mean())


class Judge(nn.Module):
    """A small convolutional classifier."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in ((channels, 16), (16, 32), (32, JUDGE_WIDTH)):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Linear(JUDGE_WIDTH, classes)

    def features(self, images: Tensor) -> Tensor:
        """(B, JUDGE_WIDTH) of images in [0, 1]."""
        maps: Tensor = self.trunk(images * 2 - 1)
        return maps.mean((2, 3))


def _trained(real: Split, some: Tensor, setting: Setting) -> Judge:
    judge = Judge(setting.channels, setting.num_classes).to(setting.device)
    optimizer = torch.optim.Adam(judge.parameters(), 1e-3)
    for _ in range(JUDGE_STEPS):
        rows = some[torch.randint(len(some), (JUDGE_BATCH,))]
        images, targets = _small(real, rows).to(setting.device), real.targets[rows]
        logits = judge.head(judge.features(images))
        loss = task_loss(logits, targets.to(setting.device), setting.task)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return judge.eval()


def _small(split: Split, rows: Tensor) -> Tensor:
    images = split.images(rows)
    side = min(LARGEST, images.shape[-1])
    return F.adaptive_avg_pool2d(images, side) if side < images.shape[-1] else images


def _counts(split: Split, setting: Setting) -> list[int]:
    if setting.task is Task.MULTILABEL:
        return [int(count) for count in split.targets.sum(0)]
    return torch.bincount(split.targets, minlength=setting.num_classes).tolist()


def _agreement(logits: Tensor, targets: Tensor) -> float:
    """The share of labels that the highest class, or for findings a threshold of ½, gets right."""
    said = (logits > 0).float() if targets.ndim == 2 else logits.argmax(1)
    return float((said == targets).float().mean())
