"""What options ask for: a study, and a view of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.base.errors import BenchError

if TYPE_CHECKING:
    from bench.study import Study
    from reports.results.view import View


def study(options: dict[str, Any]) -> Study:
    """What the options of `selecting` ask for."""
    from bench.committed import part
    from bench.study import Study

    same = ("datasets", "methods", "backbones", "seeds", "looks", "margin", "size", "input_size")
    given = {name: options[name] for name in same} | {
        "ratios": options["ratio"],
        "protocol": options["protocol"],
        "settings": settings(options) or None,
        "params": options["params"],
        "data_dir": options["data_dir"],
        "results": options["results"],
    }
    if options["part"]:
        return part(options["part"]).study(**given)
    return Study(**{name: value for name, value in given.items() if value is not None})


def settings(options: dict[str, Any]) -> dict[str, Any]:
    """What --set and --weights change of the protocol."""
    from bench.grid import notation

    found = notation.settings(options["settings"])
    if options["weights"]:
        if "pretrained" in found:
            raise BenchError("--weights and --set pretrained= set the same thing; give one of them")
        found["pretrained"] = options["weights"]
    return found


def view(options: dict[str, Any]) -> View:
    """What the options of `viewing` ask for."""
    from reports.results.view import View

    names = ("metric", "reference", "combine", "published", "split")
    return View(**{name: options[name] for name in names if name in options})
