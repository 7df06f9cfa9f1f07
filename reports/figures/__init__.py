"""The figures of the paper and those beyond it: each takes plain numbers and gives a figure."""
