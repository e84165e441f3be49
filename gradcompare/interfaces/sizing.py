"""Shapes of arrays that nothing tells: a function is run on arrays whose axes all have lengths of their own, and what a
failure says should be as long is made as long, until it runs.

Lengths are odd primes at first, so that a sum or a multiple of some (a state and a sample side by side, four gates) is
the length of no other axis.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from gradcompare.interfaces import source

Shape = tuple[int, ...]
_PRIMES = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103)
_MOST_TRIES, _LONGEST = 80, 200


def shapes_that_run(ranks: Mapping[str, Sequence[bool]], run: Callable[[dict[str, Shape]], None]) -> dict[str, Shape]:
    """Shapes with which `run` ends; of each array, by its axes, whether its length is looked for (else it is 1).

    Raises what `run` raises last, where that says of no length what it should be.
    """
    axes = [(name, axis) for name, free in ranks.items() for axis, is_free in enumerate(free) if is_free]
    lengths = dict(zip(axes, _PRIMES, strict=False))
    for _ in range(_MOST_TRIES):
        shapes = {n: tuple(lengths.get((n, axis), 1) for axis in range(len(free))) for n, free in ranks.items()}
        try:
            run(shapes)
        except Exception as error:
            longer = _made_alike(lengths, str(error))
            if longer is None:
                raise
            lengths = longer
        else:
            return shapes
    raise ValueError("no lengths of its arrays were found with which it runs")


def _made_alike(lengths: dict[tuple[str, int], int], failure: str) -> dict[tuple[str, int], int] | None:
    """The lengths with which what failed would fit: two axes become as long as the shorter one, and one that met a
    sum or a part becomes as long as that."""
    free = set(lengths.values())
    for one, other, _ in mismatches(failure):
        if one not in free or not 1 < other <= _LONGEST:
            continue
        if other in free and (one in _PRIMES, one) < (other in _PRIMES, other):
            one, other = other, one
        return {axis: other if length == one else length for axis, length in lengths.items()}
    return None


# ---- what failures say of lengths ------------------------------------------------------------------------------------

_PRODUCT = re.compile(
    r"(\d+) \(dim \d\) != (\d+) \(dim \d\)|size (\d+) is different from (\d+)"
    r"|at index \d+ has size (\d+) and the array at index \d+ has size (\d+)"
)
_SHAPES = re.compile(r"shapes? \(([\d,]+)\) (?:\(([\d,]+)\)|doesn't match the broadcast shape \(([\d,]+)\))")
_INTO = re.compile(r"could not broadcast input array from shape \(([\d,]+)\) into shape \(([\d,]+)\)")


def mismatches(text: str) -> Iterator[tuple[int, int, bool]]:
    """(one number, what it should be, whether of a product) of what NumPy says where shapes do not fit."""
    for found in _PRODUCT.finditer(text):
        one, other = (int(number) for number in found.groups() if number)
        yield from ((one, other, True), (other, one, True))
    for found in (*_SHAPES.finditer(text), *_INTO.finditer(text)):
        shapes = [[int(n) for n in shape.split(",") if n] for shape in found.groups() if shape]
        for a, b in zip(shapes[0][::-1], shapes[-1][::-1], strict=False):
            if a != b:
                yield from ((a, b, False), (b, a, False))


# ---- how many axes ---------------------------------------------------------------------------------------------------


def ranks_told(function: Callable[..., object]) -> dict[str, int]:
    """How many axes what has a name has, where the source says: three of x in `n, m, T = x.shape` and in x[:, :, t]."""
    found: dict[str, int] = {}
    for node in ast.walk(source.tree(function)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and _is_shape(node.value):
            found[node.value.value.id] = len(node.targets[0].elts)  # type: ignore[attr-defined]
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and isinstance(node.slice, ast.Tuple):
            places = [part for part in node.slice.elts if not _is_new_axis(part)]
            found[node.value.id] = max(found.get(node.value.id, 0), len(places))
        elif isinstance(node, ast.Subscript) and _is_shape(node.value) and isinstance(node.slice, ast.Constant):
            name, axis = node.value.value.id, node.slice.value  # type: ignore[attr-defined]
            if isinstance(axis, int):
                found[name] = max(found.get(name, 0), axis + 1)
    for name in set(_gone_through(source.tree(function))) & set(found):
        found[name] = max(found[name], 2)
    return found


def _gone_through(tree: ast.AST) -> Iterator[str]:
    """X of `x = X[t]` in a loop over t, where x is multiplied as an array."""
    multiplied = {id(n.right) for n in ast.walk(tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.MatMult)}
    nodes = [node for node in ast.walk(tree) if id(node) in multiplied]
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(part := node.value, ast.Subscript):
            bound = isinstance(node.targets[0], ast.Name) and node.targets[0].id in names
            if bound and isinstance(part.slice, ast.Name) and isinstance(part.value, ast.Name):
                yield part.value.id


def _is_shape(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "shape" and isinstance(node.value, ast.Name)


def _is_new_axis(node: ast.expr) -> bool:
    """Whether what stands in an index takes no axis of its own: None, np.newaxis, and `...`, which takes any."""
    if isinstance(node, ast.Constant):
        return node.value is None or node.value is ...
    return isinstance(node, ast.Attribute) and node.attr == "newaxis"


def ways_of(names: Sequence[str], told: Mapping[str, int]) -> Iterator[dict[str, list[bool]]]:
    """How many axes arrays may have, the likeliest first: as told, else two; biases are columns, vectors or rows, and
    then what nothing is told of is a vector, weights too or all but these."""
    weights = {name for name in names if name[0] in "WU"}
    for (rank, of_weights), bias in itertools.product(((2, 2), (1, 1), (1, 2)), ([True, False], [True], [False, True])):
        ranks = {name: told.get(name, of_weights if name in weights else rank) for name in names}
        others = {name: [True] * ranks[name] for name in names}
        yield {name: bias if name[0] in "bB" and name not in told else free for name, free in others.items()}
