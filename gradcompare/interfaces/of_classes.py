"""Programs of classes: methods, functions that are given an object, and the turns of loops in methods."""

from __future__ import annotations

import itertools
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gradcompare.interfaces import calling, handed, holders, loops, meaning, of_functions, source, words
from gradcompare.interfaces.driven import Driven
from gradcompare.interfaces.driver import plans_told
from gradcompare.interfaces.holders import Instance
from gradcompare.interfaces.late import Begun, Late, Returned
from gradcompare.interfaces.plans import plans
from gradcompare.interfaces.roles import by_role, steps_of
from gradcompare.interfaces.session import Steps


def methods_of(made: type) -> list[Any]:
    """The methods of a class and of its bases of the same author, static ones too."""
    found = {
        name: getattr(f, "__func__", f)
        for base in reversed(made.__mro__)
        if base is not object
        for name, f in vars(base).items()
        if isinstance(f, types.FunctionType | staticmethod) and (not name.startswith("__") or name == "__call__")
    }
    return list(found.values())


def programs(
    made: type, functions: list[Callable[..., Any]], names: Mapping[str, Any], classes: Sequence[type] = ()
) -> Iterator[Driven]:
    """Programs of a class: its methods, however its objects are made."""
    methods = methods_of(made)
    told = list(plans_told(made, source.parsed(str(names.get("__file__"))), names))
    begun = [turn.begin for turn in loops.turns_of(made, names)][:2]
    for maker, role, forward, cost, slope in steps_of(methods, functions):
        used = [f for f in (forward, maker, cost, slope) if f is not None]
        called = [f.__name__ if f in methods and f is not None else f for f in (maker, forward, cost, slope)]
        steps = Steps(called[0], role, called[1], called[2], called[3])
        for plan in itertools.islice(plans(made), 4):
            yield Driven(_class_interface(role, maker, forward), Instance(made, plan), steps, used)
        for holder in handed.holders_of(made, classes):
            yield Driven(_class_interface(role, maker, forward), holder, steps, used)
        yield from _handed_on(made, methods, steps, role, used)
        if forward is not None:
            yield from _made_late(made, methods, steps, role, used)
        for plan in told:
            yield Driven(_class_interface(role, maker, forward), Instance(made, plan), steps, used)
        for begin, plan in itertools.product(begun, itertools.islice(plans(made), 2)):
            if role != "update":
                yield Driven(_class_interface(role, maker, forward), Begun(made, plan, begin), steps, used)


def of_no_state(made: type) -> Iterator[Driven]:
    """Programs of methods that are given all parameters, of an object that is made of nothing: of class Solution, as
    sites with exercises have it."""
    methods = methods_of(made)
    if not any(words.parameter_pairs(source.argument_names(f)) for f in methods):
        return
    try:
        thing = made()
    except (Exception, SystemExit):  # it asks for something, or does more than to be
        return
    for program in of_functions.programs(methods):
        program.holder.beside = {"self": thing}
        yield program


def with_functions(made: type, functions: list[Callable[..., Any]]) -> Iterator[Driven]:
    """Programs of functions that are given an object of a class: backward(net, cache, y)."""

    def takes_it(function: Any) -> bool:
        names = source.argument_names(function)
        return any(
            holders.is_called_like(name, made) or meaning.role_of(function, name) == "parameters" for name in names
        )

    methods = methods_of(made)
    for maker, role, forward, cost, slope in steps_of([f for f in functions if takes_it(f)], methods):
        inner = by_role(methods)
        if role == "update" and ("backward" in inner or "fused" in inner):
            continue
        own = inner.get("forward", []) + inner.get("predict", [])
        forwards = [forward] if forward else [f.__name__ for f in own]
        for ahead in forwards[:2] or [None]:
            chosen = cost.__name__ if cost in methods else cost
            used = [getattr(made, f, None) if isinstance(f, str) else f for f in (ahead, maker, cost, slope)]
            for plan in itertools.islice(plans(made), 4):
                steps = Steps(maker, role, ahead, chosen, slope)
                yield Driven(_class_interface(role, maker, ahead), Instance(made, plan), steps, [f for f in used if f])


def of_loops(made: type, functions: list[Callable[..., Any]], names: Mapping[str, Any]) -> Iterator[Driven]:
    """Programs whose step is a turn of a loop in one of the methods."""
    yield from loops.of_methods(made, itertools.islice(plans(made), 2), names)
    roles = by_role(methods_of(made))
    own = [f.__name__ for f in roles.get("forward", []) + roles.get("predict", [])]
    costs = [*(f.__name__ for f in roles.get("cost", [])), *by_role(functions).get("cost", []), None]
    told = list(plans_told(made, source.parsed(str(names.get("__file__"))), names))
    for turn in sorted(loops.turns_of(made, names), key=lambda turn: not loops.takes_data(turn)):
        forwards = [f for f in (turn.forward, *own[:2]) if f is not None]
        for forward, plan in itertools.product(forwards, [*itertools.islice(plans(made), 3), *told]):
            cost = turn.cost or costs[0]
            used: list[Any] = [getattr(made, f, f) if isinstance(f, str) else f for f in (forward, turn.step, cost)]
            steps = Steps(turn.step, "update", forward, cost)
            for holder in (Instance(made, plan), Begun(made, plan, turn.begin)):
                yield Driven("training-loop", holder, steps, [f for f in used if f is not None])


def _made_late(made: type, methods: list[Any], steps: Steps, role: str, used: list[Any]) -> Iterator[Driven]:
    """Programs of a class whose parameters are made by a method of its own."""
    first = by_role(methods).get("initialise", [])[:1] + by_role(methods).get("update", [])[:1]
    makers = [f.__name__ for f in first if not source.may_go_on(f)]
    for name, plan in itertools.product(makers, itertools.islice(plans(made), 3)):
        yield Driven(_class_interface(role, used[1], used[0]), Late(made, plan, name), steps, used)


def _handed_on(made: type, methods: list[Any], steps: Steps, role: str, used: list[Any]) -> Iterator[Driven]:
    """Programs of a class whose methods are given the parameters that another of them returns."""
    own = [f for f in used if f in methods]
    asked = any(meaning.role_of(f, name) in ("parameters", "biases") for f in own for name in source.argument_names(f))
    paired = any(words.parameter_pairs(n) or words.loose_pairs(n) for n in map(source.argument_names, own))
    if not asked and not paired:
        return
    first = [f for f in by_role(methods).get("initialise", []) if not source.returns_nothing(f)][:2]
    for initialise, plan in itertools.product(first, itertools.islice(plans(made), 3)):
        holder = Returned(made, plan, initialise.__name__)
        forward = next((f for f in used if f.__name__ == steps.forward), None)
        yield Driven(_class_interface(role, calling.method(made, steps.maker), forward), holder, steps, used)


def _class_interface(role: str, maker: Any, forward: Any) -> str:
    name = words.plain(maker.__name__)
    if role == "update":
        return "update-only"
    if role in ("fused", "cost"):
        return "loss-and-gradients"
    if name.startswith("gradient"):
        return "gradient-method"
    if name.startswith("backprop") and len(source.argument_names(maker)) == 2:
        return "backprop-lists"
    return "class"
