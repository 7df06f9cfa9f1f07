"""The baseline: no augmentation."""

from methods.method import Method


class NoAugmentation(Method):
    """Every hook at its default: the images as they are, and the task's own loss."""

    summary = "no augmentation: the baseline"
    reference = "Yang et al. 2023, MedMNIST v2: the benchmark trains without augmentation"
