"""Completion of values in a shell: methods, datasets, protocols, metrics, tables, figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def from_names(names: Callable[[], Iterable[object]]) -> Complete:
    """Completes the last name of a list with commas."""

    def complete(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
        before, comma, last = typed.rpartition(",")
        return [f"{before}{comma}{name}" for name in map(str, names()) if name.startswith(last)]

    return complete


def _methods() -> Iterable[str]:
    import methods

    return methods.names()


def _datasets() -> Iterable[str]:
    from bench.data.catalogue import NAMES, PHANTOMS

    return (*NAMES, *PHANTOMS)


def _protocols() -> Iterable[str]:
    from bench.grid import configs

    return configs.names()


def _metrics() -> Iterable[str]:
    from bench import metrics

    return metrics.names()


def _tables() -> Iterable[int]:
    from reports.tables.catalogue import TABLES

    return TABLES


def _figures() -> Iterable[str]:
    from reports.figures.catalogue import FIGURES

    return (*FIGURES, "all")


methods = from_names(_methods)
datasets = from_names(_datasets)
protocols = from_names(_protocols)
metrics = from_names(_metrics)
tables = from_names(_tables)
figures = from_names(_figures)
