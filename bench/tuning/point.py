"""A point of a search: parameters of a method, and training parameters that all methods share."""

from collections.abc import Mapping
from typing import Any

from bench.grid.choice import MethodChoice
from bench.grid.notation import write_settings
from bench.grid.protocol import Protocol

Point = dict[str, Any]
OF_PROTOCOL = "protocol."
"""What the name of a shared training parameter begins with: methods have some of the same names."""


def apply(
    point: Mapping[str, Any], choice: MethodChoice, protocol: Protocol
) -> tuple[MethodChoice, Protocol]:
    """The method and the protocol at a point."""
    own = {k: v for k, v in point.items() if not k.startswith(OF_PROTOCOL)}
    training = {k.removeprefix(OF_PROTOCOL): v for k, v in point.items() if k not in own}
    return choice.at(own), protocol.model_copy(update=training)


def write(point: Mapping[str, Any]) -> str:
    """`alpha=0.41, prob=0.8`."""
    return ", ".join(write_settings(point))
