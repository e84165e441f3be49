"""One process that loads NumPy and torch once, and from then on forks a child for each file: a copy that has them.

To load torch takes longer than to check many a file. The server never runs code under test, it is copied before; what
a copy does to itself no other sees. (`multiprocessing` has a fork server too, whose children import the main module of
whoever asks: here that is a user's script.)

The two sides speak over a socket, in JSON: a request for a child carries the ends of its two pipes, one for a status
the number of a process.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

IS_POSSIBLE = sys.platform == "linux"
"""Elsewhere libraries that torch stands on do not outlive a fork (macOS), or there is none (Windows)."""
SECONDS_TO_END = 5
"""What answers no more may take so long to end by itself."""
_LONGEST = 1 << 20
"""Bytes that a request may have, most of them environment variables."""
_ALONE = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def environment_of_one_thread() -> dict[str, str]:
    """In what a process starts that runs code under test: BLAS keeps to one thread, of which there can be copies."""
    return {**os.environ, **_ALONE}


def starting(main: str) -> list[str]:
    """The command that runs a function `module:name` of this package and nothing of where the user stands."""
    root, (module, _, name) = str(Path(__file__).parent.parent.parent), main.partition(":")
    return [sys.executable, "-P", "-c", f"import sys; sys.path.append({root!r}); from {module} import {name}; {name}()"]


# ---- the side that asks ----------------------------------------------------------------------------------------------


class ForkServer:
    """The server, started where it is made."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._lock = threading.Lock()
        self._channel, its_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # a request is a packet
        with its_end:
            self._process = subprocess.Popen(
                starting("gradcompare.checking.forkserver:serve"),
                stdin=its_end.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # whoever interrupts this process does not mean the server
                env=environment_of_one_thread(),
            )

    def fork(self, requests: int, answers: int) -> None:
        """Start a child that reads `requests` and writes `answers`.

        Raises OSError where the server is gone, or the environment is too large for a packet.
        """
        what = {"cwd": _here(), "environ": environment_of_one_thread()}
        with self._lock:
            socket.send_fds(self._channel, [json.dumps(what).encode()], [requests, answers])

    def status(self, process: int) -> int:
        """Wait until a child has ended: its exit status, or the number of the signal that ended it, negative."""
        with self._lock, contextlib.suppress(OSError):
            self._channel.sendall(json.dumps({"ended": process}).encode())
            while answer := self._channel.recv(64):
                of, status = map(int, answer.split())
                if of == process:  # else somebody was interrupted before this came
                    return status
        return -signal.SIGKILL  # the server is gone, and so is the child

    def runs(self) -> bool:
        """Whether it can be asked: it was not ended, and this process is no copy of the one that started it."""
        return self.owner == os.getpid() and self._process.poll() is None

    def close(self) -> None:
        """End it."""
        self._channel.close()
        if self.owner == os.getpid():
            self._process.kill()
            self._process.wait()


def fork_server() -> ForkServer:
    """That of this process, started when it is first asked for."""
    global _server
    with _starting:
        if _server is None or not _server.runs():
            _server = ForkServer()
            atexit.register(_server.close)
        return _server


_server: ForkServer | None = None
_starting = threading.Lock()


def _here() -> str | None:
    """The working directory; None where it was removed."""
    try:
        return str(Path.cwd())
    except OSError:
        return None


# ---- the side that forks ---------------------------------------------------------------------------------------------


def serve() -> NoReturn:
    """Answer requests on standard input, which is a socket, until whoever asks is gone."""
    from gradcompare.checking import child

    channel, ended = socket.socket(fileno=os.dup(0)), dict[int, int]()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    with child.no_garbage():
        server = child.Server()
    while True:
        message, pipes, *_ = socket.recv_fds(channel, _LONGEST, 2)
        if not message:
            os._exit(0)
        request: dict[str, Any] = json.loads(message)
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                ended[found[0]] = os.waitstatus_to_exitcode(found[1])
        if "ended" in request:
            process = request["ended"]
            channel.sendall(f"{process} {_status(process, ended)}".encode())
        elif os.fork() == 0:
            channel.close()
            _become_a_child(server, request, pipes)
        for pipe in pipes:
            os.close(pipe)


def _status(process: int, ended: dict[int, int]) -> int:
    """How a child that answers no more has ended; it is ended where it goes on without answering."""
    until = time.monotonic() + SECONDS_TO_END
    with contextlib.suppress(ChildProcessError):
        while process not in ended:
            found, status = os.waitpid(process, os.WNOHANG)
            if found:
                ended[found] = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > until:
                os.kill(process, signal.SIGKILL)
            time.sleep(0 if found else 0.001)
    return ended.pop(process, -signal.SIGKILL)


def _become_a_child(server: Any, request: dict[str, Any], pipes: list[int]) -> NoReturn:
    """What a process started for one file would be."""
    from gradcompare.checking import child

    try:
        os.setsid()
        os.environ.clear()
        os.environ.update(request["environ"])
        if request["cwd"] is not None:
            os.chdir(request["cwd"])
        requests, answers = pipes
        child.answer_requests(requests, answers, server)
    finally:
        os._exit(1)
