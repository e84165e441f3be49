"""Training loops whose parameters and gradients are the entries of dicts, gone through by their keys."""

import pytest

from tests.habits import Habit, agrees_and_is_found

HABITS = {
    "entries that are updated one after another, under the same keys as their gradients": Habit(
        """
        def learn(X_train, y_train, hidden=16, rounds=20, batch_size=32, rate=0.01, reg=1e-4):
            n, d = X_train.shape
            k = len(np.unique(y_train))
            net = {
                "W1": 0.01 * np.random.randn(d, hidden),
                "b1": np.zeros(hidden),
                "W2": 0.01 * np.random.randn(hidden, k),
                "b2": np.zeros(k),
            }
            for turn in range(rounds):
                order = np.random.permutation(n)
                for start in range(0, n, batch_size):
                    chosen = order[start : start + batch_size]
                    xb, yb = X_train[chosen], y_train[chosen]
                    before = xb @ net["W1"] + net["b1"]
                    inner = np.tanh(before)
                    scores = inner @ net["W2"] + net["b2"]
                    e = np.exp(scores - scores.max(axis=1, keepdims=True))
                    P = e / e.sum(axis=1, keepdims=True)
                    loss = -np.log(P[range(len(yb)), yb]).mean()
                    loss += 0.5 * reg * sum(np.sum(net[name] ** 2) for name in net if name.startswith("W"))
                    P[range(len(yb)), yb] -= 1
                    P /= len(yb)
                    grads = {}
                    grads["W2"] = inner.T @ P + reg * net["W2"]
                    grads["b2"] = P.sum(axis=0)
                    back = P @ net["W2"].T * (1 - inner**2)
                    grads["W1"] = xb.T @ back + reg * net["W1"]
                    grads["b1"] = back.sum(axis=0)
                    for name in net:
                        net[name] -= rate * grads[name]
            return net
        """,
        'grads["W1"] = xb.T @ back + reg * net["W1"]',
        'grads["W1"] = xb.T @ back + 2 * reg * net["W1"]',
    ),
    "items, keys that are put together, a cost in parts": Habit(
        """
        X, Y = np.random.randn(6, 3), np.random.randn(6, 2)
        weights = dict(W1=np.random.randn(3, 5), W2=np.random.randn(5, 2))
        strength, lr = 0.1, 0.05
        for step in range(500):
            A1 = np.tanh(X @ weights["W1"])
            off = A1 @ weights["W2"] - Y
            misfit_loss = 0.5 * np.sum(off**2) / len(X)
            weight_loss = 0.5 * strength * sum(np.sum(W**2) for W in weights.values())
            loss = misfit_loss + weight_loss
            slopes = {"dW2": A1.T @ off / len(X), "dW1": X.T @ (off @ weights["W2"].T * (1 - A1**2)) / len(X)}
            for key, W in weights.items():
                slopes["d" + key] = slopes[f"d{key}"] + strength * W
            for key in ("W1", "W2"):
                weights[key] = weights[key] - lr * slopes["d" + key]
        """,
        "+ strength * W",
        "+ 2 * strength * W",
    ),
}


@pytest.mark.parametrize("habit", HABITS)
def test_loops_over_the_keys_of_parameters(habit, tmp_path):
    agrees_and_is_found(tmp_path, HABITS[habit])
