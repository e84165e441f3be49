"""A table for a spreadsheet: a row a file, a column a tensor."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from gradcompare.judging.verdict import SEVERITY

COLUMNS = ("file", "verdict", "first_fault", "line", "mistake", "note")
"""The columns before those of the tensors."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins with one of these is run by spreadsheets."""


def table(reports: Sequence[Mapping[str, Any]]) -> bytes:
    """JSON reports (schema 1) as CSV in UTF-8, with the mark that spreadsheets look for where it is not plain ASCII.

    The columns are COLUMNS and one for each tensor that was compared in any of them, with its verdict.
    """
    tensors = list(dict.fromkeys(name for report in reports for name in _verdicts(report)))
    rows = [[*COLUMNS, *(f"{name} (tensor)" if name in COLUMNS else name for name in tensors)]]
    for report in reports:
        verdicts = _verdicts(report)
        rows.append([*_about(report), *(verdicts.get(name, "") for name in tensors)])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[harmless(cell) for cell in row] for row in rows])
    data = text.getvalue().encode("utf-8", "backslashreplace")
    return data if data.isascii() else b"\xef\xbb\xbf" + data


def harmless(cell: str) -> str:
    """On one line, and nothing that a spreadsheet would run."""
    line = " ".join(cell.split()) if any(ord(c) < 32 or c in "\x7f\x85\u2028\u2029" for c in cell) else cell
    return f"'{line}" if cell.startswith(FORMULA) or line.startswith(FORMULA) else line


def _about(report: Mapping[str, Any]) -> list[str]:
    first = report["first_fault"] or {}
    reason = report["notes"] and report["verdict"] not in ("agrees", "wrong", "scaled")
    note = report["notes"][0].strip().partition("\n")[0] if reason else ""
    file = report["subject"]["file"]
    return [file or "", report["verdict"], first.get("name") or "", _place(report, first), mistake(report), note]


def mistake(report: Mapping[str, Any]) -> str:
    """The mistake that was named first, or nothing."""
    return str(report["diagnosis"][0]["mistake"]) if report["diagnosis"] else ""


def _place(report: Mapping[str, Any], first: Mapping[str, Any]) -> str:
    if first.get("line") is None:
        return ""
    cell = next((row["cell"] for row in report["tensors"] if row["name"] == first["name"]), None)
    return str(first["line"]) if cell is None else f"cell {cell}, line {first['line']}"


def _verdicts(report: Mapping[str, Any]) -> dict[str, str]:
    """Of each tensor that was compared, the worst verdict."""
    found: dict[str, str] = {}
    for row in report["tensors"]:
        known = found.get(row["name"])
        if (
            row["verdict"] != "missing"
            and not row.get("witness")
            and (known is None or _severity(row["verdict"]) > _severity(known))
        ):
            found[row["name"]] = row["verdict"]
    return found


def _severity(verdict: str) -> int:
    return SEVERITY.index(verdict)
