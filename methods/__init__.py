"""The methods: one in each module of this folder, named as its file.

Packages hold parts that methods share. A package elsewhere adds a method through the entry point
group `bench.methods`; a single file is named by its path, `path.py` or `path.py:Name`.
"""

import importlib
import inspect
import pkgutil
from functools import partial

from bench.base.plugins import Plugins
from methods.method import Method


def _own(name: str) -> type[Method]:
    return METHODS.only(importlib.import_module(f"{__name__}.{name}"), name)


METHODS: Plugins[type[Method]] = Plugins(
    kind="method",
    group="bench.methods",
    wanted="Method subclass",
    fits=lambda member: inspect.isclass(member) and issubclass(member, Method),
    own={
        module.name: partial(_own, module.name)
        for module in pkgutil.iter_modules(__path__)
        if not module.ispkg and module.name != "method"
    },
)

names = METHODS.names
get = METHODS.get
find = METHODS.find
