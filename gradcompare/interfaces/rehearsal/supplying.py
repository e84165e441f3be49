"""The part of a stage that hands out what a program needs and has not: data, answers, files, what libraries return."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from gradcompare.interfaces import words
from gradcompare.interfaces.rehearsal import missing, parts, supplies
from gradcompare.interfaces.rehearsal.supplies import Supplies
from gradcompare.interfaces.rehearsal.tables import Record, Table
from gradcompare.loading.absent import Absent, AbsentError, Inert

Structure = str | tuple[Any, ...]
"""The name of what is bound, or those of its parts."""


_CHOICE = re.compile(r"flag|mode|choice|option|init|kind|type")
"""What a number is called by which a program chooses what it does."""


class Supplying:
    """What it hands out is the same in every run."""

    def __init__(self, supplied: Supplies | None = None) -> None:
        self.supplied = supplied if supplied is not None else Supplies()
        self.asked: dict[str, Any] = {}
        """What it has supplied, by name."""
        self.told: set[str] = set()
        """For what else something stands in."""
        self.answers = missing.Answers()
        self._has_filled = False
        """Whether samples stand in for an array that stayed empty."""

    def supply(self, name: str) -> Any:
        """Samples or labels, or a part of a network, for a name that is called so; KeyError for others."""
        part = parts.part(name)
        if part is not None:
            return part
        array = self.supplied[supplies.role(name) or ""]
        return self.asked.setdefault(name, array.copy())

    def known(self) -> Mapping[str, Any]:
        """What another run has asked for."""
        return {name: array for name, array in self.supplied.items() if name not in supplies.ROLES}

    def around(self, value: Absent) -> Any:
        """What is absent, with what may stand in for it."""
        return missing.around(value, self.supplied, self.told.add)

    def called(self, dotted: str, function: Any, *args: Any, **kwargs: Any) -> Any:
        """What a function returns that reads or downloads."""
        return missing.called(dotted, function, self.supplied, self.told.add, *args, **kwargs)

    def open(self, file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        """open(); what is written is nowhere."""
        if set(mode) & set("wax+"):
            return missing.Sink()
        try:
            if isinstance(file, int):  # of this process, and closing one would end its talk with the others
                raise FileNotFoundError(file)
            return open(file, mode, *args, **kwargs)
        except OSError:
            self.told.add(str(file) if not str(file).isdigit() else "a file that the command line names")
            return missing.opened(file, mode, self.supplied)

    def really(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """The same, of what the program itself has another way for where it fails; FileNotFoundError where it does."""
        if isinstance(function, missing.Missing):
            raise FileNotFoundError(f"{args} is not there")
        return function(*args, **kwargs)

    def count(self, number: int) -> int:
        """A large number that is written down: where it counts samples, how many there are here."""
        return self.supplied.sizes.count(number)

    def named(self, structure: Structure, value: Any) -> Any:
        """What gets a name: data that are made up are such as the name says."""
        if isinstance(structure, str):
            return self._named(structure, value)
        if isinstance(value, Inert):
            return tuple(value[i] for i in range(len(structure)))
        if isinstance(value, tuple) and len(value) == len(structure):  # pixels, labels = np.load(...), np.load(...)
            return tuple(map(self.named, structure, value))
        if isinstance(value, Record):
            return tuple(
                self.named(part, value) if isinstance(part, tuple) else self._named(part, value.part(part))
                for part in structure
            )
        return value

    def converted(self, structure: Structure, value: Any) -> Any:
        """The same of an array that is made of a list, which stays empty where there is nothing to fill it from:
        samples, and whatever follows them is their labels."""
        if not isinstance(structure, str) or not isinstance(value, np.ndarray) or value.size:
            return self.named(structure, value)
        role = supplies.role(structure) or ("targets" if self._has_filled else "")
        if role not in self.supplied:
            return value
        self._has_filled = True
        self.told.add(structure)
        return self.supplied[role].copy()

    def typed(self, structure: Structure, value: Any) -> Any:
        """The same of what stood on a command line: the first of several ways, where it is called like a choice."""
        chooses = isinstance(structure, str) and isinstance(value, int | float) and _CHOICE.search(structure.lower())
        return type(value)(1) if chooses else self.named(structure, value)

    def _named(self, name: str, value: Any) -> Any:
        role = None if supplies.is_whole(name) else supplies.role(name)
        if isinstance(value, Record):
            if words.WEIGHT.match(name) or words.BIAS.match(name) or words.role_of_argument(name) == "parameters":
                raise AbsentError(f"{name} would be made up, and is no data")
            self.told.add(name)
            return value.pairs() if self.supplied.in_pairs and supplies.is_whole(name) else value.called(name)
        if (role != "targets" and not self.supplied.apart) or role is None or not isinstance(value, np.ndarray):
            return value
        for table, part in ((self.supplied.table, self.supplied[role]), (self.supplied.table.T, self.supplied[role].T)):
            if np.array_equal(value, table):
                return Table(part, value.by_column) if isinstance(value, Table) else part.copy()
        return value

    def returned(self, structure: Structure, value: Any) -> Any:
        """The same of what a function of the file returned, in which it may have had the name of samples in general."""
        if isinstance(structure, str) and isinstance(value, np.ndarray):
            role = supplies.role(structure)
            others = (self.supplied[other] for other in supplies.ROLES if role is not None and other != role)
            if role is not None and any(np.array_equal(value, other) for other in others):
                return Table(self.supplied[role]) if isinstance(value, Table) else self.supplied[role].copy()
        return self.named(structure, value)

    def iterated(self, structure: Structure, value: Any) -> Iterable[Any]:
        """What a loop goes over: samples with their labels, where it takes two of a table of both."""
        if isinstance(structure, tuple) and len(structure) == 2 and isinstance(value, Record | Table):
            width = value.shape[1] if len(value.shape) == 2 else 0
            if width != len(structure):
                return Record("data", self.supplied).pairs()[: len(value)]
        return value
