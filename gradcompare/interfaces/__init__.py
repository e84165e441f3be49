"""How the code under test is found, fed and called: one shape a row.

A row is a name, what it looks like (a skeleton to copy), and a recogniser: names of a file -> Program or None. Under
the rows are a few mechanisms that all of them share: what holds the parameters (`holders`), what the source of a
function says (`source`), how it is called and what it returns (`calling`), how constructors want to be called
(`plans`), what the file's own code gives them and its functions (`driver`), a turn of a loop as functions (`loops`,
`turns`, `sampling` and `methods`, `surroundings`, `inlined`, `making`, `dataflow`), where gradients end up (`naming`;
`inside`, where only local variables hold them), which way up arrays are (`layouts`), the trial that settles it all by
running the file (`fitting`), and what is said where nothing runs (`failures`).
"""

from __future__ import annotations

from gradcompare.interfaces.left_out import left_out
from gradcompare.interfaces.program import CannotCheckError, Program
from gradcompare.interfaces.table import INTERFACES, Interface, not_recognised, recognise, rivals

__all__ = [
    "INTERFACES",
    "CannotCheckError",
    "Interface",
    "Program",
    "left_out",
    "not_recognised",
    "recognise",
    "rivals",
]
