"""From a selection to cells, runs and their keys."""
