"""Many files: at once on this machine's cores, or on a cluster.

The work goes through the interface of `concurrent.futures`, which Dask implements for a cluster: here a pool of
processes, there Dask's executor, one loop for both. (joblib has a Dask back end too, but it waits for ever for a task
that Dask has given up, and has finished tasks computed again when a worker dies.) A worker judges; the code under test
runs in a child process of the worker.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from gradcompare.commands.targets import Target

TRIES = 3
"""A pool whose workers died is made anew, unless it dies so many times in a row with nothing finished."""
CONNECT = 10.0
"""Seconds to wait for a cluster's scheduler, and as many again for its first worker."""

_REASON = ("unfinished", "error")
"""Verdicts that are nothing without the reason in the first note."""
Progress = Callable[[int, int], None]
Task = TypeVar("Task")
Result = TypeVar("Result")


class BatchError(Exception):
    """The files cannot be checked at all; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """What is to be shown and kept of a check: plain text and the JSON report."""

    report: dict[str, Any]
    line: str
    text: str
    verbose: str
    page: str | None = None
    """The report as a page, where one was asked for."""
    lasting: bool = True
    """Whether it would come out the same again: not where a machine failed."""

    @property
    def verdict(self) -> str:
        """The verdict of the report."""
        return str(self.report["verdict"])


@dataclass(frozen=True)
class Job:
    """One check to be made."""

    target: Target
    options: Mapping[str, Any] = field(default_factory=dict)
    """Those of `gradcompare.check`."""
    page: bool = False
    """Whether the report is wanted as a page too."""
    path: str | None = None
    """Where a cluster's machine finds the file; None for this machine."""
    digest: str | None = None
    """Of the file's content, which a cluster's machine should find there."""
    version: str | None = None
    """Of gradcompare, likewise."""


def for_cluster(job: Job) -> Job:
    """The job, for a machine that may see other files than this one."""
    if job.target.problem is not None:
        return job
    path = os.path.abspath(job.target.file)
    return replace(job, path=path, digest=_digest(path), version=metadata.version("gradcompare"))


# ---- one file --------------------------------------------------------------------------------------------------------


def checked(job: Job, progress: Progress | None = None) -> Outcome:
    """Check one file. Whatever goes wrong is an outcome too.

    Raises:
        CheckInterruptedError, KeyboardInterrupt: at Ctrl-C.
    """
    from gradcompare.checking.check import check
    from gradcompare.checking.errors import CheckInterruptedError

    if job.target.problem is not None:
        return failed(job.target, job.target.problem, page=job.page)
    if job.path is not None and (problem := _not_the_same_here(job)):
        return failed(job.target, problem, lasting=False, page=job.page)
    picked: dict[str, Any] = {} if job.target.name is None else {"name": job.target.name}
    try:
        report = check(Path(job.path or job.target.file), **job.options, **picked, progress=progress)
    except CheckInterruptedError as interrupted:
        interrupted.report.subject["file"] = str(job.target)
        raise
    except Exception as error:
        return failed(job.target, _own_fault(error), lasting=False, page=job.page)
    report.subject["file"] = str(job.target)
    return outcome(report, page=job.page)


def outcome(report: Any, *, page: bool = False) -> Outcome:
    """What is to be shown and kept of a Report, as a page too where that is asked for."""
    from gradcompare import report as reports
    from gradcompare.checking.smallest import snippet

    if report.verdict in _REASON and len(report.notes) == 1:
        why = f"{reports.headline(report)} {report.notes[0]}"
        return Outcome(report.to_dict(), _line(report), why, why, report.to_html() if page else None)
    verbose = reports.text(report, verbose=True)
    if report.smallest_case is not None:
        verbose += "\n\n# The smallest network that shows it, to run:\n" + snippet(report.smallest_case["inputs"])
    shown = report.to_html() if page else None
    return Outcome(report.to_dict(), _line(report), reports.text(report), verbose, shown)


def failed(target: Target, why: str, *, lasting: bool = True, page: bool = False) -> Outcome:
    """The outcome for a file that could not be checked."""
    from gradcompare.report import Report

    cases = dict.fromkeys(("drawn", "decided", "at_kink", "undecided"), 0)
    subject: dict[str, Any] = {"file": str(target), "interface": None, "functions": []}
    found = outcome(Report("error", notes=[why], cases=cases, subject=subject), page=page)
    return replace(found, lasting=lasting)


def _line(report: Any) -> str:
    """The verdict in one line, with what it probably is, or why there is none."""
    from gradcompare.report import headline

    more = ""
    if report.verdict in _REASON and report.notes:
        more = report.notes[0].partition("\n")[0]
        more = more if not more.endswith(":") else f"{more.rpartition('. ')[0]}."  # what follows is not shown
    elif report.diagnosis:
        more = f"Probably: {report.diagnosis[0]['says']}"
    return " ".join(f"{headline(report)} {more}".split())


def _own_fault(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(where.filename).name}, line {where.lineno}"
    said = " ".join(f"{type(error).__name__}: {error}".split())
    return f"gradcompare itself failed on this file ({place}: {said}). Please report it, with the file."


def _digest(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _not_the_same_here(job: Job) -> str | None:
    """Why a cluster's machine cannot do a job."""
    host, version = os.uname().nodename if hasattr(os, "uname") else "a machine", metadata.version("gradcompare")
    if version != job.version:
        return f"{host}, a machine of the cluster, has gradcompare {version}; here it is {job.version}."
    if _digest(str(job.path)) != job.digest:
        return f"{host}, a machine of the cluster, does not see this file at {job.path}, or sees another version of it."
    return None


# ---- many files ------------------------------------------------------------------------------------------------------


def run(
    jobs: Sequence[Job], at_once: int | None = None, cluster: str | None = None
) -> Generator[tuple[int, Outcome], None, None]:
    """(index of the job, its outcome), each once, as they finish.

    Args:
        jobs: the checks.
        at_once: how many run at once; by default as many as there are cores, or all that the cluster takes.
        cluster: the address of a Dask scheduler.

    Raises:
        BatchError: where the cluster cannot be used, or is lost.
    """
    if cluster is not None:
        jobs = [for_cluster(job) for job in jobs]
    why = "The process that judged it was killed, more than once."
    with contextlib.closing(each(checked, jobs, at_once, cluster)) as results:
        for i, found in results:
            yield i, failed(jobs[i].target, why, lasting=False, page=jobs[i].page) if found is None else found


def each(
    work: Callable[[Task], Result], tasks: Sequence[Task], at_once: int | None = None, cluster: str | None = None
) -> Generator[tuple[int, Result | None], None, None]:
    """(index of the task, what `work` made of it), each once, as they finish; None where the process died each time.

    `work` is a function of a module, which the other processes import; the other arguments and errors are those of
    `run`. One task at a time is worked on in this process.
    """
    if cluster is not None and tasks:
        yield from _run(work, tasks, at_once or len(tasks), lambda: _on_cluster(cluster), tries=1)
        return
    at_once = min(at_once or cores(), len(tasks))
    if at_once > 1:
        yield from _run(work, tasks, at_once, lambda: _here(at_once), tries=TRIES)
    else:
        for i, task in enumerate(tasks):
            yield i, work(task)


def cores() -> int:
    """How many processes this machine runs at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    at_once: int,
    executor: Callable[[], contextlib.AbstractContextManager[Executor]],
    tries: int,
) -> Iterator[tuple[int, Result | None]]:
    left = dict(enumerate(tasks))
    died = 0
    while left and died < tries:
        died += 1
        with executor() as pool:
            for i, future in _as_finished(pool, work, dict(left), at_once):
                if (found := _result(future)) is not None:
                    del left[i]
                    died = 0
                    yield i, found
    for i in left:
        yield i, None


def _as_finished(
    pool: Executor, work: Callable[[Task], Result], tasks: Mapping[int, Task], at_once: int
) -> Iterator[tuple[int, Future[Result]]]:
    """Every task's future when it is done; no more than so many are in the pool at a time. Ends early if it broke."""
    waiting: dict[Future[Result], int] = {}
    todo = iter(tasks.items())
    with contextlib.suppress(BrokenProcessPool):
        while True:
            for i, task in todo:
                with _signals_held():
                    waiting[pool.submit(_in_worker, work, task)] = i
                if len(waiting) >= at_once:
                    break
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                yield waiting.pop(future), future
    for future in wait(waiting).done:
        yield waiting[future], future


def _result(future: Future[Result]) -> Result | None:
    """None where the worker died."""
    try:
        return future.result()
    except BrokenProcessPool:
        return None
    except CancelledError:
        raise BatchError("The connection to the cluster was lost.") from None
    except Exception as error:
        if type(error).__name__ == "KilledWorker":
            return None
        raise BatchError(f"A worker could not do its work ({type(error).__name__}: {error}).") from None


def _in_worker(work: Callable[[Task], Result], task: Task) -> Result:
    try:
        return work(task)
    except SystemExit:  # SIGTERM; the child process has been ended on the way here
        os._exit(1)


# ---- this machine ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _here(at_once: int) -> Iterator[Executor]:
    """A pool of processes; left early, they are ended."""
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(at_once, multiprocessing.get_context("spawn"), initializer=_begin_worker)
    try:
        yield pool
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one, which ends it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.unraisablehook = _dropped
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


def _dropped(error: sys.UnraisableHookArgs) -> None:
    """Where Python drops the exit that SIGTERM asks for, in a callback of the garbage collector, it is made there."""
    if issubclass(error.exc_type, SystemExit):
        os._exit(1)
    sys.__unraisablehook__(error)


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Ctrl-C waits, and a process that is started here does not see it before it can."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# ---- a cluster -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _on_cluster(address: str) -> Iterator[Executor]:
    """A Dask cluster's executor. Dask gives the work of a worker that died to another."""
    try:
        from distributed import Client
    except ImportError:
        raise BatchError("--cluster needs dask.distributed: pip install 'gradcompare[cluster]'.") from None
    _silence("distributed")  # a cluster that is lost is said in a sentence
    try:
        client = Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise BatchError(f"There is no Dask scheduler at {address} ({' '.join(str(error).split())}).") from None
    try:
        client.wait_for_workers(1, timeout=CONNECT)
        pool = client.get_executor(pure=False)
        try:
            yield pool
        finally:
            pool.shutdown(wait=False)
    except TimeoutError:
        raise BatchError(f"The cluster at {address} has no workers.") from None
    finally:
        client.close(timeout=CONNECT)


def _silence(package: str) -> None:
    for name in [package, *logging.root.manager.loggerDict]:
        if name.partition(".")[0] == package:
            logging.getLogger(name).setLevel(logging.CRITICAL)
