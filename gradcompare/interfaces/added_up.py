"""What a method makes of the gradients of several samples, where the one that goes back takes one: a step of their sum.

    def update_mini_batch(self, mini_batch, eta):
        for x, y in mini_batch:
            delta_nabla_b, delta_nabla_w = self.backprop(x, y)
            nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_nabla_b)]     # a sum, and not the last of them

The gradients of one sample may all be right, and the sum be another. What a step of all parameters is a multiple of, is
no mistake: a rate, a mean. Where the steps of some are in proportion to the sums, and those of others are not, the
latter are; and all are, where they are the steps of the last sample.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from gradcompare.interfaces import calling, meaning, paths, source, values
from gradcompare.interfaces.driven import Driven
from gradcompare.interfaces.layouts import RATE
from gradcompare.interfaces.multiples import factor
from gradcompare.interfaces.program import Program
from gradcompare.network import draw_network, draw_networks
from gradcompare.tracing.randomness import same_random_numbers

SAMPLES = 3
NEAR = 1e-9
"""How near a step must be to a multiple of a sum, as a part of it: the gradients were judged before."""


class Adder(NamedTuple):
    """A method that goes through samples and calls what goes back for each."""

    name: str
    argument: str
    """Of the samples with their labels."""


class Other(NamedTuple):
    """A step that is in no proportion to the sum of the gradients."""

    parameter: str
    line: int
    """Where the method makes it."""
    source: str
    worst: tuple[int, ...]
    step: float
    """In the worst entry, divided as those are that are right."""
    wanted: float
    """The sum of the gradients there."""
    where: str
    """The method."""


def others(program: Program, seed: int) -> list[Other]:
    """The parameters whose steps are not that of the sum; none where no step is, or no method adds anything up."""
    if not isinstance(program, Driven) or not (program.takes_one_sample and program.shows_gradients):
        return []
    return next((found for adder in _adders(program) if (found := _others(program, adder, seed))), [])


def _adders(program: Driven) -> Iterator[Adder]:
    made, maker = getattr(program.holder, "made", None), program.steps.maker
    for name, function in vars(made).items() if inspect.isclass(made) and isinstance(maker, str) else ():
        if not inspect.isfunction(function) or name == maker:
            continue
        for loop in (node for node in ast.walk(source.tree(function)) if isinstance(node, ast.For)):
            through = loop.iter.id if isinstance(loop.iter, ast.Name) else ""
            pairs = isinstance(loop.target, ast.Tuple) and len(loop.target.elts) == 2
            calls = (node for s in loop.body for node in ast.walk(s) if isinstance(node, ast.Call))
            if pairs and through in source.argument_names(function) and maker in map(source.called, calls):
                yield Adder(name, through)


def _others(program: Driven, adder: Adder, seed: int) -> list[Other]:
    assert program.found is not None
    places = program.found.places
    network = draw_networks(1, seed, **program.networks())[0]
    draws = [draw_network(network.sizes, network.m, seed + i, labels=network.labels) for i in range(SAMPLES)]
    inputs = [program.inputs(draw) for draw in draws]
    inputs = [{**each, **{name: inputs[0][name] for name in places}} for each in inputs]
    with same_random_numbers(), np.errstate(all="ignore"):
        gradients = [program.gradients(each) for each in inputs]
        session = program.session(inputs[0])
        method = calling.method(session.root, adder.name)
        given = _given(method, adder, [(each["X"].copy(), each["Y"].copy()) for each in inputs])
        if given is None:
            return []
        method(**given)
    known = [n for n in places if f"d{n}" in gradients[0]]
    each = {n: np.stack([values.plain(g[f"d{n}"]) for g in gradients]) for n in known}
    sums = {n: each[n].sum(axis=0) for n in known}
    after = {n: np.asarray(paths.get(session.root, places[n][0])) for n in sums}
    steps = {n: inputs[0][n] - after[n] if np.shape(after[n]) == inputs[0][n].shape else None for n in sums}
    factors = _factors(steps, sums)
    of_the_last = _factors(steps, {n: each[n][-1] for n in known}) if not factors else {}
    if len(of_the_last) < len(known) and (not factors or len(set(np.sign(list(factors.values())))) > 1):
        return []
    times = next(iter((factors or of_the_last).values()))
    found = []
    for name in sums:
        step = steps[name]
        if name not in factors and step is not None and (line := _line(program, adder, places[name][0])) is not None:
            off = np.abs(step / times - sums[name])
            worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
            text = linecache.getline(method.__func__.__code__.co_filename, line).strip()
            found.append(Other(name, line, text, worst, step[worst] / times, sums[name][worst], adder.name))
    return found


def _given(method: Any, adder: Adder, pairs: list[Any]) -> dict[str, Any] | None:
    """What the method is given; None where it asks for more than samples, rates, strengths and how many there are."""
    known = {"learning_rate": RATE, "regularisation": 0.0, "samples": len(pairs), "batch_size": len(pairs), "epochs": 1}
    given: dict[str, Any] = {adder.argument: pairs}
    for name, parameter in source.signature(method).items():
        role = meaning.role_of(method, name)
        if name in given:
            continue
        if role in known:
            given[name] = known[str(role)]
        elif parameter.default is parameter.empty:
            return None
    return given


def _factors(steps: Mapping[str, np.ndarray | None], gradients: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The numbers by which steps are multiples, of those that are."""
    found = {n: factor(step, gradients[n], NEAR) for n, step in steps.items() if step is not None}
    return {name: number for name, number in found.items() if number}


def _line(program: Driven, adder: Adder, path: paths.Path) -> int | None:
    """Where the method changes what is at a path last: self.biases of self.biases[0]."""
    function = vars(program.holder.made)[adder.name]  # type: ignore[attr-defined]
    first = function.__code__.co_firstlineno - 1
    attribute = str(path[0][1])
    changed = [
        first + node.lineno
        for node in ast.walk(source.tree(function))
        if isinstance(node, ast.Assign | ast.AugAssign) and attribute in _attributes(node)
    ]
    return max(changed, default=None)


def _attributes(node: ast.Assign | ast.AugAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {part.attr for target in targets for part in ast.walk(target) if isinstance(part, ast.Attribute)}
