"""Layers that make their weights when they are told the shape of their inputs and who applies their gradients, with
activations of a file that is not there."""

import pytest

from tests.habits import Habit, checked

FRAMEWORK = """
    import copy
    from activation_functions_that_are_not_there import ReLU, Sigmoid, TanH, ELU

    class Layer:
        def set_input_shape(self, shape):
            self.input_shape = shape

        def forward_pass(self, X, training):
            raise NotImplementedError()

        def backward_pass(self, accum_grad):
            raise NotImplementedError()

    class Dense(Layer):
        def __init__(self, n_units, input_shape=None):
            self.input_shape, self.n_units = input_shape, n_units
            self.trainable, self.W, self.w0 = True, None, None

        def initialize(self, optimizer):
            self.W = np.random.uniform(-1, 1, (self.input_shape[0], self.n_units))
            self.w0 = np.zeros((1, self.n_units))
            self.W_opt, self.w0_opt = copy.copy(optimizer), copy.copy(optimizer)

        def forward_pass(self, X, training=True):
            self.layer_input = X
            return X.dot(self.W) + self.w0

        def backward_pass(self, accum_grad):
            W = self.W
            if self.trainable:
                grad_w = self.layer_input.T.dot(accum_grad)
                grad_w0 = np.sum(accum_grad, axis=0, keepdims=True)
                self.W = self.W_opt.update(self.W, grad_w)
                self.w0 = self.w0_opt.update(self.w0, grad_w0)
            return accum_grad.dot(W.T)

    class Scaled(Layer):
        def initialize(self, optimizer):
            self.gamma, self.gamma_opt = np.ones(self.input_shape), copy.copy(optimizer)

        def forward_pass(self, X, training=True):
            self.layer_input = X
            return self.gamma * X

        def backward_pass(self, accum_grad):
            gamma = self.gamma
            self.gamma = self.gamma_opt.update(self.gamma, np.sum(accum_grad * self.layer_input, axis=0))
            return gamma * accum_grad

    class RNN(Layer):
        def __init__(self, n_units, activation="tanh", input_shape=None):
            self.input_shape, self.n_units = input_shape, n_units
            self.activation = ACTIVATIONS[activation]()

        def initialize(self, optimizer):
            steps, n = self.input_shape
            self.U = np.random.uniform(-1, 1, (self.n_units, n))
            self.W = np.random.uniform(-1, 1, (self.n_units, self.n_units))
            self.U_opt, self.W_opt = copy.copy(optimizer), copy.copy(optimizer)

        def forward_pass(self, X, training=True):
            self.layer_input = X
            m, steps, n = X.shape
            self.given = np.zeros((m, steps, self.n_units))
            self.states = np.zeros((m, steps + 1, self.n_units))
            for t in range(steps):
                self.given[:, t] = X[:, t].dot(self.U.T) + self.states[:, t - 1].dot(self.W.T)
                self.states[:, t] = self.activation(self.given[:, t])
            return self.states[:, :-1]

        def backward_pass(self, accum_grad):
            grad_U, grad_W, back = np.zeros_like(self.U), np.zeros_like(self.W), np.zeros_like(self.layer_input)
            carried = 0
            for t in reversed(range(accum_grad.shape[1])):
                z = (accum_grad[:, t] + carried) * self.activation.gradient(self.given[:, t])
                grad_U += z.T.dot(self.layer_input[:, t])
                grad_W += z.T.dot(self.states[:, t - 1])
                back[:, t] = z.dot(self.U)
                carried = z.dot(self.W)
            self.U = self.U_opt.update(self.U, grad_U)
            self.W = self.W_opt.update(self.W, grad_W)
            return back

    ACTIVATIONS = {"relu": ReLU, "sigmoid": Sigmoid, "tanh": TanH, "elu": ELU}

    class Activation(Layer):
        def __init__(self, name):
            self.activation_func = ACTIVATIONS[name]()

        def forward_pass(self, X, training=True):
            self.layer_input = X
            return self.activation_func(X)

        def backward_pass(self, accum_grad):
            return accum_grad * self.activation_func.gradient(self.layer_input)
"""
HABITS = {
    "a dense layer": Habit(
        FRAMEWORK, "grad_w = self.layer_input.T.dot(accum_grad)", "grad_w = abs(self.layer_input).T.dot(accum_grad)"
    ),
    "one of as many weights as there are inputs": Habit(
        FRAMEWORK, "return gamma * accum_grad", "return self.gamma * accum_grad"
    ),
    "one of sequences": Habit(FRAMEWORK, "carried = z.dot(self.W)", "carried = z.dot(self.W) / 2"),
    "an activation by its name": Habit(
        FRAMEWORK,
        "return accum_grad * self.activation_func.gradient(self.layer_input)",
        "return accum_grad * self.activation_func.gradient(abs(self.layer_input))",
    ),
}


@pytest.fixture(scope="module")
def framework(tmp_path_factory):
    return checked(tmp_path_factory.mktemp("right"), FRAMEWORK)


def test_every_layer_of_a_framework_is_run(framework):
    assert framework.verdict == "agrees", str(framework)
    said = " ".join(framework.notes)
    assert "Not run here" not in said
    assert all(name in said for name in ("Dense", "Scaled", "RNN", "Activation"))


@pytest.mark.parametrize("habit", HABITS)
def test_a_mistake_in_any_layer_is_found(tmp_path, habit):
    _, right, wrong = HABITS[habit]
    assert FRAMEWORK.count(right) == 1
    report = checked(tmp_path, FRAMEWORK.replace(right, wrong))
    assert report.verdict == "wrong", str(report)
