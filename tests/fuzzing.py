"""Hostile input, each known by its number: what `compare` may be given, and files that `check` may be pointed at."""

import json
import random
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*_*.py"))
DTYPES = ("f2", "f4", "f8", "g", "c8", "c16", "i1", "i4", "i8", "u1", "u8", "?", "O", "U3", "S3", "M8[D]", "m8[s]")
SPECIAL = (0.0, -0.0, 1.0, -1.5, 1e300, -1e300, 1e-300, 5e-324, 1e38, 1e-45, np.inf, -np.inf, np.nan)


class Sub(np.ndarray):
    pass


class Hostile:
    """An object that fails at everything."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise ValueError("it will not become an array, whatever is asked of it")

    def __eq__(self, other: object) -> bool:
        raise ValueError("it will not be compared with anything at all")

    __hash__ = None  # type: ignore[assignment]


# ---- arrays ----------------------------------------------------------------------------------------------------------


def values(draw: random.Random, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    generator = np.random.default_rng(draw.randrange(2**32))
    numbers = generator.standard_normal(shape)
    kind = draw.choice(("normal", "normal", "special", "huge", "tiny", "zero"))
    if kind == "special":
        numbers = generator.choice(SPECIAL, shape)
    elif kind != "normal":
        numbers = numbers * {"huge": 1e200, "tiny": 1e-310, "zero": 0.0}[kind]
    if dtype in ("O", "U3", "S3"):
        return np.asarray(numbers, dtype=object).astype(dtype)
    if dtype[0] in "Mm":
        return generator.integers(0, 9, shape).astype(dtype)
    with np.errstate(all="ignore"):
        return np.asarray(numbers).astype(dtype)


def shape_of(draw: random.Random) -> tuple[int, ...]:
    return tuple(draw.choice((0, 1, 2, 3, 3)) for _ in range(draw.choice((0, 1, 2, 2, 2, 3, 5))))


LAYOUTS: dict[str, Callable[[np.ndarray], Any]] = {
    "as it is": lambda a: a,
    "Fortran's order": np.asfortranarray,
    "transposed": lambda a: a.T,
    "backwards": lambda a: a[::-1] if a.ndim else a,
    "every other": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
    "the other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "read-only": lambda a: (a.setflags(write=False), a)[1],
    "broadcast": lambda a: np.broadcast_to(a, (2, *a.shape)),
    "masked": lambda a: np.ma.masked_array(a, np.zeros(a.shape, bool)),
    "a subclass": lambda a: a.view(Sub),
    "a list": lambda a: a.tolist(),
    "a tuple": lambda a: tuple(a.tolist()) if a.ndim else (a.tolist(),),
    "a generator": lambda a: (x for x in a.ravel()),
    "a number": lambda a: a.ravel()[0] if a.size else 0.0,
    "an object": lambda a: Hostile(),
    "None": lambda a: None,
    "text": lambda a: "W",
    "a dict": lambda a: {0: a},
    "itself inside": lambda a: [a, [a]],
    "a tensor": lambda a: torch.as_tensor(a.copy()),
    "a tensor with a graph": lambda a: 2 * torch.as_tensor(a.copy()).requires_grad_(),
    "half a tensor": lambda a: torch.as_tensor(a.copy()).bfloat16(),
    "a sparse tensor": lambda a: torch.as_tensor(a.copy()).to_sparse(),
    "a tensor without numbers": lambda a: torch.as_tensor(a.copy()).to("meta"),
}


def anything(draw: random.Random, shape: tuple[int, ...] | None = None) -> Any:
    """An array, or what may be mistaken for one."""
    dtype = draw.choice(("f8", "f8", "f4", *DTYPES))
    array = values(draw, shape_of(draw) if shape is None or draw.random() < 0.3 else shape, dtype)
    try:
        return LAYOUTS[draw.choice(("as it is", *LAYOUTS))](array)
    except (TypeError, ValueError, RuntimeError):  # of this dtype there is none
        return array


# ---- calls of compare ------------------------------------------------------------------------------------------------


class MeantError(Exception):
    """Raised by a subject; it is to come through as it is."""


def raising(inputs: Any) -> Any:
    raise MeantError("meant")


def recursing(inputs: Any) -> Any:
    return recursing(inputs)


def spoiling(inputs: Any) -> Any:
    right = {"dW": 2 * inputs["W"]}
    for name in list(inputs):
        inputs[name] = None
    return right


NAMES = ("dW", "dW", "dW", "W", "J", "db", "dX", "d", "", "dd", "dW ", "dW" * 50, "größe", 0, None, ("dW",), 1.5, b"dW")


def subject_of(draw: random.Random, shape: tuple[int, ...]) -> Callable[[Any], Any]:
    """Something that is asked for gradients."""
    claims = {draw.choice(NAMES): anything(draw, shape) for _ in range(draw.choice((0, 1, 1, 2, 3)))}
    return draw.choice(
        (
            lambda inputs: {"dW": 2 * inputs["W"]},
            lambda inputs: claims,
            lambda inputs: {"dW": 2 * inputs["W"], **claims},
            lambda inputs: OrderedDict(claims),
            lambda inputs: defaultdict(list, claims),
            lambda inputs: list(claims.items()),
            lambda inputs: iter(claims),
            lambda inputs: inputs,
            lambda inputs: {"dW": inputs["W"].base},
            raising,
            recursing,
            spoiling,
        )
    )


def call(number: int) -> tuple[Callable[[Any], Any], Any]:
    """A subject and inputs for `compare`."""
    draw = random.Random(number)
    shape = shape_of(draw)
    inputs: Any = {
        "W": values(draw, shape, draw.choice(("f8", "f4"))) if draw.random() < 0.5 else anything(draw, shape)
    }
    if draw.random() < 0.2:
        inputs[draw.choice(NAMES)] = anything(draw)
    if draw.random() < 0.05:
        inputs = draw.choice((None, [], {}, "W", list(inputs), iter(inputs), inputs["W"]))
    return subject_of(draw, shape), inputs


# ---- files -----------------------------------------------------------------------------------------------------------


def _some_bytes(draw: random.Random, source: bytes) -> bytes:
    return draw.randbytes(draw.randrange(2000))


def _cut_off(draw: random.Random, source: bytes) -> bytes:
    return source[: draw.randrange(len(source))]


def _spoilt(draw: random.Random, source: bytes) -> bytes:
    data = bytearray(source)
    for _ in range(draw.randrange(1, 20)):
        data[draw.randrange(len(data))] = draw.randrange(256)
    return bytes(data)


def _shuffled(draw: random.Random, source: bytes) -> bytes:
    lines = source.splitlines(keepends=True)
    draw.shuffle(lines)
    return b"".join(lines)


def _indented(draw: random.Random, source: bytes) -> bytes:
    return b"".join(draw.choice((b"", b" ", b"\t")) + line for line in source.splitlines(keepends=True))


def _encoded(draw: random.Random, source: bytes) -> bytes:
    encoding = draw.choice(("utf-16", "utf-32", "utf-8-sig", "utf-7", "cp037", "shift_jis", "latin-1"))
    named = draw.choice((encoding, "utf-8", "rot13", "klingon", "hex", ""))
    return f"# -*- coding: {named} -*-\nname = 'größe'\n{source.decode()}".encode(encoding, "replace")


def _nested(draw: random.Random, source: bytes) -> bytes:
    depth = draw.choice((50, 150, 1000, 20_000))
    deep = draw.choice(("x = " + "(" * depth + ")" * depth, "x = " + "-" * depth + "1", "x = " + "[" * depth))
    blocks = "".join(" " * i + "if 1:\n" for i in range(min(depth, 150))) + " " * min(depth, 150) + "pass\n"
    return source + b"\n" + draw.choice((deep, blocks)).encode()


def _long_lines(draw: random.Random, source: bytes) -> bytes:
    length = draw.choice((10_000, 300_000, 5_000_000))
    return source + draw.choice((b"\n#", b"\nx = ' '  #", b"\nx = ")) + b"1" * length


def _odd_ends(draw: random.Random, source: bytes) -> bytes:
    return source.replace(b"\n", draw.choice((b"\r", b"\r\n", b"\x0c\n", b"\x00\n", b"\xe2\x80\xa8")))


MUTATIONS = (_some_bytes, _cut_off, _spoilt, _shuffled, _indented, _encoded, _nested, _long_lines, _odd_ends)


def _notebook(draw: random.Random, source: bytes) -> bytes:
    """The file as a notebook, whole or broken."""
    lines = source.decode().splitlines(keepends=True)
    cell: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "source": lines}
    book: Any = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    broken = draw.randrange(8)
    if broken == 1:
        cell["source"] = draw.choice((None, 3, [None], {"a": 1}, ["%%bash\n", *lines], ["!ls\n", *lines]))
    elif broken == 2:
        book["cells"] = draw.choice((None, {}, "x", [None], [[]], [{}], []))
    elif broken == 3:
        book = draw.choice((None, [], 1, "x", {}, {"worksheets": [{"cells": [cell]}]}, {"nbformat": 3, "cells": []}))
    data = json.dumps(book).encode()
    return draw.choice((_cut_off, _spoilt))(draw, data) if broken > 5 else data


def file(number: int) -> tuple[str, bytes]:
    """A name and what stands in it: an example made unreadable, or nothing that ever was a program."""
    draw = random.Random(number)
    source = draw.choice(EXAMPLES).read_bytes()
    if draw.random() < 0.25:
        return f"case_{number}.ipynb", _notebook(draw, source)
    return f"case_{number}.py", draw.choice(MUTATIONS)(draw, source)


def snapshot(given: Any) -> Iterator[bytes]:
    """The bytes of every array in what is given, to see whether one was changed."""
    if isinstance(given, dict):
        for value in given.values():
            yield from snapshot(value)
    elif isinstance(given, np.ndarray):
        yield repr((given.dtype, given.shape, given.flags.writeable)).encode() + given.tobytes()
