"""Loading: what a file defines is there, what it does is not done, and what cannot be loaded ends in one sentence."""

import inspect
import json
import linecache
import os
import random
import re
import subprocess
import sys
import textwrap
import threading
import time
import traceback

import numpy as np
import pytest

from gradcompare.loading import AbsentError, CannotLoadError, files_in, load
from gradcompare.loading.settings import number_called
from gradcompare.tracing import stood_in


@pytest.fixture
def write(tmp_path):
    """Writes a sample file and returns its path."""

    def write_file(text, name="net.py", encoding="utf-8"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(textwrap.dedent(text).lstrip("\n"), encoding=encoding)
        return path

    return write_file


@pytest.fixture
def loaded(write):
    """Writes a sample file and loads it."""
    return lambda text, name="net.py", **kwargs: load(write(text, name, **kwargs))


def notebook(*cells, language="python", **more):
    """The JSON of a notebook with these code cells."""
    return json.dumps(
        {
            "cells": [
                {"cell_type": "markdown", "metadata": {}, "source": ["# A network\n"]},
                *(
                    {
                        "cell_type": "code",
                        "execution_count": 1,
                        "metadata": {},
                        "outputs": [],
                        "source": textwrap.dedent(cell).strip("\n").splitlines(keepends=True),
                    }
                    for cell in cells
                ),
            ],
            "metadata": {"kernelspec": {"name": "python3", "language": language, "display_name": "x"}},
            "nbformat": 4,
            "nbformat_minor": 5,
            **more,
        }
    )


def refusal(source):
    """The sentence in which loading ends."""
    with pytest.raises(CannotLoadError) as caught:
        load(source)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def said(result):
    return "\n".join(result.notes)


# ---- published habits ------------------------------------------------------------------------------------------------

DIGITS = """
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

data = pd.read_csv('/kaggle/input/digit-recognizer/train.csv')

data = np.array(data)
m, n = data.shape
np.random.shuffle(data) # shuffle before splitting

data_dev = data[0:1000].T
Y_dev = data_dev[0]
X_dev = data_dev[1:n]
X_dev = X_dev / 255.
_,m_train = X_dev.shape

def init_params():
    W1 = np.random.rand(10, 784) - 0.5
    b1 = np.random.rand(10, 1) - 0.5
    return W1, b1

def ReLU(Z):
    return np.maximum(Z, 0)

def forward_prop(W1, b1, X):
    Z1 = W1.dot(X) + b1
    A1 = ReLU(Z1)
    return Z1, A1

def backward_prop(Z1, A1, W1, X, Y):
    dZ1 = A1 - Y
    dW1 = 1 / m * dZ1.dot(X.T)
    db1 = 1 / m * np.sum(dZ1)
    return dW1, db1

def gradient_descent(X, Y, alpha, iterations):
    W1, b1 = init_params()
    for i in range(iterations):
        Z1, A1 = forward_prop(W1, b1, X)
        print(i, A1)
    return W1, b1

W1, b1 = gradient_descent(X_dev, Y_dev, 0.10, 500)

def make_predictions(X, W1, b1):
    _, A1 = forward_prop(W1, b1, X)
    return A1

plt.gray()
plt.show()
"""


def test_a_script_with_its_data_and_its_number_of_samples_at_module_level(loaded):
    result = loaded(DIGITS)
    dW1, _ = result.names["forward_prop"](np.ones((2, 3)), np.ones((2, 1)), np.ones((3, 4)))
    assert dW1.shape == (2, 4)
    missing = result.missing["m"]
    assert missing.line == 8
    assert missing.functions == ("backward_prop",)
    assert "pd.read_csv" in missing.why
    assert "data" not in result.names
    with pytest.raises(NameError) as failure:
        result.names["backward_prop"](*(np.ones((2, 2)),) * 5)
    assert "line 8 was not run" in result.explain(failure.value)
    result.names["m"] = 4  # what the caller supplies, the functions find
    assert np.all(result.names["backward_prop"](*(np.ones((2, 2)),) * 5)[0] == 0)


PLANAR = """
# Package imports
import numpy as np
import matplotlib.pyplot as plt
from testCases_v2 import *
import sklearn
import sklearn.datasets
import sklearn.linear_model
from planar_utils import plot_decision_boundary, sigmoid, load_planar_dataset, load_extra_datasets

%matplotlib inline

np.random.seed(1) # set a seed so that the results are consistent
X, Y = load_planar_dataset()
shape_X = X.shape
plt.scatter(X[0, :], X[1, :], c=Y, s=40, cmap=plt.cm.Spectral);
clf = sklearn.linear_model.LogisticRegressionCV();
clf.fit(X.T, Y.T);

def layer_sizes(X, Y):
    n_x = X.shape[0]
    n_h = 4
    return (n_x, n_h, Y.shape[0])

X_assess, Y_assess = layer_sizes_test_case()
(n_x, n_h, n_y) = layer_sizes(X_assess, Y_assess)
print("The size of the input layer is: n_x = " + str(n_x))

def forward_propagation(X, parameters):
    W1, b1 = parameters["W1"], parameters["b1"]
    Z1 = np.dot(W1, X) + b1
    A1 = sigmoid(Z1)
    assert(A1.shape == (1, X.shape[1]))
    return A1, {"Z1": Z1, "A1": A1}

A2, cache = forward_propagation(X_assess, parameters)
"""


def test_an_exercise_of_a_course_without_its_helper_files(loaded):
    result = loaded(PLANAR)
    A1, _ = result.names["forward_propagation"](np.ones((3, 2)), {"W1": np.zeros((1, 3)), "b1": 0.0})
    assert np.all(A1 == 0.5)
    assert "sigmoid (1 / (1 + exp(-z)))" in said(result)
    assert "testCases_v2" in said(result)
    assert "planar_utils" in said(result)
    assert "Lines for a notebook" in said(result)
    assert result.missing == {}
    function = result.names["forward_propagation"]
    assert result.lines[function.__code__.co_firstlineno - 1].startswith("def forward_propagation")
    with pytest.raises(AbsentError, match=r"planar_utils\.load_planar_dataset.*not found"):
        result.names["load_planar_dataset"]()


LAYERS = """
import numpy as np
from dnn_utils_v2 import sigmoid, sigmoid_backward, relu, relu_backward

def linear_activation_forward(A_prev, W, b, activation):
    Z = np.dot(W, A_prev) + b
    if activation == "sigmoid":
        A, activation_cache = sigmoid(Z)
    elif activation == "relu":
        A, activation_cache = relu(Z)
    return A, ((A_prev, W, b), activation_cache)

def linear_activation_backward(dA, cache, activation):
    linear_cache, activation_cache = cache
    if activation == "relu":
        return relu_backward(dA, activation_cache)
    return sigmoid_backward(dA, activation_cache)
"""


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_activations_that_return_a_and_its_cache(loaded, activation):
    names = loaded(LAYERS).names
    A, cache = names["linear_activation_forward"](np.array([[1.0, -2.0]]), np.eye(1), 0.5, activation)
    dZ = names["linear_activation_backward"](np.ones((1, 2)), cache, activation)
    Z = np.array([[1.5, -1.5]])
    expected = {"sigmoid": 1 / (1 + np.exp(-Z)), "relu": np.maximum(Z, 0)}[activation]
    np.testing.assert_allclose(A, expected, rtol=1e-15)
    slope = {"sigmoid": expected * (1 - expected), "relu": Z > 0}[activation]
    np.testing.assert_allclose(dZ, slope, rtol=1e-15)


CLASS = '''
from __future__ import print_function
import numpy as np
from tqdm import tqdm
try:
    import cupy as xp
except ImportError:
    import numpy as xp
from numba import njit


class Layer(object):
    """What all layers have in common."""

    def forward(self, x):
        raise NotImplementedError

    def backward(self, dout):
        raise NotImplementedError


class Affine(Layer):
    eps = 1e-7
    shapes = [(2, 3), (3,)]
    print("a class body that speaks")

    def __init__(self, n_in, n_out, scale=xp.sqrt(2.0)):
        self.W = scale * xp.random.randn(n_in, n_out)
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T


@njit(cache=True)
def relu(x):
    return np.maximum(x, 0)


net = [Affine(2, 3), Affine(3, 1)]
for epoch in tqdm(range(10**12)):
    net[0].forward(np.zeros((1, 2)))
'''


def test_layer_objects_with_an_optional_library_and_a_compiler(loaded, capsys):
    result = loaded(CLASS)
    layer = result.names["Affine"](2, 3)
    layer.forward(np.ones((4, 2)))
    assert layer.backward(np.ones((4, 3))).shape == (4, 2)
    assert result.names["xp"] is np
    assert result.names["relu"](-1.0) == 0
    assert "@njit(cache=True) is left out" in said(result)
    assert result.unfinished == []
    assert capsys.readouterr() == ("", "")


REGULARISED = """
import numpy as np
from reg_utils import sigmoid, relu, plot_decision_boundary, initialize_parameters, load_2D_dataset, predict_dec
from reg_utils import compute_cost, predict, forward_propagation, backward_propagation, update_parameters
import scipy.io
from testCases import *

train_X, train_Y, test_X, test_Y = load_2D_dataset()

def compute_cost_with_regularization(A3, Y, parameters, lambd):
    cross_entropy_cost = compute_cost(A3, Y) # This gives you the cross-entropy part of the cost
    return cross_entropy_cost + lambd * np.sum(np.square(parameters["W1"])) / (2 * Y.shape[1])

def forward_propagation_with_dropout(X, parameters, keep_prob = 0.5):
    np.random.seed(1)
    A1 = relu(np.dot(parameters["W1"], X))
    D1 = np.random.rand(A1.shape[0], A1.shape[1]) < keep_prob
    return sigmoid(A1 * D1 / keep_prob), (A1, D1)

parameters = model(train_X, train_Y)
"""


def test_an_exercise_whose_plain_functions_are_elsewhere(loaded):
    result = loaded(REGULARISED)
    A, _ = result.names["forward_propagation_with_dropout"](np.ones((2, 3)), {"W1": np.ones((1, 2))})
    assert A.shape == (1, 3)
    cost = result.names["compute_cost_with_regularization"](
        np.full((1, 2), 0.5), np.array([[0, 1]]), {"W1": np.ones(2)}, 1
    )
    assert cost == pytest.approx(np.log(2) + 0.5)
    assert "compute_cost (mean cross entropy of A and Y)" in said(result)


GLOBALS = """
import numpy as np, math, random
from collections import namedtuple
from dataclasses import dataclass
from functools import partial

Cache = namedtuple("Cache", "z a")
n_h, lr = 4, 1e-2
layers_dims = [2, n_h, 1]
config = dict(alpha=lr, act="tanh")
np.random.seed(3)
W1 = np.random.randn(n_h, 2) * np.sqrt(1. / 2)
b1 = np.zeros((n_h, 1))
X = np.array([[0, 0, 1, 1], [0, 1, 0, 1]])
W1[0, 0] = 0.25
W1 *= 2
act = np.tanh
dact = lambda a: 1 - a ** 2
leaky = partial(np.maximum, 0.1)
squash = act

def initialize(dims):
    parameters = {}
    for l in range(1, len(dims)):
        parameters["W" + str(l)] = np.random.randn(dims[l], dims[l - 1])
    print("initialised")
    return parameters

parameters = initialize(layers_dims)
unread = initialize(layers_dims)
squares = [i ** 2 for i in range(3)]
weights = {}
for i in range(3):
    weights[i] = np.zeros(i)

@dataclass
class Options:
    rate: float = lr

options = Options()

def forward(x):
    return squash(np.dot(W1, x) + b1), parameters["W1"], weights[0], options.rate, squares

for i in range(1000):
    W1 = W1 - lr * forward(X)[0]
"""


def test_weights_that_are_globals(loaded, capsys):
    state, python_state = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    result = loaded(GLOBALS)
    names = result.names
    generator = np.random.RandomState(3)
    expected = generator.randn(4, 2) * np.sqrt(0.5)
    expected[0, 0] = 0.25
    np.testing.assert_array_equal(names["W1"], expected * 2)
    assert names["parameters"]["W1"].shape == (4, 2)
    assert names["layers_dims"] == [2, 4, 1]
    assert names["dact"](0.5) == 0.75
    assert names["leaky"](-1.0) == 0.1
    assert names["options"].rate == 0.01
    assert names["squares"] == [0, 1, 4]
    assert "unread" not in names
    assert names["Cache"](1, 2).a == 2
    assert set(result.missing) == {"weights"}
    assert "loop" in result.missing["weights"].why
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert random.getstate() == python_state
    assert capsys.readouterr() == ("", "")


def test_constants_in_many_habits(loaded):
    result = loaded(
        """
        import numpy as np, logging, os, sys, time
        from numpy.random import seed, randn
        from dataclasses import dataclass, field
        from enum import Enum
        from typing import NamedTuple
        seed(0)
        rng = np.random.default_rng(42)
        logger = logging.getLogger(__name__)
        here = os.path.dirname(os.path.abspath(__file__))
        start = time.time()
        W1, b1 = randn(3, 2), np.zeros((3, 1))
        X = (np.arange(6) - 3).reshape(2, 3)[:, ::-1].T.copy()
        X1 = np.c_[X, np.ones(3)]
        name = "%s-%d" % ("net", len(X)) + f"{X.shape}"
        sizes = [2]; sizes.append(3); sizes += [1]
        table = {"tanh": np.tanh, "relu": lambda z: z * (z > 0)}
        table["id"] = lambda z: z
        rate: float = 1e-2 if len(sizes) > 2 else 0.5
        class Kind(Enum):
            A = 1
        class Pair(NamedTuple):
            a: int
        @dataclass
        class Options:
            sizes: list = field(default_factory=list)
        class Net:
            def __init__(self, n): self.W = rng.normal(size=(n, n))
            def update(self): print("updated"); return 3
        def build_model(n):
            return Net(n)
        model = build_model(3)
        other = model.update()
        def f():
            logger.debug("quiet")
            return model.W, other, table["id"](rate), sys.argv
        """
    )
    names = result.names
    assert names["sizes"] == [2, 3, 1]
    assert (names["rate"], names["name"], names["X1"].shape) == (0.01, "net-3(3, 2)", (3, 3))
    assert names["model"].W.shape == (3, 3)
    assert (names["Options"]().sizes, names["Kind"].A.value, names["Pair"](1).a) == ([], 1, 1)
    assert names["W1"].shape == (3, 2)
    assert list(result.missing) == ["other"]
    assert result.missing["other"].why == "it calls model.update"


def test_methods_that_are_added_to_a_class_later(loaded):
    result = loaded(
        """
        import numpy as np
        class Net: pass
        def backward(self, x):
            return x
        Net.backward = backward
        np.dot = backward
        """
    )
    assert result.names["Net"]().backward(3) == 3
    assert np.dot is not result.names["backward"]


# ---- what is not run -------------------------------------------------------------------------------------------------

EFFECTS = [
    "print('spoken')",
    "open('written.txt', 'w').write('x')",
    "x = open('written.txt', 'w')",
    "np.save('written.npy', np.zeros(3))",
    "x = np.savetxt('written.txt', np.zeros(3))",
    "x = input('name? ')",
    "name = str(input())",
    "import sys; sys.exit(3)",
    "exit()",
    "raise SystemExit",
    "while True: pass",
    "for i in range(10 ** 12): pass",
    "import os; os.system('touch written.txt')",
    "import os; os.environ['WRITTEN'] = '1'",
    "import subprocess; x = subprocess.run(['touch', 'written.txt'])",
    "import urllib.request; x = urllib.request.urlopen('http://example.invalid')",
    "assert False",
    "import antigravity, this, turtle",
    "with open('written.txt', 'w') as file: file.write('x')",
    "if __name__ == '__main__': open('written.txt', 'w')",
    "if input(): x = 1",
    "def train():\n    while True: pass\nresult = train()\ndef read(): return result",
    "def make():\n    while True: pass\nresult = make()\ndef read(): return result",
    "def make():\n    open('written.txt', 'w')\nresult = make()\ndef read(): return result",
    "class Net:\n    def __init__(self): open('written.txt', 'w')\nresult = Net()\ndef read(): return result",
    "class Net:\n    open('written.txt', 'w')\n    x = print('spoken')",
    "def deco(f): open('written.txt', 'w')\n@deco\ndef g(): pass",
    "def g(x=open('written.txt', 'w')): pass",
    "import atexit\n@atexit.register\ndef g(): open('written.txt', 'w')",
    "def g(*, x: print('spoken') = 1) -> print('spoken'): pass",
    "x: print('spoken') = 1",
    "x = 10 ** 10 ** 10",
    "x = 9 ** 9 ** 9 ** 9",
    "x = 1 << 10 ** 12",
    "x = [0] * 10 ** 12",
    "x = np.zeros(10 ** 12)\ndef read(): return x",
    "n = 10 ** 6\nx = np.random.randn(n, n)\ndef read(): return x",
    "x = [i for i in range(10 ** 12)]\ndef read(): return x",
    "x = sum(range(10 ** 12))\ndef read(): return x",
    "del np",
    "match 3:\n    case 3: print('spoken')",
    "x = [print(i) for i in range(3)]",
    "x = (lambda: print('spoken'))()",
    "x = getattr(__builtins__, 'print')('spoken')",
    "x = __import__('os').system('touch written.txt')",
    "x = eval('print(1)')",
    "def f():\n    return f()\nx = f()\ndef read(): return x",
]


@pytest.mark.parametrize("statement", EFFECTS)
def test_nothing_but_definitions_is_run(loaded, statement, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    started = time.perf_counter()
    result = loaded(f"import numpy as np\n{statement}\ndef forward(X): return np.sum(X)\n")
    assert time.perf_counter() - started < 2
    assert result.names["forward"](np.ones(3)) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["net.py"]
    assert capfd.readouterr() == ("", "")
    assert dict(os.environ) == before


def test_nothing_is_left_behind(write):
    path = write("import numpy as np\nfrom helper import f\nnp.seterr(all='raise')\nimport warnings\n", "folder/net.py")
    write("def f(): return 1\n", "folder/helper.py")
    write("def f(): return 1\n", "folder/__init__.py")
    modules, folders = set(sys.modules), list(sys.path)
    settings = np.geterr()
    load(path)
    assert np.geterr() == settings
    assert not [name for name in set(sys.modules) - modules if "helper" in name or "net" in name]
    assert sys.path == folders
    assert sorted(p.name for p in path.parent.iterdir()) == ["__init__.py", "helper.py", "net.py"]


def test_loading_needs_neither_torch_nor_a_plotting_library(write):
    path = write("import torch, matplotlib.pyplot as plt, pandas\nx = torch.zeros(3)\ndef f(): return 1\n")
    code = (
        "import sys; from gradcompare.loading import load; "
        f"load({str(path)!r}); print([n for n in ('torch', 'matplotlib', 'pandas') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- imports ---------------------------------------------------------------------------------------------------------


def test_helper_files_are_loaded_in_the_same_way(write, capsys):
    write(
        "import numpy as np\nprint('loud')\nEPS = 1e-8\ndef sigmoid(z): return 1 / (1 + np.exp(-z)) + EPS\n", "acts.py"
    )
    write("from .deep import *\nfrom . import deep\n", "pack/__init__.py")
    write("from ..acts import sigmoid\n__all__ = ['twice']\ndef twice(x): return 2 * x\nhidden = 1\n", "pack/deep.py")
    result = load(
        write(
            """
            import acts, pack.deep as pd, pack
            from acts import *
            from pack import twice, deep, absent_name
            from pack.deep import hidden
            def forward(x):
                from acts import sigmoid as late
                return late(x) + acts.sigmoid(x) + sigmoid(x) + twice(x) + pd.twice(x) + pack.deep.hidden
            """
        )
    )
    assert result.names["forward"](0.0) == pytest.approx(2.5, abs=1e-6)
    assert result.names["EPS"] == 1e-8
    assert capsys.readouterr().out == ""
    with pytest.raises(AbsentError, match="pack does not define it"):
        result.names["absent_name"](1)
    with pytest.raises(AbsentError):
        result.names["absent_name"] + 1


def test_helper_files_that_import_each_other(write):
    write("import b\ndef f(): return b.g()\n", "a.py")
    write("import a\ndef g(): return 7\n", "b.py")
    assert load(write("from a import f\n")).names["f"]() == 7


def test_helper_files_in_a_folder_that_the_file_adds(write):
    write("def f(): return 7\n", "lib/tools.py")
    assert load(write("import sys\nsys.path.append('../lib')\nfrom tools import f\n", "src/net.py")).names["f"]() == 7


def test_helper_files_named_from_the_folder_above(write):
    write("def f(): return 7\n", "src/tools.py")
    assert load(write("from src.tools import f\n", "src/net.py")).names["f"]() == 7


def test_helper_files_named_from_inside_of_the_folder(write, monkeypatch):
    monkeypatch.chdir(write("def f(): return 7\n", "src/tools.py").parent)
    write("from . import tools\nfrom .tools import f\nfrom ............ import g\n", "src/net.py")
    assert load("net.py").names["f"]() == load("net.py").names["tools"].f() == 7


def test_helper_files_are_not_the_standard_library(write):
    write("def f(): return 7\n", "statistics.py")
    assert load(write("from statistics import f\nimport random, math, os.path\n")).names["f"]() == 7


def test_a_broken_helper_file_is_left_out(write):
    write("def f(:\n", "broken.py")
    result = load(write("from broken import sigmoid, f\ndef g(): return sigmoid(0.0)\n"))
    assert result.names["g"]() == 0.5
    assert "broken.py is not valid Python" in said(result)


def test_a_missing_module_raises_only_where_it_is_used(loaded):
    result = loaded(
        """
        import nowhere.deep.inside as inside, nowhere2
        from nowhere3 import *
        class Net(nowhere2.Base):
            pass
        def is_table(x):
            return isinstance(x, nowhere2.Table)
        def use():
            return inside.f(3)
        def convert():
            return np.sqrt(THING) + nowhere2.x
        import numpy as np
        """
    )
    assert result.names["Net"]
    assert result.names["is_table"](3) is False
    with pytest.raises(AbsentError, match=r"nowhere\.deep\.inside\.f is needed here"):
        result.names["use"]()
    with pytest.raises(Exception, match="THING") as failure:
        result.names["convert"]()
    assert "nowhere3" in str(failure.value)


def test_what_draws_does_nothing_inside_of_a_function(loaded):
    result = loaded(
        """
        import matplotlib
        import matplotlib.pyplot as plt
        from IPython.display import clear_output
        def f(x):
            clear_output(wait=True)
            matplotlib.rcParams["font.size"] = 12
            figure, (left, right) = plt.subplots(1, 2)
            with plt.style.context("ggplot"):
                left.plot(x)
            figure.savefig("x.png")
            return 2 * x
        def g(x):
            return plt.cm.viridis(x) + 1
        """
    )
    assert result.names["f"](3) == 6
    with pytest.raises(AbsentError, match=r"matplotlib\.pyplot\.cm\.viridis"):
        result.names["g"](3)


def test_a_library_that_is_installed_is_imported_when_it_is_called(loaded):
    pytest.importorskip("mpmath")
    result = loaded("import mpmath\nfrom mpmath import mpf\ndef f(): return mpf(3), mpmath.mpf(2)\n")
    assert result.names["f"]() == (3, 2)


def test_other_numpys_are_numpy(loaded):
    result = loaded("import autograd.numpy as np\nfrom cupy import *\nimport jax.numpy as jnp\n")
    assert result.names["np"] is np
    assert result.names["exp"] is np.exp
    assert "In place of what autograd.numpy has: NumPy." in result.notes


def test_scipy_special_can_be_traced(loaded):
    result = loaded(
        """
        from scipy.special import expit, softmax as sm
        import scipy, scipy.special
        import scipy.special as sp
        def f(z): return expit(z), sm(z, axis=0), scipy.special.expit(z), sp.logsumexp(z)
        """
    )
    a, s, b, total = result.names["f"](np.zeros(2))
    assert a.tolist() == b.tolist() == s.tolist() == [0.5, 0.5]
    assert total == pytest.approx(np.log(2))


def test_the_softmax_of_scikit_learn_need_not_be_installed(loaded):
    result = loaded("from sklearn.utils.extmath import softmax\ndef f(z): return softmax(z)\n")
    assert result.names["f"](np.zeros((3, 2))).tolist() == [[0.5, 0.5]] * 3


def test_numpy_by_way_of_pylab(loaded):
    for form in ("from pylab import *", "from matplotlib.pylab import exp, np, plot"):
        result = loaded(f"{form}\ndef f(x):\n    exp_of = exp(x)\n    return exp_of + np.exp(x)\ndef g(): plot(3)\n")
        assert result.names["f"](0.0) == 2
        assert result.names["g"]() is None


def test_a_name_from_a_star_may_be_local_elsewhere(loaded):
    result = loaded("from h import *\ndef f(z): return sigmoid(z)\ndef g():\n    sigmoid = 3\n    return sigmoid\n")
    assert result.names["f"](0.0) == 0.5


def test_numpy_by_way_of_a_helper_file_that_is_not_there(loaded):
    result = loaded("from my_tools import *\nfrom others import numpy\ndef f(z): return np.exp(z) + numpy.cos(z)\n")
    assert result.names["f"](0.0) == 2


def test_a_bar_of_progress_is_only_a_loop(loaded):
    for form in ("from tqdm import tqdm", "from tqdm.notebook import tqdm", "from tqdm.auto import tqdm"):
        assert loaded(f"{form}\ndef f(): return [i for i in tqdm(range(3), desc='x')]\n").names["f"]() == [0, 1, 2]


def test_numpy_names_that_are_gone(loaded):
    result = loaded(
        "import numpy as np\nfrom numpy import float as real\ndef f(x):\n    return np.float(x), np.product(x)\n"
    )
    assert "Line 4: np.float is from an older NumPy: write float." in result.notes
    assert "Line 4: np.product is from an older NumPy: write np.prod." in result.notes
    with pytest.raises(AttributeError) as failure:
        result.names["f"](1)
    assert result.explain(failure.value) == "line 4: np.float is from an older NumPy: write float"
    with pytest.raises(AbsentError, match="write float"):
        result.names["real"](3)


# ---- stand-ins -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("use", "two"),
    [
        ("A, cache = sigmoid(Z)", True),
        ("(A, _) = sigmoid(Z)", True),
        ("A = sigmoid(Z)[0]", True),
        ("A = sigmoid(Z)", False),
        ("A = 2 * sigmoid(Z)", False),
        ("A = sigmoid(Z).T", False),
        ("A = sigmoid(Z)[()]", False),
        ("A = np.round(sigmoid(Z))", False),
        ("A = (lambda g: g(Z))(sigmoid)", False),
    ],
)
def test_the_use_decides_what_an_activation_returns(loaded, use, two):
    result = loaded(f"import numpy as np\nfrom helpers import sigmoid\ndef f(Z):\n    {use}\n    return A\n")
    assert result.names["f"](0.0) in (0.5, 0.0, 1.0)
    assert (result.names["sigmoid"] is stood_in.sigmoid_and_cache) == two
    assert ("returns A and Z" in said(result)) == two


@pytest.mark.parametrize(
    ("module", "two"), [("dnn_utils_v2", True), ("dnn_app_utils_v3", True), ("planar_utils", False)]
)
def test_the_file_it_comes_from_decides_where_the_use_does_not(loaded, module, two):
    result = loaded(f"from {module} import sigmoid, relu\nactivations = {{'s': sigmoid, 'r': relu}}\n")
    assert isinstance(result.names["sigmoid"](0.0), tuple) == two


@pytest.mark.parametrize(("given", "expected"), [("h", 0.25), ("z", 0.235), ("h + 0", 0.235)])
def test_the_use_decides_whether_a_derivative_is_given_z_or_a(loaded, given, expected):
    result = loaded(
        f"""
        from q2_sigmoid import sigmoid, sigmoid_grad
        def f(z):
            h = sigmoid(z)
            return sigmoid_grad({given})
        """
    )
    assert result.names["sigmoid_grad"](0.5) == pytest.approx(expected, abs=1e-3)
    assert ("from a = g(z)" in said(result)) == (given == "h")


def test_what_is_known_of_a_helper_file_counts_more_than_the_use(loaded):
    """That of the book takes z: given h it is a mistake."""
    result = loaded(
        """
        from common.functions import *
        def f(z):
            h = sigmoid(z)
            return sigmoid_grad(h)
        """
    )
    assert "sigmoid_grad (at z)" in said(result)


def test_a_stand_in_by_attribute_star_and_alias(loaded):
    result = loaded(
        """
        import helpers
        from more_helpers import *
        from helpers import relu as act
        def f(Z):
            A, c = act(Z)
            return helpers.sigmoid(Z), sigmoid_derivative(Z), A
        """
    )
    with pytest.raises(AbsentError):
        result.names["helpers"].load(3)
    assert result.names["f"](0.0) == (0.5, 0.25, 0.0)


def test_what_is_made_without_anything_is_an_object(loaded):
    result = loaded(
        """
        from more.layers import ReLU, SoftMax, Sigmoid
        def f(z):
            act, other = Sigmoid(), ReLU()
            return act.forward(z), act.backward(2.0), other(z)
        def g(z):
            return SoftMax().forward(z)
        """
    )
    assert result.names["f"](0.0) == (0.5, 0.5, 0.0)
    with pytest.raises(AbsentError):  # whether it goes back is up to the loss beside it
        result.names["g"](0.0)


@pytest.mark.parametrize(("product", "total"), [("np.dot(W1, X)", 0), ("X @ self.W", 1), ("X.dot(params['W1'])", 1)])
def test_softmax_runs_over_the_units(loaded, product, total):
    names = loaded(f"import numpy as np\nfrom h import softmax\ndef f(X):\n    return softmax({product})\n").names
    np.testing.assert_allclose(np.sum(names["softmax"](np.arange(6.0).reshape(2, 3)), axis=total), 1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sigmoid_prime", "sigmoid_derivative"),
        ("dSigmoid", "sigmoid_derivative"),
        ("relu_backwards", "relu_backward"),
        ("backward_sigmoid", "sigmoid_backward"),
        ("sigmoid_derivative", "sigmoid_derivative"),
        ("deriv_relu", "relu_derivative"),
        ("LeakyReLU", "leaky_relu"),
        ("tanh_backward", "tanh_backward"),
        ("ReLU", "relu"),
        ("relu_derivada", "relu_derivative"),
        ("derivata_tanh", "tanh_derivative"),
        ("Ableitung_Sigmoid", "sigmoid_derivative"),
        ("sigmoide", "sigmoid"),
        ("stable_softmax", "softmax_columns"),
        ("softmax_stable", "softmax_columns"),
    ],
)
def test_names_are_written_in_many_ways(name, expected):
    assert stood_in.row(name).alone is getattr(stood_in, expected)


@pytest.mark.parametrize(
    "name", ["forward", "load_data", "initialize_parameters", "model", "linear_activation_backward"]
)
def test_only_functions_that_all_write_alike_are_stood_in_for(name):
    assert stood_in.row(name) is None


@pytest.mark.parametrize("name", [key for key, row in stood_in.STAND_INS.items() if row.made is not None])
def test_an_activation_as_an_object_is_the_function_and_goes_back_by_its_derivative(name):
    row, z, step = stood_in.STAND_INS[name], np.array([[-1.3, -0.2, 0.4, 2.1]]), 1e-6
    assert row.made is not None
    made = row.made()
    assert np.array_equal(made.forward(z), row.alone(z))
    ratio = (row.alone(z + step) - row.alone(z - step)) / (2 * step)
    assert np.allclose(made.backward(3 * np.ones_like(z)), 3 * ratio, atol=1e-8)


@pytest.mark.parametrize("name", [key for key in stood_in.STAND_INS if key.endswith("backward")])
def test_stand_ins_for_backward_are_the_derivatives_of_those_for_forward(name):
    activation = stood_in.STAND_INS[name.removesuffix("backward")]
    for rows in (False, True):
        forward, backward = activation, stood_in.STAND_INS[name]
        if rows and backward.rows is not None:
            forward, backward = forward.rows, backward.rows
        Z, dA = np.random.default_rng(0).normal(size=(2, 3, 4))
        step = np.random.default_rng(1).normal(size=(3, 4))
        change = (forward.alone(Z + 1e-6 * step) - forward.alone(Z - 1e-6 * step)) / 2e-6
        assert np.sum(dA * change) == pytest.approx(np.sum(backward.alone(dA, Z) * step), rel=1e-7)


# ---- notebooks -------------------------------------------------------------------------------------------------------


def test_a_notebook(write):
    path = write(
        notebook(
            """
            %matplotlib inline
            !pip install numpy
            import numpy as np
            import matplotlib.pyplot as plt
            """,
            "%%bash\nls -la | grep x\n",
            "files = !ls\nnp.dot?\n%time x = 3\n%run helpers.py\nplt.plot([1, 2])",
            """
            def forward(X):
                text = "%d" % 3
                value = (3
                         % 2)
                return softplus(X) * value
            """,
            "%%time\nresult = train(10 ** 9)\nresult",
            "this is no Python at all",
            "def backward(X):\n    return dX_of_later / 0\n",
            "await something()\nbackward(3)",
        ),
        "net.ipynb",
    )
    result = load(path)
    assert result.names["forward"](0.0) == pytest.approx(np.log(2))
    code = result.names["backward"].__code__
    assert result.cells[code.co_firstlineno] == (7, 1)
    assert result.where(code.co_firstlineno + 1) == "cell 7, line 2"
    assert inspect.getsource(result.names["backward"]) == "def backward(X):\n    return dX_of_later / 0\n"
    assert any(note.startswith("Cell 6 is left out: it is not valid Python") for note in result.notes)
    assert "helpers" in said(result)
    with pytest.raises(AbsentError, match="helpers was not found"):
        result.names["backward"](3)


def test_a_notebook_in_its_older_format(write):
    cells = [{"cell_type": "code", "input": ["def f():\n", "    return 7"], "outputs": []}]
    path = write(json.dumps({"nbformat": 3, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}), "net.ipynb")
    assert load(path).names["f"]() == 7


def test_a_traceback_through_a_notebook_shows_its_lines(write):
    path = write(notebook("import numpy as np", "def f(x):\n    return x / None  # here"), "net.ipynb")
    with pytest.raises(TypeError) as failure:
        load(path).names["f"](3)
    assert "return x / None  # here" in "".join(traceback.format_exception(failure.value))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "its JSON breaks off at line 1"),
        ('{"cells": [', "its JSON breaks off at line 1"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "has no list of cells"),
        ("3", "has no list of cells"),
        ('{"cells": 3}', "has no list of cells"),
        ('{"cells": [{"source": "x"}]}', "has no list of cells"),
        ('{"cells": [{"cell_type": "code", "source": 3}]}', "has no list of cells"),
        ('{"cells": []}', "is empty"),
        (notebook("library(ggplot2)", language="R"), "a notebook for R, not for Python"),
        (notebook("x = 1", "def f():\n    print 'x'"), "is Python 2, cell 2, line 2: print without parentheses"),
        (notebook("class X:\ndef f(:\n"), "is not valid Python 3"),
    ],
)
def test_a_broken_notebook(write, content, says):
    assert says in refusal(write(content, "net.ipynb"))


# ---- sources ---------------------------------------------------------------------------------------------------------


def test_source_text_is_there_for_every_function(write):
    path = write("# -*- coding: latin-1 -*-\n\ndef größe(x):\n    return 'é' + x\n", encoding="latin-1")
    result = load(str(path))
    function = result.names["größe"]
    assert function("x") == "éx"
    assert inspect.getsource(function) == "def größe(x):\n    return 'é' + x\n"
    assert function.__code__.co_filename == str(path) == result.file
    linecache.checkcache()
    assert linecache.getline(str(path), 3) == "def größe(x):\n"
    assert result.lines[2] == "def größe(x):"


@pytest.mark.parametrize("newline", [b"\r\n", b"\r", b"\n"])
def test_marks_and_newlines_of_other_systems(write, newline):
    path = write(b"\xef\xbb\xbf" + newline.join([b"import numpy as np", b"", b"def f():", b"    return 7", b""]))
    result = load(path)
    assert result.names["f"]() == 7
    assert result.names["f"].__code__.co_firstlineno == 3


def test_a_live_module_a_dict_and_functions():
    def backward(x):
        dX = None
        return dX  # noqa: RET504

    names = {"np": np, "backward": backward, "_i1": "x"}
    result = load(names)
    assert result.names is names
    assert [gap.what for gap in result.unfinished] == ["dX is None"]
    assert result.unfinished[0].line == backward.__code__.co_firstlineno + 1
    assert load(stood_in).names is vars(stood_in)
    assert "def sigmoid" in load(stood_in).text
    assert load((backward, np.exp)).names == {"backward": backward, "exp": np.exp}
    assert len(load((lambda: 1, lambda: 2)).names) == 2
    assert load(backward).names == {"backward": backward}


@pytest.mark.parametrize("source", [3, None, (), (3,), b"x", object()])
def test_what_is_nothing_to_check(source):
    assert "is nothing to check" in refusal(source)


def test_files_in_a_folder(tmp_path):
    for name in ("b.py", "a/z.ipynb", "a/b.py", "a.txt", ".hidden.py", ".git/x.py", ".ipynb_checkpoints/z.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "c.py").write_text("")
    (tmp_path / "a" / "__init__.py").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [p.relative_to(tmp_path).as_posix() for p in files_in(tmp_path)] == ["a/b.py", "a/z.ipynb", "b.py"]
    assert files_in(tmp_path / "b.py") == [tmp_path / "b.py"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(CannotLoadError, match="a folder without Python files"):
        files_in(tmp_path / "empty")
    with pytest.raises(CannotLoadError, match="is not a file"):
        files_in(tmp_path / "nowhere")


# ---- what cannot be loaded -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n\n# nothing yet\n", "is empty"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0", "binary"),
        (b"x = 1\0\n", "binary"),
        (bytes(range(1, 256)) * 20, "binary"),
        (b"x = 1\nname = '\xe9t\xe9'\n", "is not utf-8 text, line 2"),
        (b"# \xe9t\xe9\nx = 1\n", "is not utf-8 text, line 1"),
        (b"\n\n\nname = '\xe9t\xe9'\n", "is not utf-8 text, line 4"),
        (b"# coding: klingon\nx = 1\n", "encoding in its first lines that Python does not know"),
        (b"# coding: hex\nx = 1\n", "encoding in its first lines that Python does not know"),
        (b"# coding: ascii\n\n# \xe9\n", "is not ascii text, line 3"),
        ("x = 1".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04", "zip archive"),
        (b"<!DOCTYPE html>\n<html>\n", "a web page"),
        (b'{\n "cells": [],\n "x": null, true}', "is a notebook: call it .ipynb"),
        (b"x = 1\n<<<<<<< HEAD\ny = 2\n", "unfinished merge"),
        (b"def f(:\n    pass\n", "is not valid Python 3.*, line 1"),
        (b"x = 1\ndef f():\nreturn 3\n", "line 3"),
        (b"return 3\n", "line 1: 'return' outside function"),
        (b"x = 1\ndef f():\n    dW =  # your code\n", "line 3: nothing stands after the ="),
        (b"def f(x, x): pass\n", "line 1: duplicate argument"),
        (b"x = 1\nprint 'x'\n", "is Python 2, line 2: print without parentheses"),
        (b"def f():\n    print x, y\n", "is Python 2, line 2: print without parentheses"),
        (b"print >>f, x\nx = 1 <> 2\n", "is Python 2"),
        (b"try:\n    x = 1\nexcept ValueError, e:\n    pass\n", "is Python 2, line 3: except"),
        (b"raise ValueError, 'text'\n", "is Python 2, line 1: raise"),
        (b"exec 'x = 1'\n", "is Python 2, line 1: exec"),
        (b"x = 0777\n", "is Python 2, line 1: a number that begins with 0"),
        (b"x = 0.01 0.07\n", "is not valid Python 3"),
        (b"x = 10L\n", "is Python 2, line 1: a long number"),
        (b"if True:\n\tx = 1\n        y = 2\n", "is Python 2, line 3: tabs and spaces are mixed"),
        (b"f = lambda (x, y): x\n", "is Python 2, line 1: a tuple among the arguments"),
        (b"x = " + b"(" * 500 + b")" * 500, "net.py"),
        (b"x = " + b"-" * 100_000 + b"1", "net.py"),
        (b"x = 1" + b" + 1" * 100_000, "net.py"),
        (b"x = a" + b".a" * 100_000, "net.py"),
        (b"#" * 5_000_000, "is larger than 4 MB"),
    ],
)
def test_a_file_that_cannot_be_loaded(write, content, says):
    assert re.search(says, refusal(write(content)))


def test_paths_that_are_no_files(tmp_path, write):
    assert "there is nothing there" in refusal(tmp_path / "nowhere.py")
    assert "is a folder" in refusal(tmp_path)
    assert "is not a Python file" in refusal(write("x = 1", "net.txt"))
    assert "is not a Python file" in refusal(write("x = 1", "net"))
    assert refusal("a\0b.py")
    assert refusal("x" * 10_000 + ".py")
    os.mkfifo(tmp_path / "pipe.py")
    assert "is not a file" in refusal(tmp_path / "pipe.py")
    (tmp_path / "dangling.py").symlink_to(tmp_path / "gone.py")
    assert "is not a file" in refusal(tmp_path / "dangling.py")
    assert "is not a file" in refusal("/dev/zero")


def test_a_file_that_may_not_be_read_or_goes_away(write, monkeypatch):
    path = write("x = 1\n")

    def gone(self, *args, **kwargs):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(type(path), "open", gone)
    assert "cannot be read: No such file or directory" in refusal(path)


# ---- exercises -------------------------------------------------------------------------------------------------------

UNFINISHED = [
    ("pass", 1, "its body is only pass"),
    ("...", 1, "its body is only ..."),
    ('"""What to do."""', 1, "its body is only a docstring"),
    ('"""What to do."""\n# TODO\npass', 1, "its body is only pass"),
    ("raise NotImplementedError", 1, "it only raises NotImplementedError"),
    ("raise NotImplementedError('your turn')", 1, "it only raises NotImplementedError"),
    ("return None", 1, "it only returns None"),
    ("return", 1, "it only returns None"),
    ("m = X.shape[1]\n### START CODE HERE ###\ndZ2 = None\n### END CODE HERE ###\nreturn dZ2", 4, "dZ2 is None"),
    ("A, cache = None, None\nreturn A", 2, "A is None"),
    ("dW = ...\nreturn dW", 2, "dW is ..."),
    ("# YOUR CODE HERE\nA = np.dot(None, None)\nreturn A", 3, "A is np.dot(None, None)"),
    ("g = {}\n# your code here\ng['dW'] = None\nreturn g", 4, "g['dW'] is None"),
    ("m = 3\n# YOUR CODE HERE\nraise NotImplementedError()", 4, "it ends in NotImplementedError"),
    ("m = X.shape[1]\ndW = np.dot(____, X.T) / m\nreturn dW", 3, "____ stands in it"),
]


@pytest.mark.parametrize(("body", "line", "what"), UNFINISHED)
def test_unfinished_exercises(loaded, body, line, what):
    result = loaded("def backward(X):\n" + textwrap.indent(body, "    ") + "\n")
    first = result.unfinished[0]
    assert (first.function, first.line, first.what) == ("backward", line, what)


def test_finished_code_is_not_unfinished(loaded):
    result = loaded(
        """
        from abc import ABC, abstractmethod
        class Base(ABC):
            @abstractmethod
            def forward(self, x): ...
        class Layer:
            def backward(self, d): raise NotImplementedError
        class Dense(Layer):
            def __init__(self): self.W = None; self.x = None
            def backward(self, d):
                mask = None
                if d > 0:
                    mask = d
                return d if mask is None else mask
            def reset(self):
                self.x = None
        def f(x, reg=None):
            best = None
            for i in x:
                if best is None or i > best:
                    best = i
            return best
        def g(x):
            unused = None
            if x: return None
            return 3
        """
    )
    assert result.unfinished == []


def test_unfinished_methods_have_their_full_name(loaded):
    result = loaded("class Net:\n    def backward(self, d):\n        dW = None\n        return dW\n")
    assert result.unfinished == [("Net.backward", 3, "dW is None")]


# ---- names that are not there ----------------------------------------------------------------------------------------


def test_missing_names_say_where_and_why(loaded):
    result = loaded(
        """
        import numpy as np
        def f():
            global state
            state = 1
        def g(x=data_of_later):
            return state, total, undefined, [local for local in x]
        class Net:
            size = 3
            other = size
            def h(self):
                return total
        for total in range(3):
            pass
        data_of_later = open("x")
        """
    )
    assert {name: (m.line, m.functions) for name, m in result.missing.items()} == {
        "state": (None, ("g",)),
        "total": (12, ("g", "Net.h")),
        "undefined": (None, ("g",)),
    }
    assert "only a function" in result.missing["state"].why
    assert "nothing in the file defines it" in result.says(result.missing["undefined"])
    assert "line 12 was not run" in result.says(result.missing["total"])


def test_a_definition_that_fails_does_not_stop_the_others(loaded):
    result = loaded(
        """
        import numpy as np
        def f(x: np.float, y: "np.foo" = np.inf) -> nowhere.Type:
            return y
        class Broken(np.nowhere, metaclass=3):
            pass
        def data(): return open("x")
        def g(x=data(), n=len([1, 2])):
            return n if n else x.shape
        """
    )
    assert result.names["f"](1) == np.inf
    assert "Broken" not in result.names
    assert result.names["g"]() == 2
    with pytest.raises(AbsentError, match="data"):
        result.names["g"](n=0).x()


def test_versions_and_switches_at_module_level(loaded):
    result = loaded(
        """
        import sys
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            import nowhere
        if sys.version_info[0] < 3:
            range = xrange
        DEBUG = True
        if DEBUG:
            def f(): return 1
        else:
            def f(): return 2
        try:
            from nowhere import sigmoid
        except (ImportError, ValueError):
            def sigmoid(z): return z
        try:
            x = undefined
        except NameError:
            x = 4
        finally:
            y = 5
        """
    )
    assert result.names["f"]() == 1
    assert result.names["sigmoid"](3) == 3
    assert (result.names["x"], result.names["y"]) == (4, 5)
    assert result.notes == []


@pytest.mark.parametrize(
    "form",
    [
        "try:\n    xrange\nexcept NameError:\n    xrange = range",
        "try:\n    range = xrange\nexcept NameError:\n    pass\nxrange = range",
        "import sys\nif sys.version_info >= (3,):\n    xrange = range",
        "from six.moves import xrange",
        "from past.builtins import xrange",
        "from builtins import range as xrange",
    ],
)
def test_files_that_run_on_python_2_and_3(loaded, form):
    result = loaded(f"{form}\ndef f():\n    return [i for i in xrange(3)]\n")
    assert result.names["f"]() == [0, 1, 2]
    assert result.notes == []


def test_python_2_that_can_be_parsed(loaded):
    result = loaded("def f(d):\n    for i in xrange(3): pass\n    return d.iteritems()\nimport cPickle\n")
    assert "Line 2: xrange is from Python 2: write range." in result.notes
    assert "Line 3: .iteritems is from Python 2: write items." in result.notes
    assert any("cPickle is Python 2 (in Python 3: pickle)" in note for note in result.notes)
    with pytest.raises(AbsentError, match="xrange is Python 2"):
        result.names["f"]({})


def test_loading_in_a_thread(write):
    path, results = write(GLOBALS), []
    thread = threading.Thread(target=lambda: results.append(load(path)))
    thread.start()
    thread.join()
    assert results[0].names["n_h"] == 4


def test_what_estimators_ask_about_their_data_changes_nothing(tmp_path):
    path = tmp_path / "estimator.py"
    path.write_text(
        "import numpy as np\n"
        "from sklearn.base import BaseEstimator\n"
        "from sklearn.utils.multiclass import unique_labels\n"
        "from sklearn.utils.validation import check_X_y, check_array, check_is_fitted\n"
        "class Estimator(BaseEstimator):\n"
        "    def fit(self, X, y):\n"
        "        X, y = check_X_y(X, y, dtype=float)\n"
        "        self.classes_ = unique_labels(y)\n"
        "        return check_array(X), y\n"
    )
    estimator = load(path).names["Estimator"]()
    X, y = np.ones((3, 2)), np.array([2, 0, 2])
    assert all(one is other for one, other in zip(estimator.fit(X, y), (X, y), strict=True))
    assert estimator.fit(X, y[:, None])[1].tolist() == [2, 0, 2]
    assert estimator.classes_.tolist() == [0, 2]


def test_bars_of_progress_are_not_drawn(tmp_path):
    path = tmp_path / "bars.py"
    path.write_text(
        "import progressbar\n"
        "def train(n):\n"
        "    bar = progressbar.ProgressBar(widgets=[progressbar.Bar(), progressbar.ETA()])\n"
        "    return [i for i in bar(range(n))]\n"
        "shown = progressbar.ProgressBar()\n"
    )
    loaded = load(path).names
    assert loaded["train"](3) == [0, 1, 2]
    assert "shown" in loaded


def test_a_size_of_a_missing_module_does_not_lose_a_class(tmp_path):
    path = tmp_path / "classifier.py"
    path.write_text(
        "import no_such_settings\n"
        "class Classifier:\n"
        "    def __init__(self, n_classes=len(no_such_settings.NAMES), rate=0.1):\n"
        "        self.rate = rate\n"
    )
    assert load(path).names["Classifier"]().rate == 0.1


def test_what_a_layer_keeps_as_its_input_asks_nobody(tmp_path):
    path = tmp_path / "layer.py"
    path.write_text(
        "class Layer:\n"
        "    def __init__(self, width):\n"
        "        self.input, self.width = None, width\n"
        "    def width_seen(self):\n"
        "        return len(self.input or ())\n"
        "def seen(layer):\n"
        "    return layer.width + layer.width_seen() if layer.input is None else 0\n"
        "def told():\n"
        "    return int(input())\n"
        "width = seen(Layer(4))\n"
        "said = told()\n"
        "def both():\n"
        "    return width + said\n"
    )
    loaded = load(path).names
    assert loaded["width"] == 4
    assert "said" not in loaded


def test_numbers_of_a_config_are_known_by_their_names_and_data_are_not():
    named = {"input_size": 9, "hidden_layer2_size": 6, "NUM_CLASSES": 3, "LEARNING_RATE": 0.1, "n_hidden_layers": 2}
    assert {name: number_called(name) for name in named} == named
    assert [number_called(name) for name in ("inputs", "labels", "x_train", "features", "sigmoid", "x")] == [None] * 6
