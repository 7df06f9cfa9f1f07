"""Which claims of a paper our records support, contradict, or leave open."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache

from bench.store.measured import Measured
from bench.study import Study
from reports.claims.claim import Claim
from reports.claims.evidence import lacking, needed, otherwise, protocol_name, scope, told
from reports.claims.findings import Finding, Outcome, find
from reports.claims.paper import OF_METHODS, Paper
from reports.results.effects import Panel, term_of
from reports.results.tidy import Rows

RULES = (
    "Supported: every effect that the claim names is inside the claimed range (above zero, where "
    "none stands) by a paired t-test over seeds. Contradicted: one is outside, with Holm over all "
    "of them. Smaller than printed: one-sided t-test against the printed margin, Holm over all. "
    "Not decidable: at the printed size so many seeds would support it in less than 20 % of "
    "studies, or they are fewer than five. Undecided: none of these. Not tested: records of the "
    "sets it speaks of are missing, or none could tell. Claims are not corrected among themselves.",
    "A claim about several quantities or readings is decided only where all of them agree. "
    "Seeds that would decide: 80 % power, were the true effects and SDs those observed.",
    "Verdicts hold for the datasets, backbones, protocol and seeds named; the tests say whether "
    "training noise explains a difference, not what new images would show.",
)


@dataclass(frozen=True)
class Verdict:
    """A claim judged. `evidence` is a sentence; `n` the fewest seeds of an effect, 0 without one.

    `runs_needed`, for what is undecided: the seeds that would decide, where that can be said.
    """

    claim: Claim
    verdict: Outcome
    evidence: str
    n: int
    runs_needed: int | None
    findings: tuple[Finding, ...]
    otherwise: str = ""
    """What our protocol has different from the paper's."""

    @property
    def result(self) -> str:
        """What was compared, and what came out."""
        measure = self.claim.measure
        compared = f"{measure[0].upper()}{measure[1:]}. " if self.claim.effects else ""
        return compared + self.evidence

    @property
    def reason(self) -> str:
        """The result, and what our protocol has different."""
        return self.result + (f". {self.otherwise}" if self.otherwise else "")

    @property
    def lacks_records(self) -> bool:
        return any(found.missing for found in self.findings)

    def command(self, study: Study, paper: Paper) -> str:
        """What makes the records that are missing, with the options of a study; empty where none.

        On the sets that the claim speaks of, unless the study names some of them.
        """
        if not self.lacks_records:
            return ""
        sets = paper.sets_of(self.claim)
        named = [name for name in study.named.get("datasets", ()) if name in sets]
        methods = self.claim.methods if self.claim.command in OF_METHODS else None
        asked = replace(
            study,
            datasets=named or list(self.claim.sets or paper.datasets),
            methods=methods,
            backbones=None if self.claim.command == "table 2" else study.backbones,
            _command=self.claim.command,
        )
        return asked.command


def judge(measured: Measured, paper: Paper, looks: tuple[int, ...] = ()) -> list[Verdict]:
    """A verdict on every claim of a paper, from the records of one protocol."""
    panel = cache(lambda quantity, sets: Panel(measured, quantity, dict(sets), looks))
    under = protocol_name(measured)
    found = []
    for claim in paper.claims:
        sets = tuple(paper.sets_of(claim).items())
        findings = tuple(find(claim, q, panel(q, sets)) for q in claim.readings)
        one = _verdict(claim, findings, under, paper)
        found.append(replace(one, otherwise=otherwise(findings, measured, paper)))
    return found


def to_rows(verdicts: Sequence[Verdict]) -> Rows:
    """One row a claim."""
    return [
        {
            "claim": verdict.claim.name,
            "text": verdict.claim.text,
            "where": verdict.claim.where,
            "measure": verdict.claim.measure,
            "verdict": verdict.verdict,
            "n": verdict.n,
            "runs_needed": verdict.runs_needed,
            "evidence": verdict.evidence,
            "command": verdict.claim.command,
            "otherwise": verdict.otherwise,
        }
        for verdict in verdicts
    ]


def to_tests(verdicts: Sequence[Verdict]) -> Rows:
    """One row an effect and reading; differences are from `bound`."""
    return [
        {
            "claim": verdict.claim.name,
            "quantity": test.quantity,
            "effect": test.effect.name,
            "cells": "; ".join(str(term_of(cell)) for cell in test.cells),
            "claimed_low": test.effect.low,
            "claimed_high": test.effect.high,
            "bound": test.bound,
            "printed": test.effect.printed,
            "p_smaller": test.p_smaller,
            "confidence": test.confidence,
        }
        | asdict(test.comparison)
        for verdict in verdicts
        for finding in verdict.findings
        for test in finding.tested
    ]


def _verdict(claim: Claim, findings: tuple[Finding, ...], under: str, paper: Paper) -> Verdict:
    tested = [test for finding in findings for test in finding.tested]
    outcome = _agreed(findings)
    if claim.absolute and not _comparable(claim, findings, under, paper):
        outcome = "not tested"
    n = min((test.comparison.n for test in tested), default=0)
    parts = [scope(findings, under, paper) + ": " + _each(claim, findings)] if tested else []
    runs = None
    if outcome in ("undecided", "not decidable"):
        runs, sentence = needed(findings)
        parts.append(sentence)
    if outcome == "not tested":
        parts.append(_why(claim, findings))
    text = "; ".join(parts)
    return Verdict(claim, outcome, text[0].upper() + text[1:], n, runs, findings)


def _agreed(findings: Sequence[Finding]) -> Outcome:
    outcomes = {finding.outcome for finding in findings}
    if len(outcomes) == 1:
        return outcomes.pop()
    if all(outcome.startswith("supported") for outcome in outcomes):
        return "supported"
    weak: tuple[Outcome, ...] = ("not tested", "not decidable")
    return next((outcome for outcome in weak if outcome in outcomes), "undecided")


def _comparable(claim: Claim, findings: Sequence[Finding], under: str, paper: Paper) -> bool:
    """Whether a printed number is about what was measured: protocol, datasets and backbones."""
    cells = {cell for finding in findings for test in finding.tested for cell in test.cells}
    terms = [term for effect in claim.effects for _, term in effect.terms]
    datasets = {term.dataset for term in terms if term.dataset} or set(paper.datasets)
    backbones = {term.backbone for term in terms if term.backbone} or set(paper.backbones)
    return (
        under == "paper"
        and {cell.dataset for cell in cells} == datasets
        and {cell.backbone for cell in cells} == backbones
    )


def _each(claim: Claim, findings: Sequence[Finding]) -> str:
    found = [finding for finding in findings if finding.tested]
    if len(claim.readings) == 1:
        return told(found[0])
    return "; ".join(
        f"{finding.quantity.rpartition('.')[2]} {finding.outcome} ({told(finding)})"
        for finding in found
    )


def _why(claim: Claim, findings: Sequence[Finding]) -> str:
    """Why a claim is not tested."""
    if not claim.effects:
        return claim.measure
    gaps = next((finding for finding in findings if finding.missing), None)
    if gaps:
        return lacking(gaps)
    return (
        "the printed number is about the paper's protocol, datasets and backbones, not about these"
    )
