"""The demo: every ratio at or below 1, with bounds that are small."""

import io
import statistics

from rich.console import Console

from gradcompare.commands import demo


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


def shown(outcome, width):
    console = Console(width=width, record=True, file=io.StringIO())
    for table in demo.tables(outcome, width):
        console.print(table)
    return console.export_text()


def test_demo_names_every_tensor_in_its_table_however_narrow_the_terminal():
    outcome = demo.run(1, 0, lambda done, total: None)
    wide, narrow = shown(outcome, 120), shown(outcome, 45)
    assert all(name in wide for name in ("Z1", "A2", "J", "dZ1", "dW2", "db1", "float32", "PyTorch"))
    assert {word.strip("─") for word in wide.split()} == {word.strip("─") for word in narrow.split()}
    assert shown(outcome, demo.WIDTH).count("tensor ") == 1
    assert shown(outcome, demo.WIDTH - 1).count("tensor ") == 2
    assert "…" not in shown(outcome, demo.WIDTH)
