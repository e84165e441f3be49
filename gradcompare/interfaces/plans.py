"""How initialisers and constructors want to be called: which of their arguments are widths, data or settings."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from gradcompare.interfaces import chained, naming, source, starts, usage, words
from gradcompare.interfaces.asked import Asked, asked, draws
from gradcompare.interfaces.keyed_settings import settings_class
from gradcompare.interfaces.layouts import RATE, Layout
from gradcompare.interfaces.shared import own_containers
from gradcompare.network import Network, draw_network


class Plan:
    """How an initialiser or a constructor is given the widths of a network: by its arguments' names, or in order."""

    def __init__(self, roles: dict[str, str], depths: tuple[int, ...]) -> None:
        self.roles, self.depths = roles, depths
        self.values: Mapping[str, Any] = {}
        """What is given whatever the network."""
        self.stands_in: Mapping[str, str] = {}
        """What is given, in words, in whose place something of ours is."""

    def call(self, function: Callable[..., Any], network: Network, layout: Layout) -> Any:
        """Call it for a network."""
        given = {name: self._value(role, network, layout) for name, role in self.roles.items()} | dict(self.values)
        for name in (name for name, role in self.roles.items() if role == "inner" and _is_dict(function, name)):
            given[name] = dict(enumerate(given[name], start=1))
        for name in (name for name, role in self.roles.items() if role == "activations" and given[name]):
            given[name][-1] = _of_outputs(function, given[name][-1])
        spread = [value for name in given if name.startswith("*") for value in given[name]]
        made = function(*spread, **{name: value for name, value in given.items() if not name.startswith("*")})
        if draws in self.values.values():
            _lie_as_gradients_do(made)
        return made

    def rename(self, own: Mapping[str, str]) -> None:
        """Give what was read under other names to the arguments under their own."""
        self.roles = {own.get(name, name): role for name, role in self.roles.items()}

    def _value(self, role: str, network: Network, layout: Layout) -> Any:
        sizes = network.sizes
        role, _, number = role.partition(" ")
        return {
            "all": lambda: list(sizes),
            "inner": lambda: list(sizes[1:-1]),
            "depth": lambda: len(sizes) - 1,
            "rows": lambda: len(sizes),
            "between": lambda: len(sizes) - 2,
            "width": lambda: sizes[int(number)],
            "inputs": lambda: layout.X(network),
            "targets": lambda: layout.Y(network),
            "learning_rate": lambda: RATE,
            "regularisation": lambda: layout.strength,
            "epochs": lambda: 1,
            "samples": lambda: network.m,
            "batch_size": lambda: network.m,
            "activation": lambda: layout.activation,
            "activations": lambda: [layout.activation] * (len(sizes) - 1),
            "seed": lambda: 0,
            "weights": lambda: network.parameters["W1"].T.copy(),
            "generator": lambda: np.random.default_rng(0),
            "number": lambda: 0.1,
            "nothing": lambda: None,
            "pair": lambda: (layout.X(network), layout.Y(network)),
        }[role]()


def _is_dict(function: Callable[..., Any], name: str) -> bool:
    """Whether an argument is said to be a dict: widths by the number of their layer."""
    parameter = inspect.signature(function).parameters.get(name)
    said = getattr(parameter, "annotation", None)
    return said is dict or str(said).lower().startswith(("dict", "typing.dict"))


def _of_outputs(function: Callable[..., Any], activation: str | None) -> str | None:
    """The activation of the last layer: a sigmoid, where the code knows one by that name, for what ends in another has
    another cost."""
    functions = [f for _, f in inspect.getmembers(function, inspect.isfunction)] if inspect.isclass(function) else []
    nodes = (node for f in functions if source.has_source(f) for node in ast.walk(source.tree(f)))
    known = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return next((word for word in ("sigmoid", "Sigmoid") if word in known), activation)


def _lie_as_gradients_do(made: Any) -> None:
    """A vector that is drawn for a number alone, b = init(n), lies as the place does that the object has made for its
    gradient: db = np.zeros((1, n))."""
    arrays = {name: value for name, value in getattr(made, "__dict__", {}).items() if isinstance(value, np.ndarray)}
    for name, vector in arrays.items():
        beside = (array for other, array in arrays.items() if other != name and naming.likeness(name, other) == 3)
        place = next((array for array in beside if array.ndim == 2 and sorted(array.shape) == [1, vector.size]), None)
        if vector.ndim == 1 and place is not None:
            setattr(made, name, vector.reshape(place.shape))


class SearchedPlan(Plan):
    """Gives a constructor widths for arguments whose names do not say which: in their order, else in the first in which
    it makes weights that follow one another; one of them may ask for all hidden widths, or how many there are."""

    def __init__(self, others: dict[str, str], unknown: list[str]) -> None:
        super().__init__(others | {name: f"width {i}" for i, name in enumerate(unknown)}, (len(unknown) - 1,))
        self.others, self.unknown = others, unknown
        self.searched = False

    def call(self, function: Callable[..., Any], network: Network, layout: Layout) -> Any:
        """Call it for a network."""
        if not self.searched:
            self.searched = True
            self.roles = self._fitting_roles(function, network, layout)
        return super().call(function, network, layout)

    def rename(self, own: Mapping[str, str]) -> None:
        """See Plan."""
        super().rename(own)
        self.others = {own.get(name, name): role for name, role in self.others.items()}
        self.unknown = [own.get(name, name) for name in self.unknown]

    def _fitting_roles(self, function: Callable[..., Any], network: Network, layout: Layout) -> dict[str, str]:
        others = len(network.sizes) + max(network.sizes)  # as many outputs as there is nothing else of
        sizes = (*network.sizes[:-1], others)
        probe = draw_network(sizes, network.m, network.seed, labels=network.labels)
        for order in itertools.islice(_orders(len(self.unknown)), _MOST_ORDERS):
            roles = self.others | dict(zip(self.unknown, order, strict=True))
            with contextlib.suppress(Exception), own_containers(function) as own:
                plan = Plan(roles, self.depths)
                plan.values = self.values
                made = plan.call(function, probe, layout)
                own(made)
                if chained.leads(made, sizes):
                    return roles
        return self.roles


class SettingsPlan(Plan):
    """Gives a constructor all that it asks for in one object, of a class of the file: Net(Settings(n_in, n_hidden))."""

    def __init__(self, argument: str, settings: type, inner: Plan) -> None:
        super().__init__(inner.roles, inner.depths)
        self.values, self.stands_in = inner.values, inner.stands_in
        self.argument, self.settings, self.inner = argument, settings, inner

    def call(self, function: Callable[..., Any], network: Network, layout: Layout) -> Any:
        """Call it for a network."""
        return function(**{self.argument: self.inner.call(self.settings, network, layout)})


class PartlySettingsPlan(Plan):
    """Gives a constructor some of its widths in an object beside others: RNN(hidden_size, dataset), of which it takes
    dataset.vocab_size."""

    def __init__(self, spread: Callable[..., Any], inner: Plan) -> None:
        super().__init__(inner.roles, inner.depths)
        self.values, self.stands_in = inner.values, inner.stands_in
        self.spread, self.inner = spread, inner

    def call(self, function: Callable[..., Any], network: Network, layout: Layout) -> Any:
        """Call it for a network."""
        return self.inner.call(self.spread, network, layout)


def _spread(function: Callable[..., Any], argument: str, settings: type) -> Callable[..., Any]:
    """The same function, which is given what is in an argument, one by one, in its place."""
    inside = list(inspect.signature(settings).parameters.values())
    taken = {p.name for p in inside}

    def call(**given: Any) -> Any:
        own = {name: value for name, value in given.items() if name not in taken}
        return function(**own, **{argument: settings(**{n: v for n, v in given.items() if n in taken})})

    outside = inspect.signature(function).parameters.values()
    named = [p.replace(kind=p.KEYWORD_ONLY) for p in outside if p.name != argument and p.kind in _NAMED]
    call.__signature__ = inspect.Signature([*named, *inside])  # type: ignore[attr-defined]
    return call


def _settings_of(function: Callable[..., Any], argument: str) -> type | None:
    """The class of fields that an argument is said to be of, where it is one of the function's file; else one of what
    the function reads of it, where it is called like settings."""
    made: Any = getattr(function, "__init__", function) if inspect.isclass(function) else function
    said = getattr(made, "__annotations__", {}).get(argument)
    found = getattr(made, "__globals__", {}).get(said) if isinstance(said, str) else said
    is_known = inspect.isclass(found) and dataclasses.is_dataclass(found)
    return found if is_known else settings_class(function, argument)


_MOST_ORDERS = 150
_MOST_BY_PLACE = 4
"""Of so many arguments, whatever they are called, each may be a width."""


def _orders(count: int) -> Iterator[tuple[str, ...]]:
    """The roles that so many arguments may have together."""
    widths = [f"width {i}" for i in range(count)]
    yield from itertools.permutations(widths)
    for odd in ("inner", "between"):
        if count > 2:
            hidden = [f"width {i}" for i in range(1, count - 2)] if odd == "between" else []
            chosen = ["width 0", *hidden, "width -1", odd]
            yield from itertools.permutations(chosen) if len(chosen) == count else ()


def plans(function: Callable[..., Any]) -> Iterator[Plan]:
    """The ways in which an initialiser or constructor may want its widths, the likeliest first."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return
    required = [p.name for p in parameters if p.default is p.empty and p.kind in _NAMED]
    if len(required) == 1 and (settings := _settings_of(function, required[0])) is not None:
        yield from (SettingsPlan(required[0], settings, inner) for inner in plans(settings))
    for name in required if len(required) > 1 else ():
        if words.role_of_size(name) is None and (settings := _settings_of(function, name)) is not None:
            spread = _spread(function, name, settings)
            yield from (PartlySettingsPlan(spread, inner) for inner in plans(spread))
    silent = [name for name in required if not _says_what_it_is(name)]
    known = asked(function, silent, [name for name in required if name not in silent])
    yield from _plans_that_give(known.values, function, parameters, known)
    if known.numbers:
        yield from _plans_that_give({**known.values, **known.numbers}, function, parameters, known)
    settled = {n: r for n in required if (r := other_role(n)) and (len(n) > 1 or r in ("inputs", "targets"))}
    free = [name for name in required if name not in settled]
    if 1 < len(free) <= _MOST_BY_PLACE and any(len(name) == 1 for name in free):  # Net(a, b, c): c is a width, no C
        yield SearchedPlan(settled, free)


def _plans_that_give(
    values: Mapping[str, Any], function: Callable[..., Any], parameters: list[inspect.Parameter], known: Asked
) -> Iterator[Plan]:
    """Those in which some arguments have these values, whatever the network."""
    required = [p.name for p in parameters if p.default is p.empty and p.kind in _NAMED]
    said = {n: w for n, w in known.words.items() if _says_what_it_is(w) and n not in values}
    said |= _widths_called_like_data(function, [n for n in required if n not in values])
    said |= dict.fromkeys(_counts_called_like_widths(function, [n for n in required if n not in values])[:1], _COUNT)
    own = {word: name for name, word in said.items()}
    left = [p.replace(name=said.get(p.name, p.name)) for p in parameters if p.name not in values]
    roles = {name: role for name, role in known.roles.items() if name not in values and name not in said}
    for plan in itertools.chain(_plans_of_later_lengths(function, left, roles), _plans(left, roles)):
        plan.rename(own)
        plan.values, plan.stands_in = values, known.stands_in
        yield plan


def _plans_of_later_lengths(
    function: Callable[..., Any], parameters: list[inspect.Parameter], settled: Mapping[str, str]
) -> Iterator[Plan]:
    """Those of a constructor that keeps two numbers, of which a method makes one matrix: either may be the inputs'."""
    required = [p.name for p in parameters if p.default is p.empty and p.kind in _NAMED and p.name not in settled]
    if not inspect.isclass(function) or len(required) != 2:
        return
    if all(usage.is_length_later(function, name) for name in required):
        optional = _in([p.name for p in parameters if p.default is not p.empty], "learning_rate", "epochs")
        for first, second in (required[::-1], required):
            yield Plan({**settled, **optional, first: "width 0", second: "width -1"}, (1,))


def _widths_called_like_data(function: Callable[..., Any], names: list[str]) -> dict[str, str]:
    """What arguments ask for that are called inputs or targets, and are lengths of the arrays that are made."""
    made: Any = getattr(function, "__init__", function) if inspect.isclass(function) else function
    lengths = starts.lengths_in(made) if inspect.isfunction(made) else ()
    roles = {name: words.role_of_argument(name) for name in names if name in lengths}
    called = {"inputs": "n_inputs", "targets": "n_outputs"}
    return {name: called[role] for name, role in roles.items() if role in called}


_COUNT = "n_hidden_layers"


def _counts_called_like_widths(function: Callable[..., Any], names: list[str]) -> list[str]:
    """The arguments that are called like the width of a hidden layer, and are only counted to."""
    made: Any = getattr(function, "__init__", function) if inspect.isclass(function) else function
    hidden = [name for name in names if words.role_of_size(name) == "hidden"]
    if len(hidden) < 2 or not inspect.isfunction(made):
        return []
    lengths = starts.lengths_in(made)
    return [name for name in hidden if name not in lengths and source.counts_to(made, name)]


_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def _says_what_it_is(name: str) -> bool:
    """Whether a name says what an argument is."""
    told = other_role(name) or words.role_of_size(name) or words.role_of_argument(name) == "parameters"
    return bool(told) or words.counts_words(name) or words.counts_hidden_layers(name)


def _plans(parameters: list[inspect.Parameter], settled: Mapping[str, str]) -> Iterator[Plan]:
    """The same, of arguments whose names are to be believed, but of those that are settled."""
    required = [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    optional = {p.name: p.default for p in parameters if p.default is not p.empty}
    others_called_so = words.other_rates(p.name for p in parameters)
    settings = [name for name in optional if name not in others_called_so]
    chosen = _in(settings, "learning_rate", "regularisation", "epochs")
    is_number = {name: not isinstance(optional[name], str | bool) for name in chosen}  # reg="none" is a word
    others = {
        name: role for name, role in chosen.items() if is_number[name] and not words.is_guard(name, optional[name])
    }
    spread = next((f"*{p.name}" for p in parameters if p.kind is p.VAR_POSITIONAL), None)
    if spread is not None and not required and words.role_of_size(spread) in ("all", "hidden", None):
        yield Plan(others | {spread: "all"}, (3, 2))
    known = dict.fromkeys((n for n in required if words.counts_words(n)), "width -1") | dict(settled)
    others |= known
    data = _in(required, "inputs", "targets")
    unknown = [n for n in required if other_role(n) is None and n not in others]
    if "targets" in data.values():  # made for its data: NeuralNetwork(X, y), and told settings
        data = {n: role for n in required if n not in others and (role := other_role(n))}
        yield Plan(others | data, (2,))
        hidden = {name: f"width {i}" for i, name in enumerate(unknown, start=1)}
        yield Plan(others | data | hidden, (len(hidden) + 1,))
    sized = [p.name for p in parameters if words.role_of_size(p.name) is not None and p.name not in known]
    if sized and all(
        words.role_of_argument(name) == "samples" for name in sized
    ):  # Net(m): no other width is asked for
        yield Plan(others | dict.fromkeys(sized, "samples"), (2,))
    counts = [n for n in sized if words.counts_hidden_layers(n)]
    several = [n for n in required if words.role_of_argument(n) == "layers"]
    wide = [n for n in sized if n not in (*counts, *several)] or sized
    several = [n for n in several if n not in wide] if wide else []
    for role in ("between", "depth") if counts else ("rows", "depth", "between") if several else ("",):
        counted = others | {n: role for n in (counts or several) if n in required}
        for names in dict.fromkeys([tuple(wide), tuple(n for n in wide if n in required)]):
            for widths, depths in plans_of_widths(names):
                if any(widths.get(n) == "inner" and type(value) is int for n, value in optional.items()):
                    continue  # by its default it is one number
                rest = {n: other_role(n) for n in required if n not in widths and n not in counted}
                if None not in rest.values():
                    yield Plan(counted | {n: r for n, r in rest.items() if r} | widths, depths)
    yield from _plans_without_widths(required, others | {n: "between" for n in counts if n in required})


def _plans_without_widths(required: list[str], others: dict[str, str]) -> Iterator[Plan]:
    """Those of arguments that are not called like widths."""
    found = {n: role for n in required if n not in others and (role := other_role(n))}
    weights = [n for n in required if words.role_of_argument(n) == "parameters"]
    if len(weights) == 1:  # one unit, or one layer: Neuron(weights)
        yield Plan(others | found | {weights[0]: "weights"}, (1,))
    unknown = [n for n in required if other_role(n) is None and n not in others]
    if len(unknown) == 1:
        yield Plan(others | found | {unknown[0]: "all"}, (3, 2))
        yield Plan(others | found | {unknown[0]: "width 0"}, (1,))
    elif unknown:
        yield SearchedPlan(others | found, unknown)


def _in(names: list[str], *roles: str) -> dict[str, str]:
    """The arguments that have one of these roles."""
    return {name: role for name in names if (role := words.role_of_argument(name)) in roles and role}


def plans_of_widths(names: tuple[str, ...]) -> Iterator[tuple[dict[str, str], tuple[int, ...]]]:
    """{argument: role} of the arguments that ask for widths, and the depths they allow."""
    roles = {name: words.role_of_size(name) for name in names}
    if "in" in roles.values():  # neurons beside inputs are those of one layer
        roles = {name: "out" if words.may_be_out(name) else role for name, role in roles.items()}
    if "all" in roles.values():
        everything = next(name for name, role in roles.items() if role == "all")
        yield {everything: "all"}, (3, 2)
        ends = {n: {"in": "width 0", "out": "width -1"}[role] for n, role in roles.items() if role in ("in", "out")}
        if ends:  # Net(layer_dims, n_x, n_y)
            yield ends | {everything: "all"}, (3, 2)
        yield {everything: "width 0"}, (1,)
        return
    hidden = [name for name, role in roles.items() if role == "hidden"]
    ends = {name: role for name, role in roles.items() if role in ("in", "out")}
    if len(set(ends.values())) < len(ends):
        return
    depth = len(hidden) + 1
    numbered = {name: f"width {i}" for i, name in enumerate(hidden, start=1)}
    edges = {name: "width 0" if role == "in" else "width -1" for name, role in ends.items()}
    if len(hidden) == 1:  # one number, or a list of them
        yield edges | {hidden[0]: "inner"}, (3, 2)
    yield edges | numbered, (depth,)
    if not hidden and ends:
        yield {name: "width 0" if role == "in" else "width 2" for name, role in ends.items()}, (2,)


def other_role(name: str) -> str | None:
    """The role of a required argument that is no width."""
    role = words.role_of_argument(name)
    if role == "activation" or words.plain(name) == "activations":  # of a constructor they are no cache
        return "activations" if name.lower().endswith("s") else "activation"
    if role in ("learning_rate", "regularisation", "epochs", "batch_size", "inputs", "targets"):
        return role
    if words.plain(name) in ("seed", "randomseed", "randomstate"):
        return "seed"
    if words.plain(name) in ("rng", "generator", "gen", "rgen", "randomgenerator"):
        return "generator"
    if words.plain(name) in ("std", "scale", "weightscale", "sigma", "initscale", "weightinitstd", "momentum", "mu"):
        return "number"
    return None
