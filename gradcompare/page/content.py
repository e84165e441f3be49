"""What the page shows, from a report: looks up, words and numbers for the template, which has none of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from markupsafe import Markup

from gradcompare import report as words
from gradcompare.checking.smallest import snippet
from gradcompare.diagnosis import UNKNOWN
from gradcompare.judging.verdict import SEVERITY, Finding
from gradcompare.page import heatmap
from gradcompare.page.cards import LOOKS, Card, Look, drawn
from gradcompare.page.layout import VALUES, Box, Edge, Layout, layout, nearest, visible
from gradcompare.page.listing import Block, listing
from gradcompare.page.mathml import formula
from gradcompare.picture import Tensor
from gradcompare.report import Report

OVERALL = {
    "agrees": Look("ok", "✓", "Right"),
    "wrong": Look("fault", "✗", "Wrong"),
    "scaled": Look("fault", "✗", "Scaled"),
    "undecided": Look("unknown", "?", "Undecided"),
    "unfinished": Look("unknown", "…", "Unfinished"),
    "error": Look("unknown", "!", "Not checked"),
}

MOST_CARDS = 600
"""Tensors that are described one by one."""
FINE = 40
"""With more maps than that each is drawn coarsely."""


class Content:
    """Everything that the template asks for."""

    def __init__(self, report: Report, clean: Callable[[str], str]) -> None:
        self.report, self.clean = report, clean
        self.look = OVERALL[report.verdict]
        self.findings = {finding.name: finding for finding in report.tensors}

    # -- the top

    @property
    def file(self) -> str:
        """What was checked."""
        return str(self.report.subject.get("file") or "These gradients")

    @property
    def sentence(self) -> str:
        """The verdict in a sentence."""
        said = words.headline(self.report).removeprefix(f"{self.report.subject.get('file')}: ")
        said = said.removeprefix(f"{self.report.verdict}. ")
        return said[:1].upper() + said[1:]

    @property
    def reason(self) -> str:
        """Why there is no verdict, where there is none."""
        return self.report.notes[0] if self.report.verdict in ("error", "unfinished") and self.report.notes else ""

    @property
    def notes(self) -> list[str]:
        """What else is to be known."""
        return self.report.notes[1:] if self.reason else self.report.notes

    @property
    def title(self) -> str:
        """Of the browser's tab."""
        return f"{self.file}: {self.look.word.lower()}"

    @cached_property
    def causes(self) -> list[dict[str, Any]]:
        """The probable mistakes: what is said of each, the line, formulas of what is there and what should be."""
        lines = {line.place: line for block in self.listing for line in block.lines if line.fixes}
        once = {(d["says"], d.get("fix"), d.get("fix") and d["line"]): d for d in reversed(self.report.diagnosis)}
        first = self.report.first_fault
        if not once and first is not None:
            unknown = {"name": first.name, "line": first.line, "cell": first.cell, "mistake": UNKNOWN, "says": ""}
            return [self._cause(unknown, lines)]
        return [self._cause(found, lines) for found in reversed(once.values())]

    def _cause(self, found: Mapping[str, Any], lines: Mapping[str, Any]) -> dict[str, Any]:
        fix = found.get("fix")
        place = words.place(found["line"], found.get("cell")) if found.get("line") else ""
        line = lines.get(place)
        finding = self._finding_of_cause(found)
        blamed = finding is not None and finding.verdict == "fault" and found["mistake"] == UNKNOWN
        return {
            "says": found["says"],
            "place": place,
            "fix": fix,
            "statement": finding.source if finding is not None else "",
            "blamed": finding.name if finding is not None and blamed else "",
            "before": line.removed if line else None,
            "after": dict(line.fixes).get(fix) if line else None,
            "now": formula(finding.source, finding.name) if finding is not None else None,
            "should": formula(fix, str(found["name"])) if fix else None,
        }

    def _finding_of_cause(self, found: Mapping[str, Any]) -> Finding | None:
        """The worst finding under the name, on the line if there is one there."""
        named = [f for f in self.report.tensors if found["name"] in (f.name, f.variable)]
        on_the_line = [f for f in named if (f.line, f.cell) == (found.get("line"), found.get("cell"))]
        return max(on_the_line or named, key=lambda f: SEVERITY.index(f.verdict), default=None)

    @property
    def first(self) -> Card | None:
        """The first fault."""
        fault = self.report.first_fault
        return None if fault is None else next((c for c in self.cards if c.finding is fault), None)

    # -- the source

    @cached_property
    def listing(self) -> list[Block]:
        """The source with its verdicts."""
        return listing(self.report, self.clean)

    def verdicts(self, findings: Sequence[Finding]) -> list[tuple[Look, str, list[tuple[str, str]]]]:
        """Of a line: looks and words, each with the (id, name) of all tensors that they are for."""
        said: dict[tuple[Look, str], list[tuple[str, str]]] = {}
        for f in findings:
            if f.name in self._card_of:
                key = LOOKS[f.verdict], words.says(f, self.report)
                said.setdefault(key, []).append((self._card_of[f.name].id, f.name))
        return [(look, says, tensors) for (look, says), tensors in said.items()]

    def style(self, findings: Sequence[Finding]) -> Look | None:
        """How a line looks: as the worst that it made."""
        worst = max(findings, key=lambda f: SEVERITY.index(f.verdict), default=None)
        return None if worst is None else LOOKS[worst.verdict]

    def is_first(self, findings: Sequence[Finding]) -> bool:
        """Whether the first fault was made here."""
        return any(f is self.report.first_fault for f in findings)

    # -- tensors

    @cached_property
    def _tensors(self) -> list[Tensor]:
        return nearest(self._visible, self.report.first_fault, MOST_CARDS)

    @cached_property
    def _visible(self) -> list[Tensor]:
        known = {t.name for t in self._pictured if any(name in self.findings for name in t.names)}
        return visible(self._pictured, known)

    @property
    def _pictured(self) -> Sequence[Tensor]:
        return self.report.picture.tensors if self.report.picture is not None else ()

    @cached_property
    def cards(self) -> list[Card]:
        """Of all tensors, in the order of the computation; last those that are not in the picture."""
        coarse = sum(tensor.map is not None for tensor in self._tensors) > FINE
        cards = [self._card(i, tensor, self._finding_of(tensor), coarse) for i, tensor in enumerate(self._tensors)]
        drawn = {name for tensor in self._visible for name in tensor.names}
        rest = [f for f in self.report.tensors if f.name not in drawn][: MOST_CARDS - len(cards)]
        return cards + [self._card(len(cards) + i, None, finding, coarse) for i, finding in enumerate(rest)]

    @property
    def start(self) -> Card:
        """The card to begin with: the first fault's, or that of the largest error / bound."""
        return self.first or max(self.cards, key=lambda card: card.finding.ratio if card.finding is not None else -1.0)

    @property
    def any_map(self) -> bool:
        """Whether there is a map to explain."""
        return any(card.map is not None for card in self.cards)

    @property
    def left_out(self) -> int:
        """How many tensors are not described."""
        return len(self._visible) - len(self._tensors)

    @cached_property
    def _card_of(self) -> dict[str, Card]:
        return {
            name: card
            for card in self.cards
            for name in (card.tensor.names if card.tensor is not None else (card.name,))
        }

    def _finding_of(self, tensor: Tensor) -> Finding | None:
        """The worst of what is said of a tensor under its names."""
        found = [self.findings[name] for name in tensor.names if name in self.findings]
        return max(found, key=lambda f: SEVERITY.index(f.verdict), default=None)

    def _card(self, i: int, tensor: Tensor | None, finding: Finding | None, coarse: bool) -> Card:
        verdict = finding.verdict if finding is not None else _without_verdict(tensor)
        name = finding.name if finding is not None else tensor.name if tensor is not None else ""
        place, statement = self._made(tensor, finding)
        ids = {t.name: (f"t{j}", t.name) for j, t in enumerate(self._tensors)}
        return Card(
            f"t{i}",
            name,
            tensor,
            finding,
            LOOKS[verdict],
            words.says(finding, self.report) if finding is not None else LOOKS[verdict].word,
            place,
            statement,
            formula(statement, name) if statement else None,
            [ids[n] for n in tensor.upstream if n in ids] if tensor is not None else [],
            drawn(tensor.map, verdict, coarse) if finding and tensor and tensor.map is not None else None,
            self.report.cases.get("drawn", 1) > 1,
        )

    def _made(self, tensor: Tensor | None, finding: Finding | None) -> tuple[str, str]:
        """Where a tensor was made, and by which statement."""
        if finding is not None and finding.line is not None:
            return words.place(finding.line, finding.cell), finding.source
        if tensor is not None and tensor.place is not None:
            number, statement = tensor.place
            cells = self.report.source.cells if self.report.source is not None else {}
            cell, line = cells.get(number, (None, number))
            return words.place(line, cell), statement
        return "", ""

    # -- the graph

    @cached_property
    def graph(self) -> Layout:
        """Where everything is drawn."""
        return layout(self._tensors)

    def boxes(self) -> list[tuple[Box, Card]]:
        """Each box with its card."""
        cards = {card.tensor.name: card for card in self.cards if card.tensor is not None}
        return [(box, cards[box.name]) for box in self.graph.boxes]

    def edges(self) -> list[tuple[Edge, str, str, bool]]:
        """Each edge, the ids of its ends, and whether it carries a fault on."""
        cards = {card.tensor.name: card for card in self.cards if card.tensor is not None}
        spoilt = ("fault", "inherited")
        return [
            (
                edge,
                cards[edge.source].id,
                cards[edge.target].id,
                cards[edge.source].look.style in spoilt and cards[edge.target].look.style == "inherited",
            )
            for edge in self.graph.edges
        ]

    @property
    def has_forward(self) -> bool:
        """Whether anything is known between the inputs and the cost."""
        return not math.isnan(self.graph.columns[VALUES])

    @property
    def legend(self) -> list[Look]:
        """The looks that occur."""
        return list(dict.fromkeys(card.look for card in self.cards if card.look.sign))

    @property
    def network(self) -> str:
        """Which of the networks is shown."""
        if self.report.picture is None or self.report.cases.get("drawn", 1) == 1:
            return ""
        return f"one of the {self.report.cases['drawn']} networks, {self.report.picture.precision}"

    # -- the rest

    @property
    def scale(self) -> tuple[Markup, Markup]:
        """The colours of the maps, up to 1 and above."""
        return Markup(heatmap.gradient(heatmap.COOL_COLOURS)), Markup(heatmap.gradient(heatmap.WARM_COLOURS))

    @property
    def smallest(self) -> dict[str, str] | None:
        """The smallest case: in words, as a command, as Python."""
        case = self.report.smallest_case
        if case is None:
            return None
        _, said, *command = words.smallest_network(self.report).split(": ", 2)
        return {"says": said, "command": "".join(command), "python": snippet(case["inputs"])}

    @property
    def checked(self) -> str:
        """What was held against what."""
        return words.checked(self.report).removeprefix("Checked: ")

    @property
    def says_nothing_of(self) -> str:
        """What gradients that agree do not tell."""
        whole = self.report.verdict == "agrees" and self.report.subject.get("interface")
        return words.SAYS_NOTHING_OF if whole else ""

    @property
    def versions(self) -> str:
        """Of what the report depends on."""
        return ", ".join(f"{name} {version}" for name, version in words.versions().items())


def _without_verdict(tensor: Tensor | None) -> str:
    kind = tensor.kind if tensor is not None else "gradient"
    return {"input": "input", "value": "given", "cost": "given"}.get(kind, "unseen")
