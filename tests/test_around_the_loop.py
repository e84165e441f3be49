"""What stands around a training loop and in the functions that it calls: layers, settings, what becomes of the cost.
Of each program the right one agrees, and a mistake is found at its line."""

import pytest

from tests.habits import Habit, agrees_and_is_found, checked

HABITS = {
    "names of another language, and the layers in functions that the loop calls": Habit(
        """
        def stauche(x):
            return 1 / (1 + np.exp(-x))

        def vorhersage(proben, gv, sv, ga, sa):
            innen = stauche(gv @ proben + sv)
            return innen, stauche(ga @ innen + sa)

        def steigung(proben, soll, innen, ist, ga):
            anzahl = proben.shape[1]
            aussen = (ist - soll) * ist * (1 - ist)
            grad_ga = aussen @ innen.T / anzahl
            grad_sa = np.sum(aussen, axis=1, keepdims=True) / anzahl
            weiter = ga.T @ aussen * innen * (1 - innen)
            grad_gv = weiter @ proben.T / anzahl
            grad_sv = np.sum(weiter, axis=1, keepdims=True) / anzahl
            return grad_gv, grad_sv, grad_ga, grad_sa

        def lernen(proben, soll):
            gv, sv = np.random.uniform(-1, 1, (6, 2)), np.zeros((6, 1))
            ga, sa = np.random.uniform(-1, 1, (1, 6)), np.zeros((1, 1))
            for runde in range(3000):
                innen, ist = vorhersage(proben, gv, sv, ga, sa)
                grad_gv, grad_sv, grad_ga, grad_sa = steigung(proben, soll, innen, ist, ga)
                gv -= 0.5 * grad_gv
                sv -= 0.5 * grad_sv
                ga -= 0.5 * grad_ga
                sa -= 0.5 * grad_sa
            return gv, sv, ga, sa
        """,
        "np.sum(weiter, axis=1, keepdims=True) / anzahl",
        "np.sum(weiter, axis=1, keepdims=True)",
    ),
    "a normalisation between the layers, and a number that is called like labels": Habit(
        """
        def normalised(u, gamma, beta):
            off = u - u.mean(axis=0)
            inverse = 1 / np.sqrt((off**2).mean(axis=0) + 1e-5)
            return gamma * off * inverse + beta, (off * inverse, inverse, gamma)

        def normalised_back(d, kept):
            unit, inverse, gamma = kept
            n = len(d)
            dgamma, dbeta = np.sum(d * unit, axis=0), np.sum(d, axis=0)
            d = d * gamma
            du = inverse / n * (n * d - d.sum(axis=0) - unit * (d * unit).sum(axis=0))
            return du, dgamma, dbeta

        def hinge(S, y):
            rows = np.arange(len(y))
            over = np.maximum(0, S - S[rows, y][:, None] + 1)
            over[rows, y] = 0
            counts = (over > 0).astype(float)
            counts[rows, y] -= counts.sum(axis=1)
            return over.sum() / len(y), counts / len(y)

        def ahead(X, W1, gamma, beta, W2, b2):
            B, kept = normalised(X.dot(W1), gamma, beta)
            H = np.maximum(B, 0)
            return H.dot(W2) + b2, (X, kept, B, H)

        def back(dS, kept, W2):
            X, inner, B, H = kept
            dW2, db2 = H.T.dot(dS), dS.sum(axis=0)
            dB = dS.dot(W2.T) * (B > 0)
            du, dgamma, dbeta = normalised_back(dB, inner)
            return X.T.dot(du), dgamma, dbeta, dW2, db2

        def train(X, y, hidden=20, classes=3, rate=0.1, steps=100):
            W1, W2 = 0.1 * np.random.randn(X.shape[1], hidden), 0.1 * np.random.randn(hidden, classes)
            gamma, beta = np.ones(hidden), np.zeros(hidden)
            b2 = np.zeros(classes)
            for i in range(steps):
                S, kept = ahead(X, W1, gamma, beta, W2, b2)
                loss, dS = hinge(S, y)
                dW1, dgamma, dbeta, dW2, db2 = back(dS, kept, W2)
                W1 -= rate * dW1
                gamma -= rate * dgamma
                beta -= rate * dbeta
                W2 -= rate * dW2
                b2 -= rate * db2
        """,
        "dgamma, dbeta = np.sum(d * unit, axis=0), np.sum(d, axis=0)",
        "dgamma, dbeta = np.sum(d * unit, axis=0), np.mean(d, axis=0)",
    ),
    "settings from the command line, and updates in a loop over what is written down": Habit(
        """
        import argparse

        def main():
            reader = argparse.ArgumentParser()
            reader.add_argument("--width", type=int, default=12)
            reader.add_argument("--lr", type=float, default=0.05)
            reader.add_argument("--l2", type=float, default=0.0)
            args = reader.parse_args()
            train_x, train_y = np.load("points.npy"), np.load("classes.npy")
            n, d = train_x.shape
            T = np.eye(int(train_y.max()) + 1)[train_y]
            W1, b1 = np.random.uniform(-1, 1, (d, args.width)), np.zeros(args.width)
            W2, b2 = np.random.uniform(-1, 1, (args.width, T.shape[1])), np.zeros(T.shape[1])
            for epoch in range(100):
                h = np.tanh(train_x @ W1 + b1)
                p = np.exp(h @ W2 + b2)
                p /= p.sum(axis=1, keepdims=True)
                loss = -np.mean(np.sum(T * np.log(p), axis=1)) + 0.5 * args.l2 * (np.sum(W1**2) + np.sum(W2**2))
                delta2 = (p - T) / n
                delta1 = delta2 @ W2.T * (1 - h**2)
                gW2, gW1 = h.T @ delta2 + args.l2 * W2, train_x.T @ delta1 + args.l2 * W1
                gb2, gb1 = delta2.sum(axis=0), delta1.sum(axis=0)
                for param, grad in zip((W1, b1, W2, b2), (gW1, gb1, gW2, gb2)):
                    param -= args.lr * grad

        if __name__ == "__main__":
            main()
        """,
        "delta1 = delta2 @ W2.T * (1 - h**2)",
        "delta1 = delta2 @ W2.T * (1 - h)",
    ),
    "a cost that is a sum, of which the mean is made where it is called": Habit(
        """
        def forward(X, parameters):
            z1 = parameters["W1"] @ X + parameters["b1"]
            a1 = np.tanh(z1)
            a2 = 1 / (1 + np.exp(-(parameters["W2"] @ a1 + parameters["b2"])))
            return a2, (a1, a2)

        def compute_cost(a2, Y):
            return np.sum(-Y * np.log(a2) - (1 - Y) * np.log(1 - a2))

        def backward(parameters, kept, X, Y):
            a1, a2 = kept
            dz2 = (a2 - Y) / X.shape[1]
            dz1 = parameters["W2"].T @ dz2 * (1 - a1**2)
            grads = {"dW2": dz2 @ a1.T, "db2": dz2.sum(axis=1, keepdims=True)}
            return grads | {"dW1": dz1 @ X.T, "db1": dz1.sum(axis=1, keepdims=True)}

        def model(X, Y, parameters, batches, rate=0.1):
            m = X.shape[1]
            total = 0
            for xb, yb in batches:
                a2, kept = forward(xb, parameters)
                total += compute_cost(a2, yb)
                grads = backward(parameters, kept, xb, yb)
                parameters = {k: parameters[k] - rate * grads["d" + k] for k in parameters}
            print(total / m)
        """,
        "dz1 = parameters[\"W2\"].T @ dz2 * (1 - a1**2)",
        "dz1 = parameters[\"W2\"].T @ dz2 * (1 + a1**2)",
    ),
    "one layer by itself, which returns its activation before what it is made of": Habit(
        """
        def relu(z):
            return z * (z > 0)

        def forward_prop(W, B, A_before):
            Z = np.dot(W, A_before) + B
            A_after = relu(Z)
            return A_after, Z

        def back_prop(dA, A_before, Z, W, m):
            dZ = dA * (Z > 0)
            dW = np.dot(dZ, A_before.T) / m
            dB = np.sum(dZ, axis=1, keepdims=True) / m
            return {"dW": dW, "dB": dB}, np.dot(W.T, dZ)
        """,
        "dZ = dA * (Z > 0)",
        "dZ = dA * (Z < 0)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("habit", HABITS)
def test_what_is_around_is_taken_into_account(tmp_path, habit):
    agrees_and_is_found(tmp_path, HABITS[habit])


def test_every_parameter_of_a_normalised_network_is_checked(tmp_path):
    source = HABITS["a normalisation between the layers, and a number that is called like labels"].source
    assert {"dW1", "dgamma", "dbeta", "dW2", "db2"} <= {row.name for row in checked(tmp_path, source).tensors}


def test_a_sum_of_which_nobody_makes_a_mean_is_the_cost(tmp_path):
    source = HABITS["a cost that is a sum, of which the mean is made where it is called"].source
    assert checked(tmp_path, source.replace("print(total / m)", "print(total)")).verdict != "agrees"
