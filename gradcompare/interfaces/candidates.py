"""The programs that a file may hold: every holder of parameters with the functions that may go with it.

Nothing is run here but constructors' signatures are read; which candidate is the program is settled by running them.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from gradcompare.interfaces import cells, chain, derivatives, episodes, loops, of_classes, of_functions, pairs
from gradcompare.interfaces.driven import Driven
from gradcompare.interfaces.roles import by_role

_MOST = 60


def candidates(names: Mapping[str, Any]) -> Iterator[Driven]:
    """Programs to try, the likeliest first."""
    functions: list[Callable[..., Any]] = [f for f in names.values() if inspect.isfunction(f)]
    classes = [c for c in names.values() if inspect.isclass(c) and not issubclass(c, BaseException)]
    classes = [made for made in classes if not (is_engine(made) or cells.is_cell(made))]
    own = _own(functions)
    paired = pairs.members(own)
    yield from itertools.islice(of_functions.programs([f for f in own if f not in paired]), _MOST)
    layers = [made for made in classes if chain.is_layer(made)]
    for made in [c for c in classes if c not in layers]:
        yield from itertools.islice(of_classes.programs(made, functions, names, classes), _MOST)
    yield from chain.candidates(classes, functions)
    for made in layers:
        yield from itertools.islice(of_classes.programs(made, functions, names), _MOST)
    if paired:
        yield from pairs.candidates(own)
    for made in classes:
        yield from itertools.islice(of_classes.with_functions(made, own), _MOST)
    for made in classes:
        yield from itertools.islice(of_classes.of_no_state(made), _MOST)
    for made in classes:
        yield from itertools.islice(of_classes.of_loops(made, functions, names), _MOST)
    yield from loops.candidates(names, by_role(_own(functions)).get("cost", []))
    if not paired:
        yield from pairs.candidates(own)
    yield from episodes.candidates(own)
    yield from derivatives.candidates(own, classes)


def _own(functions: Iterable[Callable[..., Any]]) -> list[Callable[..., Any]]:
    return [f for f in functions if is_own(f)]


def is_own(thing: Any) -> bool:
    """Whether a function or class is none of a library's, of which a file may have all the names."""
    return not (getattr(thing, "__module__", None) or "").startswith(("numpy", "torch", "scipy"))


def is_engine(made: type) -> bool:
    """Whether its objects are values that remember how they were made, and go back over it: (a + b).backward()."""
    own = vars(made)
    calculates = {"__add__", "__mul__", "__matmul__"} & set(own)
    return bool(calculates and inspect.isfunction(own.get("backward")))
