"""The definitions of a file, run one by one; all else is left out, and remembered by what it would have bound."""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import sys
import types
from collections.abc import Callable
from typing import Any

from gradcompare.loading import texts
from gradcompare.loading.absent import Absent
from gradcompare.loading.bases import standing_in
from gradcompare.loading.importing import Importer
from gradcompare.loading.needs import LeftOut, Missing, Needs
from gradcompare.loading.reads import compiled
from gradcompare.loading.safety import calls_own_code, danger, danger_in_function, is_cheap, is_own, is_pure, resolve
from gradcompare.loading.statements import (
    FILLING,
    bound_anywhere,
    bound_by,
    bound_in_class,
    catches,
    caught,
    root_of,
    what_it_is,
)
from gradcompare.loading.texts import with_text

STEPS = 1_000_000
"""How many steps of the interpreter a file's functions may take while one statement is run."""
IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException", None}
SETTINGS = {"seed", "seterr", "set_printoptions"}


class TooLongError(BaseException):
    """A function that was called while loading ran for too long."""


class Runner:
    """Runs what in a tree is a definition, in the order of the file, into a namespace."""

    def __init__(self, tree: ast.Module, file: str, names: dict[str, Any], importer: Importer) -> None:
        self.file, self.names, self.importer = file, names, importer
        self.left_out: dict[str, LeftOut] = {}
        self.notes: list[tuple[int, str]] = []
        self.needs = Needs(tree, file)
        importer.wanted = self.needs.bound_nowhere(tree) - set(names["__builtins__"])

    def missing(self) -> dict[str, Missing]:
        """What functions read and nothing has bound."""
        return self.needs.missing(self.names, self.left_out)

    # ---- running -----------------------------------------------------------------------------------------------------

    def run(self, statements: list[ast.stmt], strict: bool = False) -> None:
        """Run those that are definitions. Where strict, what fails raises: it stands in a `try`."""
        for statement in statements:
            runner = next((run for kinds, run in KINDS if isinstance(statement, kinds)), None)
            if runner is None:
                self._leave_out(statement, what_it_is(statement))
            else:
                runner(self, statement, strict)

    def _execute(self, statement: ast.stmt, strict: bool) -> bool:
        try:
            if strict:
                self._check_names(statement)
            self._call(compiled(statement, self.file), watched=calls_own_code(statement, self.names))
            return True
        except (TooLongError, RecursionError, MemoryError, SystemExit) as error:
            self._leave_out(statement, f"running it ends in {type(error).__name__}")
        except Exception as error:
            if strict:
                raise
            self._leave_out(statement, self._failure(error))
        return False

    def _check_names(self, statement: ast.AST) -> None:
        """NameError for names of Python 2: it is what `try: xrange` asks."""
        for node in ast.walk(statement):
            if not isinstance(node, ast.Name) or node.id in self.names or not isinstance(node.ctx, ast.Load):
                continue
            if isinstance(self.names["__builtins__"].get(node.id), Absent):
                raise NameError(f"name {node.id!r} is not defined", name=node.id)

    def _failure(self, error: Exception) -> str:
        name = getattr(error, "name", None)
        if isinstance(error, NameError) and name in self.left_out:
            return f"it needs {name}, and {self.left_out[name].why}"
        return f"it fails with {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}".rstrip(": ")

    def _call(self, code: types.CodeType, watched: bool) -> None:
        """Run code, without what it prints and, where it calls the file's functions, for a limited number of steps."""
        before = sys.gettrace()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                if watched:
                    sys.settrace(_limit())
                exec(code, self.names)
            finally:
                if watched:
                    sys.settrace(before)

    def _leave_out(self, statement: ast.stmt, why: str) -> None:
        for name, line in bound_anywhere(statement):
            self.left_out.setdefault(name, LeftOut(line, why))

    # ---- the kinds of statements -------------------------------------------------------------------------------------

    def _import(self, statement: ast.stmt, strict: bool) -> None:
        self._execute(statement, strict)

    def _define(self, statement: ast.stmt, strict: bool) -> None:
        assert isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        line = statement.lineno
        self._prepare(statement)
        absent = [name for name in self.names if name.startswith(ABSENT_DEFAULT)]
        if not self._execute(statement, strict=False) and statement.decorator_list:
            statement.decorator_list = []
            if self._execute(statement, strict=False):
                self.notes.append((line, f"the decorators of {statement.name} are left out: they fail"))
                self.left_out.pop(statement.name, None)
        for name in [*absent, *(n for n in self.names if n.startswith(ABSENT_DEFAULT))]:
            self.names.pop(name, None)

    def _prepare(self, statement: ast.stmt) -> None:
        """Take from a definition what would run more than definitions: decorators, defaults, parts of a class."""
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in list(statement.decorator_list):
                if not self._may_decorate(decorator):
                    statement.decorator_list.remove(decorator)
                    self.notes.append((decorator.lineno, f"the decorator @{ast.unparse(decorator)} is left out"))
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = statement.args
            arguments.defaults = [self._default(d) for d in arguments.defaults]
            arguments.kw_defaults = [None if d is None else self._default(d) for d in arguments.kw_defaults]
        elif isinstance(statement, ast.ClassDef):
            self._stand_in_for_bases(statement)
            known = bound_in_class(statement)
            statement.body = [self._in_class(s, known) for s in statement.body]

    def _stand_in_for_bases(self, statement: ast.ClassDef) -> None:
        """What holds what a class takes for granted, where all that it builds on is its author's and absent."""
        absent = [thing for base in statement.bases if isinstance(thing := resolve(base, self.names), Absent)]
        if not absent or len(absent) < len(statement.bases) or any(map(self.importer.is_library, absent)):
            return
        base = standing_in(statement, self.importer.tree)
        if base is not None:
            name = f"{ABSENT_DEFAULT}{len(self.names)}"
            self.names[name], holds = base
            said = ast.unparse(statement.bases[0])
            statement.bases = [ast.copy_location(ast.Name(name, ast.Load()), statement.bases[0])]
            if holds:
                self.notes.append(
                    (statement.lineno, f"in place of {said} stands a class that holds {', '.join(holds)}")
                )

    def _may_decorate(self, decorator: ast.expr) -> bool:
        thing = resolve(decorator.func if isinstance(decorator, ast.Call) else decorator, self.names)
        if is_own(thing):
            return danger_in_function(thing) is None
        return thing is None or (not isinstance(thing, Absent) and is_pure(thing))

    def _default(self, default: ast.expr) -> ast.expr:
        """A default that may be computed, or else one that says so when it is used."""
        why = danger(default, self.names)
        unknown = [n.id for n in ast.walk(default) if isinstance(n, ast.Name) and self._is_unknown(n.id)]
        if why is None and unknown:
            why = self.left_out[unknown[0]].why
        if why is None and not isinstance(default, ast.Name | ast.Attribute):  # len(config.LABELS)
            read = (n.id for n in ast.walk(default) if isinstance(n, ast.Name))
            why = next((why for name in read if (why := self._why_absent(name)) is not None), None)
        if why is None:
            return default
        name = f"{ABSENT_DEFAULT}{len(self.names)}"
        self.names[name] = Absent(ast.unparse(default), f"line {default.lineno} was not computed: {why}")
        return ast.copy_location(ast.Name(name, ast.Load()), default)

    def _is_unknown(self, name: str) -> bool:
        return name in self.left_out and name not in self.names

    def _why_absent(self, name: str) -> str | None:
        thing = self.names.get(name)
        return thing.why_not() if isinstance(thing, Absent) else None

    def _in_class(self, statement: ast.stmt, known: set[str]) -> ast.stmt:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self._prepare(statement)
            return statement
        if isinstance(statement, ast.Pass | ast.Import | ast.ImportFrom):
            return statement
        value = getattr(statement, "value", None)
        if isinstance(statement, ast.Expr) and isinstance(value, ast.Constant):
            return statement
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
            names = {**self.names, **dict.fromkeys(known)}
            if value is None or danger(value, names) is None:
                return statement
        self.notes.append((statement.lineno, "a statement in a class is not run"))
        return ast.copy_location(ast.Pass(), statement)

    def _assign(self, statement: ast.stmt, strict: bool) -> None:
        assert isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign)
        if statement.value is None:
            return
        self._read_text(statement)
        why = danger(statement.value, self.names)
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        why = why or next((why for target in targets if (why := self._refused(target))), None)
        needed = bound_by(statement) & self.needs.names
        if why is None and not needed and not is_cheap(statement.value, self.names):
            why = "no function needs it"
        if why is None:
            self._execute(statement, strict)
        else:
            self._leave_out(statement, why)
        self.names.pop(texts.NAME, None)

    def _read_text(self, statement: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        """Let it read a text of ours where functions need what is made of it."""
        text = (
            with_text(statement.value, self.names)
            if statement.value and bound_by(statement) & self.needs.names
            else None
        )
        if text is not None:
            statement.value = ast.fix_missing_locations(text)
            self.names[texts.NAME] = texts.text
            self.notes.append((statement.lineno, "a short text stands in for the file that is read"))

    def _refused(self, target: ast.expr) -> str | None:
        """Why a target is not assigned to: it must be a name, or a part of something that the file has made."""
        if isinstance(target, ast.Name):
            return None
        if isinstance(target, ast.Tuple | ast.List):
            return next((why for element in target.elts if (why := self._refused(element))), None)
        if isinstance(target, ast.Starred):
            return self._refused(target.value)
        root = self.names.get(root_of(target) or "")
        own = is_own(root) or is_own(type(root))
        if isinstance(target, ast.Subscript) and (
            own or isinstance(root, dict | list) or type(root).__module__ == "numpy"
        ):
            return danger(target.slice, self.names)
        return None if isinstance(target, ast.Attribute) and own else "it changes something else"

    def _expression(self, statement: ast.stmt, strict: bool) -> None:
        """Of expressions only those that settle something: a seed, a list that is filled."""
        assert isinstance(statement, ast.Expr)
        call = statement.value
        if strict:
            self._check_names(statement)
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute | ast.Name):
            return
        last = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id
        safe = all(danger(a, self.names) is None for a in [*call.args, *(k.value for k in call.keywords)])
        if ast.unparse(call.func) in ("sys.path.append", "sys.path.insert") and safe:
            self._add_folder(call)
        elif safe and (self._settles(call, last) or self._fills(call, last)):
            self._execute(statement, strict)
        else:
            self._leave_out(statement, f"it calls {ast.unparse(call.func)}")

    def _settles(self, call: ast.Call, last: str) -> bool:
        return last in SETTINGS and danger(call, self.names) is None

    def _fills(self, call: ast.Call, last: str) -> bool:
        filled = self.names.get(root_of(call.func) or "")
        if isinstance(filled, argparse._ActionsContainer):
            return last in ("add_argument", "set_defaults")
        return last in FILLING and isinstance(filled, dict | list | set)

    def _add_folder(self, call: ast.Call) -> None:
        folder = self.importer.folder
        if folder is None or not call.args:
            return
        with contextlib.suppress(Exception):
            expression: Any = ast.Expression(call.args[-1])
            added = eval(compile(expression, self.file, "eval"), self.names)
            self.importer.folders.append(folder / str(added))

    def _if(self, statement: ast.stmt, strict: bool) -> None:
        assert isinstance(statement, ast.If)
        why = danger(statement.test, self.names)
        if why is None:
            try:
                expression: Any = ast.Expression(statement.test)
                taken = _is_main(statement.test) or bool(eval(compile(expression, self.file, "eval"), self.names))
            except Exception as error:
                why = self._failure(error)
        if why is not None:
            self._leave_out(statement, why)
            return
        self.run(statement.body if taken else statement.orelse, strict)
        for other in statement.orelse if taken else statement.body:
            self._leave_out(other, "the `if` above it does not hold here")

    def _try(self, statement: ast.stmt, strict: bool) -> None:
        assert isinstance(statement, ast.Try)
        before = self.importer.strict
        optional = any(IMPORT_ERRORS & set(caught(handler)) for handler in statement.handlers)
        self.importer.strict = before or optional
        try:
            self.run(statement.body, strict=True)
            self.importer.strict = before
            self.run(statement.orelse, strict)
        except Exception as error:
            self.importer.strict = before
            handler = next((h for h in statement.handlers if catches(h, error)), None)
            if handler is None:
                self._leave_out(statement, self._failure(error))
            else:
                self.run(handler.body, strict)
        finally:
            self.importer.strict = before
        self.run(statement.finalbody, strict)

    def _with(self, statement: ast.stmt, strict: bool) -> None:
        """Of what is done with a file that is opened what is read of it as text."""
        assert isinstance(statement, ast.With)
        inner = texts.opened_in(statement)
        if inner is None:
            self._leave_out(statement, what_it_is(statement))
        else:
            self.run(inner, strict)

    def _nothing(self, statement: ast.stmt, strict: bool) -> None:
        pass


def _is_main(test: ast.expr) -> bool:
    """Whether it asks if the file is run as a program: what that defines, functions may read."""
    return ast.unparse(test) in ("__name__ == '__main__'", "'__main__' == __name__")


ABSENT_DEFAULT = "_absent_default_"  # two underscores would be a private name in a class
KINDS: list[tuple[Any, Callable[[Runner, Any, bool], None]]] = [
    (ast.Import | ast.ImportFrom, Runner._import),
    (ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, Runner._define),
    (ast.Assign | ast.AnnAssign | ast.AugAssign, Runner._assign),
    (ast.Expr, Runner._expression),
    (ast.If, Runner._if),
    (ast.Try, Runner._try),
    (ast.With, Runner._with),
    (ast.Pass | ast.Assert | ast.Global, Runner._nothing),
]


def _limit() -> Callable[..., Any]:
    """A trace function that stops code after STEPS steps of the interpreter (`while True: pass` has no lines)."""
    steps = 0

    def trace(frame: types.FrameType, event: str, argument: Any) -> Any:
        nonlocal steps
        frame.f_trace_opcodes = True
        steps += 1
        if steps > STEPS:
            raise TooLongError
        return trace

    return trace
