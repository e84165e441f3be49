"""What code under test saves is nowhere: in the child process open() writes to no file, and folders stay as they are.

A method that is called part by part may save its weights, clear a folder or rename one. That is no sandbox: code that
means to write finds a way, as README says.
"""

from __future__ import annotations

import builtins
import functools
import io
import os
import shutil
import sys
from collections.abc import Callable
from typing import Any

CHANGING = {
    os: """chmod chown link lchown makedirs mkdir mkfifo mknod remove removedirs rename renames replace rmdir symlink
        truncate unlink utime""",
    shutil: "chown copy copy2 copyfile copymode copystat copytree make_archive move rmtree unpack_archive",
}
"""By module the functions that change folders or files; they do nothing."""
_WRITING = frozenset("wax+")


def write_nothing() -> None:
    """From now on, for the whole process."""
    builtins.open = io.open = _only_reading(open)
    for module, functions in CHANGING.items():
        for name in functions.split():
            if hasattr(module, name):
                setattr(module, name, _nothing_done(getattr(module, name)))
    sys.dont_write_bytecode = True


def _only_reading(opened: Callable[..., Any]) -> Callable[..., Any]:
    """open() by which nothing is written: np.save("weights.npy") and np.savez leave no file."""

    @functools.wraps(opened)
    def open_to_read(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if isinstance(file, int) or not isinstance(mode, str) or not _WRITING & set(mode):
            return opened(file, mode, *args, **kwargs)
        return opened(_nowhere(), mode.replace("x", "w"), *args, **kwargs)

    return open_to_read


def _nowhere() -> int | str:
    """A file without a name, which is gone when it is closed: np.savez looks up where it is in what it has written."""
    return os.memfd_create("saved") if hasattr(os, "memfd_create") else os.devnull


def _nothing_done(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def do_nothing(*args: Any, **kwargs: Any) -> None:
        return None

    return do_nothing
