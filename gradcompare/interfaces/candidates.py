"""The programs that a file may hold: every holder of parameters with the functions that may go with it.

Nothing is run here but constructors' signatures are read; which candidate is the program is settled by running them.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gradcompare.interfaces import (
    calling,
    chain,
    contained,
    dataflow,
    derivatives,
    episodes,
    handed,
    holders,
    loops,
    meaning,
    naming,
    pairs,
    source,
    starts,
    values,
    words,
)
from gradcompare.interfaces.driven import Driven
from gradcompare.interfaces.driver import plan_of_structure, plans_told
from gradcompare.interfaces.holders import (
    Arguments,
    Flat,
    Globals,
    Holder,
    Initialised,
    Instance,
    Listed,
    OwnGlobals,
    TakenApart,
)
from gradcompare.interfaces.late import Begun, Late, Returned
from gradcompare.interfaces.plans import plans
from gradcompare.interfaces.session import Steps

MAKERS = ("backward", "slope_of_cost", "fused", "cost", "update")
_MOST = 60


def candidates(names: Mapping[str, Any]) -> Iterator[Driven]:
    """Programs to try, the likeliest first."""
    functions: list[Callable[..., Any]] = [f for f in names.values() if inspect.isfunction(f)]
    classes = [c for c in names.values() if inspect.isclass(c) and not issubclass(c, BaseException)]
    classes = [made for made in classes if not is_engine(made)]
    own = _own(functions)
    paired = pairs.members(own)
    yield from itertools.islice(_of_functions([f for f in own if f not in paired]), _MOST)
    layers = [made for made in classes if chain.is_layer(made)]
    for made in [c for c in classes if c not in layers]:
        yield from itertools.islice(_of_class(made, functions, names, classes), _MOST)
    yield from chain.candidates(classes, functions)
    for made in layers:
        yield from itertools.islice(_of_class(made, functions, names), _MOST)
    if paired:
        yield from pairs.candidates(own)
    for made in classes:
        yield from itertools.islice(_of_functions_with(made, own), _MOST)
    for made in classes:
        yield from itertools.islice(_of_loops(made, functions, names), _MOST)
    yield from loops.candidates(names, by_role(_own(functions)).get("cost", []))
    if not paired:
        yield from pairs.candidates(own)
    yield from episodes.candidates(own)
    yield from derivatives.candidates(own, classes)


def _own(functions: Iterable[Callable[..., Any]]) -> list[Callable[..., Any]]:
    return [f for f in functions if is_own(f)]


def is_own(thing: Any) -> bool:
    """Whether a function or class is none of a library's, of which a file may have all the names."""
    return not (getattr(thing, "__module__", None) or "").startswith(("numpy", "torch", "scipy"))


def is_engine(made: type) -> bool:
    """Whether its objects are values that remember how they were made, and go back over it: (a + b).backward()."""
    own = vars(made)
    calculates = {"__add__", "__mul__", "__matmul__"} & set(own)
    return bool(calculates and inspect.isfunction(own.get("backward")))


# ---- the functions that go together ----------------------------------------------------------------------------------


def by_role(functions: Iterable[Any]) -> dict[str, list[Any]]:
    """The functions of each role, those with most arguments first."""
    found: dict[str, list[Any]] = {}
    for function in functions:
        role = words.role_of_function(function.__name__.strip("_"))
        if function.__name__ == "__call__":
            role = "forward"
        elif role == "slope_of_cost" and _gives_cost_and_gradients(function):
            role = "fused"
        found.setdefault(role or "", []).append(function)
    for role, row in _by_what_they_do(found.pop("", ())).items():
        if role == "initialise":  # what is called so may make one array
            found[role] = found.get(role, []) + row
        elif role not in found and (role != "forward" or "predict" not in found):
            found[role] = row
    return {role: sorted(row, key=lambda f: -len(source.argument_names(f))) for role, row in found.items()}


_GRADIENT_OF_PARAMETER = re.compile(
    r"^(d_?|grads?_?|gradients?_?|nabla_?|delta_?|d[jlce]_?d_?)(w|b|theta|weights?|bias(es)?|params?)_?\w{0,3}$"
    r"|^(grads?|gradients?)$|^(w|b|theta|weights?|bias(es)?)_?\w{0,3}_(grads?|gradients?)$",
    re.IGNORECASE,
)


def _gives_cost_and_gradients(function: Any) -> bool:
    """Whether what is called the gradient of a cost takes inputs and labels, and hands out the cost as well."""
    taken = {words.role_of_argument(name) for name in source.argument_names(function)}
    return {"inputs", "targets"} <= taken and any(map(_COST.search, source.handed_out(function)))


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
        if "likelihood" in words.plain(function.__name__):
            continue  # what is wanted is its maximum
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
        elif {"inputs", "targets"} <= set(taken) and _updates_what_it_finds(function):
            found.setdefault("update", []).append(function)
        elif source.returns_nothing(function):
            continue
        elif _makes_parameters(function, taken):
            found.setdefault("initialise", []).append(function)
        elif "targets" in taken and len(taken) == 2:
            found.setdefault("cost", []).append(function)
        elif "inputs" in taken and "targets" not in taken and _takes_parameters(function, taken):
            found.setdefault("forward", []).append(function)
    return found


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
    if any(np.ndim(s.get(n, 0)) == 2 for n, s in source.globals_read([function]).items()):
        return True
    return "parameters" in roles or bool(words.parameter_pairs(arguments) or _loose_pairs(arguments))


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
            others_named = [f for name in ("update", "initialise") for f in roles.get(name, []) if f is not maker]
            forwards = forwards or list(filter(_only_takes_inputs, others_named))
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
    roles = set(map(words.role_of_argument, source.argument_names(function)))
    named = sum(map(bool, map(_GRADIENT_OF_PARAMETER.match, source.handed_out(function))))
    return bool(roles & {"inputs", "parameters"}) or named > 1


_SUFFIX = re.compile(r"dropout|reg(ulari[sz]ation|ulari[sz]ed)?|l2|l1|momentum|adam|batch|onehot|multi|softmax|binary")


def _strangeness(function: Any, maker: Any) -> int:
    """In how many special words two names differ."""
    one, two = (set(_SUFFIX.findall(words.plain(f.__name__))) for f in (function, maker))
    return len(one ^ two)


# ---- functions -------------------------------------------------------------------------------------------------------


def _of_functions(functions: list[Callable[..., Any]]) -> Iterator[Driven]:
    roles = by_role(functions)
    rows = list(steps_of(functions))
    for maker, role, forward, cost, slope in rows:
        used = [f for f in (forward, maker, cost, slope) if f is not None]
        for holder in _argument_holders(used, roles.get("initialise", [])):
            name = _interface_of(holder, role, forward, maker)
            yield Driven(name, holder, Steps(maker, role, forward, cost, slope), used)


def _argument_holders(used: list[Callable[..., Any]], initialisers: list[Callable[..., Any]]) -> Iterator[Holder]:
    """What may hold the parameters of these functions."""
    arguments = [name for f in used for name in source.argument_names(f)]
    takes_all = any(meaning.role_of(f, name) == "parameters" for f in used for name in source.argument_names(f))
    keyed = [key for f in used for key in source.keys_in(f)]
    pairs = words.parameter_pairs(arguments)
    flat = next((name for name in arguments if words.role_of_argument(name) == "parameters"), None)
    rows = [row for f in used for row in source.taken_apart(f).items()]
    apart = dict(sorted(rows, key=lambda row: len(row[1])))  # whoever takes all of it apart
    for argument, names in apart.items():
        numbered = words.parameter_pairs(names)
        if {name for pair in numbered for name in pair if name} == set(names):
            yield TakenApart(argument, names, numbered)
    for initialise in initialisers[:2]:
        for plan in itertools.chain(plan_of_structure(initialise), itertools.islice(plans(initialise), 3)):
            yield Initialised(initialise, plan, [n for pair in pairs or _loose_pairs(arguments) for n in pair if n])
    listed = [next((n for n in arguments if words.plain(n) in plurals), None) for plurals in _PLURALS]
    counts = any(type(space.get(name)) is int for name, space in source.globals_read(used).items())
    own = list(contained.holders_of(used))
    if counts:  # of layers, or units: those that the file itself has made
        yield from own
    if listed[0] and listed[1] and not (own and counts):
        yield Listed(listed[0], listed[1])
    if pairs:
        yield Arguments(pairs, own=_own_arrays(used))
    elif not takes_all:
        read = source.globals_read(used)
        namespace = next(iter(read.values()), {})
        pairs = words.parameter_pairs([name for name in namespace if name in read] or list(read))
        if pairs and not _reads_widths(read, pairs):
            yield Globals(pairs, read[pairs[0][0]])
        updated = set().union(*map(source.updated_in, used))
        names = [n for n, s in read.items() if _may_be_global_parameter(n, s.get(n), n in updated)]
        if any(np.ndim(read[name][name]) == 2 for name in names):
            yield OwnGlobals([name for name in namespace if name in names], namespace)
    yield from own if not counts else ()
    if takes_all:
        pairs = words.parameter_pairs([k for k in keyed if not k.startswith("d")])
        if pairs:
            yield Arguments(pairs)
        for start in sorted(set().union(*(source.beginnings_in(f) for f in used))):
            if re.fullmatch(r"[wW]\w*", start):
                bias = next((b for b in ("b", "B", "bias") if any(b in source.beginnings_in(f) for f in used)), "b")
                yield Arguments([(f"{start}{i}", f"{bias}{i}") for i in (1, 2, 3)])
    if not (listed[0] and listed[1]) and flat is not None and any(flat in source.listed_in(f) for f in used):
        yield Listed(flat, next((name for name in arguments if words.role_of_argument(name) == "biases"), None))
    loose = _loose_pairs(arguments)
    biased = any(bias for _, bias in loose)  # and then one vector is not all
    if biased:
        yield Arguments(loose, starts_as=_starts_as(used, {loose[0][0]}))
    if flat is not None and not biased:
        hidden = max(sum(words.role_of_size(n) == "hidden" for n in source.argument_names(f)) for f in used)
        for folded in (True, False):
            yield Flat(flat, folded, depths=(hidden + 1,) if hidden > 1 else Flat.depths)
    if loose and not biased:
        yield Arguments(loose, starts_as=_starts_as(used, {loose[0][0]}))
    graded = _graded_pairs(used)
    if graded and graded != loose:
        yield Arguments(graded)


def _own_arrays(used: list[Callable[..., Any]]) -> dict[str, Any]:
    """The arrays in the file that functions are from."""
    names = getattr(inspect.unwrap(used[0]), "__globals__", {})
    return {name: value for name, value in names.items() if isinstance(value, np.ndarray)}


def _starts_as(used: list[Callable[..., Any]], weights: set[str]) -> tuple[str, ...]:
    """What the file that functions are from starts weights of these names as."""
    file = getattr(inspect.unwrap(used[0]), "__globals__", {}).get("__file__")
    assigned = [node for node in ast.walk(source.parsed(str(file))) if isinstance(node, ast.Assign)]
    return starts.weights_of([node for node in assigned if not weights & set(dataflow.names_read(node))], weights)


def _reads_widths(read: Mapping[str, dict[str, Any]], pairs: list[tuple[str, str]]) -> bool:
    """Whether functions that read these global names also read the whole numbers that say how wide the weights are."""
    file = next(iter(read.values())).get("__file__")
    widths = starts.widths_of(source.parsed(str(file)).body, {name for pair in pairs for name in pair})
    return any(type(read[name].get(name)) is int for name in widths & set(read))


def _may_be_global_parameter(name: str, value: Any, updated: bool) -> bool:
    if updated and isinstance(value, float):  # the bias of one unit
        return naming.is_bias(name)
    floating = isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim > 0
    data = words.role_of_argument(name) in ("inputs", "targets")
    return floating and not data and not words.NO_PARAMETER.search(name)


def _graded_pairs(used: list[Callable[..., Any]]) -> list[tuple[str, str]]:
    """Parameters that are told by the gradients that are handed out: W and V, of which there are gW and gV."""
    handed = set().union(*map(source.handed_out, used))
    names = dict.fromkeys(name for f in used for name in source.argument_names(f) if name.lower() not in ("x", "y"))
    graded = [n for n in names if any(out != n and naming.likeness(n, out) == 3 for out in handed)]
    weights, biases = ([n for n in graded if naming.is_bias(n) is bias] for bias in (False, True))
    biases += [""] * len(weights) if not biases else []
    return list(zip(weights, biases, strict=True)) if len(weights) == len(biases) else []


_PLURALS = ({"weights", "ws", "thetas", "wlist", "weightlist"}, {"biases", "bs", "blist", "biaslist"})
"""What the weights and the biases of all layers are called."""


def _loose_pairs(arguments: list[str]) -> list[tuple[str, str]]:
    """Parameters of one layer: w, b."""
    by_word = {words.plain(name): name for name in arguments}
    weight = next((by_word[w] for w in ("w", "weights", "weight", "theta") if w in by_word), None)
    bias = next((by_word[b] for b in ("b", "bias") if b in by_word), None)
    return [(weight, bias or "")] if weight else []


def _interface_of(holder: Holder, role: str, forward: Any, maker: Any) -> str:
    if holder.kind in ("flat", "globals"):
        return {"flat": "flat-vector", "globals": "global-weights"}[holder.kind]
    if role == "update":
        return "update-only"
    if maker.__name__ == "gradients" and forward is None:
        return "adapter"
    if role in ("fused", "cost"):
        return "fused"
    takes = {meaning.role_of(f, name) for f in (forward, maker) if f for name in source.argument_names(f)}
    if words.plain(maker.__name__).startswith(("lmodel", "llayer", "deep")):
        return "l-layer"
    return "dict-cache" if "parameters" in takes else "positional"


# ---- classes ---------------------------------------------------------------------------------------------------------


def methods_of(made: type) -> list[Any]:
    """The methods of a class and of its bases of the same author, static ones too."""
    found = {
        name: getattr(f, "__func__", f)
        for base in reversed(made.__mro__)
        if base is not object
        for name, f in vars(base).items()
        if isinstance(f, types.FunctionType | staticmethod) and (not name.startswith("__") or name == "__call__")
    }
    return list(found.values())


def _of_class(
    made: type, functions: list[Callable[..., Any]], names: Mapping[str, Any], classes: Sequence[type] = ()
) -> Iterator[Driven]:
    methods = methods_of(made)
    told = list(plans_told(made, source.parsed(str(names.get("__file__"))), names))
    begun = [turn.begin for turn in loops.turns_of(made, names)][:2]
    for maker, role, forward, cost, slope in steps_of(methods, functions):
        used = [f for f in (forward, maker, cost, slope) if f is not None]
        called = [f.__name__ if f in methods and f is not None else f for f in (maker, forward, cost, slope)]
        steps = Steps(called[0], role, called[1], called[2], called[3])
        for plan in itertools.islice(plans(made), 4):
            yield Driven(_class_interface(role, maker, forward), Instance(made, plan), steps, used)
        for holder in handed.holders_of(made, classes):
            yield Driven(_class_interface(role, maker, forward), holder, steps, used)
        yield from _handed_on(made, methods, steps, role, used)
        if forward is not None:
            yield from _made_late(made, methods, steps, role, used)
        for plan in told:
            yield Driven(_class_interface(role, maker, forward), Instance(made, plan), steps, used)
        for begin, plan in itertools.product(begun, itertools.islice(plans(made), 2)):
            if role != "update":
                yield Driven(_class_interface(role, maker, forward), Begun(made, plan, begin), steps, used)


def _of_functions_with(made: type, functions: list[Callable[..., Any]]) -> Iterator[Driven]:
    """Programs of functions that are given an object of a class: backward(net, cache, y)."""

    def takes_it(function: Any) -> bool:
        names = source.argument_names(function)
        return any(
            holders.is_called_like(name, made) or meaning.role_of(function, name) == "parameters" for name in names
        )

    methods = methods_of(made)
    for maker, role, forward, cost, slope in steps_of([f for f in functions if takes_it(f)], methods):
        inner = by_role(methods)
        if role == "update" and ("backward" in inner or "fused" in inner):
            continue
        own = inner.get("forward", []) + inner.get("predict", [])
        forwards = [forward] if forward else [f.__name__ for f in own]
        for ahead in forwards[:2] or [None]:
            chosen = cost.__name__ if cost in methods else cost
            used = [getattr(made, f, None) if isinstance(f, str) else f for f in (ahead, maker, cost, slope)]
            for plan in itertools.islice(plans(made), 4):
                steps = Steps(maker, role, ahead, chosen, slope)
                yield Driven(_class_interface(role, maker, ahead), Instance(made, plan), steps, [f for f in used if f])


def _of_loops(made: type, functions: list[Callable[..., Any]], names: Mapping[str, Any]) -> Iterator[Driven]:
    """Programs whose step is a turn of a loop in one of the methods."""
    yield from loops.of_methods(made, itertools.islice(plans(made), 2), names)
    roles = by_role(methods_of(made))
    own = [f.__name__ for f in roles.get("forward", []) + roles.get("predict", [])]
    costs = [*(f.__name__ for f in roles.get("cost", [])), *by_role(functions).get("cost", []), None]
    told = list(plans_told(made, source.parsed(str(names.get("__file__"))), names))
    for turn in sorted(loops.turns_of(made, names), key=lambda turn: not loops.takes_data(turn)):
        forwards = [f for f in (turn.forward, *own[:2]) if f is not None]
        for forward, plan in itertools.product(forwards, [*itertools.islice(plans(made), 3), *told]):
            cost = turn.cost or costs[0]
            used: list[Any] = [getattr(made, f, f) if isinstance(f, str) else f for f in (forward, turn.step, cost)]
            steps = Steps(turn.step, "update", forward, cost)
            for holder in (Instance(made, plan), Begun(made, plan, turn.begin)):
                yield Driven("training-loop", holder, steps, [f for f in used if f is not None])


def _made_late(made: type, methods: list[Any], steps: Steps, role: str, used: list[Any]) -> Iterator[Driven]:
    """Programs of a class whose parameters are made by a method of its own."""
    first = by_role(methods).get("initialise", [])[:1] + by_role(methods).get("update", [])[:1]
    makers = [f.__name__ for f in first if not source.may_go_on(f)]
    for name, plan in itertools.product(makers, itertools.islice(plans(made), 3)):
        yield Driven(_class_interface(role, used[1], used[0]), Late(made, plan, name), steps, used)


def _handed_on(made: type, methods: list[Any], steps: Steps, role: str, used: list[Any]) -> Iterator[Driven]:
    """Programs of a class whose methods are given the parameters that another of them returns."""
    own = [f for f in used if f in methods]
    asked = any(meaning.role_of(f, name) in ("parameters", "biases") for f in own for name in source.argument_names(f))
    paired = any(words.parameter_pairs(n) or _loose_pairs(n) for n in map(source.argument_names, own))
    if not asked and not paired:
        return
    first = [f for f in by_role(methods).get("initialise", []) if not source.returns_nothing(f)][:2]
    for initialise, plan in itertools.product(first, itertools.islice(plans(made), 3)):
        holder = Returned(made, plan, initialise.__name__)
        forward = next((f for f in used if f.__name__ == steps.forward), None)
        yield Driven(_class_interface(role, calling.method(made, steps.maker), forward), holder, steps, used)


def _class_interface(role: str, maker: Any, forward: Any) -> str:
    name = words.plain(maker.__name__)
    if role == "update":
        return "update-only"
    if role in ("fused", "cost"):
        return "loss-and-gradients"
    if name.startswith("gradient"):
        return "gradient-method"
    if name.startswith("backprop") and len(source.argument_names(maker)) == 2:
        return "backprop-lists"
    return "class"
