"""What ends a check without a verdict, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradcompare.report import Report


class CodeError(Exception):
    """The code under test did something that ends the check; the message says what, and where."""


class StoppedError(CodeError):
    """The file's own program stops, whatever it is given."""


class UnfinishedError(Exception):
    """An exercise that has not been filled in yet; the message says what is missing."""


class TimeIsUpError(CodeError):
    """The code under test has had all its time."""


class CheckInterruptedError(KeyboardInterrupt):
    """Ctrl-C; `report` says what was known by then."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report
