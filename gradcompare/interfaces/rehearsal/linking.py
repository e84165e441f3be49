"""A network of layers that know one another: each is made with the layer before it or after it, the first goes forward
through all of them, and the last goes back."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any

from gradcompare.interfaces import source, words
from gradcompare.interfaces.plans import other_role
from gradcompare.interfaces.rehearsal.chaining import method, methods
from gradcompare.interfaces.rehearsal.desk import Desk, Member
from gradcompare.interfaces.rehearsal.wording import ACTIVATIONS, HIDDEN

_BEFORE = re.compile(r"^(prev(ious)?|input|incoming|inbound|parent|lower|left|last|from)_?(layer|node|neighbou?r)?$")
_AFTER = re.compile(r"^(next|output|outgoing|outbound|child|upper|right|to)_?(layer|node|neighbou?r)?$")
_LAYER = re.compile(r"layer|node|neighbou?r|^(prev(ious)?|next)$", re.IGNORECASE)
_FUNCTION = re.compile(r"^(func(tion)?|fn|act|f|g)$", re.IGNORECASE)
_UNITS = re.compile(r"neurons|units|nodes|size|width|^(n|dim)$", re.IGNORECASE)
_IS_AN_END = re.compile(r"^(is_?)?(?P<end>in|out)put(_?layer)?$", re.IGNORECASE)


def linked(classes: Sequence[type]) -> list[type]:
    """The classes that are made with a neighbour and for one width, and go forward and back."""
    return [made for made in classes if _neighbours(made) and _width(made) and _may_train(made)]


def chain(desk: Desk, made: type) -> bool:
    """Write three layers that are linked, and a turn of them; whether all of it runs."""
    names = [desk.free(f"layer{i}", f"layer_{i}") for i in (1, 2, 3)]
    widths = [desk.wording.inputs, HIDDEN[0], desk.wording.outputs]
    before, after = _neighbours(made).get("before"), _neighbours(made).get("after")
    order = [2, 1, 0] if after is not None and _needs(made, after) else [0, 1, 2]
    for i in order:
        near = {before: i - 1, after: i + 1}
        given = {arg: names[j] for arg, j in near.items() if arg and 0 <= j < 3 and names[j] in desk.space}
        told = _told(desk, made, widths[i], given, i)
        if told is None or not desk.write(f"{names[i]} = {made.__name__}({told})"):
            return False
    for one, two in ((0, 1), (1, 2)):
        for attribute, owner, other in ((after, one, two), (before, two, one)):
            if attribute and getattr(desk.space[names[owner]], attribute, ()) is None:
                desk.write(f"{names[owner]}.{attribute} = {names[other]}")
    return _turn(desk, made, names)


def _turn(desk: Desk, made: type, names: Sequence[str]) -> bool:
    """Write how the first goes forward and the last back, and each its step."""
    forward, back = method(made, "forward"), method(made, "backward")
    if not source.argument_names(forward):
        takes = [f for f in methods(made) if _only_takes_inputs(f)]
        if not takes or desk.call(Member(f"{names[0]}.{takes[0].__name__}", takes[0]), True) is None:
            return False
    for role, owner, function in (("output", names[0], forward), ("slope", names[-1], back)):
        if desk.call(Member(f"{owner}.{function.__name__}", function), True, role) is None:
            return False
    for step in (f for f in methods(made) if words.role_of_function(f.__name__.strip("_")) == "update"):
        for name in names:
            desk.call(Member(f"{name}.{step.__name__}", step), True)
    return True


def _told(desk: Desk, made: type, width: int, given: dict[str, str], place: int) -> str | None:
    """The arguments of one layer; None where one is not known."""
    said, neighbours = [], _neighbours(made).values()
    for name, parameter in source.signature(made.__init__).items():  # type: ignore[misc]
        optional = parameter.default is not parameter.empty
        end = _IS_AN_END.match(name) if isinstance(parameter.default, bool) else None
        if name == "self" or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name == _width(made):
            text: str | None = str(width)
        elif name in neighbours:
            text = given.get(name, None if optional else "None")
        elif end is not None:
            text = str(place == (0 if end["end"].lower() == "in" else 2))
        elif other_role(name) == "activation" or _FUNCTION.match(name):
            text = _word(made) if isinstance(parameter.default, str) else desk.wording.activation_of(made, name)
            text = None if optional and place == 0 else text  # what comes in is the sample
        else:
            text = None if optional else desk.wording.numbers.get(other_role(name) or "")
            if text is None and not optional:
                return None
        said += [f"{name}={text}"] if text is not None else []
    return ", ".join(said)


def _word(made: type) -> str | None:
    """A word for an activation that the methods of a class know; None where they know none."""
    nodes = (node for f in methods(made) for node in ast.walk(source.tree(f)) if isinstance(node, ast.Constant))
    known = {str(node.value).lower(): repr(node.value) for node in nodes if isinstance(node.value, str)}
    return next((known[word] for word in ACTIVATIONS if word in known), None)


def _neighbours(made: type) -> dict[str, str]:
    """The arguments of a constructor that are the layers "before" and "after"."""
    found: dict[str, str] = {}
    for name, parameter in source.signature(made.__init__).items():  # type: ignore[misc]
        called = _LAYER.search(name) and not isinstance(parameter.default, bool | int | str)
        for side, pattern in (("before", _BEFORE), ("after", _AFTER)):
            if called and pattern.match(name.lower()):
                found.setdefault(side, name)
    return found


def _needs(made: type, neighbour: str) -> bool:
    """Whether a constructor asks its neighbour for something."""
    nodes = ast.walk(source.tree(made.__init__))  # type: ignore[misc]
    read = (n.value for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load))
    return any(isinstance(owner, ast.Name) and owner.id == neighbour for owner in read)


def _width(made: type) -> str | None:
    """The argument that is the number of units."""
    names = [n for n in source.argument_names(made.__init__) if n not in _neighbours(made).values()]  # type: ignore[misc]
    wide = [n for n in names if (words.role_of_size(n) or _UNITS.search(n)) and not _IS_AN_END.match(n)]
    return wide[0] if len(wide) == 1 else None


def _may_train(made: type) -> bool:
    return all(method(made, role) is not None for role in ("forward", "backward"))


def _only_takes_inputs(function: Any) -> bool:
    role = words.role_of_function(function.__name__.lstrip("_"))
    taken = [words.role_of_argument(name) for name in source.argument_names(function)]
    called = [bool(re.match(r"(input|x)", name.lower())) for name in source.argument_names(function)]
    return role is None and len(taken) == 1 and (taken == ["inputs"] or called == [True])
