"""Which line is to blame, what is said of it, and what only inherits: mistakes in programs that hide where they are."""

import pytest

from gradcompare.judging.verdict import WRONG
from tests.habits import checked

ROWS_AND_CLASSES = """
def hinge_free_loss(X, y, W1, b1, W2, b2, reg):
    N = len(X)
    hidden = np.maximum(0, X.dot(W1) + b1)
    scores = hidden.dot(W2) + b2
    probs = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    loss = -np.log(probs[np.arange(N), y]).sum() / N + reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    grads = {}
    dscores = probs.copy()
    dscores[np.arange(N), y] -= 1
    dscores /= N
    grads["W2"] = hidden.T.dot(dscores)
    grads["b2"] = np.sum(dscores, axis=0)
    dhidden = dscores.dot(W2.T)
    dhidden[hidden <= 0] = 0
    grads["W1"] = X.T.dot(dhidden)
    grads["b1"] = np.sum(dhidden, axis=0)
    grads["W2"] += 2 * reg * W2
    grads["W1"] += 2 * reg * W1
    return loss, grads
"""

COLUMNS = """
def forward(X, W1, b1, W2, b2):
    Z1 = W1 @ X + b1
    A1 = 1 / (1 + np.exp(-Z1))
    Z2 = W2 @ A1 + b2
    A2 = 1 / (1 + np.exp(-Z2))
    return Z1, A1, Z2, A2

def cost(A2, Y):
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]

def backward(X, Y, Z1, A1, Z2, A2, W1, W2):
    m = X.shape[1]
    dZ2 = A2 - Y
    dW2 = dZ2 @ A1.T / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dA1 = W2.T @ dZ2
    dZ1 = dA1 * A1 * (1 - A1)
    dW1 = dZ1 @ X.T / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    grads = {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
    return grads
"""

NORMALISED = """
def affine(x, w, b):
    return x.dot(w) + b, (x, w)

def affine_back(dout, cache):
    x, w = cache
    return dout.dot(w.T), x.T.dot(dout), dout.sum(axis=0)

def norm(x, gamma, beta):
    std = np.sqrt(x.var(axis=0) + 1e-5)
    xhat = (x - x.mean(axis=0)) / std
    return gamma * xhat + beta, (xhat, gamma, std)

def norm_back(dout, cache):
    xhat, gamma, std = cache
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dxhat = dout * gamma
    dx = (dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0)) / std
    return dx, dgamma, dbeta

class Net:
    def __init__(self, d=6, h=5, c=4):
        self.params = {
            "W1": np.random.randn(d, h), "b1": np.zeros(h), "gamma": np.ones(h), "beta": np.zeros(h),
            "W2": np.random.randn(h, c), "b2": np.zeros(c),
        }

    def loss(self, X, y):
        p = self.params
        a, first = affine(X, p["W1"], p["b1"])
        n, middle = norm(a, p["gamma"], p["beta"])
        r = np.tanh(n)
        scores, last = affine(r, p["W2"], p["b2"])
        probs = np.exp(scores - scores.max(axis=1, keepdims=True))
        probs /= probs.sum(axis=1, keepdims=True)
        loss = -np.log(probs[np.arange(len(y)), y]).mean()
        g = {}
        dscores = probs.copy()
        dscores[np.arange(len(y)), y] -= 1
        dscores /= len(y)
        dr, g["W2"], g["b2"] = affine_back(dscores, last)
        dn = dr * (1 - r**2)
        da, g["gamma"], g["beta"] = norm_back(dn, middle)
        dX, g["W1"], g["b1"] = affine_back(da, first)
        return loss, g
"""

MISTAKES = {
    "the bias of another layer": (
        COLUMNS,
        "db1 = np.sum(dZ1, axis=1, keepdims=True) / m",
        "db1 = np.sum(dZ2, axis=1, keepdims=True) / m",
        "dZ2 stands where dZ1 belongs",
        "db1 = np.sum(dZ1, axis=1, keepdims=True) / m",
    ),
    "the other bias under its key": (
        COLUMNS,
        '"db1": db1,',
        '"db1": db2,',
        "",
        'grads = {"dW1": dW1, "db1": np.sum(dZ1, axis=1, keepdims=True) / m, "dW2": dW2, "db2": db2}',
    ),
    "another layer's activation in one factor": (
        COLUMNS,
        "dZ1 = dA1 * A1 * (1 - A1)",
        "dZ1 = dA1 * A1 * (1 - Z1)",
        "Z1 stands where A1 belongs",
        "dZ1 = dA1 * A1 * (1 - A1)",
    ),
    "the mean taken twice, from one line on": (
        COLUMNS,
        "dZ1 = dA1 * A1 * (1 - A1)",
        "dZ1 = dA1 * A1 * (1 - A1) / m",
        "dZ1 is 1/m times what it should be",
        "dZ1 = dA1 * A1 * (1 - A1)",
    ),
    "a slope to a power": (
        COLUMNS,
        "dZ1 = dA1 * A1 * (1 - A1)",
        "dZ1 = dA1 * (A1 * (1 - A1)) ** 2",
        "The derivative of sigmoid is there once too often",
        "dZ1 = dA1 * A1 * (1 - A1)",
    ),
    "a class too low, where the mask of the layer before is in the same variable": (
        ROWS_AND_CLASSES,
        "    dscores[np.arange(N), y] -= 1\n    dscores /= N",
        "    dscores[np.arange(N), y - 1] -= 1\n    dscores /= N",
        "",
        None,
    ),
    "the mean missing once, in what all gradients are made of": (
        ROWS_AND_CLASSES,
        "    dscores[np.arange(N), y] -= 1\n    dscores /= N",
        "    dscores[np.arange(N), y] -= 1",
        "dscores is m times what it should be",
        None,
    ),
    "a term of a function that the gradient is handed to": (
        NORMALISED,
        "dx = (dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0)) / std",
        "dx = (dxhat - xhat * (dxhat * xhat).mean(axis=0)) / std",
        "",
        None,
    ),
    "what would be whole numbers if it were not 0": (
        NORMALISED,
        "dgamma = (dout * xhat).sum(axis=0)",
        "dgamma = dout.sum(axis=0) * xhat.sum(axis=0)",
        "none of the known mistakes",
        None,
    ),
    "what was right is made anew": (
        NORMALISED,
        "        dn = dr * (1",
        '        dr = 1.5 * dscores.dot(p["W2"].T)\n        dn = dr * (1',
        "dr is 1.5 times what it should be",
        None,
    ),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_one_line_is_to_blame(tmp_path, what):
    source, right, wrong, says, fix = MISTAKES[what]
    assert source.count(right) == 1
    report = checked(tmp_path, source.replace(right, wrong), examples=6)
    assert [f.line for f in report.tensors if f.verdict in WRONG] == [report.first_fault.line], str(report)
    assert report.first_fault.source in wrong or wrong in report.first_fault.source, str(report)
    assert says in report.diagnosis[0]["says"]
    if fix is not None:
        assert report.diagnosis[0]["fix"] == fix


def test_what_counts_the_samples_along_the_wrong_axis_is_scaled(tmp_path):
    report = checked(tmp_path, COLUMNS.replace("m = X.shape[1]", "m = X.shape[0]"), examples=8)
    assert report.verdict == "scaled"
    assert report.factor == "m/n_0 (n_0, the number of inputs)"
    assert [found["says"] for found in report.diagnosis] == [
        "dW2 is m/(the number of inputs) times what it should be: the samples are counted along the wrong axis."
    ]


def test_the_smallest_network_shows_the_first_of_two_mistakes(tmp_path):
    wrong = COLUMNS.replace("db2 = np.sum(dZ2, axis=1, keepdims=True) / m", "db2 = np.sum(dZ2, axis=1, keepdims=True)")
    report = checked(tmp_path, wrong.replace("dZ1 = dA1 * A1 * (1 - A1)", "dZ1 = dA1"))
    assert [f.name for f in report.tensors if f.verdict in WRONG] == ["db2", "dZ1"]
    assert report.smallest_case["m"] == 2  # of one sample the mean is the sum


def test_a_dtype_is_blamed_once(tmp_path):
    wrong = COLUMNS.replace("dZ2 = A2 - Y", "dZ2 = (A2 - Y).astype(np.float32)")
    report = checked(tmp_path, wrong, examples=6)
    assert [f.name for f in report.tensors if f.verdict in WRONG] == ["dZ2"], str(report)
    assert "float32" in report.diagnosis[0]["says"]


def test_of_one_sample_and_one_unit_the_output_may_be_a_number(tmp_path):
    source = """
    class Line:
        def __init__(self, n_in, n_hidden, lr=0.01):
            self.lr = lr
            self.W1 = np.random.uniform(-1, 1, (n_hidden, n_in))
            self.b1 = np.random.uniform(-1, 1, n_hidden)
            self.w2 = np.random.uniform(-1, 1, n_hidden)
            self.b2 = 0.0

        def forward(self, x):
            self.h = np.tanh(self.W1.dot(x) + self.b1)
            self.out = self.w2.dot(self.h) + self.b2
            return self.out

        def step(self, x, y):
            err = self.forward(x) - y
            g_h = err * self.w2
            g_a = g_h * (1 - self.h**2)
            self.w2 -= self.lr * err * self.h
            self.b2 -= self.lr * err
            self.W1 -= self.lr * np.outer(g_a, x)
            self.b1 -= self.lr * g_a
    """
    assert checked(tmp_path, source).verdict == "agrees"
    assert checked(tmp_path, source.replace("err * self.h\n", "self.h\n")).verdict == "wrong"


def test_the_cost_may_be_what_a_training_step_returns(tmp_path):
    source = """
    class Dense:
        def __init__(self, n_in, n_out):
            self.W, self.b = np.random.randn(n_in, n_out), np.zeros((1, n_out))

        def forward(self, x):
            self.x = x
            return x @ self.W + self.b

        def backward(self, grad):
            self.dW, self.db = self.x.T @ grad, grad.sum(axis=0, keepdims=True)
            return grad @ self.W.T

    class Softmax:
        def forward(self, logits, targets):
            e = np.exp(logits - logits.max(axis=1, keepdims=True))
            self.p, self.t = e / e.sum(axis=1, keepdims=True), targets
            return -np.sum(targets * np.log(self.p)) / len(logits)

        def backward(self):
            return (self.p - self.t) / len(self.t)

    class Model:
        def __init__(self, sizes):
            self.layers = [Dense(sizes[0], sizes[1]), Dense(sizes[1], sizes[2])]
            self.loss = Softmax()

        def forward(self, x):
            for layer in self.layers:
                x = layer.forward(x)
            return x

        def train_step(self, x, t, lr=0.1):
            cost = self.loss.forward(self.forward(x), t)
            grad = self.loss.backward()
            for layer in reversed(self.layers):
                grad = layer.backward(grad)
            for layer in self.layers:
                layer.W -= lr * layer.dW
                layer.b -= lr * layer.db
            return cost
    """
    report = checked(tmp_path, source)
    assert (report.verdict, report.assumed) == ("agrees", [])
    assert checked(tmp_path, source.replace("self.p - self.t)", "self.p - self.t) * self.p")).verdict == "wrong"


def test_an_update_of_parameters_of_its_own_making_shows_no_gradient(tmp_path):
    source = """
    def forward(params, X):
        A1 = np.tanh(X @ params["W1"] + params["b1"])
        return A1 @ params["W2"] + params["b2"], {"A0": X, "A1": A1}

    def loss(params, X, T):
        return 0.5 * np.mean(np.sum((forward(params, X)[0] - T) ** 2, axis=1))

    def backward(params, out, cache, T):
        d2 = (out - T) / len(T)
        d1 = d2 @ params["W1"].T * (1 - cache["A1"] ** 2)
        return {"W2": cache["A1"].T @ d2, "b2": d2.sum(0), "W1": cache["A0"].T @ d1, "b1": d1.sum(0)}

    def init(d, h, c):
        return {"W1": np.random.randn(d, h), "b1": np.zeros(h), "W2": np.random.randn(h, c), "b2": np.zeros(c)}

    def train(X, T, lr=0.1, epochs=9):
        params = init(X.shape[1], 16, T.shape[1])
        for e in range(epochs):
            out, cache = forward(params, X)
            grads = backward(params, out, cache, T)
            for k in params:
                params[k] -= lr * grads[k]
        return params
    """
    assert checked(tmp_path, source).verdict == "wrong"  # it runs for some widths alone, which its training tells
    assert checked(tmp_path, source.replace('params["W1"].T', 'params["W2"].T')).verdict == "agrees"


SUPERFLUOUS_SLOPE = """
class Classifier:
    def __init__(self, n_in, n_hidden, rate=0.1):
        self.w1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros((1, n_hidden))
        self.w2, self.b2 = np.random.randn(n_hidden, 1), np.zeros((1, 1))
        self.rate = rate

    def squash(self, z):
        return 1 / (1 + np.exp(-z))

    def slope(self, a):
        return a * (1 - a)

    def loss(self, y, out):
        return -np.mean(y * np.log(out) + (1 - y) * np.log(1 - out))

    def forward(self, X):
        self.hidden = self.squash(X @ self.w1 + self.b1)
        self.z = self.hidden @ self.w2 + self.b2
        return self.squash(self.z)

    def backward(self, X, y, out):
        error = out - y
        delta = error * self.slope(out)
        hidden_delta = (delta @ self.w2.T) * self.slope(self.hidden)
        self.w2 -= self.rate * self.hidden.T @ delta / len(X)
        self.b2 -= self.rate * np.mean(delta, axis=0, keepdims=True)
        self.w1 -= self.rate * X.T @ hidden_delta / len(X)
        self.b1 -= self.rate * np.mean(hidden_delta, axis=0, keepdims=True)
"""


def test_what_makes_a_wrong_gradient_of_a_right_one_is_blamed_and_not_what_goes_on_from_it(tmp_path):
    report = checked(tmp_path, SUPERFLUOUS_SLOPE)
    assert report.first_fault is not None
    assert report.first_fault.source == "delta = error * self.slope(out)"
    assert checked(tmp_path, SUPERFLUOUS_SLOPE.replace("error * self.slope(out)", "error")).verdict == "agrees"


HELPER_WITH_A_CACHE = """
def leaky(Z):
    cache = Z
    return np.maximum(Z, 0.01 * Z), cache

def leaky_backward(dA, cache):
    Z = cache
    dZ = np.array(dA, copy=True)
    dZ[Z <= 0] = 0.01
    return dZ

def forward(X, parameters):
    A, caches, depth = X, [], len(parameters) // 2
    for l in range(1, depth + 1):
        A_prev, W, b = A, parameters["W" + str(l)], parameters["b" + str(l)]
        Z = W @ A_prev + b
        A, cache = leaky(Z) if l < depth else (Z, Z)
        caches.append((A_prev, W, cache))
    return A, caches

def cost(AL, Y):
    return np.sum((AL - Y) ** 2) / (2 * Y.shape[1])

def backward(AL, Y, caches):
    grads, m, dA = {}, Y.shape[1], AL - Y
    for l in range(len(caches), 0, -1):
        A_prev, W, cache = caches[l - 1]
        dZ = dA if l == len(caches) else leaky_backward(dA, cache)
        grads["dW" + str(l)] = dZ @ A_prev.T / m
        grads["db" + str(l)] = np.sum(dZ, axis=1, keepdims=True) / m
        dA = W.T @ dZ
    return grads

def initialize_parameters_deep(dims):
    parameters = {}
    for l in range(1, len(dims)):
        parameters["W" + str(l)] = np.random.randn(dims[l], dims[l - 1])
        parameters["b" + str(l)] = np.zeros((dims[l], 1))
    return parameters
"""


def test_a_helper_that_is_never_right_is_blamed_and_not_its_caller(tmp_path):
    report = checked(tmp_path, HELPER_WITH_A_CACHE)
    assert report.first_fault is not None
    assert report.first_fault.source == "dZ[Z <= 0] = 0.01"
    assert checked(tmp_path, HELPER_WITH_A_CACHE.replace("] = 0.01", "] *= 0.01")).verdict == "agrees"
