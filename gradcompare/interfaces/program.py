"""What every interface makes of a file: a program that can be fed a network, run forward, and asked for its
gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gradcompare import losses
from gradcompare.interfaces.ascent import Uphill
from gradcompare.interfaces.averaged import Share
from gradcompare.network import Network

Arrays = dict[str, Any]
GIVEN_SLOPE = "Backward was given a random gradient of {}; the cost is the sum of {} times it."
OWN_PROGRAM = "script"
"""The interface by which a file's own program is asked for."""


class CannotCheckError(Exception):
    """The question could not be put; the message says why, and what to do."""


class ProgramStopsError(CannotCheckError):
    """The file's own program stops in its loop, for a reason of its own; the message says where, and why."""


class Program(ABC):
    """A file's forward pass, its cost if it has one, and its gradients, behind one face for all interfaces.

    `fit` is called once and settles how the file wants its arrays; then `inputs` gives the arrays that stand for a
    network, and the other methods take them, as NumPy arrays or as traced ones. Nothing is kept between calls: each
    starts from the inputs given, so that a state that the code under test leaves behind cannot reach the next call.
    """

    interface: str
    """Its name in INTERFACES."""
    functions: list[Callable[..., Any]]
    """The functions or methods of the file that are called: forward, backward, cost."""
    parameters: list[str]
    """The names of the parameters, by layer, as the file has them: ["W1", "b1", "W2", "b2"]."""
    last_layer: list[str]
    """Those of the output layer, by which an assumed cost is chosen."""
    has_cost: bool
    """Whether the file has a cost of its own."""
    metric: str | None
    """Why that cost may be none, in words: the file never calls it in training, or only looks at it; else None."""
    cost_called: bool = True
    """Whether anything in the file calls that cost."""
    loss: str | None = None
    """The cost to assume where the file has none, a key of `losses.LOSSES`, if it is known already."""
    says_one_output: bool = False
    """Whether the file says of its own networks that they have one output."""
    shares: list[Share]
    """What the file makes of that cost where it calls it: half of it, the mean over the samples."""
    given_slope: bool
    """Whether backward is given a random gradient of the output, in place of that of a cost."""
    ahead_of_output: Sequence[str] = ()
    """What it may be given that of in its place: values on the way to the output, of its shape, the last first."""
    only_updates: bool
    """Whether no gradients are to be seen, only what they do to the parameters."""
    rate: float = 1.0
    """Over which what they do is a gradient, where no more is to be seen."""
    scale_known: bool = True
    """Whether that is what the file says it is, and not only what makes gradients of a usual cost of it."""
    goes_down: bool = False
    """Whether what is called a gradient is seen to be subtracted from its parameter."""
    uphill: Sequence[Uphill] = ()
    """Updates that add what is called a gradient, where others beside them subtract theirs."""
    is_network: bool = True
    """Whether there are widths to draw: of layers that have arrays of their own only the numbers differ."""
    own_widths: list[int]
    """The widths that the file insists on; empty where its networks may have any."""
    samples_axis: int
    """1 where columns are samples, 0 where rows are."""
    takes_one_sample: bool = False
    """Whether it is given one sample at a time: what goes from one to the next was not tried then."""
    sign: float
    """-1 where what the file calls gradients are the negative ones; `gradients` has them with this sign."""
    complete: bool
    """Whether there is a gradient for each of the parameters."""
    is_own: bool = False
    """Whether the file's own program is run, in place of its parts one by one."""
    may_be_written: bool = True
    """Whether a program may be written for a file that has none of its own."""
    keeps_data: bool = False
    """Whether samples and labels are to be the file's own, where it has some."""
    seen_right: bool = False
    """Whether a gradient was seen to be right before anything was judged."""
    notes: list[str]
    """What a reader of the report should know of how the file was understood."""

    @abstractmethod
    def fit(self, seed: int) -> None:
        """Settle layout, labels and number of outputs by running the file on a small random network.

        Raises CannotCheckError, in words and with the line, where it runs in no layout.
        """

    @abstractmethod
    def networks(self) -> dict[str, Any]:
        """The keyword arguments of `draw_networks` for networks that the file can take: layers, outputs, labels."""

    @abstractmethod
    def inputs(self, network: Network) -> Arrays:
        """The arrays that stand for a network: each parameter under the file's own name, "X" and "Y"."""

    @abstractmethod
    def start(self, inputs: Mapping[str, Any]) -> Arrays | None:
        """The parameters that the file itself makes, under the same names: of the sizes of these inputs, or of its own
        where they are fixed; None where it makes none."""

    @abstractmethod
    def forward(self, inputs: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The network's output, and every named value on the way to it that the file returns or stores."""

    @abstractmethod
    def cost(self, inputs: Mapping[str, Any], output: Any) -> Any:
        """The file's own cost, where it has one."""

    def assumed_cost(self, loss: str, inputs: Mapping[str, Any], output: Any) -> Any:
        """A cost for a file that has none: a key of `losses.LOSSES`, of the output and the labels."""
        labels = losses.target(inputs["Y"], output, self.samples_axis)
        return losses.LOSSES[loss].cost(output, labels, self.samples_axis)

    @abstractmethod
    def share_of_cost(self, factor: float, mean: bool) -> None:
        """By what `cost` is multiplied from now on, and whether it is divided by the number of samples."""

    @abstractmethod
    def give_slope_of(self, name: str | None) -> None:
        """Of which of `ahead_of_output` backward is given the gradient; None for the output."""

    @abstractmethod
    def draw_smaller(self) -> None:
        """Draw a tenth of the numbers for the parameters of a program of one size, from now on."""

    @abstractmethod
    def gradients(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """What the file says the gradients are, {"dW1": ..., ...}, after its own forward pass.

        "d" and the name of a parameter for its gradient; other gradients that the file returns or stores ("dZ2",
        "dA1") under "d" and the name of the value that they are the gradient of.
        """

    def has_begun(self) -> bool:
        """Whether what runs now is what was asked for, and not what the file does before it: reading its data."""
        return True

    @abstractmethod
    def again(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The gradients of the parameters from a second call on what a first one has left behind; nothing where that
        says nothing."""
