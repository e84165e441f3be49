"""The file's own program, run up to the end of one turn of its training loop: what nothing else has understood.

How a program makes its network, in which order it calls what, and where it keeps things, it shows when it is run. So
its statements are run as they stand, one after another; those that fail, because their data are not there, are left
out. Every loop tells when a turn begins and ends (`script`). What a turn changes, and what the cost depends on, are the
parameters (`stage`; a list of numbers is a vector: `rows`; what is kept of former steps is none: `memory`); what meets
them first are the samples, what meets the output are the labels (`meeting`); of several outputs that meet labels of
their own the costs are added (`heads`). From then on the turn is run again and
again from other numbers (`rehearsed`). Where it trains in no loop some of its statements are the turn (`straight`), or
a step that stands in for an optimiser of SciPy's (`optimisers`).

For a file that only defines things a program is written that makes and calls them (`writing`, line by line on a `desk`;
`wording` knows what arguments may be, `labelling` the labels of several outputs, `chaining` puts layers together,
`linking` those that know one another, `going_down` applies gradients); the first that trains is taken (`trying`).
"""

from gradcompare.interfaces.rehearsal.rehearsed import Rehearsed, recognise

__all__ = ["Rehearsed", "recognise"]
