"""Checks of the numbers: traces of training, and a golden grid, against expected files."""
