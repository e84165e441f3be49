"""Code that clips its gradients before it applies or returns them, each entry or their norm: what is compared is the
gradient, so the clipping is left out (R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent
neural networks", 2013, section 3.2: it makes another step of a gradient, and no gradient).

What bounds activations stays: `z = np.clip(z, -500, 500)` ahead of an exponential, and bounds that are not opposite.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gradcompare.loading.rewriting import replaced

_GRADIENT = re.compile(r"^(d(?!ata|ist|im|ecay|rop|ep|eg|ens|igit|oc|ay)\w+|.*([gG]rad|nabla|[dD]elta).*)$")
"""What is called like a gradient: dW1 and dhnext, and not data, distances or depth."""
_GOES_BACK = re.compile(r"back|bptt|bprop|grad|loss|clip|update|step|train|fit|learn|optim", re.IGNORECASE)
"""How functions are called in which gradients are clipped; outside of functions all may be."""


def without_clipping(tree: ast.Module, text: str) -> tuple[int, str] | None:
    """The line in which gradients are clipped first, and the text without that; None where none are."""
    parts = list(_clips(tree, ""))
    if not parts:
        return None
    rewritten = replaced(text, parts)
    try:
        ast.parse(rewritten)
    except SyntaxError:  # a line goes on behind a backslash
        return None
    return min(node.lineno for node, _ in parts), rewritten


def _clips(node: ast.AST, function: str) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """(what clips, what is to stand in its place)."""
    if isinstance(node, ast.FunctionDef):
        function = node.name
    may_be = not function or _GOES_BACK.search(function)
    if isinstance(node, ast.Expr) and (clipped := _between_opposites(node.value)) is not None:
        out = next((k.value for k in node.value.keywords if k.arg == "out"), None)  # type: ignore[attr-defined]
        if may_be and out is not None and ast.unparse(out) == ast.unparse(clipped):
            yield node, "pass"
            return
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and may_be:
        clipped, target = _between_opposites(node.value), ast.unparse(node.targets[0])
        if clipped is not None and ast.unparse(clipped) == target and _GRADIENT.match(_word(clipped)):
            yield node.value, target
            return
    if isinstance(node, ast.If) and may_be and _shrinks(node):
        yield node.test, "False"
        return
    for child in ast.iter_child_nodes(node):
        yield from _clips(child, function)


def _between_opposites(value: ast.AST) -> ast.expr | None:
    """d of np.clip(d, -c, c)."""
    if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "clip"):
        return None
    given = list(value.args)
    named = {k.arg: k.value for k in value.keywords}
    given += [named[name] for name in ("a_min", "a_max") if name in named]
    if len(given) != 3:
        return None
    least, most = (ast.unparse(bound) for bound in given[1:])
    return given[0] if least in (f"-{most}", f"-1 * {most}") or most == f"-{least}" else None


def _word(node: ast.expr) -> str:
    """The name of what is clipped: dW of self.dW, grads of grads["W1"]."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _shrinks(node: ast.If) -> bool:
    """Whether it is `if norm > most: d *= most / norm`, and nothing else: what is divided by a norm alone, where that
    is not 0, is made of unit length."""
    limits = {
        compare.left.id: ast.unparse(compare.comparators[0])
        for compare in ast.walk(node.test)
        if isinstance(compare, ast.Compare) and isinstance(compare.ops[0], ast.Gt | ast.GtE)
        if isinstance(compare.left, ast.Name) and "norm" in compare.left.id.lower()
    }
    shares = [part for s in node.body for part in ast.walk(s) if isinstance(part, ast.BinOp) and _is_division(part)]
    return not node.orelse and any(
        _holds(share.right, norm) and _holds(share.left, most) for share in shares for norm, most in limits.items()
    )


def _is_division(node: ast.BinOp) -> bool:
    return isinstance(node.op, ast.Div)


def _holds(node: ast.expr, text: str) -> bool:
    return any(ast.unparse(part) == text for part in ast.walk(node) if isinstance(part, ast.expr))
