"""One file a figure: `draw` takes plain numbers, `figures(studies, view)` reads them from studies.

`catalogue` lists them; `figure`, `style`, `points` and `multiples` are what they share.
"""
