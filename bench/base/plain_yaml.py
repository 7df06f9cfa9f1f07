"""YAML as a person reads it: what YAML 1.1 turns into something else stays text.

`yes`, `1:30`, `010`, `0x10` and dates are texts; `true`, `12`, `0.5` and `null` are what they look
like. A key that is given twice is an error, and so is an alias, which lets a line of text stand for
gigabytes.
"""

import re
from collections.abc import Hashable
from typing import Any

import yaml

from bench.base.errors import BenchError

DEEPEST = 20
"""Brackets inside brackets."""
PLAIN = (
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:int", r"[-+]?(0|[1-9][0-9]{0,30})", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+0123456789.",
    ),
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
)
"""What a text without quotes is, by its form and first letter; else it is text."""


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(problem="an alias (& or *)", problem_mark=event.start_mark)
        self.depth += 1
        if self.depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem="too many brackets", problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((key for n, key in enumerate(keys) if key in keys[:n]), None)
        if twice is not None:
            raise yaml.MarkedYAMLError(
                problem=f"{twice!r} is given twice", problem_mark=node.start_mark
            )
        return super().construct_mapping(node, deep)


for tag, form, first in PLAIN:
    _Loader.add_implicit_resolver(tag, re.compile(f"(?:{form})$"), list(first))


def read(text: str | bytes, where: str) -> Any:
    """What the text says. Raises BenchError, one line that begins with `where`."""
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        return yaml.load(decoded, _Loader)
    except UnicodeDecodeError:
        raise BenchError(f"{where}: not a text in UTF-8; save it as one") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f" in line {mark.line + 1}" if mark else ""
        problem = (
            "a tab where blanks are expected" if "\\t" in f"{error.problem}" else error.problem
        )
        raise BenchError(f"{where}: not valid YAML ({problem}{line})") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:80]
        raise BenchError(f"{where}: not valid YAML ({reason})") from None
