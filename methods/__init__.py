"""The methods: one in each module of this folder, named as its file.

Packages, and modules whose names begin with an underscore, hold parts that methods share.
"""

import importlib
import inspect
import pkgutil

from bench.errors import unknown
from methods.method import Method


def names() -> list[str]:
    """All method names, without importing any of them."""
    modules = (module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    return sorted(name for name in modules if name != "method" and not name.startswith("_"))


def get(name: str) -> type[Method]:
    """The method class of that name.

    Raises BenchError with the nearest name where there is none.
    """
    if name not in names():
        raise unknown("method", name, names())
    module = importlib.import_module(f"{__name__}.{name}")
    (method,) = (
        member
        for member in vars(module).values()
        if inspect.isclass(member)
        and issubclass(member, Method)
        and member.__module__ == module.__name__
    )
    return method
