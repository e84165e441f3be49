"""What the tests of whole programs share: a program with a mistake to plant, and its check in this process."""

import textwrap
from typing import NamedTuple

import gradcompare
from gradcompare.loading import load


class Habit(NamedTuple):
    """A program, and a mistake to plant in it."""

    source: str
    right: str
    wrong: str


def checked(folder, source: str, examples: int = 4) -> gradcompare.Report:
    """The report on a program that follows `import numpy as np`, on some networks in float64."""
    path = folder / "program.py"
    path.write_text("import numpy as np\n" + textwrap.dedent(source))
    return gradcompare.check(load(path).names, examples=examples, dtype="float64")


def checked_as_a_file(folder, text: str, examples: int = 8, **options) -> gradcompare.Report:
    """The report on a file as `gradcompare check` gives it, on some networks, asked about in every way."""
    path = folder / "program.py"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return gradcompare.check(path, examples=examples, **options)


def rehearsed(folder, source: str, interface: str | None = "script", examples: int = 4) -> gradcompare.Report:
    """The report on a program that follows `import numpy as np`, run as it stands."""
    path = folder / "program.py"
    path.write_text("import numpy as np\n" + textwrap.dedent(source))
    return gradcompare.check(load(path).names, interface=interface, examples=examples, dtype="float64")


def rehearsed_right_and_wrong(folder, habit: Habit) -> tuple[str, gradcompare.Report]:
    """Run as it stands, the right program agrees and the one with the mistake is wrong: the text of the one report, and
    the other."""
    assert habit.source.count(habit.right) == 1
    right = rehearsed(folder, habit.source)
    assert right.verdict == "agrees", str(right)
    wrong = rehearsed(folder, habit.source.replace(habit.right, habit.wrong))
    assert wrong.verdict == "wrong", str(wrong)
    return str(right), wrong


def agrees_and_is_found(folder, habit: Habit) -> None:
    """The right program agrees, and the mistake is found at its line."""
    assert habit.source.count(habit.right) == 1
    report = checked(folder, habit.source)
    assert report.verdict == "agrees", str(report)
    report = checked(folder, habit.source.replace(habit.right, habit.wrong))
    assert report.verdict in ("wrong", "scaled")
    assert report.first_fault is not None
    assert habit.wrong in report.first_fault.source
