"""What one command has found out about all its files: a table of verdicts and mistakes, JSON, CSV."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from gradcompare.commands import table_csv
from gradcompare.commands.batch import Job, Outcome, failed
from gradcompare.commands.terminal import colour, styled

__all__ = ["Results", "as_json"]

VERDICTS = ("wrong", "scaled", "undecided", "unfinished", "error", "not checked", "agrees")
"""The order of the table; the sentence has them the other way round."""


def as_json(outcomes: Sequence[Outcome], *, several: bool) -> str:
    """The reports: a list of them where there may be several."""
    written: Any = [outcome.report for outcome in outcomes]
    return json.dumps(written if several else written[0], indent=2, allow_nan=False, ensure_ascii=False)


class Results:
    """The outcomes by the numbers of their jobs, as far as they are known."""

    def __init__(self, jobs: Sequence[Job], *, several: bool) -> None:
        self.jobs, self.several = jobs, several
        """`several`: whether a list was asked for, be it of one file."""
        self.outcomes: dict[int, Outcome] = {}

    @property
    def verdicts(self) -> list[str]:
        """Of the files that have been checked."""
        return [outcome.verdict for outcome in self.outcomes.values()]

    # -- in words

    def table(self) -> Table:
        """How many files have each verdict, and each mistake."""
        rows: dict[tuple[str, str], list[str]] = {}
        for i, job in enumerate(self.jobs):
            known = self.outcomes.get(i)
            mistake = table_csv.mistake(known.report) if known else ""
            rows.setdefault((self._verdict(i), mistake), []).append(str(job.target))
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for column, justify in (("verdict", "left"), ("mistake", "left"), ("files", "right"), ("for example", "left")):
            table.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
        for (verdict, mistake), files in sorted(
            rows.items(), key=lambda row: (VERDICTS.index(row[0][0]), -len(row[1]), row[0][1])
        ):
            row = Text(verdict, style=colour(verdict)), styled(mistake), str(len(files)), styled(files[0])
            table.add_row(*row)
        return table

    def sentence(self) -> str:
        """How many files have each verdict."""
        counts = Counter(map(self._verdict, range(len(self.jobs))))
        files = f"{len(self.jobs)} file{'s' * (len(self.jobs) != 1)}"
        return f"{files}: {', '.join(f'{counts[v]} {v}' for v in reversed(VERDICTS) if v in counts)}."

    def _verdict(self, i: int) -> str:
        return self.outcomes[i].verdict if i in self.outcomes else "not checked"

    # -- to be written

    def json(self) -> str:
        """The reports of the files that have been checked; of one file, whatever happened, there is one."""
        return as_json(self._known(), several=self.several)

    def csv(self) -> bytes:
        """A row for each file, checked or not."""
        unknown = {"verdict": "not checked"}
        return table_csv.table(
            [
                self.outcomes[i].report if i in self.outcomes else failed(job.target, "").report | unknown
                for i, job in enumerate(self.jobs)
            ]
        )

    def page(self) -> str:
        """The page about one file."""
        return self._known()[0].page or ""

    def _known(self) -> list[Outcome]:
        known = [self.outcomes[i] for i in sorted(self.outcomes)]
        if known or self.several:
            return known
        return [failed(self.jobs[0].target, "Interrupted before anything was known.", page=self.jobs[0].page)]
