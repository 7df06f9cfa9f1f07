"""Plant each mutant in a copy of the tree and run its tests: `make mutants`.

Prints a Markdown table, mutant by mutant, of which test found it; exits with 1 if one survives.
An argument keeps the mutants whose description holds it.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
COPIED = ("bench", "configs", "methods", "reports", "tests", "pyproject.toml")
SECONDS = 300
"""The longest that the tests of a mutant may take; one that hangs them is found."""
FAILED, PASSED = 1, 0
"""What pytest returns; anything else is an error of its own, such as a file that it cannot load."""


def copied(folder: Path) -> None:
    """What the tests need of the project, without compiled files, which could hide a mutant."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)


def outcome(folder: Path, *tests: str) -> tuple[int, str]:
    """What pytest returned, and the first test that failed; a hanging one counts as failed."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    quiet = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=quiet, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return FAILED, f"no end within {SECONDS} s"
    found = re.search(r"^FAILED [^ \[]*::(\w+)", done.stdout, re.MULTILINE)
    return done.returncode, found[1] if found else done.stdout[-2000:]


@contextmanager
def planted(folder: Path, mutant: Mutant) -> Iterator[None]:
    """The copy with the mutant in it."""
    path = folder / mutant.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        sys.exit(f"{mutant.what}: the old text is not once in {mutant.file}; mend mutants.py")
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(text, encoding="utf-8")


def killer(folder: Path, mutant: Mutant) -> str | None:
    """The test that finds the mutant; None if it survives."""
    with planted(folder, mutant):
        code, said = outcome(folder, mutant.tests)
    if code not in (FAILED, PASSED):
        sys.exit(f"{mutant.what}: pytest could not run {mutant.tests}\n{said}")
    return said if code == FAILED else None


def main() -> None:
    chosen = [mutant for mutant in MUTANTS if all(word in mutant.what for word in sys.argv[1:])]
    with TemporaryDirectory() as name:
        folder = Path(name)
        copied(folder)
        code, said = outcome(folder, *sorted({mutant.tests for mutant in chosen}))
        if code != PASSED:
            sys.exit(f"without any mutant a test fails: {said}")
        print("| mutant | file | killed by |\n|---|---|---|")
        survivors = 0
        for mutant in chosen:
            found = killer(folder, mutant)
            survivors += found is None
            killed = f"`{found}`" if found else "**survives**"
            print(f"| {mutant.what} | `{mutant.file}` | {killed} |", flush=True)
    sys.exit(survivors > 0)


if __name__ == "__main__":
    main()
