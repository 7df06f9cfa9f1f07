"""The four kinds of label that MedMNIST has."""

from enum import StrEnum


class Task(StrEnum):
    """Named as in `medmnist.INFO[...]["task"]`."""

    BINARY = "binary-class"
    MULTICLASS = "multi-class"
    ORDINAL = "ordinal-regression"
    MULTILABEL = "multi-label, binary-class"
