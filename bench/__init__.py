"""The harness: from a selection to runs, from runs to records."""
