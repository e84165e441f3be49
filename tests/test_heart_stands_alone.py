"""`manual` needs NumPy alone, `torch_ref` torch alone, and what their docstrings show is so."""

import doctest
import subprocess
import sys

import pytest

import manual.initialisation
import manual.network

STRANGERS = {"manual": ("torch", "gradcompare", "hypothesis", "torch_ref"), "torch_ref": ("manual", "gradcompare")}


@pytest.mark.parametrize("package", STRANGERS)
def test_importing_it_loads_no_stranger(package):
    code = f"import sys, {package}; print([name for name in {STRANGERS[package]} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("module", [manual, manual.network, manual.initialisation])
def test_examples_in_docstrings_are_right(module):
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0
