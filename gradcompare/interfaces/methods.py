"""A turn of a training loop in a method: what it computes with the object, and where labels first meet that."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import partial

from gradcompare.interfaces import dataflow, turns
from gradcompare.interfaces.turns import Turn

SELF = "self"
_RESULT = "result_of_forward"


def method_turn(loop: ast.For | ast.While, before: list[ast.stmt], roles: Mapping[str, str]) -> Turn:
    """A turn with its forward pass, where it has one; `roles`: see Turn.roles."""
    turn = turns.turn_of(loop, before, roles)
    data = {role: turn.names_of(role) for role in ("inputs", "targets")}
    is_sample, is_label = (partial(_has_role, turn, role) for role in data)
    data["inputs"] |= dataflow.descended(turn.before, is_sample, is_label)
    data["targets"] |= dataflow.descended(turn.before, is_label, is_sample)
    computed: set[str] = set()
    for i, statement in enumerate(turn.body):
        read, written = dataflow.values_read(statement), set(dataflow.names_written(statement))
        inputs, labels = data["inputs"] & read, data["targets"] & read
        if labels and (output := _met(turn, i, computed, data)) is not None:
            turn.end, turn.output = i, output
            break
        if computed & read or (inputs and SELF in read and not labels):
            computed |= written or ({SELF} if isinstance(statement, ast.Expr) else set())
        else:
            for name in written:
                _note(name, turn, statement, data)
    return turn


def _has_role(turn: Turn, role: str, name: str) -> bool:
    return turn.role_of(name) == role


def _met(turn: Turn, i: int, computed: set[str], data: Mapping[str, set[str]]) -> ast.expr | None:
    """What labels meet in a statement: a name that was computed before, else a part of the statement."""
    statement = turn.body[i]
    bound = [name for s in turn.body[:i] for name in dataflow.names_written(s)]
    met = sorted(computed & dataflow.values_read(statement) - {SELF}, key=lambda name: turns.last(bound, name))
    if met:
        return ast.Name(met[-1], ast.Load())
    given = data["inputs"] | computed
    part = turns.apart(statement, data["targets"], lambda node: {SELF} < dataflow.values_read(node) & (given | {SELF}))
    if part is not None or SELF not in computed or SELF not in dataflow.values_read(statement):
        return part
    return _hoisted(turn, i)


def _hoisted(turn: Turn, end: int) -> ast.expr | None:
    """The result of the call before, `self.forward(X)`, which nothing takes."""
    calls = [i for i, s in enumerate(turn.body[:end]) if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call)]
    if not calls:
        return None
    call = turn.body[calls[-1]]
    assert isinstance(call, ast.Expr)
    kept = ast.Assign([ast.Name(_RESULT, ast.Store())], call.value)
    turn.body[calls[-1]] = ast.fix_missing_locations(ast.copy_location(kept, call))
    return ast.Name(_RESULT, ast.Load())


def _note(name: str, turn: Turn, statement: ast.stmt, data: Mapping[str, set[str]]) -> None:
    """What is made of data are data: by its name, else by what it is made of."""
    own = turn.role_of(name)
    for role, names in data.items():
        of_these = bool(names & dataflow.values_read(statement)) and name in turns.made_of(statement, names)
        if own == role or (own not in data and of_these):
            names.add(name)
