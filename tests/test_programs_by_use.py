"""Programs whose names do not say what they mean: what the code does with an argument, and what stands around it, does.
Of each the right one agrees, and a mistake is found at its line."""

import pytest

from tests.habits import Habit, agrees_and_is_found, checked

HABITS = {
    "gates one under the other, and two states that go from word to word": Habit(
        """
        words_, units = 5, 3
        Wx = np.random.randn(4 * units, words_) * 0.01
        Wh = np.random.randn(4 * units, units) * 0.01
        Wo = np.random.randn(words_, units) * 0.01
        bx, bo = np.zeros((4 * units, 1)), np.zeros((words_, 1))

        def lossFun(inputs, targets, hprev, cprev):
            x, h, c, gates, p, loss = {}, {-1: hprev}, {-1: cprev}, {}, {}, 0
            for t in range(len(inputs)):
                x[t] = np.zeros((words_, 1))
                x[t][inputs[t]] = 1
                z = Wx @ x[t] + Wh @ h[t - 1] + bx
                i, f, o = (1 / (1 + np.exp(-z[k * units : (k + 1) * units])) for k in range(3))
                g = np.tanh(z[3 * units :])
                gates[t] = i, f, o, g
                c[t] = f * c[t - 1] + i * g
                h[t] = o * np.tanh(c[t])
                p[t] = np.exp(Wo @ h[t] + bo)
                p[t] = p[t] / np.sum(p[t])
                loss += -np.log(p[t][targets[t], 0])
            dWx, dWh, dWo = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(Wo)
            dbx, dbo = np.zeros_like(bx), np.zeros_like(bo)
            dh_later, dc_later = np.zeros_like(h[0]), np.zeros_like(c[0])
            for t in reversed(range(len(inputs))):
                dy = np.copy(p[t])
                dy[targets[t]] -= 1
                dWo += dy @ h[t].T
                dbo += dy
                i, f, o, g = gates[t]
                dh = Wo.T @ dy + dh_later
                dc = dc_later + dh * o * (1 - np.tanh(c[t]) ** 2)
                dc_later = dc * f
                di, df = dc * g * i * (1 - i), dc * c[t - 1] * f * (1 - f)
                do, dg = dh * np.tanh(c[t]) * o * (1 - o), dc * i * (1 - g**2)
                dz = np.vstack((di, df, do, dg))
                dWx += dz @ x[t].T
                dWh += dz @ h[t - 1].T
                dbx += dz
                dh_later = Wh.T @ dz
            return loss, dWx, dWh, dWo, dbx, dbo, h[len(inputs) - 1], c[len(inputs) - 1]
        """,
        "dWo += dy @ h[t].T",
        "dWo += dy @ h[t - 1].T",
    ),
    "a sequence whose outputs an object keeps, and a cost that is given the labels alone": Habit(
        """
        class Recurrent:
            def __init__(self, input_dim, hidden_dim, output_dim):
                self.hidden_dim = hidden_dim
                self.Wx = np.random.randn(hidden_dim, input_dim) * 0.1
                self.Wh = np.random.randn(hidden_dim, hidden_dim) * 0.1
                self.Wy = np.random.randn(output_dim, hidden_dim) * 0.1

            def forward(self, x_seq):
                h, self.outputs, self.kept = np.zeros((self.hidden_dim, 1)), [], []
                for x in x_seq:
                    before, x = h, x.reshape(-1, 1)
                    z = self.Wx @ x + self.Wh @ h
                    h = np.tanh(z)
                    self.kept.append((x, before, h))
                    self.outputs.append(self.Wy @ h)
                return np.array(self.outputs)

            def loss(self, y_seq):
                return sum(np.sum((o - y.reshape(-1, 1)) ** 2) / 2 for o, y in zip(self.outputs, y_seq))

            def backward(self, y_seq):
                grads = {"Wx": 0.0, "Wh": 0.0, "Wy": 0.0}
                later = np.zeros((self.hidden_dim, 1))
                for t in reversed(range(len(self.kept))):
                    x, before, h = self.kept[t]
                    dy = self.outputs[t] - y_seq[t].reshape(-1, 1)
                    grads["Wy"] = grads["Wy"] + dy @ h.T
                    dz = (self.Wy.T @ dy + later) * (1 - h**2)
                    grads["Wx"] = grads["Wx"] + dz @ x.T
                    grads["Wh"] = grads["Wh"] + dz @ before.T
                    later = self.Wh.T @ dz
                return grads
        """,
        "dy @ h.T",
        "dy @ before.T",
    ),
    "a number of layers that is called n, beside the m samples": Habit(
        """
        def forward(params, A0, n):
            kept = {"A0": A0}
            for i in range(1, n + 1):
                z = kept[f"Z{i}"] = params[f"W{i}"] @ kept[f"A{i - 1}"] + params[f"B{i}"]
                kept[f"A{i}"] = np.tanh(z) if i < n else z
            return kept

        def squares(A, Y, m):
            return np.sum((A - Y) ** 2) / (2 * m)

        def backprop(params, kept, n, m, Y):
            grads, above = {}, None
            for i in range(n, 0, -1):
                if i == n:
                    dz = kept[f"A{i}"] - Y
                else:
                    dz = params[f"W{i + 1}"].T @ above * (1 - kept[f"A{i}"] ** 2)
                grads[f"DW{i}"] = dz @ kept[f"A{i - 1}"].T / m
                grads[f"DB{i}"] = np.sum(dz, axis=1, keepdims=True) / m
                above = dz
            return grads
        """,
        "above * (1 - kept",
        "above * (1 + kept",
    ),
    "all that forward has returned, which is called output": Habit(
        """
        def feed_forward_pass(X, parameters):
            output = {}
            output["Z1"] = parameters["W1"] @ X + parameters["b1"]
            output["A1"] = np.tanh(output["Z1"])
            output["A2"] = parameters["W2"] @ output["A1"] + parameters["b2"]
            return output

        def back_propagation(X, Y, parameters, output):
            off = output["A2"] - Y
            back = parameters["W2"].T @ off * (1 - output["A1"] ** 2)
            grad_W2, grad_b2 = off @ output["A1"].T / m_batch, off.sum(axis=1, keepdims=True) / m_batch
            grad_W1, grad_b1 = back @ X.T / m_batch, back.sum(axis=1, keepdims=True) / m_batch
            return {"grad_W1": grad_W1, "grad_b1": grad_b1, "grad_W2": grad_W2, "grad_b2": grad_b2}

        for start in range(0, 600, 60):
            m_batch = min(start + 60, 600) - start
        """,
        "off * (1 - output",
        "off * (1 + output",
    ),
    "a number that is only calculated with": Habit(
        """
        def loss_of_classes(W, X, y, strength, kind):
            scores = X @ W
            scores = scores - scores.max(axis=1, keepdims=True)
            P = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            rows = np.arange(len(y))
            loss = -np.log(P[rows, y]).mean() + (strength * (W * W).sum() if kind == "ridge" else 0)
            P[rows, y] -= 1
            dW = X.T @ P / len(y)
            dW = dW + (2 * strength * W if kind == "ridge" else 0)
            return loss, dW
        """,
        "(2 * strength * W if",
        "(strength * W if",
    ),
    "gradient descent that returns all that its parameter has been": Habit(
        """
        def half_squares(theta, X, y, n):
            off = X @ theta - y
            return off @ off / (2 * n)

        def gradient_descent(X, y, theta, step_size, iterations, n):
            theta_history, costs = [theta], []
            for k in range(iterations):
                step_size = step_size / (k + 1)
                off = X @ theta - y
                theta = theta - step_size * X.T @ off / n
                theta_history.append(theta)
                costs.append(half_squares(theta, X, y, n))
            return theta_history, costs
        """,
        "step_size * X.T @ off / n",
        "step_size * X.T @ off",
    ),
    "a hidden layer that is never trained": Habit(
        """
        X = np.array([[2.0, 9.0], [1.0, 5.0], [3.0, 6.0]])
        y = np.array([[0.92], [0.86], [0.89]])
        first = np.random.uniform(size=(2, 3))
        shift = np.random.uniform(size=(1, 3))
        second = np.random.uniform(size=(3, 1))
        rate = 0.1
        for k in range(1000):
            hidden = np.tanh(np.dot(X, first) + shift)
            out = np.tanh(np.dot(hidden, second))
            step = (y - out) * (1 - out**2)
            second += rate * hidden.T.dot(step)
        """,
        "rate * hidden.T.dot(step)",
        "rate * hidden.T.dot(step * step)",
    ),
    "gradients that are added up over the samples of a module that is missing": Habit(
        """
        from prepared_data import features, targets

        count, width = features.shape
        w_hidden = np.random.normal(scale=0.5, size=(width, 4))
        w_out = np.random.normal(scale=0.5, size=4)
        for epoch in range(1000):
            step_hidden, step_out = np.zeros(w_hidden.shape), np.zeros(w_out.shape)
            for x, y in zip(features.values, targets):
                hidden = np.tanh(np.dot(x, w_hidden))
                guess = np.dot(hidden, w_out)
                off = y - guess
                step_out += off * hidden  # of a linear output
                step_hidden += off * w_out * (1 - hidden**2) * x[:, None]
            w_hidden += 0.01 * step_hidden / count
            w_out += 0.01 * step_out / count
        """,
        "off * hidden  # of a linear output",
        "off * hidden * guess",
    ),
    "settings in one tuple, a function chosen by its name, samples from a function of its own": Habit(
        """
        def teach(settings):
            n_hidden, learning_rate, epochs, kind, noise = settings
            X_train, y_train = make_rings(noise)
            if kind == "tanh":
                bend, slope = np.tanh, lambda Z: 1 - np.tanh(Z) ** 2
            else:
                return 0
            W1 = np.random.randn(2, n_hidden)
            W2 = np.random.randn(n_hidden, 1)
            for k in range(epochs):
                Z1 = X_train @ W1
                A1 = bend(Z1)
                off = A1 @ W2 - y_train.reshape(-1, 1)
                dW2 = A1.T @ off
                dW1 = X_train.T @ (off @ W2.T * slope(Z1))
                W2 -= learning_rate * dW2
                W1 -= learning_rate * dW1
        """,
        "(off @ W2.T * slope(Z1))",
        "(off @ W2.T * slope(A1))",
    ),
    "samples and labels that one call hands out in every turn": Habit(
        """
        def stacked(pairs):
            return np.hstack([x for x, _ in pairs]), np.hstack([y for _, y in pairs])

        def SGD(training_data, epochs, batch_size, eta):
            W1 = np.random.randn(30, 784)
            b1 = np.random.randn(30, 1)
            W2 = np.random.randn(10, 30)
            for k in range(epochs):
                for at in range(0, len(training_data), batch_size):
                    X, Y = stacked(training_data[at : at + batch_size])
                    A1 = np.tanh(W1 @ X + b1)
                    dZ2 = (W2 @ A1 - Y) / batch_size
                    dZ1 = W2.T @ dZ2 * (1 - A1**2)
                    dW2 = dZ2 @ A1.T
                    db1 = dZ1.sum(axis=1, keepdims=True)
                    W1 = W1 - eta * dZ1 @ X.T
                    W2, b1 = W2 - eta * dW2, b1 - eta * db1
            return W1, b1, W2
        """,
        "db1 = dZ1.sum(axis=1, keepdims=True)",
        "db1 = dZ1.sum(axis=1, keepdims=True) / batch_size",
    ),
    "a script that goes forward and back once": Habit(
        """
        x = np.array([[1.0], [0.5]])
        y = np.array([[1.0]])
        W1 = np.array([[0.1, 0.2], [0.3, 0.4]])
        b1 = np.array([[0.0], [0.0]])
        W2 = np.array([[0.5, 0.6]])
        b2 = np.array([[0.0]])
        z1 = W1 @ x + b1
        a1 = np.tanh(z1)
        z2 = W2 @ a1 + b2
        loss = 0.5 * (z2[0, 0] - y[0, 0]) ** 2
        delta2 = z2 - y
        dW2 = delta2 @ a1.T
        db2 = delta2
        dz1 = (W2.T @ delta2) * (1 - a1**2)
        dW1 = dz1 @ x.T
        db1 = dz1.copy()
        print(dW1, db1)
        """,
        "dz1 = (W2.T @ delta2) * (1 - a1**2)",
        "dz1 = (W2.T @ delta2) * (1 - a1)",
    ),
    "classes that are counted, ones that are put before the samples, a loop that is left": Habit(
        """
        def softmax_regression(X, y, W_init, lr, most):
            N, D = X.shape
            C = y.max() + 1
            X_ = np.ones((N, D + 1))
            X_[:, 1:] = X
            W, step = W_init, 1
            while True:
                e = np.exp(X_ @ W)
                P = e / e.sum(axis=1)[:, None]
                loss = -np.log(np.take_along_axis(P, y[:, None], 1)).mean()
                dW = X_.T @ (P - np.eye(C)[y]) / N
                W = W - lr * dW
                step += 1
                if step > most:
                    break
            return W
        """,
        "(P - np.eye(C)[y]) / N",
        "(P * P - np.eye(C)[y]) / N",
    ),
    "classes that are counted among the labels in every turn": Habit(
        """
        def hot(y):
            found = np.zeros((len(y), len(np.unique(y))))
            found[np.arange(len(y)), y] = 1
            return found

        def propagate(w, b, X, y):
            e = np.exp(X @ w + b)
            P = e / e.sum(axis=1, keepdims=True)
            cost = -np.sum(hot(y) * np.log(P)) / len(y)
            off = (P - hot(y)) / len(y)
            dw = X.T @ off
            return {"dw": dw, "db": off.sum(axis=0)}, cost
        """,
        "dw = X.T @ off",
        "dw = X.T @ (off * P)",
    ),
    "weights that a loop only hands to a function": Habit(
        """
        def scores_of(x, weights):
            return x @ weights.T

        def softmax_regression(X, Y, k, alpha, iters):
            m, n = X.shape
            weights = np.random.rand(k, n)
            for i in range(iters):
                e = np.exp(scores_of(X, weights))
                P = e / e.sum(axis=1, keepdims=True)
                hot = np.zeros((m, k))
                hot[np.arange(m), Y.T] = 1
                delta = X.T @ (P - hot) / m
                weights = weights - alpha * delta.T
            return weights
        """,
        "weights - alpha * delta.T",
        "weights - alpha * (delta * delta).T",
    ),
    "samples that have their ones, one after another, and weights that are kept small without a cost": Habit(
        """
        from helpers import computeCost, sigmoid

        def gradientDescent(X, y, num_labels, Theta1, Theta2, alpha, num_iters, lam):
            m = y.shape[0]
            Y = np.zeros((m, num_labels))
            for c in range(num_labels):
                Y[np.where(y == c)[0], c] = 1
            for k in range(num_iters):
                D1, D2 = np.zeros(Theta1.shape), np.zeros(Theta2.shape)
                for i in range(m):
                    a1 = X[i : i + 1, :]
                    a2 = np.concatenate((np.ones((1, 1)), sigmoid(a1 @ Theta1.T)), axis=1)
                    h = sigmoid(a2 @ Theta2.T)
                    delta3 = (h - Y[i : i + 1]).T
                    delta2 = (Theta2.T @ delta3)[1:] * (a2 * (1 - a2)).T[1:]
                    D1 = D1 + delta2 @ a1
                    D2 = D2 + delta3 @ a2
                small1, small2 = Theta1.copy(), Theta2.copy()
                small1[:, 0] = small2[:, 0] = 0
                grad1 = D1 / m + lam / m * small1
                Theta2 = Theta2 - alpha * (D2 / m + lam / m * small2)
                Theta1 = Theta1 - alpha * grad1
                costs.append(computeCost(X, y, num_labels, Theta1, Theta2, lam))
            return Theta1, Theta2
        """,
        "grad1 = D1 / m + lam / m * small1",
        "grad1 = D1 + lam / m * small1",
    ),
    "three layers in one vector, beside samples that have their ones": Habit(
        """
        def apart(params, inputs, hidden1, hidden2, labels):
            a, b = (inputs + 1) * hidden1, (inputs + 1) * hidden1 + (hidden1 + 1) * hidden2
            return (
                params[:a].reshape(hidden1, inputs + 1),
                params[a:b].reshape(hidden2, hidden1 + 1),
                params[b:].reshape(labels, hidden2 + 1),
            )

        def costFunction(params, input_size, hidden1, hidden2, num_labels, X, y, lamb):
            T0, T1, T2 = apart(params, input_size, hidden1, hidden2, num_labels)
            A1 = np.hstack((np.ones((len(X), 1)), np.tanh(X @ T0.T)))
            A2 = np.hstack((np.ones((len(X), 1)), np.tanh(A1 @ T1.T)))
            off = A2 @ T2.T - y
            return (off**2).sum() / (2 * len(X)) + lamb * (params**2).sum() / 2

        def gradient(params, input_size, hidden1, hidden2, num_labels, X, y, lamb):
            T0, T1, T2 = apart(params, input_size, hidden1, hidden2, num_labels)
            A1 = np.hstack((np.ones((len(X), 1)), np.tanh(X @ T0.T)))
            A2 = np.hstack((np.ones((len(X), 1)), np.tanh(A1 @ T1.T)))
            off = (A2 @ T2.T - y) / len(X)
            D2 = (off @ T2)[:, 1:] * (1 - A2[:, 1:] ** 2)
            D1 = (D2 @ T1)[:, 1:] * (1 - A1[:, 1:] ** 2)
            grads = (D1.T @ X, D2.T @ A1, off.T @ A2)
            grad = np.concatenate([g.ravel() for g in grads]) + lamb * params
            return grad
        """,
        "for g in grads]) + lamb * params",
        "for g in grads]) + lamb * params**2",
    ),
    "a metric that only main calls, once training is over": Habit(
        """
        def logistic(weights, bias, inputs):
            return 1 / (1 + np.exp(-(inputs @ weights + bias)))

        def MSE(truth, guess):
            return ((truth - guess) ** 2).mean()

        def gradient(weights, bias, X, y):
            off = logistic(weights, bias, X) - y
            return X.T @ off / y.size, off.mean()

        def main():
            X, y = np.random.rand(9, 3), np.arange(9) % 2
            weights, bias = np.zeros(3), 0.0
            for k in range(1000):
                dw, db = gradient(weights, bias, X, y)
                weights, bias = weights - 0.1 * dw, bias - 0.1 * db
            print(MSE(y, logistic(weights, bias, X)))
        """,
        "X.T @ off / y.size",
        "X.T @ (off * off) / y.size",
    ),
    "labels called outputs, beside all that the forward pass returned": Habit(
        """
        def forward(inputs, W1, b1, W2, b2):
            Z1 = W1 @ inputs + b1
            A1 = np.tanh(Z1)
            Z2 = W2 @ A1 + b2
            A2 = np.exp(Z2) / np.exp(Z2).sum(axis=0)
            return Z1, A1, Z2, A2

        def backprop(inputs, outputs, Z1, A1, Z2, A2, W1, b1, W2, b2):
            part = 1 / outputs.shape[1]
            dZ2 = A2 - outputs
            dZ1 = W2.T @ dZ2 * (1 - A1**2)
            dW2, db2 = part * dZ2 @ A1.T, part * dZ2.sum(axis=1, keepdims=True)
            dW1, db1 = part * dZ1 @ inputs.T, part * dZ1.sum(axis=1, keepdims=True)
            return W1 - lr * dW1, b1 - lr * db1, W2 - lr * dW2, b2 - lr * db2

        lr = 0.7
        """,
        "dZ1 = W2.T @ dZ2 * (1 - A1**2)",
        "dZ1 = W2.T @ dZ2",
    ),
    "gradients that are handed out times the learning rate": Habit(
        """
        def learn(X, y, w1, w2, lr=0.01):
            hidden = np.tanh(X @ w1)
            off = hidden @ w2 - y
            cost = (off * off).sum() / 2
            dw2 = lr * hidden.T @ off
            back = off @ w2.T * (1 - hidden**2)
            dw1 = lr * X.T @ back
            return cost, dw2, dw1
        """,
        "off @ w2.T * (1 - hidden**2)",
        "off @ w2.T",
    ),
    "layers whose widths are called like samples, and that keep what they make under a name of their own": Habit(
        """
        class Estrato:
            def __init__(self, entradas, neuronas, l2_lambda=0.01):
                self.peso, self.sesgo = np.random.randn(entradas, neuronas), np.zeros((1, neuronas))
                self.l2_lambda = l2_lambda

            def forward(self, datos):
                self.dado = datos
                self.hecho = np.dot(datos, self.peso) + self.sesgo

            def backward(self, grad):
                self.dpeso = np.dot(self.dado.T, grad) + self.l2_lambda * self.peso
                self.dsesgo = np.sum(grad, axis=0, keepdims=True)
                return np.dot(grad, self.peso.T)

        class Arriba:
            def forward(self, datos):
                self.dado = datos
                self.hecho = np.maximum(0, datos)

            def backward(self, grad):
                return grad * (self.dado > 0)

        class Perdida:
            def forward(self, y_pred, y_true):
                return np.mean((y_pred - y_true) ** 2)

            def backward(self, y_pred, y_true):
                return 2 * (y_pred - y_true) / y_pred.size
        """,
        "return np.dot(grad, self.peso.T)",
        "return np.dot(grad, self.peso.T) * 2",
    ),
    "a softmax with a small number in its divisor, of what is shifted by its maximum": Habit(
        """
        def forward(X, W1, b1, W2, b2):
            A1 = np.tanh(X @ W1 + b1)
            Z2 = A1 @ W2 + b2
            e = np.exp(Z2 - np.max(Z2, axis=1, keepdims=True))
            A2 = e / (np.sum(e, axis=1, keepdims=True) + 1e-9)
            return A1, A2

        def cost(A2, Y):
            return -np.sum(Y * np.log(A2)) / len(Y)

        def backward(X, Y, A1, A2, W2):
            dZ2 = (A2 - Y) / len(Y)
            dW2, db2 = A1.T @ dZ2, np.sum(dZ2, axis=0)
            dZ1 = dZ2 @ W2.T * (1 - A1**2)
            dW1, db1 = X.T @ dZ1, np.sum(dZ1, axis=0)
            return dW1, db1, dW2, db2
        """,
        "dZ1 = dZ2 @ W2.T * (1 - A1**2)",
        "dZ1 = dZ2 @ W2.T * (1 - A1)",
    ),
    "one unit whose weights start as many as there are inputs in a trial": Habit(
        """
        x = np.linspace(-1, 1, 21).reshape(7, 3) ** 2
        y = np.array([-1.0, -1, -1, 0, 0, 1, 1])
        w, step = np.zeros([3]), np.ones([3])
        while max(abs(step)) > 0.00001:
            guess = (np.exp(np.matmul(x, w)) - np.exp(-np.matmul(x, w))) / (
                np.exp(np.matmul(x, w)) + np.exp(-np.matmul(x, w))
            )
            step = (2 / len(x)) * np.matmul((guess - y) * (1 - guess**2), x)
            w = w - 0.05 * step
        """,
        "(1 - guess**2), x)",
        "(1 - guess) ** 2, x)",
    ),
}


@pytest.mark.parametrize("habit", HABITS.values(), ids=list(HABITS))
def test_the_right_program_agrees_and_the_wrong_one_is_found_at_its_line(tmp_path, habit: Habit):
    agrees_and_is_found(tmp_path, habit)


def test_a_constant_is_one_in_every_network_also_where_only_its_effect_is_seen(tmp_path):
    report = checked(
        tmp_path,
        """
        X, y = np.eye(4), np.ones((4, 1))
        W1, W2 = np.random.rand(4, 3), np.random.rand(3, 1)
        for k in range(1000):
            A1 = np.tanh(X @ W1)
            off = A1 @ W2 - y
            loss = 0.5 * np.mean(off**2)
            W1, W2 = W1 - 0.1 * X.T @ (off @ W2.T * (1 - A1**2)), W2 - 0.1 * A1.T @ off
        """,
        examples=40,
    )
    assert report.verdict == "scaled", str(report)
    assert report.factor == "m"


def test_of_two_functions_that_give_the_same_from_the_same_both_are_checked(tmp_path):
    source = """
        def softmax_loss_loops(W, X, y, reg):
            dW, loss = np.zeros_like(W), 0.0
            for i in range(len(X)):
                e = np.exp(X[i] @ W)
                P = e / e.sum()
                loss -= np.log(P[y[i]])
                P[y[i]] -= 1
                dW += np.outer(X[i], P)
            return loss / len(X) + reg * np.sum(W * W), dW / len(X) + 2 * reg * W

        def softmax_loss_vectorized(W, X, y, reg):
            e = np.exp(X @ W)
            P = e / e.sum(axis=1, keepdims=True)
            rows = np.arange(len(X))
            loss = -np.log(P[rows, y]).mean() + reg * np.sum(W * W)
            P[rows, y] -= 1
            return loss, X.T @ P / len(X) + 2 * reg * W
    """
    report = checked(tmp_path, source)
    assert report.verdict == "agrees"
    assert any("softmax_loss_vectorized" in note and "agrees too" in note for note in report.notes)
    report = checked(tmp_path, source.replace("P[rows, y] -= 1", "P[rows, y] = -1"))
    assert report.verdict == "wrong"
    assert report.subject["functions"] == ["softmax_loss_vectorized"]
    assert any("softmax_loss_loops" in note and "agrees" in note for note in report.notes)


def test_a_backward_pass_alone_is_told_what_it_lacks(tmp_path):
    report = checked(
        tmp_path,
        """
        def backprop(W, aas, zzs, yTr, der):
            delta, found = zzs[0] - yTr, []
            for i in range(len(W)):
                found.append(delta @ zzs[i + 1].T / yTr.shape[1])
                delta = der(aas[i + 1]) * (W[i][:, :-1].T @ delta)
            return found
        """,
    )
    assert report.verdict == "error"
    assert "a forward pass" in report.notes[0]
