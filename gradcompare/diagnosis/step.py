"""A step at fault, as numbers: what the code has, what it should have, and what it could have made it from."""

from __future__ import annotations

import keyword
import math
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from gradcompare.diagnosis.arithmetic import CannotEvaluateError, Rounded, evaluate, leaf

DECIDES = 1e-3
"""An entry that rounding can move by more than this part of the largest decides nothing."""


class Spoken(NamedTuple):
    """A tensor in a sentence, "z of layer 2 (line 51)", where its name is not one that the code has."""

    name: str
    """As it stands in a formula."""
    which: str
    """What tells it from others of the name."""


class Part(NamedTuple):
    """An array that the code had on the way to a step, and that is no gradient: a derivative on a line of its own."""

    name: str
    line: int
    source: str
    outside: bool
    """Whether another function made it than the one of the step's line."""
    value: np.ndarray


@dataclass(frozen=True)
class Step:
    """One step of a backward pass on one network. The same step on several networks has the same names."""

    name: str
    """What the code calls the step's result, "dZ1"."""
    of: str
    """What it is the gradient of, "Z1"."""
    claim: np.ndarray
    """The code's numbers."""
    right: np.ndarray
    """What the step should have made of the code's own inputs to it."""
    bound: np.ndarray
    """Elementwise, in the shape of `right`: the difference that rounding can explain."""
    values: Mapping[str, np.ndarray]
    """Forward values, parameters and data, under the file's own names."""
    gradients: Mapping[str, np.ndarray] = field(default_factory=dict)
    """The gradients that the step could read, under the code's names for them."""
    inputs: Collection[str] = ()
    """Those of `values` that are parameters or data, not computed."""
    samples: int = 1
    """How many samples there are."""
    samples_axis: int = 1
    """0 where rows are samples, 1 where columns are."""
    source: str | None = None
    """The statement that made the step's result."""
    line: int | None = None
    regularisation: float | None = None
    """The strength of the regulariser, where it is known."""
    outputs: int | None = None
    """How many output units there are; by default taken from the last of `inputs` that has samples."""
    constants: Mapping[str, float] = field(default_factory=dict)
    """Plain numbers that the line could read, as the code writes them: m, lambd, self.keep_prob, learning_rate."""
    hidden: Collection[str] = ()
    """Those of `gradients` that the code never had in a variable."""
    unspoken: Collection[str] = ()
    """Those of `values` and `gradients` that the line has no name for."""
    spelled: Mapping[str, str] | None = None
    """How a tensor is written on this line, {"W2": 'parameters["W2"]'}; by default as its name."""
    spoken: Mapping[str, Spoken] = field(default_factory=dict)
    """Those of `values` and `gradients`, and the result, whose names are ours alone."""
    parts: Sequence[Part] = ()
    """What else the code had of the step's shape, in the order in which it was made."""
    unit_roundoff: float | None = None
    """2^-53 or 2^-24; by default told from `bound`."""


@dataclass(frozen=True)
class Diagnosis:
    """Which mistake a step is."""

    name: str
    line: int | None
    mistake: str
    """The row of the table, or "unknown"."""
    says: str
    fix: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The entry of the JSON report."""
        return {"name": self.name, "line": self.line, "mistake": self.mistake, "says": self.says, "fix": self.fix}


RIGHT, RESULT = "_right", "_result"
"""What should be, in a formula; what the code has, in a sentence."""
_RESERVED = {"m", "n", "np", "numpy", "len", "float", RIGHT, RESULT}


def _could_be_a_word(name: str) -> bool:
    """Whether a sentence may say it without meaning an array: a, output, hidden."""
    return name.isalpha() and name.islower()


class Case:
    """A step with its arrays under names that can stand in a formula."""

    def __init__(self, step: Step, until: float = math.inf) -> None:
        """`until`: when formulas are tried no more, by `time.monotonic`."""
        self.step, self.until = step, until
        self.claim = np.asarray(step.claim, dtype=np.float64)
        self.right = np.asarray(step.right, dtype=np.float64)
        self.bound = np.broadcast_to(np.asarray(step.bound, dtype=np.float64), self.right.shape)
        self.shown: dict[str, str] = {}
        self.values = {self._identifier(k): np.asarray(v) for k, v in step.values.items() if _numeric(v)}
        self.values |= {self._identifier(k): v for k, v in self._one_hot()}
        self.gradients = {
            self._identifier(k): np.asarray(v)
            for k, v in step.gradients.items()
            if _numeric(v) and not self._is_claim(k, np.asarray(v))
        }
        self.names: dict[str, Any] = {k: leaf(v) for k, v in (self.values | self.gradients).items()}
        self.names |= {
            "m": step.samples,
            "n": self.outputs,
            "_inputs": self.features,
            RIGHT: Rounded(self.right, self.bound / self.unit),
        }
        self.spared = [self._identifier(name) for name in (f"{step.of} without {part}" for part in SPARED)]
        self.names |= {
            identifier: leaf(spared)
            for identifier, spared in zip(self.spared, _without_bias(step.values.get(step.of)), strict=False)
        }
        self.memory: dict[Any, list[Any]] = {}
        self._cache: dict[str, Rounded | None] = {}

    def _identifier(self, name: str) -> str:
        if name.isidentifier() and name not in _RESERVED and not keyword.iskeyword(name) and not _could_be_a_word(name):
            return name
        identifier = re.sub(r"\W", "_", name) + "_0"
        while identifier in self.shown or not identifier.isidentifier():
            identifier = f"_{identifier}"
        self.shown[identifier] = name
        return identifier

    def _is_claim(self, name: str, array: np.ndarray) -> bool:
        """Whether it is the step's own result; the same variable may have held the one before."""
        own = name in (self.step.name, "d" + self.step.of)
        return own and np.array_equal(array, self.claim, equal_nan=array.dtype.kind == "f")

    def _one_hot(self) -> Iterator[tuple[str, np.ndarray]]:
        """Whole-numbered labels as the step can use them: a 1 for each sample in its class's place."""
        axis, m, shape = self.step.samples_axis, self.step.samples, self.right.shape
        if len(shape) != 2 or shape[axis] != m:
            return
        for k, v in self.step.values.items():
            y = np.asarray(v).ravel()
            if y.dtype.kind in "iu" and y.size == m and 0 <= np.min(y, initial=0) <= np.max(y) < shape[1 - axis]:
                hot = np.eye(shape[1 - axis])[y]
                yield f"one_hot({k})", hot.T if axis else hot

    @property
    def is_late(self) -> bool:
        """Whether there is no time to try more formulas."""
        return time.monotonic() > self.until

    def is_data(self, identifier: str) -> bool:
        """Whether an array is a parameter or data."""
        name = self.shown.get(identifier, identifier)
        return name.removeprefix("one_hot(").removesuffix(")") in self.step.inputs

    @cached_property
    def unit(self) -> float:
        """The unit roundoff of the precision that the code runs in."""
        if self.step.unit_roundoff:
            return self.step.unit_roundoff
        size = np.max(np.abs(self.right), initial=0.0)
        finite = self.bound[np.isfinite(self.bound)]
        return 2.0**-24 if finite.size and np.median(finite) > 1e-9 * size else 2.0**-53

    @cached_property
    def outputs(self) -> int:
        """The number of output units."""
        return self.step.outputs or (self._widths[-1] if self._widths else 1)

    @cached_property
    def features(self) -> int:
        """The number of inputs of a sample."""
        return self._widths[0] if self._widths else 1

    @cached_property
    def _widths(self) -> list[int]:
        """How many numbers each sample has in the data."""
        axis = self.step.samples_axis
        shapes = [np.shape(self.step.values[k]) for k in self.step.inputs if k in self.step.values]
        return [s[1 - axis] for s in shapes if len(s) == 2 and s[axis] == self.step.samples]

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of all arrays, and of their transposes."""
        shapes = {k: v.shape for k, v in (self.values | self.gradients).items()}
        return shapes | {f"{k}.T": shape[::-1] for k, shape in shapes.items()}

    @property
    def of(self) -> str:
        """The identifier of the tensor that the step is the gradient of."""
        return next((k for k, shown in self.shown.items() if shown == self.step.of), self.step.of)

    @property
    def title(self) -> str:
        """What a sentence calls the step's result."""
        spoken = self.step.spoken.get(self.step.name)
        return self.step.name if spoken is None else f"{spoken.name} {spoken.which}".strip()

    def show(self, text: str) -> str:
        """The text with the code's own names; what has none of them is explained, in a formula behind it."""
        explained: dict[str, Spoken] = {}

        def own(word: re.Match[str]) -> str:
            if word.group() == RESULT:
                return self.title
            name = self.shown.get(word.group(), word.group())
            spoken = None if _could_be_a_word(word.group()) else self.step.spoken.get(name)
            if spoken is None:
                return name
            if _OPERAND_BEFORE.search(text[: word.start()]) or _OPERAND_BEHIND.match(text[word.end() :]):
                explained[name] = spoken
                return spoken.name
            return f"{spoken.name} {spoken.which}"

        sentence = re.sub(r"\w+", own, text)
        words = [f"{spoken.name} is the one {spoken.which}" for spoken in explained.values()]
        return f"{sentence} Here {' and '.join(words)}." if words else sentence

    def evaluate(self, formula: str) -> Rounded | None:
        """The formula's value on this network; None where it has none."""
        if formula not in self._cache:
            try:
                self._cache[formula] = evaluate(formula, self.names)
            except CannotEvaluateError:
                self._cache[formula] = None
        return self._cache[formula]

    def slack(self, result: Rounded) -> np.ndarray:
        """How far two evaluations of a formula can be apart, the step's own bound included."""
        own = self.bound if result.shape == self.right.shape else np.zeros(result.shape)
        return own + 4 * self.unit * result.error

    def is_right(self) -> bool:
        """Whether rounding can explain the claim."""
        if self.claim.shape != self.right.shape:
            return False
        return bool(np.all((np.abs(self.claim - self.right) <= self.bound) | ~np.isfinite(self.bound)))

    def gives(self, formula: str, target: np.ndarray) -> bool:
        """Whether the formula gives the target, within rounding, in every entry that decides anything."""
        result = self.evaluate(formula)
        return result is not None and self.equal(result, target)

    def equal(self, result: Rounded, target: np.ndarray) -> bool:
        """Whether a result is the target, within rounding."""
        if result.shape != target.shape or not target.size:
            return False
        with np.errstate(invalid="ignore"):
            return bool(np.all((np.abs(result.value - target) <= self.slack(result)) | ~self.decides(result, target)))

    def decides(self, result: Rounded, target: np.ndarray) -> np.ndarray:
        """Which entries of a result are known well enough to be held against the target."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.slack(result) <= DECIDES * self._size(target))

    def _size(self, target: np.ndarray) -> float:
        """The largest entry; of the claim, which may be nothing but rounding (the sum of all of A - Y with a softmax is
        0), that of what it should be."""
        noise = target is self.claim and np.any(self.claim)
        own = float(np.max(np.abs(self.right), initial=0.0)) if noise else 0.0
        return max(float(np.max(np.abs(target), initial=0.0)), own)

    def half_decided(self, result: Rounded | None, target: np.ndarray) -> bool:
        """Whether half the entries decide something."""
        return result is not None and bool(2 * np.count_nonzero(self.decides(result, target)) >= result.value.size)

    def tells(self, formula: str) -> bool:
        """Whether the formula can be told from the right one on this network."""
        result = self.evaluate(formula)
        if result is None or not self.half_decided(result, self.claim):
            return False
        if result.shape != self.right.shape:
            return True
        with np.errstate(invalid="ignore"):
            apart = np.abs(result.value - self.right) > 2 * self.slack(result)
        return bool(np.any(apart & self.decides(result, self.claim)))


_OPERAND_BEFORE = re.compile(r"[(*@/+-] ?$")
_OPERAND_BEHIND = re.compile(r"\.T\b|\.reshape|\[|\)|\*\*| [@*/+-] ")
"""What stands beside an array in a formula."""

SPARED = ("its first column", "its first row")
"""Where the bias may be in a matrix that holds it, which regularisers leave out."""


def _without_bias(parameter: Any) -> list[np.ndarray]:
    """A matrix with zeros in its first column, and in its first row."""
    if parameter is None or np.ndim(parameter) != 2:
        return []
    column, row = np.array(parameter, dtype=np.float64), np.array(parameter, dtype=np.float64)
    column[:, 0], row[0] = 0, 0
    return [column, row]


def _numeric(x: Any) -> bool:
    return np.asarray(x).dtype.kind in "fiub"


def makes(cases: Sequence[Case], formula: str, wanted: Sequence[np.ndarray]) -> bool:
    """Whether the formula gives the wanted array on every network, and rounding leaves half of them decided."""
    gives = all(case.gives(formula, array) for case, array in zip(cases, wanted, strict=True))
    if not gives:
        return False
    decided = [case.half_decided(case.evaluate(formula), array) for case, array in zip(cases, wanted, strict=True)]
    return 2 * sum(decided) >= len(cases)


def fits(cases: Sequence[Case], formula: str) -> bool:
    """Whether the formula is what the code computed: on every network, at least two of which can tell."""
    return makes(cases, formula, [c.claim for c in cases]) and sum(c.tells(formula) for c in cases) >= 2
