"""Objects whose parameters are made by no constructor but later, in `fit(X, y)` or in a method that it calls.

To know them, that method is called once. When it is called again for the gradients, what it first gives a parameter is
replaced by the numbers under test: it starts from these, whatever it would have drawn.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from gradcompare.interfaces import calling, naming, paths, words
from gradcompare.interfaces.holders import Instance, Started, data_of, of_every_class
from gradcompare.interfaces.layouts import Layout, of_all_samples
from gradcompare.interfaces.plans import Plan
from gradcompare.network import Network
from gradcompare.tracing.randomness import same_random_numbers


class Late(Instance):
    """An object, and the method that makes its parameters."""

    sees_data = True

    def __init__(self, made: type, plan: Plan, method: str) -> None:
        super().__init__(made, plan)
        self.method = method

    def build(self, network: Network, layout: Layout) -> Any:
        """A new object, after its method was called once."""
        root = super().build(network, layout)
        with same_random_numbers():
            calling.call(calling.method(root, self.method), data_of(network, layout), ("inputs", "targets"))
        return root

    def start(self, root: Any) -> None:
        """Not what the method has left behind, which has trained."""

    @contextlib.contextmanager
    def making(self, root: Any, places: Iterable[paths.Path]) -> Iterator[None]:
        """What is first given to a parameter is what it holds already, where that has the same shape."""
        made = type(root)
        held = {path[0][1]: getattr(root, path[0][1]) for path in places if path and path[0][0] == "attr"}

        def give(self: Any, name: str, value: Any) -> None:
            object.__setattr__(self, name, _kept(held.pop(name), value) if name in held else value)

        root.__class__ = type(made.__name__, (made,), {"__setattr__": give, "__module__": made.__module__})
        try:
            yield
        finally:
            root.__class__ = made


class Returned(Instance):
    """An object, and what one of its methods returns: parameters that its other methods are given, as functions are."""

    def __init__(self, made: type, plan: Plan, method: str) -> None:
        super().__init__(made, plan)
        self.method = method

    def build(self, network: Network, layout: Layout) -> Any:
        """A new object, which keeps what the method returns as its `parameters`."""
        root = super().build(network, layout)
        method = calling.method(root, self.method)
        with same_random_numbers():
            try:
                made = calling.call(method, data_of(network, layout))
            except TypeError:  # of what may be a list of widths only the first is wanted
                made = calling.call(method, data_of(network, layout) | {"size all": network.sizes[0]})
        if isinstance(made, tuple):
            names = calling.return_names(method, len(made))
            made = list(made) if None in names else dict(zip(names, made, strict=True))
        if made is None:
            raise ValueError(f"{self.method} returns nothing")
        root.parameters = made
        return root

    def known(self, root: Any) -> dict[str, Any]:
        """What was returned is what those ask for who ask for parameters, or for one of them by its name."""
        known, made = super().known(root), root.parameters
        named = {str(name): part for name, part in made.items()} if isinstance(made, dict) else {}
        blank = [n for n, held in known.items() if held is None or (isinstance(held, list | dict) and not held)]
        called_so = [n for n in blank if words.role_of_argument(n) == "parameters" and n not in named]
        return known | named | dict.fromkeys(called_so, made) | {"parameters": made}


def _kept(before: Any, new: Any) -> Any:
    """What was held before in place of what is to be held, where it is of the same kind."""
    if paths.is_array(before) and paths.is_array(new):
        numbers = np.ndim(before) > 0 or isinstance(before, float | np.floating) or hasattr(before, "shape")
        return before if numbers and np.shape(before) == np.shape(new) else new
    if isinstance(before, dict) and type(new) is dict:
        filled = _Filled(before)
        filled.update({key: filled.first(key, value) for key, value in new.items()})
        return filled
    if isinstance(before, list) and type(new) is list:
        return _Listed(before, new)
    return new


class _Filled(dict[Any, Any]):
    """A dict whose entries are first what was held before."""

    def __init__(self, before: dict[Any, Any]) -> None:
        super().__init__()
        self.before = dict(before)

    def first(self, key: Any, value: Any) -> Any:
        return _kept(self.before.pop(key), value) if key in self.before else value

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, self.first(key, value))


class _Listed(list[Any]):
    """A list whose entries are first what was held before."""

    def __init__(self, before: list[Any], new: list[Any]) -> None:
        super().__init__()
        self.before = list(before)
        for value in new:
            self.append(value)

    def append(self, value: Any) -> None:
        super().append(_kept(self.before.pop(0), value) if self.before else value)


class Begun(Instance):
    """An object, and what one of its methods does before its training loop begins."""

    sees_data = True

    def __init__(self, made: type, plan: Plan, begin: Callable[..., Any]) -> None:
        super().__init__(made, plan)
        self.begin = begin

    def build(self, network: Network, layout: Layout) -> Any:
        """A new object, as it is before the first turn; numbers in it that are called like biases are no integers."""
        root = super().build(network, layout)
        known = data_of(of_every_class(network), of_all_samples(layout)) | {"self": root}
        with same_random_numbers():
            calling.call(self.begin, known, ("inputs", "targets"))
        for name, value in list(vars(root).items()):
            if type(value) is int and naming.is_bias(name):
                setattr(root, name, float(value))
        return root


class StartedIn(Started):
    """Parameters that are local to a method, as its statements before a training loop make them, and its object."""

    kind = "started"

    def __init__(self, start: Callable[..., Any], pairs: list[tuple[str, str]], made: type, plan: Plan) -> None:
        super().__init__(start, pairs)
        self.object = Instance(made, plan)

    def build(self, network: Network, layout: Layout) -> Any:
        """What they are before the first turn, and the object."""
        root = {"self": self.object.build(network, layout)}
        return root | self.begun(network, layout, root)

    def known(self, root: Any) -> dict[str, Any]:
        """The parameters one by one, and the object with what it stores."""
        return self.object.known(root["self"]) | super().known(root)
