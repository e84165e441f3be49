"""One program for all shapes: a holder of parameters, and the functions or methods that are driven over it.

What a shape of code comes down to is four questions. What holds the parameters (a `Holder`); what takes the inputs
and gives an output (`forward`); what yields a cost (`cost`, or the same call that yields gradients); and where, after
the call of `maker`, arrays are that have the parameters' shapes or names: returned, stored, or in the parameters that
changed.
"""

from __future__ import annotations

import contextlib
import functools
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from gradcompare.interfaces import (
    ascent,
    averaged,
    axes,
    calling,
    drawing,
    driver,
    fitting,
    inside,
    meaning,
    metrics,
    naming,
    one_output,
    paths,
    rates,
    source,
    strengths,
    usage,
    values,
    words,
)
from gradcompare.interfaces.holders import Holder, set_for_now
from gradcompare.interfaces.layouts import KEEP, RATE, REGULARISATION, SAMPLES, STEPS, Layout
from gradcompare.interfaces.outcomes import differs, outcomes
from gradcompare.interfaces.program import CannotCheckError, Program
from gradcompare.interfaces.remarks import remarks
from gradcompare.interfaces.session import Found, Session, Steps
from gradcompare.loading.absent import Absent
from gradcompare.network import Network, draw_network
from gradcompare.tracing import randomness
from gradcompare.tracing.randomness import same_random_numbers


class Driven(Program):
    """A holder, and the functions driven over it."""

    def __init__(self, interface: str, holder: Holder, steps: Steps, functions: list[Callable[..., Any]]) -> None:
        self.interface, self.holder, self.steps = interface, holder, steps
        self.functions = functions
        self.parameters, self.last_layer, self.notes = [], [], []
        self.found: Found | None = None
        self.has_cost = self.complete = self.given_slope = False
        self.shares: list[averaged.Share] = []
        self.unseen = ""
        """Why gradients are looked for among local variables (see `inside`); nothing where they show."""
        self.metric = None
        self.only_updates = False
        self.samples_axis = 1
        self.rate: float = RATE
        self.sign = 1.0
        self.namers: values.Namers = {}
        self.trial_places: naming.Places = {}
        self.trial_layout: Layout | None = None
        self.activation: str | None = None
        """The only one that functions are told, where they ask for one by its name."""
        self._templates: dict[Any, Any] = {}
        self._last: Session | None = None
        self._share = averaged.Share(1.0, False)
        self._slope_of: str | None = None
        self._strength = REGULARISATION
        self.cost_takes_output = False
        """Whether what a cost calls its labels is the output: y of `np.sum((self.train_Y - y) ** 2)`."""

    # ---- the API of every program

    def fit(self, seed: int) -> None:
        """Take the layout under which most gradients have their parameters' shapes."""
        if self.found is None:
            found = fitting.fit(self, seed)
            if self.unseen and any(slot.where == "change" for slot in found.slots.values()):
                found = self._fit_unseen(found, seed)
            self.settle(found)

    def _fit_unseen(self, before: Found, seed: int) -> Found:
        """What is found once it is known, of a layout that was tried later, that steps do not show the gradients."""
        try:
            return fitting.fit(self, seed)
        except CannotCheckError:
            return before

    def settle(self, found: Found) -> None:
        """Take what a trial found out."""
        self.found = found
        self.parameters, self.last_layer = list(found.places), found.last
        samples = SAMPLES[found.layout.samples]
        self.samples_axis, self.takes_one_sample = samples.axis, samples.single
        self.has_cost = found.cost_from is not None
        self.complete = set(found.slots) == set(found.places)
        self.is_network = self.holder.is_network
        self.own_widths = list(found.sizes or ()) if self.is_network else []
        self.says_one_output = one_output.says_one(self.holder)
        if found.cost_from == "function":
            cost = self.function(self.steps.cost)
            self.metric, self.cost_called = metrics.why_metric(cost), source.is_called(cost)
            slope = self.function(self.steps.slope) if self.steps.slope is not None else None
            self.shares = averaged.shares(cost, slope)
        elif found.cost_from == "step":
            step = getattr(self.function(self.steps.maker), "__name__", "the update")
            self.metric = f"the gradients are not those of what {step} returns"
        self.loss = None if found.heeds_labels else "output"
        self.notes = list(remarks(found, self.holder))
        if self._count and not self.takes_one_sample:
            self.notes.append(f"The file divides by the number of its own samples, {self._count}: so many were drawn.")
        changed = any(slot.where == "change" for slot in found.slots.values())
        self.only_updates = changed
        if changed:
            self.unseen = ""
            maker, root = self.function(self.steps.maker), next(iter(self._templates.values()))[0]
            self.rate = rates.rate_of(maker, self.functions, root, self.globals_read())
            self.notes.append(
                f"No gradient is to be seen, only its effect: it is taken to be (before - after) / {self.rate:g}."
            )
        elif self.unseen:
            self.notes.append(self.unseen)
        elif rates.is_given(self.function(self.steps.maker)):  # return lr * dW
            self.rate = 1.0
        self.given_slope = found.cost_from == "cotangent"  # of either sign
        costs = [self.function(f) for f in (self.steps.forward, self.steps.cost) if f is not None]
        own_cost = found.cost_from in ("function", "forward")
        if own_cost and strengths.only_backward_has_one(self.function(self.steps.maker), costs):
            self._strength = 0.0
            self.notes.append(
                "The cost knows no regulariser, backward is told the strength of one: its strength is 0 here, and the "
                "term that it adds is not checked."
            )
        elif own_cost and strengths.another_backward_has_one(self.function(self.steps.maker), costs):
            self._strength = 0.0
            self.notes.append(
                "The cost is told the strength of a regulariser that this backward knows nothing of, and another of "
                "the file does: it is 0 here."
            )
        elif found.cost_from is not None and strengths.only_the_step_has_one(self.function(self.steps.maker), costs):
            self._strength = 0.0
            self.notes.append(
                "The cost is told the strength of a regulariser, and what applies the gradients adds its term: the "
                "strength is 0 here, and the term is not checked."
            )
        self.goes_down = changed or (not self.given_slope and ascent.subtracts_gradients(self.functions) is not None)
        self.uphill = ascent.adds_among_others(self.functions) if not changed and not self.given_slope else []
        of_any_sign = changed or self.given_slope or not self.is_network
        added_at = None if of_any_sign else ascent.adds_gradients(self.functions)
        if added_at is not None:
            self.sign = -1.0
            self.notes.append(
                f"Line {added_at} adds the gradient to the parameter: what the code calls the gradient is the negative "
                "one, a convention."
            )
        self._templates.clear()

    @property
    def shows_gradients(self) -> bool:
        """Whether gradients are to be seen, and not only what they do to the parameters."""
        return self.found is not None and all(slot.where != "change" for slot in self.found.slots.values())

    def networks(self) -> dict[str, Any]:
        """As many layers and outputs as the file allows."""
        assert self.found is not None
        layout, sizes = self.found.layout, self.found.sizes
        outputs: Any = sizes[-1] if sizes else layout.outputs or (2, 5)
        kwargs: dict[str, Any] = {"layers": self.found.depth, "outputs": outputs, "labels": drawing.kind_of(layout)}
        if self.counts_classes:
            fewest = max(6, outputs) if isinstance(outputs, int) else 6
            kwargs |= {"samples": (fewest, fewest + 3)}
        kwargs |= {"samples": (self._count, self._count)} if self._count else {}
        if SAMPLES[layout.samples].label:
            each = SAMPLES[layout.samples].count(STEPS[-1])
            return kwargs | {"samples": tuple(n * each for n in STEPS)}
        return kwargs | ({"samples": (1, 1)} if SAMPLES[layout.samples].one else {})

    @functools.cached_property
    def learns_its_inputs(self) -> bool:
        """Whether what goes a step, or what goes forward and back, is given samples and nothing that may be labels: an
        autoencoder."""
        maker, forward = self.function(self.steps.maker), self.steps.forward
        roles = _asked_for(maker)
        if self.steps.role == "backward" and forward is not None and not roles:
            labels = [n for n in self.globals_read() if words.role_of_argument(n) == "targets"]
            told = "targets" in getattr(getattr(self.holder, "plan", None), "roles", {}).values()
            roles = [] if told or labels or self.steps.cost is not None else _asked_for(self.function(forward))
        elif self.steps.role == "fused" and forward is None:
            needed = [n for n, p in source.signature(maker).items() if p.default is p.empty and n != "self"]
            named = [(n, words.role_of_argument(n) or words.role_of_size(n)) for n in needed]
            roles = [role for name, role in named if role or not usage.told(maker, name)]
        elif self.steps.role != "update":
            return False
        return bool("inputs" in roles and not {"targets", "slope", "output", None} & set(roles))

    @functools.cached_property
    def asks_for(self) -> set[str | None]:
        """The roles of what the maker of the gradients is given."""
        return _roles_of(self.function(self.steps.maker))

    @functools.cached_property
    def _count(self) -> int | None:
        """How many samples there must be, for the file writes down how many it has."""
        called = [f for f in (self.function(self.steps.maker), *self.functions) if callable(f)]
        return averaged.counted_by_hand(called, self.samples_axis)

    def inputs(self, network: Network) -> dict[str, Any]:
        """Each parameter under its name, in the shape that the file gives it, X and Y."""
        assert self.found is not None
        return self.arrange(network, self.found.layout, self.found.sizes, self.found.places)

    def start(self, inputs: Mapping[str, Any]) -> dict[str, Any] | None:
        """What the file's own initialiser, constructor or global names give the parameters."""
        assert self.found is not None
        template, *_ = self._templates[_key(inputs)]
        start = self.holder.start(template)
        if start is None:
            return None
        return {name: np.asarray(paths.get(start, where[0])) for name, where in self.found.places.items()}

    def forward(self, inputs: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The output, and every named value that the forward call returns or stores."""
        session = self.session(inputs)
        self.run_forward(session)
        if not self.has_cost:
            session.output = _upright(session.output, session.known["samples"], self.samples_axis)
        self._last = session
        return session.output, session.values

    def cost(self, inputs: Mapping[str, Any], output: Any) -> Any:
        """The file's own cost: of the run that gave this output, where it was the last."""
        session = self._last
        if session is None or session.output is not output:
            session = self.session(inputs)
            self.run_forward(session)
        self._last = None
        if session.cost is None:
            session.cost = self.run_cost(session)
        cost = session.cost.sum() if np.ndim(session.cost) else session.cost  # of each output one: sum(rows)
        if self._share.factor != 1:
            cost = self._share.factor * cost
        return cost / session.known["samples"] if self._share.mean else cost

    def share_of_cost(self, factor: float, mean: bool) -> None:
        """See Program."""
        self._share = averaged.Share(factor, mean)

    def give_slope_of(self, name: str | None) -> None:
        """See Program."""
        self._slope_of = name

    def draw_smaller(self) -> None:
        """See Program; of these the size of a network is told by whoever draws it."""

    def gradients(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """What the file returns, stores or applies, under "d" and the name of what it is the gradient of."""
        assert self.found is not None
        session = self.session(inputs)
        candidates = dict(self.run_maker(session, self.found.chain))
        claims = self._of_parameters(session, candidates)
        used = set(self.found.slots.values())
        changed = self._changed
        left = {
            slot.name: array
            for slot, array in candidates.items()
            if slot not in used and slot.where != "change" and slot.name[1:] not in changed
        }
        return claims | {
            name: self._signed(a) for name, a in values.claims(left, session.values, session.inputs).items()
        }

    def _of_parameters(self, session: Session, candidates: Mapping[naming.Slot, Any]) -> dict[str, Any]:
        """The gradients by name; where a step does not go where its gradient says, the step."""
        assert self.found is not None
        claims = {}
        for name, slot in self.found.slots.items():
            if slot in candidates:
                gradient = self._signed(self.spread(slot, candidates[slot], np.shape(session.inputs[name])))
                step = session.steps.get(name)
                claims[f"d{name}"] = gradient if step is None or inside.goes_along(step, gradient) else step
        return claims

    def spread(self, slot: naming.Slot, array: Any, shape: tuple[int, ...]) -> Any:
        """A gradient in the shape of its parameter, where it only lacks axes that are added when it is applied."""
        return axes.spread(array, shape, axes.are_added_later(self.function(self.steps.maker), slot.name))

    def again(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """As `gradients`, of the parameters alone, from a second call on what a first one has left behind: with the
        same parameters, samples, labels and random numbers. Nothing where the code updates its parameters by itself,
        or where the second call does not give the same output or cost."""
        assert self.found is not None
        if not self.shows_gradients or self.steps.role == "update" or self.holder.sees_data:
            return {}
        session = self.session(inputs)
        with same_random_numbers():
            self.run_maker(session, self.found.chain)
        first = session.output, session.cost
        for name, where in self.found.places.items():
            array = _like(inputs[name].copy(), paths.get(session.root, where[0]))
            for path in where:
                session.root = paths.put(session.root, path, array)
        session.output = session.cost = None
        with same_random_numbers():
            found = self._of_parameters(session, dict(self.run_maker(session, self.found.chain, all_stored=True)))
        told = [(a, b) for a, b in zip(first, (session.output, session.cost), strict=True) if a is not None]
        alike = told and all(b is not None and not differs(b, a) for a, b in told)
        return found if alike else {}

    @functools.cached_property
    def counts_samples(self) -> bool:
        """Whether the code says something of several samples."""
        called = [self.function(f) for f in (self.steps.maker, self.steps.forward) if f]
        if any((f.__module__ or "").startswith("gradcompare.") for f in called):  # a chain of the file's layers
            called = self.functions
        if source.is_of_vectors(self.function(self.steps.maker)):
            return False  # y.shape[0] counts outputs
        return source.counts_samples(source.reached(called))

    @functools.cached_property
    def counts_classes(self) -> bool:
        """Whether the code tells from labels how many classes there are."""
        return source.counts_classes(source.reached([f for f in self.functions if callable(f)]))

    @functools.cached_property
    def _takes_one_entry(self) -> bool:
        """Whether backward looks for the one entry of the slope that is not 0."""
        maker = self.function(self.steps.maker)
        return any(source.skips_zeros_of(maker, name) for name in source.argument_names(maker))

    @functools.cached_property
    def _keeps_by_layer(self) -> bool:
        """Whether what is asked for as the part that dropout keeps is a number for each layer, inputs among them."""
        rows = [(f, n) for f in self.functions if isinstance(f, types.FunctionType) for n in source.argument_names(f)]
        return any(words.role_of_argument(name) == "keep" and name in source.entered_in(f) for f, name in rows)

    @functools.cached_property
    def _hands_out_lists(self) -> bool:
        """Whether what makes the gradients makes lists of its arrays."""
        run = source.reached([self.function(self.steps.maker)])
        return any("tolist" in source.names_called(function) for function in run)

    @functools.cached_property
    def _changed(self) -> set[str]:
        """Names of forward that stand for one value after another, as with dropout: which one dA1 is of is not said."""
        return source.changed_in(self.function(self.steps.forward)) if self.steps.forward is not None else set()

    def _signed(self, array: Any) -> Any:
        return array if self.sign == 1 else self.sign * array

    # ---- one run

    def arrange(
        self, network: Network, layout: Layout, sizes: tuple[int, ...] | None, places: naming.Places
    ) -> dict[str, Any]:
        """The arrays that stand for a network; the root that they go into is kept. What has no gradient is as the file
        makes it: it may be meant to stay so."""
        dtype = network.X.dtype
        if sizes is not None and network.sizes != sizes:
            network = draw_network(sizes, network.m, network.seed, labels=network.labels).astype(dtype)
        network = drawing.with_every_class(network) if self.counts_classes else network
        template = self.holder.build(network, layout)
        try:
            arrays: dict[str, Any] = {name: paths.get(template, where[0]) for name, where in places.items()}
        except (LookupError, AttributeError):
            raise ValueError("what makes its parameters makes others for a network of other sizes") from None
        if self.holder.own_shapes:
            drawn = drawing.numbers(network, layout, arrays)
            left = set(places) - set(self.found.slots) if self.found is not None else ()
            drawn = {name: array if name not in left else arrays[name] for name, array in drawn.items()}
            arrays = {name: self.holder.placed(name, array) for name, array in drawn.items()}
        arrays |= {"X": layout.X(network), "Y": layout.Y(network)}
        if self.learns_its_inputs and arrays["X"].shape == arrays["Y"].shape:
            arrays["Y"] = arrays["X"].copy()
        if layout.labels == "cotangent" and self._takes_one_entry:
            arrays["Y"] = np.where(np.arange(arrays["Y"].size).reshape(arrays["Y"].shape) == 0, arrays["Y"], 0.0)
            arrays["Y"] = np.roll(arrays["Y"], network.seed)
        own = [path for where in places.values() for path in where]
        held = {path: name for path, name in _held(template, arrays).items() if path not in own}
        self._templates[_key(arrays)] = template, held, network.sizes
        return {name: np.asarray(array) for name, array in arrays.items()}

    def session(self, inputs: Mapping[str, Any], places: naming.Places | None = None) -> Session:
        """A root of its own with the inputs in it, and what functions may ask for."""
        template, held, sizes = self._templates[_key(inputs)]
        root = self.holder.copied(template)
        places = self.found.places if places is None and self.found else places or {}
        for name, where in places.items():
            array = _like(inputs[name].copy(), paths.get(template, where[0]))  # the file may update it in place
            for path in where:
                root = paths.put(root, path, array)
        for path, name in held.items():
            root = paths.put(root, path, inputs[name])
        root = values.traced_too(root, inputs.values())
        root = root if self._strength else _without_strengths(root)
        X = inputs["X"]
        layout = self.found.layout if self.found else self.trial_layout
        one = np.ndim(X) < (1 if layout is not None and layout.samples == "tokens" else 2)
        samples = 1 if one else X.shape[self.samples_axis]
        if layout is not None and SAMPLES[layout.samples].label:
            samples = SAMPLES[layout.samples].count(len(X))
        kept = self.holder.known(root)
        known = dict(kept)
        known |= {
            "inputs": _place(X),
            "targets": _place(inputs["Y"]),
            "samples": samples,
            "batch_size": samples,
            "epochs": 1,
        }
        known |= {"learning_rate": self.rate, "regularisation": self._strength, "quiet": False}
        known |= {"keep": [*[KEEP] * (len(sizes) - 1), 1.0] if self._keeps_by_layer else KEEP}  # outputs are kept
        known |= {"layers": len(sizes) - 1, "size in": sizes[0], "size out": sizes[-1], "size all": list(sizes)}
        known |= {"size hidden": sizes[1], "classes": sizes[-1]}
        known |= {f"size hidden {i}": n for i, n in enumerate(sizes[1:-1], start=1)}
        if self._takes_state:
            state = _state([inputs[name] for name in places if np.ndim(inputs[name])], sizes[1])
            known |= {"state": state} if state is not None else {}
        if layout is not None and layout.activation:
            known["activation"] = layout.activation
        known |= {name: kept[name] for name in self.holder.arguments} | dict(self.holder.beside)
        return Session(root, inputs, known)

    def run_forward(self, session: Session, names_values: bool = True) -> None:
        """Fill in the output, the cost where the same call gives it, and the values on the way, unless nobody asks for
        these: to name them takes longer than a small network."""
        step = self.steps.forward
        chain = self.found.chain if self.found and self.found.cost_from == "maker" else None
        begins = randomness.state() if chain is not None and "forward" not in chain else None
        with (
            self._entered(session),
            self._going_no_step(session) if step == self.steps.maker else contextlib.nullcontext(),
        ):
            result = self.call(step, session, ("inputs", "targets")) if step is not None else None
        if step is not None:
            self._note_forward(session, result)
            if names_values:
                session.values = values.values_of(self.function(step), result, session, self.namers)
        if chain is not None:
            if begins is not None:  # for the gradients it is called alone
                randomness.set_state(begins)
            self.run_made(session)
            session.output = session.cost

    def run_made(self, session: Session) -> None:
        """Fill in the cost that the same call gives as the gradients, without these where it can be had so; of one that
        updates, where it goes no step: it may ask for the cost before or after."""
        step = self.steps.cost_alone or self.steps.maker
        with self._entered(session), self._making(session), self._going_no_step(session):
            made = self.call(step, session, ("inputs", "targets", "output"))
        session.cost = values.cost_in(self.function(step), made)

    @contextlib.contextmanager
    def _going_no_step(self, session: Session) -> Iterator[None]:
        """What updates is told a learning rate of 0, where it is told one."""
        rate = session.known["learning_rate"]
        session.known["learning_rate"] = 0.0 if self.steps.role == "update" else rate
        try:
            yield
        finally:
            session.known["learning_rate"] = rate

    def _forward_gives_cost(self) -> bool | None:
        """Whether it is known to give a cost, or to give none."""
        if self.found is not None:
            return self.found.cost_from == "forward"
        layout = self.trial_layout
        one_number = layout is not None and bool(SAMPLES[layout.samples].label) and layout.outputs == 1
        gives_output = getattr(self.function(self.steps.forward), "gives_output", False)
        return False if one_number or gives_output or self._labels_come_later() else None

    def _labels_come_later(self) -> bool:
        """Whether what makes the gradients is told the labels, and what goes forward is not: that gives no cost."""
        if self.steps.forward is None or self.steps.forward == self.steps.maker:
            return False
        ahead, back = (_roles_of(self.function(step)) for step in (self.steps.forward, self.steps.maker))
        return "targets" in back and not {"targets", "pair", None} & ahead

    def _note_forward(self, session: Session, result: Any) -> None:
        function = self.function(self.steps.forward)
        session.output, session.cost = values.output_and_cost(
            function,
            result,
            session.root,
            session.inputs,
            session.known["samples"] * session.known["size out"],
            with_cost=self._forward_gives_cost(),
        )
        if isinstance(session.output, int | float):  # of float(A), where numbers are asked for their shape
            session.output = np.asarray(session.output)
        given = calling.named(function, result) | calling.parts(function, result)
        if isinstance(result, tuple):
            taken = driver.taken_as(function, len(result))
            given |= {name: result[place] for name, place in taken.items() if name not in given}
        of_steps = set(calling.parts(function, result)) - set(source.argument_names(function))  # xs[t], one-hot
        session.known |= {
            k: v for k, v in given.items() if k in of_steps or words.role_of_argument(k) not in ("inputs", "targets")
        }
        session.known["returned"] = given
        session.known |= self.holder.known(session.root) if self.holder.kind == "instance" else {}
        session.known |= {"output": session.output, "cache": values.cache_in(result, given)}

    def run_cost(self, session: Session) -> Any:
        """The cost of a session that has run forward."""
        if self.found is not None and self.found.cost_from == "cotangent":
            output = session.values[self._slope_of] if self._slope_of else session.output
            slope, shape = session.inputs["Y"], np.shape(output)
            return np.sum(output * (slope.reshape(shape) if slope.shape == (*shape, 1) else slope))
        if self.found is not None and self.found.cost_from == "step":
            self.run_made(session)
            return session.cost
        with self._entered(session), _laid_alike(session, self.function(self.steps.cost)):
            given = ("output", "targets") if self.steps.forward is not None else ("inputs", "targets")
            if self.cost_takes_output:
                session.known = {**session.known, "targets": session.output}
            result = self.call(self.steps.cost, session, given)
        return values.cost_in(self.function(self.steps.cost), result)

    def run_maker(self, session: Session, chain: tuple[str, ...], all_stored: bool = False) -> naming.Candidates:
        """Call what makes the gradients, after what it needs; everything that may be one. With `all_stored` what is
        stored counts though it is as before."""
        before = {path: _kept(array) for path, array in paths.walk(session.root)} if not all_stored else {}
        for step in chain:
            if step == "forward":
                self.run_forward(session)
            elif step == "cost":
                session.cost = self.run_cost(session)
        if "slope" in chain:
            session.known |= calling.with_slope(self.function(self.steps.maker), self._slope(session))
        order = ("inputs", "targets", "output") if "slope" not in chain else ("slope", "inputs", "targets")
        with self._entered(session), self._making(session), self._looked_into(session) as local:
            result = self.call(self.steps.maker, session, order)
        session.result = result = values.of_lists(result) if self._hands_out_lists else result
        found = outcomes(self, session, result, before)
        changes = [array for slot, array in found if slot.where == "change"]
        if self.found is None and not self.unseen and inside.is_adaptive(changes):
            self.unseen = inside.ADAPTIVE
            return self.run_maker(self.session(session.inputs, self.trial_places), chain)
        if self.unseen:
            session.steps = {slot.name: array for slot, array in found if slot.where == "change"}
            found = [(slot, array) for slot, array in found if slot.where != "change"]
            found += [(naming.Slot("local", path, name), array) for (path, name), array in local.items()]
        return found

    def _looked_into(self, session: Session) -> contextlib.AbstractContextManager[dict[tuple[paths.Path, str], Any]]:
        files = {f.__code__.co_filename for f in self.functions if isinstance(f, types.FunctionType)}
        return inside.noted(files, session.root) if self.unseen else contextlib.nullcontext({})

    def _slope(self, session: Session) -> Any:
        if self.steps.slope is None:
            return session.inputs["Y"]
        with self._entered(session):
            return self.call(self.steps.slope, session, ("output", "targets"), self._beside_the_cost(session))

    def _beside_the_cost(self, session: Session) -> dict[str, Any]:
        """What the cost returns beside itself, by name, where its derivative is made of that: `loss, probs`."""
        cost, slope = self.function(self.steps.cost), self.function(self.steps.slope)
        returned = {name for row in source.returned_names(cost) if len(row) > 1 for name in row if name}
        if not returned & set(source.argument_names(slope)):
            return {}
        return calling.named(cost, self.call(self.steps.cost, session, ("output", "targets")))

    # ---- calling

    def call(
        self,
        step: Any,
        session: Session,
        in_order: tuple[str, ...],
        more: Mapping[str, Any] = types.MappingProxyType({}),
    ) -> Any:
        """Call a function of the file, or a method of the root; `more`: what is known besides."""
        function = calling.method(session.root, step) if isinstance(step, str) else step
        return calling.call(function, {**session.known, **more}, in_order)

    def function(self, step: Any) -> Callable[..., Any]:
        """The function that a step is, for its source."""
        made = getattr(self.holder, "made", None)
        return calling.method(made, step) if isinstance(step, str) else step

    @contextlib.contextmanager
    def _entered(self, session: Session) -> Iterator[None]:
        """Global names that the file's functions read and that stand for something of this run are set to it."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.holder.entered(session.root))
            for name, array in self._read_as_globals(session.root).items():
                stack.enter_context(set_for_now(self.globals_read()[name], {name: array}))
            others = words.other_rates(self.globals_read())
            for name, namespace in self.globals_read().items():
                role = words.role_of_argument(name) if name not in others else None
                if role in ("samples", "learning_rate", "regularisation", "inputs", "targets", "batch_size"):
                    missing = namespace.get(name) is None
                    counts = role in ("samples", "batch_size") and (name != "n" or self._divides(name))
                    if missing or counts or name in self._data:
                        stack.enter_context(set_for_now(namespace, {name: session.known[role]}))
                    elif (
                        role == "learning_rate"
                        and isinstance(namespace[name], float)
                        and not words.is_guard(name, namespace[name])
                    ):
                        stack.enter_context(set_for_now(namespace, {name: self.rate}))
            yield

    def _divides(self, name: str) -> bool:
        """Whether the file's functions only divide by a global name: n is then a number of samples, and no width."""
        functions = [f for f in self.functions if isinstance(f, types.FunctionType)]
        return all(source.only_divides(f, name) for f in functions if name in source.globals_read([f]))

    def _read_as_globals(self, root: Any) -> dict[str, Any]:
        """The parameters that one function is given and another reads under the same global names."""
        if self.holder.kind == "globals" or not isinstance(root, dict):
            return {}
        return {name: root[name] for name in self._global_arrays if name in root}

    @functools.cached_property
    def _global_arrays(self) -> set[str]:
        """The global names that are read and stand for arrays or numbers, or for nothing."""
        kinds = (np.ndarray, int, float, Absent, type(None))
        return {name for name, space in self.globals_read().items() if isinstance(space.get(name), kinds)}

    @functools.cached_property
    def _data(self) -> set[str]:
        """Global names of samples or labels that a function reads which is given none."""
        found = set()
        for function in self.functions:
            given = set(map(words.role_of_argument, source.argument_names(function)))
            for name, namespace in source.globals_read([function]).items():
                is_data = words.role_of_argument(name) in {"inputs", "targets"} - given
                if is_data and source.rank(namespace.get(name, 0)):
                    found.add(name)
        return found

    @functools.cached_property
    def _takes_state(self) -> bool:
        """Whether a step asks for what goes from one sample of a sequence to the next."""
        steps = (self.steps.forward, self.steps.cost, self.steps.slope, self.steps.maker)
        functions = [self.function(step) for step in steps if step is not None]
        asked = ((function, name) for function in functions for name in source.signature(function))
        return any(meaning.role_of(f, name) == "state" or words.plain(name) == "state" for f, name in asked)

    def _making(self, session: Session) -> contextlib.AbstractContextManager[None]:
        places = self.found.places if self.found else self.trial_places
        return self.holder.making(session.root, [path for where in places.values() for path in where])

    def globals_read(self) -> dict[str, dict[str, Any]]:
        if not hasattr(self, "_read"):
            self._read = source.globals_read([f for f in self.functions if isinstance(f, types.FunctionType)])
        return self._read


def _roles_of(function: Callable[..., Any]) -> set[str | None]:
    """The roles of a function's arguments, whatever their defaults."""
    return {meaning.role_of(function, name) for name in source.signature(function) if name != "self"}


def _asked_for(function: Callable[..., Any]) -> list[str | None]:
    """The roles of the arguments that a function cannot do without."""
    needed = [n for n, p in source.signature(function).items() if p.default is p.empty and n != "self"]
    return [meaning.role_of(function, name) for name in needed]


def _state(parameters: list[Any], width: int) -> Any:
    """What goes from one sample of a sequence to the next, before the first: as a bias of that width, or of more;
    without biases a column, as wide as what a square matrix maps to itself."""
    biases = [array for array in parameters if max(np.shape(array)) == np.size(array) >= width]
    for array in sorted(biases, key=lambda array: np.size(array) != width)[:1]:
        return np.zeros_like(array.reshape(-1)[:width]).reshape([n if n == 1 else width for n in np.shape(array)])
    square = [array for array in parameters if np.ndim(array) == 2 and len(set(np.shape(array))) == 1]
    return np.zeros_like(square[0][:, :1]) if square else None


def _key(arrays: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple((name, tuple(array.shape)) for name, array in arrays.items())


def _place(array: Any) -> Any:
    """A whole number as a number: by an array of one NumPy would take a copy of a row, and not the row."""
    is_one = isinstance(array, np.ndarray) and array.ndim == 0 and array.dtype.kind in "iu"
    return array[()] if is_one else array


def _without_strengths(root: Any) -> Any:
    """What holds parameters, and no strength of a regulariser."""
    for path, value in list(paths.walk(root)):
        if type(value) is float and words.role_of_argument(paths.word(path)) == "regularisation":
            root = paths.put(root, path, 0.0)
    return root


def _like(array: Any, model: Any) -> Any:
    """An array, as a matrix where it takes the place of one."""
    if not isinstance(model, np.matrix):
        return array
    from gradcompare.tracing.matrices import like

    return like(array, model)


def _upright(output: Any, samples: int, axis: int) -> Any:
    """The output, an array, with its samples on the same axis as those of X."""
    shape, output = np.shape(output), getattr(output, "A", output)  # a matrix has it
    return output.T if len(shape) == 2 and shape[axis] != samples and shape[1 - axis] == samples else output


def _held(template: Any, arrays: Mapping[str, Any]) -> dict[paths.Path, str]:
    """Where the constructor put the samples and labels that it was given."""
    found = {}
    for path, array in paths.walk(template):
        for name in ("X", "Y"):
            if np.shape(array) == arrays[name].shape and np.ndim(array) and np.array_equal(array, arrays[name]):
                found[path] = name
    return found


def _kept(array: Any) -> Any:
    return array.copy() if hasattr(array, "copy") else array


@contextlib.contextmanager
def _laid_alike(session: Session, cost: Callable[..., Any]) -> Iterator[None]:
    """Labels that lie across the output lie as it does for a cost of the two, and of settings, that turns neither:
    whoever has samples in rows and goes forward in columns calls it with Y.T. Labels that are classes are one-hot for a
    cost that only multiplies them with the output or takes their difference."""
    known, roles = session.known, {words.role_of_argument(name) for name in source.argument_names(cost)}
    labels, output = known.get("targets"), np.shape(session.output)
    across = labels is not None and len(output) == 2 and np.shape(labels) == output[::-1] != output
    of_both = roles <= {"output", "targets"} or {"targets"} == roles & {"inputs", "targets", "parameters", "cache"}
    if labels is not None and across and of_both and not source.turns_an_argument(cost):
        session.known = {**known, "targets": labels.T}
    elif of_both and usage.only_calculates(cost, "targets"):
        hot = values.one_hot_like(labels, session.output)
        session.known = known if hot is None else {**known, "targets": hot}
    try:
        yield
    finally:
        session.known = known
