"""The corrected line: the smallest edit of the code's own statement that makes it right.

An edit is offered only where the edited line, worked out with the step's arrays under the code's names, gives the
right numbers on every network, and where the line as it stands gives the code's own.
"""

from __future__ import annotations

import ast
import keyword
import re
import textwrap
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from gradcompare.diagnosis.arithmetic import CannotEvaluateError, evaluate, rounded
from gradcompare.diagnosis.forms import PRODUCT, SUM, Form
from gradcompare.diagnosis.spelling import last_part
from gradcompare.diagnosis.step import Case

SAMPLES = ("m", "N", "n", "M", "batch_size", "num_examples", "n_samples", "num_samples", "n_examples", "batch")
"""Names that the number of samples goes by; a guess that the line as it stands must confirm."""

MOST_COMMON = 4
"""Whole numbers up to this one may stand in a formula."""

_OVER_SCALE = "value / scale"

_TIGHT = (ast.Name, ast.Call, ast.Attribute, ast.Subscript, ast.Constant)
_LOOSE = (ast.Compare, ast.IfExp, ast.BoolOp, ast.Lambda)


def correction(cases: Sequence[Case], form: Form | None) -> str | None:
    """The corrected statement, without its indentation; None where none is certain."""
    if not cases[0].step.source:
        return None
    try:
        line = Line(cases, cases[0].step.source)
        if line.understood and not line.gives_claim():
            return None
    except (SyntaxError, CannotEvaluateError):
        return None
    try:
        return next((edited for edited in line.edits(form) if line.repairs(edited)), None)
    except SyntaxError:  # an edit that cannot be written in the line's names
        return None


def _span(source: str, node: ast.expr) -> tuple[int, int]:
    """Where a node stands in the source, in characters."""
    lines = source.split("\n")

    def offset(row: int, column: int) -> int:
        before = lines[row - 1].encode()[:column].decode()
        return sum(len(line) + 1 for line in lines[: row - 1]) + len(before)

    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return offset(node.lineno, node.col_offset), offset(node.end_lineno, node.end_col_offset)


def _value(source: str, name: str) -> ast.expr:
    """What a statement puts into the place of a name: all that it assigns, the entry of a dict that it makes, or what
    an update adds to a parameter or takes off it."""
    body = ast.parse(source).body
    if len(body) != 1 or not isinstance(body[0], ast.Assign | ast.AnnAssign | ast.AugAssign) or body[0].value is None:
        raise CannotEvaluateError("not one assignment")
    step = _step(body[0], name)
    if step is not None:
        return step
    if isinstance(body[0], ast.AugAssign):
        raise CannotEvaluateError("gathers something")
    targets = body[0].targets if isinstance(body[0], ast.Assign) else [body[0].target]
    if len(targets) != 1 or isinstance(targets[0], ast.Tuple):
        raise CannotEvaluateError("several targets")
    value = body[0].value
    if not isinstance(value, ast.Dict):
        return value
    for key, entry in zip(value.keys, value.values, strict=True):
        if key is not None and name == f"{ast.unparse(targets[0])}[{ast.unparse(key)}]":
            return entry
    raise CannotEvaluateError("a dict")


def _step(statement: ast.stmt, name: str) -> ast.expr | None:
    """The rate times the gradient of `W -= rate * dW` and `W = W - rate * dW`; None where the gradient itself, of this
    name, is added to."""
    if isinstance(statement, ast.AugAssign):
        is_step = isinstance(statement.op, ast.Add | ast.Sub) and last_part(statement.target) != name
        return statement.value if is_step else None
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.BinOp):
        return None
    value, target = statement.value, _normal(statement.targets[0])
    if last_part(statement.targets[0]) == name:
        return None
    moves = isinstance(value.op, ast.Add | ast.Sub) and _normal(value.left) == target
    return value.right if moves else None


class Line:
    """The code's statement, and what its names stand for."""

    def __init__(self, cases: Sequence[Case], source: str) -> None:
        self.cases = cases
        self.source = textwrap.dedent(source).strip()
        step = cases[0].step
        self.value = _value(self.source, step.name)
        self._slopes: set[float] = set()
        """The numbers in the derivative of an activation, which the file's own forward pass has."""
        self._nameless = {*step.hidden, *step.unspoken}
        self.spelled = {_normal(text): name for name, text in (step.spelled or {}).items()}
        self.identifiers = {cases[0].shown.get(k, k): k for k in (*cases[0].values, *cases[0].gradients)}
        self.leaves = {
            self._segment(node): name
            for node in ast.walk(self.value)
            if isinstance(node, ast.expr) and (name := self._name(node)) is not None
        }

    # -- reading

    @cached_property
    def _counted(self) -> set[ast.AST]:
        """The parts of which the line reads no entry, but only how many there are."""
        found: set[ast.AST] = set()
        for node in ast.walk(self.value):
            if isinstance(node, ast.Attribute) and node.attr in ("shape", "size"):
                found |= {*ast.walk(node.value)}
            if isinstance(node, ast.Call) and last_part(node.func) in ("len", "shape", "size"):
                found |= {part for argument in node.args for part in ast.walk(argument)}
        return found

    @cached_property
    def _idle(self) -> set[tuple[ast.AST, str]]:
        """Numbers that would do nothing where they stand, as the 1 of x**1."""
        operations = [node for node in ast.walk(self.value) if isinstance(node, ast.BinOp)]
        return {(node.right, "1") for node in operations if isinstance(node.op, ast.Mult | ast.Div | ast.Pow)} | {
            (node.left, "1") for node in operations if isinstance(node.op, ast.Mult)
        }

    @cached_property
    def _numbers(self) -> set[float]:
        """The numbers that stand in the line."""
        return _numbers_in(self.value)

    def _name(self, node: ast.AST) -> str | None:
        """The tensor that an expression of the line names."""
        if not isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            return None
        if (name := self.spelled.get(_normal(node))) is not None:
            return name
        name = last_part(node)
        known = name in self.identifiers and name not in self._nameless
        return name if known else None

    def _resolve(self, case: Case, node: ast.expr) -> Any:
        name = self._name(node)
        if name is not None and name in self.identifiers:
            return case.names[self.identifiers[name]]
        constants = case.step.constants
        written = next((text for text in (_normal(node), last_part(node)) if text in constants), None)
        if written is not None:
            return constants[written]
        return case.step.samples if isinstance(node, ast.Name) and node.id in SAMPLES else None

    def _result(self, case: Case, value: ast.expr) -> Any:
        return evaluate(value, lambda node: self._resolve(case, node))

    @cached_property
    def understood(self) -> bool:
        """Whether the line as it stands can be worked out."""
        try:
            return all(self._result(case, self.value) is not None for case in self.cases)
        except CannotEvaluateError:
            return False

    @cached_property
    def _scale(self) -> float:
        """How many times the gradient the line's value is: the rate, or what is added instead of taken off, in an
        update; 1 elsewhere."""
        if _step(ast.parse(self.source).body[0], self.cases[0].step.name) is None:
            return 1.0
        case = self.cases[0]
        value, claim = rounded(self._result(case, self.value)).value, case.claim
        if value.shape != claim.shape or not np.any(claim):
            raise CannotEvaluateError("no step along the gradient")
        return float(np.sum(value * claim) / np.sum(claim * claim))

    def _gradient(self, case: Case, value: ast.expr) -> Any:
        """What a line of this value says the gradient is."""
        result = self._result(case, value)
        return result if self._scale == 1 else evaluate(_OVER_SCALE, {"value": result, "scale": self._scale})

    def gives_claim(self) -> bool:
        """Whether the line as it stands gives the code's numbers, so that its names mean what they say."""
        return all(case.equal(self._gradient(case, self.value), case.claim) for case in self.cases)

    def repairs(self, edited: str) -> bool:
        """Whether an edited line gives the right numbers, and has no number in it that only these networks have."""
        try:
            value = _value(edited, self.cases[0].step.name)
            if any(x not in self._numbers and x not in self._slopes and not _is_common(x) for x in _numbers_in(value)):
                return False
            results = [(case, self._gradient(case, value)) for case in self.cases]
            return all(c.equal(x, c.right) and c.half_decided(x, c.right) for c, x in results)
        except (SyntaxError, CannotEvaluateError):
            return False

    # -- writing

    def spell(self, name: str) -> str | None:
        """How the line would write a tensor: as it does already, as told, or like another of its kind."""
        written = next((text for text, known in self.leaves.items() if known == name), None)
        step = self.cases[0].step
        if written is not None or step.spelled is not None:
            return written or (step.spelled or {}).get(name)
        if name in self._nameless or not name.isidentifier() or keyword.iskeyword(name):
            return None
        for text, known in self.leaves.items():
            if self._kind(known) == self._kind(name) and text != known:
                return re.sub(rf"\b{re.escape(known)}\b", name, text)
        return name

    def _kind(self, name: str) -> str:
        step = self.cases[0].step
        return "gradient" if name in step.gradients else "input" if name in step.inputs else "value"

    def translate(self, formula: str) -> str | None:
        """A formula in the line's own names."""
        missing: list[str] = []

        def own(found: re.Match[str]) -> str:
            word = found.group()
            name = self.cases[0].shown.get(word, word)
            text = self._samples() if word == "m" else self.spell(name) if name in self.identifiers else word
            if text is None or word in ("n", "_inputs", "_right"):
                missing.append(word)
            return text or word

        text = re.sub(r"(?<![\w.])[A-Za-z_]\w*", own, formula)
        for constant, number in self.cases[0].step.constants.items():
            text = re.sub(rf"(?<![\w.]){re.escape(repr(float(number)))}(?![\w.])", constant, text)
        return None if missing else _normal(text)

    def _samples(self) -> str | None:
        """How the line would write the number of samples."""
        step = self.cases[0].step
        for name in step.constants:
            if all(case.step.constants.get(name) == case.step.samples for case in self.cases):
                return name
        names = {node.id for node in ast.walk(self.value) if isinstance(node, ast.Name)}
        for name in SAMPLES:
            if name in names and name not in self.identifiers:
                return name
        axis = step.samples_axis
        for text, name in self.leaves.items():
            if name not in self.identifiers:  # spelled as something that had no value before
                continue
            shapes = [case.names[self.identifiers[name]].shape for case in self.cases]
            if all(len(s) > axis and s[axis] == c.step.samples for s, c in zip(shapes, self.cases, strict=True)):
                return f"{text}.shape[{axis}]"
        return None

    # -- edits, the smallest first

    def edits(self, form: Form | None) -> Iterator[str]:
        """Other versions of the statement."""
        self._slopes = {x for slope in _slopes(form) for x in _numbers_in(ast.parse(slope, mode="eval"))}
        for node in ast.walk(self.value):
            yield from self._of_leaf(node)
        for node in ast.walk(self.value):
            yield from self._of_call(node)
            yield from self._of_number(node, form)
            yield from self._of_operation(node)
        for node in ast.walk(self.value):
            yield from self._of_turn(node)
        yield from self._of_whole(form)
        for node in ast.walk(self.value):
            yield from self._of_slope(node, form)
        yield from self._anew(form)

    def _put(self, node: ast.AST, text: str | None) -> Iterator[str]:
        if text is not None and isinstance(node, ast.expr):
            start, end = _span(self.source, node)
            yield self.source[:start] + text + self.source[end:]

    def _segment(self, node: ast.expr) -> str:
        start, end = _span(self.source, node)
        return self.source[start:end]

    def _tight(self, node: ast.expr) -> str:
        """An operand that may stand in any other operation."""
        return self._segment(node) if isinstance(node, _TIGHT) else f"({self._segment(node)})"

    def _of_leaf(self, node: ast.AST) -> Iterator[str]:
        name = self._name(node)
        if name is not None and isinstance(node, ast.expr) and node not in self._counted:
            for other in self.identifiers:
                yield from self._put(node, self.spell(other) if other != name else None)

    def _of_turn(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.expr) and self._name(node) is not None:
            yield from self._put(node, f"{self._segment(node)}.T")
        if isinstance(node, ast.Attribute) and node.attr == "T":
            yield from self._put(node, self._segment(node.value))

    def _of_call(self, node: ast.AST) -> Iterator[str]:
        if not isinstance(node, ast.Call):
            return
        name = last_part(node.func)
        swapped = {"mean": "sum", "sum": "mean", "dot": "multiply", "multiply": "dot"}.get(name)
        if swapped and isinstance(node.func, ast.Attribute):
            yield from self._put(node.func, f"{self._segment(node.func.value)}.{swapped}")
        if name in ("sum", "mean") and node.args and isinstance(node.func, ast.Attribute):
            for axis in (0, 1):
                for keep in ("", ", keepdims=True"):
                    yield from self._put(
                        node, f"{self._segment(node.func)}({self._segment(node.args[0])}, axis={axis}{keep})"
                    )

    def _of_number(self, node: ast.AST, form: Form | None) -> Iterator[str]:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            slope = form.slope if form is not None and form.slope is not None else ""
            for number in dict.fromkeys(["1", "2", "0", "0.5", *re.findall(r"(?<![\w.])\d[\d.]*", slope)]):
                if (node, number) not in self._idle:
                    yield from self._put(node, number)

    def _of_operation(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.UnaryOp):
            yield from self._put(node, self._segment(node.operand))
        if not isinstance(node, ast.BinOp):
            return
        left, right = self._segment(node.left), self._segment(node.right)
        tight = [] if node is self.value else [self._tight(node.left), self._tight(node.right)]
        if isinstance(node.op, ast.Mult | ast.Div | ast.Add | ast.Sub | ast.Pow):
            for text in (left, *tight[:1]):  # where brackets are needed the first is not right
                yield from self._put(node, text)
        if isinstance(node.op, ast.Mult | ast.Add):
            for text in (right, *tight[1:]):
                yield from self._put(node, text)
        signs = {ast.Mult: ("@", "/"), ast.MatMult: ("*",), ast.Add: ("-",), ast.Sub: ("+",), ast.Div: ("*",)}
        for sign in signs.get(type(node.op), ()):
            yield from self._put(node, f"{left} {sign} {right}")
        if isinstance(node.op, ast.Sub) and isinstance(node.right, _TIGHT):
            yield from self._put(node, f"{right} - {left}")
        if isinstance(node.op, ast.MatMult | ast.Mult):
            yield from self._put(node, f"{right} @ {left}")

    def _of_whole(self, form: Form | None) -> Iterator[str]:
        loose = isinstance(self.value, ast.BinOp) and isinstance(self.value.op, ast.Add | ast.Sub)
        text = self._segment(self.value)
        inner = f"({text})" if loose or isinstance(self.value, _LOOSE) else text
        samples = self._samples()
        for more in ("/ m", "* m", "* 2", "/ 2"):
            if "m" not in more or samples is not None:
                yield from self._put(self.value, f"{inner} {more}".replace("m", samples or "m"))
        yield from self._put(self.value, f"-{inner}" if isinstance(self.value, _TIGHT) else f"-({text})")
        yield from self._put(self.value, f"{text}.T" if isinstance(self.value, _TIGHT) else f"({text}).T")
        for slope in _slopes(form):
            yield from self._put(self.value, _and(f"{inner} * ", self.translate(slope)))
        if form is not None and form.penalty:
            penalty = self.translate(form.penalty.removeprefix(" + "))
            yield from self._put(self.value, _and(f"{text} + ", penalty, brackets=False))
        if form is not None and form.rest:
            for way in (form.rest.removeprefix(" + "), form.but(rest="").text()):
                yield from self._put(self.value, _and(f"{text} + ", self.translate(way), brackets=False))
        if form is not None and form.mask is not None:
            yield from self._put(self.value, _and(f"{inner} * ", self.translate(form.mask + form.factor)))

    def _of_slope(self, node: ast.AST, form: Form | None) -> Iterator[str]:
        """A part of the line replaced by the derivative of the activation."""
        if isinstance(node, ast.expr) and node is not self.value:
            for slope in _slopes(form):
                yield from self._put(node, self.translate(slope))  # where there are brackets already
                yield from self._put(node, _and("", self.translate(slope)))

    def _anew(self, form: Form | None) -> Iterator[str]:
        """The whole line from the right formula."""
        if form is None:
            return
        base = "np.dot({0}, {1})" if form.base == PRODUCT and "dot(" in self.source else form.base
        slopes: list[str | None] = [*_slopes(form)] or [form.slope]
        for slope in slopes:
            text = self.translate(form.but(base=base, slope=slope).text())
            yield from self._put(self.value, text.replace(", keepdims=False", "") if text and base == SUM else text)


def _numbers_in(value: ast.AST) -> set[float]:
    nodes = (node.value for node in ast.walk(value) if isinstance(node, ast.Constant))
    return {float(x) for x in nodes if isinstance(x, int | float) and not isinstance(x, bool)}


def _is_common(number: float) -> bool:
    """Whether a formula may have it whatever the file: a whole number, or a half."""
    return number == 0.5 or (number == int(number) and number <= MOST_COMMON)


def _slopes(form: Form | None) -> Iterator[str]:
    """The derivative of the form's activation, in the ways to write it."""
    if form is not None and form.slope is not None:
        yield from dict.fromkeys([form.slope, *(form.applied.slopes() if form.applied else ())])


def _and(before: str, text: str | None, *, brackets: bool = True) -> str | None:
    if text is None:
        return None
    tight = isinstance(ast.parse(text, mode="eval").body, _TIGHT)
    return before + (text if tight or not brackets else f"({text})")


def _normal(node: ast.AST | str) -> str:
    """One way to write an expression."""
    text = ast.unparse(ast.parse(node.strip(), mode="eval") if isinstance(node, str) else node)
    return text.replace(" ** ", "**")
