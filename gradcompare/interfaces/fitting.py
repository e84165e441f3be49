"""How a file wants its arrays: layouts are tried on a small random network, and the first that fits is taken."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcompare.interfaces import calling, driver, failures, meaning, naming, paths, sequences, source, usage, words
from gradcompare.interfaces.drawing import draw
from gradcompare.interfaces.failures import CannotBuildError, NoNumbersError, PlainNumbersError, describe
from gradcompare.interfaces.layouts import LABELS, OF_WORDS, SAMPLES, Layout, copies, layouts
from gradcompare.interfaces.own_widths import (
    follows,
    has_its_own_inputs,
    has_its_own_outputs,
    insisted,
    shapes_of,
    state_width,
)
from gradcompare.interfaces.program import CannotCheckError
from gradcompare.interfaces.session import Found
from gradcompare.interfaces.trial import Trial
from gradcompare.loading.absent import Absent, AbsentError
from gradcompare.tracing.randomness import same_random_numbers

if TYPE_CHECKING:
    from gradcompare.interfaces.driven import Driven

__all__ = ["copies", "fit"]

TRIAL_SIZES = (3, 5, 7, 6, 8)
"""The widths of the networks on which layouts are tried, before n_L: all different, so that only one layout fits."""
TRIAL_OUTPUTS = 2
ACTIVATIONS = (None, "relu", "sigmoid", "tanh", "ReLU", "Sigmoid")
"""What arguments that ask for the name of an activation are given, in turns; None where none asks."""
CHAINS = (("forward",), ("forward", "cost"), ())
SECONDS = 20
"""Of the processor; for so long layouts are tried for one reading of a file."""


def fit(program: Driven, seed: int) -> Found:
    """What a trial finds out, with the layout under which most gradients have the shapes of their parameters.

    Raises CannotCheckError where the program runs in no layout.
    """
    best: Found | None = None
    failure: BaseException | None = None
    one_sample = not program.counts_samples or _knows_one_sample(program)
    hopeless: set[tuple[int, str | None]] = set()
    until = time.process_time() + SECONDS
    for depth, layout in _tries(program):
        settled = best is not None and best.enough and not (one_sample or layout.labels == best.layout.labels)
        if settled or (depth, layout.activation) in hopeless:
            continue
        if time.process_time() > until:
            break
        try:
            with np.errstate(all="ignore"), same_random_numbers():
                found = _tried(program, depth, layout, seed)
        except failures.OF_ITS_OWN as error:
            raise CannotCheckError(failures.in_words(error, program)) from error
        except (Exception, SystemExit) as error:  # code that ends where shapes do not fit may go on in another layout
            failure = error if failure is None or failures.telling(error) > failures.telling(failure) else failure
            if isinstance(error, CannotBuildError | calling.CannotCallError | AbsentError):
                hopeless.add((depth, layout.activation))
            continue
        if best is None or found.right > best.right:
            best = found
        own = program.holder.own_shapes and not one_sample
        if found.right == len(found.places) > 0 or (found.enough and own):
            break
    if best is None or not best.slots:
        raise CannotCheckError(failures.in_words(failure, program)) from failure
    for name, what in best.no_numbers.items():
        problem = f"What is returned for the gradient of {name} is {what} and no array of real numbers."
        raise CannotCheckError(problem) from NoNumbersError(problem)
    return _with_its_cost(program, best, seed)


def _with_its_cost(program: Driven, best: Found, seed: int) -> Found:
    """Where the file's own cost is no single number with several outputs, with one, if it is one there."""
    if best.lost_cost is None or best.layout.outputs is not None or best.sizes is not None:
        return best
    namers, kinds = program.namers, [labels for labels, row in LABELS.items() if row.outputs == 1]
    for labels in kinds:
        layout = replace(best.layout, labels=labels, outputs=1)
        with contextlib.suppress(Exception), np.errstate(all="ignore"), same_random_numbers():
            found = _tried(program, best.depth, layout, seed)
            if found.cost_from is not None and found.right >= best.right:
                return replace(found, lost_cost=best.lost_cost)
    program.namers = namers
    return best


def _knows_one_sample(program: Driven) -> bool:
    """Whether all samples and labels that stand in the file are one."""
    known: dict[str | None, list[np.ndarray]] = {}
    for name, value in {n: v for f in program.functions for n, v in getattr(f, "__globals__", {}).items()}.items():
        if isinstance(value, np.ndarray) and value.ndim:
            known.setdefault(words.role_of_argument(name), []).append(value)
    samples, labels = known.get("inputs", []), known.get("targets", [])
    return bool(samples and labels) and all(_is_one_sample(x, y) for x in samples for y in labels)


def _is_one_sample(samples: np.ndarray, labels: np.ndarray) -> bool:
    along = list(zip(samples.shape, labels.shape, strict=False))
    return samples.ndim == labels.ndim == 2 and (1, 1) in along and all(m == 1 or m != n for m, n in along)


def _asks_for_activation(holder: Any) -> bool:
    roles = getattr(getattr(holder, "plan", None), "roles", {}).values()
    return any(role.startswith("activation") for role in roles)


def _tries(program: Driven) -> Iterator[tuple[int, Layout]]:
    holder = program.holder
    literals = set().union(*(source.literals_in(f) for f in program.functions)) if program.functions else set()
    constants = tuple(sorted(n for n in literals if n == 3 or 8 <= n <= 20))
    maker = program.function(program.steps.maker)
    one = not program.counts_samples or holder.own_shapes or driver.takes_each_sample(maker)  # tried last
    one_by_one = getattr(program.steps.maker, "one_sample", False)
    one_row = getattr(program.steps.maker, "one_row", False)
    asks = any(words.role_of_argument(n) == "activation" for f in program.functions for n in source.argument_names(f))
    cotangent = "slope" in _wants(program) and program.steps.slope is None
    in_steps = sequences.goes_through_inputs(program.function(program.steps.forward or program.steps.maker))
    each_step = in_steps and holder.own_shapes and sequences.has_a_label_for_each_step(maker)
    words_known = holder.words_known or ((TRIAL_OUTPUTS,) if each_step else ())
    listed = sequences.goes_through_labels(maker)
    calculates = maker is not None and usage.only_calculates(maker, "targets")
    for depth in holder.depths:
        told = (program.activation,) if program.activation else ACTIVATIONS
        for activation in told if asks or _asks_for_activation(holder) else ACTIVATIONS[:1]:
            for folded in (False,) if holder.own_shapes else (False, True):
                for layout in layouts(
                    holder.own_shapes,
                    folded,
                    constants,
                    activation,
                    one or one_by_one,
                    not one_by_one,
                    words_known,
                    holder.numbers and driver.takes_each_sample(maker),
                    in_steps and not each_step,
                    listed,
                ):
                    starts_so = not holder.starts_as or layout.weights in holder.starts_as
                    starts_so = starts_so and (layout.outputs == 1 or not holder.one_output)
                    starts_so = starts_so and not (one_row and layout.samples in ("vector", "column"))
                    numbered = LABELS[layout.labels].kind == "classes" and layout.outputs is None
                    starts_so = starts_so and not (numbered and calculates)
                    if (layout.labels == "cotangent") == cotangent and starts_so:
                        yield depth, layout


def _tried(program: Driven, depth: int, layout: Layout, seed: int) -> Found:
    """One layout; an exception where the program does not run in it."""
    outputs = layout.outputs or TRIAL_OUTPUTS
    sizes: tuple[int, ...] = (*TRIAL_SIZES[:depth], outputs)
    if layout.samples in OF_WORDS:
        sizes = (outputs, *sizes[1:])
    ones = program.holder.kind == "flat"
    mirrors = ones and layout.outputs is None and program.learns_its_inputs  # theta of as many outputs as inputs
    sizes = (*sizes[:-1], sizes[0]) if mirrors else sizes
    network = draw(sizes, layout, seed, ones)
    program.found, program.namers, program.trial_layout = None, {}, layout
    program.samples_axis = SAMPLES[layout.samples].axis
    try:
        template = program.holder.build(network, layout)
    except Exception as error:
        if program.holder.sees_data or _is_made_of_data(program.holder):  # in another layout it may do
            raise
        raise CannotBuildError(f"what makes its parameters stopped with {describe(error)}") from error
    given = [layout.X(network), layout.Y(network)]
    places = program.holder.places(template, given)
    if not places:
        _refuse_what_is_absent(template)
        nothing = "what it makes holds no array that could be a parameter"
        raise ValueError(nothing) if program.holder.sees_data else CannotBuildError(nothing)
    if program.holder.own_shapes and _is_plain_numbers(template, places):
        raise PlainNumbersError()
    several = [name for name, where in places.items() if naming.is_weight(name, paths.get(template, where[0]))]
    if program.holder.own_shapes and program.holder.kind != "flat" and len(several) < depth > 1:
        raise CannotBuildError(f"what makes its parameters, asked for {depth} layers, makes {len(several)} weights")
    shapes = shapes_of(template, places)
    fixed = insisted(program.holder, network, shapes) if program.holder.is_network else None
    as_many = layout.outputs is None and (fixed is None or fixed[-1] == outputs)
    if as_many and has_its_own_outputs(program, network, layout, shapes):
        layout = program.trial_layout = replace(layout, outputs=outputs)
    if fixed == sizes and follows(program, network, layout):
        fixed = None
    if fixed is None and has_its_own_inputs(program, network, layout, shapes):
        fixed = sizes
    if program.holder.kind == "flat" and (depth > 2 or mirrors):
        fixed = sizes  # the length of one vector does not tell the widths of several hidden layers
    if layout.samples == "number":
        fixed = (1, *dict.fromkeys(n for shape in shapes.values() if len(shape) == 2 for n in shape), 1)
    if layout.samples in OF_WORDS and layout.outputs:
        fixed = (layout.outputs, state_width(shapes, layout.outputs), layout.outputs)
    if fixed is not None:
        if fixed[0] == network.m != sizes[0] and _is_made_of_data(program.holder):
            raise ValueError("it takes samples for what is known of one")
        if layout.outputs not in (None, fixed[-1]) or (layout.outputs is None and fixed[-1] == 1):
            raise ValueError(f"the file's own sizes are {fixed}")
        network = draw(fixed, layout, seed, ones, fixed[-1] if program.counts_classes else 0)
    best: Found | None = None
    failure: Exception | None = None
    for chain in _chains(program):
        try:
            trial = Trial(program, network, layout, fixed, places, chain)
        except Exception as error:
            failure = failure if failure is not None and failures.telling(failure) >= failures.telling(error) else error
            continue
        found = Found(
            layout,
            fixed,
            depth,
            trial.places,
            trial.slots,
            trial.cost_from,
            chain,
            trial.last,
            trial.right,
            trial.enough,
            trial.lost_cost,
            trial.spread,
            trial.no_numbers,
            trial.heeds_labels,
        )
        if best is None or found.right > best.right:
            best = found
        if found.complete:
            break
    if best is None:
        raise failure or ValueError("nothing to call")
    return best


def _is_made_of_data(holder: Any) -> bool:
    """Whether a constructor is given samples or labels."""
    return bool({"inputs", "targets", "pair"} & set(getattr(getattr(holder, "plan", None), "roles", {}).values()))


def _refuse_what_is_absent(template: Any) -> None:
    """Raise AbsentError for the first attribute that is an object of a class which is not there."""
    for value in getattr(template, "__dict__", {}).values():
        if isinstance(value, Absent):
            value.refuse()


def _wants(program: Driven) -> set[str | None]:
    """The roles of the maker's arguments; without switches, grad=True, and the slope of a cost, which is 1."""
    function = program.function(program.steps.maker)
    roles = {n: meaning.role_of(function, n) for n in source.argument_names(function)}
    left = set(source.switches_of(function))
    forward = program.function(program.steps.forward) if program.steps.forward is not None else None
    if forward is not None and "targets" in map(words.role_of_argument, source.argument_names(forward)):  # of a cost
        given = source.signature(function)
        left |= {n for n, role in roles.items() if role == "slope" and given[n].default is not given[n].empty}
    return {role for name, role in roles.items() if name not in left}


def _is_plain_numbers(root: Any, places: naming.Places) -> bool:
    """Whether what would be parameters are numbers in lists, [0.3, -0.1], and nothing else."""
    numbers = [where[0] for where in places.values() if isinstance(paths.get(root, where[0]), int | float)]
    listed = [path for path in numbers if path and path[-1][0] == "item" and isinstance(path[-1][1], int)]
    return len(listed) > 1 and len(numbers) == len(places)


def _chains(program: Driven) -> list[tuple[str, ...]]:
    """What is called before the maker, in turns."""
    slope = ("slope",) if "slope" in _wants(program) and program.steps.forward is not None else ()
    if program.steps.forward is None or (
        program.steps.role == "update" and program.steps.forward == program.steps.maker
    ):
        return [()]
    possible = [chain for chain in CHAINS if "cost" not in chain or program.steps.cost is not None]
    chains = possible if program.steps.role in ("backward", "update") else [possible[-1], *possible[:-1]]
    return [(*c, *slope) for c in chains if c or not slope]
