"""What holds a program's parameters: arguments, the result of an initialiser, an object, module globals, one vector.

A holder builds a root for networks of given sizes, says which arrays under it may be parameters (`paths.walk`), and
what a function that asks for parameters is given.
"""

from __future__ import annotations

import contextlib
import copy
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from gradcompare.interfaces import calling, naming, paths, rounds, source, words
from gradcompare.interfaces.layouts import BIASES, RATE, Layout, of_all_samples
from gradcompare.interfaces.plans import Plan
from gradcompare.interfaces.shared import own_containers
from gradcompare.network import Network, with_samples
from gradcompare.tracing.randomness import same_random_numbers


class Holder:
    """Where parameters live."""

    kind: str
    own_shapes = True
    """Whether the file itself says what shapes its parameters have."""
    is_network = True
    """Whether what it holds are the parameters of one network, which has widths."""
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
    words_known: tuple[int, ...] = ()
    """How many different words a sequence of them may have, where that is to be tried."""
    numbers = False
    """Whether a sample may be one number, by the shapes of the first and the last weights."""
    arguments: Collection[str] = ()
    """What arguments are called that are what it holds, whatever else such a name may mean."""

    beside: Mapping[str, Any] = MappingProxyType({})
    """What functions are given that is no parameter, by name: an object whose methods they are."""

    says: Sequence[str] = ()
    """What a reader should know of what stands for the cost, or is not checked."""

    def build(self, network: Network, layout: Layout) -> Any:
        """A root that holds parameters of this network's sizes, whatever their values."""
        raise NotImplementedError

    def places(self, root: Any, data: Iterable[Any]) -> naming.Places:
        """The parameters in a root, by name; `data` are arrays that are none."""
        return naming.places_of(root, data)

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

    def placed(self, name: str, array: Any) -> Any:
        """The numbers that a parameter is given, where the file takes them."""
        return array

    def copied(self, root: Any) -> Any:
        """A root of its own for a run."""
        return copy.deepcopy(root)


class Arguments(Holder):
    """Parameters passed by name, or in a dict; their shapes are not known and are tried."""

    kind = "arguments"
    own_shapes = False

    def __init__(
        self,
        pairs: list[tuple[str, str]],
        depths: tuple[int, ...] = (),
        starts_as: tuple[str, ...] = (),
        own: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """`own`: among them the arrays that the file itself gives the parameters."""
        self.pairs, self.starts_as = pairs, starts_as
        self.depths = depths or (len(pairs),)
        weight, bias = (
            np.shape(own[name]) if hasattr(own.get(name), "shape") else None for name in (pairs or [("", "")])[-1]
        )
        says_one = weight is None or len(weight) < 2 or 1 in weight
        if (weight, bias) != (None, None) and says_one and (bias is None or np.prod(bias) == 1):
            self.one_output = True

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
    """Parameters in lists over the layers: weights and biases, or weights alone."""

    kind = "listed"

    def __init__(self, weights: str, biases: str | None) -> None:
        super().__init__([], (3, 2))
        self.weights, self.biases = weights, biases

    def build(self, network: Network, layout: Layout) -> Any:
        """{name: list over the layers}."""
        layers = range(1, len(network.sizes))
        root = {self.weights: [layout.weight(network, layer) for layer in layers]}
        if self.biases is not None:
            root[self.biases] = [BIASES[layout.bias](network.parameters[f"b{layer}"]) for layer in layers]
        return root

    def known(self, root: Any) -> dict[str, Any]:
        """Both lists."""
        return {**root, "parameters": root[self.weights]} | ({"biases": root[self.biases]} if self.biases else {})


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

    def places(self, root: Any, data: Iterable[Any]) -> naming.Places:
        """By the names that they are taken apart into."""
        return {name: [(("item", i),)] for i, name in enumerate(self.names)}

    def known(self, root: Any) -> dict[str, Any]:
        """All together."""
        return {"parameters": root, self.argument: root}


class Attributes(Arguments):
    """Parameters that functions read of an object, whose class is not in the file."""

    kind = "attributes"

    def __init__(self, argument: str, names: Collection[str], pairs: list[tuple[str, str]]) -> None:
        """`argument`: what functions call the object; `names`: all that they read of it."""
        super().__init__(pairs)
        self.argument, self.names = argument, names

    def build(self, network: Network, layout: Layout) -> Any:
        """An object that has them, and the rates that are asked of it."""
        rates = {name: RATE for name in self.names if words.role_of_argument(name) == "learning_rate"}
        return types.SimpleNamespace(**rates | super().build(network, layout))

    def known(self, root: Any) -> dict[str, Any]:
        """The object."""
        return {"parameters": root, self.argument: root}


class Adapted(Arguments):
    """Parameters in the adapter's dict: W1, b1, ... with columns as samples, unless they fit otherwise."""

    kind = "adapter"

    def known(self, root: Any) -> dict[str, Any]:
        """All in a dict."""
        return {"parameters": root}


class Started(Arguments):
    """Parameters as the statements before a training loop make them."""

    kind = "started"
    own_shapes = sees_data = True

    def __init__(self, start: Callable[..., Any], pairs: list[tuple[str, str]], depths: tuple[int, ...] = ()) -> None:
        super().__init__(pairs, depths)
        self.begin = start
        if not source.argument_names(start):  # whatever the network
            self.plan = Plan({}, self.depths)

    def build(self, network: Network, layout: Layout) -> Any:
        """What they are before the first turn."""
        return self.begun(network, layout, {})

    def begun(self, network: Network, layout: Layout, more: Mapping[str, Any]) -> dict[str, Any]:
        """The same, where the statements may read more."""
        with same_random_numbers():
            known = {**data_of(of_every_class(network), of_all_samples(layout)), **more}
            made = calling.call(self.begin, known, ("inputs", "targets"))
        return {name: float(value) if isinstance(value, int) else value for name, value in made.items()}

    def start(self, root: Any) -> Any:
        """The same."""
        return root


MOST_SAMPLES = 1000
"""So many samples are enough, however wide the network is."""


def of_every_class(network: Network) -> Network:
    """The network with more samples, among which are all classes: a file may count them."""
    return with_samples(network, min(2 * sum(network.sizes), MOST_SAMPLES) + network.sizes[-1])


def data_of(network: Network, layout: Layout) -> dict[str, Any]:
    """What a method that makes parameters may ask for: samples, labels, widths, rates."""
    sizes = network.sizes
    known = {"inputs": layout.X(network), "targets": layout.Y(network), "samples": network.m, "epochs": 1}
    known |= {"batch_size": network.m, "learning_rate": RATE, "regularisation": layout.strength, "quiet": False}
    known |= {"size in": sizes[0], "size out": sizes[-1], "size all": list(sizes), "size hidden": sizes[1]}
    return known


class Initialised(Holder):
    """Parameters as the file's own initialiser makes them: a tuple of arrays, dicts, lists, nested as they are."""

    kind = "initialised"

    def __init__(self, initialise: Callable[..., Any], plan: Plan, names: list[str], *, of_words: bool = False) -> None:
        self.initialise, self.plan, self.names = initialise, plan, names
        self.depths = plan.depths
        self.words_known = (_WORDS,) if of_words else ()

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


_WORDS = 6
"""How many different words an object is made for that is told their number."""


class Instance(Holder):
    """Parameters in the attributes of an object, made by its constructor."""

    kind = "instance"

    def __init__(self, made: type, plan: Plan) -> None:
        self.made, self.plan = made, plan
        self.rounds = rounds.rounds_of(made)
        self.depths = plan.depths
        self.sees_data = self.sees_data or "weights" in plan.roles.values()
        if any(words.counts_words(name) for name in source.argument_names(made)):
            self.words_known = (_WORDS,)

    def build(self, network: Network, layout: Layout) -> Any:
        """A new object; its learning rate and regularisation are those under test, and a batch is all samples."""
        with same_random_numbers(), own_containers(self.made) as own:
            root = self.plan.call(self.made, network, layout)
            own(root)
            for name, role in source.told_later(self.made).items():
                if not hasattr(root, name) and role in ("learning_rate", "regularisation"):
                    setattr(root, name, RATE)  # set_learning_rate(rate), which nobody has called
            set_settings(root, network, layout, self.rounds)
        return root

    def start(self, root: Any) -> Any:
        """What the constructor made."""
        return root

    def known(self, root: Any) -> dict[str, Any]:
        """What it stores, for methods that ask for it as an argument."""
        taken = ("inputs", "targets")  # self.x may be anything by now
        held = {name: value for name, value in vars(root).items() if words.role_of_argument(name) not in taken}
        return {"self": root, "parameters": root, _called(self.made): root, **held}


def set_settings(thing: Any, network: Network, layout: Layout, counts: Collection[str] = ()) -> None:
    """Give an object the learning rate and the regularisation under test, one round, and batches of all samples: in its
    attributes, and in settings that it holds; the learning rate wherever it is. `counts`: see `rounds_of`."""
    tested: dict[str | None, Any] = {"learning_rate": RATE, "regularisation": layout.strength, "epochs": 1}
    numbers = {path: value for path, value in paths.walk(thing) if path and type(value) is float}
    others = words.other_rates(map(paths.word, numbers))
    for path, value in numbers.items():
        if paths.word(path) not in others and _setting(paths.word(path), value) == "learning_rate":
            with contextlib.suppress(AttributeError):  # settings that are frozen
                paths.put(thing, path, RATE)
    for held in [vars(thing), *_settings_in(thing)]:
        for name, value in list(held.items()):
            role = _setting(name, value) if name not in others else None
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if number and role in tested:
                held[name] = tested[role]
            elif type(value) is int and role is None and name in counts:
                held[name] = 1
            elif number and role == "batch_size":
                held[name] = network.m


def _setting(name: str, value: Any) -> str | None:
    return words.role_of_argument(name) if not words.is_guard(name, value) else "guard"


def _settings_in(thing: Any) -> Iterator[dict[str, Any]]:
    """What it holds of settings and of nothing else: the numbers and words of its config, under their names."""
    for value in vars(thing).values():
        held: Any = value if isinstance(value, dict) else getattr(value, "__dict__", {})
        numbers = any(type(setting) in (int, float) for setting in held.values())
        if numbers and all(isinstance(n, str) and isinstance(v, int | float | str | None) for n, v in held.items()):
            yield held


def _called(made: type) -> str:
    """What an object of a class is called: neuron, a Neuron."""
    return words.plain(made.__name__)


def is_called_like(name: str, made: type) -> bool:
    """Whether an argument is an object of a class, by its name."""
    return words.plain(name) == _called(made)


class Globals(Arguments):
    """Parameters in the file's global names, set while its functions run."""

    kind = "globals"

    def __init__(self, pairs: list[tuple[str, str]], namespace: dict[str, Any]) -> None:
        super().__init__(pairs, own=namespace)
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


class OwnGlobals(Globals):
    """Parameters in the file's global names, of the file's own shapes, whatever they are called."""

    own_shapes = True

    def __init__(self, names: list[str], namespace: dict[str, Any]) -> None:
        super().__init__([(name, "") for name in names], namespace)
        self.plan = Plan({}, (sum(np.ndim(namespace[name]) == 2 for name in names),))
        self.depths, self.one_output = self.plan.depths, False
        lengths = {n for name in names for n in np.shape(namespace[name]) if n > 1}
        self.words_known = tuple(sorted(lengths, reverse=True))
        weights = [name for name in names if not naming.is_bias(name)]
        self.numbers = all(np.ndim(namespace[name]) == 1 for name in (weights[0], weights[-1])) if weights else False

    def build(self, network: Network, layout: Layout) -> Any:
        """The file's own arrays."""
        return {name: np.array(self.namespace[name]) for pair in self.pairs for name in pair if name}


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
