"""Errors that the user can mend."""

from collections.abc import Iterable
from difflib import get_close_matches

from bench.base.words import short

MANY = 100
"""More names than this are not listed."""


class BenchError(Exception):
    """What is wrong, where, and the mend, in one line; the command line prints it and exits 2."""


class Note(UserWarning):
    """What a user should know, though nothing is wrong; the command line prints it as a note."""


def unknown(kind: str, name: str, choices: Iterable[str]) -> BenchError:
    """The error for a wrong name: the nearest valid one, or all of them, of many the nearest."""
    choices, name = sorted(choices), short(name)
    many = len(choices) > MANY
    near = get_close_matches(name, choices, n=3 if many else 1, cutoff=0.5)
    mend = f"choose from {', '.join(choices)}"
    if near:
        mend = f"did you mean {' or '.join(map(repr, near))}?"
    elif many:
        nearest = get_close_matches(name, choices, n=3, cutoff=0)
        mend = f"the nearest of {len(choices)} are {', '.join(nearest)}"
    return BenchError(f"no {kind} {name!r}; {mend}")
