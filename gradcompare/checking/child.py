"""The child process: it runs the code under test and answers requests with numbers.

Started by `gradcompare.checking.isolation`, or forked by `gradcompare.checking.forkserver`.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from gradcompare.checking import wire
from gradcompare.checking.writing_nothing import write_nothing
from gradcompare.judging.evaluation import Evaluation
from gradcompare.network import Network

MEMORY = 4 * 2**30
"""Bytes of memory that the code under test may have beyond what Python, NumPy and torch take."""


SIGHTING = ("name", "line", "function", "occurrence", "source", "constants", "array")
"""Fields of a sighting that are carried as they are."""


class Server:
    """Answers requests by the methods of a `Host`. Made, it has loaded all that it needs."""

    def __init__(self) -> None:
        from gradcompare.checking.host import Host
        from gradcompare.loading.outdated import lend_to_numpy

        lend_to_numpy()
        self.host = Host()

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """{"result": ...}, or {"problem": words} where the code under test went wrong."""
        from gradcompare.checking.errors import CodeError

        try:
            return {"result": getattr(self, f"do_{request['call']}")(**request["arguments"])}
        except CodeError as problem:
            return {"problem": str(problem)}
        except MemoryError:
            return {"problem": f"The code needs more than {MEMORY // 2**30} GB of memory."}
        except RecursionError:
            return {"problem": "The code calls itself without end."}
        except SystemExit:
            return {"problem": "The code called exit()."}
        except Exception as defect:
            return {"problem": f"gradcompare itself failed; please report it. {type(defect).__name__}: {defect}"}

    def do_open_file(self, path: str, name: str | None, interface: str | None, seed: int) -> dict[str, Any]:
        """Load the definitions of a file and find its program."""
        from gradcompare.checking.host import open_file

        limit_memory()
        return open_file(self.host, path, name, interface, seed)

    def do_open_own_program(self, seed: int, written: bool, keeps_data: bool) -> dict[str, Any] | None:
        """See `Host.open_own_program`."""
        return self.host.open_own_program(seed, written, keeps_data)

    def do_open_alone(self, seed: int, agreed: bool) -> dict[str, Any] | None:
        """See `Host.open_alone`."""
        return self.host.open_alone(seed, agreed)

    def do_open_other_loop(self, seed: int, number: int) -> dict[str, Any] | None:
        """See `Host.open_other_loop`."""
        return self.host.open_other_loop(seed, number)

    def do_open_usual(self, seed: int, number: int, agreed: bool) -> dict[str, Any] | None:
        """See `Host.open_usual`."""
        return self.host.open_usual(seed, number, agreed)

    def do_open_told_otherwise(self, seed: int, number: int) -> dict[str, Any] | None:
        """See `Host.open_told_otherwise`."""
        return self.host.open_told_otherwise(seed, number)

    def do_open_on_its_own_way(self, seed: int) -> dict[str, Any] | None:
        """See `Host.open_on_its_own_way`."""
        return self.host.open_on_its_own_way(seed)

    def do_inputs(self, network: dict[str, Any]) -> Any:
        """See `Host.inputs`."""
        return self.host.inputs(_network(network))

    def do_first_look(self, network: dict[str, Any], loss: str | None) -> Any:
        """See `Host.first_look`."""
        found = self.host.first_look(_network(network), loss)
        return {
            "inputs": found.inputs,
            "claimed": found.claimed,
            "evaluation": None if found.evaluation is None else _plain(found.evaluation),
        }

    def do_fitting_losses(self, inputs: Any) -> Any:
        """See `Host.fitting_losses`."""
        return self.host.fitting_losses(inputs)

    def do_guards(self, inputs: Any, loss: str | None) -> Any:
        """See `Host.guards`."""
        return self.host.guards(inputs, loss)

    def do_share_of_cost(self, factor: float, mean: bool) -> None:
        """See `Host.share_of_cost`."""
        self.host.share_of_cost(factor, mean)

    def do_leave_out_guards(self, left_out: bool) -> None:
        """See `Host.leave_out_guards`."""
        self.host.leave_out_guards(left_out)

    def do_leave_out_claims(self, names: list[str]) -> None:
        """See `Host.leave_out_claims`."""
        self.host.leave_out_claims(names)

    def do_give_slope_of(self, name: str | None) -> None:
        """See `Host.give_slope_of`."""
        self.host.give_slope_of(name)

    def do_draw_what_is_decided(self, network: dict[str, Any], loss: str | None) -> None:
        """See `Host.draw_what_is_decided`."""
        self.host.draw_what_is_decided(_network(network), loss)

    def do_penalise(self, penalty: list[Any] | None) -> None:
        """See `Host.penalise`."""
        from gradcompare.losses import Penalty

        self.host.penalise(Penalty(*penalty) if penalty else None)

    def do_read_variables(self, variables: dict[str, Any]) -> None:
        """See `Host.read_variables`."""
        self.host.read_variables({name: (tuple(key), sign) for name, (key, sign) in variables.items()})

    def do_added_up(self, seed: int) -> Any:
        """See `Host.added_up`."""
        return self.host.added_up(seed)

    def do_own_start(self, inputs: Any) -> Any:
        """See `Host.own_start`."""
        return self.host.own_start(inputs)

    def do_claims(self, inputs: Any, twice: bool) -> Any:
        """See `Host.claims`."""
        return self.host.claims(inputs, twice=twice)

    def do_rounding(self, inputs: Any, precision: str) -> Any:
        """See `Host.rounding`."""
        return self.host.rounding(inputs, precision)

    def do_problem(self, inputs: Any, loss: str | None) -> Any:
        """See `Host.problem`."""
        return self.host.problem(inputs, loss)

    def do_numerical(self, inputs: Any, name: str, loss: str | None) -> Any:
        """See `Host.numerical`."""
        return list(self.host.numerical(inputs, name, loss))

    def do_evaluate(
        self, inputs: Any, claimed: list[str], precision: str, loss: str | None, watched: bool, options: Any
    ) -> Any:
        """See `Host.evaluate`."""
        from gradcompare.checking.host import options_from

        found = self.host.evaluate(inputs, claimed, precision, loss, watched=watched, **options_from(options))
        return _plain(found)

    def do_watch(self, inputs: Any, precision: str, loss: str | None) -> Any:
        """See `Host.watch`."""
        found = self.host.watch(inputs, precision, loss)
        watched = found["watched"]
        sightings = [
            {
                **{field: getattr(s, field) for field in SIGHTING},
                "calls": list(s.calls),
                "value": s.value,
                "error": error,
            }
            for s, error in watched.sightings
        ]
        kept = {key: found[key] for key in ("names", "places")}
        seen = {"sightings": sightings, "written": [list(key) for key in watched.written], "masks": watched.masks}
        return {**kept, "claims": _arrays(watched.claims), **seen}


def _network(plain: Mapping[str, Any]) -> Network:
    return Network(**{**plain, "sizes": tuple(plain["sizes"])})


def _plain(found: Evaluation) -> dict[str, Any]:
    return {
        "tensors": {name: list(bounded) for name, bounded in found.tensors.items()},
        "upstream": {name: sorted(names) for name, names in found.upstream.items()},
        "numbers": found.numbers,
        "values": sorted(found.values),
        "order": found.order,
        "parents": [list(parents) for parents in found.run.parents],
        "met_a_tie": found.run.met_a_tie,
        "largest": list(getattr(found.run, "largest", [])),
    }


def _arrays(claims: Mapping[str, Any]) -> dict[str, Any]:
    from gradcompare.judging.comparison import plain_claims

    return plain_claims(claims)


def limit_memory() -> None:
    """Let the code under test have so much memory and no more, where the system can see to that."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            taken = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    except (ImportError, OSError, ValueError):
        return  # no such limit here; the time limit remains


def die_with_the_parent() -> None:
    """Where the system can see to that, end when the process that judges does: code under test may never look up.
    What the code leaves running stays a descendant of this process, by which it is found and ended."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
    except (OSError, AttributeError, TypeError):
        return


def no_copy_answers(requests: int, answers: int, nothing: int) -> None:
    """A copy of this process that the code under test makes (os.fork) hears and says nothing, and so ends."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: [os.dup2(nothing, pipe) for pipe in (requests, answers)])


@contextlib.contextmanager
def no_garbage() -> Iterator[None]:
    """What is made in here stays: to look for garbage among it takes a third of the time that torch takes to load."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def main() -> None:
    """Answer requests of whoever started this process until there are no more."""
    answer_requests(0, 1)


def answer_requests(requests: int, answers: int, server: Server | None = None) -> None:
    """Answer what comes through one pipe through another until there is no more; the code under test finds nothing to
    read and nobody who listens."""
    die_with_the_parent()
    requests, answers = os.dup(requests), os.dup(answers)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    no_copy_answers(requests, answers, nothing)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 (for the life of the process)
    with no_garbage():
        server = server or Server()
        from gradcompare.tracing.numpy_on_torch import protocols

    with protocols(), open(requests, "rb") as source, open(answers, "wb") as target:
        write_nothing()
        wire.send(target.write, {"result": os.getpid()})
        target.flush()
        while True:
            try:
                request = wire.receive(source.read)
            except EOFError:
                os._exit(0)  # nothing of the code under test runs at exit
            wire.send(target.write, server.answer(request))
            target.flush()
