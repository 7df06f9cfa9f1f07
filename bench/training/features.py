"""Penultimate features of a trained run, for images of the feature space."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench.base.files import write_arrays
from bench.data.dataset import open_dataset
from bench.grid.cell import Run
from bench.store.records import Store
from bench.training.evaluation import batches
from bench.training.execute import Clock, learn, prepare_process

Arrays = tuple[NDArray[np.float32], NDArray[np.generic]]


def features(
    run: Run,
    split: str,
    store: Store,
    data_dir: Path | None = None,
    device: str = "cpu",
) -> Arrays:
    """Features (N, d) of a split under the selected weights, with targets.

    Records hold no weights, so the run is trained again, to the same bits on the same machine; what
    comes of it is kept in the store.
    """
    path = store.features_path(run.key, split)
    if not path.exists():
        prepare_process(device)
        dataset = open_dataset(run.cell.source, run.cell.source_size, data_dir)
        learned = learn(run, dataset, Clock(), device, store.root / "generated")
        chosen = dataset.split(split)
        learned.model.eval()
        with torch.no_grad():
            found = torch.cat(
                [
                    learned.model.features(chosen.images(indices).to(device)).float().cpu()
                    for indices in batches(len(chosen), learned.model.input_size)
                ]
            )
        write_arrays(path, features=found.numpy(), targets=chosen.targets.numpy())
    return store.features(run.key, split)
