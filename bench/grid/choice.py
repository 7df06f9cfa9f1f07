"""A method with its parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import methods
from bench.base.validation import validated
from bench.grid.notation import read_choice, write_choice
from methods.method import Method, Parameters


@dataclass(frozen=True)
class MethodChoice:
    """A method with its parameters, written `name` or `name[key=value,...]`.

    `source` is what `methods.get` takes: the name, or a file as `path.py:Name`; `name` and
    `version` are what stands in records. `label` shows the parameters that differ from what the
    protocol gives. Choices are compared by `settings`, the parameters as JSON: thousands of cells
    are.
    """

    name: str
    version: str
    settings: str
    params: Parameters = field(compare=False)
    label: str = field(compare=False)
    source: str = field(compare=False)

    @classmethod
    def parse(cls, text: str, parameters: Mapping[str, dict[str, Any]] = {}) -> "MethodChoice":
        """Raises BenchError for a wrong name, parameter or value."""
        source, given = read_choice(text)
        found = methods.find(source)
        name, method = found.name, found.value
        version = f"{method.version}-{found.version}" if found.digest else str(method.version)
        usual = parameters.get(name, {})
        params, plain = (
            validated(method.Params, values, f"{name} parameter")
            for values in (usual | given, usual)
        )
        changed = sorted(params.model_dump(mode="json").items())
        changed = [item for item in changed if item not in plain.model_dump(mode="json").items()]
        label = write_choice(name, changed)
        return cls(name, version, params.model_dump_json(), params, label, source)

    @property
    def method(self) -> type[Method]:
        return methods.get(self.source)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by what it was read from: a file's classes cannot be imported by name."""
        return _restored, (self.name, self.version, self.settings, self.label, self.source)


def _restored(name: str, version: str, settings: str, label: str, source: str) -> MethodChoice:
    params = methods.get(source).Params.model_validate_json(settings)
    return MethodChoice(name, version, settings, params, label, source)
