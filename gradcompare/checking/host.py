"""The code under test, and everything that runs it: in this process for live code, in a child process for files.

A host finds the program, settles how it wants its arrays, and answers requests with plain data: arrays, names, numbers.
It judges nothing. Whatever the code under test does wrong comes out as `CodeError`, in words.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import itertools
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gradcompare import losses
from gradcompare.bounds import NoRuleError, Precision, Run
from gradcompare.checking.errors import CodeError, StoppedError
from gradcompare.checking.looks import Look
from gradcompare.checking.sightings import Sighting, settled
from gradcompare.checking.watching import Watcher
from gradcompare.checking.witnesses import WatchedForward, files_of, watch
from gradcompare.interfaces import (
    OWN_PROGRAM,
    CannotCheckError,
    Program,
    ProgramStopsError,
    added_up,
    alone,
    chain,
    left_out,
    not_recognised,
    other_loops,
    printed_costs,
    recognise,
    rivals,
    told_otherwise,
    usual,
    words,
)
from gradcompare.interfaces.driven import Driven
from gradcompare.interfaces.failures import describe, line_in
from gradcompare.interfaces.fitting import copies
from gradcompare.interfaces.left_out import has_kin_left_out, not_run
from gradcompare.interfaces.source import argument_names, has_source, reached
from gradcompare.judging import numerical
from gradcompare.judging.comparison import claim_errors, plain_claims
from gradcompare.judging.evaluation import Bounded, Evaluation, Floors, HandedOn
from gradcompare.judging.reference import evaluate
from gradcompare.network import Network
from gradcompare.tracing import guards
from gradcompare.tracing.numpy_on_torch import NotTraceableError, NumpyOnTorch
from gradcompare.tracing.randomness import note_generators

if TYPE_CHECKING:
    from gradcompare.loading import Loaded

Inputs = Mapping[str, np.ndarray]


Variables = dict[str, tuple[tuple[str, int, str, int], int]]
"""By the name of a parameter the key of the sighting that holds its gradient, and its sign."""


SMALLER, KNOWN = 2, 1e-3
"""So often the parameters of a program of one size are drawn smaller, until rounding can explain no more than this part
of a gradient."""


MOST_LOOPS = 4
"""So many training loops are run beside the first."""


MOST_TOLD = 6
"""In so many ways the parts are told otherwise."""


class Host:
    """Code under test in this process."""

    program: Program
    _parts: Program | None = None
    """What calls the parts of the file."""
    _first: Program
    """The training loop that is run first, where others are."""
    _others: Sequence[Any] = ()
    """The other training loops of the file."""
    _told: Sequence[told_otherwise.Told] = ()
    """The same network told otherwise, and what it is told."""
    _usual: Sequence[usual.Usual] = ()
    """What goes back, after usual forward passes."""
    loaded: Loaded | None = None

    def __init__(self) -> None:
        self._start_afresh()

    def _start_afresh(self) -> None:
        """Nothing is known of how the program is to be asked."""
        self._left_out = False
        self._penalty: losses.Penalty | None = None
        self._variables: Variables = {}
        self._unheeded: frozenset[str] = frozenset()
        self._references: dict[str | None, NumpyOnTorch] = {}
        vars(self).pop("_subject", None)

    # -- once

    def open(self, names: Mapping[str, Any], interface: str | None, seed: int) -> dict[str, Any] | None:
        """Find the program and settle its layout; what is to be known of it. None where nothing is recognised."""
        with self._code_runs("on a random network"):
            program = recognise(names, interface)
            if program is None:
                return None
            self.program = self._parts = program
            program.fit(seed)
            alike = rivals(program, names)
        more = left_out(program, names, alike) if not program.is_own else []
        kin = bool(more) and has_kin_left_out(program, names, alike)
        idle = not_run(program, names, alike) if more else []
        known = {"kin_left_out": kin, "elsewhere": bool(idle) and files_of(program).isdisjoint(_files(idle))}
        return self._about([*program.notes, *more], alike) | known

    def open_own_program(self, seed: int, written: bool, keeps_data: bool = False) -> dict[str, Any] | None:
        """From now on run the file's own program, in place of its parts one by one; None where it does not train.
        `written`: whether one may be written for a file that has none, but for one that has stopped, which is said in
        "stopped". `keeps_data`: whether its samples stay."""
        if self.loaded is None:
            return None
        self._start_afresh()
        with contextlib.suppress(CodeError), self._code_runs("on a random network"):
            program = recognise(self.loaded.names, OWN_PROGRAM)
            if program is None:
                return None
            program.may_be_written, program.keeps_data = written, keeps_data
            try:
                program.fit(seed)
            except ProgramStopsError as stopped:
                return {"stopped": str(stopped)}
            self.program = program
            return read_of(self.loaded) | self._about([*self.loaded.notes, *program.notes], [])
        return None

    def open_alone(self, seed: int, agreed: bool = False) -> dict[str, Any] | None:
        """From now on run each layer of the file on its own; None where there is none that runs so. `agreed`: whether
        the program that was open is right, so that networks of layers which it runs are none of these."""
        if self.loaded is None:
            return None
        self._start_afresh()
        names, before = self.loaded.names, getattr(self, "program", None)
        with contextlib.suppress(CodeError), self._code_runs("on a random network"):
            found = alone.program(names, _networks_of(before, names) if agreed else ())
            if found is None:
                return None
            found.fit(seed)
            classes = alone.covered(found)
            self.program = found
            first = before if before is not None and not before.is_own else found
            more: dict[str, Any] = {"alone": classes, "left_out": left_out(first, names, alone=classes)}
            more["is_all"] = all(_is_of_accessory(f, names) for f in not_run(found, names, alone=classes))
            return read_of(self.loaded) | self._about([*self.loaded.notes, *found.notes], []) | more
        return None

    def open_other_loop(self, seed: int, number: int) -> dict[str, Any] | None:
        """From now on run another training loop of the file than the one that was open, the how manieth; None where
        there is none: then the first is open again. What is to be known of it, and its "line"."""
        if self.loaded is None:
            return None
        if number == 0:
            self._first = self.program
            with self._code_runs("in another loop"):
                self._others = list(itertools.islice(other_loops(self.program, self.loaded.names), MOST_LOOPS))
        self._start_afresh()
        if number >= len(self._others):
            self.program = self._first
            return None
        with contextlib.suppress(CodeError), self._code_runs("in another loop"):
            self.program = found = self._others[number]
            found.fit(seed)
            line = found.function(found.steps.maker).__code__.co_firstlineno
            return read_of(self.loaded) | self._about([*self.loaded.notes, *found.notes], []) | {"line": line}
        return None

    def open_told_otherwise(self, seed: int, number: int) -> dict[str, Any] | None:
        """From now on run the parts of the file told otherwise, in the how manieth way; None where there is no other.
        What is to be known of them, what they are "told", and whether that is an activation of the output,
        "of_outputs"; nothing where they do not run so."""
        if self.loaded is None or not isinstance(self._parts, Driven):
            return None
        self._start_afresh()
        if number == 0:
            self._told = list(itertools.islice(told_otherwise.programs(self._parts), MOST_TOLD))
        if number >= len(self._told):
            return None
        with contextlib.suppress(CodeError), self._code_runs("told otherwise"):
            told = self._told[number]
            told.program.fit(seed)
            self.program = told.program
            about = self._about([*self.loaded.notes, *told.program.notes], [])
            return read_of(self.loaded) | about | {"told": told.says, "of_outputs": told.of_outputs}
        return {}

    def open_on_its_own_way(self, seed: int) -> dict[str, Any] | None:
        """From now on run the parts of the file with what goes back itself computes before it does, in place of what
        goes forward; None where that is the same. What is to be known of them, and what was left out, "apart"."""
        if self.loaded is None or not isinstance(self._parts, Driven):
            return None
        self._start_afresh()
        with contextlib.suppress(CodeError), self._code_runs("on a random network"):
            other = told_otherwise.on_its_own_way(self._parts)
            if other is None:
                return None
            other.fit(seed)
            self.program = other
            names = {"apart": self._parts.function(self._parts.steps.forward).__name__}
            return read_of(self.loaded) | self._about([*self.loaded.notes, *other.notes], []) | names
        return None

    def open_usual(self, seed: int, number: int, agreed: bool) -> dict[str, Any] | None:
        """From now on run what goes back, after a usual forward pass, the how manieth; None where there is no other.
        What is to be known of it, what goes back, "goes_back", and what went forward, "ahead"; nothing where that does
        not fit. `agreed`: whether the parts of the file are right, so that only what they did not run is asked for."""
        if self.loaded is None:
            return None
        self._start_afresh()
        names = self.loaded.names
        if number == 0:
            parts = self._parts if agreed else None
            run = reached([f for f in parts.functions if callable(f)]) if parts is not None else ()
            self._usual = list(usual.programs(names, run, not_run(parts, names) if parts is not None else None))
        if number >= len(self._usual):
            return None
        with contextlib.suppress(CodeError), self._code_runs("on a random network"):
            found = self._usual[number]
            found.program.fit(seed)
            if found.program.steps.cost is not None and not found.program.has_cost:
                return {}  # the file's own cost is another's
            self.program = found.program
            about = self._about([*self.loaded.notes, *found.program.notes], [])
            return read_of(self.loaded) | about | {"ahead": found.says, "goes_back": found.goes_back}
        return {}

    def added_up(self, seed: int) -> list[dict[str, Any]]:
        """The parameters whose steps are not those of the sum over several samples, as `added_up.Other` has them; none
        where the code stops."""
        with contextlib.suppress(CodeError), self._code_runs("on several samples"):
            return [other._asdict() for other in added_up.others(self.program, seed)]
        return []

    @contextlib.contextmanager
    def ends_within(self, seconds: float) -> Iterator[None]:
        """That whatever is asked meanwhile is worth so many seconds: a host in another process can be stopped."""
        del seconds
        yield

    def _about(self, notes: list[str], alike: list[str]) -> dict[str, Any]:
        """What is to be known of the program."""
        program = self.program
        return {
            "interface": program.interface,
            "functions": list(dict.fromkeys(getattr(f, "__name__", str(f)) for f in program.functions)),
            "samples_axis": program.samples_axis,
            "networks": program.networks(),
            "is_network": program.is_network,
            "own_widths": program.own_widths,
            "parameters": list(program.parameters),
            "last_layer": list(program.last_layer),
            "has_cost": program.has_cost,
            "metric": program.metric,
            "cost_called": program.cost_called,
            "says_one_output": program.says_one_output,
            "shares": [list(share) for share in program.shares],
            "given_slope": program.given_slope,
            "ahead_of_output": list(program.ahead_of_output),
            "only_updates": program.only_updates,
            "rate": program.rate,
            "printed": self._printed_costs(),
            "uphill": [list(update) for update in program.uphill],
            "goes_down": program.goes_down or program.only_updates,
            "notes": notes,
            "complete": program.complete,
            "seen_right": program.seen_right,
            "is_own": program.is_own,
            "rivals": alike,
        }

    def _printed_costs(self) -> list[list[Any]]:
        """The usual costs that the file computes where it looks on, line and name of each, where it has no function for
        its cost, or one that only looks on, and its gradients are known but for no constant."""
        program = self.program
        own_cost = program.has_cost and program.metric is None
        if own_cost or program.given_slope or not program.scale_known:
            return []
        found = (printed_costs.found_in(file, program.samples_axis) for file in sorted(files_of(program)))
        return [list(printed) for row in found for printed in row]

    def fitting_losses(self, inputs: Inputs) -> list[str]:
        """The costs that the program's output suggests."""
        with self._code_runs("in its forward pass"):
            output, _ = self.program.forward(copies(inputs))
        output = np.asarray(output)
        if output.ndim == 0 and (self.program.metric or not self.program.has_cost):  # of one sample, and one unit
            output = output.reshape(1, 1)
        fitting = losses.fitting(output, axis=1 - self.program.samples_axis)
        own = [self.program.loss] if self.program.loss is not None else []
        return [*own, *(loss for loss in fitting if loss not in own)]

    def guards(self, inputs: Inputs, loss: str | None) -> list[float]:
        """The numbers that the cost adds inside of logarithms, to keep them from 0."""
        reference, precision = self._reference(loss), Precision.of("float64")
        with self._code_runs("in its forward pass"), guards.noted(left_out=False) as met:
            evaluate(reference, inputs, ["J"], precision)
        return sorted(met)

    def leave_out_guards(self, left_out: bool) -> None:
        """Whether `evaluate` and `watch` leave them out from now on."""
        self._left_out = left_out

    def leave_out_claims(self, names: Sequence[str]) -> None:
        """Heed what is called so no more: it is no gradient of what its name says."""
        self._unheeded = self._unheeded | set(names)

    def share_of_cost(self, factor: float, mean: bool) -> None:
        """By what the file's own cost is multiplied from now on, and whether it is divided by the number of samples."""
        self.program.share_of_cost(factor, mean)

    def give_slope_of(self, name: str | None) -> None:
        """Of which value on the way to the output backward is given the gradient from now on; None for the output."""
        self.program.give_slope_of(name)

    def draw_what_is_decided(self, network: Network, loss: str | None) -> None:
        """Draw smaller parameters from now on where rounding could explain anything in a network: through many steps
        the bounds of a recurrent one grow as the sizes of its weights' rows do."""
        with contextlib.suppress(CodeError):
            for _ in range(SMALLER):
                inputs = self.inputs(network)
                known = loss if loss or self.program.has_cost else next(iter(self.fitting_losses(inputs)), None)
                names, precision = [f"d{name}" for name in self.program.parameters], network.X.dtype.name
                found = self.evaluate(inputs, names, precision, known).tensors
                own = self.rounding(inputs, precision)["errors"]
                errors = {
                    n: [found[n].error, *([own[n]] if own.get(n) is not None else [])] for n in names if n in found
                }
                if all(max(map(np.max, e)) <= KNOWN * np.max(np.abs(found[n].value)) for n, e in errors.items()):
                    break
                self.program.draw_smaller()

    def penalise(self, penalty: losses.Penalty | None) -> None:
        """Add a term to every assumed cost from now on."""
        self._penalty = penalty

    def read_variables(self, variables: Variables) -> None:
        """Take these variables for the gradients of these parameters from now on, in place of what is applied."""
        self._variables = dict(variables)

    # -- for every network

    def inputs(self, network: Network) -> dict[str, np.ndarray]:
        """The arrays that stand for a network."""
        with self._code_runs("where it makes its parameters"):
            arrays = self.program.inputs(network)
        return {name: np.asarray(array) for name, array in arrays.items()}

    def first_look(self, network: Network, loss: str | None) -> Look:
        """What is asked of every network, at once."""
        inputs = self.inputs(network)
        claimed = self.claims(inputs, twice=False)
        if not claimed["claims"]:
            return Look(inputs, claimed, None)
        return Look(inputs, claimed, self.evaluate(inputs, claimed["claims"], network.X.dtype.name, loss))

    def look_ahead(self, network: Network, loss: str | None) -> None:
        """That the first look at this network comes next: a host in another process can begin with it."""

    def own_start(self, inputs: Inputs) -> dict[str, Any] | None:
        """The parameters that the program itself makes, and its output for the inputs; None where it makes none."""
        with self._code_runs("in its forward pass"):
            parameters = self.program.start(inputs)
            if parameters is None:
                return None
            output, _ = self.program.forward(copies(inputs))
        return {"parameters": parameters, "output": np.asarray(output)}

    def claims(self, inputs: Inputs, *, twice: bool = True) -> dict[str, Any]:
        """What the program says the gradients are; the inputs that it changed; and, where they are asked for twice,
        those that differ the second time."""
        given = copies(inputs)
        with self._code_runs("in its backward pass"):
            claims = plain_claims(self._subject(given))
            again = plain_claims(self._subject(copies(inputs))) if twice else claims
        once_more = self._once_more(inputs) if twice and not self._variables else {}
        changed = [name for name, array in inputs.items() if not np.array_equal(given[name], array, equal_nan=True)]
        unsteady = [name for name, claim in claims.items() if not _equal(claim, again.get(name))]
        kept = [n for n, c in once_more.items() if n in claims and not _nearly(c, claims[n])]
        added = [n for n in kept if _nearly(once_more[n], 2 * claims[n])]
        kept = [n for n in kept if n not in [*unsteady, *added]]
        return {"claims": claims, "changed": changed, "unsteady": unsteady, "kept": kept, "added": added}

    def _once_more(self, inputs: Inputs) -> dict[str, np.ndarray]:
        """What a second call gives after a first; nothing where it cannot be made."""
        with contextlib.suppress(CodeError), self._code_runs("when it was called again"):
            return plain_claims(self.program.again(copies(inputs)))
        return {}

    def rounding(self, inputs: Inputs, precision: str) -> dict[str, Any]:
        """How far rounding can move the program's own formulas: E_claim by the names of the claims, None where they
        cannot be followed, with a note that says why."""
        notes: list[str] = []
        with self._code_runs("in its backward pass"):
            claims = plain_claims(self._subject(copies(inputs)))
            errors = claim_errors(self._subject, dict(inputs), claims, Precision.of(precision), notes)
        return {"errors": errors, "notes": notes}

    def problem(self, inputs: Inputs, loss: str | None) -> str | None:
        """Why the traced forward pass cannot be trusted, if it cannot."""
        with self._code_runs("in its forward pass"):
            return numerical.problem_with(
                self._reference(loss), dict(inputs), [f"d{name}" for name in self.program.parameters]
            )

    def evaluate(
        self,
        inputs: Inputs,
        claimed: Collection[str],
        precision: str,
        loss: str | None,
        *,
        watched: bool = False,
        **options: Any,
    ) -> Evaluation:
        """Values, gradients and bounds of the program's own forward pass (`gradcompare.judging.reference.evaluate`)."""
        reference = self._watched(loss) if watched else self._reference(loss)
        with self._code_runs("in its forward pass"), guards.noted(left_out=self._left_out):
            return evaluate(reference, inputs, list(claimed), Precision.of(precision), **options)

    def numerical(self, inputs: Inputs, name: str, loss: str | None) -> Bounded:
        """The cost or a gradient by central differences, and its uncertainty."""
        with self._code_runs("in its forward pass"):
            return numerical.value_or_gradient(self._cost(loss), dict(inputs), name)

    def watch(self, inputs: Inputs, precision: str, loss: str | None) -> dict[str, Any]:
        """Every array that the backward code makes, with its line; and the names of the forward pass, with theirs."""
        forward = WatchedForward(self._cost(loss), self.program)
        reference = NumpyOnTorch(forward, reaching=[*self.program.functions, losses.target])
        run = Run(Precision.of(precision))
        with self._code_runs("while it was watched"), guards.noted(left_out=self._left_out), run:
            given = {
                k: run.exact(torch.from_numpy(np.array(a)), requires_grad=a.dtype.kind == "f")
                for k, a in inputs.items()
            }
            _cost, named = reference(given)
        with self._code_runs("while it was watched"):
            watched = watch(self.program, inputs, Precision.of(precision), forward.lines)
            sightings = [witness.sighting for witness in watched.sightings]
            watched.claims = self._heeded(watched.claims) | in_variables(self._variables, sightings, inputs)
        return {"names": list(named), "places": forward.places, "watched": watched}

    # -- what is run

    def _cost(self, loss: str | None) -> Callable[[Mapping[str, Any]], tuple[Any, dict[str, Any]]]:
        """inputs -> (cost, named values), in NumPy: the program's own cost, or an assumed one."""

        def cost(inputs: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
            output, named = self.program.forward(inputs)
            if loss is None:
                return self.program.cost(inputs, output), named
            assumed = self.program.assumed_cost(loss, inputs, output)
            if self._penalty is not None:
                samples = losses.count(inputs["X"], self.program.samples_axis)
                assumed = assumed + self._penalty.cost(inputs, samples)
            return assumed, named

        return cost

    @functools.cached_property
    def _subject(self) -> NumpyOnTorch:
        return NumpyOnTorch(self._gradients, reaching=self.program.functions)

    def _gradients(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        if not self._variables:
            return self._heeded(self.program.gradients(inputs))
        program = self.program
        with Watcher(files_of(program), lambda array: array.copy(), program.has_begun) as watcher:
            claims = self.program.gradients(inputs)
        return self._heeded(claims) | in_variables(self._variables, watcher.sightings, inputs)

    def _heeded(self, claims: dict[str, Any]) -> dict[str, Any]:
        return {name: claim for name, claim in claims.items() if name not in self._unheeded}

    def _reference(self, loss: str | None) -> NumpyOnTorch:
        if loss not in self._references:
            self._references[loss] = NumpyOnTorch(self._cost(loss), reaching=[*self.program.functions, losses.target])
        return self._references[loss]

    def _watched(self, loss: str | None) -> NumpyOnTorch:
        forward = WatchedForward(self._cost(loss), self.program)
        return NumpyOnTorch(forward, reaching=[*self.program.functions, losses.target])

    @contextlib.contextmanager
    def _code_runs(self, where: str) -> Iterator[None]:
        """What is printed is dropped, there is nothing to read, and whatever goes wrong is said in words."""
        silence = io.StringIO()
        try:
            with np.errstate(all="ignore"), contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
                yield
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            if isinstance(error, ProgramStopsError):
                raise StoppedError(str(error)) from None
            if isinstance(error, CodeError | CannotCheckError):
                raise CodeError(self._known(error) or str(error)) from None
            raise CodeError(self._said(error, where)) from error

    def _known(self, error: BaseException) -> str | None:
        """What is known of the failure behind one that was said, from how the file was loaded."""
        cause, known = error.__cause__, None
        while cause is not None and known is None and self.loaded is not None:
            known, cause = self.loaded.explain(cause), cause.__cause__
        return f"The code does not run on a random network: {known}." if known else None

    def _said(self, error: BaseException, where: str) -> str:
        known = self.loaded.explain(error) if self.loaded is not None else None
        if known:
            return f"The code stopped {where}: {known}"
        if isinstance(error, SystemExit):
            return f"The code called exit() {where}{self._line(error)}."
        if isinstance(error, NotTraceableError | NoRuleError):
            return f"The code could not be followed {where}{self._line(error)}: {error}"
        return f"The code stopped {where}{self._line(error)}: {describe(error)}"

    def _line(self, error: BaseException) -> str:
        lines = [line_in(error, file) for file in files_of(self.program)] if hasattr(self, "program") else []
        known = [line for line in lines if line != "?"]
        return f", line {known[0]}" if known else ""


def _equal(a: np.ndarray, b: np.ndarray | None) -> bool:
    return b is not None and a.shape == b.shape and (a.dtype.kind not in "fiub" or np.array_equal(a, b, equal_nan=True))


def in_variables(variables: Variables, sightings: Iterable[Sighting], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The gradients that variables were seen to hold, in the shapes of their parameters."""
    seen = {key: sighting.value for key, sighting in settled(sightings).items()}
    return {
        f"d{name}": sign * seen[key].reshape(inputs[name].shape)
        for name, (key, sign) in variables.items()
        if key in seen
    }


def _nearly(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether the difference is nothing that a program could mean."""
    numbers = a.dtype.kind == b.dtype.kind == "f" and a.shape == b.shape
    return not numbers or bool(np.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True))


def options_from(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `Host.evaluate` from plain data."""
    options = dict(plain)
    if options.get("handed_on"):
        values, gradients = options["handed_on"]
        options["handed_on"] = HandedOn({int(k): v for k, v in values.items()}, gradients)
    if options.get("floors"):
        values, gradients, relative = options["floors"]
        options["floors"] = Floors({int(k): v for k, v in values.items()}, gradients, relative)
    return options


# ---- opening ---------------------------------------------------------------------------------------------------------


def open_file(host: Host, path: str, name: str | None, interface: str | None, seed: int) -> dict[str, Any]:
    """Load the definitions of a file and find its program; CodeError where it cannot be loaded."""
    from gradcompare.loading import CannotLoadError, load

    try:
        loaded = load(path)
    except CannotLoadError as problem:
        raise CodeError(str(problem)) from None
    return open_loaded(host, loaded, name, interface, seed)


def open_live(host: Host, source: Any, name: str | None, interface: str | None, seed: int) -> dict[str, Any]:
    """The program in live code: a module, a dict of names, functions."""
    from gradcompare.loading import CannotLoadError, load

    try:
        loaded = load(source)
    except CannotLoadError as problem:
        raise CodeError(str(problem)) from None
    return open_loaded(host, loaded, name, interface, seed)


def open_loaded(host: Host, loaded: Loaded, name: str | None, interface: str | None, seed: int) -> dict[str, Any]:
    """Find the program among loaded names: what `Host.open` says, and how it was loaded.

    Where it cannot be found, does not run, or leaves a parameter without a gradient, and something in it is still to be
    written, that is why. What the gradient does without may be unfinished.
    """
    host.loaded, about = loaded, read_of(loaded)
    note_generators(loaded.names.values())
    names = loaded.names if name is None else _only(loaded.names, name)
    unread = "" if loaded.text else _without_source(names)
    needed, gaps = _unfinished(loaded, needed=True), _unfinished(loaded, needed=False)
    try:
        found = host.open(names, interface, seed)
    except CodeError as problem:
        found = _as_script(host, names, seed) if interface is name is needed is None else None
        if found is None:
            gaps = needed or _unfinished(loaded, needed=False, named=True)
            if gaps is None:
                raise CodeError(unread or str(problem)) from None
            return about | {"unfinished": needed or f"{gaps} {problem}"}
    if found is None and interface is name is needed is None:
        found = _as_script(host, names, seed)
    if found is None:
        older = "".join(f"{loaded.where(use.line).capitalize()}: {use.says}. " for use in loaded.of_python_2()[:1])
        return about | {"unfinished": needed or gaps, "not_found": unread or older + not_recognised(names, interface)}
    if needed and not found["complete"]:
        return about | {"unfinished": needed}
    open_ends = [f"{needed} The gradient does without."] if needed else []
    return about | found | {"notes": [*loaded.notes, *open_ends, *found["notes"]]}


def _networks_of(program: Program | None, names: Mapping[str, Any]) -> list[str]:
    """The classes made of layers whose methods a program runs, of several samples: of one sample nothing that goes from
    each to the next, as in a recurrent layer, was tried."""
    if program is None or program.is_own or program.takes_one_sample:
        return []
    made = (names.get(f.__qualname__.rpartition(".")[0]) for f in program.functions if hasattr(f, "__qualname__"))
    return [c.__name__ for c in made if isinstance(c, type) and chain.is_made_of_layers(c)]


def read_of(loaded: Loaded) -> dict[str, Any]:
    """The text that was loaded, and that there is something in it."""
    cells = {str(line): list(place) for line, place in loaded.cells.items()}
    return {"unfinished": None, "not_found": None, "cells": cells, "text": loaded.text}


def _files(functions: Iterable[Any]) -> set[str]:
    return {f.__code__.co_filename for f in functions}


def _is_of_accessory(function: Any, names: Mapping[str, Any]) -> bool:
    made = names.get(function.__qualname__.rpartition(".")[0])
    return isinstance(made, type) and alone.is_accessory(made)


def _as_script(host: Host, names: Mapping[str, Any], seed: int) -> dict[str, Any] | None:
    """The file's own program, run as it stands; None where it does not train. StoppedError where it stops."""
    try:
        return host.open(names, OWN_PROGRAM, seed)
    except StoppedError:
        raise
    except CodeError:
        return None


def _without_source(names: Mapping[str, Any]) -> str:
    """That functions have no source, by which most is told, in a sentence; nothing where all have one."""
    functions = [f for n, f in names.items() if isinstance(f, types.FunctionType) and words.role_of_function(n)]
    if not functions or any(has_source(f) for f in functions):
        return ""
    which = ", ".join(f.__name__ for f in functions)
    return (
        f"The source of {which} cannot be read, and by it most is told: what is typed at Python's prompt or run by "
        "exec() has none. Put it into a file or a notebook."
    )


def _only(names: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The names without the classes, and the functions of the same role, that were not asked for."""
    if name not in names:
        there = [n for n, value in names.items() if isinstance(value, types.FunctionType | type)]
        raise CodeError(f"There is no {name} in it; there are: {', '.join(there) or 'no functions and no classes'}.")
    role = words.role_of_function(name)

    def rival(other: str, value: Any) -> bool:
        if isinstance(names[name], type) or isinstance(value, type):
            return isinstance(value, type) or words.role_of_function(other) is not None
        alike = isinstance(value, types.FunctionType) and argument_names(value) == argument_names(names[name])
        return words.role_of_function(other) == role and (role is not None or alike)

    return {other: value for other, value in names.items() if other == name or not rival(other, value)}


def _unfinished(loaded: Loaded, *, needed: bool, named: bool = False) -> str | None:
    """What is still to be written, in a sentence; with `needed`, in the functions that a check cannot do without; with
    `named`, in those that anything of the file names."""
    nodes = list(ast.walk(ast.parse(loaded.text))) if named and loaded.text else []
    read = {getattr(node, "attr", getattr(node, "id", None)) for node in nodes}
    gaps = [
        gap
        for gap in loaded.unfinished
        if (not needed or words.role_of_function(gap.function.rpartition(".")[2]) is not None)
        and (not read or gap.function.rpartition(".")[2] in read)
    ]
    if not gaps:
        return None
    return f"Not filled in yet: {', '.join(f'{gap.function} ({loaded.where(gap.line)}: {gap.what})' for gap in gaps)}."
