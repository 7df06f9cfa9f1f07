"""A method with its parameters."""

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import methods
from bench.base.errors import BenchError
from bench.base.plugins import Plugin, calling
from bench.base.validation import validated
from bench.grid.notation import read_choice, write_choice
from methods.method import Method, Parameters
from methods.parts.composition import joined


@dataclass(frozen=True)
class MethodChoice:
    """A method with its parameters, written `name` or `name[key=value,...]`.

    `source` is what `methods.get` takes: the name, or a file as `path.py:Name`; `name` and
    `version` are what stands in records. `label` shows the parameters that differ from what the
    protocol gives; `written` shows them where the label does not, as those of tuned parameters. The
    parameters are `given` ones over `usual` ones, over the method's defaults. Choices are compared
    by `settings`, the parameters as JSON: thousands of cells are.
    """

    name: str
    version: str
    settings: str
    params: Parameters = field(compare=False)
    label: str = field(compare=False)
    source: str = field(compare=False)
    written: str = field(compare=False)
    given: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    usual: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def parse(cls, text: str, parameters: Mapping[str, dict[str, Any]] = {}) -> "MethodChoice":
        """Raises BenchError for a wrong name, parameter or value."""
        source, given = read_choice(text)
        found = methods.find(source)
        usual = joined({name: parameters.get(name, {}) for name in found.value.parts})
        return cls.of(source, given, usual or parameters.get(found.name, {}))

    @classmethod
    def of(cls, source: str, given: Mapping[str, Any], usual: Mapping[str, Any]) -> "MethodChoice":
        """Given parameters over usual ones. Raises BenchError as `parse`."""
        found = usable(source)
        name, method = found.name, found.value
        version = f"{method.version}-{found.version}" if found.digest else str(method.version)
        params, plain = (
            validated(method.Params, values, f"{name} parameter")
            for values in ({**usual, **given}, usual)
        )
        changed = sorted(params.model_dump(mode="json").items())
        changed = [item for item in changed if item not in plain.model_dump(mode="json").items()]
        label = write_choice(name, changed)
        settings = params.model_dump_json()
        return cls(name, version, settings, params, label, source, label, given, usual)

    def at(self, values: Mapping[str, Any]) -> "MethodChoice":
        """With these parameters, but for those that were given."""
        return self.of(self.source, {**values, **self.given}, self.usual)

    @property
    def method(self) -> type[Method]:
        return methods.get(self.source)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by what it was read from: a file's classes cannot be imported by name."""
        shown = self.label, self.source, self.written
        return _restored, (self.name, self.version, self.settings, *shown)


def usable(source: str) -> Plugin[type[Method]]:
    """The method; BenchError where its defaults are no valid parameters that JSON can hold."""
    found = methods.find(source)
    params: Any = found.value.Params
    if not (inspect.isclass(params) and issubclass(params, Parameters)):
        raise BenchError(
            f"{source}: Params is no subclass of Parameters; write class Params(Parameters), with "
            "Parameters from methods.method"
        )
    for name, field_ in params.model_fields.items():
        if field_.is_required():
            raise BenchError(f"{source}: parameter {name} has no default; give it one")
    with calling(source, "validating the defaults of Params"):
        plain = params().model_dump(mode="json", warnings=False)
        params.model_validate_json(json.dumps(plain))
        json.dumps(plain, allow_nan=False)
    return found


def _restored(name: str, version: str, settings: str, *shown: str) -> MethodChoice:
    label, source, written = shown
    params = methods.get(source).Params.model_validate_json(settings)
    return MethodChoice(name, version, settings, params, label, source, written)
