"""Defects of our own in what only explains a verdict: they must not take it away."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from gradcompare.checking.errors import CodeError

EXCUSED = True
"""Whether they become a note; tests want them raised."""


@contextlib.contextmanager
def excused(notes: list[str], what: str) -> Iterator[None]:
    """Go on without what stands inside where it fails: by the code under test, silently; by a defect of ours, with a
    note that says so.

    Args:
        notes: what a reader is told; the note goes there.
        what: that cannot be said then: "the lines", "the mistake".
    """
    try:
        yield
    except CodeError:
        return
    except Exception as defect:
        if not EXCUSED:
            raise
        notes.append(
            f"gradcompare itself failed where it looked for {what} ({type(defect).__name__}: {defect}). The verdict "
            "stands without; please report it, with the file."
        )
