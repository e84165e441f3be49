"""Programs of several objects: layers that know one another, parameters that two objects hold, costs that hand on what
their derivatives are made of, and what is checked where only the file's own program puts things together."""

import textwrap

import pytest

import gradcompare
from gradcompare.interfaces.rehearsal.script import Script
from gradcompare.interfaces.rehearsal.trying import written_for
from gradcompare.loading import load
from tests.habits import Habit, agrees_and_is_found, checked, rehearsed, rehearsed_right_and_wrong

WRITTEN = {
    "layers that are made with the one before": Habit(
        """
        def squash(x):
            return 1 / (1 + np.exp(-x))

        class Layer:
            def __init__(self, units, previous_layer=None, activation="none"):
                self.n, self.before, self.next_layer = units, previous_layer, None
                if previous_layer is not None:
                    previous_layer.next_layer = self
                    previous_layer.w = np.random.normal(0, 0.5, (previous_layer.n, units))
                self.choose(activation)

            def choose(self, word):
                self.squashes = word == "sigmoid"
                if word not in ("sigmoid", "none"):
                    raise ValueError(word)

            def feed_forward(self, z):
                self.a = squash(z) if self.squashes else z
                return self.a if self.next_layer is None else self.next_layer.feed_forward(self.a @ self.w)

            def back_propagate(self, y=None, learning_rate=0.1):
                if self.next_layer is None:
                    self.delta = (self.a - y) * self.a * (1 - self.a)
                else:
                    self.delta = self.w @ self.next_layer.delta
                    self.delta = self.delta * self.a * (1 - self.a) if self.squashes else self.delta
                    self.w -= learning_rate * np.outer(self.a, self.next_layer.delta)
                if self.before is not None:
                    self.before.back_propagate(learning_rate=learning_rate)
        """,
        "self.delta * self.a * (1 - self.a) if",
        "self.delta * self.a if",
    ),
    "layers that are made with the one after, and told which ends they are": Habit(
        """
        class Layer:
            def __init__(self, g, n_units, rate, previous=None, next_layer=None, is_input=False, is_output=False):
                self.n_units, self.rate, self.function = n_units, rate, g
                self.previous, self.next_layer = previous, next_layer
                self.is_input, self.is_output = is_input, is_output
                if not is_output:
                    self.w = np.random.randn(n_units, next_layer.n_units)

            def take_inputs(self, inputs):
                self.signals = inputs

            def forward(self):
                bends = not self.is_input and not self.is_output
                self.out = self.function(self.signals) if bends else self.signals
                if not self.is_output:
                    self.next_layer.take_inputs(self.out @ self.w)
                    self.next_layer.forward()

            def backward(self, targets=None):
                if self.is_output:
                    self.delta = (self.out - targets) / len(targets)
                elif not self.is_input:
                    self.delta = self.next_layer.delta @ self.w.T * (1 - self.out**2)
                if not self.is_input:
                    self.previous.backward()

            def update_weights(self):
                if not self.is_output:
                    self.w -= self.rate * self.out.T @ self.next_layer.delta

        def tanh(x):
            return np.tanh(x)
        """,
        "* (1 - self.out**2)",
        "* (1 - self.out)",
    ),
}


@pytest.mark.parametrize("habit", WRITTEN.values(), ids=list(WRITTEN))
def test_what_is_only_defined_is_put_together(tmp_path, habit: Habit):
    said, _ = rehearsed_right_and_wrong(tmp_path, habit)
    assert "trains nothing" in said


NEURONS = """
        class Cell:
            def __init__(self, n):
                self.weights, self.out, self.delta = np.random.uniform(-1, 1, n), 0, 0

        class Net:
            def __init__(self):
                self.layers = []

            def add_layer(self, inputs, outputs):
                self.layers.append([Cell(inputs + 1) for _ in range(outputs)])

            def forward(self, row):
                for layer in self.layers:
                    for cell in layer:
                        cell.out = np.tanh(np.dot(cell.weights[:-1], row) + cell.weights[-1])
                    row = [cell.out for cell in layer]
                return row

            def back(self, wanted):
                for i, layer in reversed(list(enumerate(self.layers))):
                    for j, cell in enumerate(layer):
                        off = cell.out - wanted[j] if i == len(self.layers) - 1 else 0.0
                        for other in self.layers[i + 1] if i < len(self.layers) - 1 else ():
                            off += other.weights[j] * other.delta
                        cell.delta = off * (1 - cell.out**2)

            def split(self, row):
                wanted = [0] * len(self.layers[-1])
                wanted[row[-1]] = 1
                return row[:-1], wanted

            def train(self, data, others, rate, epochs):
                for _ in range(epochs):
                    for row in data:
                        inputs, wanted = self.split(row)
                        self.forward(inputs)
                        self.back(wanted)
                        for layer in self.layers:
                            for cell in layer:
                                for j, value in enumerate(inputs):
                                    cell.weights[j] -= rate * cell.delta * value
                                cell.weights[-1] -= rate * cell.delta
                            inputs = [cell.out for cell in layer]
                    self.count(others)

            def count(self, data):
                return sum(np.argmax(self.forward(row[:-1])) == row[-1] for row in data)
        """


def test_neurons_are_given_rows_with_a_class_at_the_end(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("import numpy as np\n" + textwrap.dedent(NEURONS))
    written = written_for(Script(load(path).names))
    assert written is not None
    assert "add_layer(7, 4)" in written.script.written
    assert written.found.agreeing == written.found.parameters
    path.write_text(path.read_text().replace("off += other.weights", "off = other.weights"))
    wrong = written_for(Script(load(path).names))
    assert wrong is None or set(wrong.found.agreeing) < set(wrong.found.parameters)


AS_THEY_STAND = {
    "parameters that a network keeps as it drew them, and its layers change": Habit(
        """
        class Full:
            def __init__(self, W, b):
                self.W, self.b, self.Dw, self.Db = W, b, 0 * W, 0 * b

            def forward(self, x):
                self.x = x
                return x @ self.W + self.b

            def backward(self, slope, rate):
                back = slope @ self.W.T
                self.Dw = 0.8 * self.Dw - rate * self.x.T @ slope
                self.Db = 0.8 * self.Db - rate * slope.sum(axis=0, keepdims=True)
                self.W, self.b = self.W + self.Dw, self.b + self.Db
                return back

        class Net:
            def __init__(self, n_in, n_hidden, n_out):
                self.w1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros((1, n_hidden))
                self.w2, self.b2 = np.random.randn(n_hidden, n_out), np.zeros((1, n_out))
                self.one, self.two = Full(self.w1, self.b1), Full(self.w2, self.b2)

        X, Y = np.random.randn(30, 3), np.random.randn(30, 2)
        net = Net(3, 4, 2)
        for epoch in range(20):
            h = np.tanh(net.one.forward(X))
            off = net.two.forward(h) - Y
            back = net.two.backward(off, 0.01)
            net.one.backward(back * (1 - h**2), 0.01)
        """,
        "back * (1 - h**2)",
        "back * (1 - h)",
    ),
    "as many batches as there are to be samples for": Habit(
        """
        import pickle

        data = pickle.load(open("digits.p", "rb"))
        X, Y = data["train_data"] / 255, data["train_labels"]
        num_batches = 150
        size = len(X) // num_batches
        W, U = 0.1 * np.random.randn(X.shape[1], 5), 0.1 * np.random.randn(5, Y.shape[1])
        for epoch in range(3):
            for i in range(num_batches):
                x, y = X[i * size:(i + 1) * size], Y[i * size:(i + 1) * size]
                h = np.tanh(x @ W)
                off = (h @ U - y) / len(x)
                slope = off @ U.T * (1 - h**2)
                U -= 0.1 * h.T @ off
                W -= 0.1 * x.T @ slope
        """,
        "off @ U.T * (1 - h**2)",
        "off @ U.T * (1 - h)",
    ),
    "what is typed is one of the words with which it is compared": Habit(
        """
        kind = input("which?").lower()

        def bend(z):
            if kind == "tanh":
                return np.tanh(z)
            raise ValueError(kind)

        X, Y = np.random.randn(30, 3), np.random.randn(30, 2)
        W, U = np.random.randn(3, 4), np.random.randn(4, 2)
        for epoch in range(3):
            h = bend(X @ W)
            off = (h @ U - Y) / len(X)
            slope = off @ U.T * (1 - h**2)
            U -= 0.1 * h.T @ off
            W -= 0.1 * X.T @ slope
        """,
        "off @ U.T * (1 - h**2)",
        "off @ U.T * (1 - h)",
    ),
    "a bias that gets an axis with its first step": Habit(
        """
        X, Y = np.random.randn(30, 3), np.random.randn(30, 2)
        net = {"W": np.random.randn(3, 2), "b": np.zeros(2)}

        def train(net, epochs):
            for epoch in range(epochs):
                out = np.tanh(X @ net["W"] + net["b"])
                off = (out - Y) * (1 - out**2) / len(X)
                net["W"] = net["W"] - 0.1 * X.T @ off
                net["b"] = net["b"] - 0.1 * off.sum(axis=0, keepdims=True)

        train(net, 10)
        """,
        "off.sum(axis=0, keepdims=True)",
        "np.abs(off).sum(axis=0, keepdims=True)",
    ),
}


@pytest.mark.parametrize("habit", AS_THEY_STAND.values(), ids=list(AS_THEY_STAND))
def test_programs_as_they_stand(tmp_path, habit: Habit):
    rehearsed_right_and_wrong(tmp_path, habit)


DENSE = """
    class Dense:
        def __init__(self, n_in, n_out):
            self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)

        def forward(self, x):
            self.x = x
            return x @ self.W + self.b

        def backward(self, slope):
            self.dW, self.db = self.x.T @ slope, slope.sum(axis=0)
            return slope @ self.W.T
"""

PARTS = {
    "a cost that returns the probabilities of which its derivative is made": Habit(
        DENSE
        + """
    class Net:
        def __init__(self, *layers):
            self.layers = layers

    def cross_entropy(logits, y_true):
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        probs = raised / raised.sum(axis=1, keepdims=True)
        return -np.log(probs[np.arange(len(y_true)), y_true]).mean(), probs

    def cross_entropy_backward(probs, y_true):
        wanted = np.zeros_like(probs)
        wanted[np.arange(len(y_true)), y_true] = 1
        return (probs - wanted) / len(y_true)
    """,
        "(probs - wanted) / len(y_true)",
        "(probs + wanted) / len(y_true)",
    ),
    "an activation that is shared by default alone": Habit(
        """
    class Bend:
        def forward(self, z):
            self.z = z
            return np.maximum(z, 0)

        def backward(self, slope):
            return slope * (self.z > 0)

    class Dense:
        def __init__(self, n_in, n_out, activation=Bend()):
            self.W, self.b, self.activation = np.random.randn(n_in, n_out), np.zeros((1, n_out)), activation

        def forward(self, x):
            self.x = x
            return self.activation.forward(x @ self.W + self.b)

        def backward(self, slope):
            slope = self.activation.backward(slope)
            self.dW, self.db = self.x.T @ slope, slope.sum(axis=0, keepdims=True)
            return slope @ self.W.T

    def build():
        return [Dense(3, 4, activation=Bend()), Dense(4, 2, Bend())]
    """,
        "slope * (self.z > 0)",
        "slope * (self.z < 0)",
    ),
    "a gradient with an axis more than its bias": Habit(
        """
    class Net:
        def __init__(self, n_in, n_hidden, n_out):
            self.W1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros(n_hidden)
            self.W2, self.b2 = np.random.randn(n_hidden, n_out), np.zeros(n_out)

        def forward(self, X):
            self.A1 = np.tanh(X @ self.W1 + self.b1)
            return self.A1 @ self.W2 + self.b2

        def backward(self, X, Y, out):
            d2 = (out - Y) / len(Y)
            d1 = d2 @ self.W2.T * (1 - self.A1**2)
            self.dW2, self.db2 = self.A1.T @ d2, np.sum(d2, axis=0, keepdims=True)
            self.dW1, self.db1 = X.T @ d1, np.sum(d1, axis=0, keepdims=True)
    """,
        "d2 @ self.W2.T * (1 - self.A1**2)",
        "d2 @ self.W2.T * (1 - self.A1)",
    ),
    "a decay that only the step adds": Habit(
        """
    class Net:
        def __init__(self, n_in, n_hidden, n_out):
            self.W1, self.W2 = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)

        def forward(self, X):
            self.A1 = np.tanh(X @ self.W1)
            return self.A1 @ self.W2

        def backward(self, X, slope):
            self.dW2 = self.A1.T @ slope
            self.dW1 = X.T @ (slope @ self.W2.T * (1 - self.A1**2))

        def loss_and_gradients(self, X, Y, weight_decay=0.0):
            off = self.forward(X) - Y
            penalty = 0.5 * weight_decay * (np.sum(self.W1**2) + np.sum(self.W2**2))
            self.backward(X, off / len(X))
            return 0.5 * np.sum(off**2) / len(X) + penalty

        def update(self, rate, weight_decay=0.0):
            self.W1 -= rate * (self.dW1 + weight_decay * self.W1)
            self.W2 -= rate * (self.dW2 + weight_decay * self.W2)
    """,
        "(1 - self.A1**2)",
        "(1 - self.A1)",
    ),
}


@pytest.mark.parametrize("habit", PARTS.values(), ids=list(PARTS))
def test_parts_are_called_as_their_author_would(tmp_path, habit: Habit):
    agrees_and_is_found(tmp_path, habit)


def test_a_gradient_that_has_its_axis_at_the_other_end_is_still_a_mistake(tmp_path):
    source = PARTS["a gradient with an axis more than its bias"].source
    columns = source.replace("np.sum(d2, axis=0, keepdims=True)", "np.sum(d2, axis=0).reshape(-1, 1)")
    assert columns != source
    report = checked(tmp_path, columns)
    assert report.verdict == "wrong", str(report)
    assert next(f.verdict for f in report.tensors if f.name == "db2") == "shape"


def test_what_returns_cost_and_gradients_counts_before_the_backward_pass_that_it_calls(tmp_path):
    source = PARTS["a decay that only the step adds"].source
    report = checked(tmp_path, source.replace("off / len(X))", "off / len(X) ** 2)"))
    assert report.verdict == "scaled", str(report)


def test_the_step_of_a_momentum_is_no_gradient(tmp_path):
    source = """
        class Full:
            def __init__(self, W, b):
                self.w, self.b, self.Dw, self.Db = W, b, 0 * W, 0 * b

            def forward(self, x):
                self.x = x
                return x @ self.w + self.b

            def backward(self, slope, learning_rate=0.0, momentum=0.0):
                self.dldw = self.x.T @ slope
                self.dldb = slope.sum(axis=0, keepdims=True)
                self.Dw = momentum * self.Dw - learning_rate * self.dldw
                self.Db = momentum * self.Db - learning_rate * self.dldb
                back = slope @ self.w.T
                self.w, self.b = self.w + self.Dw, self.b + self.Db
                return back

        class Squash:
            def forward(self, z):
                self.y = np.tanh(z)
                return self.y

            def backward(self, slope, learning_rate=0.0, momentum=0.0):
                return slope * (1 - self.y**2)
        """
    report = checked(tmp_path, source)
    assert report.verdict == "agrees", str(report)
    report = checked(tmp_path, source.replace("self.x.T @ slope", "self.x.T @ slope**2"))
    assert report.verdict == "wrong", str(report)


def test_a_constant_of_a_cost_that_only_the_own_program_has_is_said(tmp_path):
    source = (
        DENSE
        + """
    X, Y = np.random.randn(40, 3), np.random.randn(40, 2)
    layers = [Dense(3, 4), Dense(4, 2)]
    learning_rate = 0.1
    for epoch in range(100):
        hidden = layers[0].forward(X)
        out = layers[1].forward(np.tanh(hidden))
        loss = np.mean(np.sum((out - Y) ** 2, axis=1))
        slope = layers[1].backward((out - Y) / len(X)) * (1 - np.tanh(hidden) ** 2)
        layers[0].backward(slope)
        for layer in layers:
            layer.W -= learning_rate * layer.dW
            layer.b -= learning_rate * layer.db
    """
    )
    path = tmp_path / "program.py"
    report = rehearsed(tmp_path, source, interface=None)
    assert path.exists()
    assert report.verdict == "scaled", str(report)
    right = rehearsed(tmp_path, source.replace("(out - Y) / len(X)", "2 * (out - Y) / len(X)"), interface=None)
    assert right.verdict == "agrees", str(right)


def test_costs_that_inherit_how_they_go_back_are_each_judged(tmp_path):
    source = (
        DENSE
        + """
    class Loss:
        def __init__(self, net):
            self.net = net

        def backward(self):
            slope = self.slope()
            for layer in reversed(self.net.layers):
                slope = layer.backward(slope)

    class Squares(Loss):
        def __call__(self, output, target):
            self.off = output - target
            return 0.5 * np.sum(self.off**2)

        def slope(self):
            return self.off

    class Bernoulli(Loss):
        def __call__(self, output, target):
            self.output, self.target = output, target
            return -np.mean(target * np.log(output) + (1 - target) * np.log(1 - output))

        def slope(self):
            return (self.output - self.target) / (self.output * (1 - self.output)) / self.output.size
    """
    )
    assert checked(tmp_path, source).verdict == "agrees"
    report = checked(tmp_path, source.replace("* np.log(output) + (1", "* np.log(output) - (1"))
    assert report.verdict == "wrong", str(report)
    assert any(f.name == "doutput_Bernoulli" and f.verdict == "fault" for f in report.tensors)


TWO_LOOPS = """
    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    X = np.random.randn(40, 3)
    y = (X.sum(axis=1, keepdims=True) > 0).astype(float)

    w, b = np.random.randn(3, 1), 0.1
    for epoch in range(100):
        out = sigmoid(X @ w + b)
        slope = (out - y) / len(X)
        w -= 0.1 * X.T @ slope
        b -= 0.1 * np.sum(slope)

    W1, W2 = np.random.randn(3, 4), np.random.randn(4, 1)
    for epoch in range(100):
        hidden = np.tanh(X @ W1)
        out = sigmoid(hidden @ W2)
        slope = (out - y) / len(X)
        back = slope @ W2.T * (1 - hidden**2)
        W2 -= 0.1 * hidden.T @ slope
        W1 -= 0.1 * X.T @ back
    """


def on_file(folder, source: str) -> gradcompare.Report:
    path = folder / "program.py"
    path.write_text("import numpy as np\n" + textwrap.dedent(source))
    return gradcompare.check(path, examples=4, dtype="float64")


def test_every_training_loop_is_run(tmp_path):
    right = on_file(tmp_path, TWO_LOOPS)
    assert right.verdict == "agrees", str(right)
    assert any(note.startswith("Right are also the gradients of the loop in line 1") for note in right.notes), str(
        right
    )


@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        ("* (1 - hidden**2)", "* (1 - hidden)", "dW1"),
        ("W2 -= 0.1 * hidden.T @ slope", "W2 -= 0.1 * hidden.T @ slope**2", "dW2"),
    ],
)
def test_a_mistake_in_another_loop_than_the_first_is_found(tmp_path, right, wrong, name):
    assert TWO_LOOPS.count(right) == 1
    report = on_file(tmp_path, TWO_LOOPS.replace(right, wrong))
    assert report.verdict == "wrong", str(report)
    assert next(f.verdict for f in report.tensors if f.name == name) in ("fault", "inherited")
    assert any("is meant" in note for note in report.notes)


def test_what_training_returns_may_be_the_costs_that_it_has_noted(tmp_path):
    source = """
    class Net:
        def __init__(self, input_size, hidden_size, output_size, lr=0.5):
            self.lr = lr
            self.W1, self.W2 = np.random.rand(input_size, hidden_size), np.random.rand(hidden_size, output_size)

        def forward(self, X):
            self.a1 = np.tanh(X @ self.W1)
            return self.a1 @ self.W2

        def backward(self, X, y, output):
            off = y - output
            back = off @ self.W2.T * (1 - self.a1**2)
            self.W2 += self.a1.T @ off * self.lr
            self.W1 += X.T @ back * self.lr

        def train(self, X, y, epochs=1000):
            errors = []
            for i in range(epochs):
                output = self.forward(X)
                self.backward(X, y, output)
                error = np.mean(np.square(y - output))
                errors.append(error)
            return errors
    """
    assert on_file(tmp_path, source).verdict == "scaled"
    whole = source.replace("off = y - output", "off = 2 * (y - output) / y.size")
    assert on_file(tmp_path, whole).verdict == "agrees"


def test_the_slope_of_a_cost_may_be_called_after_it(tmp_path):
    source = """
    class Net:
        def __init__(self, n_in, n_hidden, n_out):
            self.W1, self.W2 = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)

        def feedforward(self, x):
            self.x, self.a = x, np.tanh(x @ self.W1)
            return self.a @ self.W2

        def backpropagate(self, dC):
            self.dW2 = self.a.T @ dC
            self.dW1 = self.x.T @ (dC @ self.W2.T * (1 - self.a**2))
    """
    agrees_and_is_found(tmp_path, Habit(source, "(1 - self.a**2)", "(1 - self.a)"))
