"""What a record is: one schema, by which every reader reads it, and the seal of its file."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json
from typing_extensions import TypedDict

from bench.base.task import Task
from bench.grid.cell import TUNING_SEEDS, key_of

SCHEMA = 3
"""Of records that are written now. 1 has no seal and no digest of its code, 2 no seal."""

TESTED = ("acc", "auc")
"""What the record of every tested run has."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1 + 1e-9)]
"""A mean of ones may be more than one by a rounding."""
Positive = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]


def _a_task(name: str) -> str:
    return Task(name).value


OPEN = ConfigDict(strict=True, extra="allow")


class Metrics(TypedDict):
    """None where a metric is undefined; nothing of a tuning run, which is not tested."""

    __pydantic_config__ = OPEN  # type: ignore[misc]
    acc: NotRequired[Fraction | None]
    auc: NotRequired[Fraction | None]
    balanced_acc: NotRequired[Fraction | None]
    macro_f1: NotRequired[Fraction | None]
    nll: NotRequired[Positive | None]
    brier: NotRequired[Positive | None]
    ece: NotRequired[Fraction | None]
    acc_all_negative: NotRequired[Fraction | None]


class CellPart(TypedDict):
    __pydantic_config__ = OPEN  # type: ignore[misc]
    dataset: str
    task: Annotated[str, AfterValidator(_a_task)]
    source_size: int
    input_size: int
    backbone: str
    method: str
    method_version: str
    params: dict[str, Any]
    ratio: Fraction


class DataPart(TypedDict):
    __pydantic_config__ = OPEN  # type: ignore[misc]
    fingerprint: str
    phantom: bool
    counts: dict[str, Count]


class CostPart(TypedDict):
    __pydantic_config__ = OPEN  # type: ignore[misc]
    seconds: dict[str, Positive]
    images: Annotated[int, Field(gt=0)]
    peak_memory: Count


class RecordPart(TypedDict):
    __pydantic_config__ = OPEN  # type: ignore[misc]
    schema: Literal[1, 2, 3]
    key: str
    label: str
    cell: CellPart
    seed: int
    protocol: dict[str, Any]
    numerics: NotRequired[int]
    metrics: Metrics
    validation: dict[str, Finite | None]
    selected_epoch: Count
    epochs_to_convergence: Count
    curves: Annotated[list[dict[str, Finite | None]], Field(min_length=1)]
    facts: dict[str, Any]
    data: DataPart
    cost: CostPart
    device: str
    commit: str
    environment: str
    started: Finite
    ended: Finite
    predictions: NotRequired[str]
    seal: NotRequired[str]


_ADAPTER = TypeAdapter(RecordPart)


class UnsoundError(ValueError):
    """Why what is in a file is not the record, or the predictions, that it should be."""


_EMPTY = b'"seal": ""'


def sealed(record: Mapping[str, Any]) -> bytes:
    """The file of a record: JSON with sorted keys, and the sha256 of all of it but the seal.

    Raises ValueError where JSON cannot hold it.
    """
    content = dict(record) | {"schema": SCHEMA, "seal": ""}
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n"
    raw = text.encode("utf-8")
    return raw.replace(_EMPTY, _EMPTY[:-1] + _digest(raw) + b'"', 1)


def opened(raw: bytes, key: str) -> dict[str, Any]:
    """The record in a file, if it is whole, unchanged and that of this key. Raises UnsoundError.

    A sealed record was validated before it was sealed: its seal is enough.
    """
    record = parsed(raw)
    if record.get("schema") != SCHEMA:
        validated(record)
    elif not _seal_holds(raw, record.get("seal")):
        raise UnsoundError("it was changed after it was written")
    if record["key"] != key:
        raise UnsoundError(f"it is the record of {record['key']}")
    return record


def validated(record: Mapping[str, Any]) -> None:
    """Raises UnsoundError where a record lacks something, or its key is not its hash."""
    try:
        _ADAPTER.validate_python(record)
    except ValidationError as error:
        raise UnsoundError(_first(error)) from None
    if _key_of(record) != record["key"]:
        raise UnsoundError("its key is not the hash of what it says")
    expected = () if record["seed"] >= TUNING_SEEDS else TESTED
    if missing := [name for name in expected if name not in record["metrics"]]:
        raise UnsoundError(f"metrics.{missing[0]} is missing")
    if record["metrics"] and not expected:
        raise UnsoundError("it has test metrics, but its seed is one of tuning")


def parsed(raw: bytes) -> dict[str, Any]:
    """A JSON object; NaN is none. Raises UnsoundError."""
    try:
        content = from_json(raw, allow_inf_nan=False)
    except ValueError:
        raise UnsoundError("it is not JSON") from None
    if not isinstance(content, dict):
        raise UnsoundError("it is no JSON object")
    return content


def _key_of(record: Mapping[str, Any]) -> str:
    """The key that what a record says has, also one from before keys held data and numerics."""
    if "numerics" in record:
        return key_of(record)
    content = {name: record[name] for name in ("cell", "protocol", "seed")}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def checksum(scores: NDArray[Any], targets: NDArray[Any]) -> str:
    """The sha256 of predictions: their shapes, types and bytes."""
    digest = hashlib.sha256()
    for array in (scores, targets):
        digest.update(f"{array.shape} {array.dtype.str}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _seal_holds(raw: bytes, seal: Any) -> bool:
    """Whether the file is what was written; line ends may have become those of Windows."""
    if not isinstance(seal, str):
        return False
    raw = raw.replace(b"\r\n", b"\n")
    return _digest(raw.replace(_EMPTY[:-1] + seal.encode() + b'"', _EMPTY, 1)) == seal.encode()


def _digest(raw: bytes) -> bytes:
    return hashlib.sha256(raw).hexdigest().encode()


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, in a few words."""
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return f"{place} is missing"
    return f"{place}: {first['msg'][0].lower()}{first['msg'][1:]}, not {str(first['input'])[:40]}"
