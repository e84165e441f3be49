"""The command line: it parses, calls, and prints; the only module that prints."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gradcompare.arguments import parser

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table
    from rich.text import Text

    from gradcompare.batch import Job, Outcome
    from gradcompare.journal import Journal
    from gradcompare.targets import Target

AGREES, WRONG, NOT_JUDGED = 0, 1, 2
EXIT = {"agrees": AGREES, "wrong": WRONG, "scaled": WRONG}
"""The exit status of each verdict; of all others NOT_JUDGED."""

COLOURS = {"agrees": "green", "wrong": "red", "scaled": "yellow"}
VERDICTS = ("wrong", "scaled", "undecided", "unfinished", "error", "not checked", "agrees")
"""The order of the summary."""
CHECK_OPTIONS = ("interface", "loss", "dtype", "examples", "seed", "timeout")


class UsageError(Exception):
    """The command cannot be carried out; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0 the gradients agree, 1 they do not, 2 the question could not be put."""
    options = parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with _terminated_like_interrupted():
            commands = {"check": _check, "demo": _demo, "health": _health, "interfaces": _interfaces, "train": _train}
            status: int = commands[options.command](options)
            if sys.stdout is not None:  # it can be closed
                sys.stdout.flush()
            return status
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
    except BrokenPipeError:
        _say_no_more()
    except Exception as problem:  # status 1 would say that the gradients are wrong
        print(f"gradcompare: {_described(problem)}", file=sys.stderr)
        _say_no_more()
    return NOT_JUDGED


def _described(problem: Exception) -> str:
    from traceback import extract_tb

    if isinstance(problem, OSError):
        return f"What was to be said could not be written: {problem.strerror or problem}."
    where = extract_tb(problem.__traceback__)[-1]
    place = f"{os.path.basename(where.filename)}, line {where.lineno}"
    return f"It failed itself ({place}: {type(problem).__name__}: {problem}). Please report it."


@contextlib.contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM ends a check as Ctrl-C does: the processes that it started are ended, and what is known is said."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _say_no_more() -> None:
    """Standard output takes no more: what is still in the buffer has nowhere to go."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def exit_status(verdicts: Sequence[str]) -> int:
    """1 if any file is wrong or scaled, else 2 if any could not be judged, else 0."""
    statuses = {EXIT.get(verdict, NOT_JUDGED) for verdict in verdicts}
    return WRONG if WRONG in statuses else NOT_JUDGED if NOT_JUDGED in statuses or not statuses else AGREES


# ---- check -----------------------------------------------------------------------------------------------------------


def _check(options: argparse.Namespace) -> int:
    from gradcompare.batch import BatchError, Job
    from gradcompare.outputs import CannotWriteError
    from gradcompare.targets import targets

    try:
        found, again = targets(options.files)
        _check_outputs(options, found)
        for target in again:
            print(f"gradcompare check: {target} is named twice and checked once.", file=sys.stderr)
        chosen = {name: getattr(options, name) for name in CHECK_OPTIONS}
        return _Run(options, [Job(target, chosen, page=options.html is not None) for target in found]).run()
    except (UsageError, CannotWriteError, BatchError) as problem:
        print(f"gradcompare check: {problem}", file=sys.stderr)
        if options.json == "-":
            from gradcompare.batch import failed
            from gradcompare.targets import Target

            print(_json([failed(Target(options.files[0]), str(problem))], several=False))
        return NOT_JUDGED


def _check_outputs(options: argparse.Namespace, found: Sequence[Target]) -> None:
    """What cannot be written is found out before hours of work, and nothing that is checked is written over."""
    from gradcompare.outputs import check_writable

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
    checked = {os.path.realpath(target.file) for target in found}
    for option, file in files.items():
        if file is not None:
            if os.path.realpath(file) in checked:
                raise UsageError(f"{option} {file} would write over a file that is to be checked.")
            check_writable(file)


class _Run:
    """One command's checks, from the first to what is printed and written of them all."""

    def __init__(self, options: argparse.Namespace, jobs: Sequence[Job]) -> None:
        self.options, self.jobs = options, jobs
        self.several = len(options.files) > 1 or os.path.isdir(options.files[0])
        self.outcomes: dict[int, Outcome] = {}
        self.shown = 0
        self.interrupted, self.why = False, ""
        self.progress = _progress()
        self.shows = options.json != "-"

    def run(self) -> int:
        """Check, print, write; the exit status."""
        journal_file = self._journal_file()
        if journal_file is None:
            self._find_out(None)
            return self._end()
        from gradcompare.journal import Journal

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

    def _find_out(self, journal: Journal | None) -> None:
        from gradcompare.batch import BatchError

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
        from gradcompare.batch import checked, outcome, run
        from gradcompare.checking import CheckInterruptedError

        if self.options.cluster is not None:
            self.outcomes |= dict(run(self.jobs, 1, self.options.cluster))
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
        from gradcompare.batch import run

        keys = self._resume(journal)
        left = [i for i in range(len(self.jobs)) if i not in self.outcomes]
        results = run([self.jobs[i] for i in left], self.options.jobs, self.options.cluster)
        with self.progress, contextlib.closing(results):
            task = self.progress.add_task("files", total=len(self.jobs), completed=len(self.outcomes))
            self._show()
            for k, found in results:
                self.outcomes[left[k]] = found
                if journal is not None and found.lasting:
                    journal.add(keys[left[k]], found)
                self.progress.update(task, completed=len(self.outcomes))
                self._show()

    def _resume(self, journal: Journal | None) -> list[str]:
        """The jobs' keys; what an interrupted run found out is taken over."""
        if journal is None:
            return []
        from gradcompare.journal import key

        keys = [key(job) for job in self.jobs]
        known = {i: journal.known(k) for i, k in enumerate(keys)}
        self.outcomes |= {i: found for i, found in known.items() if found is not None}
        if self.outcomes:
            print(
                f"gradcompare check: going on from an interrupted run, which had checked {len(self.outcomes)} of "
                f"{len(self.jobs)} files ({journal.file}).",
                file=sys.stderr,
            )
        return keys

    # -- what is printed

    def _show(self, *, all_known: bool = False) -> None:
        """Every outcome whose predecessors are known, or all at the end."""
        last = max(self.outcomes, default=-1) + 1
        while self.shown < last and (all_known or self.shown in self.outcomes):
            if self.shows and self.shown in self.outcomes:
                with _aside(self.progress):
                    self._print(self.outcomes[self.shown])
            self.shown += 1

    def _print(self, outcome: Outcome) -> None:
        if self.options.quiet or (self.several and not self.options.verbose):
            _out(_styled(outcome.line, outcome.verdict))
            return
        head, _, rest = (outcome.verbose if self.options.verbose else outcome.text).partition("\n")
        _out(_styled(head, outcome.verdict))
        for line in rest.split("\n") if rest else ():
            _out(_styled(line, "wrong" if line.lstrip().startswith("> ") else ""))
        if self.several:
            _out("")

    def _end(self) -> int:
        self._show(all_known=True)
        if self.several and self.shows and not self.options.quiet:
            _out("")
            _out(self._summary())
            _out(self._sentence())
        self._write()
        if self.interrupted:
            print(f"gradcompare check: {self._where_it_stopped()}", file=sys.stderr)
        status = exit_status([outcome.verdict for outcome in self.outcomes.values()])
        return max(status, NOT_JUDGED) if self.interrupted and status == AGREES else status

    def _summary(self) -> Table:
        """How many files have each verdict, and each mistake."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        rows: dict[tuple[str, str], list[str]] = {}
        for i, job in enumerate(self.jobs):
            rows.setdefault(self._row(i), []).append(str(job.target))
        summary = Table(box=SIMPLE_HEAD, pad_edge=False)
        for column, justify in (("verdict", "left"), ("mistake", "left"), ("files", "right"), ("for example", "left")):
            summary.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
        for (verdict, mistake), files in sorted(
            rows.items(), key=lambda row: (VERDICTS.index(row[0][0]), -len(row[1]), row[0][1])
        ):
            summary.add_row(
                Text(verdict, style=COLOURS.get(verdict, "yellow")),
                _clean(mistake),
                str(len(files)),
                Text(_clean(files[0])),
            )
        return summary

    def _row(self, i: int) -> tuple[str, str]:
        from gradcompare.table_csv import mistake

        if i not in self.outcomes:
            return "not checked", ""
        return self.outcomes[i].verdict, mistake(self.outcomes[i].report)

    def _sentence(self) -> str:
        counts: dict[str, int] = {}
        for i in range(len(self.jobs)):
            verdict, _ = self._row(i)
            counts[verdict] = counts.get(verdict, 0) + 1
        files = f"{len(self.jobs)} file{'s' * (len(self.jobs) != 1)}"
        return f"{files}: {', '.join(f'{counts[v]} {v}' for v in reversed(VERDICTS) if v in counts)}."

    def _where_it_stopped(self) -> str:
        if not self.several:
            return "Interrupted." if self.outcomes else "Interrupted before anything was known."
        again = "; the same command goes on from there" if self._journal_file() and self.outcomes else ""
        return f"{self.why or 'Interrupted. '}{len(self.outcomes)} of {len(self.jobs)} files have been checked{again}."

    # -- what is written

    def _write(self) -> None:
        from gradcompare.outputs import write
        from gradcompare.table_csv import table

        known = [self.outcomes[i] for i in sorted(self.outcomes)]
        if self.options.csv:
            every = [self.outcomes[i].report if i in self.outcomes else self._row_for(i) for i in range(len(self.jobs))]
            write(self.options.csv, table(every))
        if self.options.html:
            page = (known or self._unknown())[0].page or ""
            write(self.options.html, page.encode("utf-8", _ESCAPED))
        if self.options.json == "-":
            print(_json(known or self._unknown(), self.several))
        elif self.options.json:
            write(self.options.json, (_json(known or self._unknown(), self.several) + "\n").encode("utf-8", _ESCAPED))

    def _unknown(self) -> list[Outcome]:
        """For one file of which nothing is known."""
        from gradcompare.batch import failed

        if self.several:
            return []
        return [failed(self.jobs[0].target, "Interrupted before anything was known.", page=self.jobs[0].page)]

    def _row_for(self, i: int) -> dict[str, Any]:
        from gradcompare.batch import failed

        return failed(self.jobs[i].target, "").report | {"verdict": "not checked"}


_ESCAPED = "backslashreplace"
"""How names of files that are no text are written; in JSON the same characters are an escape."""


def _json(outcomes: Sequence[Outcome], several: bool) -> str:
    import json

    written: Any = [outcome.report for outcome in outcomes]
    return json.dumps(written if several else written[0], indent=2, allow_nan=False, ensure_ascii=False)


# ---- the terminal ----------------------------------------------------------------------------------------------------


def _out(what: Any) -> None:
    """To standard output: in colour and as wide as the terminal, or as plain text that is not wrapped."""
    from rich.console import Console

    class Out(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end with status 1, which means "wrong" here

    out = Out(highlight=False)
    if not out.is_terminal:
        out.width = 100_000
    out.print(what, soft_wrap=isinstance(what, str) or not hasattr(what, "columns"), markup=False)


def _styled(line: str, verdict: str) -> Text:
    from rich.text import Text

    return Text(_clean(line), style=f"bold {COLOURS.get(verdict, 'yellow')}" if verdict else "")


def _clean(line: str) -> str:
    """Characters that would command the terminal are shown, not sent."""
    return "".join(c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in line)


def _progress() -> Progress:
    """On standard error, where that is a terminal; gone at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        disable=sys.stderr is None or not sys.stderr.isatty(),
    )


@contextlib.contextmanager
def _aside(progress: Progress) -> Iterator[None]:
    """Without the progress bar, to print in its place."""
    if not progress.live.is_started:
        yield
        return
    progress.stop()
    try:
        yield
    finally:
        progress.start()


# ---- demo and interfaces ---------------------------------------------------------------------------------------------


def _demo(options: argparse.Namespace) -> int:
    from rich.text import Text

    from gradcompare.demo import run, table

    with _progress() as progress:
        task = progress.add_task("networks", total=None)

        def advance(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        outcome = run(options.examples, options.seed, advance)
    _out(table(outcome))
    _out(Text(outcome.sentence(), style="bold green" if outcome.agrees else "bold red"))
    return AGREES if outcome.agrees else WRONG


def _interfaces(_options: argparse.Namespace) -> int:
    from rich.text import Text

    from gradcompare.interfaces import INTERFACES

    for name, interface in INTERFACES.items():
        _out(Text(name, style="bold"))
        _out("\n".join("    " + line for line in interface.skeleton.splitlines()))
        _out("")
    return AGREES


# ---- health and train ------------------------------------------------------------------------------------------------


def _health(options: argparse.Namespace) -> int:
    from gradcompare.health_command import NetworkFileError, examine, to_json

    try:
        found = examine(options.file, options.activations, options.loss)
    except NetworkFileError as problem:
        print(f"gradcompare health: {problem}", file=sys.stderr)
        return NOT_JUDGED
    _out(to_json(found) if options.json else "\n".join(map(_clean, str(found).split("\n"))))
    return AGREES


def _train(options: argparse.Namespace) -> int:
    from gradcompare.training.command import CannotTrainError, train

    try:
        with _progress() as progress:
            task = progress.add_task("training", total=None)
            outcome = train(options, lambda done, total: progress.update(task, completed=done, total=total))
    except CannotTrainError as problem:
        print(f"gradcompare train: {problem}", file=sys.stderr)
        return NOT_JUDGED
    _out(outcome.text)
    return EXIT.get(outcome.verdict, NOT_JUDGED)


if __name__ == "__main__":
    sys.exit(main())
