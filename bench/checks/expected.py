"""Expected files: what checks compare with, and why it was changed, each time."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.base import version
from bench.base.errors import BenchError
from bench.base.files import write_text

FOLDER = version.ROOT / "reports" / "expected"
DIGITS = 9
"""Significant digits that are kept: all that float32 has."""


def update_command(check: str) -> str:
    return f"python -m bench check --update {check} --reason TEXT"


def path(check: str) -> Path:
    return FOLDER / f"{check}.json"


def read(check: str) -> dict[str, Any]:
    """What a check expects. Raises BenchError where there is no such file, or it is damaged."""
    try:
        content: dict[str, Any] = json.loads(path(check).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BenchError(f"no {path(check)}; make it: {update_command(check)}") from None
    except ValueError as error:
        raise BenchError(f"{path(check)} is damaged ({error}); take it from git") from None
    return content


def write(check: str, content: dict[str, Any], reason: str) -> Path:
    """Write the file anew; its reasons are kept, and this one is added."""
    if not reason.strip():
        raise BenchError("no reason is given: say why the numbers change, with --reason TEXT")
    before = read(check)["reasons"] if path(check).exists() else []
    now = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "reason": reason, "commit": version.commit()}
    return write_text(path(check), _text(_rounded(content) | {"reasons": [*before, now]}))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _text(content: dict[str, Any]) -> str:
    """JSON, sorted, with what holds only numbers and words in one line: a diff is readable."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return re.sub(r"\[[^][{}]*\]", lambda found: " ".join(found.group().split()), text) + "\n"
