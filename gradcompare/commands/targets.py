"""What is to be checked: the files that the arguments of the command line name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradcompare.loading import CannotLoadError, files_in
from gradcompare.loading.reading import read


@dataclass(frozen=True)
class Target:
    """A file, what is to be checked in it, and why it cannot be, if that is known already."""

    file: str
    name: str | None = None
    problem: str | None = None

    def __str__(self) -> str:
        return self.file if self.name is None else f"{self.file}::{self.name}"


def targets(arguments: Sequence[str]) -> tuple[list[Target], list[str]]:
    """The files that FILE[::NAME] and folders stand for, each once, and those that were named again."""
    found: dict[tuple[str, str | None], Target] = {}
    again: list[str] = []
    for argument in arguments:
        for target in _targets(*_parts(argument)):
            key = os.path.realpath(target.file), target.name
            if key in found:
                again.append(str(target))
            found.setdefault(key, target)
    return list(found.values()), again


def _parts(argument: str) -> tuple[str, str | None]:
    file, separator, name = argument.rpartition("::")
    if not separator or os.path.lexists(argument):
        return argument, None
    return file, name


def _targets(file: str, name: str | None) -> list[Target]:
    if name is not None and os.path.isdir(file):
        return [Target(file, name, f"{file} is a folder; FILE::{name} is for a file.")]
    if name == "":
        return [Target(file, name, f"{file}:: names nothing in the file.")]
    try:
        return [Target(str(path), name, _unreadable(path)) for path in files_in(file)]
    except CannotLoadError as problem:
        return [Target(file, name, str(problem))]


def _unreadable(path: Path) -> str | None:
    try:
        read(path)
    except CannotLoadError as problem:
        return str(problem)
    return None
