"""Parameters under the keys of a dict, as a training loop reads and updates them: one statement a key in place of
`for key in params: params[key] -= rate * grads[key]`, and names in place of params["W1"]."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

Statements = list[ast.stmt]


def as_names(body: Statements, before: Statements) -> tuple[Statements, Statements]:
    """The statements of a turn, and those before it, with names in place of the keys of those dicts that are only ever
    asked for keys that are written down."""
    keys = _keys_in([*before, *body])
    before, body = _visited(_SpeltOut(keys), before), _visited(_SpeltOut(keys), body)
    names = _names(body)
    made_before = {name for name, _ in names} - _used_whole(before)
    named_before = {pair: name for pair, name in names.items() if pair[0] in made_before}
    return _visited(_AsNames(names), body), _visited(_AsNames(named_before), before)


def _visited(transformer: ast.NodeTransformer, statements: Iterable[ast.stmt]) -> Statements:
    module = transformer.visit(ast.Module(copy.deepcopy(list(statements)), []))
    return list(ast.fix_missing_locations(module).body)


def _text(node: ast.AST | None) -> str | None:
    """A key that could be a name."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        return node.value
    return None


def _entries(value: ast.AST) -> list[tuple[str, ast.expr]] | None:
    """(key, value) of a dict that is written down: {}, {"W1": W1}, dict(W1=W1)."""
    if isinstance(value, ast.Dict):
        keys = [_text(key) for key in value.keys]
        return list(zip(keys, value.values, strict=True)) if all(keys) else None  # type: ignore[arg-type]
    if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "dict" and not value.args:
        named = [(keyword.arg, keyword.value) for keyword in value.keywords if keyword.arg]
        return named if len(named) == len(value.keywords) else None
    return None


def _made(statement: ast.AST) -> tuple[str, list[tuple[str, ast.expr]]] | None:
    """The dict that a statement makes of entries that it writes down."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        entries = _entries(statement.value)
        return None if entries is None else (statement.targets[0].id, entries)
    return None


def _keys_in(statements: Iterable[ast.stmt]) -> dict[str, list[str]]:
    """The keys of each dict, in the order in which statements show them."""
    found: dict[str, list[str]] = {}
    for node in (node for statement in statements for node in ast.walk(statement)):
        if made := _made(node):
            found.setdefault(made[0], []).extend(key for key, _ in made[1])
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and (key := _text(node.slice)):
            found.setdefault(node.value.id, []).append(key)
    return {name: list(dict.fromkeys(keys)) for name, keys in found.items()}


# ---- what is done for each key ---------------------------------------------------------------------------------------


class _Round(NamedTuple):
    """What a loop has names for in one of its turns."""

    key: str
    key_name: str | None
    value_name: str | None
    name: str | None
    """The dict."""


class _SpeltOut(ast.NodeTransformer):
    """Loops and comprehensions over the keys, values or items of a dict, and over words, written out."""

    def __init__(self, keys: Mapping[str, list[str]]) -> None:
        self.keys = keys

    def visit_For(self, node: ast.For) -> ast.AST | Statements:
        rounds = self._rounds(node.target, node.iter)
        leaves = any(isinstance(inner, ast.Break | ast.Continue) for inner in ast.walk(node))
        if not rounds or node.orelse or leaves:
            return self.generic_visit(node)
        return [
            statement
            for one in rounds
            for inner in node.body
            for statement in _visited(self, _visited(_WithKey(one), [inner]))
        ]

    def _each(self, generators: list[ast.comprehension], *parts: ast.expr) -> list[list[ast.expr]] | None:
        """The parts of a comprehension for each key that its conditions let through."""
        rounds = self._rounds(generators[0].target, generators[0].iter) if len(generators) == 1 else []
        if not rounds:
            return None
        found = []
        for one in rounds:
            put = _WithKey(one)
            holds = [_truth(put.visit(copy.deepcopy(condition))) for condition in generators[0].ifs]
            if None in holds:
                return None
            if all(holds):
                found.append([self.visit(put.visit(copy.deepcopy(part))) for part in parts])
        return found

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        each = self._each(node.generators, node.elt)
        listed = ast.List([part for (part,) in each], ast.Load()) if each is not None else None
        return ast.copy_location(listed, node) if listed is not None else self.generic_visit(node)

    visit_GeneratorExp = visit_ListComp  # type: ignore[assignment]  # sum(...) takes either

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        each = self._each(node.generators, node.key, node.value)
        if each is None:
            return self.generic_visit(node)
        return ast.copy_location(ast.Dict([key for key, _ in each], [value for _, value in each]), node)

    def _rounds(self, target: ast.expr, iterated: ast.expr) -> list[_Round]:
        names = [element.id for element in getattr(target, "elts", [target]) if isinstance(element, ast.Name)]
        if isinstance(iterated, ast.List | ast.Tuple):
            words = [word for element in iterated.elts if (word := _text(element))]
            plain = len(words) == len(iterated.elts) and len(names) == 1
            return [_Round(word, names[0], None, None) for word in words] if plain else []
        view = "keys"
        if isinstance(iterated, ast.Call) and isinstance(iterated.func, ast.Attribute) and not iterated.args:
            view, iterated = iterated.func.attr, iterated.func.value
        named = {"keys": (0, None), "values": (None, 0), "items": (0, 1)}.get(view)
        if named is None or not isinstance(iterated, ast.Name) or len(names) != 1 + (view == "items"):
            return []
        key_name, value_name = (None if at is None else names[at] for at in named)
        return [_Round(key, key_name, value_name, iterated.id) for key in self.keys.get(iterated.id, [])]


class _WithKey(ast.NodeTransformer):
    """The key where a loop has a name for it, the entry where it has one for the value; "d" + key is put together, and
    what is asked of the key alone is answered."""

    def __init__(self, one: _Round) -> None:
        self.one = one

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id == self.one.key_name:
            return ast.copy_location(ast.Constant(self.one.key), node)
        if node.id == self.one.value_name and self.one.name is not None:
            entry = ast.Subscript(ast.Name(self.one.name, ast.Load()), ast.Constant(self.one.key), node.ctx)
            return ast.copy_location(entry, node)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        left, right = _text(node.left), _text(node.right)
        if isinstance(node.op, ast.Add) and left and right:
            return ast.copy_location(ast.Constant(left + right), node)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        self.generic_visit(node)
        parts = [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
        texts = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        return ast.copy_location(ast.Constant("".join(texts)), node) if len(texts) == len(parts) else node

    def visit_If(self, node: ast.If) -> ast.AST | Statements:
        self.generic_visit(node)
        holds = _truth(node.test)
        return node if holds is None else node.body if holds else node.orelse


def _truth(test: ast.expr) -> bool | None:
    """Whether a condition on texts alone holds: "W1".startswith("W"), "b" in "b1"; None where it is on more."""
    if any(isinstance(node, ast.Name | ast.Lambda | ast.comprehension) for node in ast.walk(test)):
        return None
    try:
        expression = ast.fix_missing_locations(ast.Expression(copy.deepcopy(test)))
        return bool(eval(compile(expression, "<condition>", "eval"), {"__builtins__": {}}))
    except Exception:
        return None


# ---- names in place of keys ------------------------------------------------------------------------------------------


def _names(body: Statements) -> dict[tuple[str, str], str]:
    """(dict, key) -> name, of the dicts of a turn that are nothing but names for what is in them. A key that several
    have is the name of what is read first, the parameter; in the others it goes with the name of the dict."""
    keyed = [node for node in _walked(body) if isinstance(node, ast.Subscript) and _text(node.slice)]
    bases = {node.value.id for node in keyed if isinstance(node.value, ast.Name)}
    stored = {n.value.id for n in keyed if isinstance(n.value, ast.Name) and not isinstance(n.ctx, ast.Load)}
    stored |= {made[0] for statement in body if (made := _made(statement))}
    dicts = (bases & stored) - _used_whole(body)
    taken = {node.id for node in _walked(body) if isinstance(node, ast.Name)}
    found: dict[tuple[str, str], str] = {}
    for name in sorted(dicts, key=lambda name: _first_read(name, keyed)):
        for key in _keys_in(body)[name]:
            plain = key not in taken
            found[name, key] = key if plain else f"{name}_{key}"
            taken |= {found[name, key]}
    return found


def _walked(statements: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    return (node for statement in statements for node in ast.walk(statement))


def _used_whole(statements: Statements) -> set[str]:
    """The names that stand for more than what is under keys that are written down."""
    nodes = list(_walked(statements))
    bases = {id(node.value) for node in nodes if isinstance(node, ast.Subscript) and _text(node.slice)}
    bases |= {id(node.targets[0]) for node in nodes if isinstance(node, ast.Assign) and _made(node)}
    return {node.id for node in nodes if isinstance(node, ast.Name) and id(node) not in bases}


def _first_read(name: str, keyed: list[ast.Subscript]) -> int:
    places = [n.lineno for n in keyed if getattr(n.value, "id", "") == name and isinstance(n.ctx, ast.Load)]
    return min(places, default=max(n.lineno for n in keyed) + 1)


class _AsNames(ast.NodeTransformer):
    def __init__(self, names: Mapping[tuple[str, str], str]) -> None:
        self.names = names
        self.dicts = {name for name, _ in names}

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        key = _text(node.slice)
        name = self.names.get((node.value.id, key)) if key and isinstance(node.value, ast.Name) else None
        return ast.copy_location(ast.Name(name, node.ctx), node) if name else node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | Statements:
        self.generic_visit(node)
        made = _made(node)
        if made is None or made[0] not in self.dicts:
            return node
        return [
            ast.copy_location(ast.Assign([ast.Name(self.names.get((made[0], key), key), ast.Store())], value), node)
            for key, value in made[1]
        ]
