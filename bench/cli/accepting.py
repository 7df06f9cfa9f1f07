"""Parameters of a method in words: their values, and what they accept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

LIMITS = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}
KINDS = {
    "array": "numbers",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "a word",
}
"""JSON's types in words."""


def written(value: object) -> str:
    """As it is written in brackets: `true`, `0.5`, `64,128`; a dash for what is not set."""
    if isinstance(value, tuple):
        return ",".join(map(written, value))
    if value is None or isinstance(value, bool):
        return {None: "–", True: "true", False: "false"}[value]
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def schemas_of(params: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """The JSON schema of each parameter; none where a plug-in has a type that JSON lacks."""
    from pydantic.errors import PydanticUserError

    try:
        found: dict[str, dict[str, Any]] = params.model_json_schema().get("properties", {})
    except PydanticUserError:
        return {}
    return found


def accepted(schema: Mapping[str, Any]) -> str:
    """What a JSON schema accepts, in words: `> 0, ≤ 1`, `mean or sum`, `true or false`."""
    if "anyOf" in schema:
        kinds = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return " or ".join(map(accepted, kinds))
    if "const" in schema or "enum" in schema:
        return " or ".join(str(one) or '""' for one in schema.get("enum", [schema.get("const")]))
    limits = [f"{sign} {schema[name]:g}" for name, sign in LIMITS.items() if name in schema]
    return ", ".join(limits) or KINDS.get(schema.get("type", ""), "")
