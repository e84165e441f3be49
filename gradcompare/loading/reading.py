"""A path as text. Nothing is written, and nothing but a plain file of reasonable size is opened."""

from __future__ import annotations

import io
import os
import tokenize
from pathlib import Path

from gradcompare.loading.errors import CannotLoadError

SUFFIXES = (".py", ".ipynb")
LARGEST = {".py": 4_000_000, ".ipynb": 64_000_000}
"""Bytes; notebooks carry their pictures with them."""
NOT_ENTERED = {"__pycache__", "site-packages", "node_modules", "venv", "env"}
"""Folders that hold other people's code; hidden ones (.git, .ipynb_checkpoints, .venv) are left out too."""

SIGNATURES = [
    (b"\xff\xfe", "is UTF-16 text, which Python does not read; save it as UTF-8"),
    (b"\xfe\xff", "is UTF-16 text, which Python does not read; save it as UTF-8"),
    (b"PK\x03\x04", "is a zip archive; unpack it first"),
    (b"%PDF", "is a PDF document, not Python"),
]


def files_in(folder: str | Path) -> list[Path]:
    """The .py and .ipynb files in a folder and the folders in it, sorted; a file is itself. An __init__.py without
    anything in it only says that a folder is a package.

    Raises:
        CannotLoadError: where there is no such folder, or no such file in it.
    """
    top = Path(folder)
    if not top.is_dir():
        _check_is_file(top)
        return [top]
    found: list[Path] = []
    for here, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name not in NOT_ENTERED and not name.startswith(".")]
        found += [Path(here, name) for name in files if name.endswith(SUFFIXES) and not name.startswith(".")]
    found = [path for path in found if path.name != "__init__.py" or _has_content(path)]
    if not found:
        raise CannotLoadError(f"{top} is a folder without Python files (.py, .ipynb).")
    return sorted(found)


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:  # which is said where it is read
        return True


def read(path: Path) -> str:
    """The text of a .py or .ipynb file, newlines as \\n.

    Raises:
        CannotLoadError: where it is no file, too large, binary, or not in the encoding that it says.
    """
    _check_is_file(path)
    if path.suffix not in SUFFIXES:
        raise CannotLoadError(f"{path} is not a Python file (.py) or a notebook (.ipynb).")
    largest = LARGEST[path.suffix]
    try:
        with path.open("rb") as file:
            data = file.read(largest + 1)
    except OSError as error:
        raise CannotLoadError(f"{path} cannot be read: {error.strerror or error}.") from None
    if len(data) > largest:
        raise CannotLoadError(f"{path} is larger than {largest // 1_000_000} MB: too large to be a program.")
    return _decoded(data, path).replace("\r\n", "\n").replace("\r", "\n")


def _check_is_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise CannotLoadError(f"{path} is a folder.")
        if path.is_file():
            return
        exists = path.exists() or path.is_symlink()
    except (OSError, ValueError) as error:
        raise CannotLoadError(f"{str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    raise CannotLoadError(f"{path} is not a file." if exists else f"{path} is not a file: there is nothing there.")


def _decoded(data: bytes, path: Path) -> str:
    for beginning, says in SIGNATURES:
        if data.startswith(beginning):
            raise CannotLoadError(f"{path} {says}.")
    if b"\0" in data:
        raise CannotLoadError(f"{path} is a binary file, not Python.")
    try:
        encoding = "utf-8-sig"
        if path.suffix == ".py":
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except (SyntaxError, LookupError, UnicodeError) as error:
        raise CannotLoadError(f"{path} {_why_undecodable(data, error)}.") from None


def _why_undecodable(data: bytes, error: Exception) -> str:
    strange = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in data[:4096])
    if strange > len(data[:4096]) // 50:
        return "is a binary file, not Python"
    if isinstance(error, UnicodeDecodeError):
        encoding, start = error.encoding, error.start
    elif "invalid or missing" in str(error):  # what is no UTF-8 stands in the first two lines
        encoding, start = "utf-8", _first_bad(data)
    else:
        return f"names an encoding in its first lines that Python does not know: {error}"
    line = data.count(b"\n", 0, start) + 1
    return (
        f"is not {encoding} text, line {line}: save it as UTF-8, or name its encoding in the first line "
        "(# -*- coding: latin-1 -*-)"
    )


def _first_bad(data: bytes) -> int:
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return error.start
    return 0
