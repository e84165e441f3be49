"""Messages between the process that judges and the one that runs the code under test: JSON and plain array bytes.

Nothing is unpickled: a message can hold None, booleans, numbers, strings, lists, dicts with string keys, and arrays
of numbers, and nothing else can come out of one, whatever was written into the pipe.
"""

from __future__ import annotations

import functools
import json
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

_LENGTH = struct.Struct("<QQ")  # of the JSON text, and of the array bytes behind it
LARGEST = 2**31
"""Bytes that a message may have."""
_PLAIN, _ARRAYS, _LISTS = (bool, int, str), (np.ndarray, np.generic), (list, tuple, set, frozenset)

Write = Callable[[bytes], Any]
Read = Callable[[int], bytes]
"""n -> exactly n bytes, or fewer at the end."""


class WireError(Exception):
    """What came is no message."""


def send(write: Write, message: Any) -> None:
    """Write one message. TypeError for what a message cannot hold."""
    arrays: list[bytes] = []
    text = json.dumps(_packed(message, arrays)).encode()
    write(b"".join([_LENGTH.pack(len(text), sum(map(len, arrays))), text, *arrays]))


def receive(read: Read) -> Any:
    """Read one message.

    Raises EOFError at the end of the stream, WireError for anything that is not a message.
    """
    head = read(_LENGTH.size)
    if not head:
        raise EOFError
    if len(head) < _LENGTH.size:
        raise WireError("cut off")
    text_length, array_length = _LENGTH.unpack(head)
    if text_length + array_length > LARGEST:
        raise WireError("too long")
    text, data = read(text_length), read(array_length)
    if len(text) < text_length or len(data) < array_length:
        raise WireError("cut off")
    try:
        return json.loads(text, object_hook=functools.partial(_unpacked, data))
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise WireError(str(error)) from None


def _packed(tree: Any, arrays: list[bytes]) -> Any:
    if tree is None or isinstance(tree, _PLAIN):
        return tree
    if isinstance(tree, float):
        return tree if math.isfinite(tree) else {"!float": repr(tree)}
    if isinstance(tree, _ARRAYS):
        return _packed_array(np.asarray(tree), arrays)
    if isinstance(tree, dict):
        return {"!dict": [[str(key), _packed(value, arrays)] for key, value in tree.items()]}
    if isinstance(tree, _LISTS):
        return [value if type(value) is int else _packed(value, arrays) for value in tree]
    raise TypeError(f"a message cannot hold a {type(tree).__name__}")


def _packed_array(array: np.ndarray, arrays: list[bytes]) -> dict[str, Any]:
    if array.dtype == np.longdouble:
        array = array.astype(np.float64)
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        return {"!object": list(array.shape)}  # numbers of no use to anyone: a claim of dtype object
    start = sum(map(len, arrays))
    arrays.append(np.ascontiguousarray(array).tobytes())
    return {"!array": [array.dtype.str, list(array.shape), start]}


def _unpacked(data: bytes, tree: dict[str, Any]) -> Any:
    """What an object of the JSON text stands for; those inside of it have become what they stand for before."""
    if "!dict" in tree:
        return dict(tree["!dict"])
    if "!float" in tree:
        return float(tree["!float"])
    if "!object" in tree:
        return np.full(tree["!object"], None, dtype=object)
    kind, shape, start = tree["!array"]
    dtype = np.dtype(kind)
    if dtype.kind not in "fiub":
        raise ValueError(f"no numbers: {kind}")
    count = math.prod(shape)
    return np.frombuffer(data, dtype, count, start).reshape(shape).copy() if count else np.empty(shape, dtype)
