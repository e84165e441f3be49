"""Programs whose helper files are not there, or that keep whole gradients before they cut them off: what is stood in
for, what is not needed, and what the mistake is found in."""

import textwrap

import pytest

import gradcompare
from tests.habits import Habit, agrees_and_is_found, checked

HABITS = {
    "widths and rates of a config that is not there": Habit(
        """
        import project.config as config
        from project.options import DROPOUT_RATE

        class Classifier:
            def __init__(self):
                self.W1 = np.random.randn(config.input_size, config.hidden1_size) / 3
                self.W2 = np.random.randn(config.hidden1_size, config.num_classes) / 3

            def forward(self, X):
                self.h = np.tanh(X @ self.W1)
                self.mask = np.random.rand(*self.h.shape) > DROPOUT_RATE
                self.kept = self.h * self.mask
                e = np.exp(self.kept @ self.W2)
                return e / e.sum(axis=1, keepdims=True)

            def loss(self, P, y):
                return -np.mean(np.log(P[np.arange(len(y)), y]))

            def backward(self, X, y, P):
                dz = P.copy()
                dz[np.arange(len(y)), y] -= 1
                dz /= len(y)
                dW2 = self.kept.T @ dz
                dh = dz @ self.W2.T * self.mask
                dW1 = X.T @ (dh * (1 - self.h**2))
                return dW1, dW2
        """,
        "dh = dz @ self.W2.T * self.mask",
        "dh = dz @ self.W2.T",
    ),
    "layers on Torch's module, which is elsewhere": Habit(
        """
        from modules.base import Module

        class Linear(Module):
            def __init__(self, n_in, n_out):
                super().__init__()
                self.W, self.b = np.random.randn(n_out, n_in), np.random.randn(n_out)
                self.gradW, self.gradb = np.zeros_like(self.W), np.zeros_like(self.b)

            def updateOutput(self, input):
                self.output = input @ self.W.T + self.b
                return self.output

            def updateGradInput(self, input, gradOutput):
                self.gradInput = gradOutput @ self.W
                return self.gradInput

            def accGradParameters(self, input, gradOutput):
                self.gradW = gradOutput.T @ input
                self.gradb = gradOutput.sum(axis=0)
        """,
        "self.gradb = gradOutput.sum(axis=0)",
        "self.gradb = gradOutput.mean(axis=0)",
    ),
    "a layer that is handed what went forward, and an activation that says which": Habit(
        """
        class Dense:
            def __init__(self, num_inputs, num_outputs, activation):
                self.f, self.num_inputs = activation, num_inputs
                self.weights = np.random.randn(num_outputs, num_inputs)
                self.biases = np.random.randn(num_outputs, 1)

            def forward(self, x):
                assert x.shape == (self.num_inputs, 1)
                self.z = self.weights @ x + self.biases
                return self.f(self.z)

            def backward(self, x, upstream):
                aux = upstream * self.f(self.z, True)
                self.grad_biases = aux
                self.grad_weights = aux @ x.T
                return self.weights.T @ aux
        """,
        "return self.weights.T @ aux",
        "return (self.weights.T @ aux).T",
    ),
    "an object of a class that is elsewhere, hidden widths between others, and a cost beside a loss": Habit(
        """
        from schedule import CyclicRate

        class Model:
            def __init__(self, hidden_layers_structure, weight_decay_parameter, magnitude, size_of_dataset):
                sizes = [6] + hidden_layers_structure + [3]
                steps = magnitude * (size_of_dataset / 10)
                self.W = [np.random.randn(m, n) for n, m in zip(sizes, sizes[1:])]
                self.weight_decay_parameter = weight_decay_parameter
                self.schedule = CyclicRate(1e-5, 1e-1, steps)

            def forward(self, X):
                Hs = [X]
                for W in self.W[:-1]:
                    Hs.append(np.tanh(W @ Hs[-1]))
                e = np.exp(self.W[-1] @ Hs[-1])
                return Hs, e / e.sum(axis=0)

            def compute_cost(self, Y, P):
                loss = -np.sum(Y * np.log(P)) / Y.shape[1]
                cost = loss + self.weight_decay_parameter * sum(np.sum(W**2) for W in self.W)
                return loss, cost

            def compute_gradients(self, X, Y, Hs, P):
                G, grads = P - Y, []
                for W, H in zip(reversed(self.W), reversed(Hs)):
                    grads.append(G @ H.T / Y.shape[1] + 2 * self.weight_decay_parameter * W)
                    G = W.T @ G * (1 - H**2)
                return grads[::-1]
        """,
        "grads.append(G @ H.T / Y.shape[1] + 2 * self.weight_decay_parameter * W)",
        "grads.append(G @ H.T / Y.shape[1] + self.weight_decay_parameter * W)",
    ),
    "an optimiser that a layer is handed, and what it is called": Habit(
        """
        class Dense:
            def __init__(self, n_in, n_out, optimizer, name):
                self.weights = np.random.randn(n_in, n_out)
                self.biases = np.zeros(n_out)
                self.optimizer, self.name = optimizer, name

            def forward(self, x):
                self.x = x
                return x @ self.weights + self.biases

            def backward(self, grad):
                below = grad @ self.weights.T
                dw = self.x.T @ grad
                self.weights = self.optimizer.apply(self.name + ":W", self.weights, dw)
                self.biases = self.optimizer.apply(self.name + ":b", self.biases, np.sum(grad, axis=0))
                return below

        class Tanh:
            def forward(self, x):
                self.out = np.tanh(x)
                return self.out

            def backward(self, grad):
                return grad * (1 - self.out**2)
        """,
        "dw = self.x.T @ grad",
        "dw = self.x.T @ np.abs(grad)",
    ),
    "an optimiser that changes arrays in place": Habit(
        """
        class Dense:
            def __init__(self, n_in, n_out, optimizer):
                self.W = np.random.randn(n_in, n_out)
                self.b = np.zeros((1, n_out))
                self.opt = optimizer

            def forward(self, x):
                self.x = x
                return x @ self.W + self.b

            def backward(self, grad):
                below = grad @ self.W.T
                dW = self.x.T @ grad
                db = np.sum(grad, axis=0, keepdims=True)
                self.opt.step(self.W, dW)
                self.opt.step(self.b, db)
                return below
        """,
        "db = np.sum(grad, axis=0, keepdims=True)",
        "db = np.max(grad, axis=0, keepdims=True)",
    ),
    "samples that training only looks at": Habit(
        """
        class Net:
            def __init__(self, n_in, n_hidden, n_out):
                self.w1 = np.random.randn(n_in, n_hidden)
                self.w2 = np.random.randn(n_hidden, n_out)

            def predict(self, x):
                return np.tanh(x @ self.w1) @ self.w2

            def fit(self, train_x, train_y, valid_x, valid_y, lr=0.01, epochs=50):
                for epoch in range(epochs):
                    hidden = np.tanh(train_x @ self.w1)
                    off = (hidden @ self.w2 - train_y) / len(train_x)
                    g2 = hidden.T @ off
                    g1 = train_x.T @ (off @ self.w2.T * (1 - hidden**2))
                    self.w1 -= lr * g1
                    self.w2 -= lr * g2
                    print(np.mean((self.predict(valid_x) - valid_y) ** 2))
        """,
        "g1 = train_x.T @ (off @ self.w2.T * (1 - hidden**2))",
        "g1 = train_x.T @ (off @ self.w2.T * (1 - hidden))",
    ),
    "labels made one-hot elsewhere": Habit(
        """
        import data

        def train(X, Y_, iterations=1000, rate=0.05, strength=1e-3):
            N, C = len(X), int(max(Y_) + 1)
            Y = data.class_to_onehot(Y_)
            W = np.random.randn(X.shape[1], C)
            b = np.zeros(C)
            for i in range(iterations):
                scores = X @ W + b
                e = np.exp(scores - np.max(scores, axis=1, keepdims=True))
                probs = e / e.sum(axis=1, keepdims=True)
                loss = -np.sum(Y * np.log(probs)) / N + strength * np.sum(W**2)
                print(i, loss)
                off = (probs - Y) / N
                grad_W = X.T @ off + 2 * strength * W
                grad_b = np.sum(off, axis=0)
                W += -rate * grad_W
                b += -rate * grad_b
            return W, b

        X, Y_ = data.sample(3, 100)
        W, b = train(X, Y_)
        """,
        "grad_W = X.T @ off + 2 * strength * W",
        "grad_W = X.T @ off + strength * W",
    ),
}


@pytest.mark.parametrize("habit", HABITS.values(), ids=list(HABITS))
def test_the_right_program_agrees_and_the_wrong_one_is_found_at_its_line(tmp_path, habit: Habit):
    agrees_and_is_found(tmp_path, habit)


def test_what_stands_in_for_a_config_is_said(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        "import numpy as np\n" + textwrap.dedent(HABITS["widths and rates of a config that is not there"].source)
    )
    report = gradcompare.check(path, examples=2, dtype="float64")
    (said,) = [note for note in report.notes if "project.config" in note and "In place" in note]
    assert "input_size = 9" in said
    assert "num_classes = 3" in said


CUT_OFF = """
    class Recurrent:
        def __init__(self, input_dim, hidden_dim, lr=0.01):
            self.lr = lr
            self.Wx = np.random.randn(input_dim, hidden_dim)
            self.Wh = np.random.randn(hidden_dim, hidden_dim)

        def forward(self, xs):
            self.xs, self.hs = xs, {-1: np.zeros((1, self.Wh.shape[0]))}
            out = np.zeros((len(xs), self.Wh.shape[0]))
            for t in range(len(xs)):
                self.hs[t] = np.tanh(xs[t : t + 1] @ self.Wx + self.hs[t - 1] @ self.Wh)
                out[t] = self.hs[t]
            return out

        def backward(self, slopes):
            self.dWx, self.dWh = np.zeros_like(self.Wx), np.zeros_like(self.Wh)
            following, dxs = np.zeros((1, self.Wh.shape[0])), np.zeros_like(self.xs)
            for t in reversed(range(len(slopes))):
                dz = (slopes[t : t + 1] + following) * (1 - self.hs[t] ** 2)
                self.dWx += self.xs[t : t + 1].T @ dz
                self.dWh += self.hs[t - 1].T @ dz
                following, dxs[t] = dz @ self.Wh.T, dz @ self.Wx.T
            return dxs

        def update(self):
            for g in [self.dWx, self.dWh]:
                g.clip(-3, 3, out=g)
            self.Wx -= self.lr * self.dWx
            self.Wh -= self.lr * self.dWh

    class Network:
        def __init__(self, layer_dims, output_dim, lr=0.01):
            self.layers = [Recurrent(n, m, lr) for n, m in zip(layer_dims, layer_dims[1:])]
            self.Wy = np.random.randn(layer_dims[-1], output_dim)
            self.lr = lr

        def forward(self, x):
            for layer in self.layers:
                x = layer.forward(x)
            self.last = x
            e = np.exp(x @ self.Wy)
            return e / e.sum(axis=1, keepdims=True)

        def backward(self, probs, targets):
            dy = probs.copy()
            for t in range(len(targets)):
                dy[t, targets[t]] -= 1
            slope = dy @ self.Wy.T
            for layer in reversed(self.layers):
                slope = layer.backward(slope)
            self.Wy -= self.lr * (self.last.T @ dy)
            for layer in self.layers:
                layer.update()
"""


def test_what_is_cut_off_in_place_was_whole_before(tmp_path):
    report = checked(tmp_path, CUT_OFF)
    assert report.verdict == "agrees", str(report)
    assert any("cut off at a limit" in note for note in report.notes)
    right, wrong = "self.dWh += self.hs[t - 1].T @ dz", "self.dWh += self.hs[t].T @ dz"
    assert CUT_OFF.count(right) == 1
    assert checked(tmp_path, CUT_OFF.replace(right, wrong)).verdict == "wrong"
