"""`gradcompare check`: from its options to what is printed and written; several files go on where they stopped."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import sys
from collections.abc import Sequence

from gradcompare.commands.batch import BatchError, Job, Outcome, checked, failed, outcome
from gradcompare.commands.batch import run as run_all
from gradcompare.commands.exit_status import AGREES, NOT_JUDGED, of_all
from gradcompare.commands.journal import Journal, key
from gradcompare.commands.outputs import CannotWriteError, check_writable, write
from gradcompare.commands.results import Results, as_json
from gradcompare.commands.targets import Target, targets
from gradcompare.commands.terminal import aside, out, progress_bar, styled

__all__ = ["run"]

PASSED_ON = ("interface", "loss", "dtype", "examples", "seed", "timeout")
"""The options that are those of `gradcompare.check`."""
ESCAPED = "backslashreplace"
"""How names of files that are no text are written; in JSON the same characters are an escape."""


class UsageError(Exception):
    """The command cannot be carried out; the message says why."""


def run(options: argparse.Namespace) -> int:
    """Carry the command out; the exit status."""
    try:
        found, again = targets(options.files)
        _check_outputs(options, found)
        for target in again:
            _say(f"{target} is named twice and checked once.")
        chosen = {name: getattr(options, name) for name in PASSED_ON}
        return _Run(options, [Job(target, chosen, page=options.html is not None) for target in found]).run()
    except (UsageError, CannotWriteError, BatchError) as problem:
        _say(str(problem))
        if options.json == "-":
            print(as_json([failed(Target(options.files[0]), str(problem))], several=False))
        return NOT_JUDGED


def _say(sentence: str) -> None:
    print(f"gradcompare check: {sentence}", file=sys.stderr)


def _check_outputs(options: argparse.Namespace, found: Sequence[Target]) -> None:
    """What cannot be written is found out before hours of work, and nothing that is checked is written over."""
    files = {"--json": options.json if options.json != "-" else None, "--csv": options.csv, "--html": options.html}
    if options.html and (len(found) > 1 or os.path.isdir(options.files[0])):
        raise UsageError("--html is a page about one file; --csv and --json are for several.")
    for option in ("--csv", "--html"):
        if files[option] == "-":
            raise UsageError(f"{option} needs the name of a file; --json alone can go to standard output.")
    written = [(option, os.path.realpath(file)) for option, file in files.items() if file is not None]
    for (one, file), (other, again) in itertools.combinations(written, 2):
        if file == again:
            raise UsageError(f"{one} and {other} would both be written to {files[other]}.")
    checked_files = {os.path.realpath(target.file) for target in found}
    for option, file in files.items():
        if file is not None:
            if os.path.realpath(file) in checked_files:
                raise UsageError(f"{option} {file} would write over a file that is to be checked.")
            check_writable(file)


class _Run:
    """One command's checks, from the first to what is printed and written of them all."""

    def __init__(self, options: argparse.Namespace, jobs: Sequence[Job]) -> None:
        self.options, self.jobs = options, jobs
        self.several = len(options.files) > 1 or os.path.isdir(options.files[0])
        self.results = Results(jobs, several=self.several)
        self.outcomes = self.results.outcomes
        self.shown = 0
        self.interrupted, self.why = False, ""
        self.progress = progress_bar()
        self.shows = options.json != "-"

    def run(self) -> int:
        """Check, print, write; the exit status."""
        journal_file = self._journal_file()
        if journal_file is None:
            self._find_out(None)
            return self._end()
        with Journal(journal_file) as journal:
            self._find_out(journal)
            status = self._end()
            if not self.interrupted:
                journal.remove()
        return status

    def _journal_file(self) -> str | None:
        """Beside what is written at the end, for several files."""
        target = self.options.csv or (self.options.json if self.options.json != "-" else None)
        plain = target is not None and (os.path.isfile(target) or not os.path.lexists(target))
        return f"{target}.unfinished" if plain and self.several else None

    # -- what is found out

    def _find_out(self, journal: Journal | None) -> None:
        try:
            if self.several:
                self._many(journal)
            else:
                self._one()
        except KeyboardInterrupt:
            self.interrupted = True
        except BatchError as problem:
            if not self.outcomes:
                raise
            self.interrupted, self.why = True, f"{problem} "

    def _one(self) -> None:
        from gradcompare.checking.errors import CheckInterruptedError

        if self.options.cluster is not None:
            self.outcomes |= dict(run_all(self.jobs, 1, self.options.cluster))
            return
        with self.progress:
            task = self.progress.add_task(os.path.basename(self.jobs[0].target.file), total=self.options.examples)
            try:
                self.outcomes[0] = checked(
                    self.jobs[0], lambda done, total: self.progress.update(task, completed=done, total=total)
                )
            except CheckInterruptedError as interrupted:
                self.outcomes[0] = outcome(interrupted.report, page=self.jobs[0].page)
                raise

    def _many(self, journal: Journal | None) -> None:
        keys = self._resume(journal)
        left = [i for i in range(len(self.jobs)) if i not in self.outcomes]
        found_out = run_all([self.jobs[i] for i in left], self.options.jobs, self.options.cluster)
        with self.progress, contextlib.closing(found_out):
            task = self.progress.add_task("files", total=len(self.jobs), completed=len(self.outcomes))
            self._show()
            for k, found in found_out:
                self.outcomes[left[k]] = found
                if journal is not None and found.lasting:
                    journal.add(keys[left[k]], found)
                self.progress.update(task, completed=len(self.outcomes))
                self._show()

    def _resume(self, journal: Journal | None) -> list[str]:
        """The jobs' keys; what an interrupted run found out is taken over."""
        if journal is None:
            return []
        keys = [key(job) for job in self.jobs]
        known = {i: journal.known(k) for i, k in enumerate(keys)}
        self.outcomes |= {i: found for i, found in known.items() if found is not None}
        if self.outcomes:
            _say(
                f"going on from an interrupted run, which had checked {len(self.outcomes)} of {len(self.jobs)} files "
                f"({journal.file})."
            )
        return keys

    # -- what is printed

    def _show(self, *, all_known: bool = False) -> None:
        """Every outcome whose predecessors are known, or all at the end."""
        last = max(self.outcomes, default=-1) + 1
        while self.shown < last and (all_known or self.shown in self.outcomes):
            if self.shows and self.shown in self.outcomes:
                with aside(self.progress):
                    self._print(self.outcomes[self.shown])
            self.shown += 1

    def _print(self, found: Outcome) -> None:
        if self.options.quiet or (self.several and not self.options.verbose):
            out(styled(found.line, found.verdict))
            return
        head, _, rest = (found.verbose if self.options.verbose else found.text).partition("\n")
        out(styled(head, found.verdict))
        for line in rest.split("\n") if rest else ():
            out(styled(line, "wrong" if line.lstrip().startswith("> ") else ""))
        if self.several:
            out("")

    def _end(self) -> int:
        """Print and write what is left to be said; the exit status."""
        self._show(all_known=True)
        if self.several and self.shows and not self.options.quiet:
            out("")
            out(self.results.table())
            out(self.results.sentence())
        self._write()
        if self.interrupted:
            _say(self._where_it_stopped())
        status = of_all(self.results.verdicts)
        return NOT_JUDGED if self.interrupted and status == AGREES else status

    def _where_it_stopped(self) -> str:
        if not self.several:
            return "Interrupted." if self.outcomes else "Interrupted before anything was known."
        again = "; the same command goes on from there" if self._journal_file() and self.outcomes else ""
        return f"{self.why or 'Interrupted. '}{len(self.outcomes)} of {len(self.jobs)} files have been checked{again}."

    # -- what is written

    def _write(self) -> None:
        if self.options.csv:
            write(self.options.csv, self.results.csv())
        if self.options.html:
            write(self.options.html, self.results.page().encode("utf-8", ESCAPED))
        if self.options.json == "-":
            print(self.results.json())
        elif self.options.json:
            write(self.options.json, (self.results.json() + "\n").encode("utf-8", ESCAPED))
