"""What a constructor is handed and only other files have, by what the class does with it: activations, in whose place
is tanh, as an object or as functions; and optimisers, which go down the gradient."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from gradcompare.interfaces import paths, source, words
from gradcompare.interfaces.layouts import RATE
from gradcompare.tracing import stood_in

SLOPE = re.compile(
    r"deriv|prime|grad|slope|^df?$|^d_?(act|f|g|fn|func|function|sigma)|(act|f|fn|func|function)_?d$|_d[zx]?$"
)
_BACK = re.compile(r"^_?back|bprop|bwd")
_ACTIVATION = re.compile(r"act|nonlin|squash|transfer|sigma$|^(f|g|func|function|fn|phi|h)$")

_OPTIMISER = re.compile(r"^(\w*optimi[sz]er|optim|opt|updater|solver)$")


class _Use(NamedTuple):
    """A call of what an argument is kept as, or of a method of it."""

    argument: str
    method: str | None
    call: ast.Call


class Activation:
    """tanh, by whatever its methods are called."""

    def __init__(self, of_output: bool, methods: frozenset[str] = frozenset()) -> None:
        self._of_output, self._methods, self._z = of_output, methods, None

    def __call__(self, z: Any, *_: Any, **__: Any) -> Any:
        """What goes forward."""
        self._z = z
        return np.tanh(z)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._methods:
            raise AttributeError(name)
        return self._backward if _BACK.search(name) else self._slope if SLOPE.search(name) else self

    def _slope(self, *given: Any) -> Any:
        if len(given) == 2:
            return self._backward(*given)
        return stood_in.tanh_derivative_of_a(given[0]) if self._of_output else stood_in.tanh_derivative(given[0])

    def _backward(self, *given: Any) -> Any:
        """What it is given, but its own z, is the gradient of its output."""
        slopes = [array for array in given if array is not self._z and np.ndim(array) > 0]
        return slopes[0] * stood_in.tanh_derivative(self._z)


class Descent:
    """What takes the learning rate times a gradient from a parameter, in each of its methods, and returns what is left;
    of a gradient alone it returns what is to be taken off. `in_place`: the parameter itself is changed."""

    def __init__(self, methods: frozenset[str], in_place: bool) -> None:
        self._methods, self._in_place = methods, in_place
        self.learning_rate = RATE

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._methods:
            raise AttributeError(name)
        return self._step

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._step(*given, **named) if given or named else self

    def _step(self, *given: Any, **named: Any) -> Any:
        arrays = [array for array in (*given, *named.values()) if paths.is_array(array)]
        if len(arrays) < 2:
            return self.learning_rate * arrays[0] if arrays else self  # opt.copy(), and opt.delta(gradient)
        parameter, gradient = arrays[:2]
        less = parameter - self.learning_rate * gradient
        if self._in_place:
            parameter[...] = less
        return less


def is_optimiser(argument: str) -> bool:
    """Whether an argument is called like what applies gradients."""
    return bool(_OPTIMISER.search(words.plain(argument)))


def lent(made: Any, argument: str) -> Any:
    """What stands in for an activation, or an optimiser, that a class is handed under this name; None where it is
    something else, or is not known by what is done with it."""
    if not inspect.isclass(made):
        return None
    if is_optimiser(argument):
        uses = [use for use in _uses(made) if use.argument == argument]
        calls, methods = [use.call for use in uses], frozenset(use.method for use in uses if use.method is not None)
        nodes = (node for function in _own_functions(made) for node in ast.walk(source.tree(function)))
        alone = any(isinstance(node, ast.Expr) and node.value in calls for node in nodes)
        return Descent(methods, in_place=alone) if any(call.args for call in calls) else None
    says_so = _ACTIVATION.search(words.plain(argument)) or SLOPE.search(argument.lower())
    if not says_so or re.search("loss|cost|optim|reg|init", argument.lower()):
        return None
    uses = list(_uses(made))
    own = [use for use in uses if use.argument == argument]
    if not own:
        return None
    of_output = _is_of_output(made, uses)
    methods = frozenset(use.method for use in own if use.method is not None)
    if any(not (use.call.args or use.call.keywords) and use.method is None for use in own):  # the class of one
        return lambda: Activation(of_output, methods)
    if methods:
        return Activation(of_output, methods)
    derivative = stood_in.tanh_derivative_of_a if of_output else stood_in.tanh_derivative
    if SLOPE.search(argument.lower()):
        return derivative
    if any(_asks_which(use.call) for use in own):  # f(z), and f(z, True) for its derivative
        return lambda z, *which, **named: (derivative if any(which) or any(named.values()) else stood_in.tanh)(z)
    return stood_in.tanh


def says(argument: str) -> str:
    """What it is that stands in for what an argument of this name is handed."""
    return "steps down the gradient" if is_optimiser(argument) else "tanh"


def _asks_which(call: ast.Call) -> bool:
    """Whether a call says, beside what goes in, whether the derivative is wanted."""
    flags = [*call.args[1:], *(keyword.value for keyword in call.keywords)]
    return bool(flags) and all(isinstance(flag, ast.Constant) and flag.value in (True, False) for flag in flags)


def _uses(made: type) -> Iterator[_Use]:
    """The calls of what the constructor keeps of its arguments, or of the arguments themselves."""
    kept = dict(_kept(made))
    for function in _own_functions(made):
        here = {name: name for name in source.argument_names(function)} if function.__name__ == "__init__" else {}
        for call in (node for node in ast.walk(source.tree(function)) if isinstance(node, ast.Call)):
            of = call.func
            if (argument := (kept | here).get(ast.unparse(of))) is not None:
                yield _Use(argument, None, call)
            elif isinstance(of, ast.Attribute) and (argument := (kept | here).get(ast.unparse(of.value))) is not None:
                yield _Use(argument, of.attr, call)


def _kept(made: type) -> Iterator[tuple[str, str]]:
    """self.act of `self.act = activation`, and of `self.act = activation()`."""
    begin: Callable[..., Any] = made.__init__  # type: ignore[misc]
    names = source.argument_names(begin)
    for node in (n for n in ast.walk(source.tree(begin)) if isinstance(n, ast.Assign)):
        pairs = [(target, node.value) for target in node.targets]
        if isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(node.targets[0].elts, node.value.elts, strict=False))
        for target, value in pairs:
            given = value.func if isinstance(value, ast.Call) and not value.args else value
            if isinstance(given, ast.Name) and given.id in names:
                yield ast.unparse(target), given.id


def _own_functions(made: type) -> list[Any]:
    return [f for _, f in inspect.getmembers(made, inspect.isfunction)]


def _is_of_output(made: type, uses: list[_Use]) -> bool:
    """Whether derivatives are asked of what the activation gave rather than of what it was given."""
    ahead = [use.call for use in uses if not _says_slope(use) and use.call.args]
    back = {ast.unparse(use.call.args[0]) for use in uses if _says_slope(use) and use.call.args}
    if back & {ast.unparse(call.args[0]) for call in ahead}:
        return False
    nodes = (node for function in _own_functions(made) for node in ast.walk(source.tree(function)))
    given = [
        {ast.unparse(target) for target in node.targets}
        for node in nodes
        if isinstance(node, ast.Assign) and ast.unparse(node.value) in map(ast.unparse, ahead)
    ]
    if back & set().union(*given):
        return True
    ends = {text.rpartition(".")[2].strip("_")[:1].lower() for text in back}
    return bool(ends) and ends <= {"a", "o", "y"}


def _says_slope(use: _Use) -> bool:
    name = (use.method or use.argument).lower()
    return bool(SLOPE.search(name) or _BACK.search(name))
