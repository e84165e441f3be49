"""A file's statements, with calls of a stage in them: where a turn of a loop begins and ends, and what gets a name."""

from __future__ import annotations

import ast
import builtins
import contextlib
import copy
import pathlib
import random
import types
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from gradcompare.interfaces import source, words
from gradcompare.interfaces.rehearsal import missing
from gradcompare.interfaces.rehearsal.asking import STAGE, Asking, at, call, words_compared
from gradcompare.interfaces.rehearsal.optimisers import stepping
from gradcompare.loading.absent import Absent
from gradcompare.loading.outdated import arrays_of_lists
from gradcompare.tracing.numpy_on_torch import untraced
from gradcompare.tracing.randomness import same_random_numbers
from gradcompare.tracing.traced_array import traced_among

WRITTEN = "<written for it>"
"""The file in which what was written at the end of a program stands."""
_WITHOUT_VALUE = """print show plot savefig save savez savetxt dump write writelines close sleep imshow imsave figure
    title legend xlabel ylabel scatter subplot subplots draw pause info debug warning set_trace to_csv mkdir makedirs
    system flush set_description save tofile save_weights to_excel dump_all"""
_DROPPED = frozenset(_WITHOUT_VALUE.split())
"""Calls that stand alone and are not made, unless they are of the file's own functions: they print, draw, write or
wait."""
_REFUSED = "os shutil subprocess requests urllib socket webbrowser smtplib ftplib http multiprocessing ctypes"
"""Modules with effects outside."""


class TurnOverError(BaseException):
    """The turn that was asked for is over."""


class Loop(NamedTuple):
    """A loop of the file."""

    line: int
    function: str
    """In which it stands; "" in none."""
    last: int | None = None
    """The last line of statements that stand in no loop and are taken for a turn of one."""


class Place(NamedTuple):
    """Where something gets its name, or is returned."""

    line: int
    text: str
    """The names, or "return"."""


class Meeting(NamedTuple):
    """Where two values meet that may be an output and its labels."""

    line: int
    kind: str
    """"difference", "quotient" or "look-up": output[labels]."""


class Stage(Protocol):
    """What the statements tell."""

    short: frozenset[int]
    """Loops that are to be left after their first turn."""
    is_traced: bool
    """Whether the turn is to be traced."""

    def begin(self, loop: int) -> bool:
        """A turn of a loop begins; whether the loop is to be left instead."""

    def end(self, loop: int) -> None:
        """The turn is over."""

    def between(self, number: int) -> None:
        """So many statements outside of functions are done."""

    def take(self, loop: int, name: str, value: Any) -> Any:
        """What a local name is to be in the turn that has begun."""

    def note(self, place: int, value: Any) -> Any:
        """The value, which gets a name."""

    def meet(self, meeting: int, side: int, value: Any) -> Any:
        """The value, which is on one side, 0 or 1, of a meeting."""

    def called(self, dotted: str, function: Any, *args: Any, **kwargs: Any) -> Any:
        """What a function returns that reads or downloads."""

    def named(self, structure: Any, value: Any) -> Any:
        """The value, as names say that it is bound to."""

    def converted(self, structure: Any, value: Any) -> Any:
        """The same, of an array that is made of a list."""

    def typed(self, structure: Any, value: Any) -> Any:
        """The same, of what stood on a command line."""

    def returned(self, structure: Any, value: Any) -> Any:
        """The same, of what a function of the file returned."""

    def iterated(self, structure: Any, value: Any) -> Any:
        """The value, as names say to which its parts are bound."""

    def really(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """The same, where the program has another way for what is not there."""

    def count(self, number: int) -> int:
        """What a large number is."""

    def around(self, value: Absent) -> Any:
        """What is absent, with what may stand in for it."""

    def open(self, file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        """open(), to read."""

    @property
    def answers(self) -> Callable[..., str]:
        """input()."""

    def supply(self, name: str) -> Any:
        """What a name is that nothing has bound; KeyError where nobody knows."""

    def known(self) -> Mapping[str, Any]:
        """The names of which that is known beforehand."""


class Script:
    """The program of a file whose definitions were loaded."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names, self.file = names, str(names.get("__file__"))
        tree, self.optimisers = stepping(copy.deepcopy(source.parsed(self.file)))
        own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        asking, self._staged = Asking(own, words_compared(tree)), _Staged(own)
        self._code: list[_Statement] = []
        self._add(map(asking.visit, _flattened(tree.body, _scripts(tree))), self.file)
        self.counts, self.batches, self.in_pairs = (
            sorted(asking.counts),
            asking.batches,
            asking.in_pairs and not asking.in_parts,
        )
        self.apart = asking.apart
        self.plain = "numpy" not in source.packages_imported(self.file)
        """Whether it is written in Python alone: what are arrays elsewhere are lists here."""
        self.problems: list[BaseException] = []
        """What went wrong in the last run."""
        self.written = ""
        """What was written at its end."""
        self.short: frozenset[int] = frozenset()
        """Loops that go through one turn and no more."""
        self.outdated: dict[int, str] = {}
        """By its lines, what only an older NumPy took."""

    def _import(self, *args: Any, **kwargs: Any) -> Any:
        """As when the file was loaded."""
        known = self.names.get("__builtins__")
        return (known if isinstance(known, dict) else vars(builtins))["__import__"](*args, **kwargs)

    def _add(self, statements: Iterable[ast.stmt], file: str) -> None:
        self._code += [
            _Statement(compile(ast.fix_missing_locations(ast.Module([s], [])), file, "exec"), _binds(s), s.lineno)
            for statement in statements
            for s in self._staged.statements(statement)
        ]
        self.loops, self.places, self.meetings = self._staged.loops, self._staged.places, self._staged.meetings

    @property
    def statements(self) -> int:
        """How many there are outside of functions."""
        return len(self._code)

    def watched(self) -> Script:
        """The same program, which tells the stage between its statements."""
        other = copy.copy(self)
        other._code = [code for i, each in enumerate(self._code, 1) for code in (each, _said("between", i, each.line))]
        return other

    def as_turn(self, first: int, last: int) -> Script:
        """The same program, of which the statements from one to another are the turn of a loop of their own."""
        other = copy.copy(self)
        number, line = len(self.loops), self._code[first].line
        other.loops = [*self.loops, Loop(line, "", self._code[last - 1].line)]
        begin, end = _said("begin", number, line), _said("end", number, line)
        other._code = [*self._code[:first], begin, *self._code[first:last], end, *self._code[last:]]
        return other

    def past(self, loop: int) -> Script:
        """The same program, which is on its way to what comes after a loop."""
        other = copy.copy(self)
        other.short = self.short | {loop}
        return other

    def followed_by(self, text: str) -> Script:
        """The same program with more at its end."""
        other = copy.copy(self)
        other._staged, other._code, other.problems = copy.deepcopy(self._staged), [*self._code], []
        other.written = text
        other._add(ast.parse(text).body, WRITTEN)
        return other

    def lists_as_arrays(self) -> contextlib.AbstractContextManager[None]:
        """Arrays of lists of several lengths, and of traced numbers, are made as the file means them."""
        return arrays_of_lists(self.file, self.outdated, traced_among)

    def run(self, stage: Stage) -> dict[str, Any]:
        """Run all statements in turn, up to where the stage says that it is over; those that fail are left out. The
        names that there are then."""
        names = untraced(self.names)
        space: dict[str, Any] = {name: _tamed(value, stage) for name, value in (names or self.names).items()}
        space |= {name: array.copy() for name, array in stage.known().items()}
        space |= {"__name__": "__main__", STAGE: stage, "__builtins__": _Builtins(stage, space, self._import)}
        self.problems = []
        stage.short = self.short
        stage.is_traced = names is not None
        state = random.getstate()
        random.seed(0)
        try:
            with (
                np.errstate(all="ignore"),
                same_random_numbers(),
                warnings.catch_warnings(),
                self.lists_as_arrays(),
            ):
                warnings.simplefilter("ignore")
                for code, imports, _ in self._code:
                    if imports and all(name in space and not isinstance(space[name], float) for name in imports):
                        continue  # but time of `time = time.time() - begun`
                    try:
                        exec(code, space)
                    except Exception as error:
                        self.problems.append(error)
        except (TurnOverError, SystemExit):
            pass
        finally:
            random.setstate(state)
        return space


class _Statement(NamedTuple):
    """A statement outside of functions."""

    code: types.CodeType
    imports: list[str]
    """The names that it binds, if it is an import."""
    line: int


def _said(what: str, number: int, line: int) -> _Statement:
    """A statement that tells the stage something."""
    told = at(ast.Pass(lineno=line, end_lineno=line, col_offset=0, end_col_offset=0), ast.Expr(call(what, number)))
    return _Statement(compile(ast.fix_missing_locations(ast.Module([told], [])), "<stage>", "exec"), [], line)


class _Builtins(dict[str, Any]):
    """The built-in names without those that have effects; of those that nothing has bound what the stage supplies."""

    def __init__(self, stage: Stage, space: dict[str, Any], imported: Callable[..., Any]) -> None:
        super().__init__(vars(builtins))
        self.stage, self.space = stage, space
        self["open"], self["input"], self["exit"], self["quit"] = (
            stage.open,
            stage.answers,
            missing.ended,
            missing.ended,
        )
        self["_open_"] = _only_reading
        self["__import__"] = lambda *args, **kwargs: _tamed_inside(imported(*args, **kwargs), stage)

    def __missing__(self, name: str) -> Any:
        return self.space.setdefault(name, self.stage.supply(name))


def _only_reading(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
    if set(mode) & set("wax+"):
        return missing.Sink()
    if isinstance(file, int):
        raise FileNotFoundError(file)
    return open(file, mode, *args, **kwargs)


def _tamed(value: Any, stage: Stage) -> Any:
    """Modules with effects outside, and their functions, are absent; for what is absent something may stand in."""
    module = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", None)
    top = str(module).partition(".")[0]
    if value is pathlib.Path:
        return missing.paths_opened_by(stage.open)
    if isinstance(value, types.ModuleType) and top in ("os", "sys"):
        return missing.operating_system() if top == "os" else missing.system()
    if value is pathlib:
        return types.SimpleNamespace(Path=missing.paths_opened_by(stage.open), PurePath=pathlib.PurePath)
    if (top in _REFUSED.split() or top == "posix") and not isinstance(value, type):
        value = Absent(getattr(value, "__name__", top), "it has effects outside")
    return stage.around(value) if isinstance(value, Absent) else value


def _tamed_inside(module: Any, stage: Stage) -> Any:
    """What an import yields, with names from it."""
    tame = _tamed(module, stage)
    if isinstance(tame, types.ModuleType) and not getattr(tame, "__spec__", None):
        for name, value in list(vars(tame).items()):
            if isinstance(value, Absent | types.ModuleType | types.BuiltinFunctionType):
                setattr(tame, name, _tamed(value, stage))
    return tame


def _flattened(statements: list[ast.stmt], scripts: Mapping[str, ast.FunctionDef]) -> Iterator[ast.stmt]:
    """The statements, one by one those of `if __name__ == "__main__"` and of functions that take and return nothing:
    what fails in them is left out like what fails in the module."""
    for statement in statements:
        called = statement.value if isinstance(statement, ast.Expr) else None
        script = scripts.get(source.called(called) or "") if isinstance(called, ast.Call) else None
        if isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test):
            yield from _flattened(statement.body, scripts)
        elif script is not None:
            others = {name: function for name, function in scripts.items() if name != script.name}
            yield from _flattened(copy.deepcopy(script.body), others)
        else:
            yield statement


def _scripts(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    """The functions that are scripts with a name."""
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {f.name: copy.deepcopy(f) for f in found if not ast.unparse(f.args) and not any(map(_leaves, ast.walk(f)))}


def _leaves(node: ast.AST) -> bool:
    return isinstance(node, ast.Return | ast.Yield | ast.YieldFrom | ast.Nonlocal)


def _binds(statement: ast.stmt) -> list[str]:
    """The names that an import binds."""
    if isinstance(statement, ast.Try) and all(isinstance(s, ast.Import | ast.ImportFrom) for s in statement.body):
        return [name for import_ in statement.body for name in _binds(import_)]
    if not isinstance(statement, ast.Import | ast.ImportFrom):
        return []
    return [alias.asname or alias.name.partition(".")[0] for alias in statement.names]


class _Staged(ast.NodeTransformer):
    """The same statements with calls of the stage."""

    def __init__(self, own: Collection[str]) -> None:
        """`own`: the names of the file's own functions."""
        self.own = own
        self.loops: list[Loop] = []
        self.places: list[Place] = []
        self.meetings: list[Meeting] = []
        self._functions: list[str] = []
        self._locals: list[set[str]] = []
        self._in_loops = 0

    def statements(self, statement: ast.stmt) -> list[ast.stmt]:
        """What a statement becomes: more than one where what it makes of a name is noted after it."""
        became = self.visit(statement)
        return became if isinstance(became, list) else [became]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self._functions.append(node.name)
        self._locals.append(stored | {a.arg for a in arguments})
        self.generic_visit(node)
        self._functions.pop()
        self._locals.pop()
        node.body = node.body or [ast.Pass()]
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        return self._loop(node)

    def visit_While(self, node: ast.While) -> ast.AST:
        return self._loop(node)

    def _loop(self, node: Any) -> ast.AST:
        number = len(self.loops)
        self.loops.append(Loop(node.lineno, self._functions[-1] if self._functions else ""))
        used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        names = sorted(used & self._locals[-1]) if self._locals else []
        self._in_loops += 1
        self.generic_visit(node)
        self._in_loops -= 1
        begin = ast.If(call("begin", number), [ast.Break()], [])
        takes = [_taken(number, name) for name in names]
        turn = ast.Try(node.body or [ast.Pass()], [], [], [ast.Expr(call("end", number))])
        node.body = [at(node, s) for s in (begin, *takes, turn)]
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        called = source.called(node.value) if isinstance(node.value, ast.Call) else None
        if called not in _DROPPED or called in self.own:
            return self.generic_visit(node)
        assert isinstance(node.value, ast.Call)
        trains = [argument for argument in node.value.args if self._is_outside and self._calls_own(argument)]
        return self.generic_visit(at(node, ast.Expr(ast.List(trains, ast.Load())))) if trains else at(node, ast.Pass())

    @property
    def _is_outside(self) -> bool:
        """Whether what is visited stands in no function and in no loop."""
        return not self._functions and not self._in_loops

    def _calls_own(self, argument: ast.expr) -> bool:
        """Whether a function of the file is called, as by `print(network.train())`."""
        return any(isinstance(node, ast.Call) and source.called(node) in self.own for node in ast.walk(argument))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = source.called(node) or ""
        self.generic_visit(node)
        kind = _FUNCTIONS.get(called)
        if kind and len(node.args) == 2 and not _constant(*node.args):
            node.args = self._met(node, kind, *node.args)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        kind = _OPERATORS.get(type(node.op))
        if kind and not _constant(node.left, node.right):
            node.left, node.right = self._met(node, kind, node.left, node.right)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load) and _looks_up(node.slice):
            node.value, node.slice = self._met(node, "look-up", node.value, node.slice)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        node.value = self._noted(node, node.value, ", ".join(map(ast.unparse, node.targets)))
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if node.value is not None:
            node.value = self._noted(node, node.value, ast.unparse(node.target))
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        """What it takes away meets what it is taken from; what `P[range(m), labels] -= 1` looks up is met there."""
        target, statements = copy.deepcopy(node.target), []
        kind = _OPERATORS.get(type(node.op))
        self.generic_visit(node)
        if isinstance(target, ast.Subscript) and _looks_up(target.slice):
            sides = self._met(node, "look-up", source.loaded(target.value), source.loaded(target.slice))
            statements += [at(node, ast.Expr(side)) for side in sides]
        elif kind and not _constant(node.value):
            before, node.value = self._met(node, kind, source.loaded(target), node.value)
            statements.append(at(node, ast.Expr(before)))
        statements.append(node)
        if isinstance(target, ast.Name):
            statements.append(at(node, ast.Expr(self._noted(node, source.loaded(target), target.id))))
        return statements

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        if node.value is not None:
            node.value = self._noted(node, node.value, "return")
        return node

    def _met(self, node: Any, kind: str, *sides: ast.expr) -> list[ast.expr]:
        """The two sides of a meeting, each told to the stage."""
        self.meetings.append(Meeting(node.lineno, kind))
        number = len(self.meetings) - 1
        return [at(node, call("meet", number, ast.Constant(i), side)) for i, side in enumerate(sides)]

    def _noted(self, statement: ast.stmt, value: ast.expr, text: str) -> ast.expr:
        rate = isinstance(value, ast.Constant) and words.role_of_argument(text) == "learning_rate"
        if not rate and isinstance(
            value, ast.Constant | ast.Lambda | ast.Dict | ast.JoinedStr | ast.Yield | ast.YieldFrom
        ):
            return value
        self.places.append(Place(statement.lineno, text))
        return at(value, call("note", len(self.places) - 1, value))


_OPERATORS = {ast.Sub: "difference", ast.Div: "quotient"}
_FUNCTIONS = {"subtract": "difference", "divide": "quotient", "true_divide": "quotient"}


def _constant(*sides: ast.expr) -> bool:
    """Whether one of them is a number that is written there."""
    return any(isinstance(s.operand if isinstance(s, ast.UnaryOp) else s, ast.Constant) for s in sides)


def _looks_up(index: ast.expr) -> bool:
    """Whether entries are taken by numbers that are computed: P[np.arange(m), labels], p[t][letters[t]], p[label]."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    if any(isinstance(part, ast.Slice | ast.Starred) for part in parts):
        return False
    return any(isinstance(part, ast.Name | ast.Attribute | ast.Subscript | ast.Call) for part in parts)


def _taken(loop: int, name: str) -> ast.stmt:
    """name = _stage_.take(loop, "name", name), where it is bound."""
    value = call("take", loop, ast.Constant(name), ast.Name(name, ast.Load()))
    unbound = ast.ExceptHandler(ast.Name("NameError", ast.Load()), None, [ast.Pass()])
    return ast.Try([ast.Assign([ast.Name(name, ast.Store())], value)], [unbound], [], [])
