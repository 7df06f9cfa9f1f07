"""What the records of a study say: `compare`, `table` and what it `needs`, `figure`, `report`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.doors import compare, figure, needs, report, table, tuned

__all__ = ["compare", "figure", "needs", "report", "table", "tuned"]


def __getattr__(name: str) -> Any:
    """The doors, imported when they are first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from reports import doors

    return getattr(doors, name)
