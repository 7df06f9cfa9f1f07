"""What the fork server imports and finds out, once, for all runs of a command."""

import sklearn.metrics
import timm
import torch

import bench.engines.worker
import bench.training.execute
from bench.base import version
from bench.training import environment

__all__ = ["bench", "sklearn", "timm", "torch"]

if not torch.cuda.is_available():  # beside a GPU nothing is forked
    environment.environment_hash()
    version.commit()
