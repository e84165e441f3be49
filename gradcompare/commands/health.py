"""`gradcompare health`: a network from a file, what is wrong with it as text or JSON."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from gradcompare.commands.outputs import write
from gradcompare.symptoms import Health, health

__all__ = ["NetworkFileError", "examine", "save", "to_json"]

DEFAULT = ("tanh", "sigmoid")


class NetworkFileError(Exception):
    """A file holds no network; the message says what it should hold."""


def examine(file: str, activations: str | None = None, loss: str | None = None) -> Health:
    """`health` of the network in an .npz file: W1, b1, W2, ..., X, and where there are labels Y.

    `activations` (names with commas between them) and `loss` are those of the file where they are None, else
    tanh,sigmoid and cross_entropy. NetworkFileError, in words, where that cannot be done.
    """
    arrays = _read(file)
    chosen = activations.split(",") if activations is not None else _names(arrays, "activations") or list(DEFAULT)
    named_loss = loss or "".join(_names(arrays, "loss")) or "cross_entropy"
    parameters = {name: array for name, array in arrays.items() if name[:1] in ("W", "b") and name[1:].isdigit()}
    if "X" not in arrays or not parameters:
        raise NetworkFileError(
            f"{file} holds {', '.join(arrays) or 'nothing'}; it should hold W1, b1, W2, ..., X and, for gradients, Y: "
            "np.savez(file, W1=W1, b1=b1, ..., X=X, Y=Y)."
        )
    ordered = {f"{kind}{n}": None for n in range(1, len(parameters) // 2 + 1) for kind in "Wb"}
    parameters = {name: parameters[name] for name in [*ordered, *parameters] if name in parameters}
    try:
        return health(parameters, arrays["X"], arrays.get("Y"), activations=chosen, loss=named_loss)
    except (ValueError, TypeError) as problem:
        raise NetworkFileError(f"{file}: {problem}.") from None


def save(
    file: Path, parameters: dict[str, np.ndarray], X: np.ndarray, Y: np.ndarray, activations: Any, loss: str
) -> None:
    """The file that `examine` reads; CannotWriteError, in words, where it cannot be written."""
    arrays: dict[str, Any] = {**parameters, "X": X, "Y": Y, "activations": np.array(list(activations))}
    archive = io.BytesIO()
    np.savez_compressed(archive, **arrays, loss=np.array([loss]))
    write(str(file), archive.getvalue())


def to_json(found: Health) -> str:
    """`Health.to_dict()` as text."""
    return json.dumps(found.to_dict(), indent=2, allow_nan=False, ensure_ascii=False)


def _read(file: str) -> dict[str, np.ndarray]:
    try:
        with open(file, "rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise NetworkFileError(f"{file} holds one array; it should be an archive of several, by np.savez.")
            with archive:
                return {name: archive[name] for name in archive.files}
    except OSError as problem:
        raise NetworkFileError(f"{file} cannot be read: {problem.strerror or problem}.") from None
    except NetworkFileError:
        raise
    except MemoryError:
        raise NetworkFileError(f"{file} holds an array that is larger than this machine's memory.") from None
    except Exception:  # whatever NumPy, zipfile and zlib make of bytes that are none of theirs
        raise NetworkFileError(f"{file} is no .npz file of numbers; np.savez writes one.") from None


def _names(arrays: dict[str, np.ndarray], key: str) -> list[str]:
    array = arrays.get(key)
    return [str(name) for name in array.ravel()] if array is not None and array.dtype.kind == "U" else []
