"""The same network told otherwise, where its constructor or its functions let one choose: another activation, another
output, a part of the network switched on, dropout. As it was told first it may be right, and otherwise not. And the
same on the way that it goes forward itself."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from gradcompare.interfaces import offered, source, words
from gradcompare.interfaces.driven import KEEP, Driven
from gradcompare.interfaces.forward_part import cost_part, forward_part
from gradcompare.interfaces.plans import Plan

_KNOWN = re.compile(r"^(sigmoid|logistic|tanh|(leaky_?)?relu|elu|linear|identity|softplus|swish|gelu)$", re.IGNORECASE)
_OF_OUTPUTS = re.compile(r"out|last|final", re.IGNORECASE)
_OUTPUT = re.compile(
    r"^(out(puts?)?|last|final)(layer)?(type|kind|mode|act(ivation)?|func(tion)?|fn|activationf(unctio)?n)s?$"
    r"|^(type|kind|activation)of(the)?outputs?$"
)
_OUTPUTS = re.compile(r"^(sigmoid|logistic|tanh|linear|identity|softmax)$", re.IGNORECASE)
_PART = re.compile(r"batchnorm|^(use)?bn$|layernorm|residual|skip(connection)?s?$|dropout")
_DROPPED = re.compile(r"^(p|prob|rate)?(drop|dropout)(prob(ability)?|rate|ratio|p)?s?$")


class Told(NamedTuple):
    """A program that is told otherwise."""

    says: str
    program: Driven
    of_outputs: bool = False
    """Whether what is chosen is the activation of the output: with another one another cost is meant."""


def programs(program: Driven) -> Iterator[Told]:
    """The programs, one for each other thing that may be told."""
    made = getattr(program.holder, "made", None)
    plan = getattr(program.holder, "plan", None)
    if inspect.isclass(made) and isinstance(plan, Plan):
        for name, said in offered.options(made).items():
            for word in _others(name, said, _taken(plan, made, name), made):
                of_outputs = bool(_OUTPUT.search(words.plain(name)))
                yield Told(f"{name}={word!r}", _with_another(program, plan, name, word), of_outputs)
        for name, value in _switched(made, plan):
            yield Told(f"{name}={value!r}", _with_another(program, plan, name, value))
    arguments: dict[str, list[Any]] = {}
    for function in source.reached([f for f in program.functions if inspect.isfunction(f)]):
        for name in source.argument_names(function):
            arguments.setdefault(name, []).extend(offered.compared(function, {name}))
    taken = program.found.layout.activation if program.found is not None else None
    for name, said in arguments.items() if taken is not None else ():
        if words.role_of_argument(name) == "activation":
            for word in _others(name, said, taken, None):
                other = _afresh(program)
                other.activation = word
                yield Told(f"{name}={word!r}", other)


def on_its_own_way(program: Driven) -> Driven | None:
    """The same with what the function that goes back computes itself in place of what another one goes forward: that
    may be meant for something else, and be another. None where it computes nothing, or is run so already."""
    maker = program.function(program.steps.maker)
    apart = program.steps.forward is not None and program.steps.forward != program.steps.maker
    ahead = forward_part(maker) if apart and program.steps.role in ("backward", "update") else None
    if ahead is None or program.function(program.steps.forward) is ahead:
        return None
    steps = dataclasses.replace(program.steps, forward=ahead, cost=cost_part(maker) or program.steps.cost)
    return Driven(program.interface, program.holder, steps, [ahead, *program.functions])


def _taken(plan: Plan, made: type, name: str) -> Any:
    """What an argument is given now."""
    return plan.values.get(name, inspect.signature(made).parameters[name].default)


def _others(name: str, said: list[Any], taken: Any, made: type | None) -> list[str]:
    """The activations that an argument lets one choose, but for the one that is taken; where only that one is a word in
    the code, those whose names methods have."""
    said = [word for word in dict.fromkeys(said) if isinstance(word, str)]
    if _OUTPUT.search(words.plain(name)):
        return [word for word in said if _OUTPUTS.match(word) and word != taken]
    if words.role_of_argument(name) != "activation" or _OF_OUTPUTS.search(name):
        return []
    known = [word for word in said if _KNOWN.match(word)]
    if known == [taken] and made is not None:
        known = [n for n, _ in inspect.getmembers(made, inspect.isfunction) if _KNOWN.match(n)]
    return [word for word in known if word != taken]


def _switched(made: type, plan: Plan) -> Iterator[tuple[str, Any]]:
    """The arguments of a constructor that leave a part of the network out unless they are given, and what they are
    given then."""
    for name, parameter in inspect.signature(made).parameters.items():
        word, default = words.plain(name), parameter.default
        if name in plan.roles or name in plan.values:
            continue
        if default is False and _PART.search(word):
            yield name, True
        elif not isinstance(default, bool) and isinstance(default, int | float | None):
            if words.role_of_argument(name) == "keep" and default in (1, None):
                yield name, KEEP
            elif _DROPPED.match(word) and default in (0, None):
                yield name, round(1 - KEEP, 9)


def _with_another(program: Driven, plan: Plan, name: str, value: Any) -> Driven:
    other = _afresh(program)
    other.holder = copy.copy(program.holder)
    told = copy.copy(plan)
    told.roles = {argument: role for argument, role in plan.roles.items() if argument != name}
    told.values = {**plan.values, name: value}
    other.holder.plan = told  # type: ignore[attr-defined]
    return other


def _afresh(program: Driven) -> Driven:
    """The same program, of which nothing is known yet."""
    return Driven(program.interface, program.holder, program.steps, program.functions)
