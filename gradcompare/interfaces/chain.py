"""Layer objects without a network: they are chained as their author's own calls would chain them.

The file's dense layers with its activations between them, and at the end its loss object, its loss functions, or a
random cotangent: then the cost is the sum of output times cotangent.
"""

from __future__ import annotations

import copy
import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from gradcompare.interfaces import asked, calling, meaning, paths, source, told, values, words
from gradcompare.interfaces.driven import Driven
from gradcompare.interfaces.holders import Instance
from gradcompare.interfaces.layouts import Layout
from gradcompare.interfaces.plans import Plan, plans
from gradcompare.interfaces.session import Steps
from gradcompare.network import Network
from gradcompare.tracing import stood_in

MOST_ACTIVATIONS = 3
_INPUT_GRADIENT = re.compile(
    r"^(d_?(inputs?|x|prev|a_?prev|in)|(grad|delta)_?(inputs?|x|prev)|inputs?_?(grad|gradient|error|delta)|delta)$",
    re.I,
)


_AS_COST = ("calculate", "compute", "calc")
"""What the method of a loss is called that gives the cost, beside names that say so."""
_PROBABILITIES = re.compile(r"softmax|sigmoid|logistic", re.I)
"""Activations whose outputs may be probabilities."""
_OF_PROBABILITIES = re.compile(r"cross_?entropy|log_?loss|bce|cce|nll|likelihood", re.I)


class Chain:
    """A network of the file's layers, with methods as such a network's author would write them."""

    def __init__(self, layers: list[Any], loss: Any) -> None:
        self.layers, self.loss = layers, loss
        self.given: list[tuple[Any, Any]] = []
        """What each layer went forward from, and what it returned for the way back."""

    def forward(self, inputs: Any) -> Any:
        """Each layer after the other; a layer that returns nothing keeps its output."""
        self.given = []
        for layer in self.layers:
            output, cache = forward_of(layer, inputs)
            self.given.append((inputs, cache))
            inputs = output
        return inputs

    def cost(self, output: Any, targets: Any) -> Any:
        """The file's loss object: the first of its methods that gives one number."""
        results = []
        for name, function in methods_by_role(type(self.loss)).get("forward", ()):
            if len(source.argument_names(function)) > 1:
                asked = _asked(output, targets)
                results.append(calling.call(getattr(self.loss, name), asked, ("output", "targets")))
                if np.size(results[-1]) == 1:
                    break
        return results[-1]

    def slope(self, output: Any, targets: Any) -> Any:
        """What the loss object says the derivative with respect to the output is."""
        cost = self.cost(output, targets)
        if np.size(cost) != 1 or not np.isfinite(values.plain(cost)).all():
            raise ValueError(f"{type(self.loss).__name__} gives no single number that is finite")
        kept = kept_outputs(self.loss)
        given = kept[0] if kept else output
        known = {**_asked(given, targets), "slope": given}
        result = calling.call(_method(self.loss, "backward"), known, ("slope", "targets"))
        return result if result is not None else _kept(self.loss, _INPUT_GRADIENT)

    def backward(self, slope: Any, learning_rate: float) -> Any:
        """Each layer before the other; returns the gradient of the inputs."""
        for layer, (inputs, cache) in zip(reversed(self.layers), reversed(self.given), strict=True):
            result = result_of_backward(layer, slope, learning_rate, inputs, cache)
            slope = result[0] if isinstance(result, tuple) else result
            slope = slope if slope is not None else kept_gradient_of_inputs(layer)
        dX = slope
        return dX  # noqa: RET504 (its name says what it is)


def forward_of(layer: Any, inputs: Any) -> tuple[Any, Any]:
    """What a layer makes of its inputs in training, and what it returns beside it for the way back, None for nothing;
    one that returns nothing keeps its output."""
    method = _method(layer, "forward")
    known = {"inputs": inputs, "cache": inputs, "training": True}
    known |= {name: word for name in source.signature(method) if (word := _in_training(name)) is not None}
    result = calling.call(method, known, ("inputs",))
    cache = None
    if isinstance(result, tuple):
        result, *rest = result
        cache = rest[0] if len(rest) == 1 else tuple(rest)
    return result if result is not None else _kept_output(layer, method), cache


def _in_training(name: str) -> bool | None:
    """What an argument that asks for it is told; None for another argument."""
    if re.search(r"^(is_?)?train(ing)?(_?(mode|flg|flag|phase))?$", name, re.IGNORECASE):
        return True
    return False if re.fullmatch(r"(is_?)?(test|testing|inference|eval|predict)", name, re.IGNORECASE) else None


def result_of_backward(layer: Any, slope: Any, learning_rate: float, inputs: Any, cache: Any) -> Any:
    """What the backward method of a layer returns; one that asks for them is given what went forward too, and what
    forward returned for it."""
    method = _method(layer, "backward")
    known = {"learning_rate": learning_rate, "cache": slope, **calling.with_slope(method, slope)}
    roles = [words.role_of_argument(name) for name in source.argument_names(method)]
    if cache is not None and len(roles) > 1:
        known["cache"] = cache
    if "inputs" in roles and "slope" in roles:
        known["inputs"] = inputs
    return calling.call(method, known, ("slope", "learning_rate"))


def kept_gradient_of_inputs(layer: Any) -> Any:
    """What a layer keeps that is called like it. ValueError where it keeps nothing so."""
    return _kept(layer, _INPUT_GRADIENT)


def kept_outputs(loss: Any) -> list[Any]:
    """The arrays that a loss keeps as its output."""
    return _all_kept(loss, re.compile("^outputs?$"))


def method_of(made: type, role: str) -> Any:
    """The function of a class that goes forward, or back. AttributeError where there is none."""
    return getattr(made, _method_name(made, role))


def _asked(output: Any, targets: Any) -> dict[str, Any]:
    return {"output": output, "inputs": output, "targets": targets}


def _method(thing: Any, role: str) -> Any:
    return getattr(thing, _method_name(type(thing), role))


def _method_name(made: type, role: str) -> str:
    found = [name for name, _ in methods_by_role(made).get(role, ())]
    if not found:
        raise AttributeError(f"{made.__name__} has no {role} method")
    return found[0]


def methods_by_role(made: type) -> dict[str, list[tuple[str, Any]]]:
    """The methods of a class, by what they do: those of a loss that give the cost go forward."""
    found: dict[str, list[tuple[str, Any]]] = {}
    for name, function in inspect.getmembers(made, inspect.isfunction):
        role = "forward" if name == "__call__" else words.role_of_function(name)
        role = "forward" if role == "cost" or name in _AS_COST else role
        if role and (name == "__call__" or not name.startswith("_")):
            found.setdefault(role, []).append((name, function))
    for rows in found.values():
        rows.sort(key=lambda row: (not row[0].lower().startswith(("forward", "backward")), row[0] == "__call__"))
    return found


def _kept_output(layer: Any, method: Any) -> Any:
    """What a layer keeps that is called an output, else what its method, which returns nothing, sets last."""
    kept = _all_kept(layer, re.compile(r"^(outputs?|out|a|z|y)$", re.I))
    last = next((getattr(layer, name, None) for name in reversed(source.set_in(method))), None)
    kept += [last] if paths.is_array(last) else []
    if not kept:
        raise ValueError(f"{type(layer).__name__} returned nothing, and keeps nothing that could be its output")
    return kept[0]


def _kept(layer: Any, pattern: re.Pattern[str]) -> Any:
    kept = _all_kept(layer, pattern)
    if not kept:
        raise ValueError(f"{type(layer).__name__} returned nothing, and keeps nothing called like {pattern.pattern}")
    return kept[0]


def _all_kept(layer: Any, pattern: re.Pattern[str]) -> list[Any]:
    """The arrays of these names, those last that may be called so on the way."""
    kept = [(name, value) for name, value in vars(layer).items() if pattern.match(name) and paths.is_array(value)]
    return [value for _, value in sorted(kept, key=lambda one: one[0].lower() == "delta")]


# ---- finding the layers ----------------------------------------------------------------------------------------------


class ChainPlan(Plan):
    """Makes a chain: a dense layer for each pair of widths, activations between them."""

    def __init__(
        self, dense: type, plan: Plan, activations: list[Callable[[], Any] | None], loss: Any, end: Any = None
    ) -> None:
        super().__init__(plan.roles, (len(activations) + 1,))
        strengths = [name for name, role in plan.roles.items() if role == "regularisation"]
        self.values = dict.fromkeys(strengths, 0.0)  # no cost of an output can know of them
        self.plan = copy.copy(plan)
        self.plan.values = {**plan.values, **self.values}
        self.stands_in = {f"{name} of {dense.__name__}": what for name, what in plan.stands_in.items()}
        self.dense, self.activations, self.loss, self.end = dense, activations, loss, end

    def call(self, function: Callable[..., Any], network: Network, layout: Layout) -> Any:
        """The chain for a network's widths."""
        layers: list[Any] = []
        for i, pair in enumerate(itertools.pairwise(network.sizes)):
            part: Any = SimpleNamespace(sizes=pair, m=network.m)
            layer = _with_its_own(self.plan.call(self.dense, part, layout), self.dense)
            layers.append(told.told(layer, (network.m, pair[0]), (pair[0],)))
            layers += [told.told(make(), (network.m, pair[1])) for make in self.activations[i : i + 1] if make]
        return Chain([*layers, *([self.end()] if self.end else [])], self.loss() if self.loss else None)


def _with_its_own(layer: Any, made: type) -> Any:
    """A layer with its own copy of what others would share with it by default only, as an activation that keeps what
    went through it."""
    shared = asked.objects_always_given(made)
    for name, value in list(getattr(layer, "__dict__", {}).items()):
        if any(value is one for one in shared):
            setattr(layer, name, copy.deepcopy(value))
    return layer


def is_layer(made: type) -> bool:
    """Whether a class has forward and backward methods and is made for two widths, or none."""
    methods = methods_by_role(made)
    given = next(iter(plans(made)), Plan({}, (1,))).depths == (1,)
    both = {"forward", "backward"} <= set(methods)
    return both and (given or bool(_later(made))) and not is_made_of_layers(made) and not _begins_at_labels(made)


def _begins_at_labels(made: type) -> bool:
    """Whether a class with widths goes back from labels: it is a network, whatever its widths are called. What the
    file hands the gradient of a cost is none, whatever that is called."""
    given = [(f, name) for _, f in methods_by_role(made)["backward"] for name in source.argument_names(f)]
    roles = {words.role_of_argument(name) if name not in meaning.given_slopes(f) else "slope" for f, name in given}
    return "targets" in roles and "slope" not in roles and _widths(made) > 0


def _later(made: type) -> list[Plan]:
    """How a layer is made that is given its number of units, and the width of its inputs only later."""
    needed = [p.name for p in inspect.signature(made).parameters.values() if p.default is p.empty]
    takes_one = [name for name in told.makers(made) if len(source.argument_names(getattr(made, name))) == 1]
    lazily = bool(takes_one) and len(needed) == 1
    return [Plan({needed[0]: "width 1"}, (1,))] if lazily else []


def is_made_of_layers(made: type) -> bool:
    """Whether what it makes itself of are objects with forward and backward methods: it is their network."""
    start = getattr(made.__init__, "__code__", None)  # type: ignore[misc]
    used = [made.__init__.__globals__.get(name) for name in start.co_names] if start is not None else []  # type: ignore[misc]
    return any(
        isinstance(part, type) and part is not made and {"forward", "backward"} <= set(methods_by_role(part))
        for part in used
    )


def candidates(classes: list[type], functions: list[Callable[..., Any]]) -> Iterator[Driven]:
    """Networks of the file's layers."""
    layered = [made for made in classes if is_layer(made)]
    dense = [made for made in layered if _widths(made) == 2 or _later(made)]
    simple = [made for made in layered if made not in dense]
    losses = [
        made for made in classes if _takes(made) >= 2 and "backward" in methods_by_role(made) and made not in dense
    ]
    losses.sort(key=lambda made: not re.search("softmax", made.__name__, re.IGNORECASE))  # for a layer that is linear
    acts = [make for made in simple if made not in losses for make in _made(made, functions)][:MOST_ACTIVATIONS]
    cost = _first(functions, "cost")
    slope = _first(functions, "slope_of_cost")
    for made in dense:
        plan = next(p for p in [*_later(made), *plans(made)] if _count(p) == 2 or _later(made))
        named = [n for n in inspect.signature(made).parameters if words.role_of_argument(n) == "activation"]
        chooses = bool(named) and named[0] not in plan.values
        activated = [Plan(plan.roles | {named[0]: "activation"}, plan.depths)] if chooses else []
        inner: list[tuple[list[Callable[[], Any] | None], Plan]] = [([None], p) for p in activated]
        inner += [([*some], plan) for some in ((acts, acts[:1]) if acts else ([None],))] + [([], plan)]
        own = [c for c in (made, *simple, *losses) if not issubclass(c, stood_in.Elementwise)]
        used = [f for c in own for rows in methods_by_role(c).values() for _, f in rows]
        for loss in [*losses, None]:
            ends = ("cost", "slope") if loss else (cost, slope) if cost and slope else (None, None)
            for (chosen, each), end in itertools.product(inner, _ends(simple, loss)):
                holder = Instance(Chain, ChainPlan(made, each, chosen, loss, end))
                steps = Steps("backward", "update", "forward", *ends)
                if loss is None and ends[0] is None and re.search("softmax", made.__name__, re.IGNORECASE):
                    ends = (stood_in.cross_entropy, stood_in.cross_entropy_slope)  # what probabilities are for
                    steps = Steps("backward", "update", "forward", *ends)
                ours = [f for f in (*used, *(ends if not loss else ())) if f is not None]
                yield Driven("layers", holder, steps, _dense_first(made, ours))


def _ends(simple: list[type], loss: Any) -> list[Any]:
    """What may stand between the last dense layer and a loss: the file's softmax or sigmoid where it is one of
    probabilities, unless it says that it takes one itself."""
    if loss is None or not _OF_PROBABILITIES.search(loss.__name__) or _PROBABILITIES.search(loss.__name__):
        return [None]
    needless = [made for made in simple if all(p.default is not p.empty for p in needed_by(made))]
    fitting = [made for made in needless if _PROBABILITIES.search(made.__name__) and made is not loss]
    several = not re.search(r"bin|bce", loss.__name__, re.I)
    return [*sorted(fitting, key=lambda made: bool(re.search("softmax", made.__name__, re.I)) != several), None]


def needed_by(made: type) -> list[inspect.Parameter]:
    """What the constructor may be given."""
    return list(inspect.signature(made).parameters.values())


def _dense_first(made: type, functions: list[Any]) -> list[Any]:
    own = [f for rows in methods_by_role(made).values() for _, f in rows if f in functions]
    return list(dict.fromkeys([*own, *functions]))


def _widths(made: type) -> int:
    return max(map(_count, plans(made)), default=0)


def _count(plan: Plan) -> int:
    return sum(role.startswith("width") for role in plan.roles.values())


def _takes(made: type) -> int:
    """How many arguments forward takes, beside whether it is in training."""
    ahead = [source.argument_names(f) for _, f in methods_by_role(made).get("forward", ())]
    return max((sum(_in_training(name) is None for name in names) for names in ahead), default=0)


def _first(functions: list[Any], role: str) -> Any:
    return next((f for f in functions if words.role_of_function(f.__name__) == role), None)


def _made(made: type, functions: list[Any]) -> Iterator[Callable[[], Any]]:
    """Ways to make an activation: without arguments, or from a function and its derivative."""
    needed = [
        p.name
        for p in inspect.signature(made).parameters.values()
        if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    if not needed:
        with_base = bool(made.__subclasses__())
        if not with_base and not re.search(r"softmax|dropout|norm", made.__name__, re.I):
            yield made
    elif len(needed) == 2:
        for function, slope in with_slopes(functions):
            yield lambda f=function, s=slope: made(f, s)  # type: ignore[misc]


def with_slopes(functions: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Functions of one argument with their derivatives, by their names."""
    by_name: Mapping[str, Any] = {words.plain(f.__name__): f for f in functions}
    for name, function in by_name.items():
        for end in ("prime", "deriv", "derivative", "grad", "gradient", "backward", "d"):
            slope = by_name.get(f"{name}{end}") or by_name.get(f"d{name}")
            if slope is not None and len(source.argument_names(function)) == 1:
                yield function, slope
                break
