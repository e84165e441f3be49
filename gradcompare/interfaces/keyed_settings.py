"""Settings in one object that a constructor reads by key, by attribute or with a default: config["width"], args.lr,
options.get("rate", 0.1). The file has no class for it: what it reads says what is in it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gradcompare.interfaces import source, words


class Settings(dict[str, Any]):
    """What is read by key is read by attribute too."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self:
            raise AttributeError(name)
        return self[name]


@source.kept
def settings_class(made: Any, argument: str) -> type[Settings] | None:
    """A class of settings whose constructor asks for what a class, or a function, reads of an argument; None where the
    argument is not called like settings, and is asked for no width alone, or nothing is read of it."""
    if not words.SETTINGS.match(argument):
        return _of_widths(made, argument)
    functions = [f for _, f in inspect.getmembers(made, inspect.isfunction)] if inspect.isclass(made) else [made]
    functions = [f for f in functions if source.has_source(f)]
    kept = {argument} | {text for f in functions for text in _kept_as(f, argument)}
    read = [row for f in functions for row in _read(source.tree(f), kept)]
    keys = dict(reversed(read))
    if not keys:
        return None
    told = {key: words_ for key in keys if (words_ := _compared(functions, kept, key))}
    keys |= {key: said[0] for key, said in told.items() if keys[key] is inspect.Parameter.empty}
    parameters = [
        inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default)
        for key, default in sorted(keys.items(), key=lambda row: [each for each, _ in read].index(row[0]))
    ]
    return _made(parameters)


def _of_widths(made: Any, argument: str) -> type[Settings] | None:
    """The same of an object of another kind of which a constructor takes widths, and nothing else: dataset.vocab_size;
    what methods read of it later is None."""
    if not inspect.isclass(made) or not source.has_source(made.__init__):
        return None
    tree = source.tree(made.__init__)
    parents = {id(child): parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    read = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == argument and isinstance(n.ctx, ast.Load)]
    around = [parents[id(node)] for node in read]
    kept = [parent for parent in around if isinstance(parent, ast.Assign)]
    asked = dict.fromkeys(parent.attr for parent in around if isinstance(parent, ast.Attribute))
    if not asked or len(read) != len(kept) + sum(isinstance(parent, ast.Attribute) for parent in around):
        return None
    if not all(words.role_of_size(name) or words.counts_words(name) for name in asked):
        return None
    return _made([inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in asked])


def _made(parameters: Sequence[inspect.Parameter]) -> type[Settings]:
    """The class of settings with these."""
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}

    def begin(self: Settings, **given: Any) -> None:
        dict.__init__(self, defaults | given)

    found = type("Settings", (Settings,), {"__init__": begin})
    found.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return found


def _compared(functions: Iterable[Any], kept: set[str], key: str) -> list[str]:
    """The words with which anything compares a setting: relu of `act = settings["act"]` and `act == "relu"`."""
    asked = {f"{name}[{key!r}]" for name in kept} | {f"{name}.{key}" for name in kept}
    nodes = [node for f in functions for node in ast.walk(source.tree(f))]
    assigned = [row for node in nodes if isinstance(node, ast.Assign) for row in _one_by_one(node)]
    under = {ast.unparse(target) for target, value in assigned if ast.unparse(value) in asked} | asked
    pairs = [(n.left, c) for n in nodes if isinstance(n, ast.Compare) for c in n.comparators]
    said = [c.value for left, c in pairs if ast.unparse(left) in under and isinstance(c, ast.Constant)]
    return [word for word in said if isinstance(word, str)]


def _one_by_one(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(target, value) of an assignment, of tuples their parts."""
    for target in node.targets:
        both = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
        parts = (target.elts, node.value.elts) if both else ([target], [node.value])  # type: ignore[attr-defined]
        yield from zip(*parts, strict=False)


def _kept_as(function: Any, argument: str) -> Iterator[str]:
    """self.config of `self.config = config`."""
    for node in ast.walk(source.tree(function)):
        if isinstance(node, ast.Assign) and ast.unparse(node.value) == argument:
            yield from map(ast.unparse, node.targets)


def _read(tree: ast.AST, kept: set[str]) -> Iterator[tuple[str, Any]]:
    """(key, default) of what is read of settings, in the order of the text."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found: list[tuple[int, int, str, Any]] = []
    for node in ast.walk(tree):
        key: Any = None
        default: Any = inspect.Parameter.empty
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) in kept and isinstance(node.slice, ast.Constant):
            key = node.slice.value
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in kept and id(node) not in called:
            key = node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {f"{name}.get" for name in kept} and node.args:
            key = getattr(node.args[0], "value", None)
            default = getattr(node.args[1], "value", None) if len(node.args) > 1 else None
        if isinstance(key, str) and key.isidentifier():
            found.append((node.lineno, node.col_offset, key, default))  # type: ignore[attr-defined]
    yield from ((key, default) for _, _, key, default in sorted(found, key=lambda row: row[:2]))
