"""Which functions of a file go together: the role of each, by its name or by what it does, and who goes with whom."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from gradcompare.interfaces import calling, meaning, naming, source, values, words
from gradcompare.interfaces.forward_part import cost_part, forward_part

MAKERS = ("backward", "slope_of_cost", "fused", "cost", "update")


def by_role(functions: Iterable[Any]) -> dict[str, list[Any]]:
    """The functions of each role, those with most arguments first."""
    found: dict[str, list[Any]] = {}
    for function in functions:
        role = words.role_of_function(function.__name__.strip("_"))
        if function.__name__ == "__call__":
            role = "forward"
        elif (role in ("slope_of_cost", "backward") and _gives_cost_and_gradients(function, role)) or (
            role == "forward" and _goes_back_too(function)
        ):
            role = "fused"
        found.setdefault(role or "", []).append(function)
    for role, row in _by_what_they_do(found.pop("", ())).items():
        if role in ("initialise", "cost"):  # what is called so may make one array, or be the cost of another model
            found[role] = found.get(role, []) + row
        elif role not in found and (role != "forward" or "predict" not in found):
            found[role] = row
    return {role: sorted(row, key=lambda f: -len(source.argument_names(f))) for role, row in found.items()}


_GRADIENT_OF_PARAMETER = re.compile(
    r"^(d_?|grads?_?|gradients?_?|nabla_?|delta_?|d[jlce]_?d_?)(w|b|theta|weights?|bias(es)?|params?)_?\w{0,3}$"
    r"|^(grads?|gradients?)$|^(w|b|theta|weights?|bias(es)?)_?\w{0,3}_(grads?|gradients?)$",
    re.IGNORECASE,
)


def _gives_cost_and_gradients(function: Any, role: str) -> bool:
    """Whether what is called the gradient of a cost takes inputs and labels, and hands out the cost as well; or what is
    called a gradient takes nothing beside them that went forward, and returns it."""
    taken = {words.role_of_argument(name) for name in source.argument_names(function)}
    if role == "backward":
        returned = {name for row in source.returned_names(function) if len(row) > 1 for name in row if name}
        known = {"inputs", "targets", "parameters", "regularisation", "training", "keep", "quiet"}
        return {"inputs", "targets"} <= taken <= known and any(map(_COST.search, returned))
    return {"inputs", "targets"} <= taken and any(map(_COST.search, source.handed_out(function)))


def _goes_back_too(function: Any) -> bool:
    """Whether what is called like a forward pass, propagation, takes labels too and hands out gradients and a cost."""
    taken = {meaning.role_of(function, name) for name in source.argument_names(function)}
    names = source.handed_out(function)
    costs, gradients = (any(map(pattern.match, names)) for pattern in (_COST, _GRADIENT_OF_PARAMETER))
    return {"inputs", "targets"} <= taken and costs and gradients


_COST = re.compile(r"cost|loss|^j$|error", re.IGNORECASE)


def _by_what_they_do(functions: Iterable[Any]) -> dict[str, list[Any]]:
    """The roles of functions whose names say nothing (another language, svm_step), by what they take and return."""
    found: dict[str, list[Any]] = {}
    functions = list(functions)
    slopes = {id(slope): cost for slope, cost in _slopes_of(functions)}
    costs = {id(cost) for cost in slopes.values()}
    for function in functions:
        taken = [meaning.role_of(function, name) for name in source.argument_names(function)]
        names, rows = source.handed_out(function), source.returned_names(function)
        called = words.plain(function.__name__)
        if "likelihood" in called or words.ONE_HOT.search(called):
            continue  # what is wanted of one is its maximum, and the other makes labels
        if id(function) in slopes or id(function) in costs:
            found.setdefault("backward" if id(function) in slopes else "cost", []).append(function)
            continue
        told = re.search(
            r"(?:^|_)((?:gradients?|grads?)(?!_?(?:des|asc))|loss|cost)(?:_|$)", function.__name__, re.IGNORECASE
        )
        told = told or re.search(r"(gradients?|grads?|loss|cost)$", words.plain(function.__name__))
        if told and {"inputs", "targets"} <= set(taken):
            found.setdefault("backward" if told[1].lower().startswith("grad") else "cost", []).append(function)
        elif {"inputs", "targets"} <= set(taken) and (
            source.returns_cost_and_more(function) or ("parameters" in taken and [len(row) for row in rows] == [2])
        ):
            found.setdefault("fused", []).append(function)
        elif any(map(_GRADIENT_OF_PARAMETER.match, names)):
            with_cost = any(map(_COST.search, names))
            found.setdefault("fused" if with_cost else "backward", []).append(function)
        elif "targets" in taken and {"inputs", "cache"} & set(taken) and _updates_what_it_finds(function):
            found.setdefault("update", []).append(function)
        elif source.returns_nothing(function):
            continue
        elif _makes_parameters(function, taken):
            found.setdefault("initialise", []).append(function)
        elif "targets" in taken and len(taken) == 2 and not _hands_back(function):
            found.setdefault("cost", []).append(function)
        elif (
            "inputs" in taken and "targets" not in taken and _takes_parameters(function, taken)
        ) or gives_what_goes_back(function, functions):
            found.setdefault("forward", []).append(function)
    return found


def _hands_back(function: Any) -> bool:
    """Whether a function returns all that it is given, as what shuffles samples with their labels, or adds some."""
    rows = source.returned_names(function)
    return any(set(row) >= set(source.argument_names(function)) for row in rows if len(row) > 1)


def gives_what_goes_back(function: Any, functions: Iterable[Any]) -> bool:
    """Whether a function of samples and no labels returns, under the name of an argument, what a function must be given
    that goes back, or that takes labels and hands out gradients: memoria of `return saida, memoria` and of
    `def retropropagacao(saida, y, memoria)`, in whatever language."""
    taken = [meaning.role_of(function, name) for name in source.argument_names(function)]
    if "inputs" not in taken or "targets" in taken:
        return False
    returned = {name for row in source.returned_names(function) for name in row if name}
    backs = [f for f in functions if f is not function and words.role_of_function(f.__name__) in ("backward", "fused")]
    return any(returned & set(source.argument_names(back)) for back in backs)


_PARAMETERS = re.compile(r"param|weight|theta|layers|network|^(w|wb|net|nn|model)s?$")
_AT_RANDOM = {"randn", "rand", "random", "normal", "uniform", "standard_normal", "random_sample"}


def _makes_parameters(function: Any, roles: list[str | None]) -> bool:
    """Whether a function that is given no data draws numbers, or has them drawn, and by what it or its results are
    called these are parameters."""
    if {"inputs", "targets", "parameters"} & set(roles):
        return False
    called = set().union(*map(source.names_called, source.reached([function])))
    names = [name for row in source.returned_names(function) for name in row if name]
    inner = [part for name in names for part in calling.elements(function, name) or [] if part]
    says_so = any(map(_PARAMETERS.search, [words.plain(function.__name__), *map(words.plain, names)]))
    return (
        bool(called & _AT_RANDOM)
        and "input" not in called
        and (says_so or bool(words.parameter_pairs([*names, *inner])))
    )


def _updates_what_it_finds(function: Any) -> bool:
    """Whether a function adds to or subtracts from global arrays, or from arrays that it is given."""
    updated = source.updated_in(function)
    read = source.globals_read([function])
    known = {name for name in updated if isinstance(read.get(name, {}).get(name), np.ndarray)}
    return bool(known or updated & set(source.argument_names(function)))


def _slopes_of(functions: list[Any]) -> Iterator[tuple[Any, Any]]:
    """(grad_f, f) of functions of the same arguments, the name of one in that of the other."""
    by_name = {words.plain(f.__name__): f for f in functions}
    for name, function in by_name.items():
        for form in ("grad{}", "gradient{}", "d{}", "{}grad", "{}gradient", "{}prime", "{}derivative", "gradof{}"):
            slope = by_name.get(form.format(name))
            if slope is not None and source.argument_names(slope) == source.argument_names(function):
                roles = set(map(words.role_of_argument, source.argument_names(slope)))
                if {"inputs", "targets"} <= roles:
                    yield slope, function


def _takes_parameters(function: Any, roles: list[str | None]) -> bool:
    arguments = source.argument_names(function)
    if source.is_method(function):
        return source.reads_its_object(function)
    if any(source.rank(s.get(n, 0)) == 2 for n, s in source.globals_read([function]).items()):
        return True
    return "parameters" in roles or bool(words.parameter_pairs(arguments) or words.loose_pairs(arguments))


def steps_of(functions: Iterable[Any], everything: Iterable[Any] = ()) -> Iterator[tuple[Any, str, Any, Any, Any]]:
    """(maker, its role, forward, cost, slope) to try, functions that share a suffix together."""
    roles = by_role(functions)
    others = by_role(everything)
    slopes = roles.get("slope_of_cost", []) + others.get("slope_of_cost", []) or [None]
    for role in MAKERS:
        for maker in _outermost_first(roles.get(role, [])):
            if role == "update" and (source.repeats(maker) or source.applies_what_it_is_given(maker)):
                continue
            if role == "update" and _is_given_gradients(maker):
                continue
            if role == "update" and source.is_method(maker) and not _meets_data(maker, functions):
                continue
            if role in ("cost", "slope_of_cost") and not _may_give_gradients(maker):
                continue
            forwards = [f for f in roles.get("forward", []) + roles.get("predict", []) if f is not maker]
            forwards = [f for f in forwards if not _only_scores(f)]
            others_named = [
                f for name in ("update", "initialise", "ignored") for f in roles.get(name, []) if f is not maker
            ]
            forwards = forwards or list(filter(_only_takes_inputs, others_named))
            asked = [f for f in _asked_for_its_output(maker, functions) if f is not maker and f not in forwards]
            forwards = [*asked, *(f for f in forwards if not asked or not _only_of_one_layer(f, asked))]
            costs = roles.get("cost", []) + (roles.get("fused", []) if role != "fused" else []) + others.get("cost", [])
            costs = [c for c in costs if c is not maker]
            near = lambda f, maker=maker: _strangeness(f, maker)  # noqa: E731
            likely = lambda f, near=near: (not _may_reduce(f), near(f), not source.is_called(f))  # noqa: E731
            chosen = sorted(dict.fromkeys(costs), key=likely)[:1]
            own = [None] if role in ("cost", "fused") or not chosen else []
            chosen = [*own, *chosen] if role == "cost" else [*chosen, *own]  # what is called a cost hands out its own
            for forward in [*sorted(forwards, key=near)[:3], None]:
                for cost in chosen:
                    yield maker, role, forward, cost, slopes[0]
            if not forwards and role in ("fused", "backward") and _gives_its_output(maker):
                yield maker, "backward", maker, chosen[0], slopes[0]
            elif role in ("update", "backward") and values.returns_its_output(maker):
                yield maker, role, maker, chosen[0], slopes[0]
            if role in ("update", "backward") and (ahead := forward_part(maker)) is not None:
                yield maker, role, ahead, cost_part(maker) or chosen[0], slopes[0]


def _asked_for_its_output(maker: Any, functions: Iterable[Any]) -> list[Any]:
    """What a function that goes back gives its samples alone, and whose result its labels meet: run of `out = run(x);
    error = out - y`."""
    tree, own = source.tree(maker), {getattr(f, "__name__", ""): f for f in functions}
    roles = {name: meaning.role_of(maker, name) for name in source.argument_names(maker)}
    labels = {name for name, role in roles.items() if role == "targets"}
    found = []
    for node in ast.walk(tree):
        call = node.value if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) else None
        if not (isinstance(node, ast.Assign) and isinstance(call, ast.Call) and source.called(call) in own):
            continue
        given = [roles.get(argument.id) if isinstance(argument, ast.Name) else None for argument in call.args]
        if given == ["inputs"] and not call.keywords and _meets(tree, node.targets[0].id, labels):  # type: ignore[attr-defined]
            found.append(own[source.called(call)])
    return found


def _meets(tree: ast.AST, name: str, labels: set[str]) -> bool:
    """Whether something stands in a difference with labels."""
    pairs = [(n.left, n.right) for n in ast.walk(tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub)]
    names = [{getattr(part, "id", None) for part in pair} for pair in pairs]
    return any(name in both and both & labels for both in names)


def _only_of_one_layer(function: Any, ahead: Iterable[Any]) -> bool:
    """Whether what is known to go forward calls a function: an activation."""
    return any(getattr(function, "__name__", None) in source.names_called(f) for f in ahead)


def _is_given_gradients(function: Any) -> bool:
    """Whether a function takes no samples, and gradients beside what they are of: update(w, dw, v)."""
    names = source.argument_names(function)
    if any(meaning.role_of(function, name) == "inputs" for name in names):
        return False
    return any(naming.likeness(name, other) == 3 for name in names for other in names if other != name)


def _gives_its_output(function: Any) -> bool:
    """Whether a function that makes gradients goes forward too, and returns what it gets there beside them."""
    inputs = any(meaning.role_of(function, name) == "inputs" for name in source.argument_names(function))
    rows = [row for row in source.returned_names(function) if len(row) > 1]
    names = {name for row in rows for name in row if name}
    last = any(
        isinstance(part, ast.Subscript) and ast.unparse(part.slice) == "-1" for part in source.returned(function)
    )
    return inputs and bool(rows) and (last or any(map(values.is_output, names))) and not any(map(_COST.search, names))


def _may_reduce(function: Any) -> bool:
    """Whether it may make one number of many: it calls something that may sum, adds up, or calls what is not known."""
    nodes = list(ast.walk(source.tree(function)))
    return any(isinstance(node, ast.Call | ast.AugAssign) for node in nodes) or not nodes


def _meets_data(method: Any, others: Iterable[Any]) -> bool:
    """Whether a method that is given nothing finds samples or labels in its object or among global names: one that
    makes its own trains on those, whatever it is asked."""
    if source.argument_names(method):
        return True
    called = source.names_called(method)
    trees = [source.tree(f) for f in (method, *(f for f in others if f.__name__ in called and f is not method))]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    held = {n.attr for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)}
    read = held | set(source.globals_read([method]))
    return any(words.role_of_argument(name) in ("inputs", "targets") for name in read)


def _outermost_first(makers: list[Any]) -> list[Any]:
    """Those that others of them call, layer by layer, last."""
    once = [f for f in makers if not source.repeats(f)]
    called = {name for f in once for name in source.names_called(f) if name != f.__name__}
    return sorted(makers, key=lambda f: f.__name__ in called)


def _only_takes_inputs(function: Any) -> bool:
    """Whether what is called an update is one of the activations, or an initialisation theirs: update(inputs)."""
    return [words.role_of_argument(name) for name in source.argument_names(function)] == ["inputs"]


def _only_scores(function: Any) -> bool:
    """Whether what is called a prediction is given one, and labels: predict(pred, y) counts the right ones."""
    roles = {words.role_of_argument(name) for name in source.argument_names(function)}
    return roles == {"output", "targets"} and not source.is_method(function)


def _may_give_gradients(function: Any) -> bool:
    """Whether it is given samples or parameters, or hands out several gradients of parameters by their names."""
    roles = {meaning.role_of(function, name) for name in source.argument_names(function)}
    named = sum(map(bool, map(_GRADIENT_OF_PARAMETER.match, source.handed_out(function))))
    return bool(roles & {"inputs", "parameters"}) or named > 1


_SUFFIX = re.compile(r"dropout|reg(ulari[sz]ation|ulari[sz]ed)?|l2|l1|momentum|adam|batch|onehot|multi|softmax|binary")


def _strangeness(function: Any, maker: Any) -> tuple[int, int]:
    """In how many special words two names differ; and how many other parts of theirs are the same, less than 0: of two
    costs, mse_loss and logistic_loss, the second goes with logistic_gradient."""
    names = [function.__name__, maker.__name__]
    one, two = (set(_SUFFIX.findall(words.plain(name))) for name in names)
    parts = [set(words.parts(name)) for name in names]
    return len(one ^ two), -len(parts[0] & parts[1])
