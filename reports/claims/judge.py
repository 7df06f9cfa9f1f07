"""Which claims of the AILS paper our records support, contradict, or leave open."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial

from bench.store.measured import Measured
from reports.claims.ails import CLAIMS, COMBINATION, DATASETS
from reports.claims.claim import Claim
from reports.claims.evidence import is_phantom, lacking, needed, protocol_name, scope, told
from reports.claims.findings import Finding, Outcome, find
from reports.results.effects import Panel, term_of
from reports.results.results import PHANTOM
from reports.results.tidy import Rows

RULES = (
    "Supported: every effect that the claim names is inside the claimed range (above zero, where "
    "none stands) by a paired t-test over seeds. Contradicted: one is outside, with Holm over all "
    "of them. Undecided: neither. Not tested: records are missing, or none could tell.",
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

    @property
    def reason(self) -> str:
        """What was compared, and what came out."""
        measure = self.claim.measure
        compared = f"{measure[0].upper()}{measure[1:]}. " if self.claim.effects else ""
        return compared + self.evidence

    @property
    def command(self) -> str:
        """What makes the records that are missing; empty where none are."""
        return self.claim.command if any(found.missing for found in self.findings) else ""

    @property
    def phantom(self) -> bool:
        return any(is_phantom(t.cells) for f in self.findings for t in f.tested)


def judge(measured: Measured, claims: Sequence[Claim] = CLAIMS) -> list[Verdict]:
    """A verdict on every claim, from the records of one protocol."""
    panel = cache(partial(Panel, measured))
    under = protocol_name(measured)
    return [
        _verdict(claim, tuple(find(claim, q, panel(q)) for q in claim.readings), under)
        for claim in claims
    ]


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
            "data": PHANTOM if verdict.phantom else "",
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
        }
        | asdict(test.comparison)
        for verdict in verdicts
        for finding in verdict.findings
        for test in finding.tested
    ]


def _verdict(claim: Claim, findings: tuple[Finding, ...], under: str) -> Verdict:
    tested = [test for finding in findings for test in finding.tested]
    outcome = _agreed(findings)
    if claim.absolute and not _comparable(claim, findings, under):
        outcome = "not tested"
    n = min((test.comparison.n for test in tested), default=0)
    parts = [scope(findings, under) + ": " + _each(claim, findings)] if tested else []
    runs = None
    if outcome == "undecided":
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
    return "not tested" if "not tested" in outcomes else "undecided"


def _comparable(claim: Claim, findings: Sequence[Finding], under: str) -> bool:
    """Whether a printed number is about what was measured: protocol, datasets and backbones."""
    cells = {cell for finding in findings for test in finding.tested for cell in test.cells}
    terms = [term for effect in claim.effects for _, term in effect.terms]
    datasets = {term.dataset for term in terms if term.dataset} or set(DATASETS)
    backbones = {term.backbone for term in terms if term.backbone} or set(COMBINATION)
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
