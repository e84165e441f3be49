"""One comparison, judged: claims against a reference that is evaluated as often as it takes to decide them all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from gradcompare.bounds.precision import FLOAT64, Precision
from gradcompare.judging.blame import blame, is_intermediate, nearest, scales, unscaled, within
from gradcompare.judging.evaluation import Arrays, Bounded, Evaluation
from gradcompare.judging.stand_in import at_its_step, lost, stand_in
from gradcompare.judging.verdict import WRONG, Bounds, Finding, constant_factor, judge, matches, of, overall
from gradcompare.report import Report

UNDOUBTED = 1e3
"""A claim so many times further off than the reference's rounding explains is wrong again where it was before."""

LOSES_DIGITS = 1e3
"""A form that can be moved so many times further than the reference's is said to lose digits."""

PARTED = (
    "With the values of your own code the forward pass goes another way, through another branch or another number of "
    "turns: from there on it can be told that something is wrong, and less surely which step is to blame."
)

ClaimErrors = Mapping[str, np.ndarray] | None
"""E_claim by the names of the claims; None where it is not known."""

Familiar = Mapping[frozenset[str], Report]

Evaluate = Callable[..., Evaluation]
"""(names of the claims, precision, **options of `gradcompare.judging.reference.evaluate`) -> Evaluation."""


class Comparison:
    """One comparison: the reference is run as often as it takes to decide every claim, and no more often."""

    def __init__(
        self,
        evaluate: Evaluate,
        inputs: Arrays,
        claims: Mapping[str, np.ndarray],
        claim_errors: ClaimErrors | Callable[[], ClaimErrors],
        precision: Precision,
        notes: list[str],
        also: Iterable[str] = (),
        first: Evaluation | None = None,
        conventions: Sequence[float] = (),
        given_slope: bool = False,
    ) -> None:
        """`claim_errors` may be a function, asked only where a claim would be wrong without them. `also` are gradients
        that nobody claims and a diagnosis wants to know. `first` is what the reference says of the claims, where it has
        been asked. `conventions`: what dZ and dA may be multiplied by, beside the number of samples; where the gradient
        of the output was given, they follow from that, and there is none."""
        self.conventions, self.given_slope = conventions, given_slope
        self._reference, self.inputs, self.precision, self.notes = evaluate, inputs, precision, notes
        self._ask = claim_errors if callable(claim_errors) else None
        self.opaque = claim_errors is None
        self.claim_errors = {} if callable(claim_errors) else dict(claim_errors or {})
        self.claimed = [*claims, *(name for name in also if name not in claims)]
        self.scale = 1.0
        self.local: Evaluation | None = None
        """Where blame had to be found: each tensor as it follows from the subject's own inputs to that step."""
        self.first = first or self._evaluate(measure=self.opaque)
        self._is_measured = self.opaque
        self.in_float64 = self.first if precision == FLOAT64 else None
        self._errors: dict[str, np.ndarray] = {}
        self.claims = {name: claim for name, claim in claims.items() if name in self.first.tensors}
        self.unknown = {name: claim for name, claim in claims.items() if name not in self.first.tensors}
        if not self.claims:
            known = [*self.inputs, *self.first.numbers]
            raise ValueError(
                f"the subject's keys are {', '.join(claims)}; none of them is a tensor of the reference "
                f"({', '.join(known)}) or the gradient of one (d{known[0]}, ...)"
            )

    def _evaluate(self, precision: Precision | None = None, **options: Any) -> Evaluation:
        return self._reference(self.claimed, precision or self.precision, **options)

    def report(self, familiar: Familiar | None = None, *, whose: bool = True) -> Report:
        """Every claim's verdict, and what follows.

        `familiar`: reports on other networks by the names that were wrong in them. Where the same are wrong again, and
        beyond doubt, whose fault it is is taken from there. Without `whose` it is not asked: all that is wrong counts
        as wrong by itself.
        """
        scale, findings = self._best_scale()
        known = self._known(familiar or {}, scale, findings)
        if known is not None:
            self.scale, findings = known
            self._note_conventions(self.scale)
            return self._finished(self._scaled(findings, self.scale), self.scale)
        if self._wrong(findings) and self._ask is not None:
            errors = self._ask()
            self.opaque, self.claim_errors = errors is None, dict(errors or {})
            scale, findings = self._best_scale()
        if self._wrong(findings) and self.in_float64 is None:
            self.in_float64 = self._evaluate(FLOAT64)
            scale, findings = self._best_scale()
        for explanation in (self._past_the_kinks, self._past_the_stand_in, self._past_the_kinks):
            if self._wrong(findings):
                findings |= explanation(self._wrong(findings), findings, scale)
        if self._wrong(findings):
            if whose or self.first.run.met_a_tie:  # a tie at its step may excuse a claim
                scale, findings = self._blamed(findings, scale)
            findings = self._scaled(findings, scale)
        self.scale = scale
        self._note_conventions(scale)
        self._note_lost_digits(findings)
        return self._finished(findings, scale)

    def _known(
        self, familiar: Familiar, scale: float, findings: dict[str, Finding]
    ) -> tuple[float, dict[str, Finding]] | None:
        """The convention for dZ and dA, and the findings with the blame of another network, where there is one in which
        the same is wrong; None where this network leaves a doubt."""
        wrong = self._wrong(findings)
        known = familiar.get(frozenset(wrong))
        if known is None:
            return None
        if not self._shows_the_scale(findings):
            others = self._scales[1:]
            there = known.scale if known.scale == 1 else others[0] if len(others) == 1 else None
            if there is not None and there != scale:
                scale, findings = there, self._judge(there)
        before = {f.name: f for f in known.tensors}
        is_alike = (scale == 1) == (known.scale == 1) and self._wrong(findings) == wrong
        if not is_alike or not all(_beyond_doubt(findings[name], before[name]) for name in wrong):
            return None
        findings = findings | {
            name: findings[name].but(verdict="inherited", inherited_from=before[name].inherited_from)
            for name in wrong
            if before[name].verdict == "inherited"
        }
        if known.verdict == "scaled":  # without what the claims lose themselves a constant may not be seen as one
            findings = self._scaled(dict(findings), scale)
            return (scale, findings) if overall(list(findings.values())) == "scaled" else None
        return scale, findings

    def entries(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of a claim that has been judged, in the subject's own numbers: itself, what it should be, and how far apart
        rounding can explain them."""
        factor = self.scale if is_intermediate(name, self.inputs) else 1.0
        reference, own = self._reference_error(name), self.claim_errors.get(name)
        alike = own is not None and own.shape == reference.shape  # a claim of the wrong shape has none like it
        bounds = self._bounds(name, reference, own if alike else None, self.scale)
        return self.claims[name], self.first.tensors[name].value * factor, bounds.total * factor

    # -- judging

    def _reference_error(self, name: str) -> np.ndarray:
        """E_ref(u) + E_ref(2^-53). Beside float32's the second is some 1e-9 of the first: worked out where a claim
        would be wrong without it."""
        if self.in_float64 is None:
            return self.first.tensors[name].error
        if name not in self._errors:
            self._errors[name] = self.first.tensors[name].error + self.in_float64.tensors[name].error
        return self._errors[name]

    def _bounds(self, name: str, reference: np.ndarray, claim: np.ndarray | None, scale: float) -> Bounds:
        if scale != 1 and is_intermediate(name, self.inputs):
            value = self.first.tensors[name].value
            if value.shape == reference.shape:  # else it is another's of the same name
                reference = reference + FLOAT64.unit_roundoff * np.abs(value)
            claim = None if claim is None else claim / scale
        return Bounds(reference, claim)

    def _judge(self, scale: float, names: Iterable[str] | None = None) -> dict[str, Finding]:
        """Each claim against the reference, under a convention for dZ and dA."""
        findings = {}
        claims = unscaled(self.claims, self.inputs, scale)
        for name in self.claims if names is None else names:
            reference = self._reference_error(name)
            bounds = self._bounds(name, reference, self.claim_errors.get(name), scale)
            finding = judge(name, claims[name], self.first.tensors[name], bounds, self.precision)
            findings[name] = finding if scale == 1 else finding.but(dtype=self.claims[name].dtype.name)
        return findings

    def _wrong(self, findings: Mapping[str, Finding]) -> list[str]:
        return [name for name, finding in findings.items() if finding.verdict in WRONG]

    @cached_property
    def _scales(self) -> list[float]:
        """The scales that dZ and dA may carry by convention, 1 first."""
        if self.given_slope:
            return [1.0]
        usual = scales(self.claims, self.inputs)
        return usual + [scale for scale in self.conventions if scale not in usual]

    def _best_scale(self) -> tuple[float, dict[str, Finding]]:
        """The convention for dZ and dA under which fewest of their entries are wrong, and by least; 1 where none is
        better."""
        findings = self._judge(1.0)
        intermediate = [name for name in findings if is_intermediate(name, self.inputs)]
        best, least = 1.0, self._how_wrong({name: findings[name] for name in intermediate}, 1.0)
        for scale in self._scales[1:] if any(least) else ():
            judged = self._judge(scale, intermediate)
            how_wrong = self._how_wrong(judged, scale)
            if how_wrong < least:
                best, least, findings = scale, how_wrong, findings | judged
        return best, findings

    def _how_wrong(self, findings: Mapping[str, Finding], scale: float) -> tuple[float, float, float]:
        """How many entries are wrong, a whole tensor counting as 1, those that a kink explains apart from the others;
        and by how many magnitudes."""
        claims = unscaled(self.claims, self.inputs, scale)
        wrong = [f for f in findings.values() if f.verdict in WRONG]
        shares = {True: 0.0, False: 0.0}
        for f in wrong:
            whole = f.verdict in ("shape", "dtype")
            shares[self._at_a_kink(f, claims[f.name])] += 1.0 if whole else f.above / max(math.prod(f.shape), 1)
        return shares[False], shares[True], sum(self._magnitudes(f, claims[f.name]) for f in wrong)

    def _magnitudes(self, finding: Finding, claim: np.ndarray) -> float:
        """How many magnitudes above its bound the worst entry that is a number is."""
        ratio = finding.ratio
        value = self.first.tensors[finding.name].value
        if math.isinf(ratio) and claim.shape == value.shape:
            with np.errstate(invalid="ignore", divide="ignore"):
                ratios = np.abs(claim - value) / self._reference_error(finding.name)
            ratio = float(np.max(ratios, initial=1.0, where=np.isfinite(ratios)))
        return math.log10(min(max(ratio, 1.0), 1e300))

    # -- before anyone is accused

    def _past_the_stand_in(
        self, wrong: Sequence[str], findings: Mapping[str, Finding], scale: float
    ) -> dict[str, Finding]:
        """Where the claim's own rounding is not known, allow for algebra that loses more than the reference's."""
        unknown = [name for name in wrong if name not in self.claim_errors]
        if not unknown:
            return {}
        measured = self.first if self._is_measured else self._evaluate(measure=True)
        right = {name for name, f in findings.items() if f.verdict == "ok" and f.decided == math.prod(f.shape)}
        if self._wrong_at_its_step(wrong, right, measured, scale):
            return {}
        undecided = {name for name, finding in findings.items() if finding.verdict == "undecided"}
        widened = stand_in(measured, lambda floors: self._evaluate(floors=floors), right)
        for name, error in lost(widened, self.claims, undecided).items():
            factor = scale if is_intermediate(name, self.inputs) else 1.0
            self.claim_errors.setdefault(name, factor * error)
        return self._judge(scale, unknown)

    def _wrong_at_its_step(
        self, wrong: Sequence[str], right: Collection[str], measured: Evaluation, scale: float
    ) -> bool:
        """Whether each that was computed from none that is wrong was computed from what is right, and stays wrong with
        what it may have lost itself: then those computed from it need no bound from end to end, and blame does with
        what each may lose itself."""
        sources = [name for name in wrong if not nearest(name, measured.upstream, set(wrong))]
        if not sources or not all(measured.upstream[name] <= {*right, *self.inputs} for name in sources):
            return False
        before = dict(self.claim_errors)
        for name in wrong:
            factor = scale if is_intermediate(name, self.inputs) else 1.0
            self.claim_errors.setdefault(name, factor * at_its_step(measured, name))
        if all(f.verdict in WRONG for f in self._judge(scale, sources).values()):
            return True
        self.claim_errors = before
        return False

    @cached_property
    def _at_ties(self) -> Evaluation:
        """With bounds that cover every choice of a derivative at a kink."""
        return self._evaluate(ties_are_kinks=True)

    def _past_the_kinks(
        self, wrong: Sequence[str], findings: Mapping[str, Finding], scale: float
    ) -> dict[str, Finding]:
        """At an exact 0 every value between the slopes is a valid derivative."""
        claims = unscaled(self.claims, self.inputs, scale)
        explained = {}
        for name in wrong:
            f = findings[name]
            if self._at_a_kink(f, claims[name]) and not self._lost_at_kinks(f, claims[name]):
                explained[name] = f.but(verdict="kink")
                self._note_kink(f)
        return explained

    def _note_kink(self, f: Finding) -> None:
        self.notes.append(
            f"A kink was met at exactly 0: {f.name}{list(f.worst)} is {f.claim:.6g} by your derivative and "
            f"{f.reference:.6g} by PyTorch's; both are valid."
        )

    def _at_a_kink(self, finding: Finding, claim: np.ndarray) -> bool:
        if finding.verdict != "fault" or not self.first.run.met_a_tie:
            return False
        anyhow = self._at_ties.tensors[finding.name]
        return within(claim, anyhow.value, 2 * anyhow.error + self.claim_errors.get(finding.name, np.zeros(1)))

    def _lost_at_kinks(self, finding: Finding, claim: np.ndarray) -> bool:
        """Whether a choice at a kink could have led to anything, in entries that are wrong without one. Then each step
        is asked by itself (see `blame`)."""
        known = self._bounds(
            finding.name, self._reference_error(finding.name), self.claim_errors.get(finding.name), 1.0
        )
        off = np.abs(claim - self.first.tensors[finding.name].value) > known.total
        return bool(np.any(off & ~np.isfinite(self._at_ties.tensors[finding.name].error)))

    # -- whose fault, and what kind

    def _shows_the_scale(self, findings: Mapping[str, Finding]) -> bool:
        """Whether a gradient that carries the convention for dZ and dA is right under it, or none carries any."""
        intermediate = [f for name, f in findings.items() if is_intermediate(name, self.inputs)]
        return not intermediate or any(f.verdict == "ok" and f.size > 0 for f in intermediate)

    def _blamed(self, findings: dict[str, Finding], scale: float) -> tuple[float, dict[str, Finding]]:
        """Own fault or inherited, under the convention for dZ and dA that leaves fewest steps at fault."""
        is_shown = self._shows_the_scale(findings)
        outcomes: list[tuple[float, dict[str, Finding], Evaluation]] = []
        for candidate in (scale, *sorted(set(self._scales) - {scale})):
            if outcomes and is_shown and self._at_fault(*outcomes[0][1:]) < 2:
                break  # one step at fault is the least
            judged = findings if candidate == scale else self._judge(candidate)
            claims = unscaled(self.claims, self.inputs, candidate)
            errors = {
                k: self._bounds(k, e, e, candidate).claim
                for k, e in self.claim_errors.items()
                if k in claims and e.shape in ((), self.first.tensors[k].value.shape)
            }
            blamed, local = blame(
                judged,
                claims,
                {k: e for k, e in errors.items() if e is not None},
                self.first,
                self._evaluate,
                self.precision,
                self.inputs,
            )
            outcomes.append((candidate, blamed, local))
        before = self._wrong(findings)
        self.scale, findings, self.local = min(outcomes, key=lambda outcome: self._at_fault(*outcome[1:]))
        if self.local.parting is not None:
            self.notes.append(PARTED)
        for name in before:
            if findings[name].verdict == "kink":
                self._note_kink(findings[name])
        return self.scale, findings

    def _at_fault(self, findings: Mapping[str, Finding], local: Evaluation) -> int:
        """How many steps are at fault, among them those that make what is right of what is not."""
        off = {n for n, f in findings.items() if f.verdict in (*WRONG, "inherited") and is_intermediate(n, self.inputs)}
        right = [n for n, f in findings.items() if f.verdict == "ok" and f.size > 0 and n in local.upstream]
        unjudged = {name: before for name, before in local.upstream.items() if name not in findings}
        made = (nearest(name, {**unjudged, name: local.upstream[name]}, off) for name in right)
        return len(self._wrong(findings)) + sum(map(bool, made))

    def _scaled(self, findings: dict[str, Finding], scale: float) -> dict[str, Finding]:
        """Constant factors; and "scaled" where every parameter's gradient has the same one: also those that are zero,
        as all but one may be where units are dead, or that rounding leaves undecided."""
        claims = unscaled(self.claims, self.inputs, scale)

        def judged(name: str) -> tuple[str, np.ndarray, Bounded, Bounds]:
            bounds = self._bounds(name, self._reference_error(name), self.claim_errors.get(name), scale)
            return name, claims[name], self.first.tensors[name], bounds

        factors: dict[str, float | None] = {}
        for name, finding in findings.items():
            if finding.verdict in ("fault", "inherited"):
                factors[name] = constant_factor(*judged(name))
                findings[name] = finding.but(factor=factors[name])
        parameters = [n for n in findings if of(n) != n and of(n) in self.inputs and of(n) != "X"]
        others = [name for name in parameters if name not in factors and findings[name].size > 0]
        if not factors or None in factors.values() or len(others) + 1 >= len(parameters):
            return findings
        [(factor, _)] = Counter(factors.values()).most_common(1)
        assert factor is not None
        unlike = [name for name, own in factors.items() if own != factor]  # by rounding, where a gradient is small
        undecided = {name for name in others if findings[name].verdict == "undecided"}
        if all(matches(*judged(name), factor) for name in (*others, *unlike) if name not in undecided):
            findings = {
                n: f.but(verdict="scaled", inherited_from=None, factor=factor) if n in factors else f
                for n, f in findings.items()
            }
        return findings

    # -- what to say

    def _note_conventions(self, scale: float) -> None:
        if scale != 1:
            summed = scale in scales(self.claims, self.inputs)
            self.notes.append(
                "The gradients of intermediate tensors are those of the summed loss, m times those of the mean: "
                "a convention."
                if summed
                else f"The gradients of intermediate tensors are {scale:g} times those of the cost: a convention."
            )
        if self.opaque:
            used = ", a stand-in was used" if self.claim_errors else ""
            self.notes.append(
                f"How the subject itself rounds is not known{used}. numpy_on_torch(f) lets NumPy code be followed."
            )

    def _note_lost_digits(self, findings: Mapping[str, Finding]) -> None:
        for name, finding in findings.items():
            if finding.bound_claim is None or name not in self.claim_errors or self.opaque or finding.verdict != "ok":
                continue
            loses = finding.bound_claim > LOSES_DIGITS * finding.bound_reference > 0
            noticeable = LOSES_DIGITS * self.precision.unit_roundoff * finding.size
            if loses and finding.bound_claim > noticeable:
                self.notes.append(
                    f"{name} is right, but its form loses digits: rounding can move it by {finding.bound_claim:.2g}, "
                    f"the reference's form by {finding.bound_reference:.2g}."
                )

    def _as_given(self, f: Finding, scale: float) -> Finding:
        """In the subject's own numbers, the convention for dZ and dA included."""
        if scale == 1 or not is_intermediate(f.name, self.inputs):
            return f
        numbers = ("error", "bound", "bound_reference", "claim", "reference", "size")
        claim = None if f.bound_claim is None else f.bound_claim * scale
        return f.but(bound_claim=claim, **{name: getattr(f, name) * scale for name in numbers})

    def _finished(self, findings: Mapping[str, Finding], scale: float) -> Report:
        ordered = [self._as_given(findings[name], scale) for name in self.first.order if name in findings]
        ordered += [
            Finding(name, of(name), "missing", tuple(claim.shape), claim.dtype.name)
            for name, claim in self.unknown.items()
        ]
        undecided = any(finding.verdict == "undecided" for finding in ordered)
        cases = {
            "drawn": 1,
            "decided": int(not undecided),
            "at_kink": int(any(finding.verdict == "kink" for finding in ordered)),
            "undecided": int(undecided),
        }
        return Report(
            overall(ordered, decided=cases["decided"], drawn=1),
            ordered,
            self.notes,
            cases=cases,
            precisions=(self.precision.name,),
            scale=scale,
        )


def _beyond_doubt(finding: Finding, before: Finding) -> bool:
    """Whether no rounding explains what is wrong here, and was found wrong on another network."""
    if "shape" in (finding.verdict, before.verdict) or "dtype" in (finding.verdict, before.verdict):
        return finding.verdict == before.verdict
    return finding.ratio > UNDOUBTED
