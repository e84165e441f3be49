"""What the arguments of a constructor ask for whose names say nothing: by what the file's own call gives them, and by
what is done with them."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from gradcompare.interfaces import source, usage, words
from gradcompare.interfaces.layouts import REGULARISATION
from gradcompare.interfaces.lent import SLOPE, lent, says
from gradcompare.tracing import stood_in

DATA = ("inputs", "targets")


class Asked(NamedTuple):
    """What is known of arguments beside their names."""

    words: Mapping[str, str]
    """What the file calls what it gives them."""
    roles: Mapping[str, str]
    """See `Plan.roles`."""
    values: Mapping[str, Any]
    """What they are given, whatever the network: functions of the file, words that they are compared with."""
    numbers: Mapping[str, Any]
    """What those may be given that the code only calculates with, if they are no widths."""
    stands_in: Mapping[str, str]
    """What those are given, in words, in whose place something of ours is."""


INITIALISER = r"initiali[sz]er(f(n|unc|unction)?)?$|^init$|initf(n|unc)"
"""How an argument is called, in small letters without underscores, that makes weights of a shape."""


def draws(*shape: Any, **_: Any) -> np.ndarray:
    """What makes weights of a shape, however that is said."""
    lengths = np.ravel(np.array(shape, dtype=int))
    return np.random.default_rng(int(lengths.sum())).standard_normal(lengths)


_NAMES = ("name", "layername", "scope")
"""What is called by one of these is text, for a message or for a key."""


_OF_CONVOLUTIONS = {
    re.compile(r"^(conv)?_?(kernel|filter|patch|window)_?(size|len|length|width|dim)$"): 2,
    re.compile(r"^(max|avg|mean)?_?pool(ing)?_?(size|len|length|width|dim)$"): 2,
    re.compile(r"^(conv|pool)?_?strides?$"): 1,
    re.compile(r"^(conv)?_?pad(ding)?$"): 0,
    re.compile(r"^(n|num|conv)_?(of)?_?(filters|kernels|channels|maps)\d?$"): 3,
}
"""What a network is given for the sizes of its convolution and its pool, which fit on few inputs."""


def asked(function: Callable[..., Any], names: list[str], others: list[str]) -> Asked:
    """What is known of these arguments of an initialiser or constructor; of the others only what may be a function."""
    made: Any = getattr(function, "__init__", function) if inspect.isclass(function) else function
    if not (names or others) or not inspect.isfunction(made):
        return Asked({}, {}, {}, {}, {})
    space = made.__globals__
    tree = source.parsed(str(space.get("__file__")))
    given = _given(function, made, tree)
    said = {name: word for name in names if (word := _word(given.get(name)))}
    said |= dict.fromkeys((name for name in names if usage.stands_between(made, name)), "hidden_sizes")
    said = {name: word for name, word in said.items() if list(said.values()).count(word) == 1 and word not in names}
    values = {name: value for name in (*names, *others) for value in _functions(given.get(name), tree, space)}
    numbers: dict[str, Any] = {}
    for name in set(names) - set(values):
        told = usage.told(made, name)
        values |= {name: told[0]} if told and isinstance(told[0], str) else {}
        numbers |= {name: told[0]} if told == [REGULARISATION] and name not in said else {}
    values |= {name: name for name in names if words.plain(name) in _NAMES}
    values |= {name: draws for name in names if name not in values and re.search(INITIALISER, words.plain(name))}
    sizes = {n: size for n in names for called, size in _OF_CONVOLUTIONS.items() if called.match(n.lower())}
    values = sizes | values
    values |= _own_pair([name for name in (*names, *others) if name not in values], space)
    left_open = (name for name in {*names, *others} - set(values))
    stand_ins = {name: thing for name in left_open if (thing := lent(function, name)) is not None}
    values |= stand_ins
    roles = {name: "pair" for name in names if _is_pair(made, name)}
    left = [name for name in names if name not in roles and name not in values]
    kept = [name for name in left if usage.is_only_stored(function, name)]
    values |= {name: compared[0] for name in kept if (compared := usage.word_kept(function, name))}
    kept = [name for name in kept if name not in values and not usage.is_length_later(function, name)]
    roles |= {name: usage.kept_as(function, name) for name in kept}
    return Asked(said, roles, values, numbers, {name: says(name) for name in sorted(stand_ins)})


def _own_pair(names: list[str], space: Mapping[str, Any]) -> dict[str, Any]:
    """An activation of the file and its derivative, for two arguments that are called so."""
    from gradcompare.interfaces.chain import with_slopes  # which makes objects by what is asked here

    called_so = [name for name in names if ACTIVATIONS_GIVEN.search(words.plain(name))]
    slopes = [name for name in called_so if SLOPE.search(words.plain(name))]
    own = [f for f in space.values() if inspect.isfunction(f) and f.__globals__ is space]
    pair = next(with_slopes(own), None) if len(called_so) == 2 and len(slopes) == 1 else None
    return {name: pair[name in slopes] for name in called_so} if pair is not None else {}


ACTIVATIONS_GIVEN = re.compile(r"activation|^act(fn|f|func|function)?$|prime|deriv|^(f|df|func|function|g|dg)$")
"""How arguments are called, without underscores, that are an activation or its derivative."""


def functions_given(made: type) -> dict[str, Any]:
    """The functions that the file's own first call gives a constructor, by its arguments."""
    begin: Any = made.__init__  # type: ignore[misc]
    if not inspect.isfunction(begin):
        return {}
    tree = source.parsed(str(begin.__globals__.get("__file__")))
    given = _given(made, begin, tree)
    found = {name: next(_functions(value, tree, begin.__globals__), None) for name, value in given.items()}
    return {name: function for name, function in found.items() if function is not None}


def objects_always_given(made: type) -> list[Any]:
    """The defaults of a constructor that are objects of a class of the file's, where every call of the file's gives
    another, and there is one: no two of what is made share them."""
    begin: Any = made.__init__  # type: ignore[misc]
    if not inspect.isfunction(begin):
        return []
    calls = list(_calls(made, begin, source.parsed(str(begin.__globals__.get("__file__")))))
    defaults = {
        n: p.default for n, p in source.signature(begin).items() if type(p.default).__module__ == made.__module__
    }
    return [default for name, default in defaults.items() if calls and all(name in given for given in calls)]


def _given(function: Any, made: Any, tree: ast.Module) -> dict[str, ast.expr]:
    """The expressions that the file's own first call gives the arguments."""
    return next(_calls(function, made, tree), {})


def _calls(function: Any, made: Any, tree: ast.Module) -> Iterator[dict[str, ast.expr]]:
    """The expressions that each of the file's own calls gives the arguments."""
    order = source.argument_names(made)
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and source.called(call) == getattr(function, "__name__", ""):
            by_position = dict(zip(order, call.args, strict=False))
            yield by_position | {k.arg: k.value for k in call.keywords if k.arg}


def _word(given: ast.expr | None) -> str:
    """What an expression is called; n_inputs of X.shape[1], n_outputs of Y.shape[1]."""
    if isinstance(given, ast.Subscript) and isinstance(given.value, ast.Attribute) and given.value.attr == "shape":
        role = words.role_of_argument(source.identifier(given.value.value) or "")
        return {"inputs": "n_inputs", "targets": "n_outputs"}.get(str(role), "")
    if isinstance(given, ast.List) and all(isinstance(e, ast.Constant | ast.Name | ast.Subscript) for e in given.elts):
        return "layer_sizes" if len(given.elts) > 1 else ""
    return source.identifier(given) or "" if isinstance(given, ast.Name | ast.Attribute) else ""


def _functions(given: ast.expr | None, tree: ast.Module, space: Mapping[str, Any]) -> Iterator[Any]:
    """The function of the file, or what stands in for one of a file that is not there, that an expression is, or that
    a loop or a call gives a name first."""
    expression = given
    if isinstance(given, ast.Name):
        expression = _first_of(given.id, tree) or _handed_on(given, tree) or given
    if not isinstance(expression, ast.Name):
        return
    if inspect.isfunction(space.get(expression.id)):
        yield space[expression.id]
    elif expression.id in space or _is_argument(expression, tree):
        return
    elif (row := stood_in.row(expression.id)) is not None:
        yield row.alone


def _is_argument(name: ast.Name, tree: ast.Module) -> bool:
    """Whether a name is that of an argument of a function in which it stands, and of no function from elsewhere."""
    around = (f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) and any(n is name for n in ast.walk(f)))
    return any(argument.arg == name.id for f in around for argument in (*f.args.args, *f.args.kwonlyargs))


def _handed_on(given: ast.Name, tree: ast.Module) -> ast.expr | None:
    """What the file's own call gives the argument that a function hands on under this name: tanh of
    `net.add(4, activation=tanh)` for `def add(self, n, activation): self.layers.append(Layer(n, activation))`."""
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    around = next((f for f in functions if any(node is given for node in ast.walk(f))), None)
    names = [argument.arg for argument in around.args.args if argument.arg != "self"] if around is not None else []
    if around is None or given.id not in names:
        return None
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and source.called(node) == around.name):
        said = dict(zip(names, call.args, strict=False)) | {k.arg: k.value for k in call.keywords if k.arg}
        if given.id in said:
            return said[given.id]
    return None


def _first_of(name: str, tree: ast.Module) -> ast.expr | None:
    """What a loop gives a name in its first turn: `for f, df in zip(functions, derivatives)`."""
    for loop in (node for node in ast.walk(tree) if isinstance(node, ast.For)):
        parts: list[tuple[ast.expr, ast.expr]] = [(loop.target, loop.iter)]
        if isinstance(loop.iter, ast.Call) and source.called(loop.iter) == "zip":
            parts = list(zip(getattr(loop.target, "elts", []), loop.iter.args, strict=False))
        for target, through in parts:
            if isinstance(target, ast.Name) and target.id == name and (listed := _listed(through, tree)):
                return listed[0]
    return None


def _listed(given: ast.expr, tree: ast.Module) -> list[ast.expr]:
    """The elements of a list that is written there, or assigned to the name."""
    if isinstance(given, ast.List | ast.Tuple):
        return given.elts
    assigned = (node for node in ast.walk(tree) if isinstance(node, ast.Assign) and isinstance(given, ast.Name))
    lists = (node.value for node in assigned if [ast.unparse(t) for t in node.targets] == [getattr(given, "id", "")])
    return next((value.elts for value in lists if isinstance(value, ast.List | ast.Tuple)), [])


def _is_pair(made: Any, name: str) -> bool:
    """Whether an argument is taken apart into samples and labels: `self.X, self.Y = data`."""
    for node in ast.walk(source.tree(made)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id == name:
            parts = [source.identifier(part) or "" for part in getattr(node.targets[0], "elts", [])]
            if [_data(part) for part in parts] == list(DATA):
                return True
    return False


def _data(name: str) -> str | None:
    """The role of something called like samples or labels, those to test with too."""
    word = words.plain(name).replace("test", "train").replace("val", "train")
    return words.role_of_argument(word)
