"""NumPy code on torch: its gradient is that of the untouched code, or an error that says why not."""

import functools
import math
import threading
import types
from math import sqrt

import numpy as np
import pytest
import torch
from numpy import exp
from numpy import maximum as larger

from gradcompare import NotTraceableError, compare, numpy_on_torch
from gradcompare.bounds import Run
from tests import programs

X = np.array([0.31, -0.87, 1.43, 0.52])
M = np.arange(12.0).reshape(3, 4) / 7
WEIGHTS = {"W": np.array([[1.0, -2.0, 0.5, 3.0]]), "rate": np.float64(0.1)}
SCALE = np.float64(1.5)


def accumulated_at(x):
    y = np.zeros(3)
    np.add.at(y, [0, 1, 1, 2], x)
    np.subtract.at(y, np.array([0, 0]), x[:2])
    return y


def assembled(x):
    y = np.zeros((2, 4))
    y[0] = x
    y[1, :2] = x[2:] * 2
    y[y < 0] *= 0.1
    return y


def loops(x):
    total = 0
    for i in range(len(x)):
        for v in x[i:]:
            total += v * x[i]
    return total


def in_place(x):
    y = x.copy()
    y += 1
    y *= x
    y -= SCALE
    y /= 2
    y **= 2
    np.multiply(y, 3, out=y)
    return y


def masks(x):
    y = x.copy()
    y[x > 0] = np.exp(y[x > 0])
    y[[1, 3]] = x[[0, 0]] * y[1]
    return y


def written_twice(x):
    """What autograd saved before a change in place must be the earlier numbers."""
    y = np.tanh(x)
    z = y * y
    y[0] = 5.0
    y *= 2
    return z + y


def dropout(x):
    np.random.seed(3)  # noqa: NPY002
    return x * (np.random.rand(4) < 0.5) / 0.5 + np.random.randn(4) * x  # noqa: NPY002


def old_dropout(x):
    return x * np.random.binomial(1, 0.5, size=4)  # noqa: NPY002


def printed(x):
    return (str(x), repr(x), f"{x[0]:.2f}", np.array2string(x), x * 2)[-1]


def softmax_of_scores(x):
    scores = x.reshape(2, 2)
    scores = scores - np.max(scores, axis=1, keepdims=True)
    e = np.exp(scores)
    return e / e.sum(axis=1, keepdims=True)


def cached(x, memory={}):  # noqa: B006
    memory["z"] = x * 2
    return memory["z"] ** 2


def global_cache(x):
    global LAST
    LAST = x * 2
    return LAST**2


class Layer:
    slope = np.array([0.5, 1.0, 2.0, -1.0])

    def __init__(self):
        self.W = np.arange(8.0).reshape(2, 4)

    def forward(self, x):
        self.seen = np.dot(self.W, x * self.slope)
        return np.tanh(self.seen)

    @staticmethod
    def static(x):
        return np.exp(x)

    @classmethod
    def of_class(cls, x):
        return np.exp(x) * cls.slope

    def __call__(self, x):
        return self.forward(x) * 2


sigmoid_of_numbers = np.vectorize(lambda v: 1 / (1 + math.exp(-v)))

TRACED = {
    "from numpy import": lambda x: exp(x) + larger(x, 0.1),
    "where, clip, minimum": lambda x: np.where(x > 0, x, x * 0.01) + np.clip(x, -0.5, 0.7) * np.minimum(x, 0.2),
    "np.add.at": accumulated_at,
    "assembled": assembled,
    "loops": loops,
    "in place": in_place,
    "masks": masks,
    "written twice": written_twice,
    "np.random.seed": dropout,
    "np.random": old_dropout,
    "a Generator": lambda x: x * (np.random.default_rng(0).random(4) > 0.3),
    "printed": printed,
    "softmax": softmax_of_scores,
    "a default argument": cached,
    "a global cache": global_cache,
    "math": lambda x: sum(math.exp(v) + math.pow(v, 2) + math.fabs(v) for v in x),
    "math.erf": lambda x: np.array([math.erf(v) for v in x]),
    "math.sqrt by name": lambda x: sqrt(x[0] ** 2 + x[1] ** 2) * x,
    "float()": lambda x: x * float(x[0]),
    ".item()": lambda x: x * x[1].item() + x.item(0),
    ".tolist()": lambda x: np.array([v * 2 for v in x.tolist()]),
    "np.array of numbers": lambda x: np.array([x[0] * 2, x[1], 3.0]),
    "np.array of rows": lambda x: np.array([[x[0], 1.0], [2.0, x[1] * x[2]]]),
    "np.asarray of a list": lambda x: np.asarray([np.tanh(v) for v in x]),
    "sum, max, abs, round": lambda x: sum(x) * x + max(x) - min(x) + abs(x) + round(x[0], 1),
    "global arrays": lambda x: M.dot(x) + M @ x + x @ M.T,
    "global dict": lambda x: WEIGHTS["W"].dot(x) * WEIGHTS["rate"],
    "NumPy's numbers": lambda x: (SCALE * x + x * SCALE) / np.int64(3) ** np.float32(2) + np.add(x, SCALE),
    "a method": Layer().forward,
    "a static method": Layer.static,
    "a class method": Layer.of_class,
    "a callable object": Layer(),
    "partial": functools.partial(np.power, 2.0),
    "another module": lambda x: programs.stable_sigmoid(x) * programs.leaky_in_place(x),
    "np.vectorize": lambda x: np.vectorize(lambda v: v * v if v > 0 else -v)(x),
    "np.vectorize before": lambda x: sigmoid_of_numbers(x.reshape(2, 2)),
    "np.apply_along_axis": lambda x: np.apply_along_axis(lambda row: row * row.sum(), 1, x.reshape(2, 2)),
    "np.c_": lambda x: np.c_[x, x * 2, np.ones(4)],
    "np.r_": lambda x: np.r_[1.0, x, x[:2] ** 2, 0:3],
    "np.insert": lambda x: np.insert(x, 0, 1.0) * np.insert(x, -1, x[0]),
    "np.insert a column": lambda x: np.insert(x.reshape(2, 2) ** 2, 0, 1, axis=1),
    "np.append": lambda x: np.append(x, x * 2),
    "np.delete": lambda x: np.delete(x * x, 1) + np.delete(x.reshape(2, 2) * 2, 0, axis=1).sum(),
    "np.select": lambda x: np.select([x < 0, x > 1], [x * 2, x * 3], x),
    "np.piecewise": lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda v: v * 0.1, lambda v: v]),
    "np.putmask": lambda x: (lambda y: (np.putmask(y, y > 0, 0.0), y)[1])(x * 2),
    "np.compress": lambda x: np.compress([True, False, True, True], x) ** 2,
    "np.block": lambda x: np.block([[x.reshape(2, 2), np.ones((2, 2))]]) ** 2,
    "np.linalg.norm": lambda x: np.linalg.norm(x) + np.linalg.norm(x.reshape(2, 2), axis=1),
    "np.outer": lambda x: np.outer(x, x) + np.multiply.outer(x, x),
    "np.tile, np.repeat": lambda x: np.tile(x, (2, 1)) @ np.repeat(x, 2).reshape(4, 2),
    "np.pad": lambda x: np.pad(x, (1, 2), constant_values=1.5) ** 2,
    "log1p, expm1, logaddexp": lambda x: np.log1p(x**2) + np.expm1(x) + np.logaddexp(0, x),
    "nanmean, nansum, nanmax": lambda x: np.nanmean(x * x) + np.nansum(x) + np.nanmax(x),
    "reduce, accumulate": lambda x: np.add.reduce(x.reshape(2, 2)) + np.maximum.reduce(x) + np.add.accumulate(x)[:2],
    "logaddexp.reduce": lambda x: np.logaddexp.reduce(x),
    "cosh, sinh, cbrt": lambda x: np.cosh(x) + np.sinh(x) + np.cbrt(x),
    "fmax, hypot, heaviside": lambda x: np.fmax(x, 0) + np.hypot(x, 2.0) + np.heaviside(x, 0) * x,
    "sum where": lambda x: np.sum(x * x, where=x > 0),
    "mean, var, std": lambda x: x.mean() + np.var(x) + x.std(ddof=1) + np.average(x, weights=[1, 2, 3, 4]),
    "einsum, tensordot": lambda x: np.einsum("i,ij->j", x[:3], M) + np.tensordot(M, x, 1).sum(),
    "sort, argsort": lambda x: np.sort(x) * x[np.argsort(x)],
    "one-hot": lambda x: x @ np.eye(4)[[0, 1, 1]].T,
    "stack, split": lambda x: np.vstack((x, x * 2)) * np.hstack(np.split(x, 2)),
    "fromiter": lambda x: np.fromiter((v * v for v in x), dtype=float),
    "errstate, allclose": lambda x: x * np.allclose(x, x) if np.seterr() is not None else x,
    "trapezoid, polyval, diff": lambda x: np.trapezoid(x) + np.polyval([1.0, 2, 3], x) + np.diff(x).sum(),
}
"""Each is traced, and its gradient right."""


def as_arrays(function):
    """Value, random cotangent and gradient by central differences, of the untouched code."""
    value = np.asarray(function(X.copy()), dtype=float)
    cotangent = np.random.default_rng(0).standard_normal(value.shape)

    def total(x):
        return float(np.sum(np.asarray(function(x), dtype=float) * cotangent))

    nudges = 1e-6 * np.eye(4)
    with programs_random():
        gradient = np.array([(total(X + d) - total(X - d)) / 2e-6 for d in nudges])
    return value, cotangent, gradient


def programs_random():
    from gradcompare.tracing.numpy_on_torch import same_random_numbers

    return same_random_numbers()


@pytest.mark.parametrize("bounded", [False, True], ids=["torch", "bounds"])
@pytest.mark.parametrize("name", TRACED)
def test_traced_gradient_is_that_of_the_untouched_code(name, bounded):
    function = numpy_on_torch(TRACED[name])
    value, cotangent, gradient = as_arrays(function)
    if bounded:
        with Run() as run:
            x = run.exact(torch.tensor(X), requires_grad=True)
            y = function(x)
            (d,) = torch.autograd.grad((y * torch.tensor(cotangent)).sum(), x)
        y, d = y.value, d.value
    else:
        x = torch.tensor(X, requires_grad=True)
        y = function(x)
        (d,) = torch.autograd.grad((y * torch.tensor(cotangent)).sum(), x)
    assert tuple(y.shape) == value.shape
    np.testing.assert_allclose(y.detach().numpy(), value, rtol=1e-12)
    np.testing.assert_allclose(d.numpy(), gradient, rtol=1e-5, atol=1e-7)


REFUSED = {
    "np.interp": (lambda x: np.interp(x, [-2.0, 0, 2], [0.0, 1, 4]), "interp"),
    "np.median": (np.median, "median"),
    "math.lgamma": (lambda x: math.lgamma(x[0]) * x, "lgamma"),
    "an array made outside": (Layer().W.dot, "outside of the function"),
    "np.add.reduceat": (lambda x: np.add.reduceat(x, [0, 2]), "numpy.add.reduceat"),
    "np.multiply.at": (lambda x: np.multiply.at(x * 1, [0], 2.0), "numpy.multiply.at"),
    "beyond its memory": (lambda x: np.lib.stride_tricks.as_strided(x, (5,)), "as_strided"),
    "where without out": (lambda x: np.log(x, where=x > 0), "numpy.log with where="),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_traced_is_named(name):
    function, named = REFUSED[name]
    with pytest.raises(NotTraceableError, match=named):
        numpy_on_torch(function)(torch.tensor(X, requires_grad=True))


def with_global_array(x):
    """A number stored in an array that was made outside leaves the graph without an error."""
    OUTSIDE.arrays[0][:] = 0
    OUTSIDE.arrays[0][0] = x[0] ** 2
    return OUTSIDE.arrays[0][0] * x[1]


OUTSIDE = types.SimpleNamespace(arrays=[np.zeros(1)])

CUTS = {
    "an array made outside": lambda i: with_global_array(i["w"]),
    "__float__": lambda i: np.sum(i["w"] ** 2) * i["w"][0].__float__(),
}


@pytest.mark.parametrize("name", CUTS)
def test_graph_that_is_cut_without_an_error_is_noticed(name):
    """Central differences of the untouched code stand in, and the report says so."""
    cost = CUTS[name]
    inputs = {"w": X.copy()}
    right = np.zeros(4)
    for k in range(4):
        d = np.zeros(4)
        d[k] = 1e-3
        right[k] = (cost({"w": X + d}) - cost({"w": X - d})) / 2e-3
    report = compare(numpy_on_torch(cost), lambda i: {"dw": right}, inputs)
    assert report.reference == "numerical"
    assert any("traced" in note for note in report.notes)


# ---- afterwards everything is as it was ------------------------------------------------------------------------------


def state():
    return {name: id(value) for name, value in globals().items() if not name.startswith(("_", "@"))}


def raising(x):
    np.exp(x)
    raise KeyError("meant")


def test_everything_is_restored_after_an_exception():
    before, random = state(), np.random.get_state()[1].copy()  # noqa: NPY002
    with pytest.raises(KeyError, match="meant"):
        numpy_on_torch(raising)(torch.tensor(X))
    assert state() == before
    assert np.array_equal(np.random.get_state()[1], random)  # noqa: NPY002
    assert isinstance(np.exp(X), np.ndarray)


def test_globals_that_the_code_binds_are_not_left_traced():
    numpy_on_torch(global_cache)(torch.tensor(X))
    assert "LAST" not in globals() or isinstance(globals()["LAST"], np.ndarray)


def test_arguments_are_not_written_to():
    def spoils(x):
        x *= 0
        return x

    x = torch.tensor(X)
    numpy_on_torch(spoils)(x)
    assert torch.equal(x, torch.tensor(X))


def test_random_numbers_are_those_of_the_untouched_code():
    traced = numpy_on_torch(old_dropout)
    first = traced(torch.tensor(X)).numpy()
    assert np.array_equal(first, traced(X))
    assert np.array_equal(first, traced(torch.tensor(X)).numpy())


def test_traced_code_may_call_traced_code():
    inner = numpy_on_torch(lambda x: np.exp(x))
    outer = numpy_on_torch(lambda x: inner(x) * np.tanh(x))
    x = torch.tensor(X, requires_grad=True)
    outer(x).sum().backward()
    np.testing.assert_allclose(x.grad, np.exp(X) * (np.tanh(X) + 1 - np.tanh(X) ** 2))


def test_threads_wait_for_one_another():
    f = numpy_on_torch(lambda x: np.exp(np.sum(x * x)) * x)
    own = X.copy()  # while the module runs traced its global arrays are traced ones, for other threads too
    expected, results, inputs = f(own), [], torch.tensor(own)

    def work(k):
        for _ in range(5):
            results.append(f(inputs) if k % 2 else f(own))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 20
    for y in results:
        np.testing.assert_allclose(y, expected)


def test_wrapping_twice_is_wrapping_once():
    f = numpy_on_torch(np.tanh)
    assert numpy_on_torch(f) is f
