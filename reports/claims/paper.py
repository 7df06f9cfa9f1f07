"""A paper as data: `reports/published/PAPER/claims.yaml` (docs/claims.md says what its keys mean).

Where data is not enough, a claim is a bare name, and its Python is in `reports.claims.PAPER`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from bench import metrics
from bench.base.errors import BenchError, unknown
from bench.base.validation import validated
from bench.grid.notation import read_choice
from bench.grid.protocol import Protocol
from reports.claims.claim import Claim, accuracy, near, scale
from reports.published.printed import FOLDER, read
from reports.results.effects import Effect, Term

Printed = Callable[[Term], float | None]
OF_METHODS = ("table 1", "table 4", "run")
"""The commands that are told the methods of a claim; the other tables have theirs."""
QUANTITIES = ("epochs_to_convergence", "selected_epoch")
"""What a record holds beside metrics and dotted paths."""
SAID = ("seeds", "source_size", *Protocol.model_fields)
"""What a paper can say of its protocol."""


@dataclass(frozen=True)
class Paper:
    """A paper: the sets and backbones of its claims, and its protocol as far as it says.

    `stands_for` maps a rebuilt set to that of the paper which it stands for.
    """

    name: str
    title: str
    datasets: tuple[str, ...]
    backbones: tuple[str, ...]
    claims: tuple[Claim, ...]
    protocol: Mapping[str, Any] = field(default_factory=dict)
    stands_for: Mapping[str, str] = field(default_factory=dict)

    def sets_of(self, claim: Claim) -> dict[str, str]:
        """The sets that a claim speaks of, by the name that each has here."""
        own = {name: name for name in claim.sets or self.datasets}
        return own | {here: name for here, name in self.stands_for.items() if name in own}


class _Written(BaseModel):
    """A claim as it is written."""

    model_config = ConfigDict(extra="forbid")

    name: str
    text: str
    place: str
    measure: str
    metric: str | Annotated[tuple[str, ...], Field(min_length=1)] = "acc"
    method: str | tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    rising: tuple[str, ...] = ()
    near: float | None = None
    shares: str = ""
    ratios: tuple[Annotated[float, Field(gt=0, le=1)], ...] = (1.0,)
    backbones: tuple[str, ...] = ("",)
    sets: Literal["all", "each"] | tuple[str, ...] = "all"
    direction: Literal["above", "below"] = "above"
    printed: dict[str, float] = {}
    level: float = Field(0.05, gt=0, lt=1)
    command: str = "table 1"


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str
    datasets: tuple[str, ...]
    backbones: tuple[str, ...] = ()
    protocol: dict[str, Any] = {}
    stands_for: dict[str, str] = {}
    tables: dict[str, str] = {}
    rows: dict[str, str] = {}
    claims: list[dict[str, Any] | str]


def names() -> list[str]:
    """The papers that come with the project."""
    return sorted(path.parent.name for path in FOLDER.glob("*/claims.yaml"))


def load(name: str) -> Paper:
    """The paper of that name, or of that file. Raises BenchError for a wrong name, key or value."""
    own = name.endswith((".yaml", ".yml"))
    path = Path(name) if own else FOLDER / name / "claims.yaml"
    if not path.is_file():
        raise unknown("paper", name, names())
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise BenchError(f"{path}: not valid YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(content, dict):
        raise BenchError(f"{path}: expected a mapping with the key `claims`")
    file = validated(_File, content, f"{path.name} key")
    _check_names(f"{path.name} protocol key", file.protocol, SAID)
    found = {} if own or not _has_module(name) else _of_module(name)
    printed = found.pop("printed", None)
    return Paper(
        path.stem if own else name,
        file.title,
        file.datasets,
        file.backbones,
        tuple(_claim(entry, file, path, found, printed) for entry in file.claims),
        file.protocol,
        file.stands_for,
    )


def _check_names(kind: str, given: Iterable[str], known: Iterable[str]) -> None:
    for name in given:
        if name not in known:
            raise unknown(kind, name, known)


def _has_module(name: str) -> bool:
    return (Path(__file__).parent / f"{name}.py").is_file()


def _of_module(name: str) -> dict[str, Any]:
    """The claims of a paper's module by name, and its `printed`."""
    module = import_module(f"reports.claims.{name}")
    return {claim.name: claim for claim in module.CLAIMS} | {"printed": module.printed}


def _claim(
    entry: dict[str, Any] | str,
    file: _File,
    path: Path,
    of_module: Mapping[str, Claim],
    printed: Printed | None,
) -> Claim:
    if isinstance(entry, str):
        if entry not in of_module:
            raise unknown(f"claim in the Python of {path}", entry, of_module)
        return of_module[entry]
    place = f"{path.name}, claim {entry.get('name', '')}:"
    written = validated(_Written, entry, f"{place} key")
    names = (written.metric,) if isinstance(written.metric, str) else written.metric
    readings = tuple(_quantity(name, place) for name in names)
    _check_names(f"{place} printed: method of `over`", written.printed, written.over)
    unit = scale(readings[0])
    stated = bool(written.printed) or written.near is not None
    if stated and len(set(map(scale, readings))) > 1:
        raise BenchError(f"{place} no printed number has the units of all of {', '.join(names)}")
    by_table = None if stated else printed or _of_tables(file, path, written, unit)
    effects = tuple(_effects(written, by_table, unit))
    sets = written.sets if isinstance(written.sets, tuple) else ()
    return Claim(
        written.name,
        written.text,
        written.place,
        written.measure,
        effects,
        written.command if effects else "",
        readings,
        written.level,
        each_dataset=written.sets == "each",
        absolute=written.near is not None,
        sets=sets,
        printed=by_table,
    )


def _quantity(name: str, place: str) -> str:
    if name in metrics.names():
        return f"metrics.{name}"
    if "." not in name and name not in QUANTITIES:
        raise unknown(f"{place} metric", name, (*metrics.names(), *QUANTITIES))
    return name


def _effects(written: _Written, printed: Printed | None, unit: float) -> list[Effect]:
    methods = (written.method,) if isinstance(written.method, str) else written.method
    sets = written.sets if isinstance(written.sets, tuple) else ()
    dataset = sets[0] if len(sets) == 1 else ""
    if written.near is not None:
        narrow = [(0.0, Term(written.shares, dataset=dataset))] if written.shares else []
        return [
            near(written.near / unit, str(Term(m)), (1.0, Term(m, dataset=dataset)), *narrow)
            for m in methods
        ]
    if written.rising:
        pairs = [(Term(high), Term(low)) for low, high in pairwise(written.rising)]
        return [Effect(f"{b} over {a}", ((1, b), (-1, a))) for b, a in pairs]
    sign = 1 if written.direction == "above" else -1
    return [
        _over(Term(m, r, b, dataset), Term(other, r, b, dataset), sign, written, printed, unit)
        for b in written.backbones
        for m in methods
        for other in written.over
        for r in written.ratios
    ]


def _over(
    term: Term, other: Term, sign: int, written: _Written, printed: Printed | None, unit: float
) -> Effect:
    name = f"{term} {'over' if sign > 0 else 'under'} {other}"
    terms = (sign, term), (-sign, other)
    if printed:
        return accuracy(name, *terms, printed=printed)
    margin = written.printed.get(other.method)
    return Effect(name, terms, printed=None if margin is None else margin / unit)


def _of_tables(file: _File, path: Path, written: _Written, unit: float) -> Printed | None:
    """What the paper's table of the claim's metric prints for a term, as a record has it."""
    table = next((table for name, table in file.tables.items() if name == written.metric), None)
    if table is None:
        return None
    place = path.parent / table
    return cache(_reader(place if place.is_file() else FOLDER / table, file, unit))


def _reader(table: Path, file: _File, unit: float) -> Printed:
    def find(term: Term) -> float | None:
        printed = read(table)
        name, changed = read_choice(term.method)
        row = file.rows.get(name, name)
        if changed or term.ratio < 1 or term.backbone or row not in printed.rows:
            return None
        sets = [term.dataset] if term.dataset else list(file.datasets)
        found = [printed.entries.get((row, one)) for one in sets]
        means = [entry.mean.value / unit for entry in found if entry]
        return sum(means) / len(means) if len(means) == len(sets) else None

    return find
