"""Programs that hand a cost and its gradient to an optimiser of SciPy's, which need not be installed."""

import pytest

from tests.habits import Habit, rehearsed, rehearsed_right_and_wrong

PREPARED = """
    from scipy.optimize import {name}

    def prepared(rows):
        values, ways = np.linalg.eigh(np.cov(rows, rowvar=False))
        order = np.argsort(values)[::-1]
        many = np.searchsorted(np.cumsum(values[order]) / values.sum(), 0.9) + 1
        return rows @ ways[:, order[:many]]

    def trained(rows, wanted, hidden=4):
        n = rows.shape[1]

        def apart(p):
            return p[: n * hidden].reshape(n, hidden), p[n * hidden :]

        def price(p, rows, wanted):
            w, v = apart(p)
            return np.sum((np.tanh(rows @ w) @ v - wanted) ** 2) / 2

        def slope(p, rows, wanted):
            w, v = apart(p)
            h = np.tanh(rows @ w)
            off = h @ v - wanted
            dh = np.outer(off, v) * (1 - h**2)
            return np.concatenate(((rows.T @ dh).ravel(), h.T @ off))

        def both(p, rows, wanted):
            return price(p, rows, wanted), slope(p, rows, wanted)

        start = 0.1 * np.random.randn(n * hidden + hidden)
        return {call}

    np.random.seed(1)
    rows = np.random.randn(20, 6) @ np.random.randn(6, 6)
    print(trained(prepared(rows), np.sin(rows[:, 0])))
"""
CALLS = {
    "minimize": 'minimize(price, start, args=(rows, wanted), method="BFGS", jac=slope).x',
    "minimize, both at once": "minimize(both, start, (rows, wanted), jac=True, options={'maxiter': 9})['x']",
    "fmin_cg": "fmin_cg(price, start, fprime=slope, args=(rows, wanted))",
    "fmin_l_bfgs_b": "fmin_l_bfgs_b(both, x0=start, args=(rows, wanted))[0]",
    "fmin_tnc": "fmin_tnc(func=lambda p: price(p, rows, wanted), x0=start, fprime=lambda p: slope(p, rows, wanted))[0]",
}


@pytest.mark.parametrize("call", CALLS.items(), ids=list(CALLS))
def test_what_an_optimiser_is_handed_is_a_cost_and_its_gradient(tmp_path, call):
    name = call[0].partition(",")[0]
    source = PREPARED.replace("{name}", name).replace("{call}", call[1])
    said, _ = rehearsed_right_and_wrong(tmp_path, Habit(source, "* (1 - h**2)", "* (1 - h)"))
    assert f"In place of {name}: a step along the gradient that it is handed." in said


def test_an_optimiser_that_is_handed_no_gradient_stays_absent(tmp_path):
    source = PREPARED.replace("{name}", "minimize").replace("{call}", "minimize(price, start, args=(rows, wanted)).x")
    assert rehearsed(tmp_path, source).verdict == "error"


def test_a_function_of_the_file_is_no_optimiser(tmp_path):
    source = PREPARED.replace("from scipy.optimize import {name}", "def minimize(*args, **kwargs): return start")
    report = rehearsed(tmp_path, source.replace("{call}", CALLS["fmin_cg"].replace("fmin_cg", "minimize")))
    assert report.verdict == "error"
