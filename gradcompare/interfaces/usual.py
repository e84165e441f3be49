"""Backward functions that stand alone, with the usual forward pass in the place of one that is in another file.

Courses set one exercise a file: conv_backward(dZ, A_prev, W, b, padding, stride); gradient_descent(Y, weights, cache,
alpha, L). What such a function must have been given says which layer, or which network, it goes back through. Where
more than one may be meant, each is a program, and whoever judges takes the one with which most is right.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from gradcompare.interfaces import candidates, meaning, offered, pairs, source, words
from gradcompare.interfaces.driven import Driven
from gradcompare.interfaces.holders import Arguments
from gradcompare.interfaces.roles import by_role, steps_of
from gradcompare.interfaces.session import Steps
from gradcompare.tracing import usual_forward

Function = Callable[..., Any]


class Usual(NamedTuple):
    """A program with a forward pass of ours."""

    program: Driven
    goes_back: str
    """What is of the file."""
    says: str
    """What went forward, in words."""


class Layer(NamedTuple):
    """A layer that a backward function may go back through."""

    called: re.Pattern[str]
    """How the function is called, in small letters without underscores."""
    ahead: Function
    shapes: Mapping[str, tuple[int, ...]]
    """Of its arrays."""
    settings: tuple[Mapping[str, Any], ...]
    """Of its other arguments, in the ways in which each is tried."""
    says: str


_X = (2, 5, 5, 2)
_CONVOLVED = (
    {"pad": "same", "stride": (1, 1)},
    {"pad": "valid", "stride": (2, 2)},
    {"pad": 1, "stride": 2},
)
_POOLED = tuple(
    {"size": size, "stride": stride, "mode": mode}
    for mode in ("max", "avg")
    for size, stride in (((2, 2), (2, 2)), ((3, 3), (1, 1)), (2, 2))
)
_CONV, _POOL = re.compile(r"conv"), re.compile(r"pool")
_DENSE = re.compile(r"linear|affine|dense|fullyconnected|^fc|fc$")
LAYERS = (
    Layer(
        _CONV,
        usual_forward.convolution,
        {"x": _X, "w": (3, 3, 2, 3), "b": (1, 1, 1, 3)},
        _CONVOLVED,
        "convolution of samples by height by width by channels",
    ),
    Layer(
        _CONV,
        usual_forward.convolution_channels_first,
        {"x": (2, 2, 5, 5), "w": (3, 2, 3, 3), "b": (3,)},
        _CONVOLVED,
        "convolution of samples by channels by height by width",
    ),
    Layer(_POOL, usual_forward.pooling, {"x": _X}, _POOLED, "pooling of samples by height by width by channels"),
    Layer(
        _POOL,
        usual_forward.pooling_channels_first,
        {"x": (2, 2, 5, 5)},
        _POOLED,
        "pooling of samples by channels by height by width",
    ),
    Layer(
        _DENSE,
        usual_forward.dense_columns,
        {"x": (4, 6), "w": (3, 4), "b": (3, 1)},
        ({},),
        "W A + b, columns are samples",
    ),
    Layer(_DENSE, usual_forward.dense_rows, {"x": (6, 4), "w": (4, 3), "b": (3,)}, ({},), "X W + b, rows are samples"),
    Layer(
        _DENSE, usual_forward.dense_rows, {"x": (6, 4), "w": (4, 3), "b": (1, 3)}, ({},), "X W + b, rows are samples"
    ),
)
"""One row a layer and an order of its axes."""

_CALLED = {
    "w": re.compile(r"^(w|weights?|kernels?|filters?)$"),
    "b": re.compile(r"^(b|bias(es)?)$"),
    "pad": re.compile(r"^pad(ding)?$"),
    "stride": re.compile(r"^strides?$"),
    "size": re.compile(r"^((kernel|pool(ing)?|filter|window)(shape|size)|f|k)$"),
    "mode": re.compile(r"^(mode|type|method|kind)$"),
    "x": re.compile(r"^(aprev|preva|a|x|inputs?|data)$"),
}
"""What arguments of a layer are called, in small letters without underscores."""


def programs(
    names: Mapping[str, Any], run: Collection[Function] = (), idle: Collection[Function] | None = None
) -> Iterator[Usual]:
    """The programs of functions of a file that has none that goes forward but those that are `run` already; of these
    functions, where there is another program, only those that are `idle`."""
    functions: list[Function] = [f for f in names.values() if inspect.isfunction(f) and candidates.is_own(f)]
    roles = by_role(functions)
    if any(f not in run for f in roles.get("forward", ())):
        return
    makers = [f for f in functions if idle is None or f in idle]
    yield from _layers([f for f in makers if not _has_its_own(f, functions)])
    for role in ("update", "backward"):
        for maker in (f for f in roles.get(role, ()) if f in makers):
            costs = (cost for made, _, _, cost, _ in steps_of(functions) if made is maker and cost is not None)
            yield from _networks(maker, role, next(costs, None))


def _has_its_own(function: Function, functions: list[Function]) -> bool:
    """Whether there is a function of the same name that goes forward."""
    ahead = function.__name__.replace("backward", "forward")
    return ahead != function.__name__ and any(f.__name__ == ahead for f in functions)


# ---- layers ----------------------------------------------------------------------------------------------------------


def _layers(functions: list[Function]) -> Iterator[Usual]:
    """All layers of the file at once, of one order of axes and then of another."""
    rows = [row for function in functions if (row := _ways(function))]
    for turn in range(max(map(len, rows), default=0)):
        ways = [row[min(turn, len(row) - 1)] for row in rows]
        library = [pair for of_one, _ in ways for pair in of_one]
        goes_back = ", ".join(dict.fromkeys(pair.backward.__name__ for pair in library if pair.backward))
        yield Usual(pairs.program(library), goes_back, "; ".join(dict.fromkeys(says for _, says in ways)))


def _ways(function: Function) -> list[tuple[list[pairs.Pair], str]]:
    """The layers that a function may go back through: those that run, with all their settings."""
    name = words.plain(function.__name__)
    if words.role_of_function(function.__name__) not in ("backward", None) or not re.search("back|grad", name):
        return []
    found = []
    for layer in (layer for layer in LAYERS if layer.called.search(name)):
        tried = (_pair(function, layer, settings) for settings in layer.settings)
        if runs := [pair for pair in tried if pair is not None]:
            found.append((runs, layer.says))
    return found


def _pair(function: Function, layer: Layer, settings: Mapping[str, Any]) -> pairs.Pair | None:
    """The function with a forward pass that returns what it asks for; None where it does not run."""
    signature = source.signature(function)
    taken = [n for n, p in signature.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    slope = next((name for name in taken[:1] if pairs.incoming(name)), None)
    apart = source.taken_apart(function)
    cached = [name for name in taken if name in apart and not _role(name)]
    inner = apart[cached[0]] if len(cached) == 1 else []
    known = {name: role for name in (*taken, *inner) if name not in (slope, *cached) and (role := _role(name))}
    arrays = {name: layer.shapes[role] for name, role in known.items() if role in layer.shapes}
    told = _told(function, layer, settings, known, inner)
    if slope is None or told is None or {known[name] for name in arrays} != set(layer.shapes) or len(cached) > 1:
        return None
    needed = [n for n in taken if n not in (slope, *cached) and signature[n].default is inspect.Parameter.empty]
    if any(name not in known and name not in told for name in (*needed, *inner)):
        return None

    def forward(**given: Any) -> Any:
        by_role = {known[name]: value for name, value in given.items() if name in known}
        out = layer.ahead(**{role: by_role.get(role, settings.get(role)) for role in _asked(layer)})
        kept = told | given
        return (out, *([tuple(kept[name] for name in inner)] if inner else []))

    forward.__name__ = re.sub(r"_?back(ward)?(_?prop(agation)?)?_?", "", function.__name__) or function.__name__
    called = "_".join([forward.__name__, *map(_short, settings.values())])
    of_both = {name: value for name, value in told.items() if name in taken}
    fitted = pairs.Pair(forward, function, arrays, slopes={slope: 0}, kind=of_both, called=called)
    return pairs.as_divided(fitted) if pairs.runs(fitted) else None


def _told(
    function: Function, layer: Layer, settings: Mapping[str, Any], known: Mapping[str, str], inner: list[str]
) -> dict[str, Any] | None:
    """What arguments are given that are no arrays, by name; None where the function tells other words apart."""
    told: dict[str, Any] = {}
    for name, role in known.items():
        if role not in settings:
            continue
        value = settings[role]
        said = list(dict.fromkeys(offered.compared(function, {name})))
        if isinstance(value, str) and said:
            near = [word for word in said if word.lower()[:2] == value.lower()[:2]]
            if not near and role != "mode":  # what is not "max" may be anything
                return None
            value = near[0] if near else value
        elif isinstance(value, str) != bool(said):
            return None  # pad=1 for a number, "same" for a word
        told[name] = value
    by_key = {name for name in inner if name not in known}
    return told | {name: _settings(settings) for name in by_key}


def _short(value: Any) -> str:
    """same, 2 for (2, 2)."""
    return str(value[0] if isinstance(value, tuple) else value)


def _settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same under the keys of a dict of settings."""
    return {"f": 2, "pad": 1, "stride": 2, "pool_height": 2, "pool_width": 2, **settings}


def _asked(layer: Layer) -> list[str]:
    return list(inspect.signature(layer.ahead).parameters)


def _role(name: str) -> str | None:
    """What an argument of a layer is."""
    word = words.plain(name)
    return next((role for role, pattern in _CALLED.items() if pattern.match(word)), None)


# ---- whole networks --------------------------------------------------------------------------------------------------


def _networks(maker: Function, role: str, cost: Function | None) -> Iterator[Usual]:
    """The networks that a function may go back through that is given labels, weights, and all that went forward: in a
    dict, A0, A1, ..., or in a tuple, (Z1, A1, W1, b1, ...)."""
    roles = {name: meaning.role_of(maker, name) for name in source.argument_names(maker)}
    cached = next((name for name, told in roles.items() if told == "cache"), None)
    if cached is None:
        yield from _of_arrays(maker, role, cost)
    if cached is None or "targets" not in roles.values():
        return
    kept = source.taken_apart(maker).get(cached)
    keyed = [key for key in source.keys_in(maker) if _KEPT.match(key)] if kept is None else kept
    begins = {name[0] for name in keyed} | (source.beginnings_in(maker) if kept is None else set())
    if kept is not None and not all(map(_KEPT.match, kept)):
        return
    if "A" not in begins or not ("parameters" in roles.values() or {"W"} & begins):
        return
    numbers = {int(name[1:]) for name in keyed}
    layers = Arguments([(f"W{layer}", f"b{layer}") for layer in range(1, max(numbers, default=3) + 1)])
    interface = "update-only" if role == "update" else "dict-cache"
    for samples, output, hidden in itertools.product(("columns", "rows"), usual_forward.OUTPUT, usual_forward.HIDDEN):
        ahead = usual_forward.network(samples, hidden, output, "D" in begins, kept)
        steps = Steps(maker, role, ahead, cost, None)
        used = [f for f in (ahead, maker, cost) if f is not None]
        dropped = ", dropout" if "D" in begins else ""
        says = f"hidden layers of {hidden}{dropped}, {output} output, {samples} are samples"
        yield Usual(Driven(interface, layers, steps, used), maker.__name__, says)


def _of_arrays(maker: Function, role: str, cost: Function | None) -> Iterator[Usual]:
    """The networks that a function may go back through that is given samples, labels, weights and what went forward one
    by one: backward(X, y, Z1, A1, Z2, A2, W1, b1, W2, b2)."""
    signature = source.signature(maker)
    layers = words.parameter_pairs(source.argument_names(maker))
    parameters = {name for pair in layers for name in pair if name}
    roles = {name: meaning.role_of(maker, name) for name in signature if name not in parameters}
    kept = {name: key for name in roles if (key := _key_of(name, roles[name], len(layers)))}
    of_layers = {name for name in kept if name[-1:].isdigit()}
    known = {"inputs", "targets", "learning_rate", "regularisation", "samples", "layers", "batch_size"}
    needed = [name for name in roles if name not in kept and signature[name].default is inspect.Parameter.empty]
    if not (layers and of_layers and {"inputs", "targets"} <= set(roles.values())):
        return
    if any(roles[name] not in known for name in needed):
        return
    interface = "update-only" if role == "update" else "positional"
    if any(_COST.search(name) for row in source.returned_names(maker) for name in row if name):
        role = "fused"  # what it returns beside them is its own cost
    for samples, output, hidden in itertools.product(("columns", "rows"), usual_forward.OUTPUT, usual_forward.HIDDEN):
        ahead = usual_forward.network_of_arrays(samples, hidden, output, layers, kept)
        steps = Steps(maker, role, ahead, cost, None)
        used = [f for f in (ahead, maker, cost) if f is not None]
        says = f"hidden layers of {hidden}, {output} output, {samples} are samples"
        yield Usual(Driven(interface, Arguments(layers), steps, used), maker.__name__, says)


_COST = re.compile(r"cost|loss|^j$", re.IGNORECASE)


def _key_of(name: str, role: str | None, layers: int) -> str | None:
    """Under which key a forward pass of ours keeps what an argument is called: A1 for a1 and h1, Z2 for z2, and the
    activation of the last layer for what is called like an output."""
    numbered = re.fullmatch(r"([zah])_?(\d)", name, re.IGNORECASE)
    if numbered and 1 <= int(numbered[2]) <= layers:
        return f"{'Z' if numbered[1] in 'zZ' else 'A'}{numbered[2]}"
    return f"A{layers}" if role == "output" else None


_KEPT = re.compile(r"^[ZADWb]\d$")
"""What a cache holds of each layer."""
