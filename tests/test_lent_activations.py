"""Layers that are handed an activation which only other files have: whatever its methods are called, tanh stands in for
it, and a mistake of the layer is found at its line."""

import pytest

from tests.habits import Habit, agrees_and_is_found, checked

HABITS = {
    "an object with two methods, the derivative at what it was given": Habit(
        """
        class Stage:
            def __init__(self, n_in, n_out, transfer_function):
                self.W, self.b = np.random.randn(n_out, n_in), np.zeros((n_out, 1))
                self.transfer = transfer_function

            def forward(self, x):
                self.x, self.z = x, self.W @ x + self.b
                return self.transfer.evaluate(self.z)

            def backward(self, grad):
                d = grad * self.transfer.slope(self.z)
                self.dW = d @ self.x.T
                self.db = d.sum(axis=1, keepdims=True)
                return self.W.T @ d
        """,
        "d = grad * self.transfer.slope(self.z)",
        "d = grad * self.transfer.slope(self.x.mean() + self.z)",
    ),
    "a class of activations, made by the layer, the derivative from its output": Habit(
        """
        class Stage:
            def __init__(self, inputs, outputs, activation):
                self.w, self.bias = np.random.randn(inputs, outputs), np.zeros((1, outputs))
                self.act = activation()

            def forward(self, x):
                self.x = x
                self.out = self.act.forward(x @ self.w + self.bias)
                return self.out

            def backward(self, grad):
                d = grad * self.act.derivative(self.out)
                self.dw = self.x.T @ d
                self.dbias = d.sum(axis=0, keepdims=True)
                return d @ self.w.T
        """,
        "self.dw = self.x.T @ d",
        "self.dw = self.x.T @ grad",
    ),
    "an object that goes forward and back": Habit(
        """
        class Stage:
            def __init__(self, n_in, n_out, act):
                self.W, self.b, self.act = np.random.randn(n_in, n_out), np.zeros((1, n_out)), act

            def forward(self, x):
                self.x = x
                return self.act.forward(x @ self.W + self.b)

            def backward(self, grad):
                d = self.act.backward(grad)
                self.dW = self.x.T @ d
                self.db = d.sum(axis=0, keepdims=True)
                return d @ self.W.T
        """,
        "return d @ self.W.T",
        "return grad @ self.W.T",
    ),
    "two functions": Habit(
        """
        class Stage:
            def __init__(self, n_in, n_out, act_func, d_act_func):
                self.W, self.b = np.random.randn(n_in, n_out), np.zeros((1, n_out))
                self.act_func, self.d_act_func = act_func, d_act_func

            def forward(self, x):
                self.x, self.z = x, x @ self.W + self.b
                return self.act_func(self.z)

            def backward(self, grad):
                d = grad * self.d_act_func(self.z)
                self.dW = self.x.T @ d
                self.db = d.sum(axis=0, keepdims=True)
                return d @ self.W.T
        """,
        "self.db = d.sum(axis=0, keepdims=True)",
        "self.db = grad.sum(axis=0, keepdims=True)",
    ),
}


@pytest.mark.parametrize("habit", HABITS.values(), ids=HABITS)
def test_an_activation_from_elsewhere_is_stood_in_for(tmp_path, habit):
    agrees_and_is_found(tmp_path, habit)


MEANS = (
    HABITS["an object with two methods, the derivative at what it was given"]
    .source.replace("d @ self.x.T", "d @ self.x.T / x.shape[1]")
    .replace("x.shape[1]", "self.x.shape[1]")
)


def test_beside_a_convention_the_gradient_of_another_shape_is_what_is_wrong(tmp_path):
    right = "self.db = d.sum(axis=1, keepdims=True)"
    source = MEANS.replace(right, "self.db = d.sum(axis=0, keepdims=True).mean(axis=1, keepdims=True)")
    report = checked(tmp_path, source, examples=20)
    assert report.verdict == "wrong", str(report)
    assert report.first_fault.name == "db2"
    assert "self.db =" in report.first_fault.source
    assert checked(tmp_path, MEANS.replace(right, f"{right} / self.x.shape[1]"), examples=20).verdict == "agrees"


ONE_STEP_BEHIND = """
    def squash(z):
        return 1 / (1 + np.exp(-z))

    def dsquash(z):
        return squash(z) * (1 - squash(z))

    class Stage:
        def __init__(self, n_in, n_out, activation, derivative):
            self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)
            self.activation, self.derivative = activation, derivative

        def forward(self, x):
            self.x, self.z = x, x @ self.W + self.b
            return self.activation(self.z)

        def backward(self, delta, W):
            return self.derivative(self.z) * (delta @ W.T)

        def compute_gradients(self, delta):
            return self.x.T @ delta, delta.sum(axis=0)
"""


def test_a_step_of_the_way_back_is_not_taken_for_all_of_it(tmp_path):
    report = checked(tmp_path, ONE_STEP_BEHIND)
    assert report.verdict in ("error", "agrees"), str(report)


def test_in_several_layers_a_mean_of_what_backward_is_given_is_a_convention(tmp_path):
    stage = """
        class Stage:
            def __init__(self, n_in, n_out):
                self.W, self.b = np.random.randn(n_out, n_in), np.zeros((n_out, 1))

            def forward(self, x):
                self.x, self.z = x, self.W @ x + self.b
                return np.tanh(self.z)

            def backward(self, grad):
                d = grad * (1 - np.tanh(self.z) ** 2)
                self.dW = d @ self.x.T / self.x.shape[1]
                self.db = d.sum(axis=1, keepdims=True) / self.x.shape[1]
                return self.W.T @ d
        """
    assert checked(tmp_path, stage).verdict == "agrees"
    report = checked(tmp_path, stage.replace("return self.W.T @ d", "return self.W.T @ grad"))
    assert report.verdict == "wrong", str(report)


def test_the_report_says_what_stands_in(tmp_path):
    habit = next(iter(HABITS.values()))
    notes = checked(tmp_path, habit.source).notes
    assert any("In place of what a constructor is handed: transfer_function of Stage (tanh)." in note for note in notes)
