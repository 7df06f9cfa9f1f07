"""The harness: from a selection to runs, from runs to records.

`import bench` is light: what it offers is imported when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.base.errors import BenchError
    from bench.base.version import __version__
    from bench.study import Study

__all__ = ["BenchError", "Study", "__version__"]

_HOMES = {
    "BenchError": "bench.base.errors",
    "Study": "bench.study",
    "__version__": "bench.base.version",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
