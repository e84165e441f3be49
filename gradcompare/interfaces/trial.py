"""One run in one layout, and all that it must show to be a forward pass, a cost and gradients."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcompare.interfaces import driver, failures, inside, naming, paths, rounds, seen, source, values, words
from gradcompare.interfaces.drawing import draw, kind_of
from gradcompare.interfaces.failures import CannotBuildError, describe, file_of, line_in
from gradcompare.interfaces.layouts import RATE, SAMPLES, Layout, copies
from gradcompare.interfaces.session import Session
from gradcompare.interfaces.whole_costs import ignores_an_output
from gradcompare.network import Network
from gradcompare.tracing.randomness import same_random_numbers

if TYPE_CHECKING:
    from gradcompare.interfaces.driven import Driven


_NEAR = 1e-5
"""A step that moves whatever is smooth, and next to never what is not."""


class Trial:
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
        if self.cost_from is None:
            self._refuse_another_output(places, candidates)
        if not (self.slots or program.unseen):
            program.unseen = inside.why_only_named(program.function(program.steps.maker))
            if program.unseen:
                session = self._session()
                candidates = program.run_maker(session, chain)
                self.slots = naming.match(self.places, shapes, candidates)
        self.no_numbers = naming.without_numbers([n for n in self.places if n not in self.slots], session.result)
        arrays = dict(candidates)
        self._refuse_many_steps(chain)
        self._refuse_part_of_a_step()
        self._refuse_gradients_as_cost(arrays, session.result)
        self._refuse_classes_as_numbers(candidates, chain)
        self.heeds_labels = self.cost_from is not None or self._heeds_labels(network, fixed, arrays, chain)
        if not self.heeds_labels and "output" in self.program.asks_for:
            raise ValueError("what goes back is told no labels, and what it calls the output may be a gradient")
        if self.slots and not any(np.any(arrays[slot]) for slot in self.slots.values()):
            raise ValueError("what looks like gradients, or like an update, is 0 throughout")
        right = {name for name, slot in self.slots.items() if np.shape(arrays[slot]) == shapes[name]}
        only_changes = bool(self.slots) and all(slot.where == "change" for slot in self.slots.values())
        remade = self._remade(right, chain) if only_changes else set()
        if only_changes and remade == right:
            raise ValueError("what looks like an update changes parameters of its own making")
        right -= remade
        self.places = program.trial_places = {name: where for name, where in self.places.items() if name not in remade}
        self.slots = {name: slot for name, slot in self.slots.items() if name not in remade}
        shapes = {name: shape for name, shape in shapes.items() if name not in remade}
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

    def _remade(self, right: Collection[str], chain: tuple[str, ...]) -> set[str]:
        """What is in the end the same wherever it starts, but for entries that nothing changes: parameters that the
        code makes afresh, and the values of a layer."""
        moved = self._moved()
        first = self._changes(chain)
        ways = {name: (first.get(name), self._changes(chain, **{name: moved[name]}).get(name)) for name in right}
        return {n for n, (a, b) in ways.items() if _ends_where_it_did(a, b, moved[n] - self.inputs[n])}

    def _changes(self, chain: tuple[str, ...], **start: Any) -> dict[str, Any]:
        """By how much each parameter changes over the learning rate, from another start; nothing where that fails: far
        from where it starts the code may not run."""
        with contextlib.suppress(Exception), same_random_numbers():
            found = dict(self.program.run_maker(self._session(**start), chain))
            return {name: found[slot] for name, slot in self.slots.items() if slot in found}
        return {}

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

    def _heeds_labels(
        self, network: Network, fixed: tuple[int, ...] | None, arrays: Mapping[naming.Slot, Any], chain: tuple[str, ...]
    ) -> bool:
        """Whether other labels make other gradients; where code stops at them, they do."""
        if self.program.learns_its_inputs:
            return True
        asked = False
        for seed in range(1, 9):
            other = draw(network.sizes, self.layout, network.seed + seed, fewest=network.m)
            Y = self.program.arrange(other, self.layout, fixed, self.places)["Y"]
            if np.shape(Y) != np.shape(self.inputs["Y"]) or values.equal(Y, self.inputs["Y"]):
                continue
            try:
                found = dict(self.program.run_maker(self._session(Y=Y), chain))
            except Exception:
                return True
            if any(not values.equal(found.get(slot, np.nan), arrays[slot]) for slot in self.slots.values()):
                return True
            asked = True
        return not (asked and self.slots)

    def _refuse_gradients_as_cost(self, arrays: Mapping[naming.Slot, Any], result: Any) -> None:
        """ValueError where the one number that is taken for the cost is the gradient of a parameter of one unit."""
        cost = values.cost_in(self.program.function(self.program.steps.maker), result)
        if self.cost_from == "maker" and any(arrays[slot] is cost for slot in self.slots.values()):
            raise ValueError("what looks like a cost is a gradient")

    def _refuse_another_output(self, places: naming.Places, candidates: naming.Candidates) -> None:
        """ValueError where parameters that do not matter to the output have gradients, and matter to something else
        that goes forward: that has labels of its own, and an assumed cost would be that of one output alone."""
        idle = {name: where for name, where in places.items() if name not in self.places}
        arrays = dict(candidates)
        slots = naming.match(idle, {name: np.shape(self.inputs[name]) for name in idle}, candidates)
        for name in (n for n, slot in slots.items() if np.any(arrays[slot])):
            ahead = []
            for moved in ({}, {name: self.inputs[name] + 0.37}):
                session = self.program.session(copies(self.inputs) | moved, places)
                self.program.run_forward(session)
                ahead.append(session.values)
            other = next((n for n, value in ahead[0].items() if not values.equal(value, ahead[1].get(n))), None)
            if other is not None:
                raise ValueError(f"there are several outputs: {name} matters to {other} alone")

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
        """Whether what updates the parameters returns a number that depends on them, and does not only count: small
        steps change it somewhere."""
        for step in (0.0, 1.0, 2.0):
            costs: list[Any] = []
            for moved in (step, step + _NEAR):
                session = self._session(**self._moved(moved))
                with contextlib.suppress(Exception):
                    self.program.run_forward(session)
                    self.program.run_made(session)
                    one = np.size(session.cost) == 1 and session.cost is not None
                    costs += [values.plain(session.cost)] if one else []
            if len(costs) == 2 and bool(np.isfinite(costs).all()) and not values.equal(*costs):
                return True
        return False

    def _mixes_samples(self, output: Any, expected: int) -> bool:
        """Whether code that says nothing of several samples, or is given one, gives one of them another output for
        what another one is: e / np.sum(e) is a softmax of one sample."""
        each = driver.takes_each_sample(self.program.function(self.program.steps.maker))
        several = self.program.counts_samples and not each
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
        """Why the cost function gives no cost, in words; None where it does: of what it says that it is given, else of
        the output where it is given labels alone and its object has these."""
        program, function = self.program, self.program.function(self.program.steps.cost)
        program.cost_takes_output = False
        why = self._why_no_cost(session, network)
        roles = [words.role_of_argument(name) for name in source.argument_names(function)]
        if why is not None and roles == ["targets"] and program.steps.forward is not None:
            program.cost_takes_output = True
            if self._why_no_cost(session, network) is None:
                return None
            program.cost_takes_output = False
        return why

    def _why_no_cost(self, session: Session, network: Network) -> str | None:
        """Why the cost function gives no cost, in words."""
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
        if np.size(session.cost) != 1 and not values.returns_a_cost(self.program.function(self.program.steps.maker)):
            raise ValueError("what is returned beside the gradients is no number, and not called a cost")
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
        """Whether a parameter matters to the output, or to a cost that has others beside it."""
        step = 0.37 * np.random.default_rng(3).standard_normal(np.shape(self.inputs[name]))
        moved = {name: self.inputs[name] + step}
        if not values.equal(self._effect(moved), output):
            return True
        if self.cost_from != "function":
            return False
        costs = [self.program.run_cost(self._run_forward_with(**changed)) for changed in ({}, moved)]
        return not values.equal(*costs)

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


def _ends_where_it_did(change: Any, after: Any, moved: Any) -> bool:
    """Whether a second change over the learning rate, from a place so far away, leads to where the first one does."""
    if change is None or after is None:
        return False
    one, other = values.plain(change), values.plain(after)
    same = np.abs((other - one) * RATE - moved) <= _NEAR * np.max(np.abs(moved), initial=0.0)
    untouched = (one == 0) & (other == 0)
    return bool(np.all(same | untouched) and np.any(same & ~untouched))
