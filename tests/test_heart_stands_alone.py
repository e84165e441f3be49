"""`manual` needs NumPy alone, `torch_ref` torch alone, and what their docstrings show is so; imports run downwards."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gradcompare
import manual.initialisation
import manual.network

STRANGERS = {"manual": ("torch", "gradcompare", "hypothesis", "torch_ref"), "torch_ref": ("manual", "gradcompare")}

LAYERS = ["bounds", "tracing", "judging", "loading", "interfaces", "diagnosis", "checking", "page"]
"""The packages of the yardstick from the ground up; its command line (`commands`, `training`) stands on all of them."""


@pytest.mark.parametrize("package", STRANGERS)
def test_importing_it_loads_no_stranger(package):
    code = f"import sys, {package}; print([name for name in {STRANGERS[package]} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_only_the_commands_of_the_yardstick_know_the_heart():
    folder = Path(gradcompare.__file__).parent
    knows = re.compile(r"^\s*(?:import|from) (?:manual|torch_ref)\b", re.MULTILINE)
    files = {
        path.relative_to(folder) for path in folder.rglob("*.py") if knows.search(path.read_text(encoding="utf-8"))
    }
    assert {path.parts[0] for path in files} <= {"commands", "symptoms.py", "training"}
    assert Path("commands/demo.py") in files


@pytest.mark.parametrize("package", LAYERS)
def test_what_is_below_knows_nothing_of_what_is_above(package):
    folder = Path(gradcompare.__file__).parent / package
    above = "|".join([*LAYERS[LAYERS.index(package) + 1 :], "commands", "training"])
    knows = re.compile(rf"^\s*(?:import|from) gradcompare(?:\.| import )(?:{above})\b", re.MULTILINE)
    files = list(folder.rglob("*.py"))
    assert files
    assert [path.name for path in files if knows.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("module", [manual, manual.network, manual.initialisation])
def test_examples_in_docstrings_are_right(module):
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


def test_examples_in_the_derivation_are_right():
    text = (Path(manual.__file__).parent / "DERIVATION.md").read_text(encoding="utf-8")
    examples = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(examples, {}, "DERIVATION.md", None, 0)
    results = doctest.DocTestRunner().run(test)
    assert results.attempted > 0
    assert results.failed == 0
