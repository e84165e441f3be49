"""Layers each on its own: what no network of a file reaches, in every kind that the file offers by a word."""

import textwrap

import pytest

import gradcompare

NETWORK = """
    import numpy as np

    class Full:
        def __init__(self, width, units, act="relu"):
            self.W, self.b, self.act = np.random.randn(width, units), np.zeros(units), act

        def forward(self, x):
            self.x, self.z = x, x @ self.W + self.b
            return np.maximum(self.z, 0) if self.act == "relu" else np.tanh(self.z)

        def backward(self, g):
            g = g * (self.z > 0) if self.act == "relu" else g * (1 - np.tanh(self.z) ** 2)
            self.dW, self.db = self.x.T @ g, g.sum(axis=0)
            return g @ self.W.T

    class Slide:
        def __init__(self, channels, filters, kernel_size, stride=1):
            self.W, self.k, self.s = np.random.randn(filters, channels, kernel_size, kernel_size), kernel_size, stride

        def forward(self, x):
            self.x, k, s = x, self.k, self.s
            rows, columns = (x.shape[2] - k) // s + 1, (x.shape[3] - k) // s + 1
            out = np.zeros((len(x), len(self.W), rows, columns))
            for i in range(rows):
                for j in range(columns):
                    out[:, :, i, j] = np.tensordot(x[:, :, i*s:i*s+k, j*s:j*s+k], self.W, ([1, 2, 3], [1, 2, 3]))
            return out

        def backward(self, g):
            self.dW, dx, k, s = np.zeros_like(self.W), np.zeros_like(self.x), self.k, self.s
            for i in range(g.shape[2]):
                for j in range(g.shape[3]):
                    self.dW += np.tensordot(g[:, :, i, j], self.x[:, :, i*s:i*s+k, j*s:j*s+k], ([0], [0]))
                    dx[:, :, i*s:i*s+k, j*s:j*s+k] += np.tensordot(g[:, :, i, j], self.W, ([1], [0]))
            return dx

    class Scale:
        def __init__(self, gamma, beta):
            self.gamma, self.beta, self.mean = gamma, beta, np.zeros_like(beta)

        def forward(self, x, train=False):
            if not train:
                return self.gamma * (x - self.mean) + self.beta
            self.s = np.sqrt(x.var(axis=0) + 1e-6)
            self.n = (x - x.mean(axis=0)) / self.s
            return self.gamma * self.n + self.beta

        def backward(self, g):
            self.dgamma, self.dbeta = (g * self.n).sum(axis=0), g.sum(axis=0)
            h = g * self.gamma
            return (h - h.mean(axis=0) - self.n * (h * self.n).mean(axis=0)) / self.s

    class Thin:
        def __init__(self, rate):
            self.rate = rate

        def forward(self, x):
            self.mask = (np.random.rand(*x.shape) > self.rate) / (1 - self.rate)
            return x * self.mask

        def backward(self, g):
            return g * self.mask

    class Softmax:
        def forward(self, x):
            e = np.exp(x - x.max(axis=1, keepdims=True))
            self.p = e / e.sum(axis=1, keepdims=True)
            return self.p

        def backward(self, g):
            return g  # the loss has it

    class First:
        def forward(self, x):
            self.out = x
            return x

        def backward(self, g):
            pass
    """
MISTAKES = [
    ("(1 - np.tanh(self.z) ** 2)", "(1 - np.tanh(self.z))"),
    ("np.tensordot(g[:, :, i, j], self.W, ([1], [0]))", "np.tensordot(g[:, :, i, j], -self.W, ([1], [0]))"),
    ("h - h.mean(axis=0) - self.n", "h - self.n"),
    ("return g * self.mask", "return g * (self.mask > 0)"),
]


def _checked(folder, source):
    path = folder / "library.py"
    path.write_text(textwrap.dedent(source))
    return gradcompare.check(path, examples=8)


def test_every_layer_of_a_library_is_run_and_what_belongs_to_the_loss_is_not_held_against_it(tmp_path):
    report = _checked(tmp_path, NETWORK)
    assert report.verdict == "agrees", str(report)
    for name in ("Full", "Slide", "Scale", "Thin"):
        assert name in " ".join(report.notes)


@pytest.mark.parametrize(("right", "wrong"), MISTAKES)
def test_a_mistake_in_what_no_network_reaches_is_found_at_its_line(tmp_path, right, wrong):
    assert NETWORK.count(right) == 1
    report = _checked(tmp_path, NETWORK.replace(right, wrong))
    assert report.verdict == "wrong", str(report)
    lines = textwrap.dedent(NETWORK.replace(right, wrong)).splitlines()
    assert report.first_fault is not None
    assert wrong in lines[report.first_fault.line - 1]


STEPS = """
    import numpy as np

    class Weights:
        def __init__(self, wide, units):
            self.w, self.b = np.random.randn(wide, units), np.zeros((1, units))
            self.vw = np.zeros_like(self.w)

        def forward(self, x):
            self.x = x
            return x @ self.w + self.b

        def backward(self, g, lr=0.1):
            dw, db = np.clip(self.x.T @ g, -0.5, 0.5), g.sum(axis=0, keepdims=True)
            dx = g @ self.w.T
            self.vw = 0.9 * self.vw - lr * (dw + 0.01 * self.w)
            self.w += self.vw
            self.b -= lr * db
            return dx

    class Bend:
        def forward(self, x):
            self.x = x
            return x * np.abs(x)

        def backward(self, g):
            return 2 * g * np.abs(self.x)
    """


def test_what_an_optimiser_adds_to_a_step_is_not_held_against_a_layer(tmp_path):
    from gradcompare.interfaces import alone
    from gradcompare.loading import load

    path = tmp_path / "steps.py"
    path.write_text(textwrap.dedent(STEPS))
    layers = {one.made.__name__: one for one in alone.program(load(path).names).holder.plan.pairs}
    assert set(layers["Weights"].shapes) == {"x", "b"}
    assert set(layers["Bend"].shapes) == {"x"}


LAZY = """
    import numpy as np

    class Whiten:
        def __init__(self, tiny=1e-6):
            self.tiny, self.scale, self.shift, self.seen = tiny, None, None, None

        def forward(self, x):
            if self.scale is None:
                self.scale, self.shift, self.seen = np.ones(x.shape[1]), np.zeros(x.shape[1]), np.zeros(x.shape[1])
            self.seen = 0.9 * self.seen + 0.1 * x.mean(axis=0)
            self.root = np.sqrt(x.var(axis=0) + self.tiny)
            self.n = (x - x.mean(axis=0)) / self.root
            return self.scale * self.n + self.shift

        def backward(self, g):
            self.dscale, self.dshift = (g * self.n).sum(axis=0), g.sum(axis=0)
            h = g * self.scale
            return (h - h.mean(axis=0) - self.n * (h * self.n).mean(axis=0)) / self.root

    class Mix:
        def __init__(self, units):
            self.units, self.p, self.g = units, {}, {}

        def forward(self, x):
            if not self.p:
                self.p["W"], self.p["b"] = np.random.randn(x.shape[1], self.units), np.zeros(self.units)
            self.x = x
            return x @ self.p["W"] + self.p["b"]

        def backward(self, grad):
            self.g["W"], self.g["b"] = self.x.T @ grad, grad.sum(axis=0)
            return grad @ self.p["W"].T
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("(g * self.n).sum(axis=0), g.sum", "(g * self.n * self.root).sum(axis=0), g.sum"),
        ("self.x.T @ grad, grad", "-self.x.T @ grad, grad"),
    ],
)
def test_parameters_may_be_made_in_the_first_forward_pass(tmp_path, right, wrong):
    assert LAZY.count(right) == 1
    path = tmp_path / "layers.py"
    path.write_text(textwrap.dedent(LAZY))
    report = gradcompare.check(path, examples=4)
    assert report.verdict == "agrees", str(report)
    path.write_text(textwrap.dedent(LAZY.replace(right, wrong)))
    report = gradcompare.check(path, examples=4)
    assert report.verdict == "wrong", str(report)
    assert wrong.split("(axis")[0] in report.first_fault.source


OF_A_MISSING_BASE = """
    import numpy as np
    from parts.base import Part
    from parts.starts import glorot

    class Mix(Part):
        def __init__(self, units_in, units_out):
            super(Mix, self).__init__("mix", units_out)
            self.held["w"], self.held["b"] = glorot(units_in, units_out), np.zeros(units_out)

        def forward(self, x):
            if not self.frozen:
                self.x = x
            return x @ self.held["w"] + self.held["b"]

        def backward(self, dout=1):
            self.grads["w"] = self.x.T @ dout
            self.grads["b"] = dout.sum(axis=0)
            return dout @ self.held["w"].T

    class Level(Part):
        def __init__(self, size):
            super().__init__()
            self.held["g"], self.held["s"] = np.ones(size), np.zeros(size)

        def forward(self, x):
            off = x - x.mean(axis=1, keepdims=True)
            self.root = np.sqrt(np.mean(off ** 2, axis=1, keepdims=True) + 1e-6)
            self.n = off / self.root
            return self.held["g"] * self.n + self.held["s"]

        def backward(self, dout=1):
            self.grads["g"], self.grads["s"] = (dout * self.n).sum(axis=0), dout.sum(axis=0)
            h = dout * self.held["g"]
            inner = (h * self.n).sum(axis=1, keepdims=True) / self.n.shape[1]
            return (h - h.mean(axis=1, keepdims=True) - self.n * inner) / self.root
"""


@pytest.mark.parametrize(
    ("right", "wrong", "part"),
    [
        ("self.x.T @ dout", "2 * self.x.T @ dout", "2 * self.x.T @ dout"),
        ("/ self.n.shape[1]", "/ self.n.shape[0]", "inner"),
    ],
)
def test_what_a_missing_base_holds_is_stood_in_for(tmp_path, right, wrong, part):
    assert OF_A_MISSING_BASE.count(right) == 1
    path = tmp_path / "layers.py"
    path.write_text(textwrap.dedent(OF_A_MISSING_BASE))
    report = gradcompare.check(path, examples=4)
    assert report.verdict == "agrees", str(report)
    assert "in place of Part stands a class that holds frozen, grads, held" in str(report)
    path.write_text(textwrap.dedent(OF_A_MISSING_BASE.replace(right, wrong)))
    report = gradcompare.check(path, examples=4)
    assert report.verdict == "wrong", str(report)
    assert part in report.first_fault.source


NORM_AND_ATTENTION = """
    import numpy as np

    class Linear:
        def __init__(self, in_dim, out_dim):
            self.W, self.b = np.random.randn(in_dim, out_dim), np.zeros(out_dim)
            self.beta1, self.mW = 0.9, np.zeros((in_dim, out_dim))

        def forward(self, x):
            self.x = x
            return x @ self.W + self.b

        def backward(self, dy):
            self.dW = self.x.reshape(-1, self.x.shape[-1]).T @ dy.reshape(-1, dy.shape[-1])
            self.db = dy.reshape(-1, dy.shape[-1]).sum(axis=0)
            return dy @ self.W.T

    class Norm:
        def __init__(self, n_channels, input_ndim):
            shape = (1, n_channels, 1, 1) if input_ndim == 4 else (1, n_channels)
            self.axes = (0, 2, 3) if input_ndim == 4 else 0
            self.gamma, self.beta, self.beta1, self.beta2 = np.ones(shape), np.zeros(shape), 0.9, 0.999
            self.dgamma, self.dbeta = np.zeros(shape), np.zeros(shape)

        def forward(self, x):
            self.s = np.sqrt(x.var(axis=self.axes, keepdims=True) + 1e-6)
            self.n = (x - x.mean(axis=self.axes, keepdims=True)) / self.s
            return self.gamma * self.n + self.beta

        def backward(self, dy):
            self.dgamma = np.sum(dy * self.n, axis=self.axes, keepdims=True)
            self.dbeta = np.sum(dy, axis=self.axes, keepdims=True)
            h = dy * self.gamma
            mean = lambda a: a.mean(axis=self.axes, keepdims=True)
            return (h - mean(h) - self.n * mean(h * self.n)) / self.s

    class Attention:
        def __init__(self, dim, n_heads):
            self.n_heads, self.head_dim = n_heads, dim // n_heads
            self.q, self.k, self.v = (Linear(dim, dim) for _ in range(3))

        def split(self, x):
            return x.reshape(*x.shape[:2], self.n_heads, self.head_dim).transpose(0, 2, 1, 3)

        def merge(self, x):
            return x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], -1)

        def forward(self, x):
            self.Q, self.K, self.V = (self.split(part.forward(x)) for part in (self.q, self.k, self.v))
            self.scale = 1 / np.sqrt(self.head_dim)
            scores = self.Q @ self.K.transpose(0, 1, 3, 2) * self.scale
            e = np.exp(scores - scores.max(axis=-1, keepdims=True))
            self.A = e / e.sum(axis=-1, keepdims=True)
            return self.merge(self.A @ self.V)

        def backward(self, dy):
            dO = self.split(dy)
            dV, dA = self.A.transpose(0, 1, 3, 2) @ dO, dO @ self.V.transpose(0, 1, 3, 2)
            dS = self.A * (dA - (dA * self.A).sum(axis=-1, keepdims=True))
            dQ = dS @ self.K * self.scale
            dK = dS.transpose(0, 1, 3, 2) @ self.Q * self.scale
            parts = zip((self.q, self.k, self.v), (dQ, dK, dV))
            return sum(part.backward(self.merge(d)) for part, d in parts)
"""


def test_heads_that_divide_a_width_and_numbers_beside_parameters_stop_no_layer(tmp_path):
    report = _checked(tmp_path, NORM_AND_ATTENTION)
    assert report.verdict == "agrees", str(report)
    assert "Linear, Norm, Attention, each on its own" in " ".join(report.notes)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("@ self.Q * self.scale", "@ self.Q"),
        ("self.n * mean(h * self.n)", "self.n * mean(h)"),
        ("np.sum(dy * self.n, axis", "np.sum(dy, axis"),
    ],
)
def test_mistakes_in_them_are_found(tmp_path, right, wrong):
    assert NORM_AND_ATTENTION.count(right) == 1
    report = _checked(tmp_path, NORM_AND_ATTENTION.replace(right, wrong))
    assert report.verdict == "wrong", str(report)


STAGE = """
    import numpy as np

    class Stage:
        def __init__(self, n_in, n_out):
            self.weights = np.random.randn(n_in + 1, n_out)

        def forward(self, x):
            self.x = np.hstack((x, np.ones((len(x), 1))))
            return self.x @ self.weights

        def backward(self, slope):
            self.gradient = self.x.T @ slope
            return slope @ self.weights[:-1].T
"""
MADE_OF_STAGES = """
    import numpy as np
    from squashing import Tanh
    from stage import Stage

    class Memory:
        def __init__(self, input_size, hidden_size, output_size):
            self.hidden_size = hidden_size
            self.inner, self.squash = Stage(hidden_size + input_size, hidden_size), Tanh()
            self.outer = Stage(hidden_size, output_size)

        def forward(self, x):
            h, self.given, self.made, out = np.zeros((1, self.hidden_size)), [], [], []
            for row in x:
                h = self.squash.forward(self.inner.forward(np.hstack((h, row[None]))))
                out.append(self.outer.forward(h)[0])
                self.given.append(self.inner.x)
                self.made.append(self.outer.x)
            return np.array(out)

        def backward(self, slope):
            dh, n = 0, self.hidden_size
            self.of_inner, self.of_outer = np.zeros_like(self.inner.weights), np.zeros_like(self.outer.weights)
            for t in reversed(range(len(slope))):
                self.outer.x, self.inner.x = self.made[t], self.given[t]
                d = (self.outer.backward(slope[t][None]) + dh) * (1 - self.made[t][:, :-1] ** 2)
                self.of_outer += self.outer.gradient
                dh = self.inner.backward(d)[:, :n]
                self.of_inner += self.inner.gradient
            self.gradient = self.of_inner
            return None
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("self.of_inner += self.inner.gradient", "self.of_inner = self.inner.gradient"),
        ("+ dh) * (1", ") * (1"),
    ],
)
def test_of_layers_that_a_layer_calls_over_and_over_the_sum_counts(tmp_path, right, wrong):
    assert MADE_OF_STAGES.count(right) == 1
    (tmp_path / "stage.py").write_text(textwrap.dedent(STAGE))
    report = _checked(tmp_path, MADE_OF_STAGES)
    assert report.verdict == "agrees", str(report)
    assert "Memory" in report.notes[-1]
    assert "Tanh, an object (tanh(z))" in str(report)
    report = _checked(tmp_path, MADE_OF_STAGES.replace(right, wrong))
    assert report.verdict == "wrong", str(report)


def test_what_agrees_in_other_files_alone_is_no_verdict(tmp_path):
    (tmp_path / "stage.py").write_text(textwrap.dedent(STAGE))
    report = _checked(tmp_path, MADE_OF_STAGES.replace("for row in x:", "for row in x.rows_that_it_has_not():"))
    assert report.verdict == "error", str(report)
    assert "stands in the files that this one imports" in str(report)
    assert "Memory.backward" in str(report)


WITH_DECAY = """
    import numpy as np

    class Dense:
        def __init__(self, n_in, n_out, l2_reg):
            self.W, self.l2_reg = np.random.randn(n_in, n_out), l2_reg

        def forward(self, x):
            self.x = x
            return x @ self.W

        def backward(self, slope):
            self.dW = self.x.T @ slope + self.l2_reg * self.W
            return slope @ self.W.T
"""


def test_a_term_that_no_output_knows_is_said_not_to_be_checked(tmp_path):
    report = _checked(tmp_path, WITH_DECAY)
    assert report.verdict == "agrees", str(report)
    assert any("l2_reg is 0 here" in note and "not checked" in note for note in report.notes)


CONVOLUTION = """
    class Moved:
        def __init__(self, in_channels, out_channels, kernel_size):
            self.size = kernel_size
            self.W = np.random.randn(out_channels, in_channels, kernel_size, kernel_size)
            self.b = np.zeros(out_channels)
            self.dLdW, self.dLdb = np.zeros(self.W.shape), np.zeros(self.b.shape)

        def forward(self, A):
            self.A = A
            n = A.shape[2] - self.size + 1
            Z = np.zeros((len(A), len(self.W), n, n))
            for i in range(n):
                for j in range(n):
                    part = A[:, :, i : i + self.size, j : j + self.size]
                    Z[:, :, i, j] = np.tensordot(part, self.W, ([1, 2, 3], [1, 2, 3])) + A.shape[1] * self.b
            return Z

        def backward(self, dLdZ):
            dLdA = np.zeros(self.A.shape)
            self.dLdW, self.dLdb = np.zeros(self.W.shape), np.zeros(self.b.shape)
            for i in range(dLdZ.shape[2]):
                for j in range(dLdZ.shape[3]):
                    here, slope = np.s_[:, :, i : i + self.size, j : j + self.size], dLdZ[:, :, i, j]
                    self.dLdW += np.tensordot(slope, self.A[here], ([0], [0]))
                    self.dLdb += self.A.shape[1] * slope.sum(axis=0)
                    dLdA[here] += np.tensordot(slope, self.W, ([1], [0]))
            return dLdA
"""


@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        ("self.A[here], ([0], [0])", "np.abs(self.A[here]), ([0], [0])", "dW_Moved"),
        ("self.dLdb += self.A.shape[1] *", "self.dLdb += len(self.W) *", "db_Moved"),
    ],
    ids=["what is stored of a gradient is no parameter", "as many units as inputs are one number of two"],
)
def test_what_all_axes_alike_would_hide_is_found(tmp_path, right, wrong, name):
    assert _checked(tmp_path, CONVOLUTION).verdict == "agrees"
    report = _checked(tmp_path, CONVOLUTION.replace(right, wrong))
    assert report.verdict in ("wrong", "scaled"), str(report)
    assert name in {finding.name for finding in report.tensors if finding.verdict == "fault"}
