"""A file's statements, with calls of a stage where they may need what is not there."""

from __future__ import annotations

import ast
import re
import types
from collections.abc import Collection, Mapping
from typing import Any

from gradcompare.interfaces import source, words
from gradcompare.interfaces.rehearsal import images, libraries, supplies

STAGE = "_stage_"
"""The name by which the statements find the stage."""
_DOWNLOADS = re.compile(r"fetch_|download|urlretrieve|urlopen|load_data$|get_file$|wget")
"""Calls that may download: something stands in for what they return. Those of the file's own functions are made, and
come to such a one inside of them."""
_READS = frozenset([*libraries.READS, "open", images.BATCHES])
_MEASURES = re.compile(
    r"acc|score|precision|recall|f1|metric|elapsed|val_?loss|test_?loss|hist|plot|figure|axes?$", re.I
)
"""Names of what a program measures on its way and does not train with."""
_SHOWS = re.compile(
    r"plot|show|draw|print|display|eval|test|valid|acc|score|save|log|report|predict|visuali|summary", re.I
)
"""Functions of that kind."""
_TRAIN = ("fused", "backward", "update")
"""What its own functions do that train: what they return is no measure alone."""
_COMPLAINS = frozenset(["print", "exit", "quit", "error", "warning", "info", "critical", "_exit", "print_exc"])
_BATCH = re.compile(r"batch(?!es)|^(n|nr|num|number)_?(of_)?batches$|^bs$|_bs$", re.I)
"""How large a batch is, or how many there are: of fewer samples than that none is left for each."""
_COUNTS = frozenset(["range", "arange", "permutation", "randint", "choice"])


class Asking(ast.NodeTransformer):
    """The same statements: what gets a name, is read or is counted goes by the stage, and what only shows or measures
    is left out where it fails."""

    def __init__(self, own: Collection[str], words_known: Mapping[str, str] = types.MappingProxyType({})) -> None:
        """`own`: the names of the file's own functions; `words_known`: see `words_compared`."""
        self.own, self.words_known = own, words_known
        self.counts: set[int] = set()
        """The numbers to which it counts, and up to which it takes samples."""
        self.batches: set[int] = set()
        """How large the batches are that it takes."""
        self._tried = False
        self._entries: dict[str, set[Any]] = {}
        self.in_pairs = False
        """Whether it takes (sample, label) one after another from a list of such."""
        self.apart = False
        """Whether labels are read from a place of their own."""

    def visit_For(self, node: ast.For) -> ast.AST:
        structure, whole = _structure(node.target), node.iter
        enumerated = isinstance(whole, ast.Call) and source.called(whole) == "enumerate" and whole.args
        if enumerated and len(structure) == 2:
            structure, whole = structure[1], whole.args[0]  # type: ignore[attr-defined]
        if isinstance(structure, tuple) and len(structure) == 2 and not isinstance(whole, ast.Call):
            self.in_pairs |= [*map(_role, structure)] == list(supplies.ROLES)
            over = at(whole, call("iterated", structure, whole))
            if enumerated:
                node.iter.args[0] = over  # type: ignore[attr-defined]
            else:
                node.iter = over
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = source.called(node) or ""
        if called in _COUNTS:
            self.counts |= {int(a.value) for a in node.args if _is_count(a)}  # type: ignore[attr-defined]
        self.generic_visit(node)
        if called in self.own or not (called in _READS or _DOWNLOADS.match(called)):
            return node
        if self._tried:
            function = at(node, ast.Attribute(ast.Name(STAGE, ast.Load()), "really", ast.Load()))
            func = at(node, ast.Name("_open_", ast.Load())) if ast.unparse(node.func) == "open" else node.func
            return at(node, ast.Call(function, [func, *node.args], node.keywords))
        if isinstance(node.func, ast.Name) and called == "open":
            return node
        dotted = at(node, ast.Constant(ast.unparse(node.func)))
        function = at(node, ast.Attribute(ast.Name(STAGE, ast.Load()), "called", ast.Load()))
        return at(node, ast.Call(function, [dotted, node.func, *node.args], node.keywords))

    def visit_Slice(self, node: ast.Slice) -> ast.AST:
        for part in ("lower", "upper"):
            bound = getattr(node, part)
            if isinstance(bound, ast.UnaryOp) and isinstance(bound.op, ast.USub) and _is_count(bound.operand):
                self.counts.add(int(bound.operand.value))  # type: ignore[attr-defined]
                bound.operand = at(bound, call("count", bound.operand.value))  # type: ignore[attr-defined]
            elif _is_count(bound):
                self.counts.add(int(bound.value))
                setattr(node, part, at(bound, call("count", bound.value)))
            elif bound is not None:
                setattr(node, part, self.visit(bound))
        return node

    def visit_Try(self, node: ast.Try) -> ast.AST:
        outside, self._tried = self._tried, self._tried or any(map(_has_another_way, node.handlers))
        node.body = [self.visit(statement) for statement in node.body]
        self._tried = outside
        for name in ("handlers", "orelse", "finalbody"):
            setattr(node, name, [self.visit(part) for part in getattr(node, name)])
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        name = str(getattr(node.value, "attr", getattr(node.value, "id", "")))
        if isinstance(node.slice, ast.Constant) and supplies.is_whole(name):
            self._entries.setdefault(name, set()).add(node.slice.value)
        return self.generic_visit(node)

    @property
    def in_parts(self) -> bool:
        """Whether it takes samples and labels as data[0] and data[1]."""
        return any({0, 1} <= entries for entries in self._entries.values())

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        self._note_batch(node.arg or "", node.value)
        return self.generic_visit(node)

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        for argument, default in zip(node.args[::-1], node.defaults[::-1], strict=False):
            self._note_batch(argument.arg, default)
        return self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        for key, value in zip(node.keys, node.values, strict=True):
            self._note_batch(str(getattr(key, "value", "")), value)
        return self.generic_visit(node)

    def _note_batch(self, name: str, value: ast.expr) -> None:
        if _is_count(value) and _BATCH.search(name):
            self.batches.add(int(value.value))  # type: ignore[attr-defined]

    def visit_MatchValue(self, node: ast.MatchValue) -> ast.AST:
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        large = _is_count(node) and int(node.value) > supplies.MOST_SAMPLES  # type: ignore[arg-type]
        return at(node, call("count", node.value)) if large else node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        structure = _structure(node.targets[0])
        if isinstance(structure, str) and structure in self.words_known and _is_typed(node.value):
            node.value = at(node, ast.Constant(self.words_known[structure]))
            return node
        values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        for name, value in zip((structure,) if isinstance(structure, str) else structure, values, strict=False):
            if isinstance(name, str) and _is_count(value):
                self.counts.add(int(value.value))  # type: ignore[attr-defined]
                self._note_batch(name, value)
        reads = isinstance(node.value, ast.Call) and source.called(node.value) in _READS
        self.apart |= reads and _role(structure) == "targets"
        self.generic_visit(node)
        value = node.value
        called = source.called(value) if isinstance(value, ast.Call) else ""
        own = called in self.own
        each = isinstance(value, ast.Tuple) and any(isinstance(part, ast.Call) for part in value.elts)
        if each or isinstance(value, ast.Call | ast.Attribute | ast.Subscript | ast.Name):
            how = "returned" if own else "converted" if _converts(value) else "named"
            how = "typed" if "argv" in ast.unparse(value) else how
            node.value = at(node, call(how, structure, node.value))
        trains = own and words.role_of_function(called) in _TRAIN
        measures = isinstance(structure, str) and _MEASURES.search(structure) and not trains
        if measures and isinstance(node.targets[0], ast.Name):
            return _left_out_where_it_fails(node, ast.Assign(node.targets, ast.Constant(0.0)))
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        called = source.called(node.value) if isinstance(node.value, ast.Call) else ""
        measures = called == "append" and _MEASURES.search(ast.unparse(node.value))
        self.generic_visit(node)
        return _left_out_where_it_fails(node, ast.Pass()) if _SHOWS.search(called) or measures else node


def words_compared(tree: ast.AST) -> dict[str, str]:
    """By name the first word with which something is compared: what may be typed for it."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and isinstance(node.ops[0], ast.Eq):
            word = getattr(node.comparators[0], "value", None)
            if isinstance(word, str):
                found.setdefault(node.left.id, word)
    return found


def _is_typed(value: ast.expr) -> bool:
    """Whether it is what input() returns, in other letters at most."""
    called = {source.called(node) for node in ast.walk(value) if isinstance(node, ast.Call)}
    return "input" in called and called <= {"input", "lower", "upper", "strip"}


def _converts(node: ast.expr) -> bool:
    """Whether it makes an array of what has a name: np.array(samples)."""
    made = isinstance(node, ast.Call) and source.called(node) in ("array", "asarray", "vstack", "stack", "concatenate")
    return made and bool(node.args) and isinstance(node.args[0], ast.Name | ast.Attribute)  # type: ignore[attr-defined]


def _has_another_way(handler: ast.ExceptHandler) -> bool:
    """Whether it does more than to complain and to end."""
    return not all(
        isinstance(s, ast.Pass | ast.Raise | ast.Return | ast.Continue | ast.Break)
        or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Call) and source.called(s.value) in _COMPLAINS)
        for s in handler.body
    )


def _is_count(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value > 1


def _structure(target: ast.expr) -> Any:
    """Its last name, or those of its parts."""
    if isinstance(target, ast.Tuple | ast.List):
        return tuple(map(_structure, target.elts))
    return str(getattr(target, "attr", getattr(target, "id", "")))


def _role(structure: Any) -> str | None:
    return supplies.role(structure) if isinstance(structure, str) else None


def _left_out_where_it_fails(node: ast.stmt, instead: ast.stmt) -> Any:
    failed = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [instead])
    return at(node, ast.Try([node], [failed], [], []))


def call(method: str, number: Any, *more: ast.expr) -> Any:
    """_stage_.method(number, ...)."""
    function = ast.Attribute(ast.Name(STAGE, ast.Load()), method, ast.Load())
    return ast.Call(function, [ast.Constant(number), *more], [])


def at(place: Any, node: Any) -> Any:
    """The node and what is new in it, at the place of another."""
    for part in ast.walk(node):
        if "lineno" in part._attributes and not hasattr(part, "lineno"):
            ast.copy_location(part, place)
    return node
