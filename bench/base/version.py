"""The version and commit of this code, and the folder it is in."""

import functools
import hashlib
import subprocess
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


@functools.cache
def digest_of(*paths: Path) -> str:
    """8 hexadecimal digits of the content of Python files, and of all those in folders."""
    files = {file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])}
    digest = hashlib.sha256()
    for content in sorted(file.read_bytes() for file in files):
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:8]


@functools.cache
def commit() -> str:
    """The clone's commit, `+` behind it where the working tree differs; else the version."""
    hexadecimal = of_clone() and _git("rev-parse", "--short=12", "HEAD")
    if not hexadecimal:
        return of_code()
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", "bench", "methods")
    return hexadecimal + "+" * bool(changed)


def _git(*arguments: str) -> str:
    """What git says of the clone; it is told the repository, so that it takes no other around."""
    command = ["git", "--git-dir=.git", "--work-tree=.", *arguments]
    try:
        result = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return result.stdout.strip()


__version__ = of_code()
