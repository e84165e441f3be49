"""A host in a child process: the code under test cannot hang, crash or exit the process that judges it.

This protects against accidents, not against malice: the child runs with the rights of whoever started it. What comes
back is numbers (`gradcompare.checking.wire`); the verdict is made from them here, where the code under test does not
run.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from gradcompare.bounds.precision import Precision
from gradcompare.checking import forkserver, wire
from gradcompare.checking.errors import CodeError, TimeIsUpError
from gradcompare.checking.looks import Look
from gradcompare.judging.evaluation import Bounded, Evaluation
from gradcompare.losses import Penalty
from gradcompare.network import Network

STARTS_WITHIN = 120
"""Seconds that the child itself may take to start, to load NumPy and torch; they are none of the code's."""


@dataclass(frozen=True)
class Run:
    """What is kept of a run in the child (see `gradcompare.judging.evaluation.Record`)."""

    precision: Precision
    parents: list[list[int]]
    met_a_tie: bool
    largest: list[float]


class _Process:
    """A process that answers requests: started for it, or forked where torch is loaded already.

    `number` is its process number, where that is known; `requests` and `answers` are this side's ends of the pipes.
    """

    number: int | None = None
    requests: IO[bytes]
    answers: IO[bytes]
    _status: int | None = None
    """None as long as it has not ended: its number is nobody else's."""

    def status(self) -> int:
        """Wait until it has ended: its exit status, or the number of the signal that ended it, negative."""
        if self._status is None:
            self._status = self._waited()
        return self._status

    def _waited(self) -> int:
        raise NotImplementedError

    def close(self) -> None:
        """End it and whatever it has started, those in sessions of their own too."""
        if self.number is not None and self._status is None:
            for process in [*descendants(self.number), self.number]:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(process, signal.SIGKILL)
        if self.number is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError, AttributeError):
                os.killpg(self.number, signal.SIGKILL)  # what it has started stays in its group
            self.status()
        for pipe in (self.requests, self.answers):
            with contextlib.suppress(OSError):
                pipe.close()


class _Started(_Process):
    """A process of Python's own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            forkserver.starting("gradcompare.checking.child:main"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=forkserver.environment_of_one_thread(),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.number, self.requests, self.answers = self._process.pid, self._process.stdin, self._process.stdout

    def _waited(self) -> int:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(forkserver.SECONDS_TO_END)
        self._process.kill()
        return self._process.wait()


class _Forked(_Process):
    """A copy of a process that has loaded what is needed. Until it has said its number it ends where nobody asks."""

    def __init__(self, server: forkserver.ForkServer) -> None:
        self._server = server
        its_requests, requests = os.pipe()
        answers, its_answers = os.pipe()
        self.requests, self.answers = open(requests, "wb"), open(answers, "rb", 0)  # noqa: SIM115
        try:
            server.fork(its_requests, its_answers)
        except OSError:
            self.close()
            raise
        finally:
            os.close(its_requests)
            os.close(its_answers)

    def _waited(self) -> int:
        if self.number is None:
            return 1  # it ended before it could say its number
        return self._server.status(self.number)


def _process() -> _Process:
    if forkserver.IS_POSSIBLE:
        with contextlib.suppress(OSError):
            return _Forked(forkserver.fork_server())
    return _Started()


@dataclass
class _Ahead:
    """A first look that was asked for ahead."""

    network: Network
    loss: str | None
    answer: Any = None
    """None as long as it has not been received."""


class Child:
    """The methods of `gradcompare.checking.host.Host`, carried out in a child process with a limit on its time.

    Raises CodeError, in words, where the code under test ends the process, and TimeIsUpError `timeout` seconds after
    the child has started.
    """

    def __init__(self, timeout: float) -> None:
        self.until = time.monotonic() + STARTS_WITHIN
        self.timeout = timeout
        self._started = False
        self._lost = False
        """Whether an answer did not come in its time: what came next would be taken for another's."""
        self._ahead: _Ahead | None = None
        self._process: _Process = _process()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child and whatever it has started."""
        self._process.close()

    # -- the host's methods

    def open_file(self, path: str, name: str | None, interface: str | None, seed: int) -> dict[str, Any]:
        """Load a file and find its program (see `gradcompare.checking.host.open_file`)."""
        return self._call("open_file", path=path, name=name, interface=interface, seed=seed)

    def open_own_program(self, seed: int, written: bool, keeps_data: bool = False) -> dict[str, Any] | None:
        """See `Host.open_own_program`."""
        found: dict[str, Any] | None = self._call("open_own_program", seed=seed, written=written, keeps_data=keeps_data)
        self._ahead = None
        return found

    def open_alone(self, seed: int, agreed: bool = False) -> dict[str, Any] | None:
        """See `Host.open_alone`."""
        found: dict[str, Any] | None = self._call("open_alone", seed=seed, agreed=agreed)
        self._ahead = None
        return found

    def open_other_loop(self, seed: int, number: int) -> dict[str, Any] | None:
        """See `Host.open_other_loop`."""
        found: dict[str, Any] | None = self._call("open_other_loop", seed=seed, number=number)
        self._ahead = None
        return found

    def open_told_otherwise(self, seed: int, number: int) -> dict[str, Any] | None:
        """See `Host.open_told_otherwise`."""
        found: dict[str, Any] | None = self._call("open_told_otherwise", seed=seed, number=number)
        self._ahead = None
        return found

    def open_on_its_own_way(self, seed: int) -> dict[str, Any] | None:
        """See `Host.open_on_its_own_way`."""
        found: dict[str, Any] | None = self._call("open_on_its_own_way", seed=seed)
        self._ahead = None
        return found

    def open_usual(self, seed: int, number: int, agreed: bool) -> dict[str, Any] | None:
        """See `Host.open_usual`."""
        found: dict[str, Any] | None = self._call("open_usual", seed=seed, number=number, agreed=agreed)
        self._ahead = None
        return found

    @contextlib.contextmanager
    def ends_within(self, seconds: float) -> Iterator[None]:
        """See `Host.ends_within`."""
        until, begun = self.until, time.monotonic()
        self.until = min(until, begun + seconds)
        try:
            yield
        finally:
            self.until = until

    def inputs(self, network: Network) -> dict[str, np.ndarray]:
        """See `Host.inputs`."""
        return self._call("inputs", network=vars(network))

    def first_look(self, network: Network, loss: str | None) -> Look:
        """See `Host.first_look`."""
        self._receive_ahead()
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead.network is network and ahead.loss == loss:
            found = _result(ahead.answer)
        else:
            found = self._call("first_look", network=vars(network), loss=loss)
        evaluation = found["evaluation"]
        return Look(
            found["inputs"],
            found["claimed"],
            None if evaluation is None else _evaluation(evaluation, network.X.dtype.name),
        )

    def look_ahead(self, network: Network, loss: str | None) -> None:
        """Ask for the first look at a network before the answer is needed: the child works meanwhile."""
        self._receive_ahead()
        self._send("first_look", network=vars(network), loss=loss)
        self._ahead = _Ahead(network, loss)

    def fitting_losses(self, inputs: Mapping[str, np.ndarray]) -> list[str]:
        """See `Host.fitting_losses`."""
        return self._call("fitting_losses", inputs=inputs)

    def guards(self, inputs: Mapping[str, np.ndarray], loss: str | None) -> list[float]:
        """See `Host.guards`."""
        return self._call("guards", inputs=inputs, loss=loss)

    def share_of_cost(self, factor: float, mean: bool) -> None:
        """See `Host.share_of_cost`."""
        self._change("share_of_cost", factor=factor, mean=mean)

    def leave_out_claims(self, names: Sequence[str]) -> None:
        """See `Host.leave_out_claims`."""
        self._change("leave_out_claims", names=list(names))

    def leave_out_guards(self, left_out: bool) -> None:
        """See `Host.leave_out_guards`."""
        self._change("leave_out_guards", left_out=left_out)

    def give_slope_of(self, name: str | None) -> None:
        """See `Host.give_slope_of`."""
        self._change("give_slope_of", name=name)

    def draw_what_is_decided(self, network: Network, loss: str | None) -> None:
        """See `Host.draw_what_is_decided`."""
        self._change("draw_what_is_decided", network=vars(network), loss=loss)

    def penalise(self, penalty: Penalty | None) -> None:
        """See `Host.penalise`."""
        self._change("penalise", penalty=penalty and list(penalty))

    def read_variables(self, variables: Mapping[str, tuple[tuple[str, int, str, int], int]]) -> None:
        """See `Host.read_variables`."""
        self._change("read_variables", variables={name: [list(key), sign] for name, (key, sign) in variables.items()})

    def added_up(self, seed: int) -> list[dict[str, Any]]:
        """See `Host.added_up`."""
        answer: list[dict[str, Any]] = self._call("added_up", seed=seed)
        return answer

    def own_start(self, inputs: Mapping[str, np.ndarray]) -> dict[str, Any] | None:
        """See `Host.own_start`."""
        answer: dict[str, Any] | None = self._call("own_start", inputs=inputs)
        return answer

    def claims(self, inputs: Mapping[str, np.ndarray], *, twice: bool = True) -> dict[str, Any]:
        """See `Host.claims`."""
        return self._call("claims", inputs=inputs, twice=twice)

    def rounding(self, inputs: Mapping[str, np.ndarray], precision: str) -> dict[str, Any]:
        """See `Host.rounding`."""
        return self._call("rounding", inputs=inputs, precision=precision)

    def problem(self, inputs: Mapping[str, np.ndarray], loss: str | None) -> str | None:
        """See `Host.problem`."""
        return self._call("problem", inputs=inputs, loss=loss)

    def numerical(self, inputs: Mapping[str, np.ndarray], name: str, loss: str | None) -> Bounded:
        """See `Host.numerical`."""
        return Bounded(*self._call("numerical", inputs=inputs, name=name, loss=loss))

    def evaluate(
        self,
        inputs: Mapping[str, np.ndarray],
        claimed: Collection[str],
        precision: str,
        loss: str | None,
        *,
        watched: bool = False,
        **options: Any,
    ) -> Evaluation:
        """See `Host.evaluate`."""
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}
        found = self._call(
            "evaluate",
            inputs=inputs,
            claimed=list(claimed),
            precision=precision,
            loss=loss,
            watched=watched,
            options=plain,
        )
        return _evaluation(found, precision)

    def watch(self, inputs: Mapping[str, np.ndarray], precision: str, loss: str | None) -> dict[str, Any]:
        """See `Host.watch`."""
        # Not needed before the child has started, and long to load.
        from gradcompare.checking.sightings import Sighting, Watched, Witness

        found = self._call("watch", inputs=inputs, precision=precision, loss=loss)
        sightings = []
        for row in found["sightings"]:
            error = row.pop("error")
            sightings.append(Witness(Sighting(**{**row, "calls": tuple(row["calls"])}), error))
        written = [tuple(key) for key in found["written"]]
        watched = Watched(found["claims"], sightings, written, found["masks"])
        places = {name: (line, source) for name, (line, source) in found["places"].items()}
        return {"names": found["names"], "places": places, "watched": watched}

    # -- the pipe

    def _call(self, procedure: str, /, **arguments: Any) -> Any:
        self._receive_ahead()
        self._send(procedure, **arguments)
        return _result(self._received())

    def _change(self, procedure: str, /, **arguments: Any) -> None:
        """What changes how the code is asked; what was asked ahead was asked otherwise."""
        self._call(procedure, **arguments)
        self._ahead = None

    def _receive_ahead(self) -> None:
        """Nothing is sent while an answer is on its way: two processes that both write would wait for each other."""
        if self._ahead is not None and self._ahead.answer is None:
            self._ahead.answer = self._received()

    def _send(self, procedure: str, /, **arguments: Any) -> None:
        if self._lost:
            raise TimeIsUpError("The code was still running when its time was up, and is asked no more.")
        with self._ended_in_words():
            if not self._started:
                self._process.number = wire.receive(self._read)["result"]
                self.until, self._started = time.monotonic() + self.timeout, True
            wire.send(self._process.requests.write, {"call": procedure, "arguments": arguments})
            self._process.requests.flush()

    def _received(self) -> Any:
        with self._ended_in_words():
            return wire.receive(self._read)

    @contextlib.contextmanager
    def _ended_in_words(self) -> Iterator[None]:
        try:
            yield
        except (BrokenPipeError, EOFError):
            raise CodeError(self._how_it_ended()) from None
        except wire.WireError as error:
            raise CodeError(
                f"The process that ran the code answered with something else than numbers ({error})."
            ) from None

    def _read(self, count: int) -> bytes:
        descriptor = self._process.answers.fileno()
        parts: list[bytes] = []
        while count > 0:
            left = self.until - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                if not self._started:
                    raise CodeError(f"The process to run the code in did not start within {STARTS_WITHIN} seconds.")
                self._lost = True
                limit = f"{self.timeout:g} second{'s' * (self.timeout != 1)}"
                raise TimeIsUpError(
                    f"The code was still running after {limit} and was stopped. Usually a loop does not end; --timeout "
                    "gives it longer."
                )
            part = os.read(descriptor, min(count, 1 << 20))
            if not part:
                break
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _how_it_ended(self) -> str:
        status = self._process.status()
        if status == 0:
            return "The code ended the process that ran it."
        if status < 0:
            name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
            return f"The process that ran the code was killed ({name}): it crashed, or ran out of memory."
        return f"The process that ran the code ended with status {status}: it called exit(), or ran out of memory."


def _result(answer: Any) -> Any:
    if not isinstance(answer, dict) or "result" not in answer:
        raise CodeError(str(answer.get("problem")) if isinstance(answer, dict) else "No answer.")
    return answer["result"]


def _evaluation(found: dict[str, Any], precision: str) -> Evaluation:
    return Evaluation(
        {name: Bounded(*pair) for name, pair in found["tensors"].items()},
        {name: set(names) for name, names in found["upstream"].items()},
        found["numbers"],
        Run(Precision.of(precision), found["parents"], found["met_a_tie"], found["largest"]),
        set(found["values"]),
        found["order"],
    )


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and they in turn, where the system lists them (Linux)."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            parent = int(status.read_bytes().rpartition(b")")[2].split()[1])
            children.setdefault(parent, []).append(int(status.parent.name))
    found = list(children.get(pid, []))
    for process in found:  # grows on the way
        found += children.get(process, [])
    return found
