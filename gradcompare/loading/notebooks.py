"""A notebook as one text: its code cells in order, each line of it known by cell and line in the cell."""

from __future__ import annotations

import io
import json
import re
import tokenize
from typing import Any, NamedTuple

from gradcompare.loading.errors import CannotLoadError
from gradcompare.loading.parsing import Where, parse, parsed, python_2_in

PYTHON_CELLS = {"time", "timeit", "capture", "prun", "python", "python3", "py3"}
"""%%magics whose cell is Python all the same; of any other the whole cell is left out."""
MAGIC = re.compile(r"^(\s*)(?:[%!?]|[\w.]+\?{1,2}\s*$|[\w\s,.\[\]]+=\s*[!%]|cd\s+[.~/\w])")
RUN = re.compile(r"^\s*%run\s+(?:-\w\s+)*[\"']?(?:\./)?([A-Za-z_]\w*)(?:\.(?:py|ipynb))?[\"']?\s*$")


class Text(NamedTuple):
    """Python text, and where its lines are."""

    text: str
    cells: dict[int, tuple[int, int]]
    """Line -> (number of the code cell, line in it), both counted from 1; empty for a .py file."""
    notes: list[str]

    def where(self, line: int) -> str:
        """ "line 12", or "cell 3, line 4"."""
        return place(self.cells, line)


def place(cells: dict[int, tuple[int, int]], line: int) -> str:
    """A line, as its reader would look for it: "line 12", or "cell 3, line 4"."""
    cell = cells.get(line)
    return f"line {line}" if cell is None else f"cell {cell[0]}, line {cell[1]}"


def read_notebook(content: str, file: str) -> Text:
    """The Python of a notebook.

    Raises:
        CannotLoadError: where it is no notebook, not one for Python, or has a definition that is not valid Python 3.
    """
    cells = _code_cells(content, file)
    result = Text("", {}, [])
    lines: list[str] = []
    for number, cell in enumerate(cells, start=1):
        for line, text in enumerate(_python(cell, number, file, result.notes).split("\n"), start=1):
            lines.append(text)
            result.cells[len(lines)] = number, line
    return result._replace(text="\n".join(lines))


def _code_cells(content: str, file: str) -> list[str]:
    try:
        notebook = json.loads(content)
    except json.JSONDecodeError as error:
        raise CannotLoadError(
            f"{file} is not a readable notebook: its JSON breaks off at line {error.lineno} ({error.msg})."
        ) from None
    except RecursionError:
        raise CannotLoadError(f"{file} is not a readable notebook: it is nested too deeply.") from None
    try:
        _check_language(notebook, file)
        sheets = notebook.get("worksheets", [notebook])
        return [_source(cell) for sheet in sheets for cell in sheet["cells"] if cell["cell_type"] == "code"]
    except (KeyError, TypeError, AttributeError, IndexError):
        raise CannotLoadError(f"{file} is not a notebook: its JSON has no list of cells.") from None


def _check_language(notebook: Any, file: str) -> None:
    metadata = notebook.get("metadata") or {}
    language = (metadata.get("kernelspec") or {}).get("language") or (metadata.get("language_info") or {}).get("name")
    if language and "python" not in str(language).lower():
        raise CannotLoadError(f"{file} is a notebook for {language}, not for Python.")


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", cell.get("input", ""))
    text = source if isinstance(source, str) else "".join(source)
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")


def _python(cell: str, number: int, file: str, notes: list[str]) -> str:
    """A cell without its magics; blank, with a note, where it is no Python and defines nothing."""
    first = re.match(r"\s*%%(\w+)", cell)
    if first and first[1].lower() not in PYTHON_CELLS:
        return _blank(cell)
    try:
        parsed(cell, file, top_level_await=True)
        return cell
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        text = without_magics(cell)

    def where(line: int) -> str:
        return f"cell {number}, line {line}"

    try:
        parse(text, file, where, top_level_await=True)
    except CannotLoadError as error:
        if re.search(r"^\s*(def|class|async def)\s", text, re.MULTILINE):
            raise
        notes.append(f"Cell {number} is left out: {_reason(text, error)}.")
        return _blank(cell)
    return text


def _reason(text: str, error: CannotLoadError) -> str:
    try:
        parsed(text, "cell", top_level_await=True)
    except SyntaxError as syntax:
        python_2 = python_2_in(syntax, text)
        return f"it is Python 2 ({python_2})" if python_2 else f"it is not valid Python ({syntax.msg})"
    except (ValueError, RecursionError, MemoryError):
        pass
    return str(error).rstrip(".")


def _blank(cell: str) -> str:
    return "\n" * cell.count("\n")


def without_magics(text: str) -> str:
    """Text with `pass` for each line that is for the notebook or the shell: %matplotlib, !pip, np.dot?"""
    lines = text.split("\n")
    for i, line in enumerate(lines):
        magic = MAGIC.match(line)
        if magic and not _inside("\n".join(lines[:i])):
            run = RUN.match(line)
            lines[i] = f"from {run[1]} import *" if run else f"{magic[1] or ''}pass"
            while line.endswith("\\") and i + 1 < len(lines):
                i += 1
                line, lines[i] = lines[i], ""
    return "\n".join(lines)


def _inside(before: str) -> bool:
    """Whether a text ends inside a bracket or a string, so that a % after it is an operator."""
    if before.endswith("\\"):
        return True
    try:
        for _ in tokenize.generate_tokens(io.StringIO(before + "\n").readline):
            pass
    except tokenize.TokenError as error:
        return "multi-line" in str(error)
    except SyntaxError:
        return False
    return False


def read_script(content: str, file: str) -> Text:
    """The text of a .py file; lines of a notebook that was saved as one are left out."""
    try:
        parsed(content, file)
    except SyntaxError:
        cleaned = without_magics(content)
        try:
            parsed(cleaned, file)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return Text(content, {}, [])
        return Text(cleaned, {}, ["Lines for a notebook or the shell (%, !) are left out."])
    except (ValueError, RecursionError, MemoryError):
        pass
    return Text(content, {}, [])


__all__ = ["Text", "Where", "place", "read_notebook", "read_script", "without_magics"]
