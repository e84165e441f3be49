"""The fast engine: the gradients of `manual` and of autograd at any width of block and number of threads."""

import contextlib
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import manual
from manual import fused
from manual.fused.blocks import Worker
from manual.fused.sharing import plan
from manual.fused.threads import ALL_THREADS_PER_PRODUCT, ONE_THREAD_PER_PRODUCT, available
from tests.oracles import assert_agree, by_autograd, by_hand
from tests.strategies import HOSTILE, KINKED, PAIRS, Case, cases, whole
from tests.test_validation import SHAPES, TYPES, network

PRECISIONS = pytest.mark.parametrize("dtype", [np.float64, np.float32])
ways = st.builds(dict, threads=st.integers(1, 3), width=st.integers(1, 9))


def workspace_for(case, **options):
    sizes = (case.X.shape[0], *(len(case.parameters[f"b{i}"]) for i in range(1, len(case.activations) + 1)))
    return fused.Workspace(sizes, case.activations, case.loss, dtype=case.X.dtype, **options)


def problem(m, sizes=(3, 5, 2), activations=("tanh", "softmax"), dtype=np.float64):
    generator = np.random.default_rng(m)
    parameters = manual.random_parameters(sizes, scale=1.0, seed=1)
    Y = np.eye(sizes[-1])[:, generator.integers(0, sizes[-1], m)]
    return Case(parameters, generator.standard_normal((sizes[0], m)), Y, activations, "cross_entropy").at(dtype)


def assert_fused_agrees(case, gradients):
    mine = by_hand(case)
    assert list(gradients) == [name for name in mine if re.match("d[Wb]", name)]
    assert all(array.dtype == case.X.dtype for array in gradients.values())
    assert_agree(case, mine, mine | gradients)
    assert_agree(case, mine | gradients, by_autograd(case))


@PRECISIONS
@given(case=cases())
def test_gradients_match_manual_and_autograd(dtype, case):
    case = case.at(dtype)
    assert_fused_agrees(case, fused.gradients(*case.arguments))


@PRECISIONS
@given(case=cases(numbers=HOSTILE, hollow=True, samples=(1, 20)), way=ways)
def test_hostile_networks_in_blocks_and_threads(dtype, case, way):
    case = case.at(dtype)
    workspace = workspace_for(case, width=way["width"])
    share_out(workspace, way["threads"])
    assert_fused_agrees(case, workspace.gradients(case.parameters, case.X, case.Y))


def share_out(workspace, threads, products=ONE_THREAD_PER_PRODUCT):
    """As if it were worth so many threads."""

    def prepare(m):
        alone = plan(workspace.sizes, workspace.dtype.itemsize, m, 1, 1)
        workspace.m, workspace.plan = m, alone._replace(threads=min(m, threads), products=products)
        workspace.workers = [
            Worker(workspace.sizes, workspace.shapes, workspace.dtype) for _ in range(workspace.plan.threads)
        ]

    workspace._prepare = prepare
    return workspace


@given(case=cases(hidden=KINKED, pairs=(("squared_error", "relu"),), numbers=(whole,), samples=(4, 4)))
def test_slopes_at_exactly_zero_are_those_of_the_notes(case):
    exact = Case(case.parameters, case.X, np.round(case.Y), ("relu",) * len(case.activations), case.loss)
    gradients, theirs = fused.gradients(*exact.arguments), by_autograd(exact, "notes")
    for name, array in gradients.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)


@PRECISIONS
@pytest.mark.parametrize(("loss", "output"), PAIRS)
@pytest.mark.parametrize("hidden", manual.ACTIVATIONS)
def test_large_enough_for_every_thread(hidden, loss, output, dtype):
    """Several blocks on each thread, of the width that the plan has."""
    generator = np.random.default_rng(0)
    m, parameters = 40_000, manual.random_parameters((2, 6, 3), scale=1.0, seed=1)
    Y = np.eye(3)[:, generator.integers(0, 3, m)]
    case = Case(parameters, generator.standard_normal((2, m)), Y, (hidden, output), loss).at(dtype)
    workspace = share_out(workspace_for(case), 2)
    assert_fused_agrees(case, workspace.gradients(case.parameters, case.X, case.Y))


def test_far_tails_of_sigmoid_neither_overflow_nor_lose_digits():
    parameters = {"W1": np.array([[1.0]], np.float32), "b1": np.zeros((1, 1), np.float32)}
    X, Y = np.array([[-1e4]], np.float32), np.zeros((1, 1), np.float32)
    assert fused.gradients(parameters, X, Y, ("sigmoid",))["db1"] == 0
    X = np.array([[-60.0]], np.float32)
    assert fused.gradients(parameters, X, Y, ("sigmoid",))["db1"] == pytest.approx(np.exp(-60), rel=1e-6, abs=0)


def test_results_are_new_arrays_and_arguments_are_left_alone():
    case = problem(50)
    for array in (*case.parameters.values(), case.X, case.Y):
        array.flags.writeable = False
    first = fused.gradients(*case.arguments)
    copies = {name: array.copy() for name, array in first.items()}
    other = problem(51)
    second = fused.gradients(other.parameters, other.X, other.Y, other.activations, other.loss)
    for name, array in first.items():
        np.testing.assert_array_equal(array, copies[name])
        assert array.flags.owndata
        assert not any(np.shares_memory(array, later) for later in second.values())


WAYS = [(1, None), (2, ONE_THREAD_PER_PRODUCT), (3, ONE_THREAD_PER_PRODUCT), (1, ALL_THREADS_PER_PRODUCT)]


@pytest.mark.parametrize(("threads", "products"), WAYS)
def test_repeats_to_the_last_bit(threads, products):
    case, small = problem(40_000, sizes=(30, 50, 2)), problem(7, sizes=(30, 50, 2))
    first, second, used = (share_out(workspace_for(case), threads, products) for _ in range(3))
    used.gradients(small.parameters, small.X, small.Y)
    results = [workspace.gradients(case.parameters, case.X, case.Y) for workspace in (first, second, used)]
    for name, array in results[0].items():
        assert all(array.tobytes() == result[name].tobytes() for result in results[1:])


def test_the_plan_is_the_way_that_takes_least():
    """Alone where little is to be done, products side by side where they are large, samples where there are many."""
    ways = {
        m: [plan(sizes, 4, m, 2, 2)[::2] for sizes in ((2, 4, 1), (32, 64, 1), (784, 128, 10), (256, 1024, 1))]
        for m in (1, 128, 100_000)
    }
    alone, spread, shared = (1, ONE_THREAD_PER_PRODUCT), (1, ALL_THREADS_PER_PRODUCT), (2, ONE_THREAD_PER_PRODUCT)
    assert ways == {
        1: [(1, None), (1, None), spread, spread],
        128: [(1, None), alone, spread, spread],
        100_000: [alone, shared, shared, shared],
    }
    one = [plan((256, 1024, 1), 4, m, 1, 2) for m in (128, 100_000)]
    assert {(p.threads, p.products) for p in one} == {alone}  # who asked for one thread gets no more


def test_callers_on_several_threads_do_not_meet():
    problems = [problem(m) for m in (1, 8, 60_000)] * 4 + [problem(16, sizes=(784, 128, 10))] * 4
    alone = [fused.gradients(*case.arguments) for case in problems]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda case: fused.gradients(*case.arguments), problems))
    for one, other in zip(alone, together, strict=True):
        for name, array in one.items():
            np.testing.assert_array_equal(array, other[name])


def test_blas_has_its_threads_back_afterwards():
    before = available.__wrapped__()
    with ONE_THREAD_PER_PRODUCT, ONE_THREAD_PER_PRODUCT:
        assert available.__wrapped__() == 1
    assert available.__wrapped__() == before


def test_a_fork_forgets_who_was_in():
    """A child has none of its parent's threads: what they hold must not keep it waiting."""
    case = problem(2000, sizes=(300, 300, 2))
    expected, before = fused.gradients(*case.arguments), available.__wrapped__()
    with ONE_THREAD_PER_PRODUCT:
        child = os.fork()
        if not child:  # and nothing but _exit may end it
            with contextlib.suppress(BaseException):
                signal.alarm(30)
                with ALL_THREADS_PER_PRODUCT:
                    restored = available.__wrapped__() == before
                got = workspace_for(case, threads=2).gradients(case.parameters, case.X, case.Y)
                os._exit(0 if restored and np.allclose(got["dW1"], expected["dW1"]) else 1)
            os._exit(2)
        _, status = os.waitpid(child, 0)
    assert status == 0


def test_samples_from_a_file(tmp_path):
    case = problem(1000)
    mapped = np.memmap(tmp_path / "X", np.float64, "w+", shape=case.X.shape)
    mapped[...] = case.X
    expected, workspace = fused.gradients(*case.arguments), workspace_for(case)
    for gradients in (
        fused.gradients(case.parameters, mapped, case.Y, case.activations),
        workspace.gradients(case.parameters, mapped, case.Y),
    ):
        for name, array in gradients.items():
            assert type(array) is np.ndarray
            np.testing.assert_array_equal(array, expected[name])


@pytest.mark.parametrize("arrange", [np.asfortranarray, lambda array: np.repeat(array, 2, axis=1)[:, ::2]])
def test_any_arrangement_in_memory(arrange):
    case = problem(500)
    expected = fused.gradients(*case.arguments)
    parameters = {name: arrange(array) for name, array in case.parameters.items()}
    for name, array in fused.gradients(parameters, arrange(case.X), arrange(case.Y), case.activations).items():
        np.testing.assert_array_equal(array, expected[name])


def test_memory_does_not_grow_with_m():
    workspace = workspace_for(problem(1), threads=2)
    entries = []
    for m in (200_000, 400_000):
        case = problem(m)
        workspace.gradients(case.parameters, case.X, case.Y)
        entries.append(sum(worker.memory.size for worker in workspace.workers))
    assert entries[1] <= entries[0] * 1.1
    assert entries[1] * 8 < 4 * 2**20


@pytest.mark.parametrize("fusing", [False, True])
@PRECISIONS
def test_descent_takes_the_same_steps(dtype, fusing):
    case = problem(30, dtype=dtype)
    options = {"activations": case.activations, "learning_rate": 0.5, "iterations": 20}
    after, costs = manual.gradient_descent(case.parameters, case.X, case.Y, fused=fusing, **options)
    expected, theirs = manual.gradient_descent(case.parameters, case.X, case.Y, **options)
    digits = {"rtol": 1e3 * np.finfo(dtype).eps, "atol": 1e3 * np.finfo(dtype).eps}
    assert set(after) == set(expected)
    np.testing.assert_allclose(costs, theirs, **digits)
    for name, array in after.items():
        assert array.dtype == dtype
        np.testing.assert_allclose(array, expected[name], **digits)


def test_a_workspace_starts_steps_and_tells():
    case = problem(30)
    workspace = workspace_for(case)
    workspace.start(case.parameters)
    J = workspace.step(case.X, case.Y, 0.5)
    assert pytest.approx(float(by_hand(case)["J"]), rel=1e-12) == J
    gradients = fused.gradients(*case.arguments)
    for name, array in workspace.now().items():
        np.testing.assert_allclose(array, case.parameters[name] - 0.5 * gradients[f"d{name}"], rtol=1e-12, atol=1e-15)


def run(arrays, activations=("tanh", "sigmoid"), loss="cross_entropy"):
    parameters = {name: array for name, array in arrays.items() if name not in ("X", "Y")}
    return fused.gradients(parameters, arrays["X"], arrays["Y"], activations, loss)


@pytest.mark.parametrize("case", SHAPES)
def test_wrong_shapes_are_refused_in_the_words_of_manual(case):
    changes, message = SHAPES[case]
    run(network())
    with pytest.raises(ValueError, match=message):
        run(network() | changes)


@pytest.mark.parametrize("case", TYPES)
def test_wrong_types_are_refused_in_the_words_of_manual(case):
    changes, message = TYPES[case]
    run(network())
    with pytest.raises(TypeError, match=message.replace("Z2", "X")):
        run(network() | changes)


def test_wrong_names_are_refused():
    with pytest.raises(ValueError, match="the output has the activation 'swish'"):
        run(network(), ("tanh", "swish"))
    with pytest.raises(ValueError, match="these pairs have one"):
        run(network(), ("tanh", "relu"))
    with pytest.raises(ValueError, match="these pairs have one"):
        fused.Workspace((2, 3, 1), ("tanh", "relu"))


@pytest.mark.parametrize("m", [5, 200_000])
def test_labels_that_are_no_distribution_are_refused_on_any_thread(m):
    case = problem(m)
    case.Y[:, -1] = 1
    with pytest.raises(ValueError, match="Y has a column whose sum is not 1"):
        fused.gradients(*case.arguments)


def test_a_workspace_is_for_one_network():
    case = problem(5)
    workspace = fused.Workspace((3, 4, 2), case.activations)
    with pytest.raises(ValueError, match=r"this workspace is for a network of sizes \(3, 4, 2\) in float64"):
        workspace.gradients(case.parameters, case.X, case.Y)
