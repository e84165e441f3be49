"""Reports to make pages of: small and large, and one full of what looks like markup."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from gradcompare import check, compare, numpy_on_torch
from gradcompare.judging.verdict import Finding
from gradcompare.picture import Picture, Tensor, map_of
from gradcompare.report import Report, Source

EXAMPLES = Path(__file__).parent.parent / "examples"
HOSTILE = (
    "</style></script><script>window.hacked = true</script><img src=http://127.0.0.1:9/ onerror=hacked=1>]]>\"'&lt;"
)
"""Would run, load or break something if any part of it became markup."""


@functools.cache
def wrong() -> Report:
    """Of a file with a mistake on line 37."""
    return check(EXAMPLES / "dict_cache_lost_derivative.py", examples=4)


def hostile() -> Report:
    """Of a file whose every name and line is hostile."""
    code = f"x = '{HOSTILE}'  # {HOSTILE}"
    at = {"of": HOSTILE, "shape": (2, 2), "dtype": "float64", "source": code, "variable": HOSTILE, "line": 2}
    numbers = {"error": 1.0, "bound": 1e-15, "ratio": 1e15, "worst": (0, 1), "claim": 2.0, "reference": 1.0}
    faulty, heir = f"d{HOSTILE}", f"dW {HOSTILE}"
    one = np.ones((2, 2))
    map_ = map_of(one + np.eye(2), one, one * 1e-15)
    return Report(
        "wrong",
        [
            Finding(faulty, verdict="fault", **at, **numbers),
            Finding(heir, verdict="inherited", inherited_from=faulty, **at, **numbers),
        ],
        notes=[HOSTILE],
        subject={"file": f"{HOSTILE}.py", "interface": HOSTILE, "functions": [HOSTILE]},
        assumed=[HOSTILE],
        diagnosis=[{"name": faulty, "line": 2, "mistake": HOSTILE, "says": HOSTILE, "fix": f"{code} + {HOSTILE}"}],
        smallest_case={"sizes": [1], "m": 1, "inputs": {HOSTILE: np.ones(1)}, "seed": 0},
        precisions=(HOSTILE,),
        draw=lambda: Picture(
            (
                Tensor(HOSTILE, "input", (2, 2)),
                Tensor("J", "cost", (), (HOSTILE,), place=(2, code)),
                Tensor(faulty, "gradient", (2, 2), (HOSTILE,), place=(2, code), map=map_),
                Tensor(heir, "gradient", (2, 2), (faulty,), (HOSTILE,), (2, code), map_),
            ),
            HOSTILE,
        ),
        source=Source(f"# {HOSTILE}\n{code}\n# {HOSTILE}\n"),
    )


@functools.cache
def wide() -> Report:
    """784-128-10, 200 samples, the derivative lost in the hidden layer."""
    draw, m = np.random.default_rng(0), 200
    inputs = {"X": draw.normal(size=(784, m)), "Y": draw.normal(size=(10, m)), "W1": draw.normal(size=(128, 784)) / 28}
    inputs |= {"W2": draw.normal(size=(10, 128)) / 11}

    def forward(given):
        Z1 = given["W1"] @ given["X"]
        Z2 = given["W2"] @ np.tanh(Z1)
        return np.sum((Z2 - given["Y"]) ** 2) / 2, {"Z1": Z1, "Z2": Z2}

    def gradients(given):
        _, values = forward(given)
        dZ2 = values["Z2"] - given["Y"]
        dZ1 = given["W2"].T @ dZ2
        return {"dZ2": dZ2, "dW2": dZ2 @ np.tanh(values["Z1"]).T, "dZ1": dZ1, "dW1": dZ1 @ given["X"].T}

    return compare(numpy_on_torch(forward), numpy_on_torch(gradients), inputs)


@functools.cache
def deep(layers: int = 400) -> Report:
    """Many layers, every map as fine as maps are, the fault in the middle."""
    draw = np.random.default_rng(0)
    tensors, findings = [Tensor("X", "input", (100, 100))], []
    for n in range(1, layers + 1):
        before = (f"A{n - 1}" if n > 1 else "X", f"W{n}", f"b{n}")
        tensors += [Tensor(f"W{n}", "input", (100, 100)), Tensor(f"b{n}", "input", (100, 1))]
        tensors += [Tensor(f"Z{n}", "value", (100, 100), before), Tensor(f"A{n}", "value", (100, 100), (f"Z{n}",))]
    tensors.append(Tensor("J", "cost", (), (f"A{layers}",)))
    reference = draw.normal(size=(100, 100))
    for n in range(layers, 0, -1):
        after = (f"dZ{n + 1}",) if n < layers else ()
        for name, upstream in ((f"dA{n}", after), (f"dZ{n}", (f"dA{n}", f"Z{n}")), (f"dW{n}", (f"dZ{n}",))):
            verdict = "fault" if name == f"dZ{layers // 2}" else "inherited" if n < layers // 2 else "ok"
            off = draw.normal(size=(100, 100)) * 10.0 ** draw.uniform(-18, -3 if verdict != "ok" else -17, (100, 100))
            map_ = map_of(reference + off, reference, 1e-16 * np.abs(reference) + 1e-18)
            tensors.append(Tensor(name, "gradient", (100, 100), upstream, map=map_))
            findings.append(Finding(name, name[1:], verdict, (100, 100), "float64", ratio=map_.worst.ratio))
    return Report("wrong", findings, draw=lambda: Picture(tuple(tensors), "float64"))
