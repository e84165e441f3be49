"""The table of interfaces, one row each, and the choice among the programs that a file may hold."""

from __future__ import annotations

import contextlib
import inspect
import io
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from gradcompare.interfaces import candidates, chain, failures, loops, roles, source, words
from gradcompare.interfaces.driven import Driven
from gradcompare.interfaces.driver import AsTold
from gradcompare.interfaces.program import OWN_PROGRAM, CannotCheckError, Program

Recogniser = Callable[[Mapping[str, Any]], Program | None]
SECONDS = 40.0
"""So long programs are looked for: what is known then is worth more than what may come, and the file has its own."""
SECONDS_MORE = 6.0
"""So much longer where all gradients of one are understood: another can only show them where this one infers them."""


class Interface(NamedTuple):
    """A shape of hand-written backpropagation."""

    skeleton: str
    recognise: Recogniser


ADAPTER = """\
def loss(parameters, X, Y):                        # parameters: {"W1": (n_1, n_0), "b1": (n_1, 1), ...}
    ...                                            # X (n_0, m), or (m, n_0); both are tried
    return J

def gradients(parameters, X, Y):
    ...
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
"""


NO_NUMPY = (
    "The file uses no NumPy: its numbers are Python's own, in lists. What is followed are NumPy arrays: put the lists "
    "into arrays and the sums over them into products."
)


def _row(name: str, skeleton: str) -> tuple[str, Interface]:
    return name, Interface(skeleton, lambda names: recognise(names, name))


def _as_script(names: Mapping[str, Any]) -> Program | None:
    from gradcompare.interfaces import rehearsal  # needs torch, which the process that judges does without

    return rehearsal.recognise(names)


INTERFACES: dict[str, Interface] = dict(
    [
        _row(
            "dict-cache",
            """\
def forward_propagation(X, parameters):            # parameters: {"W1", "b1", "W2", "b2"}
    ...
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}     # or a tuple of them

def compute_cost(A2, Y):                           # may be left out
    ...

def backward_propagation(parameters, cache, X, Y):
    ...
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
""",
        ),
        _row(
            "positional",
            """\
def forward_prop(W1, b1, W2, b2, X):
    ...
    return Z1, A1, Z2, A2

def backward_prop(Z1, A1, Z2, A2, W1, W2, X, Y):   # Y: classes 0, 1, ... or one-hot
    ...
    return dW1, db1, dW2, db2
""",
        ),
        _row(
            "l-layer",
            """\
def initialize_parameters_deep(layer_dims):
    ...
    return parameters                              # {"W1", "b1", ..., "WL", "bL"}

def L_model_forward(X, parameters):
    ...
    return AL, caches

def L_model_backward(AL, Y, caches):
    ...
    return grads                                   # {"dW1", "db1", ..., "dA1", ...}
""",
        ),
        _row(
            "fused",
            """\
def propagate(w, b, X, Y):                         # any function of parameters, inputs and labels
    ...
    return {"dw": dw, "db": db}, cost              # in either order
""",
        ),
        _row(
            "flat-vector",
            """\
def cost_function(nn_params, input_layer_size, hidden_layer_size, num_labels, X, y, lambda_):
    ...
    return J, grad                                 # grad is as long as nn_params
""",
        ),
        _row(
            "global-weights",
            """\
W1, b1, W2, b2 = ...                               # of any names

def forward(X):
    ...
    return Z1, A1, Z2, A2

def backward(X, Y, Z1, A1, A2):
    ...
    return dW1, db1, dW2, db2

def lossFun(inputs, targets, hprev):               # or both in one; inputs: whole numbers in a sequence
    ...
    return loss, dWxh, dWhh, dWhy, dbh, dby, hs[-1]
""",
        ),
        _row(
            "loss-and-gradients",
            """\
class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size):
        self.params = {"W1": ..., "b1": ..., "W2": ..., "b2": ...}

    def loss(self, X, y=None, reg=0.0):            # y: classes 0, 1, ...
        ...
        return loss, grads                         # {"W1", "b1", "W2", "b2"}
""",
        ),
        _row(
            "gradient-method",
            """\
class Net:
    def __init__(self, input_size, hidden_size, output_size): ...
    def predict(self, x): ...
    def loss(self, x, t): ...
    def gradient(self, x, t):
        ...
        return grads                               # {"W1", "b1", ...}
""",
        ),
        _row(
            "backprop-lists",
            """\
class Network:
    def __init__(self, sizes):                     # self.weights, self.biases: lists over the layers
        ...
    def feedforward(self, a): ...
    def backprop(self, x, y):                      # one sample as a column, or several
        ...
        return nabla_b, nabla_w
""",
        ),
        _row(
            "class",
            """\
class MLP:
    def __init__(self, n_in, n_hidden, n_out): ... # self.W1, self.b1, ...
    def forward(self, X): ...
    def loss(self, y_hat, y): ...                  # may be left out
    def backward(self, X, y):
        self.dW1, self.db1 = ...                   # stored, or returned in any order
""",
        ),
        _row(
            "layers",
            """\
class Dense:
    def __init__(self, n_inputs, n_neurons): ...
    def forward(self, inputs): ...
    def backward(self, dvalues):                   # or backward(self, dvalues, learning_rate), updating the weights
        self.dweights, self.dbiases = ...
        ...

class ReLU: ...                                    # forward, backward; losses too, with the labels as an argument
""",
        ),
        _row(
            "update-only",
            """\
def train_step(X, Y, W1, b1, W2, b2, learning_rate):        # or a class with train(self, X, y)
    ...
    return W1, b1, W2, b2                          # the gradient is (before - after) / learning_rate

def predict(X, W1, b1, W2, b2): ...
""",
        ),
        _row(
            "function-layers",
            """\
def affine_forward(x, w, b):                       # any number of such pairs
    ...
    return out, cache

def affine_backward(dout, cache):
    ...
    return dx, dw, db                              # in the order of the arguments

def softmax_loss(x, y):                            # y: classes 0, 1, ...
    ...
    return loss, dx
""",
        ),
        _row(
            "policy",
            """\
model = {"W1": ..., "W2": ...}                     # a global name, or an argument of both

def policy_forward(x):                             # one observation
    ...
    return p, h                                    # the probability of an action, and what backward needs

def policy_backward(hs, dlogps, xs):               # of an episode, in rows; dlogps: (y - p) times an advantage
    ...
    return {"W1": dW1, "W2": dW2}
""",
        ),
        _row(
            "training-loop",
            """\
for epoch in range(1000):                          # in the module, a function or a method; one turn of it is run
    A1 = sigmoid(X @ W1 + b1)
    A2 = sigmoid(A1 @ W2 + b2)                     # the output: what first meets the labels
    loss = ...                                     # may be left out
    ...
    W1 -= learning_rate * dW1                      # the gradient is (before - after) / learning_rate
""",
        ),
        (
            OWN_PROGRAM,
            Interface(
                """\
net = Network(2, 3, 1)                             # any program that trains when it is run: its statements are run up
for epoch in range(1000):                          # to the end of the first turn of a loop that trains, and no further
    net.learn(X, Y)
""",
                _as_script,
            ),
        ),
        _row("adapter", ADAPTER),
    ]
)


def recognise(namespace: Mapping[str, Any], interface: str | None = None) -> Program | None:
    """The program in a file's names, in the shape asked for or whichever fits best; fitted, where it runs at all. Of
    programs that do not run the one whose failure says most.

    KeyError for an unknown interface.
    """
    if interface is not None and INTERFACES[interface].recognise is _as_script:
        return _as_script(namespace)
    first: Driven | None = None
    best: Driven | None = None
    failure: BaseException | None = None
    settled, until = False, time.process_time() + SECONDS
    for program in _asked_for(namespace, interface):
        first = first or program
        if time.process_time() > until:
            break
        if best is not None and program.interface == "training-loop" and best.shows_gradients:
            continue
        if settled and not _is_told(program):
            continue
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                program.fit(0)
        except CannotCheckError as error:
            cause = error.__cause__
            if cause is not None and (failure is None or failures.telling(cause) > failures.telling(failure)):
                first, failure = program, cause
            continue
        if best is None or (_worth(program) > _worth(best) and not _overlooks(program, best)):
            best = program
            until = min(until, time.process_time() + SECONDS_MORE) if _worth(best)[0] else until
        settled = settled or _is_done(program)
        if settled and not _is_of_parts(best):
            break
    if best is None and not _uses_numpy(namespace) and not isinstance(failure, failures.PlainNumbersError):
        return None
    return best or first


def _overlooks(program: Driven, best: Driven) -> bool:
    """Whether it knows only some of the parameters of another that knows gradients of all of its own, however shaped:
    by what is called otherwise, or is a number, it may only seem to be complete."""
    assert program.found is not None
    assert best.found is not None
    return set(program.found.places) < set(best.found.places) == set(best.found.slots)


def _is_done(program: Driven) -> bool:
    """Whether nothing else needs to be tried, but networks that the file itself builds of what are parts here."""
    complete, _, shows_gradients, *_, is_asked_by_none = _worth(program)
    return complete and shows_gradients and is_asked_by_none


def _is_asked_by_another(program: Driven) -> bool:
    """Whether another method of the same class asks what makes the gradients, and gives it what it needs: the gradient
    of the output, where it goes forward and back, and knows the cost; or what it keeps of the forward pass, as in
    `self.output = self.feedforward()`."""
    maker, made = program.steps.maker, getattr(program.holder, "made", None)
    if not (isinstance(maker, str) and inspect.isclass(made)):
        return False
    by_role = chain.methods_by_role(made)
    if program.given_slope:
        return any(name != maker and maker in source.names_called(f) for name, f in by_role.get("fused", ()))
    read = source.attributes_read(program.function(maker)).keys()
    askers = (f for row in by_role.values() for name, f in row if maker in source.names_called(f) and name != maker)
    return any(read & source.kept_of_calls(f, str(program.steps.forward)) for f in askers)


def _is_of_parts(program: Driven) -> bool:
    """Whether it is a layer, or layers that no code of the file has put together."""
    return program.given_slope or program.interface == "layers"


def _is_told(program: Driven) -> bool:
    plan = getattr(program.holder, "plan", None)
    return isinstance(plan, AsTold) and plan.depths[0] > 1


def _uses_numpy(namespace: Mapping[str, Any]) -> bool:
    """Whether anything of NumPy is among the names."""
    of = (getattr(thing, "__name__" if inspect.ismodule(thing) else "__module__", "") for thing in namespace.values())
    return any(str(module).partition(".")[0] in ("numpy", "gradcompare") for module in of)


def _asked_for(namespace: Mapping[str, Any], interface: str | None) -> Iterator[Driven]:
    for program in candidates.candidates(namespace):
        adapted = interface == "adapter" and program.interface in ("dict-cache", "fused")
        if adapted or interface in (None, program.interface):
            yield program


def _worth(program: Driven) -> tuple[bool, int, bool, bool, bool, bool, bool, bool]:
    """Of two programs that run the one whose gradients are complete, more (a network rather than one of its layers),
    and seen rather than inferred; the one with a cost; the one that the file itself has put together; of two readings
    of a loop the one whose networks may have any widths; the one whose cost is the file's own."""
    found = program.found
    assert found is not None
    return (
        found.complete,
        found.right,
        program.shows_gradients,
        found.cost_from is not None or program.steps.forward is not None,
        found.cost_from is not None,
        program.interface != "layers",
        program.interface != "training-loop" or found.sizes is None,
        not _is_asked_by_another(program),
    )


def rivals(program: Program, namespace: Mapping[str, Any]) -> list[str]:
    """The names of the file's other functions that give the same from the same: with loops, and without."""
    if not isinstance(program, Driven):
        return []
    maker = program.function(program.steps.maker)
    taken = source.argument_names(maker)
    if isinstance(program.steps.maker, str) or namespace.get(getattr(maker, "__name__", "")) is not maker:
        return []
    own = [f for f in namespace.values() if inspect.isfunction(f) and f not in program.functions]
    rows = roles.by_role(own).values()
    alike = [f.__name__ for row in rows for f in row if source.argument_names(f) == taken and len(taken) > 2]
    role, handed = words.role_of_function(maker.__name__), _lengths(maker)
    return [n for n in alike if words.role_of_function(n) == role and _lengths(namespace[n]) == handed]


def other_loops(program: Program, namespace: Mapping[str, Any]) -> Iterator[Driven]:
    """The training loops of a file beside that of a program, each as it fits best, where it is understood."""
    if not isinstance(program, Driven) or program.interface != "training-loop":
        return
    own = [f for f in namespace.values() if inspect.isfunction(f) and candidates.is_own(f)]
    costs = roles.by_role(own).get("cost", [])
    known = [_lines(program)]
    for lines, row in itertools.groupby(loops.candidates(namespace, costs), key=_lines):
        if lines is None or any(one is None or (lines[0] <= one[1] and one[0] <= lines[1]) for one in known):
            continue  # inside of another, or around it
        fitted = list(filter(_fits, row))
        if fitted:
            known.append(lines)
            yield max(fitted, key=_worth)


def _fits(program: Driven) -> bool:
    """Whether it runs, and all its gradients are found."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            program.fit(0)
    except CannotCheckError:
        return False
    return program.found is not None and program.found.complete


def _lines(program: Driven) -> tuple[int, int] | None:
    """The first and the last line of the loop that a program is made of."""
    loop = getattr(program.function(program.steps.maker), "tree", None)
    return (loop.lineno, loop.end_lineno) if loop is not None else None


def _lengths(function: Callable[..., Any]) -> set[int]:
    """How many values a function returns."""
    return {len(row) for row in source.returned_names(function)}


_FRAMEWORKS = ("torch", "jax", "tensorflow", "autograd", "mxnet")


def _by_itself(own: Mapping[str, Any], namespace: Mapping[str, Any]) -> Iterator[str]:
    """What in a file differentiates by itself, so that nothing is written by hand."""
    engines = [name for name, made in own.items() if inspect.isclass(made) and candidates.is_engine(made)]
    if engines:
        yield (
            f"{engines[0]} differentiates by itself, one operation after another: what is checked are gradients of a "
            "whole function. Give a loss in plain NumPy, and gradients that ask the engine."
        )
    for framework in sorted(source.packages_imported(str(namespace.get("__file__"))) & set(_FRAMEWORKS)):
        yield f"It computes with {framework}, which differentiates by itself: what is checked is written in NumPy."


def not_recognised(namespace: Mapping[str, Any], interface: str | None = None) -> str:
    """What was looked for in a file's names, the nearest candidate, and the adapter, ready to paste."""
    if interface is not None and any(True for _ in _asked_for(namespace, None)):
        return f"It does not have the shape {interface}; without --interface it may have another that is recognised."
    own = {name: thing for name, thing in namespace.items() if candidates.is_own(thing)}
    functions = [name for name, f in own.items() if inspect.isfunction(f)]
    classes = [name for name, c in own.items() if inspect.isclass(c)]
    here = f"functions: {', '.join(functions) or 'none'}; classes: {', '.join(classes) or 'none'}"
    near = [name for name in functions if words.role_of_function(name) in ("forward", "backward", "fused", "update")]
    nearest = f" The nearest is {near[0]}: what goes with it was not found." if near else ""
    lists = "" if _uses_numpy(namespace) or not (functions or classes) else f" {NO_NUMPY}"
    inline = "" if functions or classes else " No statements were found either that go forward and back."
    lists = "".join(f" {sentence}" for sentence in _by_itself(own, namespace)) or lists
    return (
        "No hand-written backpropagation was recognised. Looked for functions or methods whose names begin with "
        "forward, backward, backprop, gradient, loss, cost, train or fit, that take inputs X and labels Y, beside "
        f"parameters in arguments, a dict, an object or global names. Found here are {here}.{nearest}{inline}{lists} "
        "`gradcompare interfaces` shows what is recognised. Two functions are always enough; add them to the file:\n\n"
        f"{ADAPTER}"
    )
