"""What stands in for a base class of the author's that is not there: an object that holds what the classes which build
on it take for granted."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeGuard

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def standing_in(made: ast.ClassDef, tree: ast.AST) -> tuple[type, list[str]] | None:
    """A base class for a class of a tree, and what it holds; None where nothing is asked of it.

    It holds dicts and lists that are filled and that no class sets, whether it trains, and what is handed up to it.
    """
    family = [made, *_built_on(made.name, tree)]
    set_there = {name for node in family for name in _bound_in(node)}
    inner = [node for member in family for node in ast.walk(member)]
    read = [node for node in inner if _of_self(node) and node.attr not in set_there]
    names = list(dict.fromkeys(node.attr for node in read))
    parents = {id(child): node for node in inner for child in ast.iter_child_nodes(node)}
    makers: dict[str, Callable[[], Any]] = {}
    for node in read:
        maker = _maker(node, parents)
        if maker is not None:
            makers.setdefault(node.attr, maker)
    plain = [name for name in names if name not in makers and not _is_called(name, family)]
    handed = _handed_up(made, plain)
    starts = any(isinstance(node, FunctionNode) and node.name == "__init__" for node in made.body)
    if not (makers or starts):
        return None
    return _base(makers, handed if starts else None), sorted({*makers, *filter(None, handed)})


def _base(makers: dict[str, Callable[[], Any]], handed: list[str | None] | None) -> type:
    def held(self: Any, name: str) -> Any:
        if name not in makers:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        setattr(self, name, makers[name]())
        return vars(self)[name]

    def start(self: Any, *given: Any, **named: Any) -> None:
        for name, value in [*zip(handed or (), given, strict=False), *named.items()]:
            if name:
                setattr(self, name, value)

    return type("Base", (), {"__getattr__": held} | ({"__init__": start} if handed is not None else {}))


def _built_on(name: str, tree: ast.AST) -> Iterator[ast.ClassDef]:
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name != name]
    for node in classes:
        if any(isinstance(base, ast.Name) and base.id == name for base in node.bases):
            yield node
            yield from _built_on(node.name, tree)


def _bound_in(made: ast.ClassDef) -> Iterator[str]:
    """What a class defines, or sets whole."""
    for node in made.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        yield from (target.id for target in targets if isinstance(target, ast.Name))
        if isinstance(node, FunctionNode):
            yield node.name
    for inner in ast.walk(made):
        if _of_self(inner) and isinstance(inner.ctx, ast.Store):
            yield inner.attr


def _of_self(node: ast.AST | None) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _maker(node: ast.Attribute, parents: dict[int, ast.AST]) -> Callable[[], Any] | None:
    """What makes an attribute, by one of its uses: self.params["W"], self.parts.append(...), if self.training."""
    parent = parents[id(node)]
    if isinstance(parent, ast.Subscript) and parent.value is node and _is_text(parent.slice):
        return dict
    if isinstance(parent, ast.Attribute) and parent.attr in ("append", "extend"):
        return list
    turned = isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not)
    test, asks = (parent, parents[id(parent)]) if turned else (node, parent)
    if not isinstance(asks, ast.If | ast.IfExp) or asks.test is not test:
        return None
    trains = bool(re.search("train", node.attr, re.I))
    if not trains and isinstance(asks, ast.If):  # what is kept is kept for the way back
        trains = any(map(_keeps, asks.body)) != turned
    return lambda: trains


def _keeps(statement: ast.stmt) -> bool:
    return any(_of_self(n) and isinstance(n.ctx, ast.Store) for n in ast.walk(statement))


def _is_text(key: ast.expr) -> bool:
    return isinstance(key, ast.JoinedStr) or (isinstance(key, ast.Constant) and isinstance(key.value, str))


def _is_called(name: str, family: list[ast.ClassDef]) -> bool:
    calls = (node.func for member in family for node in ast.walk(member) if isinstance(node, ast.Call))
    return any(_of_self(f) and f.attr == name for f in calls)


def _handed_up(made: ast.ClassDef, names: list[str]) -> list[str | None]:
    """Under which names a base keeps what its constructor is given: their own, or else in the order of their use."""
    for call in ast.walk(made):
        if isinstance(call, ast.Call) and re.fullmatch(r"super\(.*\)\.__init__", ast.unparse(call.func)):
            given = [getattr(argument, "id", None) for argument in call.args]
            if len(given) == len(names) and not set(given) & set(names):
                return list(names)
            return [name if name in names else None for name in given]
    return []
