"""Records as numbers, and their comparisons."""
