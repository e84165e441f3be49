"""Functions with their derivatives that make no network: huber(p, t) and huber_grad(p, t), layernorm_backward(dy, xhat,
rstd, gamma) of a layernorm_forward that returns (y, xhat, rstd).

What such a derivative takes is told by names: what its function took or returned, and the gradient of the output. What
it gives is told by names too (dx, grad_anchor), else by the order of the arguments. The shapes are tried. A file is
read so where nothing else fits and everything in it that makes gradients is such a function.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcompare.interfaces import calling, naming, paths, source, usage, values, words
from gradcompare.interfaces.driven import Driven
from gradcompare.interfaces.pairs import SETTINGS, Shelf, incoming, library_of
from gradcompare.tracing.randomness import same_random_numbers

Function = Callable[..., Any]
Shape = tuple[int, ...]

ALIKE: tuple[Shape, ...] = ((6, 5), (6,), (6, 1))
"""The shapes that all arguments are given at first."""
MIXED: tuple[tuple[tuple[Shape, ...], ...], ...] = (
    (((6, 5),), ((5,), (6,), (6, 1), (1, 5), (5, 3), (3, 5), (6, 3), (3, 6), (3,), (1, 3), (6, 5))),
    (((5,), (3,)), ((5,), (6, 5), (6,), (3, 5), (6, 1), (3,))),
    (((2, 4, 6),), ((6,), (6, 5), (5,), (5, 6), (6, 6))),
    (((2, 6, 6, 3),), ((3, 3, 3, 4), (1, 1, 1, 4), (4,), (2, 2))),
    (((2, 3, 6, 6),), ((4, 3, 3, 3), (4,), (4, 1), (1, 4, 1, 1))),
)
"""Shapes of the first argument, and of the others beside it."""
MOST_TRIES = 1500
"""With each row of shapes."""


@dataclass
class Derivative:
    """A function, what gives its derivative, and what they are given; without a `backward` it gives both."""

    forward: Function
    backward: Function | None
    fixed: dict[str, Any] = field(default_factory=dict)
    """Arguments that are not differentiated."""
    shapes: dict[str, Shape] = field(default_factory=dict)
    """Of those that are."""
    rows: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Of which argument another is a row, and which argument says where it stands."""

    @property
    def name(self) -> str:
        """What its arrays are told apart by."""
        alone = re.sub(r"_?(forward|loss|cost)_?", "", self.forward.__name__)
        alone = re.sub(r"(Loss|Cost)?(And|_and)?_?[gG]rad(ient)?s?(?=_|[A-Z]|$)", "", alone)
        return alone or self.forward.__name__

    @property
    def is_cost(self) -> bool:
        """Whether its output is one number, of which the derivative is one of a cost."""
        return self.backward is None or _slope_argument(self.backward, self.forward) is None

    def output(self, arrays: Mapping[str, Any]) -> tuple[Any, Any]:
        """Output, and the array that it is multiplied by."""
        output, slope, _ = self.ran(dict(arrays))
        return output, slope

    def run(self, arrays: Mapping[str, Any]) -> tuple[Any, Any, tuple[Any, ...]]:
        """Output, the array that it is multiplied by, and the gradients of the arrays in order."""
        output, slope, gradients = self.ran(dict(arrays))
        return output, slope, tuple(_assigned(list(self.shapes), gradients).get(name) for name in self.shapes)

    def ran(self, given: dict[str, Any]) -> tuple[Any, Any, list[tuple[str, Any]]]:
        """Output, slope, and everything that may be a gradient, by name."""
        given = self.fixed | given
        given |= {name: given[table][given[place]] for name, (table, place) in self.rows.items()}
        with same_random_numbers():
            result = self.forward(**given)
        if self.backward is None:
            cost = values.cost_in(self.forward, result)
            found = [(name, a) for name, _, a in calling.entries(self.forward, result) if a is not cost]
            return cost, 1.0, found
        parts = list(result) if isinstance(result, tuple) else [result]
        output = parts[0]
        slope: Any = 1.0
        if not self.is_cost:
            slope = np.zeros_like(output) + np.cos(np.arange(1.0, output.size + 1)).reshape(output.shape)
        with same_random_numbers():
            made = self.backward(**self._of_backward(given, parts, slope))
        return output, slope, [(name, array) for name, _, array in calling.entries(self.backward, made)]

    def _of_backward(self, given: Mapping[str, Any], parts: list[Any], slope: Any) -> dict[str, Any]:
        """The arguments of what gives the derivative. LookupError where one cannot be told."""
        assert self.backward is not None
        names = calling.return_names(self.forward, len(parts))
        returned = {name: part for name, part in zip(names, parts, strict=True) if name}
        known = {words.plain(name): value for name, value in {**given, **returned}.items()}
        incoming_name = _slope_argument(self.backward, self.forward)
        rest = parts[1] if len(parts) == 2 else tuple(parts[1:])
        found: dict[str, Any] = {}
        for name, parameter in source.signature(self.backward).items():
            if name == incoming_name:
                found[name] = slope.copy()
            elif words.plain(name) in known:
                found[name] = known[words.plain(name)]
            elif parameter.default is not parameter.empty:
                continue
            elif len(parts) > 1 and (words.role_of_argument(name) == "cache" or "cache" in name.lower()):
                found[name] = rest
            elif name in SETTINGS:
                found[name] = SETTINGS[name]
            else:
                raise LookupError(name)
        return found


def _slope_argument(backward: Function, forward: Function) -> str | None:
    """The argument that is the gradient of the output."""
    taken = source.argument_names(forward)
    return next((name for name in source.argument_names(backward)[:1] if name not in taken and incoming(name)), None)


def _assigned(names: Sequence[str], gradients: list[tuple[str, Any]]) -> dict[str, Any]:
    """Which gradient is that of which argument: by name, and what is left in order."""
    found: dict[str, Any] = {}
    left: list[Any] = []
    for name, array in gradients:
        own = next((n for n in names if n not in found and _is_gradient_of(n, name)), None)
        if own is not None:
            found[own] = array
        else:
            left.append(array)
    return found | dict(zip([n for n in names if n not in found], left, strict=False))


def _is_gradient_of(argument: str, name: str) -> bool:
    return argument != name and naming.likeness(argument, name) == 3


# ---- finding them ----------------------------------------------------------------------------------------------------


def candidates(functions: Iterable[Function], classes: Iterable[type]) -> Iterator[Driven]:
    """The library of a file's functions with derivatives, where nothing else in it makes gradients."""
    functions = [*(f for f in functions if not _stands_in(f)), *statics_of(classes)]
    found = [derivative for derivative in pairs_of(functions) if _fits(derivative)]
    used = [f for d in found for f in (d.forward, d.backward) if f is not None]
    if not found or any(_makes_gradients(f) for f in functions if f not in used) or any(map(_has_backward, classes)):
        return
    yield library_of("function-layers", Several(found), used)


def _stands_in(function: Function) -> bool:
    """Whether a function is one of ours, in place of one that the file imports from elsewhere."""
    return (getattr(function, "__module__", None) or "").startswith("gradcompare.")


class Several(Shelf):
    """The arrays of several functions, inside of the domain of those that take logarithms or cut off."""

    def __init__(self, derivatives: list[Derivative]) -> None:
        super().__init__(derivatives)
        self.bounded = {
            f"{name}_{d.name}" for d in derivatives if _is_bounded(d.forward, d.backward) for name in d.shapes
        }

    def placed(self, name: str, array: np.ndarray) -> np.ndarray:
        """The array with its numbers where the functions are smooth."""
        return smooth(array) if name in self.bounded else array


def smooth(array: np.ndarray) -> np.ndarray:
    """Numbers between 0.1 and 0.9, of any."""
    return np.asarray(0.5 + 0.4 * np.tanh(2 * array)).astype(array.dtype)


def _is_bounded(*functions: Function | None) -> bool:
    """Whether they are meant for probabilities: they take logarithms, or cut off what leaves an interval."""
    called = {name for f in functions if f is not None for name in source.names_called(f)}
    return bool(called & {"log", "log2", "clip"})


def statics_of(classes: Iterable[type]) -> list[Function]:
    """The functions of classes that are given no object."""
    members = [member for made in classes for member in vars(made).values()]
    return [member.__func__ for member in members if isinstance(member, staticmethod)]


_MAKES = ("backward", "fused", "slope_of_cost", "update")
_SAYS_SO = re.compile(r"grad|prime|deriv|backward|bwd|backprop|bprop|^d_")


_LOOKS_ON = re.compile(r"wrapper|check|(^|_)test", re.IGNORECASE)
"""What hands on what another makes, or holds it against differences."""


def _makes_gradients(function: Function) -> bool:
    role = words.role_of_function(function.__name__.strip("_"))
    if _LOOKS_ON.search(function.__name__):
        return False
    return role in _MAKES or (role != "ignored" and _SAYS_SO.search(function.__name__.lower()) is not None)


def _has_backward(made: type) -> bool:
    own = [f for f in vars(made).values() if inspect.isfunction(f)]
    return any(_makes_gradients(f) for f in own)


_STEM = re.compile(
    r"(forward|fwd|backward|bwd|gradients?|grads?|derivatives?|deriv|prime|loss|cost|function|fn|^d(?=[a-z]{3}))"
)


def pairs_of(functions: list[Function]) -> Iterator[Derivative]:
    """Functions that may be a function and its derivative: of one stem, as huber_loss and huber_grad; or the only cost
    and the only gradient of the same arguments."""
    makers = [f for f in functions if _makes_gradients(f)]
    plain = [f for f in functions if f not in makers]
    for maker in makers:
        of_stem = [f for f in plain if _stem(f) == _stem(maker)]
        alike = [f for f in plain if source.argument_names(f) == source.argument_names(maker)]
        if of_stem or (len(makers) == 1 and len(alike) == 1):
            yield Derivative((of_stem or alike)[0], maker)
        elif words.role_of_function(maker.__name__) in ("fused", "slope_of_cost", "backward"):
            yield Derivative(maker, None)


def _stem(function: Function) -> str:
    return _STEM.sub("", words.plain(function.__name__))


# ---- what they are given ---------------------------------------------------------------------------------------------


def _fits(derivative: Derivative) -> bool:
    """Whether shapes were found under which it runs and gradients have their arguments' shapes; of several ways to read
    the derivative of a cost the one under which it is one, if any is."""
    likeliest: tuple[tuple[int, bool, int, int], dict[str, Any], dict[str, Shape]] | None = None
    for given in _tries(derivative):
        derivative.fixed, derivative.shapes = given, {}
        for graded in _readings(derivative):
            fixed = {name: value for name, value in given.items() if name not in graded}
            derivative.fixed, derivative.shapes = fixed, {name: given[name].shape for name in graded}
            if not derivative.is_cost or _is_derivative(derivative, {name: given[name] for name in graded}):
                return True
            of_weights = any(naming.is_weight(name, np.zeros(1)) for name in graded)
            poor = sum(1 in value.shape for value in given.values() if isinstance(value, np.ndarray))
            rank = sum(map(_is_label, graded)), not of_weights, poor, list(given).index(graded[0])
            if likeliest is None or rank < likeliest[0]:
                likeliest = rank, derivative.fixed, derivative.shapes
            derivative.fixed, derivative.shapes = given, {}
    if likeliest is None:
        return False
    _, derivative.fixed, derivative.shapes = likeliest
    return True


def _meet_outputs(derivative: Derivative) -> set[str]:
    """The arguments that a cost multiplies with a logarithm of what it computes, and its derivative takes from that, or
    that from them: labels, whatever they are called."""
    if derivative.backward is None or not derivative.is_cost:
        return set()
    taken = set(source.argument_names(derivative.forward)) & set(source.argument_names(derivative.backward))
    logs = _operands(derivative.forward, ast.Mult, lambda other: "log" in _calls(other))
    return taken & logs & _operands(derivative.backward, ast.Sub, lambda other: bool(_calls(other)))


def _operands(function: Function, kind: type[ast.operator], beside: Callable[[ast.AST], bool]) -> set[str]:
    """The names, turned or not, that stand on one side of an operator while something of that kind is on the other."""
    found = set()
    for node in ast.walk(source.tree(function)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, kind):
            for one, other in ((node.left, node.right), (node.right, node.left)):
                name = one.value if isinstance(one, ast.Attribute) and one.attr == "T" else one
                found |= {name.id} if isinstance(name, ast.Name) and beside(other) else set()
    return found


def _calls(node: ast.AST) -> set[str]:
    return {str(source.called(inner)) for inner in ast.walk(node) if isinstance(inner, ast.Call)}


def _one_hot(shape: Shape, axis: int) -> np.ndarray:
    """Labels with a single 1 along an axis; of one axis 0 and 1."""
    if len(shape) != 2:
        return np.arange(float(np.prod(shape))).reshape(shape) % 2
    hot = np.eye(shape[axis])[np.arange(shape[1 - axis]) % shape[axis]]
    return hot if axis else hot.T.copy()


def _is_label(argument: str) -> bool:
    return words.role_of_argument(argument) == "targets"


def _tries(derivative: Derivative) -> Iterator[dict[str, Any]]:
    """Arguments to try."""
    bounded = _is_bounded(derivative.forward, derivative.backward)
    derivative.rows = _rows_of_others(derivative.forward)
    settled: dict[str, Any] = {}
    open_: list[str] = []
    for name, parameter in source.signature(derivative.forward).items():
        if name in derivative.rows:
            continue
        if parameter.default is parameter.empty and (known := usage.no_array(derivative.forward, name)):
            settled[name] = known[0]
        elif words.role_of_argument(name) == "activation" and parameter.default is parameter.empty:
            settled[name] = _itself
        elif parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            open_.append(name)
    settled |= {place: 1 for _, place in derivative.rows.values()}
    open_ = [name for name in open_ if name not in settled]
    numbers = {name: SETTINGS[name] for name in open_[1:] if name in SETTINGS}
    for some in ({}, numbers) if numbers else ({},):
        names = [name for name in open_ if name not in some]
        labels = [name for name in names if _is_label(name) or name in _meet_outputs(derivative)]
        for shapes in _shapes(names):
            arrays = {n: _array(n, s, i, bounded) for i, (n, s) in enumerate(zip(names, shapes, strict=True))}
            for axis in (0, 1) if any(arrays[name].ndim == 2 for name in labels) else ():
                yield settled | some | arrays | {n: _one_hot(arrays[n].shape, axis) for n in labels}
            yield settled | some | arrays


def _rows_of_others(function: Function) -> dict[str, tuple[str, str]]:
    """What the file takes from an array at a place, under the names of three arguments: word of word = words[i]."""
    taken, found = set(source.argument_names(function)), {}
    for node in (n for _, tree in source.files_of([function]) for n in ast.walk(tree)):
        row = node.value if isinstance(node, ast.Assign) else None
        if isinstance(node, ast.Assign) and isinstance(row, ast.Subscript):
            names = [getattr(part, "id", None) for part in (node.targets[0], row.value, row.slice)]
            if set(names) <= taken and len(set(names)) == len(names):
                found[str(names[0])] = str(names[1]), str(names[2])
    return found


def _shapes(names: list[str]) -> Iterator[tuple[Shape, ...]]:
    """Shapes of these arguments: what is called X has two axes."""
    if names:
        ways: list[Iterable[tuple[Shape, ...]]] = [((shape,) * len(names) for shape in ALIKE)]
        ways += [itertools.product(first, *[others] * (len(names) - 1)) for first, others in MIXED]
        for way in ways:
            for shapes in itertools.islice(way, MOST_TRIES):
                if all(len(shape) > 1 for name, shape in zip(names, shapes, strict=True) if name in ("X", "W", "A")):
                    yield shapes


def _itself(z: Any) -> Any:
    return z


def _array(name: str, shape: Shape, number: int, bounded: bool) -> np.ndarray:
    """What an argument is given: labels are 0 and 1."""
    generator = np.random.default_rng(number)
    if _is_label(name):
        return generator.permutation(np.arange(np.prod(shape)) % 2).reshape(shape).astype(np.float64)
    numbers = generator.standard_normal(shape)
    return smooth(numbers) if bounded else numbers


def _readings(derivative: Derivative) -> Iterator[list[str]]:
    """Which arguments the gradients may be of, if it runs; those that are no labels first."""
    given = derivative.fixed
    try:
        with np.errstate(all="ignore"):
            output, _, gradients = derivative.ran(
                {n: v.copy() if isinstance(v, np.ndarray) else v for n, v in given.items()}
            )
    except Exception:
        return
    gradients = [(name, array) for name, array in gradients if hasattr(array, "shape")]
    arrays = [n for n, v in given.items() if isinstance(v, np.ndarray)]
    single = np.size(output) == 1
    if not paths.is_array(output) or single != derivative.is_cost or not gradients or not np.isfinite(output).all():
        return
    named = [n for n in arrays if any(_is_gradient_of(n, name) for name, _ in gradients)]
    if len(named) == len(gradients):
        ways = [tuple(named)]
    else:
        ways = [w for w in itertools.combinations(arrays, min(len(gradients), len(arrays))) if set(named) <= set(w)]
        ways.sort(key=lambda way: sum(map(_is_label, way)))
    for way in ways:
        assigned = _assigned(way, gradients)
        if len(assigned) == len(way) and all(np.shape(assigned[n]) == given[n].shape for n in way):
            yield list(way)


def _is_derivative(derivative: Derivative, arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether the gradients are those of the output, roughly, along a line on which it is not always the same."""
    generator, step = np.random.default_rng(9), 1e-6
    ways = {name: generator.standard_normal(array.shape) for name, array in arrays.items()}
    with np.errstate(all="ignore"):
        try:
            ahead, behind = (
                derivative.run({n: a + sign * step * ways[n] for n, a in arrays.items()})[0] for sign in (1, -1)
            )
            gradients = derivative.run({n: a.copy() for n, a in arrays.items()})[2]
        except Exception:
            return False
    expected = sum(np.sum(g * ways[name]) for name, g in zip(arrays, gradients, strict=True))
    measured = (np.sum(ahead) - np.sum(behind)) / (2 * step)
    near = abs(measured - expected) <= 1e-5 * (abs(measured) + abs(expected)) + 1e-7
    return bool(near and abs(measured) > 1e-7)
