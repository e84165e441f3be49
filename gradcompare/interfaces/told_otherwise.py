"""The same network with another activation, where its constructor or its functions let one choose among words: the one
that is taken first may be right, and another not."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Iterator
from typing import Any

from gradcompare.interfaces import offered, source, words
from gradcompare.interfaces.driven import Driven
from gradcompare.interfaces.plans import Plan

_KNOWN = re.compile(r"^(sigmoid|logistic|tanh|(leaky_?)?relu|elu|linear|identity|softplus|swish|gelu)$", re.IGNORECASE)
_OF_OUTPUTS = re.compile(r"out|last|final", re.IGNORECASE)
"""With another activation of the output another cost is meant."""


def programs(program: Driven) -> Iterator[tuple[str, Driven]]:
    """(what it is told, the program) for each other activation."""
    made = getattr(program.holder, "made", None)
    plan = getattr(program.holder, "plan", None)
    if inspect.isclass(made) and isinstance(plan, Plan):
        for name, said in offered.options(made).items():
            for word in _others(name, said, _taken(plan, made, name), made):
                yield f"{name}={word!r}", _with_another(program, plan, name, word)
    arguments: dict[str, list[Any]] = {}
    for function in source.reached([f for f in program.functions if inspect.isfunction(f)]):
        for name in source.argument_names(function):
            arguments.setdefault(name, []).extend(offered.compared(function, {name}))
    taken = program.found.layout.activation if program.found is not None else None
    for name, said in arguments.items() if taken is not None else ():
        for word in _others(name, said, taken, None):
            other = _afresh(program)
            other.activation = word
            yield f"{name}={word!r}", other


def _taken(plan: Plan, made: type, name: str) -> Any:
    """What an argument is given now."""
    return plan.values.get(name, inspect.signature(made).parameters[name].default)


def _others(name: str, said: list[Any], taken: Any, made: type | None) -> list[str]:
    """The activations that an argument lets one choose, but for the one that is taken; where only that one is a word in
    the code, those whose names methods have."""
    if words.role_of_argument(name) != "activation" or _OF_OUTPUTS.search(name):
        return []
    known = [word for word in dict.fromkeys(said) if isinstance(word, str) and _KNOWN.match(word)]
    if known == [taken] and made is not None:
        known = [n for n, _ in inspect.getmembers(made, inspect.isfunction) if _KNOWN.match(n)]
    return [word for word in known if word != taken]


def _with_another(program: Driven, plan: Plan, name: str, word: str) -> Driven:
    other = _afresh(program)
    other.holder = copy.copy(program.holder)
    told = copy.copy(plan)
    told.roles = {argument: role for argument, role in plan.roles.items() if argument != name}
    told.values = {**plan.values, name: word}
    other.holder.plan = told  # type: ignore[attr-defined]
    return other


def _afresh(program: Driven) -> Driven:
    """The same program, of which nothing is known yet."""
    return Driven(program.interface, program.holder, program.steps, program.functions)
