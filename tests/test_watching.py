"""Every array that code makes is seen, with its line and what the name held when it counted."""

import linecache
import textwrap

import numpy as np
import pytest

from gradcompare.checking.watching import Watcher, copy_of

A = np.arange(6.0).reshape(2, 3)


def watch(source, *arguments, function="f", has_begun=lambda names: True, **keywords):
    """Run the function of a source text; [(name, line of the text, settled)] and the values."""
    text = textwrap.dedent(source).lstrip("\n")
    file = f"<watched {abs(hash(text))}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    names = {"np": np, "__name__": "subject"}
    exec(compile(text, file, "exec"), names)
    with Watcher({file}, copy_of, lambda: has_begun(names)) as watcher:
        names[function](*arguments, **keywords)
    return watcher.sightings


def places(sightings, *, settled_only=True):
    return [(s.name, s.line) for s in sightings if s.settled or not settled_only]


def test_assignments_stores_attributes_and_results_are_seen():
    seen = watch(
        """
        class Net: pass
        def f(A):
            net, grads = Net(), {}
            B = A * 2
            grads["dW"] = B + 1
            net.cache = {"Z": B - 1}
            net.W = A @ A.T
            return A.sum(axis=0), B
        """,
        A,
    )
    assert places(seen) == [
        ("B", 4),
        ("grads['dW']", 5),
        ("net.cache['Z']", 6),
        ("net.W", 7),
        ("return[0]", 8),
    ]
    np.testing.assert_array_equal(seen[1].value, A * 2 + 1)


def test_a_value_built_over_several_lines_counts_when_it_is_whole():
    seen = watch(
        """
        def f(dA, Z):
            dZ = np.array(dA)
            dZ[Z <= 2] = 0
            dW = dZ @ dZ.T
            dW /= 3
            dW += 0.1 * dW
            return dW
        """,
        A,
        A,
    )
    assert places(seen) == [("dZ", 3), ("dW", 6)]
    assert places(seen, settled_only=False) == [("dZ", 2), ("dZ", 3), ("dW", 4), ("dW", 5), ("dW", 6)]
    np.testing.assert_array_equal(seen[1].value, np.where(A <= 2, 0, A))


def test_a_value_that_something_was_computed_from_counts_even_if_it_is_changed_later():
    seen = watch(
        """
        def f(A):
            d = A + 1
            B = d * 2
            d -= 1
            return B, d
        """,
        A,
    )
    assert places(seen) == [("d", 2), ("B", 3), ("d", 4)]


def test_in_loops_each_binding_counts():
    seen = watch(
        """
        def f(A):
            for l in range(3):
                dZ = A * l
                dZ *= 2
            return dZ
        """,
        A + 1,
    )
    assert places(seen) == [("dZ", 3), ("dZ", 4), ("dZ", 4)]  # the first time, 0 * 2 changes nothing
    assert [s.occurrence for s in seen if s.line == 3] == [1, 2, 3]
    assert len({s.key for s in seen}) == len(seen)


def test_an_alias_that_is_written_into_is_seen_under_the_name_that_is_written():
    seen = watch(
        """
        def f(p):
            d = p
            d[0] -= 1
            return d
        """,
        A.copy(),
    )
    assert [(s.name, s.line) for s in seen] == [("d", 2), ("d", 3)]


def test_what_a_called_function_stores_is_seen_on_its_own_line_alone():
    seen = watch(
        """
        class Layer:
            def backward(self, d):
                self.dx = d * 2
        class Net:
            def __init__(self): self.layer = Layer()
            def backward(self, d):
                self.layer.backward(d)
                self.kept = self.layer.dx
        def f(d):
            Net().backward(d)
        """,
        A,
    )
    assert places(seen) == [("self.dx", 3), ("self.kept", 8)]


def test_calls_are_known_by_their_lines_and_only_of_watched_files():
    seen = watch(
        """
        def helper(A):
            out = np.outer(A[0], A[0])
            return out
        def f(A):
            B = helper(A)
            return np.apply_along_axis(lambda x: x * 2, 0, B)
        """,
        A,
    )
    assert [(s.name, s.line, s.calls) for s in seen][:2] == [("out", 2, (5,)), ("B", 5, ())]
    assert all(s.function in {"helper", "f", "<lambda>"} for s in seen)


def test_plain_numbers_that_a_line_reads_are_noted():
    seen = watch("def f(A):\n    m = 3\n    reg = 0.5\n    dW = A / m + reg * A\n    return dW\n", A)
    assert seen[-1].constants == {"m": 3.0, "reg": 0.5}
    assert seen[-1].source == "dW = A / m + reg * A"


def test_statements_over_several_lines_are_one():
    seen = watch(
        """
        def f(A):
            B = np.dot(
                A,
                A.T,
            ) / 3
            return B
        """,
        A,
    )
    assert [s.name for s in seen] == ["B"]
    assert seen[0].line in range(2, 6)


def test_code_that_raises_leaves_no_trace_function_behind():
    import sys

    before = sys.gettrace()
    with pytest.raises(ZeroDivisionError):
        watch("def f(A):\n    B = A * 2\n    return 1 / 0\n", A)
    assert sys.gettrace() is before


def test_what_comes_before_the_beginning_is_not_looked_at():
    seen = watch(
        """
        begun = []
        def prepared(A):
            B = A * 2
            return B
        def f(A):
            B = prepared(A)
            C = B + 1
            begun.append(True)
            D = C + 1
            C = D * D
            E = prepared(C)
        """,
        A,
        has_begun=lambda names: names["begun"],
    )
    assert places(seen) == [("D", 9), ("C", 10), ("B", 3), ("E", 11)]


def test_arrays_among_many_plain_things_are_seen():
    seen = watch(
        """
        def f(A):
            mixed = [1, "a", None, (2.0, A * 2)]
            return None
        """,
        A,
    )
    assert places(seen) == [("mixed[3][1]", 2)]
