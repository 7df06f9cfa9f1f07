"""From studies to figures: a module a figure, with `SELECT`, the cells of the studies it is made
of, and `pictures(studies, view)`; `picture` and `points` are what they share."""
