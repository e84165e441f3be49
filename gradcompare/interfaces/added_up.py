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
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradcompare.interfaces import calling, dataflow, meaning, paths, rounds, source, values
from gradcompare.interfaces.driven import Driven
from gradcompare.interfaces.layouts import RATE, SAMPLES
from gradcompare.interfaces.multiples import factor
from gradcompare.interfaces.program import Program
from gradcompare.network import draw_network, draw_networks
from gradcompare.tracing.randomness import same_random_numbers

SAMPLES_DRAWN = 3
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
    if not isinstance(program, Driven) or not program.takes_one_sample:
        return []
    if program.only_updates:
        return _of_steps(program, seed) if _adds_up(program) else []
    if not program.shows_gradients:
        return []
    return next((found for adder in _adders(program) if (found := _others(program, adder, seed))), [])


def _adds_up(program: Driven) -> bool:
    """Whether what takes a step goes through samples before it, and no step with each of them."""
    assert program.found is not None
    maker, held = program.function(program.steps.maker), {str(w[0][-1][1]) for w in program.found.places.values()}
    kind = SAMPLES[program.found.layout.samples]
    return kind.single and rounds.goes_through_samples(maker) and not rounds.steps_with_each_sample(maker, held)


def _of_steps(program: Driven, seed: int) -> list[Other]:
    """Where the step with several samples is not made of those with each."""
    assert program.found is not None
    inputs, axis = _drawn(program, seed), program.samples_axis
    if np.ndim(inputs[0]["X"]) < 2:
        return []
    with same_random_numbers(), np.errstate(all="ignore"):
        gradients = [program.gradients(each) for each in inputs]
        session = program.session(inputs[0])
        labels = axis if np.ndim(inputs[0]["Y"]) == 2 else 0
        session.known |= {
            "inputs": np.concatenate([each["X"] for each in inputs], axis=axis),
            "targets": np.concatenate([np.atleast_1d(each["Y"]) for each in inputs], axis=labels),
            "samples": len(inputs),
            "batch_size": len(inputs),
        }
        made = dict(program.run_maker(session, ()))
    steps = {n: np.asarray(made[slot]) for n, slot in program.found.slots.items() if slot in made}
    maker = program.function(program.steps.maker)
    return _not_the_sum(program, gradients, steps, [maker, *source.reached([maker])], maker.__name__)


def _drawn(program: Driven, seed: int) -> list[dict[str, Any]]:
    """The inputs of several samples, with the same parameters."""
    assert program.found is not None
    network = draw_networks(1, seed, **program.networks())[0]
    draws = [draw_network(network.sizes, network.m, seed + i, labels=network.labels) for i in range(SAMPLES_DRAWN)]
    inputs = [program.inputs(draw) for draw in draws]
    return [{**each, **{name: inputs[0][name] for name in program.found.places}} for each in inputs]


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
    places, inputs = program.found.places, _drawn(program, seed)
    with same_random_numbers(), np.errstate(all="ignore"):
        gradients = [program.gradients(each) for each in inputs]
        session = program.session(inputs[0])
        method = calling.method(session.root, adder.name)
        given = _given(method, adder, [(each["X"].copy(), each["Y"].copy()) for each in inputs])
        if given is None:
            return []
        method(**given)
    after = {n: np.asarray(paths.get(session.root, where[0])) for n, where in places.items()}
    steps = {n: inputs[0][n] - a if np.shape(a) == inputs[0][n].shape else None for n, a in after.items()}
    made: Any = program.holder.made  # type: ignore[attr-defined]
    return _not_the_sum(program, gradients, steps, [vars(made)[adder.name]], adder.name)


def _not_the_sum(
    program: Driven,
    gradients: Sequence[Mapping[str, Any]],
    steps: Mapping[str, np.ndarray | None],
    functions: Sequence[Any],
    where: str,
) -> list[Other]:
    """The steps that are not in proportion to the sums of the gradients of each sample. `functions`: those that may
    take them; `where`: what makes them."""
    assert program.found is not None
    places = program.found.places
    known = [n for n in places if f"d{n}" in gradients[0] and n in steps]
    each = {n: np.stack([values.plain(g[f"d{n}"]) for g in gradients]) for n in known}
    sums = {n: each[n].sum(axis=0) for n in known}
    factors = _factors({n: steps[n] for n in known}, sums)
    of_the_last = _factors({n: steps[n] for n in known}, {n: each[n][-1] for n in known}) if not factors else {}
    if len(of_the_last) < len(known) and (not factors or len(set(np.sign(list(factors.values())))) > 1):
        return []
    times = next(iter((factors or of_the_last).values()))
    wrong, lost = [n for n in sums if n not in factors], list(_written_over(functions))
    found = []
    for name in wrong:
        step = steps[name]
        place = lost[0] if len(wrong) == len(lost) == 1 else _line(functions, places[name][0])
        if step is not None and place is not None:
            off = np.abs(step / times - sums[name])
            worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
            text = linecache.getline(*place).strip()
            found.append(Other(name, place[1], text, worst, step[worst] / times, sums[name][worst], where))
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


def _line(functions: Sequence[Any], path: paths.Path) -> tuple[str, int] | None:
    """The file and the line where the first function that does so changes what is at a path last: self.biases of
    self.biases[0]."""
    attribute = str(path[0][1])
    for function in functions:
        first = function.__code__.co_firstlineno - 1
        changed = [
            first + node.lineno
            for node in ast.walk(source.tree(function))
            if isinstance(node, ast.Assign | ast.AugAssign) and attribute in _attributes(node)
        ]
        if changed:
            return function.__code__.co_filename, max(changed)
    return None


def _written_over(functions: Sequence[Any]) -> Iterator[tuple[str, int]]:
    """The file and the line where a function writes over what it is given to add to, and hands that back."""
    for function in functions:
        handed_back = {name for row in source.returned_names(function) for name in row if name}
        summed = handed_back & set(source.argument_names(function))
        for node in ast.walk(source.tree(function)):
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if not (isinstance(node, ast.Assign) and isinstance(target, ast.Name) and target.id in summed):
                continue
            if target.id not in dataflow.names_read(node.value):
                yield function.__code__.co_filename, function.__code__.co_firstlineno - 1 + node.lineno


def _attributes(node: ast.Assign | ast.AugAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {part.attr for target in targets for part in ast.walk(target) if isinstance(part, ast.Attribute)}
