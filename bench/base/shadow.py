"""Whether Python finds all packages of this project where `bench` is."""

from importlib.util import find_spec
from pathlib import Path

from bench.base import version
from bench.base.errors import BenchError


def check() -> None:
    """Raises BenchError where a file or folder of the user's hides `methods` or `reports`."""
    for name in ("methods", "reports"):
        found = _place(name)
        if found.parent.resolve() != version.ROOT.resolve():
            raise BenchError(
                f"{found} hides the package {name!r} of {version.NAME}; "
                "start from another folder, or use the command `bench`"
            )


def _place(package: str) -> Path:
    """The folder of a package, or the file of a module, that `import` would take."""
    spec = find_spec(package)
    if spec is None:
        raise BenchError(f"the package {package!r} of {version.NAME} is missing; install it again")
    folders = spec.submodule_search_locations
    return Path(next(iter(folders)) if folders else str(spec.origin))
