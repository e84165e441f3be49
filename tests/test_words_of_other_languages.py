"""Programs whose names say little to whoever reads English: what stands for what, the code and its calls say. Of each
the right one agrees, and a mistake is found at its line."""

import pytest

from tests.habits import Habit, agrees_and_is_found

HABITS = {
    "functions with global weights, of any name": Habit(
        """
        TEMPO, EIN, MITTE, AUS = 0.1, 6, 4, 2
        wem = np.random.rand(MITTE, EIN) - 0.5
        wma = np.random.rand(AUS, MITTE) - 0.5

        def kurve(v):
            return 1 / (1 + np.exp(-v))

        def ueben(i, t):
            global wem, wma
            ym = kurve(np.dot(wem, i))
            o = kurve(np.dot(wma, ym))
            da = (t - o) * o * (1 - o)
            dm = np.dot(wma.T, da) * ym * (1 - ym)
            wma += TEMPO * np.dot(da, ym.T)
            wem += TEMPO * np.dot(dm, i.T)

        def vorhersagen(i):
            return kurve(np.dot(wma, kurve(np.dot(wem, i))))
        """,
        "dm = np.dot(wma.T, da) * ym * (1 - ym)",
        "dm = np.dot(wma.T, t - o) * ym * (1 - ym)",
    ),
    "parameters from a function of any name, which come back as new ones": Habit(
        """
        BREITE, MITTE, KLASSEN, SCHRITT, LernRate = 7, 5, 3, 4, 0.5

        def zufall(n, m):
            return np.random.normal(0, 0.5, (n, m))

        def anfang():
            wb = zufall(MITTE, BREITE), zufall(MITTE, 1), zufall(KLASSEN, MITTE), zufall(KLASSEN, 1)
            return wb

        def propagation(image, labels, w1, b1, w2, b2):
            x = image.reshape(-1, BREITE).T
            y1 = np.tanh(w1 @ x + b1)
            v = np.exp(w2 @ y1 + b2)
            y2 = v / v.sum(axis=0)
            hot = np.identity(KLASSEN)[labels].T
            e = -np.sum(hot * np.log(y2)) / hot.shape[1]
            kept = (x, y1, y2, hot, e)
            return kept

        def neu(w, dw):
            return w - LernRate * dw

        def backPropagation(w1, b1, w2, b2, kept):
            x, y1, y2, hot, e = kept
            d2 = (y2 - hot) / hot.shape[1]
            d1 = w2.T @ d2 * (1 - y1**2)
            new = (
                neu(w1, d1 @ x.T),
                neu(b1, d1.sum(axis=1, keepdims=True)),
                neu(w2, d2 @ y1.T),
                neu(b2, d2.sum(axis=1, keepdims=True)),
            )
            return new, e

        def main(image, labels):
            w1, b1, w2, b2 = anfang()
            for turn in range(100):
                kept = propagation(image, labels, w1, b1, w2, b2)
                (w1, b1, w2, b2), e = backPropagation(w1, b1, w2, b2, kept)
        """,
        "d1 = w2.T @ d2 * (1 - y1**2)",
        "d1 = w2.T @ d2 * (1 - y1)",
    ),
    "outputs that a script wants, which nothing writes": Habit(
        """
        inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        outputs = np.array([[0], [1], [1], [0]])
        wh, wo = np.random.uniform(size=(2, 3)), np.random.uniform(size=(3, 1))
        bh, bo = np.random.uniform(size=(1, 3)), np.random.uniform(size=(1, 1))

        def squash(v):
            return 1 / (1 + np.exp(-v))

        for turn in range(1000):
            middle = squash(np.dot(inputs, wh) + bh)
            guess = squash(np.dot(middle, wo) + bo)
            step = (outputs - guess) * guess * (1 - guess)
            back = step.dot(wo.T) * middle * (1 - middle)
            wo += middle.T.dot(step) * 0.1
            bo += np.sum(step, axis=0, keepdims=True) * 0.1
            wh += inputs.T.dot(back) * 0.1
            bh += np.sum(back, axis=0, keepdims=True) * 0.1
        """,
        "back = step.dot(wo.T) * middle * (1 - middle)",
        "back = step.dot(wo.T) * middle",
    ),
    "one sample after another, as the file's own loop gives them": Habit(
        """
        def init_network(words, hidden):
            return {"W1": np.random.randn(words, hidden), "W2": np.random.randn(hidden, words)}

        def softmax(v):
            return np.exp(v) / np.exp(v).sum(axis=0)

        def forward_pass(x, model):
            h = model["W1"].T @ x
            return softmax(model["W2"].T @ h), h

        def miss(y, guess):
            return -np.sum(y * np.log(guess))

        def backpropagate(x, y, y_pred, h, model, learning_rate):
            e = y_pred - y
            step = np.outer(x, model["W2"] @ e)
            model["W2"] -= learning_rate * np.outer(h, e)
            model["W1"] -= learning_rate * step
            return miss(y, y_pred)

        def train(X, Y, model, epochs, learning_rate):
            for epoch in range(epochs):
                for x, y in zip(X, Y):
                    y_pred, h = forward_pass(x, model)
                    loss = backpropagate(x, y, y_pred, h, model, learning_rate)
        """,
        'step = np.outer(x, model["W2"] @ e)',
        'step = np.outer(x, model["W2"] @ y_pred)',
    ),
    "a number goes in and a number comes out, and the bias of the output is a number": Habit(
        """
        rows = np.array([[0.0, 1.0], [0.3, 0.9], [0.5, 0.7], [1.0, 0.1]])
        rate = 0.05
        w_first, bias_first = np.random.rand(5) - 0.5, np.random.rand(5) - 0.5
        w_second, bias_second = np.random.rand(5, 3) - 0.5, np.random.rand(3) - 0.5
        w_last, bias_last = np.random.rand(3) - 0.5, np.random.rand() - 0.5

        def squash(v):
            return 1 / (1 + np.exp(-v))

        def forward(value):
            first = squash(value * w_first + bias_first)
            second = squash(first @ w_second + bias_second)
            return squash(second @ w_last + bias_last), first, second

        def train(value, wanted):
            global w_first, bias_first, w_second, bias_second, w_last, bias_last
            guess, first, second = forward(value)
            miss = wanted - guess
            d3 = miss * guess * (1 - guess)
            d2 = d3 * w_last * second * (1 - second)
            d1 = (w_second @ d2) * first * (1 - first)
            w_last += second * d3 * rate
            bias_last += d3 * rate
            w_second += np.outer(first, d2) * rate
            bias_second += d2 * rate
            w_first += value * d1 * rate
            bias_first += d1 * rate
            return abs(miss)

        while True:
            for x, y in rows:
                train(x, y)
        """,
        "bias_second += d2 * rate",
        "bias_second += d3 * rate",
    ),
}  # fmt: skip


@pytest.mark.parametrize("habit", HABITS)
def test_what_stands_for_what_is_told_by_the_code(tmp_path, habit):
    agrees_and_is_found(tmp_path, HABITS[habit])
