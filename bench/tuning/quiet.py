"""Optuna without what it logs of itself and warns of."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import optuna


@contextmanager
def quiet() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            for kind in (UserWarning, optuna.exceptions.ExperimentalWarning):
                warnings.simplefilter("ignore", kind)
            yield
    finally:
        optuna.logging.set_verbosity(before)
