"""What holds a program's parameters: arguments, the result of an initialiser, an object, module globals, one vector.

A holder builds a root for networks of given sizes, says which arrays under it may be parameters (`paths.walk`), and
what a function that asks for parameters is given.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from gradcompare.interfaces import calling, paths, words
from gradcompare.interfaces.layouts import BIASES, RATE, REGULARISATION, Layout
from gradcompare.network import Network
from gradcompare.tracing.randomness import same_random_numbers


class Holder:
    """Where parameters live."""

    kind: str
    own_shapes = True
    """Whether the file itself says what shapes its parameters have."""
    sees_data = False
    """Whether X and Y are given to what makes the parameters."""
    depths: tuple[int, ...] = (2,)
    """How many layers with weights the networks may have, the preferred first."""
    sizes: tuple[int, ...] | None = None
    """The widths, where the file insists on them."""
    one_output = False
    """Whether the file says that there is one output."""
    starts_as: tuple[str, ...] = ()
    """The shapes of weights that are tried, keys of `layouts.WEIGHTS`, where the file says what they start as."""

    def build(self, network: Network, layout: Layout) -> Any:
        """A root that holds parameters of this network's sizes, whatever their values."""
        raise NotImplementedError

    def start(self, root: Any) -> Any:
        """A root with the numbers that the file's training starts from, beside one that was built; None where the file
        does not say them."""
        return None

    def known(self, root: Any) -> dict[str, Any]:
        """What functions may ask for, by name and role."""
        raise NotImplementedError

    @contextlib.contextmanager
    def entered(self, root: Any) -> Iterator[None]:
        """While the file's functions run."""
        yield

    def making(self, root: Any, places: Iterable[paths.Path]) -> contextlib.AbstractContextManager[None]:
        """While the function runs that makes the gradients of the parameters at these places."""
        return contextlib.nullcontext()

    def copied(self, root: Any) -> Any:
        """A root of its own for a run."""
        return copy.deepcopy(root)


class Arguments(Holder):
    """Parameters passed by name, or in a dict; their shapes are not known and are tried."""

    kind = "arguments"
    own_shapes = False

    def __init__(
        self, pairs: list[tuple[str, str]], depths: tuple[int, ...] = (), starts_as: tuple[str, ...] = ()
    ) -> None:
        self.pairs, self.starts_as = pairs, starts_as
        self.depths = depths or (len(pairs),)

    def build(self, network: Network, layout: Layout) -> Any:
        """{"W1": ..., "b1": ...} under the file's own names."""
        root: dict[str, Any] = {}
        for layer, (weight, bias) in enumerate(self.pairs, start=1):
            root[weight] = layout.weight(network, layer)
            if bias:
                root[bias] = BIASES[layout.bias](network.parameters[f"b{layer}"])
        return root

    def known(self, root: Any) -> dict[str, Any]:
        """The parameters one by one, and all in a dict."""
        return {**root, "parameters": root, "cache": root}


class Listed(Arguments):
    """The weights of all layers in one list and the biases in another."""

    kind = "lists"

    def __init__(self, weights: str, biases: str) -> None:
        super().__init__([], (3, 2))
        self.weights, self.biases = weights, biases

    def build(self, network: Network, layout: Layout) -> Any:
        """{"weights": [W1, ...], "biases": [b1, ...]} under the file's own names."""
        layers = range(1, len(network.sizes))
        biases = [BIASES[layout.bias](network.parameters[f"b{layer}"]) for layer in layers]
        return {self.weights: [layout.weight(network, layer) for layer in layers], self.biases: biases}


class TakenApart(Arguments):
    """Parameters in a tuple or list that the functions take apart into names."""

    kind = "taken apart"

    def __init__(self, argument: str, names: list[str], pairs: list[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self.argument, self.names = argument, names

    def build(self, network: Network, layout: Layout) -> Any:
        """The parameters in the order of the names."""
        root = super().build(network, layout)
        return [root[name] for name in self.names]

    def known(self, root: Any) -> dict[str, Any]:
        """All together."""
        return {"parameters": root, self.argument: root}


class Adapted(Arguments):
    """Parameters in the adapter's dict: W1, b1, ... with columns as samples, unless they fit otherwise."""

    kind = "adapter"

    def known(self, root: Any) -> dict[str, Any]:
        """All in a dict."""
        return {"parameters": root}


class Initialised(Holder):
    """Parameters as the file's own initialiser makes them: a tuple of arrays, dicts, lists, nested as they are."""

    kind = "initialised"

    def __init__(self, initialise: Callable[..., Any], plan: Plan, names: list[str]) -> None:
        self.initialise, self.plan, self.names = initialise, plan, names
        self.depths = plan.depths

    def build(self, network: Network, layout: Layout) -> Any:
        """What the initialiser returns."""
        with same_random_numbers():
            made = self.plan.call(self.initialise, network, layout)
        if not isinstance(made, tuple) or hasattr(made, "_fields"):
            return made
        names = self.names_in(made)
        keyed = {name: part for name, part in zip(names, made, strict=True) if name}
        return keyed if len(keyed) == len(made) else list(made)

    def start(self, root: Any) -> Any:
        """What the initialiser returned."""
        return root

    def known(self, root: Any) -> dict[str, Any]:
        """Every part under its name; all of it, or its only container, as the parameters."""
        vessels = [v for v in root.values() if not paths.is_array(v)] if isinstance(root, dict) else []
        known: dict[str, Any] = {"parameters": vessels[0] if len(vessels) == 1 else root}
        if isinstance(root, dict):
            known |= {str(name): part for name, part in root.items()}
            roles = {words.role_of_argument(str(name)): part for name, part in root.items()}
            if len(vessels) == 2 and "biases" in roles:
                known |= {"parameters": vessels[0], "biases": roles["biases"]}
        return known

    def names_in(self, made: tuple[Any, ...]) -> list[str | None]:
        """The names of the parts that the initialiser returned: its own, or those of the arguments that they become."""
        names = calling.return_names(self.initialise, len(made))
        return list(self.names) if None in names and len(self.names) == len(made) else names


class Instance(Holder):
    """Parameters in the attributes of an object, made by its constructor."""

    kind = "instance"

    def __init__(self, made: type, plan: Plan) -> None:
        self.made, self.plan = made, plan
        self.depths = plan.depths

    def build(self, network: Network, layout: Layout) -> Any:
        """A new object; its learning rate and regularisation are those under test."""
        with same_random_numbers():
            root = self.plan.call(self.made, network, layout)
            for name, value in list(vars(root).items()):
                role = words.role_of_argument(name)
                number = isinstance(value, int | float) and not isinstance(value, bool)
                if number and role in _SET and not words.is_guard(name, value):
                    setattr(root, name, _SET[role])
        return root

    def start(self, root: Any) -> Any:
        """What the constructor made."""
        return root

    def known(self, root: Any) -> dict[str, Any]:
        """What it stores, for methods that ask for it as an argument."""
        taken = ("inputs", "targets")  # self.x may be anything by now
        held = {name: value for name, value in vars(root).items() if words.role_of_argument(name) not in taken}
        return {"self": root, "parameters": root, _called(self.made): root, **held}


def _called(made: type) -> str:
    """What an object of a class is called: neuron, a Neuron."""
    return words.plain(made.__name__)


def is_called_like(name: str, made: type) -> bool:
    """Whether an argument is an object of a class, by its name."""
    return words.plain(name) == _called(made)


_SET: dict[str | None, Any] = {"learning_rate": RATE, "regularisation": REGULARISATION, "epochs": 1}


class Globals(Arguments):
    """Parameters in the file's global names, set while its functions run."""

    kind = "globals"

    def __init__(self, pairs: list[tuple[str, str]], namespace: dict[str, Any]) -> None:
        super().__init__(pairs)
        self.namespace = namespace

    def start(self, root: Any) -> Any:
        """The file's own arrays, of its own sizes."""
        own = {name: self.namespace.get(name) for name in root}
        return own if all(hasattr(array, "shape") for array in own.values()) else None

    @contextlib.contextmanager
    def entered(self, root: Any) -> Iterator[None]:
        """The globals are the root's arrays, and what becomes of them becomes of the root."""
        names = [name for pair in self.pairs for name in pair if name]
        with set_for_now(self.namespace, {name: root[name] for name in names}):
            yield
            root |= {name: self.namespace[name] for name in names}
            root |= {k: v for k, v in self.namespace.items() if words.GRADIENT.match(k) and paths.is_array(v)}


class Flat(Holder):
    """All parameters in one vector."""

    kind = "flat"
    depths: tuple[int, ...] = (2, 1)

    def __init__(
        self, name: str, folded: bool, shape: tuple[int, ...] = (-1,), depths: tuple[int, ...] = depths
    ) -> None:
        self.name, self.folded, self.shape, self.depths = name, folded, shape, depths

    def build(self, network: Network, layout: Layout) -> Any:
        """{name: vector of as many numbers as the network has parameters}."""
        parameters = [a for name, a in network.parameters.items() if self.folded or name.startswith("W")]
        return {self.name: np.concatenate([a.ravel() for a in parameters]).reshape(self.shape)}

    def known(self, root: Any) -> dict[str, Any]:
        """The vector, under its name."""
        return dict(root)


@contextlib.contextmanager
def set_for_now(namespace: dict[str, Any], values: Mapping[str, Any]) -> Iterator[None]:
    """Global names that have these values inside, and what they had before afterwards."""
    absent = object()
    before = {name: namespace.get(name, absent) for name in values}
    namespace.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is absent:
                namespace.pop(name, None)
            else:
                namespace[name] = value


# ---- calling what makes them -----------------------------------------------------------------------------------------


class Plan:
    """How an initialiser or a constructor is given the widths of a network: by its arguments' names, or in order."""

    def __init__(self, roles: dict[str, str], depths: tuple[int, ...]) -> None:
        self.roles, self.depths = roles, depths

    def call(self, function: Callable[..., Any], network: Network, layout: Layout) -> Any:
        """Call it for a network."""
        return function(**{name: self._value(role, network, layout) for name, role in self.roles.items()})

    def _value(self, role: str, network: Network, layout: Layout) -> Any:
        sizes = network.sizes
        role, _, number = role.partition(" ")
        return {
            "all": lambda: list(sizes),
            "inner": lambda: list(sizes[1:-1]),
            "depth": lambda: len(sizes) - 1,
            "width": lambda: sizes[int(number)],
            "inputs": lambda: layout.X(network),
            "targets": lambda: layout.Y(network),
            "learning_rate": lambda: RATE,
            "regularisation": lambda: REGULARISATION,
            "epochs": lambda: 1,
            "samples": lambda: network.m,
            "batch_size": lambda: network.m,
            "activation": lambda: layout.activation,
            "activations": lambda: [layout.activation] * (len(sizes) - 1),
            "seed": lambda: 0,
            "generator": lambda: np.random.default_rng(0),
            "number": lambda: 0.1,
        }[role]()


def plans(function: Callable[..., Any]) -> Iterator[Plan]:
    """The ways in which an initialiser or constructor may want its widths, the likeliest first."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return
    required = [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    optional = [p.name for p in parameters if p.default is not p.empty]
    others = {
        name: role
        for name, role in _in(optional, "learning_rate", "regularisation", "epochs").items()
        if not words.is_guard(name, inspect.signature(function).parameters[name].default)
    }
    data = _in(required, "inputs", "targets")
    if "targets" in data.values():  # made for its data: NeuralNetwork(X, y)
        yield Plan(others | data, (2,))
    sized = [p.name for p in parameters if words.role_of_size(p.name) is not None]
    if sized and all(
        words.role_of_argument(name) == "samples" for name in sized
    ):  # Net(m): no other width is asked for
        yield Plan(others | dict.fromkeys(sized, "samples"), (2,))
    for names in dict.fromkeys([tuple(sized), tuple(n for n in sized if n in required)]):
        for widths, depths in _widths(names, required):
            rest = {n: other_role(n) for n in required if n not in widths}
            if None not in rest.values():
                known: dict[str, str] = {n: r for n, r in rest.items() if r}
                yield Plan(others | known | widths, depths)
    unknown = [n for n in required if other_role(n) is None]
    if unknown:
        found = {n: role for n in required if (role := other_role(n))}
        if len(unknown) == 1:
            yield Plan(others | found | {unknown[0]: "all"}, (3, 2))
            yield Plan(others | found | {unknown[0]: "width 0"}, (1,))
        else:
            depth = len(unknown) - 1
            yield Plan(others | found | {n: f"width {i}" for i, n in enumerate(unknown)}, (depth,))


def _in(names: list[str], *roles: str) -> dict[str, str]:
    """The arguments that have one of these roles."""
    return {name: role for name in names if (role := words.role_of_argument(name)) in roles and role}


def _widths(names: tuple[str, ...], required: list[str]) -> Iterator[tuple[dict[str, str], tuple[int, ...]]]:
    """{argument: role} of the arguments that ask for widths, and the depths they allow."""
    roles = {name: words.role_of_size(name) for name in names}
    if "in" in roles.values():  # neurons beside inputs are those of one layer
        roles = {name: "out" if words.may_be_out(name) else role for name, role in roles.items()}
    if "all" in roles.values():
        everything = next(name for name, role in roles.items() if role == "all")
        yield {everything: "all"}, (3, 2)
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
    if role == "activation":
        return "activations" if name.lower().endswith("s") else "activation"
    if role in ("learning_rate", "regularisation", "epochs", "batch_size", "inputs", "targets"):
        return role
    if words.plain(name) in ("seed", "randomseed", "randomstate"):
        return "seed"
    if words.plain(name) in ("rng", "generator", "gen", "randomgenerator"):
        return "generator"
    if words.plain(name) in ("std", "scale", "weightscale", "sigma", "initscale", "weightinitstd", "momentum", "mu"):
        return "number"
    return None
