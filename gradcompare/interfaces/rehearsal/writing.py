"""Programs for a file that only defines things: what it defines is made and called, in a loop of ours.

The likeliest come first: what trains by its name or by what it does; then what goes forward, back and a step, one after
another, each given what those before it return. A step that nothing in the file goes is written out. Only what runs is
written; whether it trains, the rehearsal tells.
"""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from gradcompare.interfaces import meaning, source, words
from gradcompare.interfaces.rehearsal import chaining, going_down, linking, supplies
from gradcompare.interfaces.rehearsal.desk import Desk, Member, Said
from gradcompare.interfaces.rehearsal.script import Script
from gradcompare.interfaces.rehearsal.wording import HIDDEN

MOST = 5
"""So many trainers of one object are tried."""
_NO_TRAINER = ("predict", "ignored", "initialise", "forward", "slope_of_cost")
_EFFECTS = {
    "unlink",
    "rmtree",
    "rmdir",
    "write_text",
    "write_bytes",
    "touch",
    "rename",
    "Popen",
    "system",
    "eval",
    "exec",
}
"""What is not called, and not by what is called."""
_ADDS = re.compile(r"^(add|append|push|insert)(_?(layer|module))?$", re.IGNORECASE)
_WIDTH = re.compile(r"^(n_?)?(in|out)|units|neurons|nodes|size|dim|width", re.IGNORECASE)
_SETS_UP = re.compile(
    r"^_*(compile|configure|set_?up|use|build|set_?(loss|optimi[sz]er|cost|layers)"
    r"|init(iali[sz]e)?(_?(weights|param(eter)?s|network|layers|model))?)$",
    re.IGNORECASE,
)
"""Methods that give an object its parts."""
_BACK = ("backward", "fused", "cost", None)
"""What may make gradients, the likeliest first."""


class Sketch(NamedTuple):
    """A program that may train."""

    text: str
    each: bool
    """Whether samples come one at a time."""
    counts: bool
    """Whether what is called says something of several samples."""


def programs(script: Script, supplied: supplies.Supplies, problems: list[BaseException]) -> Iterator[Sketch]:
    """The programs, and on the way what went wrong with all samples at once."""
    for layer in linking.linked(_classes(script)):
        counts = source.counts_samples(_functions(layer, script))
        for each in (None, "vector", "column"):
            desk = Desk(script, supplied, each)
            if linking.chain(desk, layer):
                yield Sketch(desk.text(), each is not None, counts)
    layers = chaining.layers(_classes(script))
    stack = chaining.stack(Desk(script, supplied), layers)
    for made in _objects(script):
        if made in layers and stack:
            continue
        functions = _functions(made, script)
        counts = source.counts_samples(functions)
        for each in (None, "vector", "column"):
            went_wrong = problems if each is None else []
            desk_of = functools.partial(Desk, script, supplied, each)
            for text in _of_object(desk_of, made, functions, stack, went_wrong):
                yield Sketch(text, each is not None, counts)
    if layers:
        desk = Desk(script, supplied)
        if chaining.chain(desk, layers):
            yield Sketch(desk.text(), False, True)
        problems += desk.problems


def _classes(script: Script) -> list[type]:
    own = (v for v in script.names.values() if _is_own(v, script))
    return list(dict.fromkeys(v for v in own if inspect.isclass(v)))


def _objects(script: Script) -> list[type | None]:
    """The classes that may train, and None for the functions; first what says that it trains."""
    every: list[type | None] = [*_classes(script), None]
    promise = {made: max(map(_trains, _functions(made, script)), default=0) for made in every}
    return sorted(every, key=lambda made: -promise[made])


def _is_own(thing: Any, script: Script) -> bool:
    return getattr(thing, "__module__", None) == script.names.get("__name__")


def _functions(made: type | None, script: Script) -> list[Callable[..., Any]]:
    """The methods of a class, those that it inherits too; or the functions of the file."""
    if made is None:
        own = [v for v in script.names.values() if inspect.isfunction(v) and _is_own(v, script)]
        found = [f for f in own if f.__name__.isidentifier()]
    else:
        kin = [c for c in made.__mro__ if _is_own(c, script)]
        methods = {name: f for c in reversed(kin) for name, f in vars(c).items() if inspect.isfunction(f)}
        found = [f for name, f in methods.items() if not name.startswith("__")]
    return [f for f in found if not _has_effects(f)]


@source.kept
def _has_effects(function: Callable[..., Any]) -> bool:
    return any(source.names_called(f) & _EFFECTS for f in source.reached([function]))


@source.kept
def _trains(function: Callable[..., Any]) -> int:
    """How much a function looks like one that trains."""
    role = words.role_of_function(function.__name__.lstrip("_"))
    data = _takes_data(function)
    if role in _NO_TRAINER and (data < 2 or role == "ignored"):
        return 0
    updates = any(source.updated_in(f) for f in source.reached([function])[:12])
    if role != "update" and not (updates and data):
        return 0
    return 4 * (role == "update") + 2 * data + 2 * updates


def _takes_data(function: Callable[..., Any]) -> int:
    """How many of samples and labels a function takes."""
    told = {meaning.role_of(function, name) for name in source.argument_names(function)}
    return len({"inputs", "targets"} & told)


def _of_object(
    desk_of: Callable[[], Desk],
    made: type | None,
    functions: Sequence[Callable[..., Any]],
    stack: Sequence[str],
    problems: list[BaseException],
) -> Iterator[str]:
    """Programs around one object, or around functions alone."""
    for trainer in [f for f in sorted(functions, key=lambda f: -_trains(f)) if _trains(f) >= 3][:MOST]:
        desk = desk_of()
        if (owner := _make(desk, made, stack)) is None:
            problems += desk.problems
            return
        _prepare(desk, [Member(f"{owner}{f.__name__}", f) for f in functions], trainer)
        yield from _trained(desk, Member(f"{owner}{trainer.__name__}", trainer))
    for stepping in (True, False):
        desk = desk_of()
        if (owner := _make(desk, made, stack)) is not None and _thread(desk, owner, functions, stepping):
            yield desk.text()
        problems += desk.problems


def _make(desk: Desk, made: type | None, stack: Sequence[str]) -> str | None:
    """Write how the object is made, unless the file has one; "net.", or "" for functions alone, whose parameters are
    made; None where it cannot be made. `stack`: layers that it may hold."""
    if made is None:
        _parameters(desk)
        return ""
    of_file = (n for n, v in desk.space.items() if type(v).__name__ == made.__name__ and n.isidentifier())
    if (name := next(of_file, None)) is not None:
        return f"{name}."
    name = desk.free("net", "model", "network")
    for arguments in (*chaining.holding(made, stack), *desk.wording.made(made, desk.data)):
        if desk.write(f"{name} = {made.__name__}({', '.join(arguments)})"):
            break
    else:
        return None
    members = [Member(f"{name}.{f.__name__}", f) for f in _functions(made, desk.script)]
    for member in members:
        if _ADDS.match(member.function.__name__) and not _add(desk, member, stack):
            return None
    for member in members:
        if _SETS_UP.match(member.function.__name__):
            desk.call(member, False)
    return f"{name}."


def _prepare(desk: Desk, members: Sequence[Member], trainer: Callable[..., Any]) -> None:
    """Write calls of what makes that which a trainer is given, by its name: make_pairs for train(pairs)."""
    for name in source.argument_names(trainer):
        makers = [m for m in members if m.function.__name__.endswith(f"_{name}") and _is_made_of(m.function, name)]
        for said in desk.wordings(makers[0]) if makers else ():
            if all(map(desk.write, said.before)) and desk.write(f"{name} = {said.line}"):
                desk.made[name] = name
                break


def _is_made_of(function: Callable[..., Any], name: str) -> bool:
    """Whether a function is given something else than what it makes, and hands it out."""
    taken = source.argument_names(function)
    return bool(taken) and name not in taken and not source.returns_nothing(function)


def _add(desk: Desk, member: Member, stack: Sequence[str]) -> bool:
    """Write how layers are added: those that it may hold, or by their numbers of inputs and of units."""
    taken = source.argument_names(member.function)
    widths = [desk.wording.inputs, HIDDEN[0], desk.wording.outputs]
    if len(taken) == 2 and all(map(_WIDTH.search, taken)):
        return all(desk.write(f"{member.said}({into}, {out})") for into, out in itertools.pairwise(widths))
    return len(taken) != 1 or all(desk.write(f"{member.said}({layer})") for layer in stack)


def _parameters(desk: Desk) -> None:
    """Write a call of what makes parameters, where a function of the file does."""
    makers = [f for f in _functions(None, desk.script) if words.role_of_function(f.__name__) == "initialise"]
    for function in [f for f in makers if _takes_data(f) < 2][:4]:
        for arguments in list(desk.wording.made(function, desk.data))[:4]:
            member = Member(function.__name__, function)
            made = desk.called(member, Said((), f"{function.__name__}({', '.join(arguments)})"), bound="parameters")
            if made is not None and not (isinstance(made, tuple) and not made):  # an array has no truth
                return


def _trained(desk: Desk, trainer: Member) -> Iterator[str]:
    """Calls of what trains: alone where it has a loop itself, and as the turn of a loop of ours."""
    before = list(desk.before)
    loops = _loops(trainer)
    for epochs in ("100", "1") if loops else ("1",):
        desk.wording.numbers["epochs"] = epochs  # all of them are one turn of a loop of ours
        for said in list(desk.wordings(trainer))[:4]:
            line = _kept(trainer, said.line)
            desk.before, desk.turn = [*before, *said.before], [line]
            if epochs == "1":
                yield desk.text()
            elif not desk.data.each:
                yield "\n".join((*desk.before, line))


def _kept(member: Member, line: str) -> str:
    """The call, and what it returns under the names of what it was given: new values of parameters."""
    taken = source.argument_names(member.function)
    for row in reversed(source.returned_names(member.function)):
        names = [name for name in row if name]
        if len(names) == len(row) and all(name in taken and re.search(rf"\b{name}\b", line) for name in names):
            return f"{', '.join(names)} = {line}"
    return line


def _loops(member: Member) -> bool:
    """Whether it, or what it calls, goes through something."""
    reached = source.reached([member.function])
    return any(isinstance(n, ast.For | ast.While) for f in reached for n in ast.walk(source.tree(f)))


def _thread(desk: Desk, owner: str, functions: Sequence[Callable[..., Any]], stepping: bool) -> bool:
    """Write forward, cost, back and step, one after another; whether parameters move. `stepping`: by what the file has
    for that, else by steps of ours."""
    members = [Member(f"{owner}{f.__name__}", f) for f in functions]
    held = [owner[:-1]] if owner else desk.globals()
    walk = going_down.Walk(desk, [*desk.made, *held])
    if any(member.role == "fused" and _takes_data(member.function) == 2 for member in members):
        forward = False  # it goes forward itself, by methods that are given one step of a sample
    else:
        forward = _first(desk, members, ("forward",), "output")
        if not forward and any(member.role == "forward" for member in members):
            return False
        forward = forward or _first(desk, members, ("predict",), "output")
        _first(desk, members, ("cost",), "cost")
        _first(desk, members, ("slope_of_cost",), "slope")
    walk.begin()
    for role in _BACK:
        for member in (
            m for m in members if m.role == role and (role in ("backward", "fused") or _is_fused(m, forward))
        ):
            kept = len(desk.turn)
            if desk.call(member, True, "grads") is not None:
                walk.leave_out_what_is_bound()
                if walk.moved():
                    return stepping
                if (stepping and _first(desk, members, ("update",), "parameters") and walk.moved()) or walk.step():
                    return True
            del desk.turn[kept:]
    return False


def _is_fused(member: Member, forward: bool) -> bool:
    """Whether it may go forward and back, by what it is given."""
    told = {meaning.role_of(member.function, name) for name in source.argument_names(member.function)}
    return "targets" in told and ("inputs" in told or forward) and not _trains(member.function)


def _first(desk: Desk, members: Sequence[Member], roles: Sequence[str], bound: str) -> bool:
    """Write a call of the first that has one of these roles and can be called."""
    ordered = [member for role in roles for member in members if member.role == role]
    return any(desk.call(member, True, bound) is not None for member in ordered)
