"""The exit status of a command: 0 the gradients agree, 1 they do not, 2 the question could not be put."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["AGREES", "NOT_JUDGED", "WRONG", "of_all", "of_one"]

AGREES, WRONG, NOT_JUDGED = 0, 1, 2
STATUS = {"agrees": AGREES, "wrong": WRONG, "scaled": WRONG}
"""Of each verdict; of all others NOT_JUDGED."""


def of_one(verdict: str) -> int:
    """That of one verdict."""
    return STATUS.get(verdict, NOT_JUDGED)


def of_all(verdicts: Iterable[str]) -> int:
    """1 if any file is wrong or scaled, else 2 if any could not be judged, else 0."""
    statuses = {of_one(verdict) for verdict in verdicts}
    return WRONG if WRONG in statuses else NOT_JUDGED if NOT_JUDGED in statuses or not statuses else AGREES
