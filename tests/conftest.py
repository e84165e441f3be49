"""Profiles and strictness only."""

import linecache
import os
import signal
import sys

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")  # the tests run side by side; set before NumPy and torch look

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background; what is interrupted inherits it
    signal.signal(signal.SIGINT, signal.default_int_handler)

import numpy as np
import pytest
from hypothesis import settings

from gradcompare.checking import defects

default, ci = settings.get_profile("default"), settings.get_profile("ci")
settings.register_profile("dev", parent=default, deadline=None)
settings.register_profile("ci", parent=ci, max_examples=200)
settings.register_profile("nightly", parent=default, deadline=None, print_blob=True, max_examples=5_000)
settings.load_profile(os.getenv("HYPOTHESIS_PROFILE", "ci" if os.getenv("CI") else "dev"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long searches run where they are asked for: HYPOTHESIS_PROFILE=nightly, or -m long."""
    if os.getenv("HYPOTHESIS_PROFILE") == "nightly" or config.getoption("-m"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]


@pytest.fixture(autouse=True)
def numpy_errors_are_errors():
    """Overflow, division by zero and invalid operations must be meant: tests that mean them say so with np.errstate."""
    with np.errstate(over="raise", divide="raise", invalid="call", call=_invalid):
        yield


@pytest.fixture(autouse=True)
def defects_are_raised(monkeypatch: pytest.MonkeyPatch):
    """What users are told in a note, a defect in what explains a verdict, is an error here."""
    monkeypatch.setattr(defects, "EXCUSED", False)


def _invalid(kind: str, _flag: int) -> None:
    """A product of float32 matrices may say so of numbers beside the arrays, which BLAS's kernels compute with as well;
    what is invalid in the arrays themselves is NaN, and no test takes NaN for right."""
    line = linecache.getline(sys._getframe(1).f_code.co_filename, sys._getframe(1).f_lineno)
    if " @ " not in line and "dot(" not in line and "matmul(" not in line:
        raise FloatingPointError(f"{kind} encountered")
