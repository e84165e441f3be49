"""Activations, initialisers, states and labels that a file hands on; and numbers that are called like widths. Of each
program the right one agrees, and a mistake is found at its line."""

import pytest

from gradcompare.interfaces import source, words
from tests.habits import Habit, agrees_and_is_found, checked

HABITS = {
    "an activation of a file that is not there, which a method hands on to its layers": Habit(
        """
        from activations_that_are_not_there import *

        class Layer:
            def __init__(self, n_in, n_out, activation, activation_prime):
                self.weights = np.random.uniform(-1, 1, (n_in, n_out))
                self.weight_derivatives = 0
                self.activation, self.activation_prime = activation, activation_prime

            def feed_forward(self, x):
                self.x, self.z = x, x @ self.weights
                return self.activation(self.z)

            def backward(self, slope):
                inner = slope * sigmoid_prime(self.z)
                self.weight_derivatives = self.x.T @ inner
                return inner @ self.weights.T

        class Network:
            def __init__(self, input_size):
                self.layers, self.input_size = [], input_size

            def append_layer(self, n, activation, activation_prime):
                n_in = self.layers[-1].weights.shape[1] if self.layers else self.input_size
                self.layers.append(Layer(n_in, n, activation, activation_prime))

        net = Network(2)
        net.append_layer(3, activation=sigmoid, activation_prime=sigmoid_prime)
        """,
        "self.weight_derivatives = self.x.T @ inner",
        "self.weight_derivatives = self.x.T @ slope",
    ),
    "what makes weights of a shape": Habit(
        """
        class Dense:
            def __init__(self, n_in, n_out, initializer_func):
                self.w = initializer_func((n_in, n_out))
                self.b = np.zeros((1, n_out))

            def forward(self, x):
                self.x = x
                return x @ self.w + self.b

            def backward(self, slope, learning_rate):
                back = slope @ self.w.T
                self.w -= learning_rate * (self.x.T @ slope)
                self.b -= learning_rate * slope.sum(axis=0, keepdims=True)
                return back
        """,
        "self.w -= learning_rate * (self.x.T @ slope)",
        "self.w -= learning_rate * (abs(self.x).T @ slope)",
    ),
    "how many layers there are, called like a width": Habit(
        """
        class Net:
            def __init__(self, input_size, hidden_size, output_size, hidden_layer):
                self.hidden_layer, self.params = hidden_layer, {}
                for i in range(self.hidden_layer):
                    n_in = input_size if i == 0 else hidden_size
                    n_out = output_size if i == hidden_layer - 1 else hidden_size
                    self.params[f"W{i}"] = np.random.randn(n_in, n_out)

            def predict(self, x):
                self.seen = [x]
                for i in range(self.hidden_layer):
                    x = x @ self.params[f"W{i}"]
                    x = np.tanh(x) if i < self.hidden_layer - 1 else x
                    self.seen.append(x)
                return x

            def loss(self, x, t):
                return np.sum((self.predict(x) - t) ** 2) / 2

            def gradient(self, x, t):
                d, grads = self.predict(x) - t, {}
                for i in reversed(range(self.hidden_layer)):
                    grads[f"W{i}"] = self.seen[i].T @ d
                    d = d @ self.params[f"W{i}"].T * (1 - self.seen[i] ** 2)
                return grads
        """,
        "d = d @ self.params[f\"W{i}\"].T * (1 - self.seen[i] ** 2)",
        "d = d @ self.params[f\"W{i}\"].T * (1 - self.seen[i])",
    ),
    "sums of squared gradients, which are added up beside them": Habit(
        """
        def start():
            return np.random.randn(6, 5), np.random.randn(3, 6)

        def forward(x, w1, w2):
            a1 = np.tanh(w1 @ x)
            z2 = w2 @ a1
            return a1, np.exp(z2) / np.exp(z2).sum(axis=0)

        def backward(x, mini_one_hot, w2, a2, a1, sdw1, sdw2, beta):
            dz2 = (a2 - mini_one_hot) / mini_one_hot.shape[1]
            dw2 = dz2 @ a1.T
            dw1 = (w2.T @ dz2 * (1 - a1 ** 2)) @ x.T
            sdw1 = beta * sdw1 + (1 - beta) * np.square(dw1)
            sdw2 = beta * sdw2 + (1 - beta) * np.square(dw2)
            return dw1, dw2, sdw1, sdw2

        def update(w1, w2, dw1, dw2, sdw1, sdw2, alpha):
            w1 -= alpha / np.sqrt(sdw1 + 1e-8) * dw1
            w2 -= alpha / np.sqrt(sdw2 + 1e-8) * dw2
            return w1, w2
        """,
        "dw1 = (w2.T @ dz2 * (1 - a1 ** 2)) @ x.T",
        "dw1 = (w2.T @ dz2 * (1 - a1)) @ x.T",
    ),
    "training that returns what came out": Habit(
        """
        class Network:
            def __init__(self, n_in, n_hidden, n_out, rate):
                self.wih, self.who = np.random.randn(n_hidden, n_in), np.random.randn(n_out, n_hidden)
                self.rate = rate

            def train(self, inputs, targets):
                hidden = np.tanh(self.wih @ inputs)
                final_outputs = 1 / (1 + np.exp(-self.who @ hidden))
                off = (final_outputs - targets) / inputs.shape[1]
                back = self.who.T @ off * (1 - hidden ** 2)
                self.who -= self.rate * off @ hidden.T
                self.wih -= self.rate * back @ inputs.T
                return final_outputs

            def query(self, inputs_list):
                inputs = np.array(inputs_list, ndmin=2).T
                return 1 / (1 + np.exp(-self.who @ np.tanh(self.wih @ inputs)))
        """,
        "self.wih -= self.rate * back @ inputs.T",
        "self.wih -= self.rate * back @ abs(inputs).T",
    ),
    "a program that ends where shapes do not fit": Habit(
        """
        class Net:
            def __init__(self, n_in, n_out):
                self.W = np.random.randn(n_in, n_out)

            def forward(self, X):
                if X.shape[1] != self.W.shape[0]:
                    print("columns are features")
                    exit()
                return X @ self.W

            def loss(self, X, Y):
                return np.sum((self.forward(X) - Y) ** 2)

            def gradient(self, X, Y):
                return 2 * X.T @ (self.forward(X) - Y)
        """,
        "return 2 * X.T @ (self.forward(X) - Y)",
        "return 2 * abs(X).T @ (self.forward(X) - Y)",
    ),
    "layers whose way back is given what the way forward was": Habit(
        """
        def affine_forward(x, w, b):
            return x.reshape(len(x), -1) @ w + b

        def affine_backward(dout, x, w, b):
            dx = (dout @ w.T).reshape(x.shape)
            dw = x.reshape(len(x), -1).T @ dout
            return dx, dw, dout.sum(axis=0)

        def relu_forward(x):
            return np.maximum(0, x)

        def relu_backward(dout, x):
            return dout * (x > 0)

        def softmax_loss(x, y):
            p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
            dx = p.copy()
            dx[np.arange(len(x)), y] -= 1
            return -np.mean(np.log(p[np.arange(len(x)), y])), dx / len(x)
        """,
        "return dout * (x > 0)",
        "return dout * (x < 0)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("habit", HABITS)
def test_what_is_handed_on_is_known(tmp_path, habit):
    agrees_and_is_found(tmp_path, HABITS[habit])


def test_every_layer_of_a_pair_is_run(tmp_path):
    source_ = HABITS["layers whose way back is given what the way forward was"].source
    names = {finding.name for finding in checked(tmp_path, source_).tensors}
    assert names == {"dx_affine", "dw_affine", "db_affine", "dx_relu", "dx_softmax_loss"}


def until_it_fits(X, y):
    error = np_ones()
    while any(error >= 0.1):
        error = compute(X, y)


def so_often(X, y, most):
    error, turn = compute(X, y), 0
    while error > 0.1 and turn < most:
        error = compute(X, y)
        turn += 1


np_ones = compute = None  # neither is called


def test_a_loop_that_errors_end_may_go_on():
    assert source.may_go_on(until_it_fits)
    assert not source.may_go_on(so_often)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("mini_batch_y", "targets"),
        ("batch_labels", "targets"),
        ("mini_one_hot", "targets"),
        ("this_x", "inputs"),
        ("batch_size", "batch_size"),
        ("mini_batch_size", "batch_size"),
    ],
)
def test_what_belongs_to_a_batch_is_called_so(name, role):
    assert words.role_of_argument(name) == role
