"""Objects whose constructor is handed all that they work on: arrays, samples, and the widths of them too."""

from tests.habits import Habit, agrees_and_is_found

ARRAYS_SAMPLES_AND_WIDTHS = Habit(
    """
    class Net:
        def __init__(self, input_mat, w1, b1, w2, b2, hidden, output):
            self.input_mat, self.hidden, self.output = input_mat, hidden, output
            self.w1, self.b1, self.w2, self.b2 = w1, b1, w2, b2

        def forward(self, input_mat):
            self.a1 = np.tanh(input_mat @ self.w1 + self.b1)
            self.a2 = 1 / (1 + np.exp(-(self.a1 @ self.w2 + self.b2)))
            return self.a2

        def backward(self, y_true, y_pred):
            m = y_true.shape[0]
            dz2 = y_pred - y_true
            dz1 = dz2 @ self.w2.T * (1 - self.a1**2)
            self.dw2, self.db2 = self.a1.T @ dz2 / m, dz2.sum(axis=0, keepdims=True) / m
            self.dw1, self.db1 = self.input_mat.T @ dz1 / m, dz1.sum(axis=0, keepdims=True) / m
            return self.dw1, self.db1, self.dw2, self.db2


    if __name__ == "__main__":
        x, t = np.random.rand(1, 30), np.eye(10)[[3]]
        net = Net(x, np.random.rand(30, 20), np.zeros((1, 20)), np.random.rand(20, 10), np.zeros((1, 10)), 20, 10)
        net.backward(t, net.forward(x))
    """,
    "dz1 = dz2 @ self.w2.T * (1 - self.a1**2)",
    "dz1 = dz2 @ self.w2.T * (1 - self.a1)",
)


def test_arrays_beside_samples_and_widths(tmp_path):
    agrees_and_is_found(tmp_path, ARRAYS_SAMPLES_AND_WIDTHS)
