"""Names and sentences of others, as they may be shown: text, and nothing else."""

import hashlib
import re
import unicodedata

UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that have no sign of their own: controls, directions, halves of pairs."""
JOINERS = "\u200c\u200d"
"""They change the shape of letters in Persian and the scripts of India, and no more."""
NUMBER = re.compile(
    r"[-+]?(\d[\d,]*\.?\d*|\.\d+)(e[-+]?\d+)?( ± [\d.]+)?( \(\d+\))? ?%?"
    r"( [-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?)*",
    re.IGNORECASE,
)
"""A number as tables print it, or several with blanks between."""
LONGEST = 120
LONGEST_SLUG = 120


def visible(text: str, lines: bool = False) -> str:
    """In one line, what has no sign of its own written as in Python: `\\n`, `\\x1b`, `\\u202e`.

    Where text may have several `lines`, a line's end stays one.
    """
    if text.isprintable():
        return text
    return "".join(letter if lines and letter == "\n" else _seen(letter) for letter in text)


def short(text: str, longest: int = LONGEST) -> str:
    """Its beginning and end where it is long."""
    if len(text) <= longest:
        return text
    return f"{text[: longest - 20]} … {text[-17:]}"


def slug(text: str) -> str:
    """As the name of a file; of a long one the beginning, and a hash of all of it."""
    found = re.sub(r"[^A-Za-z0-9.]+", "-", text)
    if len(found) <= LONGEST_SLUG:
        return found
    return f"{found[: LONGEST_SLUG - 9]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def spreadsheet(text: str) -> str:
    """A cell of a CSV that no spreadsheet takes for a formula; numbers stay as they are."""
    risky = text[:1] in ("=", "+", "-", "@", "\t", "\r") and not NUMBER.fullmatch(text)
    return f"'{text}" if risky else text


def _seen(letter: str) -> str:
    if letter.isprintable() or letter in JOINERS:
        return letter
    if unicodedata.category(letter) not in UNSEEN:
        return " "
    return letter.encode("unicode_escape", "backslashreplace").decode()
