"""The methods: one in each module of this folder, named as its file.

Packages hold parts that methods share. A package elsewhere adds a method through the entry point
group `bench.methods`; a single file is named by its path, `path.py` or `path.py:Name`. `one+two` is
a composition of named ones.
"""

import importlib
import inspect
import pkgutil
from functools import partial

from bench.base.errors import BenchError
from bench.base.plugins import Plugin, Plugins, is_file
from methods.method import Method
from methods.parts.composition import compose
from methods.parts.mixing import Mixing


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


def find(text: str) -> Plugin[type[Method]]:
    """As `Plugins.find`, of `one+two` the composition. Raises BenchError."""
    parts = [part.strip() for part in text.split("+")]
    if len(parts) == 1 or is_file(text):
        return METHODS.find(text)
    if any(map(is_file, parts)):
        raise BenchError(f"{text}: a file is no part of a composition; let its method do both")
    if "none" in parts:
        raise BenchError(f"{text}: none does nothing; leave it out")
    chain = tuple((part, METHODS.get(part)) for part in parts)
    made = compose(chain)
    _check_labels(chain)
    return Plugin("+".join(parts), made)


def _check_labels(chain: tuple[tuple[str, type[Method]], ...]) -> None:
    """Raise BenchError where a method that needs an image's one class follows one that mixes."""
    (last, kind), mixing = chain[-1], [name for name, kind in chain if issubclass(kind, Mixing)]
    if not (mixing and issubclass(kind, METHODS.get("isda"))):
        return
    known = {name: METHODS.get(name) for name in names() if name not in ("none", last)}
    own_loss = {name: kind.loss is not Method.loss for name, kind in known.items()}
    before = [n for n, kind in known.items() if not own_loss[n] and not issubclass(kind, Mixing)]
    after = [n for n in known if own_loss[n]]
    raise BenchError(
        f"{'+'.join(name for name, _ in chain)}: {last} needs one class for each image, and "
        f"{mixing[0]} mixes classes; before {last} may stand {', '.join(before)}, and after "
        f"{mixing[0]} {', '.join(after)}"
    )


def get(text: str) -> type[Method]:
    """What `find` finds."""
    return find(text).value
