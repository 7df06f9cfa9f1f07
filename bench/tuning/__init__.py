"""Tuning: searches of equal budget for every method, over ordinary runs."""
