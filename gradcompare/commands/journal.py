"""What an interrupted run has found out already: a line for each file, written as soon as it is known."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from gradcompare.commands.batch import Job, Outcome
from gradcompare.commands.outputs import CannotWriteError
from gradcompare.report import versions

_IMPORTED = re.compile(rb"\b(?:from|import)\s+\.*([A-Za-z_][\w.]*)")


class Journal:
    """Outcomes by key, in a file that is there while a run is unfinished.

    Raises:
        CannotWriteError: where that file cannot be written.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        try:
            self._known = dict(_entries(Path(file)))
            self._lines = open(file, "ab")  # noqa: SIM115 (closed at exit)
        except OSError as error:
            raise CannotWriteError(f"{file} cannot be written: {error.strerror or error}.") from None
        self._write(b"\n" if self._known else b"")  # the line before may have been cut off

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self._lines.close()
        if not self._known:
            self.remove()

    def known(self, key: str) -> Outcome | None:
        """What was found under a key before."""
        return self._known.get(key)

    def add(self, key: str, outcome: Outcome) -> None:
        """Keep an outcome, whatever happens to the machine next."""
        self._known[key] = outcome
        self._write(json.dumps({"key": key, "outcome": asdict(outcome)}).encode() + b"\n")

    def remove(self) -> None:
        """The run is finished, or has found out nothing."""
        with contextlib.suppress(OSError):
            os.unlink(self.file)

    def _write(self, line: bytes) -> None:
        with contextlib.suppress(OSError):  # a full disk: the run itself goes on
            self._lines.write(line)
            self._lines.flush()
            os.fsync(self._lines.fileno())


def _entries(path: Path) -> Iterator[tuple[str, Outcome]]:
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):  # cut off by a power cut
            entry = json.loads(line)
            yield str(entry["key"]), Outcome(**entry["outcome"])


def key(job: Job) -> str:
    """Of a file's content, that of the helper files beside it, the options, and the versions of what checks it."""
    path = Path(job.target.file)
    parts: Mapping[str, Any] = {
        "target": [job.target.file, job.target.name, job.target.problem],
        "content": _contents(path, set()),
        "options": dict(job.options),
        "versions": versions(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _contents(path: Path, seen: set[Path]) -> list[str]:
    """The digests of a file and of those beside it that it imports, and they in turn."""
    if path in seen:
        return []
    seen.add(path)
    try:
        content = path.read_bytes() if path.is_file() else b""
    except OSError:
        content = b""
    found = [hashlib.sha256(content).hexdigest()]
    for name in sorted(set(_IMPORTED.findall(content))):
        for helper in _helpers(path.parent, name.decode()):
            found += [str(helper), *_contents(helper, seen)]
    return found


def _helpers(folder: Path, name: str) -> list[Path]:
    """The files that `import name` may mean."""
    top, whole = name.partition(".")[0], name.replace(".", "/")
    files = (f"{top}.py", f"{top}/__init__.py", f"{whole}.py", f"{whole}/__init__.py")
    return [folder / file for file in dict.fromkeys(files) if (folder / file).is_file()]
