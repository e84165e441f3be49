"""Parameters in what the file itself has made and gives its functions, or has under a global name: a list of layers,
an object, dicts in a list, of the file's own widths."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gradcompare.interfaces import driver, paths, rounds, source
from gradcompare.interfaces.holders import Holder, set_for_now, set_settings
from gradcompare.interfaces.layouts import Layout
from gradcompare.interfaces.plans import Plan
from gradcompare.network import Network


class Contained(Holder):
    """Parameters in containers, or in one."""

    kind = "contained"

    def __init__(self, own: Mapping[str, Any], spaces: Mapping[str, dict[str, Any]]) -> None:
        """`own`: the containers by what functions call them; `spaces`: the namespaces of those that are global."""
        self.own, self.spaces = dict(own), dict(spaces)
        self.arguments = set(own)
        self.is_one = len({id(value) for value in own.values()}) == 1
        self.plan = Plan({}, (driver.weights_in(next(iter(own.values())) if self.is_one else self.own),))
        self.depths = self.plan.depths

    def build(self, network: Network, layout: Layout) -> Any:
        """Copies of the file's own: the very one where there is one, else all by their names; with the settings under
        test."""
        root = copy.deepcopy(next(iter(self.own.values())) if self.is_one else self.own)
        for thing in [root] if self.is_one else root.values():
            if hasattr(thing, "__dict__"):
                set_settings(thing, network, layout, rounds.rounds_of(type(thing)))
        return root

    def start(self, root: Any) -> Any:
        """The same."""
        return root

    def known(self, root: Any) -> dict[str, Any]:
        """Each container, under what functions call it."""
        return {name: self._part(root, name) for name in self.own} | {"parameters": root}

    def _part(self, root: Any, name: str) -> Any:
        return root if self.is_one else root[name]

    @contextlib.contextmanager
    def entered(self, root: Any) -> Iterator[None]:
        """Those that are global are the root's."""
        with contextlib.ExitStack() as stack:
            for name, space in self.spaces.items():
                stack.enter_context(set_for_now(space, {name: self._part(root, name)}))
            yield


def holders_of(used: Sequence[Callable[..., Any]]) -> Iterator[Contained]:
    """Where the file has made what these functions are given, or read as globals, and what holds weights."""
    own: dict[str, Any] = {}
    for function in used:
        for argument in source.argument_names(function):
            if argument not in own and (value := driver.with_weights(function, argument)) is not None:
                own[argument] = value
    read = source.globals_read(used)
    shared = {name: space for name, space in read.items() if _may_hold(space.get(name))}
    own |= {name: space[name] for name, space in shared.items()}
    if own:
        yield Contained(own, shared)


def _may_hold(value: Any) -> bool:
    return value is not None and not paths.is_array(value) and driver.weights_in(value) > 0
