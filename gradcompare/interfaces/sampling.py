"""What a training loop goes through: samples and labels one by one, in batches, or by their places; and what it only
counts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gradcompare.interfaces import dataflow, words


def paired_roles(loop: ast.For | ast.While, roles: Mapping[str, str]) -> dict[str, str]:
    """{name: role} of what a loop takes one by one from samples and labels: l of `for x, l in zip(images, labels)`."""
    if not isinstance(loop, ast.For):
        return {}
    found = {}
    for target, source_ in _paired(loop.target, loop.iter):
        role = roles.get(source_) or words.role_of_argument(source_)
        if role in ("inputs", "targets"):
            found[target] = role
    return found or dict(zip(_pair_of(loop), ("inputs", "targets"), strict=False))


def _pair_of(loop: ast.For) -> list[str]:
    """The names of a sample and its label where a loop takes both from a list that is called like one of samples, and
    they themselves say nothing: `for center, context in pairs`."""
    names = [part.id for part in getattr(loop.target, "elts", []) if isinstance(part, ast.Name)]
    silent = len(names) == 2 and all(words.role_of_argument(name) in (None, "cache") for name in names)
    is_list = isinstance(loop.iter, ast.Name) and _PAIRS.search(loop.iter.id)
    return names if silent and is_list and not words.parameter_pairs(names) else []


def _paired(target: ast.expr, taken: ast.expr) -> Iterator[tuple[str, str]]:
    """(name, the name of what it is an element of)."""
    while isinstance(taken, ast.Attribute):  # features.values
        taken = taken.value
    if isinstance(target, ast.Name) and isinstance(taken, ast.Name):
        yield target.id, taken.id
    if not isinstance(taken, ast.Call) or not isinstance(target, ast.Tuple | ast.List):
        return
    called = getattr(taken.func, "id", "")
    if called == "zip" and len(target.elts) == len(taken.args):
        for one, of in zip(target.elts, taken.args, strict=True):
            yield from _paired(one, of)
    elif called == "enumerate" and taken.args and len(target.elts) == 2:
        yield from _paired(target.elts[1], taken.args[0])
    elif called == "tqdm" and taken.args:
        yield from _paired(target, taken.args[0])


def gives_batches(loop: ast.For) -> bool:
    """Whether what a loop goes through may be several samples each: by its name, or because a function makes it."""
    nodes = [n for part in (loop.target, loop.iter) for n in ast.walk(part)]
    called = {getattr(n.func, "id", getattr(n.func, "attr", "")) for n in nodes if isinstance(n, ast.Call)}
    names = [n.id for n in nodes if isinstance(n, ast.Name)]
    return bool(called - _ONE_BY_ONE) or any(map(_BATCH.search, names))


_PAIRS = re.compile(r"pairs?$|samples$|examples$|(^|_)data(set)?$", re.IGNORECASE)
_ONE_BY_ONE = {"zip", "enumerate", "tqdm", "list", "iter", "reversed", "range", "len"}
_BATCH = re.compile(r"batch|chunk|split|^[xy]b$|_b$", re.IGNORECASE)
_ONE_NUMBER = ("int", "randint", "randrange")


def whole_numbers(statement: ast.stmt) -> list[str]:
    """The name that a statement gives one number that may be the place of a sample: k of `k = np.random.randint(m)` and
    of `k = order[i]`."""
    value = statement.value if isinstance(statement, ast.Assign) else None
    called = getattr(value.func, "attr", getattr(value.func, "id", "")) if isinstance(value, ast.Call) else ""
    drawn = called in _ONE_NUMBER and not any(k.arg == "size" for k in value.keywords) and len(value.args) < 3  # type: ignore[union-attr]
    one = isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Name)
    return dataflow.names_bound(statement) if drawn or one else []


def counted_from(loop: ast.For, roles: Mapping[str, str] = MappingProxyType({})) -> list[ast.stmt]:
    """`i = 0` for what a loop counts, or where it begins, `i = 1`; samples and labels that it goes through are
    given."""
    counts = isinstance(loop.iter, ast.Call) and getattr(loop.iter.func, "id", "") in ("range", "trange")
    named = [(name, roles.get(name) or words.role_of_argument(name)) for name in dataflow.names_bound(loop.target)]
    counted = [name for name, role in named if counts or role not in ("inputs", "targets")]
    ranges = [n.args for n in ast.walk(loop.iter) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "range"]
    begins = [args[0].value for args in ranges if len(args) > 1 and isinstance(args[0], ast.Constant)]
    first = ast.Constant(begins[0] if len(begins) == len(counted) == 1 else 0)
    made = (ast.Assign([ast.Name(name, ast.Store())], first) for name in counted)
    return [ast.fix_missing_locations(ast.copy_location(statement, loop.target)) for statement in made]
