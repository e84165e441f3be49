"""Networks whose arrays lie in objects, and training data in pairs. Of each the right one agrees, and a mistake is
found at its line."""

from tests.habits import Habit, agrees_and_is_found

TWO_LISTS = Habit(
    """
    class Regressor:
        def __init__(self, n_inputs=2, first_width=3, num_hidden_layers=1, width=4, n_outputs=1):
            self.units = [first_width] + [width] * num_hidden_layers + [n_outputs]
            before = [n_inputs] + self.units[:-1]
            self.weights = [np.random.randn(n, k) for k, n in zip(before, self.units)]
            self.biases = [np.random.randn(n, 1) for n in self.units]

        def squash(self, z):
            return 1 / (1 + np.exp(-z))

        def forward(self, x):
            sums, outs = [], [x]
            for w, b in zip(self.weights, self.biases):
                sums.append(w @ outs[-1] + b)
                outs.append(self.squash(sums[-1]))
            return sums, outs

        def backward(self, x, y, sums, outs):
            slope = lambda z: self.squash(z) * (1 - self.squash(z))
            nabla_w, nabla_b = [0] * len(self.weights), [0] * len(self.biases)
            delta = (outs[-1] - y) * slope(sums[-1])
            for i in range(len(self.units) - 1, -1, -1):
                nabla_w[i], nabla_b[i] = delta @ outs[i].T, delta
                if i > 0:
                    delta = (self.weights[i].T @ delta) * slope(sums[i - 1])
            return nabla_b, nabla_w

        def learn_from(self, batch, rate):
            for x, y in batch:
                nabla_b, nabla_w = self.backward(x, y, *self.forward(x))
                self.weights = [w - rate * d for w, d in zip(self.weights, nabla_w)]
                self.biases = [b - rate * d for b, d in zip(self.biases, nabla_b)]
    """,
    "(self.weights[i].T @ delta) * slope(sums[i - 1])",
    "(self.weights[i].T @ delta) * slope(outs[i])",
)


def test_forward_may_return_two_lists_and_a_constructor_count_its_hidden_layers(tmp_path):
    agrees_and_is_found(tmp_path, TWO_LISTS)


LINKED = Habit(
    """
    def squash(z):
        return 1 / (1 + np.exp(-z))

    class Net:
        class Stage:
            def __init__(self, width, below):
                self.width, self.below, self.above = width, below, None
                if below is not None:
                    below.above = self
                    self.w, self.b = np.random.randn(width, below.width), np.random.randn(width, 1)

            def run(self, x):
                self.a = x if self.below is None else squash(self.w @ x + self.b)
                return self.a if self.above is None else self.above.run(self.a)

            def back(self, y, gradients):
                if self.below is None:
                    return
                error = self.a - y if self.above is None else self.above.w.T @ self.above.delta
                self.delta = error * self.a * (1 - self.a)
                gradients.insert(0, [None, None])
                gradients[0][0] = self.delta
                gradients[0][1] = self.delta @ self.below.a.T
                self.below.back(y, gradients)

        def __init__(self, sizes):
            self.stages = []
            for size in sizes:
                self.stages.append(self.Stage(size, self.stages[-1] if self.stages else None))
            self.first, self.last = self.stages[0], self.stages[-1]

        def predict(self, x):
            return self.first.run(x)

        def descend(self, training_data, epochs, learning_rate):
            count = len(training_data)
            for _ in range(epochs):
                gradients = []
                for x, y in training_data:
                    self.first.run(x)
                    self.last.back(y, gradients)
                    for i in range(1, len(self.stages)):
                        self.stages[i].b = self.stages[i].b - learning_rate / count * gradients[i - 1][0]
                        self.stages[i].w = self.stages[i].w - learning_rate / count * gradients[i - 1][1]

        def cost(self, data):
            total = 0
            for x, y in data:
                total = total + (y - self.predict(x)) ** 2 / 2
            return total[0]
    """,
    "error * self.a * (1 - self.a)",
    "error * squash(self.a) * (1 - squash(self.a))",
)


def test_layers_may_know_their_neighbours_and_a_cost_that_is_one_of_one_output_be_given_pairs(tmp_path):
    agrees_and_is_found(tmp_path, LINKED)
