"""How the code under test is found, fed and called: one shape a row.

A row is a name, what it looks like (a skeleton to copy), and a recogniser: names of a file -> Program or None. Under
the rows are a few mechanisms that all of them share:

what holds the parameters          holders, handed, late, built (step by step), chain (of layers), pairs (of functions)
what a function says               source, meaning and usage (of its arguments), words (what they are called), metrics
how it is called, what it returns  calling, values, session; averaged, strengths, whole_costs (its cost)
how constructors are called        plans, asked, chained (widths), shared, driver (what the file gives, its functions),
                                   keyed_settings (what they read of one object),
                                   lent (activations), one_output (whether its networks have no more)
a turn of a loop as functions      loops, turns, methods, making; sampling (what it goes through), surroundings, starts
the same of functions              forward_part (of one that goes forward and back, and the cost that it keeps)
what a turn computes of what       dataflow, multiplied (layer by layer); unrolled, keyed, inlined (written out)
functions that make no network     derivatives (a loss and its gradient); usual (what goes back alone)
the same, told otherwise           told_otherwise (another activation, output, part; or as what goes back goes forward)
policies                           episodes (forward one observation at a time, back over their rows)
layers, each on its own            alone (given a random gradient), offered (how their constructors let them be made),
                                   warmed (parameters that are made in the first forward pass); cost_pairs (costs),
                                   received (the network that a cost goes back through),
                                   nodes (of a graph)
where gradients end up             naming, axes, inside (where only local variables hold them), ascent, rates;
                                   added_up (over several samples), multiples (of gradients, what steps are)
which way up arrays are            layouts
which functions go together        roles; candidates of all kinds, of_functions, of_classes
the trial that settles it all      fitting (which layouts), trial (one run), drawing (its network), own_widths, rounds
                                   (how far code goes), seen (what it is given), outcomes (what a call leaves)
what none of these understands     rehearsal (the file's own program, up to the end of one turn of its loop)
what is said                       remarks (how a file was understood), failures (where nothing runs), left_out (what
                                   makes gradients and was not run)
"""

from __future__ import annotations

from gradcompare.interfaces.left_out import left_out
from gradcompare.interfaces.program import OWN_PROGRAM, CannotCheckError, Program, ProgramStopsError
from gradcompare.interfaces.table import INTERFACES, Interface, not_recognised, other_loops, recognise, rivals

__all__ = [
    "INTERFACES",
    "OWN_PROGRAM",
    "CannotCheckError",
    "Interface",
    "Program",
    "ProgramStopsError",
    "left_out",
    "not_recognised",
    "other_loops",
    "recognise",
    "rivals",
]
