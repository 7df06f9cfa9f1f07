"""Identity: how values stand in records and keys, so that keys survive new fields."""

from typing import Any

from pydantic import BaseModel, Field

ADDED: dict[str, Any] = {"added": True}


def added(default: Any, **constraints: Any) -> Any:
    """A field that came after keys had been given, as `Field(default, **constraints)`.

    Its default must be what was done before there was the field.
    """
    return Field(default, json_schema_extra=ADDED, **constraints)


def identity(model: BaseModel) -> dict[str, Any]:
    """The fields as JSON, without those that were added and are at their default."""
    return {
        name: value
        for name, value in model.model_dump(mode="json").items()
        if not _neutral(model, name)
    }


def _neutral(model: BaseModel, name: str) -> bool:
    field = type(model).model_fields[name]
    return field.json_schema_extra == ADDED and bool(getattr(model, name) == field.default)
