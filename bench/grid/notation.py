"""How selections are written at the command line and in files, and back.

One place for `ails[alpha=0.5]`, `lr=1e-3`, lists, seeds, ratios and combinations of backbones.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import index
from pathlib import Path
from typing import Any

from bench.base import plain_yaml
from bench.base.errors import BenchError
from bench.base.words import short

MOST_SEEDS, LARGEST_SEED = 10_000, 2**31 - 1
FILE = re.compile(r"(.*\.py(?::\w+)?)(\[.*)?", re.DOTALL)
"""A method in a file, whose path may hold brackets, and its parameters."""
QUOTED = re.compile(r'"([^"]*)"(.*)', re.DOTALL)


def read_choice(text: str) -> tuple[str, dict[str, Any]]:
    """`name[key=value,...]` as the name (or the path of a file) and its parameters.

    Those of a composition `one[key=value]+two` are called `one.key`.
    """
    text = text.strip()
    each = list(_split(text, "+"))
    if len(each) > 1 and not FILE.fullmatch(text):
        read = list(map(read_choice, each))
        return "+".join(name for name, _ in read), {
            f"{name}.{key}": value for name, given in read for key, value in given.items()
        }
    source, bracket, rest = text.partition("[")
    if file := FILE.fullmatch(text):
        source, rest = file[1], (file[2] or "").removeprefix("[")
        bracket = file[2] or ""
    if bracket and not rest.endswith("]"):
        raise BenchError(f"{short(text)!r}: the bracket is not closed; write name[key=value]")
    return source, settings(filter(None, _split(rest.removesuffix("]"))))


def write_choice(name: str, parameters: Iterable[tuple[str, Any]]) -> str:
    """The same, back."""
    parameters = list(parameters)
    if any("." in key for key, _ in parameters):
        return "+".join(write_choice(part, _of(part, parameters)) for part in name.split("+"))
    inside = ",".join(f"{key}={_plain(value)}" for key, value in parameters)
    return f"{name}[{inside}]" if inside else name


def _of(part: str, parameters: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The parameters of one method of a composition, as it calls them."""
    for key, value in parameters:
        name, _, own = key.rpartition(".")
        if name == part:
            yield own, value


def method_name(label: str) -> str:
    """The method of a label, whatever its parameters."""
    return "+".join(part.partition("[")[0] for part in _split(label, "+"))


def settings(texts: Iterable[str]) -> dict[str, Any]:
    """`key=value` texts as a dict; BenchError for a key that is given twice."""
    found: dict[str, Any] = {}
    for key, value in map(setting, texts):
        if key in found:
            raise BenchError(f"{key} is given twice; give it once")
        found[key] = value
    return found


def setting(text: str) -> tuple[str, Any]:
    """`"lr=1e-3"` as a key and a value, the value read as YAML."""
    key, sign, value = text.partition("=")
    if not sign:
        raise BenchError(f"{short(text)!r}: a setting is written key=value")
    return key.strip(), plain_yaml.read(value, repr(short(text)))


def counts(text: str) -> dict[str, int]:
    """`"breast=156,retina=400"` as a dict of whole numbers."""
    found = {}
    for item in filter(None, text.split(",")):
        name, _, number = item.rpartition("=")
        if not name.strip() or not number.strip().isdigit() or not int(number):
            raise BenchError(f"{item!r}: write a name and a whole number, such as breast=156")
        found[name.strip()] = int(number)
    return found


def parts(name: str) -> list[str]:
    """The backbones of a combination such as `resnest101+densenet121`; no path may hold a +."""
    return [part.strip() for part in name.split("+")]


def split_list(text: str) -> list[str]:
    """The parts of a list at the commas outside brackets and quotes; empty parts are dropped.

    Double quotes around a part keep a path with commas, brackets or blanks at its ends whole:
    `"a, b.npz",breast`.
    """
    if text.count('"') % 2:
        raise BenchError(f"{short(text)!r}: a quote is not closed")
    return [QUOTED.sub(r"\1\2", part) for part in _split(text) if part]


def write_list(parts: Iterable[str]) -> str:
    """The same, back: in quotes what would be read as something else."""
    return ",".join(part if _whole(part) else f'"{part}"' for part in parts)


def _whole(part: str) -> bool:
    """Whether it stays one part of a list without quotes."""
    return '"' in part or list(_split(f"{part},x")) == [part, "x"]


def _split(text: str, separator: str = ",") -> Iterator[str]:
    depth, start, quoted = 0, 0, False
    for position, letter in enumerate(text):
        quoted ^= letter == '"'
        if quoted:
            continue
        depth = max(0, depth + (letter in "[(") - (letter in "])"))
        if letter == separator and depth == 0:
            yield text[start:position].strip()
            start = position + 1
    yield text[start:].strip()


def names(given: str | Path | Iterable[str | Path], kind: str) -> tuple[str, ...]:
    """A list, a text with commas, or a path. BenchError where it is empty, or none of these."""
    if isinstance(given, Path):
        return (str(given),)
    if not isinstance(given, Iterable) or isinstance(given, Mapping):
        raise BenchError(
            f"{kind} {short(repr(given))}: write a name, or a list of names"
            + "; parameters stand in brackets: mixup[alpha=1]" * (kind == "methods")
        )
    found = tuple(split_list(given) if isinstance(given, str) else map(str, given))
    if not found:
        raise BenchError(f"{kind} is empty; name at least one")
    return found


def seeds(given: str | int | Iterable[int]) -> tuple[int, ...]:
    """`10` is the ten seeds 0 to 9, `3-5` is 3, 4, 5, and `3,5,7` or `3,` lists them."""
    try:
        if str(given).isdecimal():
            chosen = list(_few(range(int(str(given)))))
        elif isinstance(given, str):
            chosen = [seed for part in split_list(given) for seed in _few(_range(part))]
        else:
            chosen = list(map(index, _listed(given)))
    except (TypeError, ValueError):
        chosen = []
    if not chosen or min(chosen) < 0:
        said = short(repr(given))
        raise BenchError(f"seeds {said}: write a count (10), a range (0-9) or a list (3,5,7)")
    if len(chosen) > MOST_SEEDS or max(chosen) > LARGEST_SEED:
        raise _too_many()
    return tuple(dict.fromkeys(chosen))


def looks(given: str | Iterable[int]) -> tuple[int, ...]:
    """Numbers of seeds: `10,20,30`."""
    try:
        if isinstance(given, str):
            return tuple(map(int, split_list(given)))
        return tuple(map(index, _listed(given)))
    except (TypeError, ValueError):
        raise BenchError(
            f"looks {short(repr(given))}: write numbers of seeds, such as 10,20,30"
        ) from None


def _listed(given: Any) -> Iterator[Any]:
    """As it is; TypeError for a mapping, whose values would be lost without a word."""
    if isinstance(given, Mapping):
        raise TypeError
    return iter(given)


def _few(chosen: range) -> range:
    """Known before so many numbers are written down."""
    if chosen[MOST_SEEDS : MOST_SEEDS + 1]:
        raise _too_many()
    return chosen


def _too_many() -> BenchError:
    return BenchError(
        f"seeds: at most {MOST_SEEDS:,} of them, none above {LARGEST_SEED:,}; ten are usual"
    )


def write_seeds(chosen: Sequence[int]) -> str:
    """The same, back: the shortest way to write them."""
    if list(chosen) == list(range(len(chosen))):
        return str(len(chosen) or "")
    if len(chosen) > 1 and list(chosen) == list(range(chosen[0], chosen[-1] + 1)):
        return f"{chosen[0]}-{chosen[-1]}"
    return ",".join(map(str, chosen)) + ("," if len(chosen) == 1 else "")


def write_settings(values: Mapping[str, Any]) -> list[str]:
    """`key=value` texts, sorted; the value as YAML reads it."""
    return sorted(
        f"{key}={value if isinstance(value, str) else json.dumps(value, default=_of_numpy)}"
        for key, value in values.items()
    )


def write_number(value: float) -> str:
    """The shortest text that `%g` or else `repr` reads back to the same number."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def numbers(given: str | float | Iterable[float], kind: str) -> tuple[float, ...]:
    """A number, a list, or a text with commas; of each six digits count.

    So 0.1 + 0.2 and a float32 are 0.3, whose runs have one key.
    """
    parts = split_list(given) if isinstance(given, str) else given
    try:
        parts = _listed(parts) if isinstance(parts, Iterable) else [parts]
        found = tuple(float(f"{float(part):.6g}") for part in parts)
    except (TypeError, ValueError):
        found = ()
    if not found:
        raise BenchError(f"{kind} {short(repr(given))}: expected numbers, such as 0.2,0.5,1")
    return found


def _range(text: str) -> range:
    first, dash, last = text.partition("-")
    return range(int(first), int(last if dash else first) + 1)


def _plain(value: Any) -> str:
    return write_number(value) if isinstance(value, float) else str(value).lower()


def _of_numpy(value: Any) -> Any:
    """A number or array of NumPy as Python's own."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
