"""Which names statements read and bind, and which statements others need."""

from __future__ import annotations

import ast
import copy
import itertools
import re
from collections.abc import Callable, Collection, Iterator, Sequence

_EFFECTS = re.compile(r"save|load|print|plot|show|dump|write|input|exit")


def inner_first(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes, the parts of an expression before the expression: the order in which they are evaluated."""
    for child in ast.iter_child_nodes(node):
        yield from inner_first(child)
    yield node


def names_read(node: ast.AST) -> list[str]:
    """The names that a statement reads and does not bind itself before, in order."""
    if isinstance(node, ast.For):
        own = set(names_bound(node.target))
        return names_read(node.iter) + [name for name in names_free([*node.body, *node.orelse]) if name not in own]
    if isinstance(node, ast.If | ast.While):
        return names_read(node.test) + names_free(node.body) + names_free(node.orelse)
    if isinstance(node, ast.FunctionDef):
        own = {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
        own |= {name for statement in node.body for name in names_bound(statement)}
        return [name for statement in node.body for name in names_read(statement) if name not in own]
    inside = list(inner_first(node))
    own = {n for part in inside if isinstance(part, ast.comprehension) for n in names_bound(part.target)}
    own |= {argument.arg for part in inside if isinstance(part, ast.Lambda) for argument in part.args.args}
    found = []
    for inner in inside:
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
            found.append(inner.id)
        elif isinstance(inner, ast.AugAssign) and isinstance(inner.target, ast.Name):
            found.append(inner.target.id)
    return [name for name in found if name not in own]


def names_bound(node: ast.AST) -> list[str]:
    """The names that are assigned in it; of a function its own. Those of a comprehension are nobody else's."""
    if isinstance(node, ast.FunctionDef):
        return [node.name]
    inside = list(ast.walk(node))
    own = {id(n) for part in inside if isinstance(part, ast.comprehension) for n in ast.walk(part.target)}
    stored = [n for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return [name.id for name in stored if id(name) not in own]


def names_written(statement: ast.AST) -> list[str]:
    """The names that a statement binds, or into which it stores."""
    found = names_bound(statement)
    for node in ast.walk(statement) if not isinstance(statement, ast.FunctionDef) else ():
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            found.append(node.value.id)
        elif name := filled(node):
            found.append(name)
    return found


def filled(node: ast.AST) -> str | None:
    """The list that something is put into: acts of `acts.append(a)`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
        return node.func.value.id if node.func.attr in ("append", "extend", "insert") else None
    return None


def names_free(body: Sequence[ast.AST]) -> list[str]:
    """What statements read before they write it."""
    found: list[str] = []
    written: set[str] = set()
    for statement in body:
        found += [name for name in names_read(statement) if name not in written]
        written |= set(names_bound(statement))
    return list(dict.fromkeys(found))


def needed(
    statements: list[ast.stmt], wanted: set[str], without: set[str], given: Collection[str] = ()
) -> list[ast.stmt]:
    """The statements that the wanted names depend on; none that writes a name of `without`, and none for the sake of
    what is given."""
    kept: list[ast.stmt] = []
    for i, statement in reversed(list(enumerate(statements))):
        changed = _filled(statement)
        if changed in wanted and any(changed in names_bound(earlier) for earlier in statements[:i]):
            kept.append(statement)
            wanted = wanted | set(names_read(statement))
            continue
        simple = isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.If | ast.For | ast.FunctionDef)
        written = set(names_written(statement))
        if simple and written & wanted and not written & without:
            kept.append(statement)
            settled = set(names_bound(statement)) if isinstance(statement, ast.Assign) else set()
            wanted = (wanted - settled) | (set(names_read(statement)) - set(given))
    return kept[::-1]


_FILLS = ("append", "extend", "insert", "update", "setdefault", "add_argument")


def _filled(statement: ast.stmt) -> str | None:
    """The name of what a statement puts something into by a method, and does nothing else: parser.add_argument(...)."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    method = call.func if isinstance(call, ast.Call) else None
    if not (isinstance(method, ast.Attribute) and isinstance(method.value, ast.Name) and method.attr in _FILLS):
        return None
    return method.value.id


def values_read(node: ast.AST) -> set[str]:
    """The names of which more is read than how many samples there are."""
    return set(names_read(_WithoutSizes().visit(copy.deepcopy(node))))


class _WithoutSizes(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if called in ("len", "range", "shape", "size", "ndim", "zeros_like", "ones_like", "empty_like"):
            return ast.copy_location(ast.Constant(0), node)
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if node.attr in ("shape", "size", "ndim"):
            return ast.copy_location(ast.Constant(0), node)
        return self.generic_visit(node)


def descended(statements: Sequence[ast.stmt], is_one: Callable[[str], bool], other: Callable[[str], bool]) -> set[str]:
    """The names that statements make of names that are such ones and of none that are others, counts left out:
    T of `T = np.eye(k)[y]`, not m of `m = len(y)`."""
    found: set[str] = set()
    for statement in statements:
        if isinstance(statement, ast.Assign) and not _COUNT.search(ast.unparse(statement.value)):
            read = values_read(statement)
            if any(is_one(name) or name in found for name in read) and not any(map(other, read)):
                found |= set(names_bound(statement))
    return found


_COUNT = re.compile(r"^(int|float|max|min|set)\(|\.(max|min|unique)\(")


def without_asides(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements that matter to the gradients: none that print, plot, note or stop."""
    kept = []
    for statement in body:
        inside = list(ast.walk(statement))
        others = {name for other in body if other is not statement for name in names_read(other)}
        leaves = any(isinstance(n, ast.Break | ast.Continue | ast.Return) for n in inside)
        matters = set(names_written(statement)) & others or not _only_binds(statement)
        if isinstance(statement, ast.If) and (leaves or not matters):
            continue
        if isinstance(statement, ast.Expr) and not (
            _writes_into(statement.value) or {filled(statement.value)} & others
        ):
            continue
        if not leaves and not isinstance(statement, ast.Pass | ast.Import | ast.ImportFrom | ast.Assert):
            kept.append(statement)
    return kept


def that_matter(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements of a turn without those that only bind names that no other statement reads: the accuracy on data
    for a test and what leads to it. Costs stay."""
    kept = body
    while True:
        read = [set(names_read(statement)) for statement in kept]
        matter = [
            not _only_binds(statement)
            or any(_COST.search(name) for name in names_written(statement))
            or any(set(names_written(statement)) & names for j, names in enumerate(read) if j != i)
            for i, statement in enumerate(kept)
        ]
        if all(matter):
            return kept
        kept = list(itertools.compress(kept, matter))


_COST = re.compile(r"cost|loss|^j$|mse|objective|err|nll", re.IGNORECASE)


def _only_binds(statement: ast.stmt) -> bool:
    """Whether it stores in names alone, and in no attribute."""
    if not isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.If):
        return False
    stored = (n for n in ast.walk(statement) if isinstance(getattr(n, "ctx", None), ast.Store))
    return all(isinstance(root_of(node), ast.Name | ast.Tuple | ast.List | ast.Starred) for node in stored)


def root_of(node: ast.AST) -> ast.AST:
    """What an element is stored in: w of w[1:], self.w of self.w[0]."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node


def _writes_into(call: ast.expr) -> bool:
    """Whether a call of NumPy's changes an array: np.clip(dW, -5, 5, out=dW), np.add.at(...)."""
    if not isinstance(call, ast.Call):
        return False
    text = ast.unparse(call.func)
    return text.startswith(("np.", "numpy.", "self.")) and not _EFFECTS.search(text)
