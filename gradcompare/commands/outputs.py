"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


class CannotWriteError(Exception):
    """A file cannot be written; the message says which and why."""


def check_writable(file: str) -> None:
    """Raise CannotWriteError where `write` would fail later, as far as that can be known."""
    path = Path(os.path.realpath(file))
    try:
        if path.is_dir():
            raise CannotWriteError(f"{file} cannot be written: it is a folder.")
        if not path.parent.is_dir():
            raise CannotWriteError(f"{file} cannot be written: there is no folder {Path(file).parent}.")
        if path.exists() and not os.access(path, os.W_OK):
            raise CannotWriteError(f"{file} cannot be written: it may not be changed.")
        if _is_plain(path):
            tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise CannotWriteError(f"{file} cannot be written: {error.strerror or error}.") from None


def write(file: str, data: bytes) -> None:
    """Write a file. It has its old content or the new, whatever happens meanwhile.

    Raises:
        CannotWriteError: where it cannot be written.
    """
    path = Path(os.path.realpath(file))
    try:
        if _is_plain(path):
            _replace(path, data)
        else:
            path.write_bytes(data)
    except OSError as error:
        raise CannotWriteError(f"{file} cannot be written: {error.strerror or error}.") from None


def _is_plain(path: Path) -> bool:
    """Not a pipe or a device, which cannot be replaced."""
    return path.is_file() or not path.exists()


def _replace(path: Path, data: bytes) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        with open(handle, "wb") as temporary:
            temporary.write(data)
            temporary.flush()
            os.fsync(temporary.fileno())
        os.chmod(beside, mode)
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
