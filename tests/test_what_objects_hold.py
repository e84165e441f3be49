"""Objects that hold their settings in another object, and their output under a name that says nothing. Of each the
right one agrees, and a mistake is found at its line."""

import pytest

from tests.habits import Habit, agrees_and_is_found

SETTINGS = """
from dataclasses import dataclass

@dataclass
class Settings:
    inputs: int
    hidden: int
    classes: int
    lr: float = 0.1
    epochs: int = 7

class Net:
    def __init__(self, settings):
        self.settings = settings
        self.W1 = np.random.randn(settings.inputs, settings.hidden)
        self.b1 = np.zeros(settings.hidden)
        self.W2 = np.random.randn(settings.hidden, settings.classes)
        self.b2 = np.zeros(settings.classes)

    def ahead(self, X):
        H = np.tanh(X @ self.W1 + self.b1)
        P = np.exp(H @ self.W2 + self.b2)
        return H, P / P.sum(axis=1, keepdims=True)

    def step(self, X, y):
        H, P = self.ahead(X)
        m = len(X)
        cost = -np.log(P[np.arange(m), y]).mean()
        D = P.copy()
        D[np.arange(m), y] -= 1
        D /= m
        E = (D @ self.W2.T) * (1 - H**2)
        for array, slope in ((self.W2, H.T @ D), (self.b2, D.sum(0)), (self.W1, X.T @ E), (self.b1, E.sum(0))):
            array -= self.settings.lr * slope
        return float(cost)

def train(net, X, y):
    costs = []
    for epoch in range(net.settings.epochs):
        costs.append(net.step(X, y))
    return costs

net = Net(Settings(3, 6, 4))
"""
HABITS = {
    "a learning rate and a number of rounds in settings of their own": Habit(
        SETTINGS, "E = (D @ self.W2.T) * (1 - H**2)", "E = (D @ self.W2.T) * (1 - H)"
    ),
    "an output that forward stores last and does not return": Habit(
        """
        class Classifier:
            def __init__(self, n_features, n_hidden, n_classes, rate=0.1, rounds=5):
                self.n_features, self.n_hidden, self.n_classes = n_features, n_hidden, n_classes
                self.rate, self.rounds = rate, rounds

            def fit(self, X, Y):
                self.U, self.V, self.c = self.start()
                for turn in range(self.rounds):
                    self.forward(X)
                    self.backward(X, Y)

            def start(self):
                U = np.random.randn(self.n_features, self.n_hidden)
                return U, np.random.randn(self.n_hidden, self.n_classes), np.zeros((1, self.n_classes))

            def forward(self, X):
                self.G1 = X @ self.U
                self.K1 = np.tanh(self.G1)
                self.G2 = self.K1 @ self.V + self.c
                self.K2 = np.exp(self.G2) / np.sum(np.exp(self.G2), axis=1, keepdims=True)

            def cross_entropy(self, Y, K):
                return -np.sum(Y * np.log(K)) / len(Y)

            def backward(self, X, Y):
                D2 = (self.K2 - Y) / len(X)
                D1 = (D2 @ self.V.T) * (1 - self.K1**2)
                dV, dc, dU = self.K1.T @ D2, D2.sum(axis=0, keepdims=True), X.T @ D1
                self.V -= self.rate * dV
                self.c -= self.rate * dc
                self.U -= self.rate * dU
        """,
        "(1 - self.K1**2)",
        "(1 - self.G1**2)",
    ),
    "an autoencoder whose way back asks for nothing, past a matrix that stays what it is": Habit(
        """
        N, K = 12, 5

        class Coder:
            def __init__(self):
                self.w_in, self.b_in = np.random.randn(K, N), np.zeros((1, K))
                self.w_stay = np.eye(K)
                self.w_out, self.b_out = np.random.randn(N, K), np.zeros((1, N))
                self.kept = {}

            def forward(self, x):
                a_in = x @ self.w_in.T + self.b_in
                z_in = np.maximum(a_in, 0)
                z_stay = np.maximum(z_in @ self.w_stay.T, 0)
                y = z_stay @ self.w_out.T + self.b_out
                self.kept.update({"x": x, "y": y, "a_in": a_in, "z_stay": z_stay})
                return y

            def backprop(self):
                out = self.kept["y"] - self.kept["x"]
                back = out @ self.w_out * (self.kept["a_in"] > 0)
                return {
                    "w_in": back.T @ self.kept["x"],
                    "b_in": back.sum(axis=0, keepdims=True),
                    "w_out": out.T @ self.kept["z_stay"],
                    "b_out": out.sum(axis=0, keepdims=True),
                }
        """,
        'back = out @ self.w_out * (self.kept["a_in"] > 0)',
        'back = out @ self.w_out * (self.kept["a_in"] > 1)',
    ),
    "a derivative of the cost that goes forward itself, from sensors and motors": Habit(
        """
        class Robot:
            def __init__(self):
                self.w1, self.w2 = np.random.rand(4, 6), np.random.rand(6, 3)

            def forward(self, s):
                self.a = np.tanh(np.dot(s, self.w1))
                self.out = np.tanh(np.dot(self.a, self.w2))
                return self.out

            def costFunction(self, s, m):
                return 0.5 * sum((m - self.forward(s)) ** 2)

            def costFunctionPrime(self, s, m):
                out = self.forward(s)
                delta2 = -(m - out) * (1 - out**2)
                delta1 = np.dot(delta2, self.w2.T) * (1 - self.a**2)
                djdw2 = np.dot(self.a.T, delta2)
                djdw1 = np.dot(s.T, delta1)
                return djdw1, djdw2

            def computeGradients(self, s, m):
                djdw1, djdw2 = self.costFunctionPrime(s, m)
                return np.concatenate((djdw1.ravel(), djdw2.ravel()))
        """,
        "np.dot(delta2, self.w2.T) * (1 - self.a**2)",
        "np.dot(delta2, self.w2.T) * (1 - self.a)",
    ),
    "layers by their names and in a list too, whose steps are means of the sums that they keep": Habit(
        """
        class Layer:
            def __init__(self, n_in, n_out, rate):
                self.W, self.b, self.rate = np.random.randn(n_in, n_out), np.zeros((1, n_out)), rate

            def forward(self, X):
                self.X, self.A = X, np.tanh(X @ self.W + self.b)
                return self.A

            def backward(self, slope):
                slope = slope * (1 - self.A**2)
                below = slope @ self.W.T
                self.dW, self.db = self.X.T @ slope, slope.sum(axis=0, keepdims=True)
                self.W = self.W - self.rate * self.dW / len(slope)
                self.b = self.b - self.rate * self.db / len(slope)
                return below

        class Net:
            def __init__(self, n_in, hidden_sizes, n_out, rate=0.1):
                self.first = Layer(n_in, hidden_sizes[0], rate)
                self.last = Layer(hidden_sizes[-1], n_out, rate)
                between = zip(hidden_sizes[:-1], hidden_sizes[1:])
                self.layers = [self.first, *(Layer(a, b, rate) for a, b in between), self.last]

            def forward(self, X):
                for layer in self.layers:
                    X = layer.forward(X)
                self.output = X
                return X

            def backward(self, Y):
                slope = self.output - Y
                for layer in reversed(self.layers):
                    slope = layer.backward(slope)
        """,
        "slope = slope * (1 - self.A**2)",
        "slope = slope * (1 - self.A)",
    ),
}


@pytest.mark.parametrize("habit", HABITS.values(), ids=HABITS)
def test_the_right_one_agrees_and_the_mistake_is_found(tmp_path, habit):
    agrees_and_is_found(tmp_path, habit)


def test_what_is_returned_by_another_name_is_the_parameter_that_the_object_holds_from_then_on(tmp_path):
    """And 1.0000001 - A keeps a logarithm from 0 as A + 1e-7 does."""
    agrees_and_is_found(
        tmp_path,
        Habit(
            """
            class Network:
                def __init__(self, nx, nodes):
                    self.__W1, self.__b1 = np.random.normal(size=(nodes, nx)), np.zeros((nodes, 1))
                    self.__W2, self.__b2 = np.random.normal(size=(1, nodes)), 0

                def forward_prop(self, X):
                    self.__A1 = 1 / (1 + np.exp(-(self.__W1 @ X + self.__b1)))
                    self.__A2 = 1 / (1 + np.exp(-(self.__W2 @ self.__A1 + self.__b2)))
                    return self.__A1, self.__A2

                def cost(self, Y, A):
                    return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1.0000001 - A)) / Y.shape[1]

                def evaluate(self, X, Y):
                    _, A = self.forward_prop(X)
                    return np.where(A < 0.5, 0, 1), self.cost(Y, A)

                def gradient_descent(self, X, Y, A1, A2, alpha=0.05):
                    m = Y.shape[1]
                    dz2 = A2 - Y
                    dz1 = self.__W2.T @ dz2 * A1 * (1 - A1)
                    self.__W2 -= alpha * dz2 @ A1.T / m
                    self.__b2 -= alpha * np.sum(dz2) / m
                    self.__W1 -= alpha * dz1 @ X.T / m
                    self.__b1 -= alpha * np.sum(dz1, axis=1, keepdims=True) / m
                    return self.__W1, self.__b1, self.__W2, self.__b2
            """,
            "dz1 = self.__W2.T @ dz2 * A1 * (1 - A1)",
            "dz1 = self.__W2.T @ dz2 * (1 - A1)",
        ),
    )


def test_forward_may_leave_the_softmax_to_what_goes_back(tmp_path):
    """And the cost is told of shares that forward does not return."""
    agrees_and_is_found(
        tmp_path,
        Habit(
            """
            def softmax(scores):
                powers = np.exp(scores - np.max(scores, axis=1, keepdims=True))
                return powers / np.sum(powers, axis=1, keepdims=True)

            def cross_entropy(shares, labels):
                return -np.sum(labels * np.log(shares + 1e-12)) / len(shares)

            class Classifier:
                def __init__(self, widths):
                    self.W = [np.random.randn(a, b) for a, b in zip(widths[:-1], widths[1:])]

                def forward(self, X):
                    seen = [X]
                    for W in self.W[:-1]:
                        seen.append(np.tanh(seen[-1] @ W))
                    seen.append(seen[-1] @ self.W[-1])
                    return seen

                def gradients(self, X, labels):
                    seen = self.forward(X)
                    delta = (softmax(seen[-1]) - labels) / len(X)
                    dW = [None] * len(self.W)
                    for i in reversed(range(len(self.W))):
                        dW[i] = seen[i].T @ delta
                        if i > 0:
                            delta = (delta @ self.W[i].T) * (1 - seen[i] ** 2)
                    return dW
            """,
            "delta = (delta @ self.W[i].T) * (1 - seen[i] ** 2)",
            "delta = delta @ self.W[i].T",
        ),
    )
