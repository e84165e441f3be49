"""Functions that ask for more than arrays one by one: samples and labels in one, layers in a list of any name, other
functions, a description of the layers. Of each program the right one agrees, and a mistake is found at its line."""

import pytest

from tests.habits import Habit, agrees_and_is_found, checked

REGULARISED = """
def forward_prop(data, labels, params):
    a1 = np.tanh(data.dot(params["W1"]) + params["b1"])
    e = np.exp(a1.dot(params["W2"]) + params["b2"])
    p = e / e.sum(axis=1, keepdims=True)
    return a1, p, -np.sum(labels * np.log(p)) / len(data)

def backward_prop(data, labels, params, forward_prop_func, reg):
    a1, p, _ = forward_prop_func(data, labels, params)
    d2 = (p - labels) / len(data)
    d1 = d2.dot(params["W2"].T) * (1 - a1**2)
    return {
        "W2": a1.T.dot(d2) + 2 * reg * params["W2"],
        "b2": d2.sum(axis=0),
        "W1": data.T.dot(d1) + 2 * reg * params["W1"],
        "b1": d1.sum(axis=0),
    }
"""
HABITS = {
    "samples in rows, a forward pass in columns, and a cost that is called with the labels turned": Habit(
        """
        def squash(v):
            return 1 / (1 + np.exp(-v))

        def init_parameters(layer_dims):
            parameters = {}
            for l in range(1, len(layer_dims)):
                parameters[f"W{l}"] = np.random.randn(layer_dims[l], layer_dims[l - 1])
                parameters[f"b{l}"] = np.zeros((layer_dims[l], 1))
            return parameters

        def forward_propagation(X, parameters):
            cache = {"A0": X.T}
            for l in range(1, len(parameters) // 2 + 1):
                cache[f"A{l}"] = squash(parameters[f"W{l}"] @ cache[f"A{l - 1}"] + parameters[f"b{l}"])
            return cache

        def binary_cross_entropy(y_true, y_pred):
            costs = y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred)
            return -np.sum(costs) / y_true.shape[1]

        def backward_propagation(parameters, cache, X, Y):
            grads, L, m = {}, len(parameters) // 2, X.shape[0]
            dZ = cache[f"A{L}"] - Y.T
            for l in reversed(range(1, L + 1)):
                grads[f"dW{l}"] = dZ @ cache[f"A{l - 1}"].T / m
                grads[f"db{l}"] = np.sum(dZ, axis=1, keepdims=True) / m
                if l > 1:
                    dZ = parameters[f"W{l}"].T @ dZ * cache[f"A{l - 1}"] * (1 - cache[f"A{l - 1}"])
            return grads
        """,
        "* (1 - cache[f\"A{l - 1}\"])",
        "* (1 - cache[f\"A{l - 1}\"] ** 2)",
    ),
    "what comes from the layer above, by a name of its own, beside the inputs": Habit(
        """
        class Dense:
            def __init__(self, n_in, n_out):
                self.W, self.b, self.learning_rate = np.random.randn(n_in, n_out), np.zeros(n_out), 0.1

            def forward(self, layer_input):
                return layer_input @ self.W + self.b

            def backward(self, layer_input, chain_grad):
                handed_on = chain_grad @ self.W.T
                weights_grad = layer_input.T @ chain_grad
                bias_grad = np.sum(chain_grad, axis=0)
                self.W -= self.learning_rate * weights_grad
                self.b -= self.learning_rate * bias_grad
                return handed_on
        """,
        "np.sum(chain_grad, axis=0)",
        "np.sum(chain_grad**2, axis=0)",
    ),
    "samples by a name that says nothing, which is all that the forward pass is given": Habit(
        """
        class Model:
            def __init__(self, input_dim, layers):
                sizes = [input_dim] + layers
                self.weights = [np.random.randn(a, b) for a, b in zip(sizes, sizes[1:])]
                self.bias = [np.zeros((1, b)) for b in sizes[1:]]

            def forward(self, input_tray):
                self.a = [input_tray]
                for w, b in zip(self.weights, self.bias):
                    self.a.append(np.tanh(self.a[-1] @ w + b))
                return self.a[-1]

            def backward(self, input_tray, wanted, learning_rate):
                delta = (self.a[-1] - wanted) * (1 - self.a[-1] ** 2)
                for i in reversed(range(len(self.weights))):
                    before = self.a[i] if i else input_tray
                    dw, db = before.T @ delta, delta.sum(axis=0, keepdims=True)
                    delta = delta @ self.weights[i].T * (1 - self.a[i] ** 2)
                    self.weights[i] -= learning_rate * dw
                    self.bias[i] -= learning_rate * db
        """,
        "@ self.weights[i].T * (1 - self.a[i] ** 2)",
        "@ self.weights[i].T * (1 - self.a[i])",
    ),
    "a function, and a strength that the cost knows nothing of": Habit(
        REGULARISED, "d2.dot(params[\"W2\"].T) * (1 - a1**2)", "d2.dot(params[\"W2\"].T) * (1 - a1)"
    ),
    "samples and labels in one, layers as pairs in a list": Habit(
        """
        def start(sizes, rng=np.random.RandomState(0)):
            return [(0.3 * rng.randn(m, n), 0.3 * rng.randn(n)) for m, n in zip(sizes[:-1], sizes[1:])]

        init_params = start

        def predict(params, inputs):
            kept = []
            for w, b in params[:-1]:
                kept.append(inputs)
                inputs = np.tanh(inputs @ w + b)
            kept.append(inputs)
            w, b = params[-1]
            z = inputs @ w + b
            return z - np.log(np.exp(z).sum(axis=1, keepdims=True)), kept

        def loss(params, batch):
            inputs, targets = batch
            return -np.mean(np.sum(predict(params, inputs)[0] * targets, axis=1))

        def grad_loss(params, batch):
            inputs, targets = batch
            logp, kept = predict(params, inputs)
            delta = (np.exp(logp) - targets) / len(inputs)
            found = []
            for (w, b), a in zip(reversed(params), reversed(kept)):
                found.append((a.T @ delta, delta.sum(axis=0)))
                delta = delta @ w.T * (1 - a**2)
            return found[::-1]
        """,
        "found.append((a.T @ delta, delta.sum(axis=0)))",
        "found.append((a.T @ delta, delta.mean(axis=0)))",
    ),
    "layers as dicts in a list of some name": Habit(
        """
        def make_params(sizes):
            return [{"W": np.random.randn(i, o), "b": np.zeros(o)} for i, o in zip(sizes[:-1], sizes[1:])]

        def forward(ps, X):
            acts = [X]
            for p in ps[:-1]:
                acts.append(np.tanh(acts[-1] @ p["W"] + p["b"]))
            return acts[-1] @ ps[-1]["W"] + ps[-1]["b"], acts

        def xent(logits, y):
            return (np.log(np.exp(logits).sum(axis=1)) - logits[range(len(y)), y]).mean()

        def backward(ps, acts, logits, y):
            e = np.exp(logits)
            d = e / e.sum(axis=1, keepdims=True)
            d[range(len(y)), y] -= 1
            d /= len(y)
            gs = []
            for p, a in zip(ps[::-1], acts[::-1]):
                gs.append({"W": a.T @ d, "b": d.sum(axis=0)})
                d = (d @ p["W"].T) * (1 - a**2)
            return gs[::-1]
        """,
        'gs.append({"W": a.T @ d, "b": d.sum(axis=0)})',
        'gs.append({"W": a.T @ d * 2, "b": d.sum(axis=0)})',
    ),
    "a description of the layers, in words": Habit(
        """
        PLAN = [
            {"from": 3, "to": 6, "kind": "tanh"},
            {"from": 6, "to": 4, "kind": "tanh"},
            {"from": 4, "to": 1, "kind": "sigmoid"},
        ]

        def init_layers(plan, seed=1):
            rng, params = np.random.RandomState(seed), {}
            for i, layer in enumerate(plan, 1):
                params[f"W{i}"] = rng.randn(layer["to"], layer["from"])
                params[f"b{i}"] = rng.randn(layer["to"], 1)
            return params

        def squash(Z, kind):
            return np.tanh(Z) if kind == "tanh" else 1 / (1 + np.exp(-Z))

        def full_forward(X, params, plan):
            memory, A = {}, X
            for i, layer in enumerate(plan, 1):
                memory[f"A{i - 1}"] = A
                A = squash(params[f"W{i}"] @ A + params[f"b{i}"], layer["kind"])
            return A, memory

        def get_cost(Y_hat, Y):
            return -np.mean(Y * np.log(Y_hat) + (1 - Y) * np.log(1 - Y_hat))

        def full_backward(Y_hat, Y, memory, params, plan):
            grads, m = {}, Y.shape[1]
            dZ = Y_hat - Y
            for i in range(len(plan), 0, -1):
                A = memory[f"A{i - 1}"]
                grads[f"dW{i}"] = dZ @ A.T / m
                grads[f"db{i}"] = np.sum(dZ, axis=1, keepdims=True) / m
                dZ = params[f"W{i}"].T @ dZ * (1 - A**2)
            return grads
        """,
        'grads[f"db{i}"] = np.sum(dZ, axis=1, keepdims=True) / m',
        'grads[f"db{i}"] = np.sum(dZ) / m',
    ),
    "a softmax of one sample, and what is returned under the name of labels": Habit(
        """
        W1 = np.array([[0.1, 0.3, 0.2], [0.2, 0.4, 0.1]])
        W2 = np.array([[0.1, 0.3], [0.2, 0.4], [0.5, 0.1]])
        rate = 0.01

        def forward(x):
            z1 = 1 / (1 + np.exp(-x.dot(W1)))
            e = np.exp(z1.dot(W2))
            y = e / np.sum(e)
            return y, z1

        def back_propagation(x, z1, y, d):
            global W1, W2
            delta2 = y - d
            step2 = z1.T.dot(delta2)
            step1 = x.T.dot(delta2.dot(W2.T) * z1 * (1 - z1))
            W2 = W2 - rate * step2
            W1 = W1 - rate * step1

        x = np.array([[1, 0.5]])
        """,
        "step1 = x.T.dot(delta2.dot(W2.T) * z1 * (1 - z1))",
        "step1 = x.T.dot(delta2.dot(W2.T) * z1)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("habit", HABITS)
def test_functions_are_given_what_they_ask_for(tmp_path, habit):
    agrees_and_is_found(tmp_path, HABITS[habit])


def test_a_term_that_no_cost_knows_is_said_not_to_be_checked(tmp_path):
    assert any("is not checked" in note for note in checked(tmp_path, REGULARISED).notes)


def test_a_term_that_the_cost_could_know_is_checked(tmp_path):
    source = REGULARISED.replace(
        "def forward_prop(data, labels, params):", "def forward_prop(data, labels, params, reg):"
    )
    source = source.replace("forward_prop_func(data, labels, params)", "forward_prop_func(data, labels, params, reg)")
    assert checked(tmp_path, source).verdict == "wrong"


ATTENTION = """
def attention_forward(x, Wq, Wk, Wv):
    q, k, v = x @ Wq, x @ Wk, x @ Wv
    s = np.einsum("btk,bsk->bts", q, k)
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    p = e / e.sum(axis=-1, keepdims=True)
    return np.einsum("bts,bsk->btk", p, v), (x, Wq, Wk, Wv, q, k, v, p)

def attention_backward(dy, kept):
    x, Wq, Wk, Wv, q, k, v, p = kept
    dp, dv = np.einsum("btk,bsk->bts", dy, v), np.einsum("bts,btk->bsk", p, dy)
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True))
    dq, dk = np.einsum("bts,bsk->btk", ds, k), np.einsum("bts,btk->bsk", ds, q)
    dWq, dWk, dWv = (np.einsum("btd,btk->dk", x, d) for d in (dq, dk, dv))
    return dq @ Wq.T + dk @ Wk.T + dv @ Wv.T, dWq, dWk, dWv

if __name__ == "__main__":
    x = np.random.randn(2, 5, 4)
    Ws = [np.random.randn(4, 3) for _ in range(3)]
    y, kept = attention_forward(x, *Ws)
    print(attention_backward(np.random.randn(*y.shape), kept))
"""


def test_one_layer_with_arrays_of_the_shapes_that_the_file_gives_it(tmp_path):
    mistake = "ds = p * (1 - p) * dp"
    agrees_and_is_found(tmp_path, Habit(ATTENTION, "ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True))", mistake))


LINEAR = """
def linear_forward(A, W, b):
    return W @ A + b, (A, W, b)

def linear_backward(dZ, cache):
    A, W, b = cache
    m = A.shape[1]
    dW = dZ @ A.T / m
    db = np.sum(dZ, axis=1, keepdims=True) / m
    return W.T @ dZ, dW, db

A, W, b = np.random.randn(4, 3), np.random.randn(2, 4), np.random.randn(2, 1)
Z, cache = linear_forward(A, W, b)
"""


def test_one_layer_may_make_a_mean_of_what_it_is_given_in_all_of_its_parameters(tmp_path):
    agrees_and_is_found(tmp_path, Habit(LINEAR, "dW = dZ @ A.T / m", "dW = 2 * dZ @ A.T / m"))


def test_a_cost_with_a_regulariser_goes_with_the_backward_that_is_told_its_strength(tmp_path):
    source = """
        def cost(A, Y, parameters, lambd):
            m = Y.shape[1]
            entropy = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
            return entropy + lambd * np.sum(parameters["W1"] ** 2) / (2 * m)

        def forward(X, parameters):
            A = 1 / (1 + np.exp(-(parameters["W1"] @ X + parameters["b1"])))
            return A, (A, parameters["W1"])

        def backward(X, Y, cache):
            A, W1 = cache
            dZ = A - Y
            return {"dW1": dZ @ X.T / Y.shape[1], "db1": dZ.mean(axis=1, keepdims=True)}

        def backward_with_penalty(X, Y, cache, lambd):  # after a forward that is elsewhere
            A, W1, b1 = cache
            dZ = A - Y
            return {"dW1": (dZ @ X.T + lambd * W1) / Y.shape[1], "db1": dZ.mean(axis=1, keepdims=True)}
    """
    report = checked(tmp_path, source)
    assert report.verdict == "agrees", str(report)
    report = checked(
        tmp_path, source.replace('A - Y\n            return {"dW1": dZ @', 'A - 2 * Y\n            return {"dW1": dZ @')
    )
    assert report.verdict == "wrong", str(report)
