"""Free functions: a forward and a backward function, with parameters in a dict or one by one.

The two commonest shapes are one mechanism. A function is called by the names of its arguments (parameters, a
container of them, inputs, labels, what the forward function returned); what it returns is named by the keys of a
dict, or by the names in its `return` statement.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gradcompare.cases import Network
from gradcompare.interfaces import fitting, words
from gradcompare.interfaces.program import LAYOUTS, Program, arrays_in, is_array

LEARNING_RATE = 0.1
REGULARISATION = 0.7


class CannotCallError(TypeError):
    """An argument whose role cannot be told from its name."""


class Functions(Program):
    """forward(X, parameters) -> (A2, cache), or forward(W1, b1, W2, b2, X) -> (Z1, A1, Z2, A2); and backward to it."""

    def __init__(
        self, interface: str, forward: Callable[..., Any], backward: Callable[..., Any], cost: Callable[..., Any] | None
    ) -> None:
        self.interface = interface
        self._forward, self._backward, self._cost = forward, backward, cost
        self.functions = [forward, backward, *([cost] if cost else [])]
        self.has_cost = cost is not None
        self.notes = []
        names = argument_names(forward)
        self.pairs = words.parameter_pairs(names) or words.parameter_pairs(parameter_keys(forward))
        self.parameters = [name for pair in self.pairs for name in pair]
        self.last_layer = list(self.pairs[-1]) if self.pairs else []
        self.layout = LAYOUTS[0]

    @property
    def samples_axis(self) -> int:  # type: ignore[override]
        """1 where columns are samples, 0 where rows are."""
        return 0 if self.layout.rows else 1

    def fit(self, seed: int) -> None:
        """Take the first layout under which most gradients have their parameters' shapes."""
        self.layout = fitting.fitting_layout(self, seed)

    def networks(self) -> dict[str, Any]:
        """As many layers as there are pairs of parameters; several outputs where the file allows it."""
        outputs = self.layout.outputs or (2, 5)
        return {"layers": len(self.pairs), "outputs": outputs, "labels": self.layout.kind_of_labels}

    def inputs(self, network: Network) -> dict[str, Any]:
        """The network's arrays in the file's layout."""
        return self.layout.arrange(network, self.pairs)

    def forward(self, inputs: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The output, and what the cache or the returned tuple names."""
        result = self._call_forward(inputs)
        output = self._output(result)
        own = set(inputs)
        return output, {name: value for name, value in returned(self._forward, result).items() if name not in own}

    def cost(self, inputs: Mapping[str, Any], output: Any) -> Any:
        """The file's cost function, called by the names of its arguments."""
        assert self._cost is not None
        return call(self._cost, self._known(inputs) | {"output": output})

    def gradients(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """What the backward function returns, under the names of the parameters that it is the gradient of."""
        result = self._call_forward(inputs)
        known = self._known(inputs) | returned(self._forward, result) | {"output": self._output(result)}
        containers = [part for part in _parts(result) if isinstance(part, dict | list | tuple)]
        known["cache"] = containers[0] if containers else result
        found = returned(self._backward, call(self._backward, known))
        return rename(found, self.parameters, inputs)

    def _call_forward(self, inputs: Mapping[str, Any]) -> Any:
        return call(self._forward, self._known(inputs))

    def _output(self, result: Any) -> Any:
        """The first array beside a cache, or the last of several arrays."""
        parts = _parts(result)
        arrays = [part for part in parts if is_array(part)]
        if not arrays:
            arrays = [value for part in parts for _, value in arrays_in(part)]
            return arrays[-1]
        return arrays[0] if len(arrays) < len(parts) else arrays[-1]

    def _known(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        parameters = {name: inputs[name] for name in self.parameters}
        X = inputs["X"]
        return {
            **parameters,
            "parameters": dict(parameters),
            "inputs": X,
            "targets": inputs["Y"],
            "samples": X.shape[self.samples_axis],
            "learning_rate": LEARNING_RATE,
            "regularisation": REGULARISATION,
        }


# ---- finding them ----------------------------------------------------------------------------------------------------


def recognise(namespace: Mapping[str, Any], interface: str, wants_dict: bool) -> Functions | None:
    """The program in a file's names, if it has a forward and a backward function of this shape."""
    functions = [f for f in namespace.values() if isinstance(f, types.FunctionType)]
    forward = _best(functions, "forward", ("inputs",))
    backward = _best(functions, "backward", ("targets",))
    if forward is None or backward is None:
        return None
    takes_dict = "parameters" in map(words.role_of_argument, argument_names(forward))
    if takes_dict != wants_dict:
        return None
    cost = _best(functions, "cost", ("targets",))
    program = Functions(interface, forward, backward, cost)
    return program if program.pairs else None


def _best(functions: Iterable[Callable[..., Any]], role: str, needs: tuple[str, ...]) -> Callable[..., Any] | None:
    """The function whose name has the role and whose arguments have the needed ones; of several the one with most
    arguments."""
    fitting = [
        f
        for f in functions
        if words.role_of_function(f.__name__) == role
        and all(need in map(words.role_of_argument, argument_names(f)) for need in needs)
    ]
    return max(fitting, key=lambda f: len(argument_names(f)), default=None)


def argument_names(function: Callable[..., Any]) -> list[str]:
    """The names of a function's arguments."""
    return list(inspect.signature(function).parameters)


def parameter_keys(function: Callable[..., Any]) -> list[str]:
    """The keys that a function looks up in dicts, in the order of its source."""
    return [
        node.slice.value
        for node in ast.walk(_tree(function))
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    ]


def _tree(function: Callable[..., Any]) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


# ---- calling them ----------------------------------------------------------------------------------------------------


def call(function: Callable[..., Any], known: Mapping[str, Any]) -> Any:
    """Call a function with what its arguments' names ask for.

    Raises CannotCallError for an argument without a default that is not known.
    """
    given: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        key = name if name in known else words.role_of_argument(name)
        same = next((k for k in known if words.plain(k) == words.plain(name)), None)
        if key in known or same is not None:
            given[name] = known[key if key in known else same]  # type: ignore[index]
        elif parameter.default is parameter.empty:
            raise CannotCallError(f"{function.__name__} takes {name!r}, and it cannot be told what that is")
    return function(**given)


def returned(function: Callable[..., Any], result: Any) -> dict[str, Any]:
    """What a function returned, by name: the keys of dicts, and the names in its return statement."""
    parts = _parts(result)
    found: dict[str, Any] = {}
    for name, part in zip(_return_names(function, len(parts)), parts, strict=True):
        if isinstance(part, Mapping):
            found |= dict(arrays_in(part))
        elif name is not None and is_array(part):
            found[name] = part
        elif isinstance(part, tuple | list):
            found |= _unpacked(function, name, part)
    return found


def _parts(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple) else [result]


def _return_names(function: Callable[..., Any], count: int) -> list[str | None]:
    for node in ast.walk(_tree(function)):
        if isinstance(node, ast.Return) and node.value is not None:
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            if len(values) == count:
                return [value.id if isinstance(value, ast.Name) else None for value in values]
    return [None] * count


def _unpacked(function: Callable[..., Any], name: str | None, part: tuple[Any, ...] | list[Any]) -> dict[str, Any]:
    """A tuple of arrays under the names it was made of: cache = (Z1, A1, Z2, A2)."""
    for node in ast.walk(_tree(function)):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Tuple | ast.List)
            and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
            and len(node.value.elts) == len(part)
        ):
            pairs = zip(node.value.elts, part, strict=True)
            return {element.id: value for element, value in pairs if isinstance(element, ast.Name) and is_array(value)}
    return {}


def rename(found: Mapping[str, Any], parameters: list[str], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Gradients under "d" and the name of what they are the gradient of: by name where names help, else in order."""
    claims: dict[str, Any] = {}
    left: dict[str, Any] = {}
    for name, value in found.items():
        parameter = next((p for p in parameters if words.plain(name) in (words.plain(f"d{p}"), words.plain(p))), None)
        holding = [p for p in parameters if words.plain(p) in words.plain(name)]
        if parameter is None and len(holding) == 1 and not name.startswith(("dA", "dZ", "da", "dz")):
            parameter = holding[0]
        if parameter is not None and f"d{parameter}" not in claims:
            claims[f"d{parameter}"] = value
        elif name not in inputs:
            left[name] = value
    missing = [p for p in parameters if f"d{p}" not in claims]
    unnamed = [name for name in left if not name.lower().startswith(("dz", "da"))]
    if missing and len(missing) == len(unnamed):
        claims |= {f"d{p}": left.pop(name) for p, name in zip(missing, unnamed, strict=True)}
    return claims | {name: value for name, value in left.items() if name.startswith("d")}
