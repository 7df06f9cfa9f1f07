"""Errors that the user can mend."""

from collections.abc import Iterable
from difflib import get_close_matches

MANY = 100
"""More names than this are not listed."""


class BenchError(Exception):
    """What is wrong, where, and the mend, in one line; the command line prints it and exits 2."""


class Note(UserWarning):
    """What a user should know, though nothing is wrong; the command line prints it as a note."""


def unknown(kind: str, name: str, choices: Iterable[str]) -> BenchError:
    """The error for a wrong name: the nearest valid one, or all of them, of many the nearest."""
    choices = sorted(choices)
    near = get_close_matches(name, choices, n=1, cutoff=0.5)
    mend = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(choices)}"
    if not near and len(choices) > MANY:
        nearest = get_close_matches(name, choices, n=3, cutoff=0)
        mend = f"the nearest of {len(choices)} are {', '.join(nearest)}"
    return BenchError(f"no {kind} {name!r}; {mend}")
