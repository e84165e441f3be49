"""What may be a gradient after a call of what makes them: what is returned, what is stored, how parameters changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcompare.interfaces import calling, driver, naming, paths, rates, source, values, words
from gradcompare.interfaces.session import Session

if TYPE_CHECKING:
    from gradcompare.interfaces.driven import Driven


def outcomes(program: Driven, session: Session, result: Any, before: dict[paths.Path, Any]) -> naming.Candidates:
    """Every array that may be a gradient, after a call that gave `result` and found what a root holds as `before`."""
    function = program.function(program.steps.maker)
    places = program.found.places if program.found else program.trial_places
    own = {path: name for name, where in places.items() for path in where}
    found: naming.Candidates = []
    after: dict[str, Any] = {}
    cost = values.cost_in(function, result) if program.steps.role in ("fused", "cost") else None
    session.cost = cost if session.cost is None else session.cost
    changed, stepped = source.updated_in(function), source.stepped_in(function)
    if result is not session.root:
        for name, path, array in calling.entries(function, result):
            if cost is not None and array is cost:
                continue
            updated = naming.updated_name(name, path, places, array, session.inputs)
            taken_back = _taken_back(program, path, array, session)
            held = _holding(array, places, session.root)
            updated = updated or held
            if taken_back or (updated and (program.steps.role == "update" or name in changed or held)):
                after[taken_back or str(updated)] = array
            else:
                found.append((naming.Slot("returned", path, name), array))
    for path, array in paths.walk(session.root):
        if path in own:
            if array is not session.inputs[own[path]]:
                after.setdefault(own[path], array)
        elif not _of_optimiser(path) and (path not in before or differs(array, before[path])):
            found.append((naming.Slot("stored", path, naming.stored_name(path, array, own)), array))
    found = naming.shortest(found)
    found = [row for row in found if program.found is not None or not _is_step(program, row[1], after, session)]
    for name, array in after.items():
        change = (session.inputs[name] - array) / program.rate
        changed_shape = np.shape(change) != np.shape(session.inputs[name])
        known = program.found is not None and program.found.slots.get(name) == naming.Slot("change", (), name)
        if changed_shape or known or name in stepped or differs(array, session.inputs[name]):
            found.append((naming.Slot("change", (), name), change))
    return found


def _is_step(program: Driven, array: Any, after: Mapping[str, Any], session: Session) -> bool:
    """Whether an array is what a parameter has been changed by, with the learning rate in it: no gradient."""
    before = session.inputs
    alike = [n for n, new in after.items() if np.shape(new) == np.shape(before[n]) == np.shape(array)]
    steps = [values.plain(after[n]) - values.plain(before[n]) for n in alike]
    own = [s for s in steps if np.any(s) and any(np.allclose(values.plain(array), a * s) for a in (1, -1))]
    return bool(own) and rates.is_told(program.functions, session.root, program.globals_read())


def _taken_back(program: Driven, path: paths.Path, array: Any, session: Session) -> str | None:
    """The parameter that the file has in a returned array from then on, as its own call says."""
    place = tuple(key for _, key in path)
    name = driver.given_back(program.function(program.steps.maker)).get(place)
    places = program.found.places if program.found else program.trial_places
    same = name in places and np.shape(array) == np.shape(session.inputs[name])
    return name if same else None


def _holding(array: Any, places: naming.Places, root: Any) -> str | None:
    """The parameter that an array is from now on, by whatever name it is returned."""
    if not np.ndim(array):
        return None
    return next((name for name, where in places.items() if any(array is paths.got(root, path) for path in where)), None)


def _of_optimiser(path: paths.Path) -> bool:
    """Whether something is kept there for the next update: a velocity, a mean of squares."""
    names = [str(key) for kind, key in path if kind == "attr" or isinstance(key, str)]
    return any(map(words.OPTIMISER.search, names)) or any(map(words.MOMENTS.match, names[:-1]))


def differs(array: Any, before: Any) -> bool:
    if np.shape(array) != np.shape(before):
        return True
    return not values.equal(array, before)
