"""Nodes that are made of the nodes before them: each is held on its own against the derivative of its value, in its
author's own words."""

import pytest

from tests.habits import checked

GRAPH = """
    class Node:
        def __init__(self, before=[]):
            self.before, self.after = before, []
            self.held, self.slopes = None, {}
            for node in before:
                node.after.append(self)

        def forward(self):
            raise NotImplementedError

        def backward(self):
            raise NotImplementedError

    class Input(Node):
        def __init__(self):
            Node.__init__(self)

        def forward(self, value=None):
            if value is not None:
                self.held = value

        def backward(self):
            self.slopes = {self: 0}
            for node in self.after:
                self.slopes[self] += node.slopes[self]

    class Linear(Node):
        def __init__(self, X, W, b):
            Node.__init__(self, [X, W, b])

        def forward(self):
            self.held = np.dot(self.before[0].held, self.before[1].held) + self.before[2].held

        def backward(self):
            self.slopes = {node: np.zeros_like(node.held) for node in self.before}
            for node in self.after:
                g = node.slopes[self]
                self.slopes[self.before[0]] += np.dot(g, self.before[1].held.T)
                self.slopes[self.before[1]] += np.dot(self.before[0].held.T, g)
                self.slopes[self.before[2]] += np.sum(g, axis=0, keepdims=False)

    class Sigmoid(Node):
        def __init__(self, node):
            Node.__init__(self, [node])

        def forward(self):
            self.held = 1 / (1 + np.exp(-self.before[0].held))

        def backward(self):
            self.slopes = {node: np.zeros_like(node.held) for node in self.before}
            for node in self.after:
                self.slopes[self.before[0]] += self.held * (1 - self.held) * node.slopes[self]

    class MeanSquares(Node):
        def __init__(self, y, a):
            Node.__init__(self, [y, a])

        def forward(self):
            self.off = self.before[0].held.reshape(-1, 1) - self.before[1].held.reshape(-1, 1)
            self.held = np.mean(self.off**2)

        def backward(self):
            self.slopes[self.before[0]] = 2 / len(self.off) * self.off
            self.slopes[self.before[1]] = -2 / len(self.off) * self.off

    def there_and_back(graph):
        for node in graph:
            node.forward()
        for node in graph[::-1]:
            node.backward()

    def descend(trained, learning_rate=1e-2):
        for node in trained:
            node.held -= learning_rate * node.slopes[node]
"""
MISTAKES = {
    "dW_Linear": ("np.dot(self.before[0].held.T, g)", "np.dot(np.abs(self.before[0].held).T, g)"),
    "db_Linear": ("np.sum(g, axis=0, keepdims=False)", "np.mean(g, axis=0, keepdims=False)"),
    "dnode_Sigmoid": ("self.held * (1 - self.held) * node", "self.held * (1 + self.held) * node"),
    "da_MeanSquares": ("= -2 / len(self.off) * self.off", "= 2 / len(self.off) * self.off"),
}


def test_every_node_is_right(tmp_path):
    report = checked(tmp_path, GRAPH)
    assert report.verdict == "agrees", str(report)
    assert {finding.name for finding in report.tensors} >= {"dX_Linear", *MISTAKES}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_node_is_found(tmp_path, name):
    right, wrong = MISTAKES[name]
    assert GRAPH.count(right) == 1
    report = checked(tmp_path, GRAPH.replace(right, wrong))
    assert report.verdict == "wrong", str(report)
    assert {finding.name for finding in report.tensors if finding.verdict == "fault"} == {name}
