"""What a file's own code says of functions that it imports, and of the arrays that it feeds them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gradcompare.tracing import stood_in

WITH_CACHE = re.compile(r"dnn_?(app_?)?utils")
"""Helper files whose activations return A and Z, where the use does not tell."""


OF_Z = re.compile(r"^common\.functions$")
"""Helper files whose derivatives take Z whatever they are given: those of Koki Saitoh, "Deep Learning from Scratch"."""


def returns_two(tree: ast.AST, name: str, module: str) -> bool:
    """Whether a file takes two values from what a function of this name returns."""
    names = {name, *_aliases(tree, name)}
    for node in ast.walk(tree):
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign) and _is_call(value, names):
            return any(isinstance(target, ast.Tuple | ast.List) and len(target.elts) == 2 for target in node.targets)
        if isinstance(node, ast.Subscript) and _is_call(value, names):
            return isinstance(node.slice, ast.Constant) and node.slice.value in (0, 1)
        if any(_is_call(operand, names) for operand in _operands(node)):
            return False
    return bool(WITH_CACHE.match(module.rpartition(".")[2]))


def most_given(tree: ast.AST, name: str) -> int:
    """How many values a file's calls give a function at most."""
    names = {name, *_aliases(tree, name)}
    calls = [node for node in ast.walk(tree) if _is_call(node, names)]
    return max((len(call.args) + len(call.keywords) for call in calls if isinstance(call, ast.Call)), default=0)


def makes_objects(tree: ast.AST, name: str) -> bool:
    """Whether a file calls what has this name, or what a dict has of it, and never gives it anything: it is a class."""
    names = {name, *_aliases(tree, name)}
    called = any(_is_call(node, names) for node in ast.walk(tree)) or _is_looked_up_and_made(tree, name)
    return most_given(tree, name) == 0 and called


def _is_looked_up_and_made(tree: ast.AST, name: str) -> bool:
    """Whether it is in a dict whose entries are called with nothing: ACTIVATIONS[word]() of {"relu": ReLU}."""
    nodes = list(ast.walk(tree))
    held = (n for n in nodes if isinstance(n, ast.Assign) and isinstance(n.value, ast.Dict))
    dicts = {ast.unparse(t) for n in held if name in map(ast.unparse, n.value.values) for t in n.targets}  # type: ignore[attr-defined]
    empty = (n for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Subscript) and not n.args)
    return any(ast.unparse(call.func.value) in dicts for call in empty)  # type: ignore[attr-defined]


def builds_modules(tree: ast.AST, name: str) -> bool:
    """Whether a file builds classes on what has this name that define updateOutput and updateGradInput, as Torch has
    them."""
    for made in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        defined = {f.name.replace("_", "").lower() for f in made.body if isinstance(f, ast.FunctionDef)}
        if {*stood_in.OF_MODULES[:2]} <= defined and name in map(ast.unparse, made.bases):
            return True
    return False


def gives_activations(tree: ast.AST, name: str, module: str) -> bool:
    """Whether a file gives a derivative nothing but what an activation returned: sigmoid_grad(h), h = sigmoid(z); of a
    helper file of which it is not known what its derivatives take."""
    if OF_Z.match(module):
        return False
    names, activated, given = {name, *_aliases(tree, name)}, set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _is_activation(node.value.func):
            targets = [t.elts[0] if isinstance(t, ast.Tuple) else t for t in node.targets]
            activated |= {ast.unparse(target) for target in targets}
        elif isinstance(node, ast.Call) and _is_call(node, names) and node.args:
            given.add(ast.unparse(node.args[0]))
    return bool(given) and given <= activated


def _is_activation(function: ast.AST) -> bool:
    return bool(re.search(r"(sigmoid|relu|tanh|logistic|expit)$", ast.unparse(function), re.IGNORECASE))


def _operands(node: ast.AST) -> Iterator[ast.AST]:
    """What a formula or a call takes: where a pair of values would make no sense."""
    if isinstance(node, ast.BinOp):
        yield from (node.left, node.right)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Attribute):
        yield node.value
    elif isinstance(node, ast.Call):
        yield from node.args


def _aliases(tree: ast.AST, name: str) -> set[str]:
    imported = (a for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for a in node.names)
    return {a.asname for a in imported if a.name == name and a.asname}


def attributes_of(tree: ast.AST, module: str) -> set[str]:
    """The names that a file takes from a module that it imports whole: dnn_utils.sigmoid of `import dnn_utils`, or of
    `from helpers import dnn_utils`."""
    nodes = list(ast.walk(tree))
    imported = (a for node in nodes if isinstance(node, ast.Import) for a in node.names)
    names = {a.asname or a.name for a in imported if a.name == module}
    taken = ((node.module, a) for node in nodes if isinstance(node, ast.ImportFrom) for a in node.names)
    names |= {a.asname or a.name for of, a in taken if f"{of}.{a.name}" == module}
    return (
        {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and ast.unparse(node.value) in names}
        if names
        else set()
    )


def _is_call(node: ast.AST | None, names: set[str]) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    return (isinstance(called, ast.Name) and called.id in names) or (
        isinstance(called, ast.Attribute) and called.attr in names and not isinstance(called.value, ast.Call)
    )


def rows_are_samples(tree: ast.AST) -> bool:
    """Whether products with weights in a file have the weights on the right, X W; else on the left, W X."""
    votes = 0
    for node in ast.walk(tree):
        for left, right in _products(node):
            votes += _is_weight(right) - _is_weight(left)
    return votes > 0


def _products(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield node.left, node.right
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("dot", "matmul"):
        if len(node.args) == 2:
            yield node.args[0], node.args[1]
        elif len(node.args) == 1:
            yield node.func.value, node.args[0]


def _is_weight(node: ast.AST) -> bool:
    """W1, self.W1, params["W1"], weights: but not transposed, as they are on the way back."""
    if isinstance(node, ast.Name):
        name = node.id
    elif isinstance(node, ast.Attribute):
        name = node.attr
    elif isinstance(node, ast.Subscript):
        return _is_weight(node.value) or _is_text(node.slice)
    else:
        return False
    return bool(re.match(r"[wW](eights?)?_?\d*(_|$)|theta", name))


def _is_text(node: ast.AST) -> bool:
    texts = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return any(re.match(r"[wW]", text) for text in texts)
