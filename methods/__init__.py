"""The methods: one in each module of this folder, named as its file.

Packages, and modules whose names begin with an underscore, hold parts that methods share. A package
elsewhere adds a method through the entry point group `bench.methods`; a single file is named by its
path.
"""

import functools
import hashlib
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from bench.base.errors import BenchError, unknown
from methods.method import Method

GROUP = "bench.methods"


def names() -> list[str]:
    """All method names, without importing any of them."""
    return sorted({*_own(), *_installed()})


def get(name: str) -> type[Method]:
    """The method class of that name, or of that path to a Python file.

    Raises BenchError with the nearest name where there is none, and where a file or an entry point
    holds no method.
    """
    if name.endswith(".py"):
        return _of_file(Path(name))
    if name in _own():
        return _only_method(importlib.import_module(f"{__name__}.{name}"), name)
    if name not in _installed():
        raise unknown("method", name, names())
    entry = _installed()[name]
    try:
        method = entry.load()
    except (ImportError, AttributeError) as error:
        raise BenchError(f"method {name}: entry point {entry.value} fails ({error})") from None
    if isinstance(method, ModuleType):
        return _only_method(method, name)
    if not (inspect.isclass(method) and issubclass(method, Method)):
        raise BenchError(f"method {name}: {entry.value} is no subclass of methods.method.Method")
    return method


def digest(path: str) -> str:
    """8 hexadecimal digits of a method's file: its content decides what runs with it give."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:8]


@functools.cache
def _own() -> list[str]:
    modules = (module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    return [name for name in modules if name != "method" and not name.startswith("_")]


def _installed() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _of_file(path: Path) -> type[Method]:
    if not path.is_file():
        raise BenchError(f"no method file {path}; name one of {', '.join(names())}, or a file")
    if path.stem in names():
        raise BenchError(f"{path}: a method {path.stem} exists already; rename the file")
    name = f"bench_method_{path.stem}_{digest(str(path))}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[name]
            raise BenchError(f"{path} cannot be read: {type(error).__name__}: {error}") from None
    return _only_method(sys.modules[name], str(path))


def _only_method(module: ModuleType, name: str) -> type[Method]:
    found = [
        member
        for member in vars(module).values()
        if inspect.isclass(member)
        and issubclass(member, Method)
        and member.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise BenchError(f"{name}: one subclass of Method is wanted in it, not {len(found)}")
    return found[0]
