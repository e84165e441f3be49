"""What the constructor of a layer may be given where no network says it: numbers, arrays, functions by what arguments
are called; and each of the words among which it lets one choose."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gradcompare.interfaces import source, words
from gradcompare.interfaces.asked import ACTIVATIONS_GIVEN, INITIALISER, draws, functions_given
from gradcompare.interfaces.keyed_settings import settings_class
from gradcompare.interfaces.layouts import RATE
from gradcompare.interfaces.lent import lent

IN, OUT = 4, 3
"""The width of what a layer is given, in all its axes where it is an image, and of what it gives."""
SAMPLES = 6
MOST_WAYS = 48
"""So many ways to make an object are tried."""
ACTIVATIONS = ("relu", "sigmoid", "tanh", "softmax", "leaky_relu", "linear", "ReLU", "Sigmoid", "Tanh")

Given = dict[str, Any]


def _array(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape)


VALUES: tuple[tuple[re.Pattern[str], tuple[Any, ...]], ...] = tuple(
    (re.compile(pattern), values)
    for pattern, values in (
        (INITIALISER, (draws, None)),
        (r"seed|randomstate", (0,)),
        (r"^(rng|generator)$", (np.random.default_rng(0),)),
        (r"^name$", ("layer",)),
        (r"train", (True,)),
        (r"stride|^s$", (1, 2, (1, 1))),
        (r"pad", (0, 1, "same", "valid", (0, 0))),
        (r"pool", (2, (2, 2))),
        (r"kernelsize|ksize|(filter|kernel)(size|dim|shape|width|height|h|w)$|^(f|k|ks|fh|fw|window)$", (3, (3, 3), 2)),
        (r"(input|image|img)(height|width|h|w)$|^(height|width)$", (IN,)),
        (r"gamma|^(scale|shift)$|beta$", (_array(IN), _array(1, IN), _array(IN, 1))),
        (r"^(w|ws|weights?|kernels?|filterweights?)$", (_array(IN, OUT), _array(OUT, IN), _array(OUT, IN, 3, 3))),
        (r"^(b|bias|biases)$", (_array(OUT), _array(1, OUT), _array(OUT, 1), True)),
        (r"(in|input|prev)\w*(channels?|depth|maps)|^(channels?|depth|cin|inc)$", (IN, OUT)),
        (r"(num|n|out|output)\w*(filters?|kernels?|channels?|maps)|^(filters?|kernels|cout|outc|depth)$", (OUT, IN)),
        (r"heads?$|groups?$", (2,)),
        (r"ndims?$", (2, 4)),
        (r"drop|rate|prob|ratio|keep|^p$", (0.5,)),
        (r"momentum|^mu$|decay", (0.9,)),
        (r"eps", (1e-5,)),
        (r"alpha|slope|leak|^a$", (0.1,)),
        (r"(in|input)\w*(shape|dims?|size)|^(shape|inputs?)$", (IN, (IN,), (IN, IN, IN), (1, IN), (IN, IN))),
        (r"(out|output)\w*(shape|dims?|size)|^outputs?$", (OUT, (OUT,), (1, OUT))),
    )
)  # the first that matches counts
"""Values for a required argument, by what it is called without underscores; the likeliest first."""


def options(made: type) -> dict[str, list[Any]]:
    """The words that arguments of a constructor may be: those that they, or what they are kept as, are compared with or
    looked up in."""
    found: dict[str, list[Any]] = {}
    given = _arguments(made)
    for name, parameter in given.items():
        kept = {name, f"self.{name}", *_kept_as(made, name)}
        said: list[Any] = list(dict.fromkeys(word for f in _own_functions(made) for word in compared(f, kept)))
        if lent(made, name) is not None:
            continue
        if not said and words.role_of_argument(name) == "activation" and not callable(parameter.default):
            said = list(ACTIVATIONS)
        if said and words.role_of_argument(name) == "activation" and parameter.default is not None:
            said.append(None)  # linear
        if said and len(said) <= 2 * len(ACTIVATIONS) and not re.search("init|optim|reg", name.lower()):
            found[name] = said
    return found


def ways(made: type, functions: Sequence[Callable[..., Any]], chosen: Mapping[str, Any]) -> Iterator[Given]:
    """What a constructor may be given beside what was chosen, the likeliest first."""
    given = {n: p for n, p in _arguments(made).items() if n not in chosen}
    needed = [n for n, p in given.items() if p.default is p.empty]
    settings = settings_class(made, needed[0]) if len(needed) == 1 else None
    if settings is not None:
        asked = [n for n, p in _arguments(settings).items() if p.default is p.empty]
        yield from ({**chosen, needed[0]: settings(**way)} for way in _products(asked, made, of_any_width=True))
        return
    pairs = _with_slopes(functions) if any(map(_is_function, needed)) else []
    together = [n for n in needed if _is_function(n)]
    if len(together) == 2 and pairs:
        needed = [n for n in needed if n not in together]
        for pair in pairs:
            for way in _products(needed, made):
                yield {**chosen, **way, **dict(zip(together, pair, strict=True))}
        return
    told = functions_given(made)
    stand_ins = {name: thing for name in needed if (thing := told.get(name, lent(made, name))) is not None}
    needed = [name for name in needed if name not in stand_ins]
    for way in _products(needed, made):
        yield {**chosen, **stand_ins, **way}
    missing = [n for n, p in given.items() if p.default is None and "initiali" in words.plain(n)]
    for way in _products([*needed, *missing], made) if missing else ():
        yield {**chosen, **way}


def _products(names: list[str], made: type, of_any_width: bool = False) -> Iterator[Given]:
    """Values for all of these, the likeliest first; `of_any_width`: what is a width is not said."""
    rows = [_values(name, made) for name in names]
    if of_any_width:
        rows = [(*row, *({IN, OUT} - set(row))) if {IN, OUT} & set(row) else row for row in rows]
    picks = itertools.islice(itertools.product(*(range(len(row)) for row in rows)), 4000)
    for picked in sorted(picks, key=lambda numbers: (sum(numbers), max(numbers, default=0)))[:MOST_WAYS]:
        yield {name: row[i] for name, row, i in zip(names, rows, picked, strict=True)}


def _values(name: str, made: type) -> tuple[Any, ...]:
    word = words.plain(name)
    if words.role_of_argument(name) in ("batch_size", "samples"):
        return (SAMPLES,)
    if words.role_of_argument(name) == "learning_rate" and "drop" not in words.plain(made.__name__):
        return (RATE,)
    for pattern, values in VALUES:
        if pattern.search(word):
            return values[1::-1] if word == "stride" and "pool" in words.plain(made.__name__) else values
    role = words.role_of_size(name)
    if role in ("in", "out", "hidden"):
        return (IN,) if role == "in" else (OUT,)
    return IN, OUT, 2, (IN,)


def _is_function(name: str) -> bool:
    return bool(ACTIVATIONS_GIVEN.search(words.plain(name)))


def _with_slopes(functions: Iterable[Callable[..., Any]]) -> list[tuple[Any, Any]]:
    from gradcompare.interfaces.chain import with_slopes

    return list(with_slopes(list(functions)))


def _arguments(made: type) -> Mapping[str, inspect.Parameter]:
    try:
        given = inspect.signature(made).parameters
    except (TypeError, ValueError):
        return {}
    return {n: p for n, p in given.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}


def _own_functions(made: type) -> list[Any]:
    return [f for _, f in inspect.getmembers(made, inspect.isfunction)]


def _kept_as(made: type, name: str) -> Iterator[str]:
    """self.act of `self.act = activation.lower()`."""
    for node in ast.walk(source.tree(made.__init__)):  # type: ignore[misc]
        if isinstance(node, ast.Assign) and name in {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}:
            yield from (ast.unparse(target) for target in node.targets)


def compared(function: Any, kept: set[str]) -> Iterator[str]:
    """The words that something is compared with, or looked up in a dict that is written there or in the file."""
    for node in ast.walk(source.tree(function)):
        if isinstance(node, ast.Compare) and _said(node.left) in kept:
            for other in node.comparators:
                yield from _strings(other, function)
        elif isinstance(node, ast.Subscript) and _said(node.slice) in kept:
            yield from _keys(node.value, function)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            if node.func.attr == "get" and _said(node.args[0]) in kept:
                yield from _keys(node.func.value, function)
        elif isinstance(node, ast.Match) and _said(node.subject) in kept:
            for case in node.cases:
                values = (n.value for n in ast.walk(case.pattern) if isinstance(n, ast.MatchValue))
                for value in values:
                    yield from _strings(value, function)


def _said(node: ast.expr) -> str:
    """The expression without what makes small letters of it."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    return ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""


def _strings(node: ast.expr, function: Any) -> Iterator[str]:
    parts = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    yield from (p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str))
    yield from _keys(node, function)


def _keys(node: ast.expr, function: Any) -> Iterator[str]:
    if isinstance(node, ast.Dict):
        yield from (k.value for k in node.keys if isinstance(k, ast.Constant) and isinstance(k.value, str))
    named = getattr(function, "__globals__", {}).get(node.id) if isinstance(node, ast.Name) else None
    if isinstance(named, dict):
        yield from (key for key in named if isinstance(key, str))
