"""How long a check of a file takes, from the command to its exit status, beside `import torch` alone.

python -m benchmarks.files [--rounds N] [--examples N] [--smallest]

Every check is a process of its own, as a user starts it, and what it says is held against what is known of the file.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import machine, results
from benchmarks.processes import rounds
from benchmarks.spread import Spread, paired_ratio

__all__ = ["main"]

EXAMPLES = Path(__file__).parent.parent / "examples"
FILES = {  # right and wrong ones of several interfaces, and the exit status of their check
    "positional_right.py": 0,
    "positional_derivative_at_activation.py": 1,
    "dict_cache_right.py": 0,
    "dict_cache_lost_derivative.py": 1,
    "l_layer_right.py": 0,
    "class_stored_right.py": 0,
    "layers_network_right.py": 0,
    "training_loop_right.py": 0,
}
TORCH = "import torch"


class Seconds(NamedTuple):
    """What a command took."""

    wall: float
    cpu: float
    """Processor time, of all processes that it started and waited for too."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, shows, and writes files.json."""
    count = {"type": int, "default": 200, "help": "networks of each check (default: %(default)s)"}
    options = results.options(__doc__, arguments, examples=count)
    files, examples = (list(FILES)[:1], 2) if options.smallest else (list(FILES), options.examples)
    check = [sys.executable, "-m", "gradcompare", "check", "--examples", str(examples), "--quiet"]
    turns = {name: _turn([*check, str(EXAMPLES / name)], FILES[name]) for name in files}
    turns[TORCH] = _turn([sys.executable, "-c", TORCH], 0)
    for turn in turns.values():
        turn()  # what it says is known before it is timed, and its modules are compiled
    found = {"machine": machine.describe(options), "examples": examples}
    found["commands"] = _spreads(rounds(turns, options.rounds, options.clock))
    results.write(options.out, "files", found)
    _show(found["commands"])


def _turn(command: Sequence[str], status: int) -> Callable[[], Seconds]:
    """A command to be timed, which ends with this status."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}  # as where it is installed

    def run() -> Seconds:
        before, start = _processor_seconds(), time.perf_counter()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        seconds = Seconds(time.perf_counter() - start, _processor_seconds() - before)
        if done.returncode != status:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}, not {status}:\n{done.stdout}")
        return seconds

    return run


def _processor_seconds() -> float:
    """Of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _spreads(seconds: Mapping[str, Sequence[Seconds]]) -> dict[str, Any]:
    """Of each command the time by both clocks, and that time over that of `import torch`, round by round."""
    return {
        name: {
            clock: {
                "seconds": Spread.of(took).to_dict(),
                "over_torch": paired_ratio(took, [getattr(s, clock) for s in seconds[TORCH]]).to_dict(),
            }
            for clock in Seconds._fields
            for took in [[getattr(s, clock) for s in several]]
        }
        for name, several in seconds.items()
    }


def _show(commands: Mapping[str, Mapping[str, Any]]) -> None:
    rows = [
        [name, *(f"{spread['median']:.2f}" for clock in found.values() for spread in clock.values())]
        for name, found in commands.items()
    ]
    results.show("Seconds", ["command", "wall", "times import torch", "processor time", "times import torch"], rows)


if __name__ == "__main__":
    main()
