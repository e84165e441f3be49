"""Programs of functions: what holds their parameters is arguments, global names or what an initialiser returns."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from gradcompare.interfaces import contained, dataflow, meaning, naming, source, starts, words
from gradcompare.interfaces.driven import Driven
from gradcompare.interfaces.driver import plan_of_structure
from gradcompare.interfaces.holders import (
    Arguments,
    Attributes,
    Flat,
    Globals,
    Holder,
    Initialised,
    Listed,
    OwnGlobals,
    TakenApart,
)
from gradcompare.interfaces.plans import plans
from gradcompare.interfaces.roles import by_role, steps_of
from gradcompare.interfaces.session import Steps


def programs(functions: list[Callable[..., Any]]) -> Iterator[Driven]:
    """Programs of functions, with whatever may hold their parameters."""
    roles = by_role(functions)
    rows = list(steps_of(functions))
    for maker, role, forward, cost, slope in rows:
        used = [f for f in (forward, maker, cost, slope) if f is not None]
        for holder in _argument_holders(used, roles.get("initialise", [])):
            if role == "fused" and type(holder) is Arguments and not _is_given(maker, forward, holder):
                continue  # what is called so returns a cost and its slope
            name = _interface_of(holder, role, forward, maker)
            yield Driven(name, holder, Steps(maker, role, forward, cost, slope), used)


def _is_given(maker: Callable[..., Any], forward: Callable[..., Any] | None, holder: Arguments) -> bool:
    """Whether what goes forward and back, or forward beside it, is given the parameters, one by one or together."""
    names = {name for pair in holder.pairs for name in pair if name}
    functions = [f for f in (maker, forward) if f is not None]
    one_by_one = (name for f in functions for name in (*source.argument_names(f), *source.keys_in(f)))
    together = {meaning.role_of(f, name) for f in functions for name in source.argument_names(f)}
    return "parameters" in together or not names.isdisjoint(one_by_one)


def _argument_holders(used: list[Callable[..., Any]], initialisers: list[Callable[..., Any]]) -> Iterator[Holder]:
    """What may hold the parameters of these functions."""
    arguments = [name for f in used for name in source.argument_names(f)]
    takes_all = any(meaning.role_of(f, name) == "parameters" for f in used for name in source.argument_names(f))
    keyed = [key for f in used for key in source.keys_in(f)]
    pairs = words.parameter_pairs(arguments)
    flat = next((name for name in arguments if words.role_of_argument(name) == "parameters"), None)
    rows = [row for f in used for row in source.taken_apart(f).items()]
    apart = dict(sorted(rows, key=lambda row: len(row[1])))  # whoever takes all of it apart
    for argument, names in apart.items():
        numbered = words.parameter_pairs(names)
        if {name for pair in numbered for name in pair if name} == set(names):
            yield TakenApart(argument, names, numbered)
    named = [name for pair in pairs or words.loose_pairs(arguments) for name in pair if name]
    for initialise in initialisers[:2]:
        for plan in itertools.chain(plan_of_structure(initialise), itertools.islice(plans(initialise), 3)):
            yield Initialised(initialise, plan, named, of_words=any(map(words.counts_words, arguments)))
    listed = [next((n for n in arguments if words.plain(n) in plurals), None) for plurals in _PLURALS]
    counts = any(type(space.get(name)) is int for name, space in source.globals_read(used).items())
    own = list(contained.holders_of(used))
    if counts:  # of layers, or units: those that the file itself has made
        yield from own
    if listed[0] and listed[1] and not (own and counts):
        yield Listed(listed[0], listed[1])
    if pairs:
        yield Arguments(pairs, own=_own_arrays(used))
    elif not takes_all:
        read = source.globals_read(used)
        namespace = next(iter(read.values()), {})
        pairs = words.parameter_pairs([name for name in namespace if name in read] or list(read))
        if pairs and not _reads_widths(read, pairs):
            yield Globals(pairs, read[pairs[0][0]])
        updated = set().union(*map(source.updated_in, used))
        names = [n for n, s in read.items() if _may_be_global_parameter(n, s.get(n), n in updated)]
        if any(np.ndim(read[name][name]) == 2 for name in names):
            yield OwnGlobals([name for name in namespace if name in names], namespace)
    yield from own if not counts else ()
    if takes_all:
        pairs = words.parameter_pairs([k for k in keyed if not k.startswith("d")])
        if pairs:
            yield Arguments(pairs)
        for start in sorted(set().union(*(source.beginnings_in(f) for f in used))):
            if re.fullmatch(r"[wW]\w*", start):
                bias = next((b for b in ("b", "B", "bias") if any(b in source.beginnings_in(f) for f in used)), "b")
                yield Arguments([(f"{start}{i}", f"{bias}{i}") for i in (1, 2, 3)])
    yield from _objects(used)
    if not (listed[0] and listed[1]) and flat is not None and any(flat in source.listed_in(f) for f in used):
        yield Listed(flat, next((name for name in arguments if words.role_of_argument(name) == "biases"), None))
    loose = words.loose_pairs(arguments)
    biased = any(bias for _, bias in loose)  # and then one vector is not all
    if biased:
        yield Arguments(loose, starts_as=_starts_as(used, {loose[0][0]}))
    if flat is not None and not biased:
        hidden = max(sum(words.role_of_size(n) == "hidden" for n in source.argument_names(f)) for f in used)
        for folded in (True, False):
            yield Flat(flat, folded, depths=(hidden + 1,) if hidden > 1 else Flat.depths)
    if loose and not biased:
        yield Arguments(loose, starts_as=_starts_as(used, {loose[0][0]}))
    graded = _graded_pairs(used)
    if graded and graded != loose:
        yield Arguments(graded)


def _objects(used: list[Callable[..., Any]]) -> Iterator[Holder]:
    """Objects of which these functions read weights under their names: net.W1."""
    rows = [(name, source.attributes_read(f, name)) for f in used for name in source.argument_names(f)]
    read: dict[str, dict[str, None]] = {}
    for name, attributes in rows:
        read.setdefault(name, {}).update(attributes)
    for name, attributes in read.items():
        pairs = words.parameter_pairs(list(attributes))
        if pairs:
            yield Attributes(name, attributes, pairs)


def _own_arrays(used: list[Callable[..., Any]]) -> dict[str, Any]:
    """The arrays in the file that functions are from."""
    names = getattr(inspect.unwrap(used[0]), "__globals__", {})
    return {name: value for name, value in names.items() if isinstance(value, np.ndarray)}


def _starts_as(used: list[Callable[..., Any]], weights: set[str]) -> tuple[str, ...]:
    """What the file that functions are from starts weights of these names as."""
    file = getattr(inspect.unwrap(used[0]), "__globals__", {}).get("__file__")
    assigned = [node for node in ast.walk(source.parsed(str(file))) if isinstance(node, ast.Assign)]
    return starts.weights_of([node for node in assigned if not weights & set(dataflow.names_read(node))], weights)


def _reads_widths(read: Mapping[str, dict[str, Any]], pairs: list[tuple[str, str]]) -> bool:
    """Whether functions that read these global names also read the whole numbers that say how wide the weights are."""
    file = next(iter(read.values())).get("__file__")
    widths = starts.widths_of(source.parsed(str(file)).body, {name for pair in pairs for name in pair})
    return any(type(read[name].get(name)) is int for name in widths & set(read))


def _may_be_global_parameter(name: str, value: Any, updated: bool) -> bool:
    if updated and isinstance(value, float):  # the bias of one unit
        return naming.is_bias(name)
    floating = isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim > 0
    data = words.role_of_argument(name) in ("inputs", "targets")
    return floating and not data and not words.NO_PARAMETER.search(name)


def _graded_pairs(used: list[Callable[..., Any]]) -> list[tuple[str, str]]:
    """Parameters that are told by the gradients that are handed out: W and V, of which there are gW and gV."""
    handed = set().union(*map(source.handed_out, used))
    names = dict.fromkeys(name for f in used for name in source.argument_names(f) if name.lower() not in ("x", "y"))
    graded = [n for n in names if any(out != n and naming.likeness(n, out) == 3 for out in handed)]
    weights, biases = ([n for n in graded if naming.is_bias(n) is bias] for bias in (False, True))
    biases += [""] * len(weights) if not biases else []
    return list(zip(weights, biases, strict=True)) if len(weights) == len(biases) else []


_PLURALS = ({"weights", "ws", "thetas", "wlist", "weightlist"}, {"biases", "bs", "blist", "biaslist"})
"""What the weights and the biases of all layers are called."""


def _interface_of(holder: Holder, role: str, forward: Any, maker: Any) -> str:
    if holder.kind in ("flat", "globals"):
        return {"flat": "flat-vector", "globals": "global-weights"}[holder.kind]
    if role == "update":
        return "update-only"
    if maker.__name__ == "gradients" and forward is None:
        return "adapter"
    if role in ("fused", "cost"):
        return "fused"
    takes = {meaning.role_of(f, name) for f in (forward, maker) if f for name in source.argument_names(f)}
    if words.plain(maker.__name__).startswith(("lmodel", "llayer", "deep")):
        return "l-layer"
    return "dict-cache" if "parameters" in takes else "positional"
