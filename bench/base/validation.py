"""Validation of what a user wrote, with answers in one line."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bench.base.errors import BenchError, unknown
from bench.base.words import short

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], values: Mapping[str, Any], kind: str) -> Model:
    """`model(**values)`, its first error as a BenchError; `kind` says what a key is called.

    An unknown key is answered with the nearest valid one. Numbers may be written as text, since
    YAML reads `1e-3` as text; a truth value where a number is expected is an error.
    """
    for name, value in values.items():
        if name not in model.model_fields:
            raise unknown(kind, str(name), model.model_fields)
        if isinstance(value, bool) and "bool" not in str(model.model_fields[name].annotation):
            raise BenchError(f"{kind} {name}: expected a number or a word, not {value}")
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if isinstance(part, (str, int)))
        name = f"{kind} {place}" if place else kind
        got = f", not {short(repr(first['input']))}" if place else ""
        if isinstance(first["input"], str) and "," in first["input"]:
            got += "; expected one value: give the command once for each"
        raise BenchError(f"{name}: {first['msg'].removeprefix('Value error, ')}{got}") from None
