"""Text as a syntax tree; where it is none, the line and what it probably is: Python 2, a web page, a merge."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

from gradcompare.loading.errors import CannotLoadError

PYTHON_2 = [
    (r"^\s*print\b(?!\s*[(=.,\[])|^\s*print\s*>>", "print without parentheses"),
    (r"^\s*exec\s+[^(\s=]", "exec without parentheses"),
    (r"^\s*except\s+[\w.()\s,]+?,\s*\w+\s*:", "except Error, name: instead of except Error as name:"),
    (r"^\s*raise\s+\w+\s*,", "raise Error, text instead of raise Error(text)"),
    (r"<>", "<> instead of !="),
    (r"`[^`]+`", "backquotes instead of repr()"),
    (r"(?<![\w.])0[0-7]+(?![\w.])", "a number that begins with 0"),
    (r"\b\d+[lL]\b", "a long number such as 10L"),
    (r"\bur['\"]", 'a string such as ur""'),
    (r"\bdef\s+\w+\s*\(.*\([\w\s,]+\)\s*[,)].*:|\blambda\s*\(", "a tuple among the arguments of a function"),
]
"""What Python 3 rejects in the line of a syntax error: a pattern, and what it is."""

NOT_PYTHON = [
    (r"\A\s*<(!doctype|html|\?xml)", "is a web page, not Python: download the file itself (on GitHub: Raw)"),
    (r"\A\s*\{\s*\"(cells|metadata|nbformat|worksheets)\"", "is a notebook: call it .ipynb"),
    (r"^<{7} ", "holds the marks of an unfinished merge (<<<<<<<)"),
]

Where = Callable[[int], str]
"""A line of the text, as its reader would look for it: "line 12", "cell 3, line 4"."""


def parse(text: str, file: str, where: Where, top_level_await: bool = False) -> ast.Module:
    """The syntax tree of a text.

    Raises:
        CannotLoadError: where it is not valid Python 3, with the line; or nested too deeply.
    """
    try:
        return parsed(text, file, top_level_await)
    except SyntaxError as error:
        _refuse(error, text, file, where)
    except (RecursionError, MemoryError):
        raise CannotLoadError(f"{file} is nested too deeply for Python to read.") from None
    except ValueError as error:
        raise CannotLoadError(f"{file} is not Python: {error}.") from None


def parsed(text: str, file: str, top_level_await: bool = False) -> ast.Module:
    """The syntax tree of a text that Python would compile; SyntaxError, RecursionError and the like as Python has
    them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text, file)
        kept = [
            s for s in tree.body if not (isinstance(s, ast.ImportFrom) and s.module == "__future__" and not s.level)
        ]
        whole: Any = ast.Module(kept, [])
        compile(whole, file, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if top_level_await else 0, dont_inherit=True)
    return ast.Module(kept, [])


def _refuse(error: SyntaxError, text: str, file: str, where: Where) -> NoReturn:
    for pattern, says in NOT_PYTHON:
        if re.search(pattern, text, re.IGNORECASE | re.MULTILINE):
            raise CannotLoadError(f"{file} {says}.") from None
    place = where(error.lineno or 1)
    python_2 = python_2_in(error, text)
    if python_2 is not None:
        raise CannotLoadError(
            f"{file} is Python 2, {place}: {python_2}. It needs Python 3 (2to3 converts most of it)."
        ) from None
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    raise CannotLoadError(f"{file} is not valid Python {version}, {place}: {_said(error, text)}.") from None


def _said(error: SyntaxError, text: str) -> str:
    """What Python says of it; where an exercise was left blank, that."""
    line = (text.split("\n")[(error.lineno or 1) - 1 :] or [""])[0]
    if error.msg == "invalid syntax" and re.search(r"[\w\])]\s*[-+*/]?=\s*(#.*)?$", line):
        return "nothing stands after the =, as if it was still to be filled in"
    return str(error.msg)


def python_2_in(error: SyntaxError, text: str) -> str | None:
    """What of Python 2 a syntax error comes from, if it does."""
    if isinstance(error, TabError):
        return "tabs and spaces are mixed"
    lines = text.split("\n")
    line = lines[error.lineno - 1] if error.lineno and error.lineno <= len(lines) else ""
    code = re.sub(r"(?<!\\)#.*", "", line)
    return next((says for pattern, says in PYTHON_2 if re.search(pattern, code)), None)
