"""Which known mistake a wrong step is: a table of mistakes, tried on the step's true inputs."""

from gradcompare.diagnosis.mistakes import TABLE
from gradcompare.diagnosis.naming import UNKNOWN, diagnose
from gradcompare.diagnosis.step import Diagnosis, Part, Spoken, Step

MISTAKES = tuple(dict.fromkeys(row.mistake for row in TABLE))
"""The keys of the rows."""

__all__ = ["MISTAKES", "UNKNOWN", "Diagnosis", "Part", "Spoken", "Step", "diagnose"]
