"""Programs that say little of what is what: each is right as it stands, and wrong where a mistake is planted in it."""

import textwrap

import pytest

import gradcompare
from gradcompare.checking.errors import TimeIsUpError
from gradcompare.checking.isolation import Child

HABITS = {
    # What goes forward is called by no word that is known; it returns what goes back takes.
    "another language": (
        """
        import numpy as np

        def sigmoide(z):
            return 1 / (1 + np.exp(-z))

        def percorre(X, pesos):
            A1 = np.tanh(np.dot(pesos["W1"], X) + pesos["b1"])
            A2 = sigmoide(np.dot(pesos["W2"], A1) + pesos["b2"])
            guardado = {"A1": A1, "A2": A2}
            return A2, guardado

        def retropropagacao(pesos, guardado, X, Y):
            m = X.shape[1]
            dZ2 = guardado["A2"] - Y
            dZ1 = np.dot(pesos["W2"].T, dZ2) * (1 - guardado["A1"] ** 2)
            return {"dW1": np.dot(dZ1, X.T) / m, "db1": np.sum(dZ1, axis=1, keepdims=True) / m,
                    "dW2": np.dot(dZ2, guardado["A1"].T) / m, "db2": np.sum(dZ2, axis=1, keepdims=True) / m}
        """,
        ' * (1 - guardado["A1"] ** 2)',
        "",
    ),
    # Weights after a step have other names, and nothing takes it.
    "new names": (
        """
        import numpy as np

        x, t = np.array([[0.5], [-0.3]]), 0.7
        w1, b1 = np.array([[0.27, -0.4], [-0.41, 0.2], [0.3, 0.6]]), np.array([[-0.48], [-0.13], [0.2]])
        w2, b2 = np.array([[0.09, -0.17, 0.4]]), np.array([[0.48]])
        rate = 0.1
        a1 = 1 / (1 + np.exp(-(np.dot(w1, x) + b1)))
        a2 = np.dot(w2, a1) + b2
        s2 = -2 * (t - a2)
        s1 = a1 * (1 - a1) * np.dot(w2.T, s2)
        new_w2 = w2 - rate * np.dot(s2, a1.T)
        new_b2 = b2 - rate * s2
        new_w1 = w1 - rate * np.dot(s1, x.T)
        new_b1 = b1 - rate * s1
        """,
        "a1 * (1 - a1) * np.dot(w2.T, s2)",
        "a1 * np.dot(w2.T, s2)",
    ),
    # Steps are computed, of labels less outputs, and only printed.
    "steps that are printed": (
        """
        import numpy as np

        def sigmoid(x):
            return 1 / (1 + np.exp(-x))

        x, target, learnrate = np.array([0.5, 0.1, -0.2]), 0.6, 0.5
        weights_input_hidden = np.array([[0.5, -0.6], [0.1, -0.2], [0.1, 0.7]])
        weights_hidden_output = np.array([0.1, -0.3])
        hidden = sigmoid(np.dot(x, weights_input_hidden))
        output = sigmoid(np.dot(hidden, weights_hidden_output))
        output_term = (target - output) * output * (1 - output)
        hidden_term = np.dot(output_term, weights_hidden_output) * hidden * (1 - hidden)
        delta_weight_hidden_output = learnrate * output_term * hidden
        delta_weight_input_hidden = learnrate * hidden_term * x[:, None]
        print(delta_weight_hidden_output, delta_weight_input_hidden)
        """,
        "weights_hidden_output) * hidden * (1 - hidden)",
        "weights_hidden_output) * hidden",
    ),
    # Made in two steps, of widths in a row.
    "made in two steps": (
        """
        import numpy as np

        class Network:
            def __init__(self):
                self.weights, self.bias, self.epochs = [], [], 0

            def init(self, x, y, num_outputs, *layers):
                self.x = x.copy()
                self.y = np.array([np.zeros(num_outputs) for _ in range(len(y))])
                for i in range(len(y)):
                    self.y[i][y[i]] = 1
                for before, after in zip([x.shape[1], *layers], [*layers, num_outputs]):
                    self.weights.append(np.random.randn(before, after))
                    self.bias.append(np.random.randn(after))

            def run(self, learning_rate=0.01, epochs=1000):
                self.epochs = epochs
                for epoch in range(epochs):
                    values = self.ahead()
                    slope = values[-1] - self.y
                    for i in reversed(range(len(self.weights))):
                        step = np.dot(values[i].T, slope)
                        self.bias[i] -= learning_rate * np.sum(slope, axis=0)
                        slope = np.dot(slope, self.weights[i].T) * values[i] * (1 - values[i])
                        self.weights[i] -= learning_rate * step

            def ahead(self):
                values = [self.x]
                for i, (w, b) in enumerate(zip(self.weights, self.bias)):
                    z = np.dot(values[-1], w) + b
                    e = np.exp(z - np.max(z, axis=1, keepdims=True))
                    last = i == len(self.weights) - 1
                    values.append(e / np.sum(e, axis=1, keepdims=True) if last else 1 / (1 + np.exp(-z)))
                return values
        """,
        "* values[i] * (1 - values[i])",
        "* values[i]",
    ),
    # Two arguments for labels: one-hot to train on, classes to count with.
    "classes beside one-hot labels": (
        """
        import numpy as np

        class Net:
            def __init__(self, n_in, n_hidden, n_out, rate=0.1):
                self.W1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros((1, n_hidden))
                self.W2, self.b2 = np.random.randn(n_hidden, n_out), np.zeros((1, n_out))
                self.rate, self.history = rate, []

            def forward(self, X):
                self.A1 = np.maximum(np.dot(X, self.W1) + self.b1, 0)
                Z = np.dot(self.A1, self.W2) + self.b2
                e = np.exp(Z - np.max(Z, axis=1, keepdims=True))
                return e / np.sum(e, axis=1, keepdims=True)

            def train(self, X, y_onehot, y_true, epochs=80):
                self.history.append(np.sum(np.argmax(self.forward(X), axis=1) != y_true))
                for epoch in range(epochs):
                    dZ2 = (self.forward(X) - y_onehot) / len(X)
                    dZ1 = np.dot(dZ2, self.W2.T) * (self.A1 > 0)
                    dW2, db2 = np.dot(self.A1.T, dZ2), np.sum(dZ2, axis=0, keepdims=True)
                    dW1, db1 = np.dot(X.T, dZ1), np.sum(dZ1, axis=0, keepdims=True)
                    self.W1 -= self.rate * dW1
                    self.b1 -= self.rate * db1
                    self.W2 -= self.rate * dW2
                    self.b2 -= self.rate * db2
        """,
        "dW1, db1 = np.dot(X.T, dZ1),",
        "dW1, db1 = np.dot(X.T, dZ1) / len(X),",
    ),
    # What goes back reads what only another method keeps of what goes forward.
    "an output that another method keeps": (
        """
        import numpy as np

        def sigmoid(Z):
            return 1 / (1 + np.exp(-Z))

        class Network:
            def __init__(self, x, y, n):
                self.input, self.y = x, y
                self.weights1, self.weights2 = np.random.rand(x.shape[1], n), np.random.rand(n, 1)
                self.output = np.zeros(y.shape)

            def feedforward(self):
                self.layer1 = sigmoid(np.dot(self.input, self.weights1))
                return sigmoid(np.dot(self.layer1, self.weights2))

            def backprop(self):
                slope = 2 * (self.y - self.output) * self.output * (1 - self.output)
                d_weights2 = np.dot(self.layer1.T, slope)
                d_weights1 = np.dot(self.input.T, np.dot(slope, self.weights2.T) * self.layer1 * (1 - self.layer1))
                self.weights1 += d_weights1
                self.weights2 += d_weights2

            def train(self, X, Y):
                self.output = self.feedforward()
                self.backprop()
        """,
        "self.weights2.T) * self.layer1 * (1 - self.layer1))",
        "self.weights2.T) * (1 - self.layer1))",
    ),
    # The activations of a layer are written into an array that is there from the beginning: no parameter.
    "values written into an array": (
        """
        import numpy as np

        def sigmoid(z):
            return 1 / (1 + np.exp(-z))

        class Network:
            def __init__(self, n_in, n_hidden, n_out):
                self.w1, self.w2 = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden + 1, n_out)
                self.hidden = np.ones((1, n_hidden + 1))

            def forward(self, x):
                self.hidden[:, 1:] = sigmoid(np.dot(x, self.w1))
                return sigmoid(np.dot(self.hidden, self.w2))

            def learn(self, x, y, rate=0.1):
                x, y = x.reshape(1, -1), y.reshape(1, -1)
                out = self.forward(x)
                slope = (out - y) * out * (1 - out)
                back = np.dot(slope, self.w2[1:].T) * self.hidden[:, 1:] * (1 - self.hidden[:, 1:])
                self.w2 -= rate * np.dot(self.hidden.T, slope)
                self.w1 -= rate * np.dot(x.T, back)
        """,
        "* self.hidden[:, 1:] * (1 - self.hidden[:, 1:])",
        "* self.hidden[:, 1:]",
    ),
    # Gradients come back as an iterator, and samples and labels are A and b.
    "reversed gradients of A and b": (
        """
        import numpy as np

        class Net:
            def __init__(self, sizes):
                self.sizes = sizes
                self.weights = [np.random.rand(m, n) for m, n in zip(sizes[:-1], sizes[1:])]

            def sigmoid(self, z):
                return 1 / (1 + np.exp(-z))

            def forward(self, A):
                self.As = [A]
                for W in self.weights:
                    self.As.append(self.sigmoid(np.dot(self.As[-1], W)))
                return self.As[-1]

            def costFunction(self, A, b):
                bHat = self.forward(A)
                return 0.5 * np.sum((b - bHat) ** 2) / len(A)

            def costFunctionPrime(self, A, b):
                bHat = self.forward(A)
                delta, dJdWs = -(b - bHat) * bHat * (1 - bHat) / len(A), []
                for i in reversed(range(len(self.weights))):
                    dJdWs.append(np.dot(self.As[i].T, delta))
                    delta = np.dot(delta, self.weights[i].T) * self.As[i] * (1 - self.As[i])
                return reversed(dJdWs)
        """,
        "* self.As[i] * (1 - self.As[i])",
        "* self.As[i]",
    ),
    # A number of samples that was taken of data that are not there.
    "n of other data": (
        """
        import numpy as np

        data = np.zeros((12, 0))
        _, n = data.shape

        def init_parameters():
            return np.random.randn(6, 5), np.zeros((6, 1)), np.random.randn(3, 6), np.zeros((3, 1))

        def forward_propagation(w1, b1, w2, b2, a0):
            a1 = np.tanh(w1 @ a0 + b1)
            z2 = w2 @ a1 + b2
            e = np.exp(z2 - z2.max(axis=0))
            return a1, e / e.sum(axis=0)

        def backward_propagation(a1, a2, w2, a0, y):
            dz2 = a2 - y
            dw2, db2 = 1 / n * dz2 @ a1.T, 1 / n * dz2.sum(axis=1, keepdims=True)
            dz1 = w2.T @ dz2 * (1 - a1 ** 2)
            return 1 / n * dz1 @ a0.T, 1 / n * dz1.sum(axis=1, keepdims=True), dw2, db2
        """,
        "* (1 - a1 ** 2)",
        "* (1 - a1)",
    ),
    # A rate that is only told later, and what goes forward is called a test.
    "a rate that is told later": (
        """
        import numpy as np

        class Digits:
            def __init__(self, inputs, hidden, outputs):
                self.w_ih = np.random.normal(0, 0.1, (hidden, inputs))
                self.w_ho = np.random.normal(0, 0.1, (outputs, hidden))

            def train(self, inputs_list, outputs_list):
                inputs, outputs = np.array(inputs_list, ndmin=2).T, np.array(outputs_list, ndmin=2).T
                hidden = 1 / (1 + np.exp(-np.dot(self.w_ih, inputs)))
                results = 1 / (1 + np.exp(-np.dot(self.w_ho, hidden)))
                slope = (outputs - results) * results * (1 - results)
                back = np.dot(self.w_ho.T, slope) * hidden * (1 - hidden)
                self.w_ho += self.lr * np.dot(slope, hidden.T)
                self.w_ih += self.lr * np.dot(back, inputs.T)

            def test(self, inputs_list):
                inputs = np.array(inputs_list, ndmin=2).T
                hidden = 1 / (1 + np.exp(-np.dot(self.w_ih, inputs)))
                return 1 / (1 + np.exp(-np.dot(self.w_ho, hidden)))

            def set_learning_rate(self, rate):
                self.lr = rate
        """,
        "np.dot(self.w_ho.T, slope) * hidden",
        "np.dot(self.w_ho.T, outputs - results) * hidden",
    ),
    # Widths by the number of their layer, the number of layers, inputs among them, and functions of the file.
    "a dict of widths": (
        """
        import numpy as np

        class Network:
            def __init__(self, num_layers, num_features, num_hidden_units: dict, num_classes, act, act_prime):
                self.num_layers, self.act, self.act_prime = num_layers, act, act_prime
                widths = {0: num_features, **num_hidden_units, num_layers - 1: num_classes}
                self.theta = [np.random.randn(widths[i + 1], widths[i] + 1) for i in range(num_layers - 1)]

            def feed_forward(self, X, theta):
                z_list, a_list = [X], [X]
                for t in theta:
                    z_list.append(np.hstack([np.ones((len(X), 1)), a_list[-1]]).dot(t.T))
                    a_list.append(self.act(z_list[-1]))
                return a_list, z_list

            def cost_function(self, h, Y, theta):
                return -np.sum(Y * np.log(h) + (1 - Y) * np.log(1 - h)) / len(Y)

            def back_prop(self, Y, a_list, z_list, theta):
                delta, grads = a_list[-1] - Y, []
                for i in reversed(range(len(theta))):
                    grads.insert(0, delta.T.dot(np.hstack([np.ones((len(Y), 1)), a_list[i]])) / len(Y))
                    delta = delta.dot(theta[i][:, 1:]) * self.act_prime(z_list[i])
                return grads

        def sigmoid(z):
            return 1 / (1 + np.exp(-z))

        def sigmoid_prime(z):
            return sigmoid(z) * (1 - sigmoid(z))
        """,
        "* self.act_prime(z_list[i])",
        "* self.act_prime(a_list[i])",
    ),
    # A name of an import is given to something else at the end.
    "time that is a number in the end": (
        """
        import time
        import numpy as np

        class Unit:
            def __init__(self, sizes):
                self.w1, self.w2 = np.random.rand(sizes[1], sizes[0]), np.random.rand(sizes[2], sizes[1])
                self.s1, self.s2 = np.zeros_like(self.w1), np.zeros_like(self.w2)

            def see(self, x, y):
                hidden = np.tanh(self.w1 @ x)
                out = 1 / (1 + np.exp(-self.w2 @ hidden))
                self.s2 += np.outer(out - y, hidden)
                self.s1 += np.outer(self.w2.T @ (out - y) * (1 - hidden ** 2), x)

            def change(self):
                self.w1 -= 0.1 * self.s1
                self.w2 -= 0.1 * self.s2
                self.s1, self.s2 = np.zeros_like(self.w1), np.zeros_like(self.w2)

            def train(self, images, labels):
                begun = time.time()
                for image, label in zip(images, labels):
                    self.see(image, label)
                self.change()
                return time.time() - begun

        if __name__ == "__main__":
            images = np.array([[1.0, 0.0, 0.3], [0.2, 1.0, 0.0], [0.0, 1.0, 1.0], [0.4, 0.1, 0.2]])
            unit = Unit([3, 4, 1])
            begun = time.time()
            for i in range(100):
                unit.train(images, np.array([1, 0, 0, 1]))
            time = time.time() - begun
        """,
        "* (1 - hidden ** 2), x)",
        "* (1 - hidden), x)",
    ),
    # Gradients are only names of a method that hands out nothing.
    "gradients that are only names": (
        """
        import numpy as np

        class Net:
            def __init__(self, n_in, n_hidden, n_out):
                self.W1, self.W2 = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)

            def forward(self, X):
                self.X = X
                self.A1 = np.tanh(X @ self.W1)
                return self.A1 @ self.W2

            def loss(self, out, Y):
                return np.mean((out - Y) ** 2)

            def backward(self, out, Y):
                d_out = 2 * (out - Y) / Y.size
                dW2 = self.A1.T @ d_out
                d_hidden = d_out @ self.W2.T * (1 - self.A1 ** 2)
                dW1 = self.X.T @ d_hidden
        """,
        "* (1 - self.A1 ** 2)",
        "* (1 - self.A1)",
    ),
    # A dict of settings whose words nothing but a comparison tells.
    "a word among settings": (
        """
        import numpy as np
        from sklearn.utils import shuffle
        from utils import y2indicator, softmax, relu

        class ANN:
            def __init__(self, settings):
                self.hidden, self.rate = settings["hidden"], settings["learning_rate"]
                self.epochs, self.kind = settings["epochs"], settings["kind"]

            def fit(self, X, Y):
                X, Y = shuffle(X, Y)
                T = y2indicator(Y)
                self.W1, self.W2 = np.random.randn(X.shape[1], self.hidden), np.random.randn(self.hidden, T.shape[1])
                for i in range(self.epochs):
                    P, H = self.forward(X)
                    d = T - P
                    back = d.dot(self.W2.T) * (H > 0)
                    self.W2 += self.rate * H.T.dot(d)
                    self.W1 += self.rate * X.T.dot(back)

            def forward(self, X):
                if self.kind == "relu":
                    H = relu(X.dot(self.W1))
                else:
                    H = not_there(X.dot(self.W1))
                return softmax(H.dot(self.W2)), H
        """,
        "d.dot(self.W2.T) * (H > 0)",
        "d.dot(self.W2.T)",
    ),
    # Layers step by themselves, up what a function hands them: labels less outputs. Biases are never trained.
    "layers that are handed labels less outputs": (
        """
        import numpy as np

        class Layer:
            def __init__(self, input_dim, output_dim):
                self.weights = 2 * np.random.random((input_dim, output_dim)) - 1
                self.biases = np.zeros((1, output_dim))

            def forward(self, input_data):
                self.input = input_data
                self.output = 1 / (1 + np.exp(-(input_data.dot(self.weights) + self.biases)))
                return self.output

            def backward(self, output_error, learning_rate):
                gradient = output_error * self.output * (1 - self.output)
                input_error = gradient.dot(self.weights.T)
                self.weights += self.input.T.dot(gradient) * learning_rate
                return input_error

        def forward(data, layers):
            for layer in layers:
                data = layer.forward(data)
            return data

        def backward(y, y_hat, layers, learning_rate):
            error = y - y_hat
            for i in range(len(layers)):
                error = layers[-i - 1].backward(error, learning_rate)

        def main():
            x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
            layers = [Layer(2, 2), Layer(2, 2), Layer(2, 1)]
            for epoch in range(100000):
                y_hat = forward(x, layers)
                loss = 0.5 * np.sum((y - y_hat) ** 2)
                if epoch % 1000 == 0:
                    print(f"Epoch {epoch} Loss: {loss}")
                backward(y, y_hat, layers, 0.1)

        if __name__ == "__main__":
            main()
        """,
        "gradient = output_error * self.output * (1 - self.output)",
        "gradient = output_error * (1 - self.output)",
    ),
    # Of a pair of functions the gradients of weights come back in a dict, beside that of the samples.
    "a dict of gradients among others": (
        """
        import numpy as np

        def rnn_forward(X, h0, c0, params):
            T, hidden = X.shape[0], h0.shape[0]
            H, C = np.zeros((T, hidden)), np.zeros((T, hidden))
            h, c = h0, c0
            for t in range(T):
                x = X[t]
                c = 0.5 * c + np.tanh(params["W_x"] @ x + params["W_h"] @ h + params["b"])
                h = np.tanh(c)
                H[t], C[t] = h, c
            return H, C, (X, h0, c0, H, C, params)

        def rnn_backward(dH, cache):
            X, h0, c0, H, C, params = cache
            grads = {k: np.zeros_like(v) for k, v in params.items()}
            dX = np.zeros_like(X)
            dh_next, dc_next = np.zeros_like(h0), np.zeros_like(c0)
            for t in reversed(range(len(X))):
                x, h_prev, c_prev = X[t], H[t - 1] if t else h0, C[t - 1] if t else c0
                dc = (dH[t] + dh_next) * (1 - H[t] ** 2) + dc_next
                da = dc * (1 - (C[t] - 0.5 * c_prev) ** 2)
                grads["W_x"] += np.outer(da, x)
                grads["W_h"] += np.outer(da, h_prev)
                grads["b"] += da
                dX[t] = params["W_x"].T @ da
                dh_next, dc_next = params["W_h"].T @ da, 0.5 * dc
            return grads, dh_next, dc_next, dX
        """,
        'grads["W_h"] += np.outer(da, h_prev)',
        'grads["W_h"] = np.outer(da, h_prev)',
    ),
    # In plain Python, a file of lists of several lengths: what labels meet first is a name of a comprehension.
    "a comprehension that meets labels": (
        """
        import math
        import random

        examples = [([0, 0], 0), ([0, 1], 1), ([1, 0], 1), ([1, 1], 0)]

        def sigmoid(x):
            return 1 / (1 + math.exp(-x))

        def predict(hidden_weights, output_weights, inputs):
            hidden = [sigmoid(w[0] + sum(w[i + 1] * x for i, x in enumerate(inputs))) for w in hidden_weights]
            return [sigmoid(w[0] + sum(w[i + 1] * h for i, h in enumerate(hidden))) for w in output_weights]

        def train(hidden_weights, output_weights, inputs, targets, learning_rate):
            hidden, outputs = [], []
            for weights in hidden_weights:
                hidden.append(sigmoid(weights[0] + sum(weights[i + 1] * x for i, x in enumerate(inputs))))
            for weights in output_weights:
                outputs.append(sigmoid(weights[0] + sum(weights[i + 1] * h for i, h in enumerate(hidden))))
            errors = [(target - output) * output * (1 - output) for target, output in zip(targets, outputs)]
            back = [0] * len(hidden_weights)
            for i in range(len(hidden_weights)):
                error = sum(weights[i + 1] * errors[j] for j, weights in enumerate(output_weights))
                back[i] = error * hidden[i] * (1 - hidden[i])
            for i, weights in enumerate(output_weights):
                for j in range(len(weights)):
                    weights[j] += learning_rate * errors[i] * (1 if j == 0 else hidden[j - 1])
            for i, weights in enumerate(hidden_weights):
                for j in range(len(weights)):
                    weights[j] += learning_rate * back[i] * (1 if j == 0 else inputs[j - 1])
            return hidden_weights, output_weights

        hidden_weights = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(3)]
        output_weights = [[random.uniform(-1, 1) for _ in range(4)] for _ in range(1)]
        for epoch in range(20000):
            for inputs, target in examples:
                hidden_weights, output_weights = train(hidden_weights, output_weights, inputs, [target], 0.1)
        """,
        "back[i] = error * hidden[i] * (1 - hidden[i])",
        "back[i] = error * (1 - hidden[i])",
    ),
}


def check(tmp_path, text):
    path = tmp_path / "habit.py"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return gradcompare.check(path, examples=20)


@pytest.mark.parametrize("habit", HABITS)
def test_right_as_it_stands(tmp_path, habit):
    text, _, _ = HABITS[habit]
    report = check(tmp_path, text)
    assert report.verdict == "agrees", report.notes


@pytest.mark.parametrize("habit", HABITS)
def test_wrong_where_a_mistake_is_planted(tmp_path, habit):
    text, right, wrong = HABITS[habit]
    assert text.count(right) == 1
    report = check(tmp_path, text.replace(right, wrong))
    assert report.verdict == "wrong", report.notes


def test_a_library_beside_one_that_is_stood_in_for(tmp_path):
    """import scipy.spatial, which may not be there, does not hide scipy.special."""
    text = """
    import numpy as np
    import scipy.not_there

    def forward(X, W, b):
        return scipy.special.expit(X @ W + b)

    def backward(X, Y, A):
        return X.T @ (A - Y) / len(X), np.sum(A - Y, axis=0) / len(X)
    """
    assert check(tmp_path, text).verdict == "agrees"


def test_a_cost_with_its_slope_is_no_network(tmp_path):
    """What it returns beside the cost is none of the gradients of the weights that another function is given."""
    text = """
    import numpy as np

    def cross_entropy_loss_and_grad(logits, y):
        p = np.exp(logits - logits.max())
        p = p / p.sum()
        grad = p.copy()
        grad[y] -= 1.0
        return -np.log(p[y]), grad

    def compute_loss_full(net, W, b, y):
        loss, _ = cross_entropy_loss_and_grad(net.forward().dot(W) + b, y)
        return loss
    """
    assert check(tmp_path, text).verdict != "wrong"


def test_a_step_of_another_shape_is_wrong(tmp_path):
    text, _, _ = HABITS["new names"]
    report = check(tmp_path, text.replace("np.dot(w2.T, s2)", "w1[:, :1].T * s2"))
    assert report.verdict == "wrong"


# ---- what a file lets one choose -------------------------------------------------------------------------------------

CHOICE = """
import numpy as np

class MLP:
    def __init__(self, sizes, activation="relu"):
        self.W = [np.random.randn(a, b) * 0.5 for a, b in zip(sizes[:-1], sizes[1:])]
        self.activation = activation

    def act(self, z):
        if self.activation == "relu":
            return np.maximum(z, 0)
        elif self.activation == "tanh":
            return np.tanh(z)
        return 1 / (1 + np.exp(-z))

    def act_prime(self, z):
        if self.activation == "relu":
            return (z > 0).astype(float)
        elif self.activation == "tanh":
            return 1 - np.tanh(z) ** 2
        return np.exp(-z) / (1 + np.exp(-z)) ** 2

    def forward(self, X):
        self.zs, self.a = [], [X]
        for W in self.W[:-1]:
            self.zs.append(self.a[-1] @ W)
            self.a.append(self.act(self.zs[-1]))
        return self.a[-1] @ self.W[-1]

    def loss(self, X, y):
        return 0.5 * np.sum((self.forward(X) - y) ** 2) / len(X)

    def backward(self, X, y):
        d = (self.forward(X) - y) / len(X)
        dW = [self.a[-1].T @ d]
        for i in reversed(range(len(self.zs))):
            d = (d @ self.W[i + 1].T) * self.act_prime(self.zs[i])
            dW.insert(0, self.a[i].T @ d)
        return dW
"""


def test_another_activation_that_can_be_chosen_is_checked_too(tmp_path):
    right = check(tmp_path, CHOICE)
    assert right.verdict == "agrees"
    assert any("activation='tanh'" in note for note in right.notes)
    wrong = check(tmp_path, CHOICE.replace("1 - np.tanh(z) ** 2", "1 - z ** 2"))
    assert wrong.verdict == "wrong"
    assert any("activation='tanh'" in note for note in wrong.notes)


def test_what_does_not_answer_in_its_time_is_asked_no_more(tmp_path):
    """Its late answer would be taken for that of the next question."""
    path = tmp_path / "slow.py"
    path.write_text(CHOICE.replace("return np.tanh(z)", "import time; time.sleep(5)"), encoding="utf-8")
    with Child(timeout=60) as child:
        child.open_file(str(path), None, None, 0)
        with child.ends_within(0.5), pytest.raises(TimeIsUpError):
            child.open_told_otherwise(0, 0)
        with pytest.raises(TimeIsUpError):
            child.open_alone(0)


OUTPUTS = """
import numpy as np

class Perceptron:
    def __init__(self, inputs, targets, n_hidden, rate=0.25, out_type="logistic"):
        self.rate, self.out_type = rate, out_type
        self.v = np.random.rand(inputs.shape[1] + 1, n_hidden)
        self.w = np.random.rand(n_hidden + 1, targets.shape[1])

    def train(self, inputs, targets, n_iterations):
        new_inputs = np.concatenate((inputs, np.ones((inputs.shape[0], 1))), axis=1)
        for _ in range(n_iterations):
            output = self.forward(new_inputs)
            if self.out_type == "logistic":
                delta_output = (output - targets) * output * (1.0 - output)
            if self.out_type == "linear":
                delta_output = output - targets
            if self.out_type == "softmax":
                delta_output = output - targets
            delta_hidden = self.hidden * (1.0 - self.hidden) * np.dot(delta_output, self.w.T)
            self.w -= self.rate * np.dot(self.hidden.T, delta_output)
            self.v -= self.rate * np.dot(new_inputs.T, delta_hidden[:, :-1])
            misses = np.where(output > 0.5, 1, 0)
            print("error", np.sum((misses - targets) ** 2))

    def forward(self, inputs):
        hidden = 1.0 / (1.0 + np.exp(-np.dot(inputs, self.v)))
        self.hidden = np.concatenate((hidden, np.ones((inputs.shape[0], 1))), axis=1)
        output = np.dot(self.hidden, self.w)
        if self.out_type == "logistic":
            return 1.0 / (1.0 + np.exp(-output))
        if self.out_type == "linear":
            return output
        return np.exp(output) / np.sum(np.exp(output), axis=1, keepdims=True)
"""


def test_other_outputs_that_can_be_chosen_are_checked_too(tmp_path):
    """With each the cost that goes with it; misses that are counted are none. The samples get their ones outside of the
    loop."""
    right = check(tmp_path, OUTPUTS)
    assert right.verdict == "agrees", right.notes
    assert any("out_type='linear', or out_type='softmax'" in note for note in right.notes)
    diagonal = 'softmax":\n                delta_output = (output - targets) * output * (1.0 - output)'
    wrong = check(tmp_path, OUTPUTS.replace('softmax":\n                delta_output = output - targets', diagonal))
    assert (wrong.verdict, wrong.first_fault.line) == ("wrong", 19)
    assert any("out_type='softmax'" in note for note in wrong.notes)


OWN_COST = """
import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_out, output_kind="linear"):
        self.V, self.W = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)
        self.output_kind = output_kind

    def forward(self, X):
        self.h = np.tanh(X @ self.V)
        z = self.h @ self.W
        if self.output_kind == "softmax":
            e = np.exp(z - z.max(axis=1, keepdims=True))
            return e / e.sum(axis=1, keepdims=True)
        if self.output_kind == "linear":
            return z

    def loss(self, X, y):
        return 0.5 * np.sum((self.forward(X) - y) ** 2)

    def backward(self, X, y):
        d = self.forward(X) - y
        return X.T @ (d @ self.W.T * (1 - self.h ** 2)), self.h.T @ d
"""


def test_with_another_output_the_own_cost_may_be_that_of_the_first(tmp_path):
    """The gradients with a softmax are those of cross entropy, which the file does not compute: none is the own
    cost's."""
    assert check(tmp_path, OWN_COST).verdict == "agrees"


PARTS = """
import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_out, residual=False, dropout_rate=0.0):
        self.W1, self.W2 = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_hidden)
        self.W3 = np.random.randn(n_hidden, n_out)
        self.residual, self.dropout_rate = residual, dropout_rate

    def forward(self, X):
        self.X = X
        self.h1 = np.tanh(X @ self.W1)
        self.mask = np.random.rand(*self.h1.shape) >= self.dropout_rate
        self.d1 = self.h1 * self.mask / (1 - self.dropout_rate)
        self.h2 = np.tanh(self.d1 @ self.W2)
        self.s = self.h2 + self.d1 if self.residual else self.h2
        return self.s @ self.W3

    def loss(self, X, y):
        return 0.5 * np.sum((self.forward(X) - y) ** 2)

    def backward(self, y):
        d = self.s @ self.W3 - y
        dW3 = self.s.T @ d
        ds = d @ self.W3.T
        dz2 = ds * (1 - self.h2 ** 2)
        dW2 = self.d1.T @ dz2
        dd1 = dz2 @ self.W2.T
        if self.residual:
            dd1 = dd1 + ds
        dW1 = self.X.T @ (dd1 * self.mask / (1 - self.dropout_rate) * (1 - self.h1 ** 2))
        return dW1, dW2, dW3
"""


def test_parts_that_can_be_switched_on_are_checked_too(tmp_path):
    right = check(tmp_path, PARTS)
    assert right.verdict == "agrees", right.notes
    assert any("residual=True" in note and "dropout_rate=0.2" in note for note in right.notes)
    wrong = check(tmp_path, PARTS.replace("dd1 = dd1 + ds", "dd1 = dd1"))
    assert wrong.verdict == "wrong"
    assert any("residual=True" in note for note in wrong.notes)
    wrong = check(tmp_path, PARTS.replace("dd1 * self.mask / (1 - self.dropout_rate) *", "dd1 * self.mask *"))
    assert wrong.verdict == "wrong"
    assert any("dropout_rate=" in note for note in wrong.notes)
