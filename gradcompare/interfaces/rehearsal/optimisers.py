"""Programs that hand a cost and its gradient to an optimiser of SciPy's: a step down along that gradient stands in its
place, for which SciPy need not be installed. Whatever an optimiser makes of a gradient, what it is handed is one.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Iterator
from typing import NamedTuple

from gradcompare.interfaces import source

RATE = 0.001
"""How far a step goes, for none of these is told one: not so far that what is left of a parameter is another."""


class Optimiser(NamedTuple):
    """What one is called with, in order, and what it returns, in terms of what was found: `x`, `cost`."""

    arguments: tuple[str, ...]
    returns: str
    gradient: str = "fprime"
    """The argument that is the gradient; where there is none, and nothing says that it is to be estimated, the cost
    returns it too."""
    may_return_both: bool = False


_RESULT = "__import__('types').SimpleNamespace(x={x}, fun={cost}, success=True, message='', nit=1, nfev=1)"
_CLASSIC = ("f", "x0", "fprime", "args")
OPTIMISERS = {
    "minimize": Optimiser(("fun", "x0", "args", "method", "jac"), _RESULT, "jac"),
    **dict.fromkeys(("fmin_cg", "fmin_bfgs"), Optimiser(_CLASSIC, "{x}")),
    "fmin_ncg": Optimiser(("f", "x0", "fprime", "fhess_p", "fhess", "args"), "{x}"),
    "fmin_tnc": Optimiser(("func", "x0", "fprime", "args"), "({x}, 1, 0)", may_return_both=True),
    "fmin_l_bfgs_b": Optimiser(("func", "x0", "fprime", "args"), "({x}, {cost}, {{}})", may_return_both=True),
}
"""By the names of functions of scipy.optimize."""

_STEPS = """
{x} = {numpy}.array({x0}, dtype=float).reshape(-1)
for turn_ in range(2):
    {made}
    {x} = {x} - {rate} * {gradient}
"""


def stepping(tree: ast.Module) -> tuple[ast.Module, list[str]]:
    """The same program, with a few steps wherever it calls an optimiser that is none of its own functions; the names of
    these."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | own
    free = {word: word if word not in named else f"{word}_" for word in ("theta", "cost", "gradient")}
    aliases = [a.asname or a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    numpy = next((name for name in ("np", "numpy", *aliases) if name in aliases), "np")
    if not set(OPTIMISERS) & (_called(tree) - own):
        return tree, []
    steps = _Stepping(own, free, numpy)
    return steps.visit(tree), steps.replaced


def _called(tree: ast.AST) -> set[str]:
    return {name for node in ast.walk(tree) if isinstance(node, ast.Call) and (name := source.called(node))}


class _Stepping(ast.NodeTransformer):
    def __init__(self, own: Collection[str], names: dict[str, str], numpy: str) -> None:
        self.own, self.names, self.numpy = own, names, numpy
        self.replaced: list[str] = []

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Every list of statements, those in others first."""
        super().generic_visit(node)
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(node, field, None)
            if isinstance(statements, list):
                setattr(node, field, [each for s in statements for each in self._stepped(s)])
        return node

    def _stepped(self, statement: ast.stmt) -> Iterator[ast.stmt]:
        simple = isinstance(statement, ast.Assign | ast.AnnAssign | ast.Return | ast.Expr)
        for call in _calls_in(statement) if simple else ():
            name = source.called(call) or ""
            optimiser = OPTIMISERS.get(name) if name not in self.own else None
            steps = self._steps(optimiser, call) if optimiser is not None else None
            if optimiser is not None and steps is not None:
                self.replaced.append(name)
                yield from (_at(step, statement) for step in ast.parse(steps).body)
                found = ast.parse(optimiser.returns.format(x=self.names["theta"], cost=self.names["cost"]), mode="eval")
                yield _at(_Instead(call, found.body).visit(copy.copy(statement)), statement)
                return
        yield statement

    def _steps(self, optimiser: Optimiser, call: ast.Call) -> str | None:
        """The statements that step down; None where the optimiser is handed no gradient."""
        given = dict(zip(optimiser.arguments, call.args, strict=False)) | {k.arg: k.value for k in call.keywords}
        function, x0, slope = (given.get(name) for name in (*optimiser.arguments[:2], optimiser.gradient))
        if function is None or x0 is None or "approx_grad" in given:
            return None
        both = optimiser.may_return_both if slope is None else isinstance(slope, ast.Constant) and slope.value is True
        if (slope is None or isinstance(slope, ast.Constant)) and not both:
            return None
        names, more = self.names, given.get("args")
        args = f", *{ast.unparse(more)}" if isinstance(more, ast.Tuple) else f", {ast.unparse(more)}" if more else ""
        called = f"({ast.unparse(function)})({names['theta']}{args})"
        made = f"{names['cost']}, {names['gradient']} = {called}"
        if not both:
            made = f"{names['cost']} = {called}\n    {names['gradient']} = "
            made += f"({ast.unparse(slope)})({names['theta']}{args})"  # type: ignore[arg-type]
        gradient = f"{self.numpy}.reshape({names['gradient']}, -1)"
        return _STEPS.format(
            x=names["theta"], x0=ast.unparse(x0), numpy=self.numpy, made=made, rate=RATE, gradient=gradient
        )


def _calls_in(node: ast.AST) -> Iterator[ast.Call]:
    """Those that are made where it stands, and not when a function in it is called."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Lambda | ast.FunctionDef | ast.ClassDef):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _calls_in(child)


class _Instead(ast.NodeTransformer):
    def __init__(self, call: ast.Call, other: ast.expr) -> None:
        self.call, self.other = call, other

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """What stands in the place of one call."""
        return self.other if node is self.call else self.generic_visit(node)  # type: ignore[return-value]


def _at(node: ast.stmt, where: ast.stmt) -> ast.stmt:
    """The statement, all of which stands where another does."""
    for part in ast.walk(node):
        if "lineno" in part._attributes:
            ast.copy_location(part, where)
    return node
