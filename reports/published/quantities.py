"""What a column of a printed table holds, by its name."""

import re

PERCENTAGE = re.compile(r"(?<![a-z])(b?acc|au(ro)?c)", re.IGNORECASE)
OTHER = re.compile(
    r"[Δ∆]|(?<![a-z])(increase|improvement|gain|drop|loss|diff\w*|delta|ratio|fdi|fid|kid|kl|sigma|σ|"
    r"variance|epochs?|rank|time|latency|ms|fps|memory|flops|params?|nll|psnr|hd\d*|assd?|"
    r"mae|r?mse|kappa|κ|mcc|r2|r²)(?![a-z])",
    re.IGNORECASE,
)
"""Quantities with an SD that are no share of images."""
METRIC = re.compile(
    r"(?<![a-z])(?P<acc>b?acc(?:uracy)?)(?![a-z])|(?P<auc>au(?:ro)?c)(?![a-z])"
    r"|(?P<f1>f1|dice)(?![a-z0-9])|(?P<rate>sens\w*|spec\w*|precision|recall)(?![a-z])",
    re.IGNORECASE,
)
MEAN = re.compile(
    r"(?:(?:b?acc(?:uracy)?|auc|f1)\s+)?"
    r"(?:mean|average|avg|overall(?! acc))\.?(?: of \d+| over .*)?"
    r"(?:\s+(?:b?acc(?:uracy)?|au(?:ro)?c|f1))?\s*(?:\(%\)|%)?",
    re.IGNORECASE,
)
P_VALUES = re.compile(r"p([ _-].*)?", re.IGNORECASE)


def metric(column: str) -> str | None:
    """`acc`, `auc`, `f1` or `rate`, where the name says one."""
    found = METRIC.search(column)
    return found.lastgroup if found else None
