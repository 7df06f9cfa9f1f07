"""The answer of a table in sentences: what is shown, what is equivalent, what is open."""

from collections.abc import Iterable, Mapping
from math import isnan

from bench.stats.verdict import EQUIVALENT, FEWEST, UNDECIDED, Judged, Rule
from reports.results.pairs import OVERALL, Family


def answer(tests: Mapping[str, Family], reference: str, rule: Rule) -> list[str]:
    """A sentence on these images and one on new ones; several columns have their counts.

    Nothing where nothing was compared.
    """
    shown = {name: family for name, family in tests.items() if family}
    if not shown:
        return []
    name = OVERALL if OVERALL in shown else next(iter(shown))
    family = shown[name]
    if max(one.n for one in family.values()) < FEWEST:
        return [f"Undecided: nothing is decided below {FEWEST} seeds."]
    sentences = [
        f"On these images ({name}): {of_column(family, reference, rule)}.",
        f"On new images: {of_new_images(family, reference, rule)}.",
    ]
    if len(shown) > 1:
        sentences.append(f"All {len(shown)} columns, these images: {_counts(shown.values())}.")
    return [" ".join(sentences), *_open(family, name)]


def of_column(family: Family, reference: str, rule: Rule, field: str = "verdict") -> str:
    """`mixup worse than none; cutmix undecided`."""
    by_verdict = _by_verdict(family, field)
    open_ = by_verdict.pop(UNDECIDED, [])
    if not by_verdict:
        return _all_open(open_, reference)
    parts = [
        f"{', '.join(methods)} {_worded(verdict, reference, rule)}"
        for verdict, methods in by_verdict.items()
    ]
    if open_:
        parts.append(f"{', '.join(open_)} undecided")
    return "; ".join(parts)


def in_a_sentence(family: Family, reference: str, rule: Rule, field: str = "verdict") -> str:
    """`mixup is worse than none; the other 8 are undecided`."""
    if max(one.n for one in family.values()) < FEWEST:
        return f"undecided, as nothing is decided below {FEWEST} seeds"
    by_verdict = _by_verdict(family, field)
    open_ = by_verdict.pop(UNDECIDED, [])
    if not by_verdict:
        return _all_open(open_, reference)
    parts = [
        f"{_listed(methods)} {'is' if len(methods) == 1 else 'are'} "
        f"{_against(verdict, reference, rule)}"
        for verdict, methods in by_verdict.items()
    ]
    if open_:
        parts.append(f"the other {f'{len(open_)} are' if len(open_) > 1 else 'one is'} undecided")
    return "; ".join(parts)


def _all_open(methods: list[str], reference: str) -> str:
    """`undecided; mixup is not shown to differ from none`."""
    if len(methods) == 1:
        return f"undecided; {methods[0]} is not shown to differ from {reference}"
    return f"undecided; no method is shown to differ from {reference}"


def _by_verdict(family: Family, field: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for method, one in family.items():
        found.setdefault(getattr(one, field), []).append(method)
    return found


def _against(verdict: str, reference: str, rule: Rule) -> str:
    """`equivalent to none within 1 point`, `worse than none`."""
    worded = _worded(verdict, reference, rule)
    return worded.replace(EQUIVALENT, f"{EQUIVALENT} to {reference}", 1)


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _worded(verdict: str, reference: str, rule: Rule) -> str:
    if verdict == EQUIVALENT:
        return f"equivalent within {_points(rule)}"
    word, _, less = verdict.partition(", ")
    return f"{word} than {reference}" + (f", by less than {_points(rule)}" if less else "")


def _points(rule: Rule) -> str:
    points = 100 * (rule.margin or 0)
    return f"{points:g} point" + "s" * (points != 1)


def of_new_images(family: Family, reference: str, rule: Rule) -> str:
    """What is decided of other images of this kind, or why nothing is judged."""
    known = of_images(family)
    if not known:
        last = rule.looks[-1] if rule.looks else 0
        if any(one.verdict == UNDECIDED and one.n < last for one in family.values()):
            return f"not judged before the last look, at {last} seeds"
        return "not judged: predictions are missing, or there is no interval over images for this"
    limited = [method for method, one in known.items() if one.images_limit]
    missing = [method for method in family if method not in known]
    found = of_column(known, reference, rule, "verdict_new")
    found += f" (the images limit {', '.join(limited)})" if limited else ""
    return found + (f"; {', '.join(missing)} not judged" if missing else "")


def of_images(family: Family) -> Family:
    """Those of a family that are judged over new images."""
    return {method: one for method, one in family.items() if not isnan(one.p_new)}


def _counts(families: Iterable[Family]) -> str:
    found: dict[str, int] = {}
    for family in families:
        for one in family.values():
            found[one.verdict] = found.get(one.verdict, 0) + 1
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(found.items()))


def _open(family: Family, name: str) -> list[str]:
    """What would decide the undecided ones of a column."""
    told = [f"{m} {seeds}" for m, one in family.items() if (seeds := seeds_that_decide(one))]
    return [f"Seeds that would decide ({name}): {', '.join(told)}."] if told else []


def seeds_that_decide(one: Judged) -> str:
    """`34 to 198`, or nothing where it is decided or there are too few to say."""
    if one.seeds_low != one.seeds_low:
        return ""
    low, high = (f"{n:,.0f}" if n < float("inf") else "" for n in (one.seeds_low, one.seeds_high))
    return (
        f"{low or 'more than 1,000'} to {high or 'more than 1,000'}" if low else "more than 1,000"
    )
