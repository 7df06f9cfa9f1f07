"""`make table1` to `table6` write the committed tables, byte for byte, from the frozen records."""

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from test_frozen import COMMANDS, FROZEN, written

ROOT = Path(__file__).parent.parent
VARIABLES = {f"--{name}": name.upper() for name in ("datasets", "methods", "backbones", "seeds")}
READY = (ROOT / ".venv/ready").exists() and shutil.which("make") is not None


def variables(words: list[str]) -> list[str]:
    """The options of a command as variables of make; OPTIONS has what has no variable."""
    given, rest, left = [], [], iter(words)
    for word in left:
        if word in VARIABLES:
            given.append(f"{VARIABLES[word]}={next(left)}")
        else:
            rest.append(word)
    return [*given, f"OPTIONS={' '.join(rest)}"]


@pytest.mark.slow
@pytest.mark.skipif(not READY, reason="no make, or its environment is not there")
@pytest.mark.parametrize("name", [f"table{number}" for number in range(1, 7)])
def test_make_writes_the_committed_table(name: str, tmp_path: Path) -> None:
    with tarfile.open(FROZEN / "store.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    command = ["make", "--silent", name, f"RESULTS={tmp_path}", *variables(COMMANDS[name][2:])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    expected = {p.name: p.read_bytes().decode() for p in (FROZEN / "expected" / name).iterdir()}
    assert dict(written(tmp_path)) == expected
