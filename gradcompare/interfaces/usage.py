"""What an argument is that no name and no call of the file's tells, by what the code does with it: a number that it
calculates with, a word that it compares, how often it does something."""

from __future__ import annotations

import ast
import re
import types
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np

from gradcompare.interfaces import source, starts, words
from gradcompare.interfaces.layouts import REGULARISATION
from gradcompare.interfaces.multiplied import is_product, plain_name

_NUMERIC = ("int", "float", "max", "min", "print", "abs", "sqrt", "exp", "log", "power", "round", "str", "format")
"""Functions that take a number."""
_ARITHMETIC = ast.Mult | ast.Div | ast.Add | ast.Sub | ast.Pow | ast.FloorDiv | ast.Mod


DEEP = 3
"""Through so many functions that hand it on an argument is followed."""


def told(function: Callable[..., Any], argument: str, deep: int = DEEP) -> list[Any]:
    """[a value that an argument may have]; empty where the code, and the functions of the file that it hands it to, do
    more with it than to calculate."""
    tree = source.tree(function)
    return _value_of([use or _handed_on(function, parent, name, deep) for use, parent, name in _uses(tree, argument)])


def _handed_on(function: Callable[..., Any], parent: ast.AST, name: ast.Name, deep: int) -> str | None:
    """The use that another function of the file makes of what it is handed."""
    to = _handed_to(function, parent, name) if deep else None
    value = told(*to, deep - 1) if to is not None else []
    if not value:
        return None
    return f"={value[0]}" if isinstance(value[0], str) else _KINDS.get(type(value[0]))


_KINDS = {int: "count", float: "number", bool: "truth"}


_OF_ARRAYS = {"shape", "ndim", "T", "dot", "reshape", "ravel", "flatten", "sum", "mean", "astype", "transpose"}


@source.kept
def arrays_in(function: Callable[..., Any]) -> frozenset[str]:
    """The names that a function asks for what only arrays have: d of d.shape."""
    attributes = (node for node in ast.walk(source.tree(function)) if isinstance(node, ast.Attribute))
    return frozenset(a.value.id for a in attributes if a.attr in _OF_ARRAYS and isinstance(a.value, ast.Name))


@source.kept
def multiplied_in(function: Callable[..., Any]) -> tuple[str, ...]:
    """The arguments that a function multiplies with a matrix, in their order: i of np.dot(w, i) and i.T @ w."""
    factors = (factor for node in ast.walk(source.tree(function)) for factor in is_product(node))
    names = {name for factor in factors if (name := plain_name(factor)) is not None}
    return tuple(name for name in source.argument_names(function) if name in names)


_ENTRY_BY_ENTRY = {
    "multiply",
    "subtract",
    "add",
    "divide",
    "dot",
    "matmul",
    "sum",
    "mean",
    "square",
    "power",
    "log",
    "abs",
}


@source.kept
def only_calculates(function: Callable[..., Any], role: str) -> bool:
    """Whether the argument of this role is an operand of arithmetic wherever a function reads it, and of NumPy's
    functions that work entry by entry: nothing is compared with it, looked up by it, or made of it."""
    names = [name for name in source.argument_names(function) if words.role_of_argument(name) == role]
    tree = source.tree(function)
    parents = {id(child): parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    read = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in names]
    return len(names) == 1 and bool(read) and all(_is_operand(node, parents) for node in read)


def _is_operand(node: ast.expr, parents: Mapping[int, ast.AST]) -> bool:
    parent = parents[id(node)]
    if isinstance(parent, ast.Attribute):  # Y.T may be what something is looked up by
        return parent.attr in ("shape", "size") or (parent.attr == "T" and _is_operand(parent, parents))
    if isinstance(parent, ast.Call):
        return node in parent.args and source.called(parent) in _ENTRY_BY_ENTRY
    return isinstance(parent, ast.BinOp | ast.UnaryOp) and isinstance(getattr(node, "ctx", None), ast.Load)


_PLACES = (2, 3, 0, 1)
"""Of other words than the first two, where these are those that are given."""


def places(function: Callable[..., Any], argument: str, taken: Collection[int] = ()) -> list[Any]:
    """[the places that an argument may be], where a function takes rows by it, as words that were drawn; empty where it
    does not. `taken`: the places of the words that are given: who meets one of them again meets it as it is by then."""
    nodes = list(ast.walk(source.tree(function)))
    through = [n for n in nodes if isinstance(n, ast.For | ast.comprehension) and _is_name(n.iter, argument)]
    names = {argument, *(n.target.id for n in through if isinstance(n.target, ast.Name))}
    parts = (node for node in nodes if isinstance(node, ast.Subscript))
    drawn = re.match(r"neg(ative)?s?(_|$)", argument, re.IGNORECASE)
    takes_rows = drawn or any(_is_name(part.slice, name) for part in parts for name in names)
    return [np.array([place for place in _PLACES if place not in taken][:2])] if takes_rows else []


class Drawing:
    """What has methods that are asked for nothing but the place of a word."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda: int(np.random.randint(3))  # noqa: NPY002 (the stream that is the same in every run)


def no_array(function: Callable[..., Any], argument: str) -> list[Any]:
    """[what an argument is given by which a function takes one row of an array, of which it only calls methods, or with
    which it does nothing]; empty where it does anything else."""
    tree = source.tree(function)
    parents = {id(child): parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    read = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == argument and isinstance(n.ctx, ast.Load)]
    if not read:
        return [None]
    inner = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}  # what these do stands there
    read = [n for n in read if not (isinstance(a := parents[id(n)], ast.Call) and source.called(a) in inner)] or read
    around = [parents[id(node)] for node in read]
    handed = [_handed_to(function, a, node) for a, node in zip(around, read, strict=True)]
    if all(handed):
        return next(([thing] for to in handed if to for thing in no_array(*to) if isinstance(thing, Drawing)), [])
    if all(isinstance(a, ast.Attribute) and isinstance(parents[id(a)], ast.Call) for a in around):
        asked = {a.attr for a in around if isinstance(a, ast.Attribute)}
        alone = all(not call.args for a in around if isinstance(call := parents[id(a)], ast.Call))
        return [Drawing()] if alone and not asked & _OF_ARRAYS else []
    rows = [_is_place(a, node, parents) or _is_among_places(a, parents) for a, node in zip(around, read, strict=True)]
    others = [a for a, is_row in zip(around, rows, strict=True) if not is_row]
    compared = all(isinstance(a, ast.Compare | ast.List | ast.Call | ast.BinOp) for a in others)
    return [1] if any(rows) and compared and not any(isinstance(a, ast.BinOp) for a in others) else []


def _is_place(around: ast.AST, node: ast.AST, parents: Mapping[int, ast.AST]) -> bool:
    """Whether a name stands for a place in an array: A[i], A[i, 0]."""
    whole = parents.get(id(around)) if isinstance(around, ast.Tuple) else None
    outer, inner = (whole, around) if isinstance(whole, ast.Subscript) else (around, node)
    return isinstance(outer, ast.Subscript) and outer.slice is inner


def _is_among_places(around: ast.AST, parents: Mapping[int, ast.AST]) -> bool:
    """Whether what is around a name is a list of places: indices = [target], of A[indices] and A[indices, :]."""
    bound = parents.get(id(around)) if isinstance(around, ast.List) else None
    if not (isinstance(bound, ast.Assign) and isinstance(bound.targets[0], ast.Name)):
        return False
    slices = [node.slice for node in parents.values() if isinstance(node, ast.Subscript)]
    parts = [part for s in slices for part in (s.elts if isinstance(s, ast.Tuple) else [s])]
    return any(isinstance(part, ast.Name) and part.id == bound.targets[0].id for part in parts)


def _handed_to(function: Callable[..., Any], call: ast.AST, node: ast.Name) -> tuple[Callable[..., Any], str] | None:
    """The function of the same file, and its argument, that a name is handed to in a call."""
    if not isinstance(call, ast.Call) or node not in call.args or not isinstance(call.func, ast.Name):
        return None
    other = getattr(function, "__globals__", {}).get(call.func.id)
    if not isinstance(other, types.FunctionType) or other is function:
        return None
    names, place = source.argument_names(other), call.args.index(node)
    return (other, names[place]) if place < len(names) else None


def told_in(tree: ast.AST, name: str) -> list[Any]:
    """The same of a name in a tree."""
    return _value_of([use for use, *_ in _uses(tree, name)])


def _value_of(uses: list[str | None]) -> list[Any]:
    """The value that goes with all uses."""
    if not uses or None in uses:
        return []
    compared = [use[1:] for use in uses if use and use.startswith("=")]
    if compared:
        return compared[:1]
    return [1] if "count" in uses else [REGULARISATION] if "number" in uses else [False]


def _uses(tree: ast.AST, name: str) -> Iterator[tuple[str | None, ast.AST, ast.Name]]:
    """ "number", "count", "truth", or the word that it is compared with after a "="; None for anything else; and where.
    What is made of a state under its own name, and handed out, is another."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]
    is_state = words.role_of_argument(name) is None and not (words.WEIGHT.match(name) or words.BIAS.match(name))
    changed = is_state and any(isinstance(node.ctx, ast.Store) for node in names)
    out = {id(part) for node in ast.walk(tree) if isinstance(node, ast.Return) for part in ast.walk(node)}
    for parent in ast.walk(tree):
        if changed and id(parent) in out:
            continue
        for child in ast.iter_child_nodes(parent):
            if isinstance(child, ast.Name) and child.id == name and isinstance(child.ctx, ast.Load):
                yield _use(parent, child), parent, child


def _use(parent: ast.AST, name: ast.Name) -> str | None:
    if isinstance(parent, ast.BinOp):
        return "number" if isinstance(parent.op, _ARITHMETIC) else None
    if isinstance(parent, ast.UnaryOp):
        return "truth" if isinstance(parent.op, ast.Not) else "number"
    if isinstance(parent, ast.Compare):
        others = [side for side in (parent.left, *parent.comparators) if side is not name]
        texts = [text for side in others for text in _texts(side)]
        return f"={texts[0]}" if texts else "number"
    if isinstance(parent, ast.Match):
        values = (n.value for case in parent.cases for n in ast.walk(case.pattern) if isinstance(n, ast.MatchValue))
        texts = [text for value in values for text in _texts(value)]
        return f"={texts[0]}" if texts else "number"
    if isinstance(parent, ast.Call) and name in parent.args:
        called = source.called(parent)
        return "count" if called in ("range", "trange") else "number" if called in _NUMERIC else None
    if isinstance(parent, ast.If | ast.IfExp | ast.BoolOp | ast.While):
        return "truth"
    return "number" if isinstance(parent, ast.AugAssign | ast.FormattedValue) else None


def is_only_stored(made: Any, argument: str) -> bool:
    """Whether a constructor only keeps an argument, `self.table = table`, for what is not run while it makes the
    object."""
    begin = getattr(made, "__init__", None)
    if not isinstance(made, type) or begin is None:
        return False
    tree = source.tree(begin)
    called = {node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and source.is_of_self(node.func)}
    inner = [source.tree(f) for name in called if (f := getattr(made, name, None)) is not None]
    kept = [target for target in _assigned(tree, argument) if isinstance(target, ast.Attribute)]
    names = {target.attr for target in kept}
    uses = sum(_is_name(node, argument) and isinstance(node.ctx, ast.Load) for node in ast.walk(tree))  # type: ignore[attr-defined]
    loaded = (n for t in (tree, *inner) for n in ast.walk(t) if source.is_of_self(n) and isinstance(n.ctx, ast.Load))
    return 0 < uses == len(kept) and not names & {node.attr for node in loaded}


def kept_as(made: Any, argument: str) -> str:
    """What an argument that is only kept is given: a learning rate where a method multiplies by it, else nothing."""
    names = kept_under(made, argument)
    nodes = (n for f in _methods(made) for n in ast.walk(source.tree(f)) if isinstance(n, ast.BinOp))
    factors = (side for n in nodes if isinstance(n.op, ast.Mult) for side in (n.left, n.right))
    return "learning_rate" if any(source.is_of_self(side) and side.attr in names for side in factors) else "nothing"


def kept_under(made: Any, argument: str) -> set[str]:
    """The attributes that are what a constructor is given: method, of `self.method = method`."""
    return {t.attr for t in _assigned(source.tree(made.__init__), argument) if source.is_of_self(t)}


def _assigned(tree: ast.AST, argument: str) -> list[ast.expr]:
    """What is assigned an argument as it is: self.n of `self.k, self.n = k, n`."""
    assigns = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    pairs = [pair for node in assigns for pair in starts.one_by_one(node)]
    pairs += [(target, node.value) for node in assigns for target in node.targets[1:]]
    return [target for target, value in pairs if _is_name(value, argument)]


def word_kept(made: Any, argument: str) -> list[str]:
    """[the first word that a method compares with what a constructor keeps of an argument]; empty where none does."""
    names = kept_under(made, argument)
    compared = (n for f in _methods(made) for n in ast.walk(source.tree(f)) if isinstance(n, ast.Compare))
    own = (n for n in compared if source.is_of_self(n.left) and n.left.attr in names)
    return [word for n in own if isinstance(n.ops[0], ast.Eq | ast.In) for word in _texts(n.comparators[0])][:1]


def is_length_later(made: Any, argument: str) -> bool:
    """Whether what a constructor keeps of an argument is how long an array is that a method makes."""
    names = kept_under(made, argument)
    return any(names & starts.own_lengths_in(f) for f in _methods(made))


def _methods(made: Any) -> list[types.FunctionType]:
    return [f for f in vars(made).values() if isinstance(f, types.FunctionType)]


def stands_between(function: Callable[..., Any], argument: str) -> bool:
    """Whether a list is made of an argument with more before and after it: [n_in] + hidden + [n_out]."""
    for node in ast.walk(source.tree(function)):
        if isinstance(node, ast.List | ast.Tuple):
            parts = [part.value if isinstance(part, ast.Starred) else None for part in node.elts]
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            sides = [node.right, *(getattr(node.left, side, None) for side in ("right", "left"))]
            parts = sides if any(isinstance(side, ast.List | ast.Tuple) for side in sides) else []
        else:
            continue
        if any(part is not None and _is_name(part, argument) for part in parts[1:-1]):
            return True
    return False


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _texts(side: ast.expr) -> Iterator[str]:
    """The words in what something is compared with: "relu", or ("relu", "tanh")."""
    for node in [*getattr(side, "elts", []), side]:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
