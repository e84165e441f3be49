"""A network of layers that no code of the file has put together: a layer with weights, all others that keep the shape,
and one with weights again."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcompare.interfaces import paths, source, words
from gradcompare.interfaces.rehearsal.desk import Desk
from gradcompare.interfaces.rehearsal.going_down import Walk
from gradcompare.interfaces.rehearsal.wording import HIDDEN

_PAIRED = re.compile(r"soft_?max", re.IGNORECASE)
"""Layers whose way back is often that of a cost together with them."""


_BENDS_AT_0 = re.compile(r"relu|elu$", re.IGNORECASE)
"""Layers that do nothing to what is above 0, as after a sigmoid all is."""
_LIST = re.compile(r"^(layers?(list)?|modules?|blocks|stack|sequence)$")


def layers(classes: Sequence[type]) -> list[type]:
    """Those that go forward from one array, and back from one."""
    return [made for made in classes if _takes_one(made, "forward") and _takes_one(made, "backward")]


def _takes_one(made: type, role: str) -> bool:
    function = method(made, role)
    if function is None:
        return False
    taken = [n for n in source.argument_names(function) if words.role_of_argument(n) != "learning_rate"]
    needed = [n for n in taken if source.signature(function)[n].default is inspect.Parameter.empty]
    return len(needed) == 1 and words.role_of_argument(needed[0]) != "targets"


def methods(made: type) -> list[Any]:
    """The functions of a class, but those that Python calls by itself."""
    return [f for name, f in inspect.getmembers(made, inspect.isfunction) if not name.startswith("__")]


def method(made: type, role: str) -> Any:
    """The first that has a role by its name; None where none has."""
    return next((f for f in methods(made) if words.role_of_function(f.__name__.lstrip("_")) == role), None)


def stack(desk: Desk, classes: Sequence[type]) -> list[str]:
    """How the layers of the network are made, in their order; empty where it does not train."""
    begun = len(desk.before)
    return [line.partition(" = ")[2] for line in desk.before[begun:]] if chain(desk, classes) else []


def holding(made: type, layers: Sequence[str]) -> list[list[str]]:
    """The arguments of a constructor that takes a list of layers."""
    names = source.argument_names(made.__init__)  # type: ignore[misc]
    needed = [n for n in names if source.signature(made.__init__)[n].default is inspect.Parameter.empty]  # type: ignore[misc]
    takes = len(needed) == 1 and _LIST.match(words.plain(needed[0]))
    return [[f"[{', '.join(layers)}]"]] if takes and layers else []


def chain(desk: Desk, classes: Sequence[type]) -> bool:
    """Write the network, a turn of it, and its steps; whether it moves."""
    X, Y = desk.data.whole
    wide = [made for made in classes if _has_weights(desk, made)]
    if not wide:
        return False
    names: list[tuple[str, type]] = []
    born = set[paths.Path]()
    ends = (desk.wording.inputs, HIDDEN[0]), (HIDDEN[0], HIDDEN[0]), (HIDDEN[0], desk.wording.outputs)
    value, said = desk.space_value(X), X
    others = [made for made in classes if made not in wide and not _PAIRED.search(made.__name__)]
    others.sort(key=lambda made: not _BENDS_AT_0.search(made.__name__))
    for made, (into, out) in [(wide[0], ends[0]), *((made, ends[1]) for made in others), (wide[-1], ends[2])]:
        name = desk.free(words.plain(made.__name__), f"{words.plain(made.__name__)}2")
        if not _written(desk, name, made, into, out):
            continue
        born |= {path for path, _ in paths.walk({name: desk.space[name]})}
        forward = f"{name}.{method(made, 'forward').__name__}({said})"
        result = f"output{len(names) + 1}"
        if desk.write(f"{result} = {forward}", True):
            given, value = value, desk.space[result]
            back = desk.run(f"slope = 1.0 * {result}\nslope = {name}.{_back(method(made, 'backward'))}")
            goes_on = np.shape(value) == (len(given), out) and not np.array_equal(value, given)
            if goes_on and back and np.shape(desk.space["slope"]) == np.shape(given):
                names.append((name, made))
                said = result
                continue
            value = given
            desk.turn.pop()
        desk.before.pop()
    if len(names) < 2 or np.shape(value) != np.shape(desk.space_value(Y)):
        return False
    walk = Walk(desk, [name for name, _ in names])
    walk.places = {name: where for name, where in walk.places.items() if where[0] in born}
    walk.begin()
    if not desk.write(f"slope = {said} - {Y}", True):
        return False
    for name, made in reversed(names):
        if not desk.write(f"slope = {name}.{_back(method(made, 'backward'))}", True):
            return False
    return walk.moved() or walk.step()


def _back(function: Any) -> str:
    """A call of what goes back."""
    needed = [n for n, p in list(source.signature(function).items())[1:] if p.default is p.empty]
    given = ["0.1" if words.role_of_argument(name) == "learning_rate" else "slope" for name in needed]
    return f"{function.__name__}({', '.join(given)})"


def _written(desk: Desk, name: str, made: type, into: int, out: int) -> bool:
    for arguments in desk.wording.made(made, desk.data, (into, out)):
        if desk.write(f"{name} = {made.__name__}({', '.join(arguments)})"):
            return True
    return False


def _has_weights(desk: Desk, made: type) -> bool:
    """Whether it is made for a number of inputs and one of outputs."""
    roles = [words.role_of_size(name) for name in source.argument_names(made.__init__)]  # type: ignore[misc]
    return "in" in roles and bool({"out", "hidden"} & set(roles))
