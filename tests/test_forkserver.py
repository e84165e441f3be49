"""Children for files under test are copies of one process that has loaded torch; what one does no other sees."""

import os
import signal

import pytest

from gradcompare import check
from gradcompare.checking import forkserver, isolation

pytestmark = pytest.mark.skipif(not forkserver.IS_POSSIBLE, reason="children are forked on Linux alone")

RIGHT = """
import os
import numpy as np

def forward(X, W):
    {first}
    return W @ X

def cost(A, Y):
    return np.sum((A - Y) ** 2) / 2

def backward(X, Y, W):
    return (forward(X, W) - Y) @ X.T
"""


@pytest.fixture
def checked(tmp_path):
    def check_of(first="pass", name="net.py"):
        file = tmp_path / name
        file.write_text(RIGHT.format(first=first))
        return check(file, examples=4)

    return check_of


def test_one_server_forks_a_child_for_each_file(checked):
    assert checked().verdict == "agrees"
    server = forkserver.fork_server()
    assert checked(name="other.py").verdict == "agrees"
    assert forkserver.fork_server() is server


def test_what_a_file_changes_is_its_own(checked, tmp_path):
    """The number that a file gives NumPy, and a variable that it sets, are not there in the next."""
    assert checked("assert 1 == 2").verdict == "error"  # what is asked below is asked
    assert checked("np.pi = 4; os.environ['OF_A_FILE'] = 'set'").verdict == "agrees"
    found = checked("assert np.pi < 4 and 'OF_A_FILE' not in os.environ")
    assert found.verdict == "agrees", found.notes


def test_a_child_stands_where_its_parent_stands_when_it_is_asked(checked, tmp_path, monkeypatch):
    checked()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("OF_THE_PARENT", "set")
    found = checked(f"assert (os.getcwd(), os.environ['OF_THE_PARENT']) == ({str(tmp_path / 'elsewhere')!r}, 'set')")
    assert found.verdict == "agrees", found.notes


def test_a_server_that_was_ended_is_started_again(checked):
    checked()
    server = forkserver.fork_server()
    server.close()
    assert checked().verdict == "agrees"
    assert forkserver.fork_server() is not server


@pytest.mark.parametrize("possible", [True, False])
def test_how_a_child_ended_is_known_and_it_is_ended_when_closed(monkeypatch, possible):
    monkeypatch.setattr(forkserver, "IS_POSSIBLE", possible)
    with isolation.Child(timeout=30) as child:
        child.leave_out_guards(True)  # it has started
        number = child._process.number
        os.kill(number, signal.SIGTERM)
        assert child._process.status() == -signal.SIGTERM
    with isolation.Child(timeout=30) as child:
        child.leave_out_guards(True)
        number = child._process.number
    assert child._process.status() == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_an_answer_that_nobody_waited_for_is_not_taken_for_another():
    """As where the wait for a child's end is interrupted in a process that goes on, a notebook."""
    server = forkserver.fork_server()
    with isolation.Child(timeout=30) as first, isolation.Child(timeout=30) as second:
        for child, sent in ((first, signal.SIGTERM), (second, signal.SIGKILL)):
            child.leave_out_guards(True)
            os.kill(child._process.number, sent)
        server._channel.sendall(f'{{"ended": {first._process.number}}}'.encode())
        assert server.status(second._process.number) == -signal.SIGKILL
