"""What an audit found wrong with a dataset: remembered by content, said by runs and tables."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from bench.base.files import StoreError, write_text
from bench.data.verify import cache_folder

_unaware = ContextVar("unaware", default=False)


def known(fingerprint: str) -> tuple[str, ...]:
    """The sentences that were remembered, none where there was no audit."""
    return () if _unaware.get() else tuple(filter(None, _recall(fingerprint).values()))


@contextmanager
def unaware() -> Iterator[None]:
    """Meanwhile nothing is known: committed tables hang on no audit of this machine."""
    before = _unaware.set(True)
    try:
        yield
    finally:
        _unaware.reset(before)


def remember(fingerprint: str, told: dict[str, str]) -> None:
    """Sentences by what was looked for, "" for nothing found; what was not looked for stays.

    A cache that cannot be written keeps nothing.
    """
    with suppress(StoreError):
        write_text(_memory(fingerprint), json.dumps(_recall(fingerprint) | told))


def _recall(fingerprint: str) -> dict[str, str]:
    try:
        found = json.loads(_memory(fingerprint).read_text(encoding="utf-8"))
        return {str(what): str(said) for what, said in found.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _memory(fingerprint: str) -> Path:
    return cache_folder() / "audited" / f"{fingerprint}.json"
