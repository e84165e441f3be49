"""The demo: every ratio at or below 1, with bounds that are small."""

import io
import statistics

from rich.console import Console

from gradcompare import demo


def test_demo_agrees_with_small_bounds():
    progress = []
    outcome = demo.run(4, 0, lambda done, total: progress.append((done, total)))
    assert outcome.agrees
    assert outcome.networks == 4 * len(demo.HIDDEN) * len(demo.PRECISIONS)
    assert progress[-1] == (outcome.networks, outcome.networks)
    assert max(max(ratios) for ratios in outcome.ratios.values()) <= 1
    for precision, small in (("float64", 1e-12), ("float32", 1e-3)):
        relative = [r for (p, _), found in outcome.relative.items() if p == precision for r in found]
        assert statistics.median(relative) <= small


def test_demo_names_every_tensor_in_its_table():
    outcome = demo.run(1, 0, lambda done, total: None)
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(demo.table(outcome))
    text = console.export_text()
    assert all(name in text for name in ("Z1", "A2", "J", "dZ1", "dW2", "db1", "float32", "PyTorch"))
