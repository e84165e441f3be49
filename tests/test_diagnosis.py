"""The namer is tested: mistakes planted as a line of NumPy in a right backward pass must be named, others must not.

A plant is a line that replaces the right one, {l} for the layer and {k} for the layer below. It is written as people
write it, in columns (columns are samples) and in rows, and knows nothing of the table.
"""

from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest

from gradcompare.diagnosis import MISTAKES, UNKNOWN, Spoken, Step, diagnose

HIDDEN = {
    "tanh": (np.tanh, "(1 - A{k}**2)"),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), "A{k} * (1 - A{k})"),
    "relu": (lambda z: np.maximum(z, 0), "(Z{k} > 0)"),
    "leaky": (lambda z: np.where(z > 0, z, z * 0.1), "np.where(Z{k} > 0, 1, 0.1)"),
}
LINES = {
    "columns": {
        "out": "dZ{l} = A{l} - Y",
        "dW": "dW{l} = np.dot(dZ{l}, A{k}.T) / m",
        "db": "db{l} = np.sum(dZ{l}, axis=1, keepdims=True) / m",
        "dA": "dA{k} = np.dot(W{l}.T, dZ{l})",
        "dZ": "dZ{k} = np.dot(W{l}.T, dZ{l}) * {slope}",
        "cost": "dA{l} = -(np.divide(Y, A{l}) - np.divide(1 - Y, 1 - A{l}))",
        "reg": "dW{l} = np.dot(dZ{l}, A{k}.T) / m + lambd / m * W{l}",
        "bias": "db{l} = np.sum(dZ{l}, axis=1, keepdims=True) / m + 2 * lambd * b{l}",
        "drop": "dA{k} = np.dot(W{l}.T, dZ{l}) * D{k} / keep_prob",
        "skip": "dA{k} = np.dot(W{l}.T, dZ{l}) + dZ{l}",
        "tied": "dW{l} = np.dot(dZ{l}, A{k}.T) / m + np.dot(A{l}, dZ3.T) / m",
    },
    "rows": {
        "out": "dZ{l} = A{l} - Y",
        "dW": "dW{l} = A{k}.T @ dZ{l} / m",
        "db": "db{l} = np.sum(dZ{l}, axis=0) / m",
        "dA": "dA{k} = dZ{l} @ W{l}.T",
        "dZ": "dZ{k} = dZ{l}.dot(W{l}.T) * {slope}",
        "cost": "dA{l} = (1 - Y) / (1 - A{l}) - Y / A{l}",
        "reg": "dW{l} = A{k}.T @ dZ{l} / m + lambd * W{l}",
        "bias": "db{l} = np.sum(dZ{l}, axis=0) / m + lambd * b{l}",
        "drop": "dA{k} = dZ{l} @ W{l}.T * D{k} / keep_prob",
        "skip": "dA{k} = dZ{l} @ W{l}.T + dZ{l}",
        "tied": "dW{l} = A{k}.T @ dZ{l} / m + dZ3.T @ A{l} / m",
    },
}
TWO_WAYS = ("skip", "tied")
"""Lines to which the gradient comes by two ways, in square networks."""
# the row's name: (the step, the line in columns, in rows, the activations it shows in)
PLANTS = {
    "sign": ("out", "Y - A{l}", "Y - A{l}"),
    "sign: of dA": ("cost", "Y / A{l} - (1 - Y) / (1 - A{l})", "np.divide(Y, A{l}) - (1 - Y) / (1 - A{l})"),
    "factor m: of dW": ("dW", "np.dot(dZ{l}, A{k}.T)", "A{k}.T @ dZ{l}"),
    "factor m: of db": ("db", "np.sum(dZ{l}, axis=1, keepdims=True)", "dZ{l}.sum(axis=0)"),
    "factor 1/m: dW": ("dW", "np.dot(dZ{l} / m, A{k}.T) / m", "A{k}.T @ dZ{l} / m / m"),
    "factor 1/m: db": ("db", "np.mean(dZ{l}, axis=1, keepdims=True) / m", "np.mean(dZ{l}, axis=0) / m"),
    "factor 2": ("out", "2 * (A{l} - Y)", "2 * (A{l} - Y)"),
    "factor 1/2": ("out", "0.5 * (A{l} - Y)", "(A{l} - Y) / 2"),
    "factor 1/m: out": ("out", "(A{l} - Y) / m", "(A{l} - Y) / m"),
    "factor 1/(the number of outputs)": ("out", "(A{l} - Y) / Y.shape[0]", "(A{l} - Y) / Y.shape[1]"),
    "factor -2": ("out", "-2 * (A{l} - Y)", "-2 * (A{l} - Y)"),
    "summed_over_units": ("db", "np.sum(dZ{l}) / m", "np.sum(dZ{l}) / m"),
    "summed_over_units: mean": ("db", "np.mean(dZ{l})", "np.mean(dZ{l})"),
    "summed_over_units: kept": ("db", "np.sum(dZ{l}, keepdims=True) / m", "np.sum(dZ{l}, keepdims=True) / m"),
    "summed_over_units: spread": ("db", "np.zeros_like(b{l}) + np.sum(dZ{l}) / m", "b{l} * 0 + np.sum(dZ{l}) / m"),
    "wrong_axis": ("db", "np.sum(dZ{l}, axis=0, keepdims=True) / m", "np.sum(dZ{l}, axis=1) / m"),
    "lost_keepdims": ("db", "np.sum(dZ{l}, axis=1) / m", "np.sum(dZ{l}, axis=0, keepdims=True) / m"),
    "not_summed": ("db", "dZ{l} / m", "dZ{l} / m"),
    "wrong_variable: Z": ("dW", "np.dot(dZ{l}, Z{k}.T) / m", "Z{k}.T @ dZ{l} / m"),
    "wrong_variable: all": ("dW", "np.dot(dZ{l}, dZ{l}.T) / m", "dZ{l}.T @ dZ{l} / m"),
    "wrong_variable: square": ("dA", "np.dot(W{l}.T, A{l})", "A{l} @ W{l}.T"),
    "wrong_variable: label": ("dW", "np.dot(Y, A{k}.T) / m", "A{k}.T @ Y / m"),
    "wrong_variable: b": ("db", "b{l}", "b{l}"),
    "wrong_variable: Z out": ("out", "Z{l} - Y", "Z{l} - Y"),
    "label_missing": ("out", "A{l} * 1", "A{l} * 1"),
    "slope_missing": ("dZ", "np.dot(W{l}.T, dZ{l})", "dZ{l} @ W{l}.T"),
    "slope_twice": (
        "dZ",
        "np.dot(W{l}.T, dZ{l}) * {slope} * {slope}",
        "dZ{l} @ W{l}.T * {slope} * {slope}",
        "tanh sigmoid",
    ),
    "slope_twice: out": ("out", "(A{l} - Y) * A{l} * (1 - A{l})", "(A{l} - Y) * A{l} * (1 - A{l})"),
    "updated_before_read": (
        "dZ",
        "np.dot((W{l} - 0.3 * dW{l}).T, dZ{l}) * {slope}",
        "dZ{l} @ (W{l} - 1.2 * dW{l}).T * {slope}",
    ),
    "updated_before_read: dA": ("dA", "np.dot((W{l} - 0.0075 * dW{l}).T, dZ{l})", "dZ{l} @ (W{l} - 0.01 * dW{l}).T"),
    "regulariser: missing": ("reg", "np.dot(dZ{l}, A{k}.T) / m", "A{k}.T @ dZ{l} / m"),
    "regulariser: twice": (
        "reg",
        "np.dot(dZ{l}, A{k}.T) / m + 2 * lambd / m * W{l}",
        "A{k}.T @ dZ{l} / m + 2 * lambd * W{l}",
    ),
    "regulariser: half": (
        "reg",
        "dZ{l} @ A{k}.T / m + lambd / m * W{l} / 2",
        "A{k}.T @ dZ{l} / m + 0.5 * lambd * W{l}",
    ),
    "regulariser: m": ("reg", "np.dot(dZ{l}, A{k}.T) / m + lambd * W{l}", "A{k}.T @ dZ{l} / m + lambd * W{l} / m"),
    "regulariser: sign": ("reg", "np.dot(dZ{l}, A{k}.T) / m - lambd / m * W{l}", "A{k}.T @ dZ{l} / m - lambd * W{l}"),
    "regulariser: square": (
        "reg",
        "np.dot(dZ{l}, A{k}.T) / m + lambd / m * W{l}**2",
        "A{k}.T @ dZ{l} / m + lambd * W{l}**2",
    ),
    "regulariser: bias": ("bias", "np.sum(dZ{l}, axis=1, keepdims=True) / m", "np.sum(dZ{l}, axis=0) / m"),
    "regulariser: extra": (
        "db",
        "dZ{l}.sum(1, keepdims=True) / m + lambd * b{l}",
        "dZ{l}.sum(0) / m + lambd / m * b{l}",
    ),
    "derivative_elsewhere: Z": (
        "dZ",
        "np.dot(W{l}.T, dZ{l}) * (1 - Z{k}**2)",
        "dZ{l} @ W{l}.T * (1 - Z{k}**2)",
        "tanh",
    ),
    "derivative_elsewhere: s": (
        "dZ",
        "np.dot(W{l}.T, dZ{l}) * Z{k} * (1 - Z{k})",
        "dZ{l} @ W{l}.T * Z{k} * (1 - Z{k})",
        "sigmoid",
    ),
    "derivative_elsewhere: A": (
        "dZ",
        "np.dot(W{l}.T, dZ{l}) * (1 - np.tanh(A{k})**2)",
        "dZ{l} @ W{l}.T * (1 - np.tanh(A{k})**2)",
        "tanh",
    ),
    "wrong_steepness: relu": (
        "dZ",
        "np.dot(W{l}.T, dZ{l}) * np.where(Z{k} > 0, 1, 0.01)",
        "dZ{l} @ W{l}.T * np.where(Z{k} > 0, 0, 1)",
        "relu",
    ),
    "wrong_steepness: leaky": (
        "dZ",
        "np.dot(W{l}.T, dZ{l}) * np.where(Z{k} > 0, 1, 0.01)",
        "dZ{l} @ W{l}.T * np.where(Z{k} > 0, 0.1, 1)",
        "leaky",
    ),
    "wrong_steepness: odd": (
        "dZ",
        "np.dot(W{l}.T, dZ{l}) * np.where(Z{k} > 0, 1, 0.033)",
        "dZ{l} @ W{l}.T * np.where(Z{k} > 0, 1, -0.1)",
        "leaky",
    ),
    "wrong_activation": (
        "dZ",
        "np.dot(W{l}.T, dZ{l}) * A{k} * (1 - A{k})",
        "dZ{l} @ W{l}.T * A{k} * (1 - A{k})",
        "tanh relu",
    ),
    "wrong_activation: tanh": (
        "dZ",
        "np.dot(W{l}.T, dZ{l}) * (1 - A{k}**2)",
        "dZ{l} @ W{l}.T * (1 - A{k}**2)",
        "sigmoid",
    ),
    "wrong_formula": ("dZ", "np.dot(W{l}.T, dZ{l}) * (1 - A{k})", "dZ{l} @ W{l}.T * (1 - A{k})", "tanh sigmoid"),
    "wrong_formula: relu": ("dZ", "np.dot(W{l}.T, dZ{l}) * A{k}", "dZ{l} @ W{l}.T * A{k}", "relu"),
    "transposed": ("dW", "np.dot(A{k}, dZ{l}.T) / m", "dZ{l}.T @ A{k} / m"),
    "wrong_cost": ("cost", "-(Y / A{l})", "A{l} - Y"),
    "epsilon": (
        "cost",
        "(1 - Y) / (1 - A{l} + 1e-8) - Y / (A{l} + 1e-8)",
        "(1 - Y) / (1 - A{l} + 1e-3) - Y / (A{l} + 1e-3)",
    ),
    "reshaped": ("dW", "np.dot(dZ{l}, A{k}.reshape(A{k}.T.shape)) / m", "A{k}.reshape(A{k}.T.shape) @ dZ{l} / m"),
    "sample_left_out": ("dW", "np.dot(dZ{l}[:, :-1], A{k}[:, :-1].T) / m", "A{k}[1:].T @ dZ{l}[1:] / m"),
    "sample_left_out: db": ("db", "np.sum(dZ{l}[:, 1:], axis=1, keepdims=True) / m", "np.sum(dZ{l}[:-1], axis=0) / m"),
    "mask_missing": ("drop", "np.dot(W{l}.T, dZ{l}) / keep_prob", "dZ{l} @ W{l}.T / keep_prob"),
    "mask_missing: and scale": ("drop", "np.dot(W{l}.T, dZ{l})", "dZ{l} @ W{l}.T"),
    "factor keep_prob": ("drop", "np.dot(W{l}.T, dZ{l}) * D{k}", "dZ{l} @ W{l}.T * D{k}"),
    "overwritten": ("dW", "np.dot(dZ{l}, (A{k} * {slope}).T) / m", "(A{k} * {slope}).T @ dZ{l} / m", "tanh sigmoid"),
    "float32": ("dW", "(np.dot(dZ{l}, A{k}.T) / m).astype(np.float32)", "A{k}.T.astype(np.float32) @ dZ{l} / m"),
}
SQUARE = {  # where every width, and the number of samples, are the same
    "elementwise": ("dW", "dZ{l} * A{k}.T / m", "A{k} * dZ{l} / m"),
    "elementwise: dZ": ("dZ", "W{l}.T * dZ{l} * {slope}", "dZ{l} * W{l} * {slope}"),
    "matrix_product": ("dZ", "np.dot(np.dot(W{l}.T, dZ{l}), {slope})", "dZ{l} @ W{l}.T @ {slope}"),
    "wrong_variable: W": ("dZ", "np.dot(W{k}.T, dZ{l}) * {slope}", "dZ{l} @ W{k}.T * {slope}"),
    "wrong_variable: turned": ("dZ", "np.dot(W{l}, dZ{l}) * {slope}", "dZ{l} @ W{l} * {slope}"),
    "wrong_variable: X": ("dW", "np.dot(dZ{l}, X.T) / m", "X.T @ dZ{l} / m"),
    "wrong_variable: dZ": ("dW", "np.dot(dZ3, A{k}.T) / m", "A{k}.T @ dZ3 / m"),
    "wrong_variable: order": ("dW", "np.dot(A{k}.T, dZ{l}) / m", "dZ{l} @ A{k}.T / m"),
    "wrong_variable: slope": ("dZ", "np.dot(W{l}.T, dZ{l}) * (1 - A{l}**2)", "dZ{l} @ W{l}.T * (1 - A3**2)"),
    "transposed": ("dW", "np.dot(A{k}, dZ{l}.T) / m", "dZ{l}.T @ A{k} / m"),
    "wrong_axis": ("db", "np.sum(dZ{l}, axis=0).reshape(-1, 1) / m", "np.sum(dZ{l}, axis=1) / m"),
    "term_missing": ("skip", "np.dot(W{l}.T, dZ{l})", "dZ{l} @ W{l}.T"),
    "term_missing: through": ("skip", "dZ{l} * 1", "dZ{l} * 1"),
    "term_missing: tied": ("tied", "np.dot(dZ{l}, A{k}.T) / m", "dZ3.T @ A{l} / m"),
    "wrong_variable: of two": ("skip", "np.dot(W{l}, dZ{l}) + dZ{l}", "dZ{l} @ W{l} + dZ{l}"),
}
OTHERS = {
    "the square": "right**2",
    "the sine": "np.sin(3 * right)",
    "noise": "random.normal(size=right.shape)",
    "some noise": "right + 1e-3 * random.normal(size=right.shape)",
    "noise by entry": "right * random.normal(size=right.shape)",
    "sorted": "np.sort(right, axis=None).reshape(right.shape)",
    "rolled": "np.roll(right, 1, axis=0) + np.roll(right, 1, axis=1)",
    "a number": "right + 0.1",
    "one entry": "np.where(np.arange(right.size).reshape(right.shape) == 1, 3, right)",
    "by row": "right * np.arange(2, 2 + right.shape[0])[:, None]",
    "only where it is positive": "np.where(right > 0, right * 1.1, right)",
    "clipped": "np.clip(right, -0.01, 0.01)",
    "another constant each time": "right * random.normal()",
}


def network(layout, activation, depth, dtype, random, square=False):
    """Forward values in `dtype`, every width and the number of samples different from the others."""
    m = int(random.integers(8, 12))
    sizes = [m] * (depth + 1) if square else [3, *random.permutation([4, 5, 6])[: depth - 1], 2 + m % 2]
    turn = np.transpose if layout == "rows" else np.asarray
    v = {"X": turn(random.normal(size=(sizes[0], m))), "Y": turn((random.random((sizes[-1], m)) > 0.5) * 1.0)}
    for layer, (n, below) in enumerate(zip(sizes[1:], sizes, strict=False), 1):
        v[f"W{layer}"] = turn(0.6 * random.normal(size=(n, below)))
        v[f"b{layer}"] = random.normal(size=n) if layout == "rows" else random.normal(size=(n, 1))
    v = {k: x.astype(dtype) for k, x in v.items()}
    A = v["X"]
    for layer in range(1, depth + 1):
        v[f"Z{layer}"] = (A @ v[f"W{layer}"] if layout == "rows" else v[f"W{layer}"] @ A) + v[f"b{layer}"]
        g = HIDDEN["sigmoid" if layer == depth else activation][0]
        v[f"A{layer}"] = A = g(v[f"Z{layer}"]).astype(dtype)
        if layer < depth:
            v[f"D{layer}"] = random.random(A.shape) < 0.8
    return m, v


def filled(template, layer, activation):
    """The template for a layer, X for A0."""
    line = template.replace("{slope}", HIDDEN[activation][1])
    return line.replace("{l}", str(layer)).replace("{k}", str(layer - 1)).replace("A0", "X")


def run(line, arrays, m, dtype):
    """The value of a line in a precision."""
    names = {k: v if v.dtype == bool else v.astype(dtype) for k, v in arrays.items()}
    scope = {"np": np, "m": m, "lambd": dtype(0.7), "keep_prob": dtype(0.8)}
    target, _, expression = line.partition(" = ")
    return target, np.asarray(eval(expression, scope | names))


def planted(
    kind, wrong, layout, activation="tanh", *, depth=2, dtype=np.float64, seeds=range(4), layer=None, square=False
):
    """The step with the wrong line on several networks; `wrong` may be a function of the right numbers."""
    steps = []
    layer = layer or depth
    for seed in seeds:
        random = np.random.default_rng(seed)
        m, values = network(layout, activation, depth, dtype, random, square)
        gradients = upstream(layout, activation, depth, layer, values, m, dtype, kind)
        name, right = run(filled(LINES[layout][kind], layer, activation), values | gradients, m, np.float64)
        source = None
        if callable(wrong):
            claim = wrong(right, random)
        else:
            source = f"{name} = {filled(wrong, layer, activation)}"
            claim = run(source, values | gradients, m, dtype)[1]
        unit = np.finfo(dtype).eps / 2
        steps.append(
            Step(
                name,
                name[1:],
                claim,
                right,
                64 * unit * (np.abs(right) + np.mean(np.abs(right))),
                values,
                gradients,
                [k for k in values if k[0] in "XWbY"],
                samples=m,
                samples_axis=int(layout == "columns"),
                source=source,
                line=41,
                regularisation=0.7,
                constants={"m": m, "lambd": 0.7, "keep_prob": 0.8},
            )
        )
    return steps


def upstream(layout, activation, depth, layer, values, m, dtype, kind):
    """The gradients that the code has when it comes to the step of a layer."""
    gradients = {}
    for at in range(depth, layer - 1, -1):
        if at == depth and kind in ("out", "cost"):
            break
        lines = ["out"] if at == depth else []
        lines += ["dW"] * (at > layer or kind not in ("dW", "reg", "tied"))
        lines += ["db", "dZ"] * (at > layer)
        for key in lines:
            name, value = run(filled(LINES[layout][key], at, activation), values | gradients, m, dtype)
            gradients[name] = value
    return gradients


def evaluated(fix, step):
    """A fix, run as Python."""
    return run(fix, {**step.values, **step.gradients}, step.samples, np.float64)[1]


def every_plant():
    """Each plant in both layouts, over activations, depths and precisions in turns."""
    depths, dtypes = cycle((2, 3, 2, 4)), cycle((np.float64, np.float64, np.float32))
    for plant, (kind, columns, rows, *shown) in PLANTS.items():
        for layout, wrong in (("columns", columns), ("rows", rows)):
            for activation in (shown[0] if shown else "tanh relu").split():
                dtype = np.float64 if plant in ("float32", "epsilon", "updated_before_read: dA") else next(dtypes)
                yield plant, kind, wrong, layout, activation, next(depths), dtype


@pytest.mark.parametrize(("plant", "kind", "wrong", "layout", "activation", "depth", "dtype"), list(every_plant()))
def test_planted_mistake_is_named(plant, kind, wrong, layout, activation, depth, dtype):
    layer = 2 if kind in ("dZ", "dW", "db", "reg", "bias", "dA", "drop") else depth
    steps = planted(kind, wrong, layout, activation, depth=depth, dtype=dtype, layer=layer)
    (found,) = diagnose(steps)
    assert found.mistake == plant.split(":")[0], found
    assert found.line == 41
    if found.fix is not None:
        for step in steps:
            np.testing.assert_allclose(evaluated(found.fix, step), step.right, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("layout", LINES)
@pytest.mark.parametrize("plant", SQUARE)
def test_planted_mistake_is_named_in_square_networks(plant, layout):
    kind, *lines = SQUARE[plant]
    (found,) = diagnose(planted(kind, lines[layout == "rows"], layout, depth=3, layer=2, square=True))
    assert found.mistake == plant.split(":")[0], found
    assert found.fix is not None


@pytest.mark.parametrize(
    ("kind", "layout"), [("dZ", "columns"), ("dW", "rows"), ("reg", "columns"), ("cost", "rows"), ("skip", "rows")]
)
@pytest.mark.parametrize("other", OTHERS)
def test_mistake_outside_the_table_is_unknown(other, kind, layout):
    def wrong(right, random):
        return eval(OTHERS[other], {"np": np, "right": right, "random": random})

    square = {"depth": 3, "layer": 2, "square": True} if kind in TWO_WAYS else {}
    (found,) = diagnose(planted(kind, wrong, layout, **square))
    assert found.mistake == UNKNOWN, found
    assert found.fix is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("layout", LINES)
@pytest.mark.parametrize("kind", LINES["columns"])
def test_right_step_is_no_mistake(kind, layout, dtype):
    _, _, right = LINES[layout][kind].partition(" = ")
    square = {"depth": 3, "layer": 2, "square": True} if kind in TWO_WAYS else {}
    assert diagnose(planted(kind, right, layout, dtype=dtype, **square)) == []


def test_keys_are_those_of_the_table():
    assert {plant.split(":")[0].split(" ")[0] for plant in PLANTS | SQUARE} <= set(MISTAKES)


# ---- what a step is written like, and what is said -------------------------------------------------------------------

MISSING = "dZ1 = np.dot(W2.T, dZ2)"


def rewritten(source, **changes):
    """The step whose derivative is missing, with another source line."""
    steps = planted("dZ", MISSING.partition(" = ")[2], "columns")
    return [replace(step, source=source, **changes) for step in steps]


@pytest.mark.parametrize(
    ("source", "changes", "fix"),
    [
        (MISSING, {}, "dZ1 = np.dot(W2.T, dZ2) * (1 - A1**2)"),
        ("    dZ1 = (W2.T @ dZ2)\n", {}, "dZ1 = (W2.T @ dZ2 * (1 - A1**2))"),
        ("self.dZ1 = W2.T.dot(dZ2)  # wrong", {}, "self.dZ1 = W2.T.dot(dZ2) * (1 - A1**2)  # wrong"),
        (
            'grads["dZ1"] = np.dot(params["W2"].T, grads["dZ2"])',
            {"spelled": {"A1": 'cache["A1"]'}},
            'grads["dZ1"] = np.dot(params["W2"].T, grads["dZ2"]) * (1 - cache[\'A1\']**2)',
        ),
        (
            "dZ = np.dot(W[l + 1].T, dZ)",
            {"spelled": {"W2": "W[l+1]", "dZ2": "dZ", "A1": "A[l]"}},
            "dZ = np.dot(W[l + 1].T, dZ) * (1 - A[l]**2)",
        ),
        ("dZ1 = backward_of(dZ2, W2)", {}, "dZ1 = W2.T @ dZ2 * (1 - A1**2)"),
        ("dZ1 += np.dot(W2.T, dZ2)", {}, None),
        ("dZ1 = np.dot(W2.T, dZ2", {}, None),
        ("dZ1 = W2.T @ dZ2 * 10**10**10", {}, "dZ1 = W2.T @ dZ2 * (1 - A1**2)"),
        ("dZ1 = np.dot(W2.T, dZ2) * (1 - A1**2)", {}, None),  # as it stands it is right: an array has changed
        (None, {}, None),
    ],
)
def test_fix_is_in_the_codes_own_words(source, changes, fix):
    (found,) = diagnose(rewritten(source, **changes))
    assert (found.mistake, found.says) == ("slope_missing", "The derivative of tanh is missing.")
    assert found.fix == fix


@pytest.mark.parametrize(
    ("kind", "wrong", "says"),
    [
        ("dZ", lambda right, random: right * (np.arange(len(right)) != 1)[:, None], "Only the [1] row"),
        (
            "dZ",
            lambda right, random: right * np.append(np.ones(right.shape[1] - 1), 7),
            "Only the last column, a sample",
        ),
        (
            "dW",
            lambda right, random: np.where(np.arange(right.size).reshape(right.shape) == 1, 9, right),
            "entry [0, 1]",
        ),
        ("dW", lambda right, random: right + 0.25, "by the same amount"),
        ("dW", lambda right, random: right * (1 + 1e-8 * random.normal(size=right.shape)), "float32"),
        ("dW", lambda right, random: right * np.arange(1, 1 + len(right))[:, None] ** 2.5, "Each row is a constant"),
        ("dW", lambda right, random: right * np.nan, "no finite numbers"),
        ("dW", lambda right, random: right * 0, "0 everywhere"),
        ("dW", lambda right, random: random.normal(size=3), "shape"),
    ],
)
def test_unknown_mistake_has_its_regularities_said(kind, wrong, says):
    (found,) = diagnose(planted(kind, wrong, "columns", depth=3, layer=2))
    assert found.mistake == UNKNOWN
    assert says in found.says


def test_mistake_inside_a_gradient_that_was_never_in_a_variable_is_named():
    steps = []
    for step in planted("dW", "np.dot(dZ{l}, A{k}.T) / m", "columns", layer=1):
        v, m = step.values, step.samples
        inner = v["W2"].T @ step.gradients["dZ2"]
        claim = inner @ v["X"].T / m
        right = (inner * (1 - v["A1"] ** 2)) @ v["X"].T / m
        gradients = {**step.gradients, "dZ1": inner * (1 - v["A1"] ** 2)}
        steps.append(replace(step, claim=claim, right=right, gradients=gradients, hidden=["dZ1"], source=None))
    (found,) = diagnose(steps)
    assert found.mistake == "slope_missing"


def test_one_network_is_not_enough_for_a_name():
    steps = planted("dZ", MISSING.partition(" = ")[2], "columns", seeds=range(1))
    assert diagnose(steps)[0].mistake == UNKNOWN


def test_coincidence_is_not_named():
    """The derivative is missing on the first networks, and something else is wrong on the last."""
    steps = planted("dZ", MISSING.partition(" = ")[2], "columns")
    last = replace(steps[-1], claim=steps[-1].claim + 1)
    assert diagnose([*steps[:-1], last])[0].mistake == UNKNOWN


def test_names_may_be_anything():
    """Names that are no names in Python, or that formulas use themselves."""
    names = {"W2": "layers[1].weights", "Z1": "m", "A1": "n", "dZ2": "np", "X": "class"}
    steps = [
        replace(
            step,
            of="m",
            values={names.get(k, k): v for k, v in step.values.items()},
            gradients={names.get(k, k): v for k, v in step.gradients.items()},
            source=None,
        )
        for step in planted("dZ", "np.dot(W{l}.T, dZ{l}) * (1 - Z{k}**2)", "columns")
    ]
    (found,) = diagnose(steps)
    assert found.mistake == "derivative_elsewhere"
    assert found.says == "The derivative of tanh is written for the activation n and taken at m."


def test_a_word_of_a_sentence_is_no_array_of_that_name():
    """Bishop's activation is called a, and of several that share the name a sentence says which it means."""
    steps = [
        replace(
            step,
            values={{"X": "a"}.get(k, k): v for k, v in step.values.items()},
            spoken={"a": Spoken("a", "of layer 1")},
            source="db1 = np.mean(dZ1, axis=1, keepdims=True) / m",
        )
        for step in planted("db", "np.sum(dZ{l}, axis=1, keepdims=True) / m / m", "columns")
    ]
    (found,) = diagnose(steps)
    assert "np.mean stands where a sum belongs" in found.says


def test_formulas_are_tried_no_longer_than_there_is_time():
    steps = planted("dZ", MISSING.partition(" = ")[2], "columns")
    assert diagnose(steps)[0].mistake == "slope_missing"
    (found,) = diagnose(steps, until=0.0)
    assert found.mistake == UNKNOWN
