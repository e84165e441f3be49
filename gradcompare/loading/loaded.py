"""Load a file, a notebook, a module, a dict of names or functions: one face for all of them."""

from __future__ import annotations

import ast
import builtins
import contextlib
import inspect
import linecache
import random
import sys
import textwrap
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gradcompare.loading.absent import Absent, AbsentError
from gradcompare.loading.clipping import without_clipping
from gradcompare.loading.errors import CannotLoadError
from gradcompare.loading.importing import Importer, builtins_with
from gradcompare.loading.learning_rates import with_one
from gradcompare.loading.needs import Missing
from gradcompare.loading.notebooks import Text, place, read_notebook, read_script
from gradcompare.loading.outdated import PYTHON_2_NAMES, Outdated, outdated_in
from gradcompare.loading.parsing import parse
from gradcompare.loading.reading import read
from gradcompare.loading.rounding import without_rounding
from gradcompare.loading.running import Runner
from gradcompare.loading.single_precision import in_double
from gradcompare.loading.truncation import without_truncation
from gradcompare.loading.unfinished import Unfinished, unfinished_in


@dataclass
class Loaded:
    """What a source defines. `names` is the very namespace that its functions look their globals up in: what is put
    there, they find."""

    names: dict[str, Any]
    file: str | None = None
    text: str = ""
    """The source as Python, with the line numbers of the file; of a notebook the code cells one after another."""
    cells: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Of a notebook: line -> (number of the code cell, line in it), both from 1."""
    notes: list[str] = field(default_factory=list)
    """What a report should say of how it was loaded."""
    missing: dict[str, Missing] = field(default_factory=dict)
    """Names that functions read and nothing has bound, because only definitions are run."""
    unfinished: list[Unfinished] = field(default_factory=list)
    """What in its functions is still to be written."""
    outdated: list[Outdated] = field(default_factory=list)
    """What in it belongs to Python 2 or to an older NumPy; an error only where it is reached."""

    @property
    def lines(self) -> list[str]:
        """The lines of the text; line n is lines[n - 1]."""
        return self.text.split("\n")

    def where(self, line: int) -> str:
        """A line as its reader would look for it: "line 12", or "cell 3, line 4"."""
        return place(self.cells, line)

    def explain(self, error: BaseException) -> str | None:
        """Why code of this source failed, where that is known from how it was loaded: one clause, with the line."""
        name = getattr(error, "name", None)
        if isinstance(error, NameError) and name in self.missing:
            return self.says(self.missing[name])
        line = self._line_in(error)
        found = [use for use in self.outdated if use.line == line and use.name.rpartition(".")[2] in str(error)]
        says = found[0].says if found else str(error) if isinstance(error, AbsentError) else None
        return f"{self.where(line)}: {says}" if says and line else says

    def of_python_2(self) -> list[Outdated]:
        """What only Python 2 has of what its code asks for."""
        return [use for use in self.outdated if use.name in PYTHON_2_NAMES]

    def says(self, missing: Missing) -> str:
        """A missing name in words: "m (read at line 30, by backward_prop) is not there: line 12 was not run ..."."""
        read_at = f"{missing.name} (read at {self.where(missing.read_at)}, by {', '.join(missing.functions)})"
        if missing.line is None:
            return f"{read_at} is not there: {missing.why}"
        return f"{read_at} is not there: {self.where(missing.line)} was not run, because {missing.why}"

    def _line_in(self, error: BaseException) -> int | None:
        line = None
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.file:
                line = trace.tb_lineno
            trace = trace.tb_next
        return line


def load(source: Any) -> Loaded:
    """What a source defines; nothing but definitions is run.

    Args:
        source: a path to a .py file or a notebook (str or Path); a module; a dict of names such as `globals()`; or a
            tuple of functions. Of the last three nothing is run, and their names are used as they are.

    Raises:
        CannotLoadError: where there is nothing that could be checked, in one sentence that names the line.
    """
    if isinstance(source, str | Path):
        return _load_file(Path(source))
    if isinstance(source, types.ModuleType):
        return _load_live(vars(source), getattr(source, "__file__", None))
    if isinstance(source, Mapping):
        names = source if isinstance(source, dict) else dict(source)
        return _load_live(names, names.get("__file__") if isinstance(names.get("__file__"), str) else None)
    if callable(source):
        source = (source,)
    if isinstance(source, tuple | list) and source and all(callable(f) for f in source):
        return _load_live(_by_name(source), None)
    raise CannotLoadError(
        f"{type(source).__name__} is nothing to check: give a path, a module, a dict of names or a tuple of functions."
    )


# ---- files -----------------------------------------------------------------------------------------------------------


def _load_file(path: Path) -> Loaded:
    text = _read(path)
    if not any(line.strip() and not line.strip().startswith("#") for line in text.text.split("\n")):
        raise CannotLoadError(f"{path} is empty: there is no code in it.")
    module = types.ModuleType(f"subject_{path.stem}")
    names = vars(module)
    try:
        with _nothing_left_behind():
            runner, importers, tree = _Loader(path).run(path, text, module)
            loaded = Loaded(names, str(path), text.text, text.cells)
            loaded.missing = runner.missing()
            loaded.outdated = outdated_in(tree, names)
            loaded.unfinished = unfinished_in(tree, loaded.lines)
    except (RecursionError, MemoryError):
        raise CannotLoadError(f"{path} is nested too deeply, or too large, to be loaded.") from None
    loaded.notes = [*text.notes, *_notes(loaded, runner, importers)]
    return loaded


def _read(path: Path) -> Text:
    content = read(path)
    return read_notebook(content, str(path)) if path.suffix == ".ipynb" else read_script(content, str(path))


class _Loader:
    """Runs a file, and each helper file that it imports, once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.importers: list[Importer] = []
        self.helpers: dict[Path, Any] = {}

    def run(self, path: Path, text: Text, module: types.ModuleType) -> tuple[Runner, list[Importer], ast.Module]:
        file, names = str(path), vars(module)
        tree = parse(text.text, file, text.where, top_level_await=bool(text.cells))
        said: list[tuple[int, str]] = []
        for rewritten, why in _REWRITTEN:
            found = rewritten(tree, text.text)
            if found is not None:
                said.append((found[0], why))
                text = text._replace(text=found[1])
                tree = parse(text.text, file, text.where, top_level_await=bool(text.cells))
        linecache.cache[file] = (len(text.text), None, [f"{line}\n" for line in text.text.split("\n")], file)
        importer = Importer(path.parent, tree, self._helper, set(), self.helpers)
        self.importers.append(importer)
        names.update(__file__=file, __doc__=ast.get_docstring(tree), __builtins__=builtins_with(importer, _OLD_NAMES))
        with _registered(module):
            runner = Runner(tree, file, names, importer)
            runner.notes += said
            line = _read_and_never_bound(tree, "np")
            if line is not None:
                names["np"] = np
                runner.notes.append((line, "np is taken to be NumPy, which no line imports"))
            runner.run(tree.body)
        return runner, self.importers, tree

    def _helper(self, path: Path, module: types.ModuleType) -> None:
        self.run(path, _read(path), module)


_REWRITTEN = (
    (in_double, "less than double precision is asked for here; float64 stands in its place wherever it is"),
    (with_one, "steps have learning rates of their own; the first stands in place of all, as no gradient has one"),
    (without_truncation, "so far and no further it goes back in time; here all the way, as the gradient does"),
    (without_clipping, "gradients are clipped here; they are compared as they are before that"),
    (without_rounding, "numbers are rounded here to be read; they are compared as they are before that"),
)
"""What a file is run as where it cannot be checked as it is written, and what a report says of that."""


def _read_and_never_bound(tree: ast.Module, name: str) -> int | None:
    """The first line that reads a name which no line binds or may bind, as `from helper import *` may."""
    reads = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            if any((a.asname or a.name.partition(".")[0]) in (name, "*") for a in node.names):
                return None
        elif isinstance(node, ast.Name) and node.id == name:
            if not isinstance(node.ctx, ast.Load):
                return None
            reads.append(node.lineno)
    return min(reads, default=None)


@contextlib.contextmanager
def _registered(module: types.ModuleType) -> Iterator[None]:
    """While its definitions are run, a module is where `dataclass` and others look for it."""
    before = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        del sys.modules[module.__name__]
        if before is not None:
            sys.modules[module.__name__] = before


_OLD_NAMES = {
    name: Absent(name, f"{name} is Python 2{f' (in Python 3: {new})' if new else ''}")
    for name, new in PYTHON_2_NAMES.items()
    if not hasattr(builtins, name)
}


@contextlib.contextmanager
def _nothing_left_behind() -> Iterator[None]:
    """Random numbers, NumPy's settings and warnings are afterwards as they were."""
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    with warnings.catch_warnings(), np.errstate(all="ignore"), np.printoptions():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            np.random.set_state(numpy_state)  # noqa: NPY002
            random.setstate(python_state)


def _notes(loaded: Loaded, runner: Runner, importers: list[Importer]) -> list[str]:
    notes: list[str] = []
    not_found = {name: why for importer in importers for name, why in importer.not_found.items()}
    plain = [name for name, why in not_found.items() if why == f"{name} was not found"]
    if plain:
        notes.append(f"Imports left out because they were not found: {', '.join(plain)}.")
    notes += [f"Import left out: {name}; {why}." for name, why in not_found.items() if name not in plain]
    for importer in importers:
        notes += [f"In place of what {name} has: {', '.join(what)}." for name, what in importer.stood_in.items()]
    notes += [f"{loaded.where(line).capitalize()}: {what}." for line, what in runner.notes]
    first = {use.name: use for use in reversed(loaded.outdated)}
    notes += [f"{loaded.where(use.line).capitalize()}: {use.says}." for use in sorted(first.values())]
    return notes


# ---- what is already there -------------------------------------------------------------------------------------------


def _load_live(names: dict[str, Any], file: str | None) -> Loaded:
    functions = [thing for thing in names.values() if _is_of_author(thing)]
    text = ""
    if file is not None:
        with contextlib.suppress(Exception):
            text = "".join(linecache.getlines(file)).rstrip("\n")
    unfinished = [gap for function in functions for gap in _gaps(function)]
    return Loaded(names, file, text, unfinished=unfinished)


def _is_of_author(thing: Any) -> bool:
    module = getattr(thing, "__module__", None)
    return isinstance(thing, types.FunctionType | type) and isinstance(module, str) and not _is_library(module)


def _is_library(module: str) -> bool:
    top = module.partition(".")[0]
    return top in ("builtins", "numpy", "torch", "scipy", "matplotlib", "pandas", "IPython", "typing", "gradcompare")


def _gaps(thing: Any) -> list[Unfinished]:
    try:
        lines, first = inspect.getsourcelines(thing)
        source = textwrap.dedent("".join(lines))
        found = unfinished_in(ast.parse(source), source.split("\n"))
    except Exception:
        return []
    return [gap._replace(line=gap.line + max(first, 1) - 1) for gap in found]


def _by_name(functions: Any) -> dict[str, Callable[..., Any]]:
    names: dict[str, Callable[..., Any]] = {}
    for number, function in enumerate(functions, start=1):
        name = getattr(function, "__name__", f"function_{number}")
        names[name if name not in names and name.isidentifier() else f"function_{number}"] = function
    return names
