"""The version of this code, and the folder it is in."""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

NAME = "medaug-bench"
ROOT = Path(__file__).parents[2]
"""The folder of the packages: that of a clone, or site-packages."""


def of_clone() -> str | None:
    """The version that the clone's pyproject.toml states; None where the code is installed."""
    try:
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        project = tomllib.loads(text)["project"]
        return str(project["version"]) if project["name"] == NAME else None
    except (OSError, tomllib.TOMLDecodeError, KeyError):
        return None


def of_code() -> str:
    """The version of the clone, else of the installed package, else `unknown`."""
    try:
        return of_clone() or version(NAME)
    except PackageNotFoundError:
        return "unknown"


__version__ = of_code()
