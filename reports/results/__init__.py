"""Records as numbers: what was selected, its cells, their comparisons."""
