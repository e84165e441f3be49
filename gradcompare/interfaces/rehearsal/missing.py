"""What a program meets where a module, a file or somebody to ask is not there."""

from __future__ import annotations

import contextlib
import io
import os
import re
import struct
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import Any, NoReturn

import numpy as np

from gradcompare.interfaces.rehearsal import libraries, parts
from gradcompare.interfaces.rehearsal.supplies import Supplies, role
from gradcompare.interfaces.rehearsal.tables import Record, Table
from gradcompare.loading.absent import Absent, AbsentError, Inert
from gradcompare.loading.importing import NEVER
from gradcompare.loading.texts import TEXT

HARMLESS = NEVER - {"keras", "tensorflow"} | {
    "wandb",
    "gymnasium",
    "tensorboard",
    "tensorboardX",
    "nltk",
    "urllib",
    "requests",
    "mlxtend",
}
"""Libraries that compute nothing of a network: what they return is data, or nothing."""
ANSWERS = 50
"""So often input() is answered; a menu that asks for ever ends then."""
_ADDRESS = re.compile(r"https?://")
_TABLE = re.compile(r"\.(csv|tsv|data|dat|test|train)$")
_DIGITS = re.compile(r"idx\d|ubyte")


class Missing(Absent):
    """What is absent, where something like it can be handed out in its place."""

    def __init__(self, absent: Absent, made: Supplies, tell: Callable[[str], None]) -> None:
        super().__init__(absent._name, absent._why, absent._real)
        self._absent, self._made, self._tell = absent, made, tell

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._absent, attribute)
        return around(found, self._made, self._tell) if isinstance(found, Absent) else found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        row = libraries.row(self._name)
        if self._real is not None and not _downloads(self._name):
            try:
                return self._real()(*args, **kwargs)
            except Exception:
                if row is None:
                    raise
        top, last = self._name.partition(".")[0], self._name.rpartition(".")[2]
        if row is not None:
            self._tell(self._name)
            return row(self._made, self._name, *args, **kwargs)
        if _ADDRESS.match(str((*args, "")[0])) and last in ("get", "urlopen"):
            self._tell(self._name)
            return Answer(str(args[0]), self._made)
        part = parts.part(last)
        if part is not None:
            return part(*args, **kwargs)
        computes = parts.COMPUTES.search(last) or any(_is_computed(value) for value in (*args, *kwargs.values()))
        if top not in HARMLESS and computes:
            raise AbsentError(f"{self._name} is needed here, and {self._why}")
        self._tell(self._name)
        digits = _digits_in(args, self._made)
        return digits if digits is not None else libraries.record(self._made, self._name, *args, **kwargs)

    def __getitem__(self, key: Any) -> Any:
        return Record(self._name.rpartition(".")[2], self._made)[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(Record(self._name.rpartition(".")[2], self._made))


def around(absent: Absent, made: Supplies, tell: Callable[[str], None]) -> Absent:
    """What is absent, with what may stand in for it; what draws needs nothing in its place."""
    return absent if isinstance(absent, Inert | Missing) else Missing(absent, made, tell)


def _digits_in(args: Any, made: Supplies) -> Any:
    """What a function makes of a file of digits whose name it is given."""
    name = next((str(value) for value in args if _DIGITS.search(str(value))), None)
    if name is None:
        return None
    content, labels = _digits(name, made), "label" in name or "idx1" in name
    flat = np.frombuffer(content, np.uint8, offset=8 if labels else 16)
    return flat.copy() if labels else flat.reshape(-1, *libraries.SETS[libraries.DIGITS].shape).copy()


def _downloads(name: str) -> bool:
    last = name.rpartition(".")[2]
    return last.startswith("fetch_") or last == "load_data" or "download" in last or last == "urlretrieve"


def _is_computed(value: Any) -> bool:
    """Whether it may be of a network: an array that nothing here has made."""
    if isinstance(value, dict | list | tuple):
        return any(map(_is_computed, value.values() if isinstance(value, dict) else value))
    return hasattr(value, "shape") and not isinstance(value, Table | Record)


def called(dotted: str, function: Any, made: Supplies, tell: Callable[[str], None], *args: Any, **kwargs: Any) -> Any:
    """What a function that reads or downloads returns, or else what stands in for that."""
    last = dotted.rpartition(".")[2]
    row = libraries.row(dotted)
    if row is libraries.batches:
        return row(made, dotted, *args, **kwargs)
    if isinstance(function, Missing):
        return function(*args, **kwargs)
    if last == "open":
        try:
            return function(*args, **kwargs)
        except OSError:
            tell(str(args[0]))
            return opened(args[0], str((*args[1:2], kwargs.get("mode", "rb"))[0]), made)
    if last == "decompress" and isinstance(args[0], Unpacked):
        return args[0]
    file = next((value for value in args if isinstance(value, File)), None)
    if last == "fromfile" and file is not None and _DIGITS.search(file.name):
        return np.frombuffer(file.read(), *args[1:], **kwargs)
    if file is None and not _downloads(dotted):
        with contextlib.suppress(Exception):
            return function(*args, **kwargs)
    tell(dotted)
    return (row or libraries.record)(made, dotted, *args, **kwargs)


# ---- files -----------------------------------------------------------------------------------------------------------


class File(io.BytesIO):
    """A file that is not there, opened: what its name lets expect is in it."""

    name = ""

    def __str__(self) -> str:
        return self.name


class Unpacked(bytes):
    """What is in a file that would have to be unpacked first."""


class Answer:
    """What an address answers: what its name lets expect."""

    ok, status_code = True, 200

    def __init__(self, address: str, made: Supplies) -> None:
        self.content = Unpacked(opened(address, "rb", made).read())
        self.text = self.content.decode(errors="replace")

    def read(self, *_: Any) -> bytes:
        """All of it."""
        return self.content

    def raise_for_status(self) -> None:
        """It is there."""


class Sink(io.StringIO):
    """A file to write to, of which nothing is left."""

    def write(self, text: Any) -> int:
        """Nowhere."""
        return len(text)


class TextFile(io.StringIO):
    """The same, of text."""

    name = ""


def opened(name: Any, mode: str, made: Supplies) -> Any:
    """A file of this name to read from."""
    path = PurePath(str(name))
    if _DIGITS.search(path.name):
        file: Any = File(_digits(path.name, made))
    elif "b" in mode and not _TABLE.search(path.name):
        file = File(TEXT.encode())
    else:
        text = _lines(made.table, ",") if _TABLE.search(path.name) else _numbers(path.stem, made) or TEXT
        file = File(text.encode()) if "b" in mode else TextFile(text)
    file.name = str(name)
    return file


def _lines(rows: Any, between: str) -> str:
    return "".join(between.join(f"{x:.6g}" for x in row) + "\n" for row in rows)


def _numbers(stem: str, made: Supplies) -> str:
    """What is in a text of numbers: samples or labels, where it is called so, else both; nothing where it has none."""
    rows = {"inputs": made.table[:, :-1], "targets": made.classes[:, None]}.get(role(stem) or "", made.table)
    return _lines(rows, made.sizes.between) if made.sizes.between else ""


def _digits(name: str, made: Supplies) -> bytes:
    """A file of digits, as the MNIST data are kept."""
    known, samples = libraries.SETS[libraries.DIGITS], made.sizes.samples
    if "label" in name or "idx1" in name:
        return struct.pack(">II", 2049, samples) + (np.arange(samples) % 10).astype(np.uint8).tobytes()
    pixels = np.random.default_rng(1).integers(0, 256, (samples, known.width)).astype(np.uint8)
    return struct.pack(">IIII", 2051, samples, *known.shape) + pixels.tobytes()


# ---- questions -------------------------------------------------------------------------------------------------------


class Answers:
    """input(), answered: yes, the first of a list, or a small number."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, question: Any = "", *_: Any) -> str:
        self.asked += 1
        if self.asked > ANSWERS:
            raise EOFError("it asks for input() again and again")
        text = str(question).lower()
        if re.search(r"y/n|yes|\bs/n\b|\(y\)|\[y", text):
            return "y"
        return "1" if re.search(r"choice|choose|option|menu|select|opc|escolha|auswahl", text) else "3"


# ---- modules ---------------------------------------------------------------------------------------------------------


class EndedError(Exception):
    """The program would have ended here."""


def ended(*_: Any) -> NoReturn:
    """sys.exit(), which leaves out one statement alone: most often it stands under a question after arguments."""
    raise EndedError("it ends the program")


class Arguments(list[str]):
    """sys.argv: the name of the program alone, and a number for who takes more."""

    def __getitem__(self, index: Any) -> Any:
        return "3" if isinstance(index, int) and index >= len(self) else super().__getitem__(index)


def system() -> types.ModuleType:
    """sys, with no arguments but the name of the program."""
    module = types.ModuleType("sys")
    vars(module).update({name: value for name, value in vars(sys).items() if not name.startswith("__")})
    vars(module).update(argv=Arguments(["program.py"]), exit=ended)
    return module


def operating_system() -> types.ModuleType:
    """os, of which nothing is left that has an effect; folders are empty."""
    module = types.ModuleType("os")
    vars(module).update(path=os.path, sep=os.sep, linesep=os.linesep, name=os.name, getcwd=os.getcwd, environ={})
    vars(module).update(listdir=lambda *_: [], walk=lambda *_, **__: iter(()), getenv=lambda *_: None)
    vars(module).update(dict.fromkeys(("mkdir", "makedirs", "system", "chdir", "remove"), lambda *_, **__: None))
    return module


def paths_opened_by(opened: Callable[..., Any]) -> type:
    """pathlib.Path, whose files are opened as others are, and which changes nothing."""

    class Opened(type(Path())):  # type: ignore[misc]
        def open(self, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            return opened(str(self), mode, *args, **kwargs)

        def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:
            return str(self.open("r").read())

        def read_bytes(self) -> bytes:
            return bytes(self.open("rb").read())

        def write_text(self, *_: Any, **__: Any) -> int:
            return 0

        write_bytes = mkdir = touch = unlink = rmdir = rename = replace = chmod = symlink_to = hardlink_to = write_text

    return Opened
