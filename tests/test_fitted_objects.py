"""Objects that are no network until they were fitted, or that hand their parameters from one method to another.

Of each the right one agrees, and a mistake is found at its line.
"""

from tests.habits import Habit, agrees_and_is_found, checked

HANDED_ON = Habit(
    """
    class Classifier:
        def __init__(self, layer_dims, n_x, n_y, learning_rate=0.01, rounds=100):
            self.layer_dims, self.n_x, self.n_y = layer_dims, n_x, n_y
            self.learning_rate, self.rounds = learning_rate, rounds
            self.parameters = []

        def initialize_parameters(self, layer_dims):
            parameters = {}
            for k in range(1, len(layer_dims)):
                parameters["W" + str(k)] = np.random.randn(layer_dims[k], layer_dims[k - 1])
                parameters["b" + str(k)] = np.zeros((layer_dims[k], 1))
            return parameters

        def forward(self, X, parameters):
            caches, A, depth = [], X, len(parameters) // 2
            for k in range(1, depth + 1):
                Z = parameters["W" + str(k)] @ A + parameters["b" + str(k)]
                caches.append((A, Z, parameters["W" + str(k)]))
                A = np.tanh(Z) if k < depth else 1 / (1 + np.exp(-Z))
            assert A.shape == (self.n_y, X.shape[1])
            return A, caches

        def compute_cost(self, AL, Y):
            return -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / Y.shape[1]

        def backward(self, AL, Y, caches):
            grads, m = {}, Y.shape[1]
            dZ = AL - Y
            for k in reversed(range(1, len(caches) + 1)):
                A_before, Z, W = caches[k - 1]
                grads["dW" + str(k)] = dZ @ A_before.T / m
                grads["db" + str(k)] = np.sum(dZ, axis=1, keepdims=True) / m
                if k > 1:
                    dZ = (W.T @ dZ) * (1 - A_before**2)
            return grads

        def fit(self, X, Y):
            parameters = self.initialize_parameters(self.layer_dims)
            for _ in range(self.rounds):
                AL, caches = self.forward(X, parameters)
                grads = self.backward(AL, Y, caches)
                for name in parameters:
                    parameters[name] = parameters[name] - self.learning_rate * grads["d" + name]
            self.parameters = parameters
    """,
    "(W.T @ dZ) * (1 - A_before**2)",
    "(W.T @ dZ) * (1 - A_before)",
)


def test_methods_may_be_given_the_parameters_that_another_of_them_returns(tmp_path):
    agrees_and_is_found(tmp_path, HANDED_ON)


BUILT_IN_FIT = Habit(
    """
    class Layer:
        def __init__(self, before, units, kind):
            self.weights, self.biases = 0.5 * np.random.randn(before, units), np.zeros((1, units))
            self.kind = kind

        def act(self, z):
            return np.tanh(z) if self.kind == "tanh" else 1 / (1 + np.exp(-z))

        def act_slope(self, z):
            return 1 - np.tanh(z) ** 2

    class Estimator:
        def __init__(self, hidden_layer_sizes=(9, 4), learning_rate=0.1, num_iterations=200):
            self.hidden_layer_sizes = hidden_layer_sizes
            self.learning_rate, self.num_iterations = learning_rate, num_iterations
            self.layers, self.fitted = [], False

        def _build_network(self, X, y):
            classes = np.unique(y)
            units = len(classes) if len(classes) > 2 else 1
            widths = [X.shape[1], *self.hidden_layer_sizes, units]
            for k in range(1, len(widths)):
                self.layers.append(Layer(widths[k - 1], widths[k], "tanh" if k < len(widths) - 1 else "sigmoid"))

        def _forward(self, X):
            outs, sums = [X], [X]
            for layer in self.layers:
                sums.append(outs[-1] @ layer.weights + layer.biases)
                outs.append(layer.act(sums[-1]))
            return outs, sums

        def _cost(self, y_true, y_pred):
            return -np.mean(y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred))

        def _backward(self, X, y, outs, sums):
            n = X.shape[0]
            delta = outs[-1] - y
            for k in reversed(range(len(self.layers))):
                layer = self.layers[k]
                layer.dweights = outs[k].T @ delta / n
                layer.dbiases = np.sum(delta, axis=0, keepdims=True) / n
                if k > 0:
                    delta = delta @ layer.weights.T * self.layers[k - 1].act_slope(sums[k])

        def fit(self, X, y):
            y = np.array(y).reshape(-1, 1)
            self._build_network(X, y)
            for _ in range(self.num_iterations):
                outs, sums = self._forward(X)
                self._backward(X, y, outs, sums)
                for layer in self.layers:
                    layer.weights -= self.learning_rate * layer.dweights
                    layer.biases -= self.learning_rate * layer.dbiases
            self.fitted = True
            return self

        def predict(self, X):
            if not self.fitted:
                raise RuntimeError("fit first")
            outs, _ = self._forward(X)
            return (outs[-1] > 0.5).astype(int)
    """,
    "self.layers[k - 1].act_slope(sums[k])",
    "self.layers[k - 1].act_slope(outs[k])",
)


def test_a_network_may_be_built_in_fit_with_lists_of_what_each_layer_gives(tmp_path):
    agrees_and_is_found(tmp_path, BUILT_IN_FIT)


DATA_PUT_INTO_IT = Habit(
    """
    class Digits:
        def __init__(self, learning_rate=0.01, hidden=6, max_iterations=100, copies=2):
            self.n_in, self.n_out, self.hidden = 12, 4, hidden
            self.learning_rate, self.max_iterations = learning_rate, max_iterations
            self.X = None  # to be set before train()
            self.T = np.repeat(2 * np.eye(4) - 1, copies, axis=0)
            self.w_hidden = np.random.rand(self.hidden, self.n_in) - 0.5
            self.b_hidden = np.random.rand(self.hidden, 1) - 0.5
            self.w_out = np.random.rand(self.n_out, self.hidden) - 0.5
            self.b_out = np.random.rand(self.n_out, 1) - 0.5
            self.error, self.iterations = np.inf, 0

        def bend(self, z):
            return np.tanh(z)

        def bend_slope(self, z):
            return 1 - np.tanh(z) ** 2

        def train(self):
            if self.X is None:
                raise ValueError("there is no data yet")
            n = self.X.shape[0]
            while self.error > 0.01 and self.iterations < self.max_iterations:
                self.iterations += 1
                self.error = 0
                for i in range(n):
                    x = self.X[i].reshape(self.n_in, 1)
                    t = self.T[i].reshape(self.n_out, 1)
                    z1 = self.w_hidden @ x + self.b_hidden
                    a1 = self.bend(z1)
                    z2 = self.w_out @ a1 + self.b_out
                    a2 = self.bend(z2)
                    sample_error = 0.5 * np.sum((t - a2) ** 2)
                    self.error += sample_error
                    d2 = (t - a2) * self.bend_slope(z2)
                    d1 = (self.w_out.T @ d2) * self.bend_slope(z1)
                    self.w_out += self.learning_rate * d2 @ a1.T
                    self.b_out += self.learning_rate * d2
                    self.w_hidden += self.learning_rate * d1 @ x.T
                    self.b_hidden += self.learning_rate * d1

        def predict(self, x):
            a1 = self.bend(self.w_hidden @ x.reshape(-1, 1) + self.b_hidden)
            return np.where(self.bend(self.w_out @ a1 + self.b_out) >= 0, 1, -1)
    """,
    "d1 = (self.w_out.T @ d2) * self.bend_slope(z1)",
    "d1 = (self.w_out.T @ d2) * self.bend_slope(a1)",
)


def test_samples_and_labels_may_have_to_be_put_into_the_object_before_it_trains(tmp_path):
    agrees_and_is_found(tmp_path, DATA_PUT_INTO_IT)


ALL_IN_DICTS_OF_THE_CLASS = Habit(
    """
    class Net:
        params = {}
        values = {}
        grads = {}

        def __init__(self, n_in, n_hidden, n_out):
            self.params["W1"], self.params["b1"] = np.random.rand(n_hidden, n_in), np.random.rand(n_hidden, 1)
            self.params["W2"], self.params["b2"] = np.random.rand(n_out, n_hidden), np.random.rand(n_out, 1)

        def softmax(self, z):
            e = np.exp(z - np.max(z, axis=0, keepdims=True))
            return e / np.sum(e, axis=0, keepdims=True)

        def one_hot(self, Y):
            hot = np.zeros((Y.size, Y.max() + 1))
            hot[np.arange(Y.size), Y] = 1
            return hot.T

        def forward_pass(self, x):
            self.values["z1"] = self.params["W1"] @ x + self.params["b1"]
            self.values["a1"] = np.tanh(self.values["z1"])
            self.values["z2"] = self.params["W2"] @ self.values["a1"] + self.params["b2"]
            self.values["a2"] = self.softmax(self.values["z2"])

        def back_propagation(self, x, Y):
            m = Y.size
            self.grads["dz2"] = self.values["a2"] - self.one_hot(Y)
            self.grads["dW2"] = self.grads["dz2"] @ self.values["a1"].T / m
            self.grads["db2"] = np.sum(self.grads["dz2"], axis=1, keepdims=True) / m
            self.grads["dz1"] = self.params["W2"].T @ self.grads["dz2"] * (1 - self.values["a1"] ** 2)
            self.grads["dW1"] = self.grads["dz1"] @ x.T / m
            self.grads["db1"] = np.sum(self.grads["dz1"], axis=1, keepdims=True) / m

        def step(self, rate):
            for name in self.params:
                self.params[name] = self.params[name] - rate * self.grads["d" + name]
    """,
    '(1 - self.values["a1"] ** 2)',
    '(1 - self.values["a1"])',
)


def test_forward_may_return_nothing_and_leave_all_in_dicts_of_the_class(tmp_path):
    agrees_and_is_found(tmp_path, ALL_IN_DICTS_OF_THE_CLASS)


DEEP_AND_DEAD = Habit(
    """
    class Deep:
        def __init__(self, hidden_sizes, eta=0.1, epochs=10):
            self.hidden_sizes, self.eta, self.epochs = hidden_sizes, eta, epochs
            self.weights, self.biases = [], []

        def _start(self, n_features):
            sizes = [n_features] + self.hidden_sizes + [1]
            self.weights = [np.random.randn(a, b) * 0.01 for a, b in zip(sizes, sizes[1:])]
            self.biases = [np.zeros((1, b)) for b in sizes[1:]]

        def _forward(self, X):
            self.sums, self.outs = [], [X]
            for i, (W, b) in enumerate(zip(self.weights, self.biases)):
                self.sums.append(self.outs[-1] @ W + b)
                last = i == len(self.weights) - 1
                self.outs.append(1 / (1 + np.exp(-self.sums[-1])) if last else np.maximum(0, self.sums[-1]))
            return self.outs[-1]

        def _backward(self, y):
            delta = self.outs[-1] - y.reshape(-1, 1)
            for i in range(len(self.weights) - 1, -1, -1):
                dW = self.outs[i].T @ delta / len(y)
                db = delta.mean(axis=0, keepdims=True)
                if i > 0:
                    delta = (delta @ self.weights[i].T) * (self.sums[i - 1] > 0)
                self.weights[i] -= self.eta * dW
                self.biases[i] -= self.eta * db

        def fit(self, X, y):
            self._start(X.shape[1])
            for _ in range(self.epochs):
                self._forward(X)
                self._backward(y)
    """,
    "db = delta.mean(axis=0, keepdims=True)",
    "db = delta.mean(keepdims=True)",
)


def test_layers_whose_units_are_all_dead_at_first_are_layers_too(tmp_path):
    report = checked(tmp_path, DEEP_AND_DEAD.source.replace(DEEP_AND_DEAD.right, DEEP_AND_DEAD.wrong), examples=20)
    assert {f"d{letter}{layer}" for letter in "Wb" for layer in range(1, 6)} <= {row.name for row in report.tensors}
    assert report.first_fault is not None
    assert DEEP_AND_DEAD.wrong in report.first_fault.source
