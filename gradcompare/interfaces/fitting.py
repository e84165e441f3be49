"""How a file wants its arrays: layouts are tried on a small random network, and the first that fits is taken."""

from __future__ import annotations

import contextlib
import itertools
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcompare.interfaces import (
    calling,
    chained,
    driver,
    failures,
    meaning,
    naming,
    paths,
    rounds,
    seen,
    sequences,
    source,
    values,
    words,
)
from gradcompare.interfaces.failures import (
    CannotBuildError,
    NoNumbersError,
    PlainNumbersError,
    describe,
    file_of,
    line_in,
)
from gradcompare.interfaces.layouts import LABELS, OF_WORDS, RATE, SAMPLES, SEQUENCES, Layout, copies, layouts
from gradcompare.interfaces.program import CannotCheckError
from gradcompare.interfaces.session import Found, Session
from gradcompare.interfaces.whole_costs import ignores_an_output
from gradcompare.loading.absent import Absent, AbsentError
from gradcompare.network import Network, draw_network
from gradcompare.tracing.randomness import same_random_numbers

if TYPE_CHECKING:
    from gradcompare.interfaces.driven import Driven

__all__ = ["copies", "fit"]

TRIAL_SIZES = (3, 5, 7, 6, 8)
"""The widths of the networks on which layouts are tried, before n_L: all different, so that only one layout fits."""
TRIAL_OUTPUTS = 2
TRIAL_SAMPLES = 4
ACTIVATIONS = (None, "relu", "sigmoid", "tanh", "ReLU", "Sigmoid")
"""What arguments that ask for the name of an activation are given, in turns; None where none asks."""
CHAINS = (("forward",), ("forward", "cost"), ())
SECONDS = 20
"""Of the processor; for so long layouts are tried for one reading of a file."""
_NEAR = 1e-5
"""A step that moves whatever is smooth, and next to never what is not."""


def fit(program: Driven, seed: int) -> Found:
    """What a trial finds out, with the layout under which most gradients have the shapes of their parameters.

    Raises CannotCheckError where the program runs in no layout.
    """
    best: Found | None = None
    failure: BaseException | None = None
    one_sample = not _counts_samples(program) or _knows_one_sample(program)
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


def _counts_samples(program: Driven) -> bool:
    called = [program.function(f) for f in (program.steps.maker, program.steps.forward) if f]
    if any((f.__module__ or "").startswith("gradcompare.") for f in called):  # a chain of the file's layers
        called = program.functions
    return source.counts_samples(source.reached(called))


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
    one = not _counts_samples(program) or holder.own_shapes or driver.takes_each_sample(maker)  # tried last
    one_by_one = getattr(program.steps.maker, "one_sample", False)
    one_row = getattr(program.steps.maker, "one_row", False)
    asks = any(words.role_of_argument(n) == "activation" for f in program.functions for n in source.argument_names(f))
    cotangent = "slope" in _wants(program) and program.steps.slope is None
    in_steps = sequences.goes_through_inputs(program.function(program.steps.forward or program.steps.maker))
    listed = sequences.goes_through_labels(maker)
    for depth in holder.depths:
        for activation in ACTIVATIONS if asks or _asks_for_activation(holder) else ACTIVATIONS[:1]:
            for folded in (False,) if holder.own_shapes else (False, True):
                for layout in layouts(
                    holder.own_shapes,
                    folded,
                    constants,
                    activation,
                    one or one_by_one,
                    not one_by_one,
                    holder.words_known,
                    holder.numbers and driver.takes_each_sample(maker),
                    in_steps,
                    listed,
                ):
                    starts_so = not holder.starts_as or layout.weights in holder.starts_as
                    starts_so = starts_so and (layout.outputs == 1 or not holder.one_output)
                    starts_so = starts_so and not (one_row and layout.samples in ("vector", "column"))
                    if (layout.labels == "cotangent") == cotangent and starts_so:
                        yield depth, layout


def _tried(program: Driven, depth: int, layout: Layout, seed: int) -> Found:
    """One layout; an exception where the program does not run in it."""
    outputs = layout.outputs or TRIAL_OUTPUTS
    sizes: tuple[int, ...] = (*TRIAL_SIZES[:depth], outputs)
    if layout.samples in OF_WORDS:
        sizes = (outputs, *sizes[1:])
    ones = program.holder.kind == "flat"
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
    shapes = _shapes(template, places)
    if layout.outputs is None and _has_its_own_outputs(program, network, layout, shapes):
        layout = program.trial_layout = replace(layout, outputs=outputs)
    fixed = _insisted(program.holder, network, shapes)
    if fixed == sizes and _follows(program, network, layout):
        fixed = None
    if fixed is None and _has_its_own_inputs(program, network, layout, shapes):
        fixed = sizes
    if program.holder.kind == "flat" and depth > 2:
        fixed = sizes  # the length of one vector does not tell the widths of several hidden layers
    if layout.samples == "number":
        fixed = (1, *dict.fromkeys(n for shape in shapes.values() if len(shape) == 2 for n in shape), 1)
    if layout.samples in OF_WORDS and layout.outputs:
        fixed = (layout.outputs, _state_width(shapes, layout.outputs), layout.outputs)
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
            trial = _Trial(program, network, layout, fixed, places, chain)
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


def _follows(program: Driven, network: Network, layout: Layout) -> bool:
    """Whether the parameters are as wide as they are asked to be where that is another width."""
    sizes = network.sizes
    asked = (*range(len(sizes) + max(sizes), 2 * len(sizes) + max(sizes) - 1), sizes[-1])
    shapes = _shapes_of(program, asked, layout, network.seed) or {}
    return asked in chained.ways([shape for shape in shapes.values() if len(shape) == 2])


def _has_its_own_outputs(program: Driven, network: Network, layout: Layout, shapes: Mapping[str, Any]) -> bool:
    """Whether the parameters have the same shapes where another number of outputs is asked for: the file's own number
    is that of the trial."""
    holder, sizes = program.holder, network.sizes
    roles = getattr(getattr(holder, "plan", None), "roles", {}).values()
    if not holder.own_shapes or not any("width" in role for role in roles) or sizes[-1] == 1:
        return False
    return shapes == _shapes_of(program, (*sizes[:-1], len(sizes) + max(sizes)), layout, network.seed)


def _has_its_own_inputs(program: Driven, network: Network, layout: Layout, shapes: Mapping[str, Any]) -> bool:
    """Whether the parameters of what is asked for no widths have the same shapes with other inputs: the file's own
    number of these is that of the trial."""
    holder, sizes = program.holder, network.sizes
    if not holder.own_shapes or holder.kind == "flat" or getattr(getattr(holder, "plan", None), "roles", {}):
        return False
    return shapes == _shapes_of(program, (len(sizes) + max(sizes), *sizes[1:]), layout, network.seed)


def _shapes_of(program: Driven, sizes: tuple[int, ...], layout: Layout, seed: int) -> dict[str, tuple[int, ...]] | None:
    """The shapes of the parameters where these widths are asked for; None where none are made."""
    with contextlib.suppress(Exception):
        other = draw(sizes, layout, seed)
        template = program.holder.build(other, layout)
        return _shapes(template, program.holder.places(template, [layout.X(other), layout.Y(other)]))
    return None


def _refuse_what_is_absent(template: Any) -> None:
    """Raise AbsentError for the first attribute that is an object of a class which is not there."""
    for value in getattr(template, "__dict__", {}).values():
        if isinstance(value, Absent):
            value.refuse()


def _shapes(template: Any, places: naming.Places) -> dict[str, tuple[int, ...]]:
    return {name: np.shape(paths.get(template, where[0])) for name, where in places.items()}


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


def draw(sizes: tuple[int, ...], layout: Layout, seed: int, ones: bool = False, fewest: int = 0) -> Network:
    """The network on which a layout is tried; it has another number of samples than units in any layer, also where one
    that is always 1 is counted: in deep ones, and with `ones`. `fewest`: so many samples there are at least."""
    taken = {*sizes, *((n + 1 for n in sizes) if len(sizes) > 3 or ones else ())}
    samples = (
        1
        if SAMPLES[layout.samples].one
        else next(n for n in itertools.count(max(TRIAL_SAMPLES, fewest)) if n not in taken)
    )
    if layout.samples == "sequences":
        samples = SEQUENCES * next(n for n in itertools.count(TRIAL_SAMPLES + 1) if n not in taken)
    return draw_network(sizes, samples, seed, labels=kind_of(layout))


def with_every_class(network: Network) -> Network:
    """The network with each class among its labels, where there are samples enough."""
    classes = network.Y.argmax(axis=0) if network.labels == "one_hot" else network.Y.copy()
    if network.labels not in ("one_hot", "classes") or network.m < network.sizes[-1]:
        return network
    where = np.random.default_rng(network.seed).permutation(network.m)
    classes[where[: network.sizes[-1]]] = np.arange(network.sizes[-1])
    hot = np.eye(network.sizes[-1], dtype=network.X.dtype)[:, classes]
    return replace(network, Y=classes if network.labels == "classes" else hot)


def kind_of(layout: Layout) -> str:
    """What `cases` calls a layout's labels."""
    return LABELS[layout.labels].kind


class _Trial:
    """One run in one layout: which arrays are parameters, and where their gradients are."""

    def __init__(
        self,
        program: Driven,
        network: Network,
        layout: Layout,
        fixed: tuple[int, ...] | None,
        places: naming.Places,
        chain: tuple[str, ...],
    ) -> None:
        self.program, self.places, self.layout = program, places, layout
        self.lost_cost: str | None = None
        self.inputs = program.arrange(network, layout, fixed, places)
        self.outputs = network.sizes[-1]
        with failures.reaching(failures.FORWARD):
            self.cost_from = self._cost_from(network)
            if SAMPLES[layout.samples].label and not self._is_a_sequence():
                raise ValueError("its samples are no sequences")
        self.places = self._those_that_matter(places)
        program.trial_places = self.places
        shapes = {name: np.shape(self.inputs[name]) for name in self.places}
        session = self._session()
        with failures.reaching(failures.BACKWARD):
            candidates = program.run_maker(session, chain)
        if program.steps.role == "update" and self._trains_on_others():
            raise ValueError("training gives the forward pass other samples than it is given itself")
        self.slots = naming.match(self.places, shapes, candidates)
        self.no_numbers = naming.without_numbers([n for n in self.places if n not in self.slots], session.result)
        arrays = dict(candidates)
        self._refuse_many_steps(chain)
        self._refuse_part_of_a_step()
        self._refuse_gradients_as_cost(arrays, session.result)
        self._refuse_classes_as_numbers(candidates, chain)
        if self.slots and not any(np.any(arrays[slot]) for slot in self.slots.values()):
            raise ValueError("what looks like gradients, or like an update, is 0 throughout")
        right = {name for name, slot in self.slots.items() if np.shape(arrays[slot]) == shapes[name]}
        if self._are_of_its_own_making(right, chain):
            raise ValueError("what looks like an update changes parameters of its own making")
        self.right = len(right)
        self.spread = tuple(
            name
            for name, slot in self.slots.items()
            if name not in right and np.shape(program.spread(slot, arrays[slot], shapes[name])) == shapes[name]
        )
        named = {name for name, slot in self.slots.items() if naming.likeness(name, slot.name) == 3}
        weights = {name for name, shape in shapes.items() if len(shape) == 2 and 1 not in shape}
        n, before = network.sizes[-1], network.sizes[-2]
        ends = {(n, before), (before, n), (n, before + 1), (before + 1, n), (n,), (n, 1), (1, n), ()}
        ends |= {(before,)} if n == 1 else set()
        self.last = [name for name in self.places if shapes[name] in ends] or list(self.places)
        self.enough = bool(weights) and weights <= right and set(self.places) == right | named

    def _are_of_its_own_making(self, right: Collection[str], chain: tuple[str, ...]) -> bool:
        """Whether what the code has in the end, in place of the parameters, is the same wherever they start."""
        if not self.slots or any(slot.where != "change" for slot in self.slots.values()):
            return False
        if not right:
            return True
        moved, changes = self._moved(), list[dict[naming.Slot, Any]]()
        with contextlib.suppress(Exception):  # far from where it starts it may not run
            for start in ({}, moved):
                with same_random_numbers():
                    changes.append(dict(self.program.run_maker(self._session(**start), chain)))
        if len(changes) < 2:
            return False
        of_right = {name: [change.get(self.slots[name]) for change in changes] for name in right}
        return all(
            before is not None and after is not None and _goes_along(after - before, moved[name] - self.inputs[name])
            for name, (before, after) in of_right.items()
        )

    def _refuse_classes_as_numbers(self, candidates: naming.Candidates, chain: tuple[str, ...]) -> None:
        """ValueError where classes 0, 1, ... are calculated with as if they were values: what comes out grows with
        them, while with several outputs they should only be looked up or compared."""
        if kind_of(self.layout) != "classes" or self.outputs == 1 or SAMPLES[self.layout.samples].axis == 1:
            return
        first, names = dict(candidates), list(self.slots.values())
        moved = []
        for by in (0.25, 0.5):
            with contextlib.suppress(Exception):
                session = self._session(Y=self.inputs["Y"] + by)
                found = dict(self.program.run_maker(session, chain))
                moved.append([values.plain(found[slot]) - values.plain(first[slot]) for slot in names])
        grows = len(moved) == 2 and all(np.allclose(2 * a, b) for a, b in zip(*moved, strict=True))
        if grows and any(np.any(np.abs(a) > 1e-9) for a in moved[0]):
            raise ValueError("labels that it calculates with are no classes")

    def _refuse_gradients_as_cost(self, arrays: Mapping[naming.Slot, Any], result: Any) -> None:
        """ValueError where the one number that is taken for the cost is the gradient of a parameter of one unit."""
        cost = values.cost_in(self.program.function(self.program.steps.maker), result)
        if self.cost_from == "maker" and any(arrays[slot] is cost for slot in self.slots.values()):
            raise ValueError("what looks like a cost is a gradient")

    def _refuse_part_of_a_step(self) -> None:
        """ValueError where a turn of a loop moves half of the parameters or fewer, and the file trains the others too:
        it is one through the layers, and no step of training."""
        moved = [name for name, slot in self.slots.items() if slot.where == "change"]
        if self.program.interface != "training-loop" or not moved or 2 * len(moved) > len(self.places):
            return
        trained = source.stepped_in_files([self.program.function(self.program.steps.maker), *self.program.functions])
        left = {name: where[0] for name, where in self.places.items() if name not in moved}
        parts = [name for name, path in left.items() if trained & {key for _, key in path}]
        if parts:
            raise ValueError("a turn of the loop leaves " + ", ".join(parts))

    def _refuse_many_steps(self, chain: tuple[str, ...]) -> None:
        """ValueError where what is taken for one step are several, such as one with each of several samples."""
        held = {str(where[0][0][1]) for where in self.places.values() if where[0]}
        maker = self.program.function(self.program.steps.maker)
        changed = any(slot.where == "change" for slot in self.slots.values())
        if changed and not SAMPLES[self.layout.samples].single and rounds.steps_with_each_sample(maker, held):
            raise ValueError("it goes a step with each sample; one at a time did not fit")
        if changed and self._bends(chain):
            raise ValueError("it goes several steps, one after another: half the learning rate is not half the way")

    def _bends(self, chain: tuple[str, ...]) -> bool:
        """Whether with half the learning rate no parameter goes half the way that it goes with all of it: after the
        first step another one starts from elsewhere. Of one step that takes new weights for old ones, the last layer
        still goes straight."""
        program, ways = self.program, list[dict[str, Any]]()
        rates_held = [path for path, value in paths.walk(self._session().root) if _is_rate_under_test(path, value)]
        try:
            for rate in (RATE, RATE / 2):
                program.rate = rate
                session = self._session()
                for path in rates_held:
                    session.root = paths.put(session.root, path, rate)
                with contextlib.suppress(Exception), same_random_numbers():
                    found = dict(program.run_maker(session, chain))
                    ways.append({n: found[slot] for n, slot in self.slots.items() if slot in found})
        finally:
            program.rate = RATE
        if len(ways) < 2:
            return False
        pairs = [(values.plain(way), values.plain(ways[1][n])) for n, way in ways[0].items() if n in ways[1]]
        straight = any(_alike(all_the_way, half) for all_the_way, half in pairs)
        heeded = any(not _alike(2 * all_the_way, half) for all_the_way, half in pairs)
        return bool(pairs) and heeded and not straight

    def _session(self, **changed: Any) -> Session:
        self.program.trial_places = self.places
        return self.program.session(copies(self.inputs) | changed, self.places)

    def _cost_from(self, network: Network) -> str | None:
        """Run forward; where a cost is."""
        steps = self.program.steps
        session = self._session()
        if steps.forward is not None:
            self.program.run_forward(session)
            if session.cost is not None:
                if self._is_flat(lambda session: session.cost):
                    raise ValueError("what looks like a cost only counts: small steps do not change it")
                return "forward"
            expected = network.sizes[-1] * SAMPLES[self.layout.samples].count(network.m)
            if values.plain(session.output).dtype.kind != "f":
                raise CannotBuildError("what looks like a forward function returns no real numbers")
            if np.size(session.output) != expected:
                raise ValueError(f"forward returned shape {np.shape(session.output)}; {expected} numbers were expected")
            if self._mixes_samples(session.output, expected):
                raise ValueError("what forward returns for one sample depends on the others")
            if self._is_flat(lambda session: session.output) and not self._costs_something_else(session, network):
                raise ValueError("what looks like a forward function returns classes, which have no slope")
            self.program.namers = values.namers(session, network.sizes, network.m)
            if self.layout.labels == "cotangent":
                shape, output = np.shape(session.output), session.output
                alike = [n for n, v in session.values.items() if np.shape(v) == shape and not values.equal(v, output)]
                self.program.ahead_of_output = alike[::-1]
                return "cotangent"
        if steps.cost is not None:
            self.lost_cost = self._tried_cost(session, network)
            if self.lost_cost is None:
                return "function"
        if steps.forward is None or steps.role == "fused":
            return self._cost_of_maker(session)
        return "step" if steps.role == "update" and self._step_tells_cost() else None

    def _step_tells_cost(self) -> bool:
        """Whether what updates the parameters returns a number that depends on them."""
        costs: list[Any] = []
        for moved in ({}, self._moved()):
            session = self._session(**moved)
            with contextlib.suppress(Exception):
                self.program.run_forward(session)
                self.program.run_made(session)
                costs += [values.plain(session.cost)] if np.size(session.cost) == 1 and session.cost is not None else []
        return len(costs) == 2 and bool(np.isfinite(costs).all()) and not values.equal(*costs)

    def _mixes_samples(self, output: Any, expected: int) -> bool:
        """Whether code that says nothing of several samples, or is given one, gives one of them another output for
        what another one is: e / np.sum(e) is a softmax of one sample."""
        each = driver.takes_each_sample(self.program.function(self.program.steps.maker))
        several = _counts_samples(self.program) and not each
        if SAMPLES[self.layout.samples].single or self.outputs == expected or several:
            return False
        X = np.array(self.inputs["X"])
        np.moveaxis(X, self.program.samples_axis, 0)[0] += 0.37
        session = self._session(X=X)
        self.program.run_forward(session)
        differs = values.plain(session.output) != values.plain(output)
        return int(np.count_nonzero(differs)) > self.outputs

    def _costs_something_else(self, session: Session, network: Network) -> bool:
        """Whether the cost asks for something else that forward returns, beside classes: for Z2 of Z2 and sign(Z2)."""
        return self.program.steps.cost is not None and self._tried_cost(session, network) is None

    def _tried_cost(self, session: Session, network: Network) -> str | None:
        """Why the cost function gives no cost, in words; None where it does."""
        function = self.program.function(self.program.steps.cost)
        name = getattr(function, "__name__", "the cost function")
        try:
            cost = self.program.run_cost(session)
        except Exception as error:
            line = line_in(error, file_of(self.program))
            return f"{name} stops" + (f" at line {line}" if line != "?" else "") + f" ({describe(error)})"
        if np.size(cost) != 1:
            return f"{name} gives an array of shape {np.shape(cost)}"
        if np.asarray(values.plain(cost)).dtype.kind not in "fiu":
            return f"{name} gives no number but {'nothing' if cost is None else f'a {type(cost).__name__}'}"
        if not np.isfinite(values.plain(cost)).all():
            return f"{name} gives no finite number"
        if not self._moves(cost):
            return f"{name} does not depend on the parameters"
        if self._is_flat(self.program.run_cost):
            return f"{name} only counts: small steps do not change it"
        ignores = ignores_an_output(self._cost_with_labels, network, self.layout)
        return f"{name} does not depend on all of them" if ignores else None

    def _cost_with_labels(self, Y: Any) -> Any:
        return self.program.run_cost(self._run_forward_with(Y=Y))

    def _moves(self, cost: Any) -> bool:
        """Whether the cost depends on the parameters: one of labels and labels does not."""
        return not values.equal(self.program.run_cost(self._ahead(1.0)), cost)

    def _is_flat(self, of: Callable[[Session], Any]) -> bool:
        """Whether what is made of the parameters is the same nearby, wherever they are: a number of right answers, a
        class, a sign."""
        if not self.places:
            return False
        with contextlib.suppress(Exception):  # far from where it starts it may not run
            for step in (0.0, 1.0, 2.0):
                here, near = of(self._ahead(step)), of(self._ahead(step + _NEAR))
                if not (values.equal(here, near) and np.isfinite(values.plain(here)).all()):
                    return False
            return True
        return False

    def _ahead(self, step: float) -> Session:
        """A session that has run forward with other parameters."""
        return self._run_forward_with(**self._moved(step))

    def _run_forward_with(self, **changed: Any) -> Session:
        session = self._session(**changed)
        if self.program.steps.forward is not None:
            self.program.run_forward(session)
        return session

    def _moved(self, step: float = 1.0) -> dict[str, Any]:
        """Each parameter, moved by a step in a direction of its own."""
        generator = np.random.default_rng(5)
        return {
            name: self.inputs[name] + step * generator.standard_normal(np.shape(self.inputs[name]))
            for name in self.places
        }

    def _cost_of_maker(self, session: Session) -> str:
        if self._made_cost(session) is None:
            raise ValueError("no cost was found, and no forward function")
        if np.ndim(session.cost) and values.returns_its_output(self.program.function(self.program.steps.maker)):
            raise ValueError("what is returned beside the gradients is an output, and no cost")
        return "maker"

    def _made_cost(self, session: Session) -> Any:
        """The cost that the same call gives as the gradients."""
        with failures.reaching(failures.BACKWARD):
            self.program.run_made(session)
        return session.cost

    def _trains_on_others(self) -> bool:
        """Whether the forward pass in training starts from other numbers than the one beside it: standardised ones."""
        program = self.program
        if program.steps.forward is None:
            return False
        function, session = program.function(program.steps.forward), self._session()
        with seen.noted(function) as ahead:
            program.run_forward(session)
        try:
            with seen.noted(function) as within:
                program.run_maker(self._session(), ())
        except Exception:  # it goes back from a forward pass that it is given
            return False
        return seen.others(ahead, within)

    def _those_that_matter(self, places: naming.Places) -> naming.Places:
        """What cost or output depend on, and the forward pass does not write itself; from here on with the numbers
        with which most do, for in a deep network all units of a layer may be dead."""
        if not self.program.holder.own_shapes:
            return places
        written, inputs = {name for name in places if self._writes(name)}, self.inputs
        fewest: tuple[set[str], dict[str, Any]] | None = None
        for other in ({}, {name: np.abs(inputs[name]) for name in places}, self._moved()):
            self.inputs = inputs | other
            with contextlib.suppress(Exception) if fewest else contextlib.nullcontext():
                output = self._effect({})
                idle = {name for name in places if name not in written and not self._has_effect(name, output)}
                fewest = (idle, self.inputs) if fewest is None or len(idle) < len(fewest[0]) else fewest
            if fewest and not fewest[0]:
                break
        assert fewest is not None
        idle, self.inputs = fewest
        return {name: where for name, where in places.items() if name not in written | idle}

    def _is_a_sequence(self) -> bool:
        """Whether the first step and the last count for what is given in the end."""
        X, whole = self.inputs["X"], self.inputs["X"].dtype.kind != "f"
        axis = 1 if SAMPLES[self.layout.samples].label == "rows" else 0
        output = self._effect({})
        if whole and self._calculates_with(X + 0.37):
            return False
        for step in (0, -1):
            moved = X.copy()
            one = np.moveaxis(moved, axis, 0)[step : step + 1 or None]
            one[...] = (one + 1) % max(X.max(), 1) if whole else one + 0.37
            if values.equal(self._effect({"X": moved}), output):
                return False
        return True

    def _calculates_with(self, X: Any) -> bool:
        """Whether it runs with numbers that are no places."""
        with contextlib.suppress(Exception):
            self._effect({"X": X})
            return True
        return False

    def _has_effect(self, name: str, output: Any) -> bool:
        step = 0.37 * np.random.default_rng(3).standard_normal(np.shape(self.inputs[name]))
        return not values.equal(self._effect({name: self.inputs[name] + step}), output)

    def _writes(self, name: str) -> bool:
        steps = self.program.steps
        if steps.forward is None or self.cost_from == "maker" or steps.forward == steps.maker:
            return False
        session = self._session()
        self.program.run_forward(session, names_values=False)
        now = [paths.get(session.root, path) for path in self.places[name]]
        return any(np.shape(a) == np.shape(self.inputs[name]) and not values.equal(a, self.inputs[name]) for a in now)

    def _effect(self, changed: Mapping[str, Any]) -> Any:
        session = self._session(**changed)
        if self.cost_from == "maker":
            return self._made_cost(session)
        if self.program.steps.forward is None:
            return self.program.run_cost(session)
        self.program.run_forward(session, names_values=False)
        return session.output


def _is_rate_under_test(path: paths.Path, value: Any) -> bool:
    return type(value) is float and value == RATE and words.role_of_argument(paths.word(path)) == "learning_rate"


def _alike(one: Any, other: Any) -> bool:
    return np.shape(one) == np.shape(other) and bool(np.allclose(one, other, rtol=_NEAR, atol=1e-9))


def _goes_along(change: Any, moved: Any) -> bool:
    """Whether a change over the learning rate is so much larger as a parameter has moved away."""
    difference = values.plain(change) * RATE - moved
    return bool(np.all(np.abs(difference) <= _NEAR * np.max(np.abs(moved), initial=0.0)))


def _state_width(shapes: Mapping[str, tuple[int, ...]], words: int) -> int:
    """The width of what goes from one word of a sequence to the next: of a square matrix, else the smallest that is not
    that of words, for gates may lie one under the other."""
    square = [shape[0] for shape in shapes.values() if len(shape) == 2 and shape[0] == shape[1]]
    others = sorted(n for shape in shapes.values() for n in shape if n not in (1, words))
    return [*square, *others, words][0]


def _insisted(holder: Any, network: Network, shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...] | None:
    """The widths that the file's own shapes insist on; None where they are those asked for."""
    sizes = network.sizes
    weights = [shape for name, shape in shapes.items() if len(shape) == 2 and not re.match(r"b|\w*bias", name, re.I)]
    roles = getattr(getattr(holder, "plan", None), "roles", {"": "all"}).values()
    asked = any(role.startswith(("width", "all", "inner")) for role in roles)
    known = {*sizes, *(n + 1 for n in sizes), 1} if asked else set()
    ways = [way for way in chained.ways(weights) if len(way) == len(sizes)]
    other_ends = ways[0] if ways and sizes not in ways else None
    others = {n for shape in weights for n in shape} - {*sizes, 1}
    if not ways and others and len(weights) >= len(sizes):  # more layers than are asked for: some widths are the file's
        other_ends = next(iter(chained.ways(weights)), None)
    if not ways and other_ends is None and len(weights) == len(sizes):  # what goes in is to come out: an autoencoder
        other_ends = next((way for way in chained.ways(weights) if way[0] == way[-1]), None)
    if not weights or all(n in known for shape in weights for n in shape):
        return other_ends
    of_samples = [i for i, shape in enumerate(weights) if network.m in shape]  # such as an output that is kept
    without = (left for count in (0, 1, 2) for left in itertools.combinations(of_samples, count))
    chains = [[shape for i, shape in enumerate(weights) if i not in left] for left in without]
    chains += [[shape for shape in weights if shape[axis] != 1] for axis in (0, 1)]  # without biases that are matrices
    return next((way for some in chains for way in chained.ways(some)), None)


def numbers(network: Network, layout: Layout, templates: Mapping[str, Any]) -> dict[str, Any]:
    """Values for the parameters: the network's own where a shape is one of its, else drawn from its seed."""
    generator = np.random.default_rng(network.seed)
    dtype = network.X.dtype
    left = dict(network.parameters)
    arrays: dict[str, Any] = {}
    for name, template in templates.items():
        shape = np.shape(template)
        if not layout.folded:
            fit_ = next(
                (k for k, a in left.items() if shape in (a.shape, a.T.shape) or (k[0] == "b" and shape == a.shape[:1])),
                None,
            )
        else:
            fit_ = None
        if fit_ is not None:
            own = left.pop(fit_)
            arrays[name] = (
                own.copy() if own.shape == shape else own.T.copy() if own.T.shape == shape else own[:, 0].copy()
            )
        else:
            fan = max(shape) if len(shape) > 1 else 4
            size = 1 / np.sqrt(fan)
            if layout.samples in OF_WORDS or SAMPLES[layout.samples].label:
                # bounds are multiplied by the sum of a row's sizes, over and over
                size = 1 / fan
            arrays[name] = np.asarray(generator.standard_normal(shape) * size).astype(dtype)
    return arrays
