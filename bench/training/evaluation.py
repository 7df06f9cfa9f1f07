"""Scores of a split."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.backbone import Backbone
from bench.base.split import Split
from bench.base.task import Task

Array = NDArray[np.float32]
LARGEST_BATCH, BATCH_PIXELS = 256, 256 * 64 * 64
"""Images are evaluated so many at once, and no more than so many pixels."""


@torch.no_grad()
def predict(model: Backbone, split: Split, task: Task, device: str = "cpu") -> Array:
    """Probabilities (N, C) of every image of a split, in float32."""
    model.eval()
    logits = [
        model(split.images(indices.to(split.targets.device)).to(device)).float().cpu()
        for indices in batches(len(split), model.input_size)
    ]
    scores = torch.cat(logits)
    scores = scores.sigmoid() if task is Task.MULTILABEL else scores.softmax(1)
    return np.asarray(scores.numpy(), dtype=np.float32)


def batches(images: int, size: int) -> tuple[Tensor, ...]:
    """The indices of so many images of that size, a batch each."""
    return tuple(torch.arange(images).split(max(1, min(LARGEST_BATCH, BATCH_PIXELS // size**2))))
