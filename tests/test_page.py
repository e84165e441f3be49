"""The report as a page, up to the HTML: formulas, maps, the graph's places, the source, and what became of hostile
text. What a browser makes of it is in test_page_in_browser.py."""

import base64
import json
import pickle
import re
import struct
import xml.etree.ElementTree as ET
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import Markup

from gradcompare import check, compare, numpy_on_torch
from gradcompare.cli import main
from gradcompare.judging.verdict import Finding
from gradcompare.page import clean, heatmap, power
from gradcompare.page.layout import GRADIENTS, RESULTS, layout, nearest, visible
from gradcompare.page.listing import changed, listing
from gradcompare.page.mathml import formula, symbol
from gradcompare.picture import Tensor
from gradcompare.report import Report, Source
from tests import pages

# ---- formulas


def read(markup: Markup) -> str:
    """A formula as it is read aloud: signs one after another, indices after _, exponents after ^, fractions with /."""

    def said(node):
        parts = [said(child) for child in node]
        joined = {
            "msub": lambda: f"{parts[0]}_{parts[1]}",
            "msup": lambda: f"{parts[0]}^{parts[1]}",
            "msubsup": lambda: f"{parts[0]}_{parts[1]}^{parts[2]}",
            "mfrac": lambda: f"({parts[0]})/({parts[1]})",
            "munder": lambda: f"{parts[0]}[{parts[1]}]",
            "msqrt": lambda: f"√({''.join(parts)})",
        }
        return joined[node.tag]() if node.tag in joined else (node.text or "") + "".join(parts)

    return re.sub(r"[\u2061\u2062]", "", said(ET.fromstring(markup)))


@pytest.mark.parametrize(
    ("statement", "reads"),
    [
        ("dZ1 = np.dot(W2.T, dZ2) * (1 - A1**2)", "dZ_1=W_2^TdZ_2⊙(1−A_1^2)"),
        ("dW2 = dZ2 @ A1.T / m", "dW_2=(dZ_2A_1^T)/(m)"),
        ("dW1 += 2 * reg * W1", "dW_1←dW_1+2⋅reg⋅W_1"),
        ("grads['dW1'] = np.dot(x.T, dscores)", "dW_1=x^Tdscores"),
        ("self.dW = np.outer(delta, self.x)", "dW=outer(δ,x)"),
        ("db = np.sum(dZ, axis=1, keepdims=True)", "db=∑[axis 1]dZ"),
        ("db = dZ.sum(0)", "db=∑[axis 0]dZ"),
        ("s = 1 / (1 + np.exp(-Z))", "s=(1)/(1+e^−Z)"),
        ("J = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m", "J=(−∑(Y⊙log(A)+(1−Y)⊙log(1−A)))/(m)"),
        ("dZ = dA * (Z > 0).astype(float)", "dZ=dA⊙[Z>0]"),
        ("dZ = np.where(Z > 0, dA, 0.01 * dA)", "dZ={dAwhere Z>00.01⋅dAelsewhere"),
        ("r = a - (b - c)", "r=a−(b−c)"),
        ("r = (a - b) - c", "r=a−b−c"),
        ("r = (a + b) @ c", "r=(a+b)c"),
        ("r = (-a) ** 2", "r=(−a)^2"),
        ("n = X.shape[1]", "n=X.shape[1]"),
        ("r = np.sqrt(abs(x))", "r=√(|x|)"),
        ("r = [k for k in x]", "r=[k for k in x]"),
    ],
)
def test_a_statement_reads_as_a_formula(statement, reads):
    assert read(formula(statement)) == reads


def test_what_is_returned_is_named():
    assert read(formula("return grad @ W.T", "dx#2")) == "dx^(2)=gradW^T"


@pytest.mark.parametrize(
    "statement", ["for i in x:", "a, b = f(x)", "f(x)", "x = " + "1 + " * 200 + "1", "", "x = '\0'"]
)
def test_what_is_no_formula_has_none(statement):
    assert formula(statement) is None


@given(st.text())
@example("x = 'a' < b")
@example(f"x = {pages.HOSTILE!r}")
def test_any_text_is_no_markup(text):
    for shown in (formula(text), formula(f"x = {text}"), formula(f"x[{text!r}] = {text!r}", text), symbol(text)):
        if shown is not None:
            ET.fromstring(clean(shown))


# ---- maps


def pixels(uri: str) -> np.ndarray:
    """The palette's indices in a PNG of indexed colours."""
    data = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    columns, rows, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert (depth, kind) == (8, 3)
    scan_lines = zlib.decompress(data[data.index(b"IDAT") + 4 : data.index(b"IEND") - 8])
    return np.frombuffer(scan_lines, np.uint8).reshape(rows, columns + 1)[:, 1:]


def test_colours_part_at_1_and_grow_with_the_ratio():
    ratios = np.array([[0.0, 1e-9, 1e-3, 0.5, 1.0, 1.0000001, 10.0, 1e9, np.inf, np.nan]])
    found = heatmap.palette_index(ratios)[0]
    assert np.all(np.diff(found[:9].astype(int)) >= 0)
    assert np.all(found[:5] < heatmap.WARM)
    assert np.all(found[5:9] >= heatmap.WARM)
    assert found[1] < found[3] < found[6] < found[7]
    assert found[9] == heatmap.UNDECIDED


def test_a_picture_has_a_dot_where_rounding_does_not_explain_it():
    ratios = np.array([[0.5, 1e3], [1e15, np.nan]])
    coarse, fine = pixels(heatmap.data_uri(ratios, coarse=True)), pixels(heatmap.data_uri(ratios))
    np.testing.assert_array_equal(coarse, heatmap.palette_index(ratios))
    centres = fine[heatmap.DOTTED // 2 :: heatmap.DOTTED, heatmap.DOTTED // 2 :: heatmap.DOTTED]
    corners = fine[:: heatmap.DOTTED, :: heatmap.DOTTED]
    np.testing.assert_array_equal(corners, coarse)
    assert ((centres == heatmap.DARK_DOT) | (centres == heatmap.LIGHT_DOT)).tolist() == [[False, True], [True, False]]


# ---- the graph


def chain(layers: int) -> list[Tensor]:
    return list(pages.deep.__wrapped__(layers).picture.tensors)


@st.composite
def graphs(draw):
    """Any computation: inputs, values computed from any of those before, a cost, gradients."""
    names = [f"in{i}" for i in range(draw(st.integers(1, 4)))]
    tensors = [Tensor(name, "input", ()) for name in names]
    for i in range(draw(st.integers(0, 8))):
        upstream = draw(st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True))
        names.append("v" * draw(st.integers(1, 20)) + str(i))
        tensors.append(Tensor(names[-1], "value", (), tuple(upstream)))
    tensors.append(Tensor("J", "cost", (), (names[-1],)))
    made = list(names)
    for name in draw(st.lists(st.sampled_from(names), unique=True)):
        upstream = draw(st.lists(st.sampled_from(made), max_size=4, unique=True))
        made.append(f"d{name}")
        tensors.append(Tensor(f"d{name}", "gradient", (), tuple(upstream)))
    return tensors


@given(graphs())
def test_boxes_keep_apart_and_gradients_stand_beside_what_they_are_of(tensors):
    found = layout(tensors)
    boxes = {box.name: box for box in found.boxes}
    assert set(boxes) == {tensor.name for tensor in tensors}
    for a in boxes.values():
        assert a.x - a.width / 2 >= 0
        assert a.x + a.width / 2 <= found.width + 1e-9
        assert a.y + a.height / 2 <= found.height
        for b in boxes.values():
            apart = abs(a.x - b.x) >= (a.width + b.width) / 2 or abs(a.y - b.y) >= (a.height + b.height) / 2
            assert a is b or apart, (a, b)
    for tensor in tensors:
        box = boxes[tensor.name]
        if tensor.kind == "gradient":
            assert box.row == boxes[tensor.name[1:]].row
            assert box.column in (GRADIENTS, RESULTS)
        else:
            assert all(boxes[name].row <= box.row for name in tensor.upstream)
    assert {(e.source, e.target) for e in found.edges if e.kind != "turn"} == {
        (name, tensor.name) for tensor in tensors for name in tensor.upstream
    }


def test_gradients_that_nobody_knows_are_drawn_where_they_lead_somewhere():
    tensors = [
        Tensor("X", "input", ()), Tensor("W", "input", ()), Tensor("Z", "value", (), ("X", "W")),
        Tensor("J", "cost", (), ("Z",)), Tensor("dJ", "gradient", ()), Tensor("dZ", "gradient", (), ("dJ",)),
        Tensor("dW", "gradient", (), ("dZ", "X")), Tensor("dX", "gradient", (), ("dZ", "W")),
    ]  # fmt: skip
    assert [t.name for t in visible(tensors, {"dW"})] == ["X", "W", "Z", "J", "dZ", "dW"]


def test_of_very_many_tensors_those_around_the_fault_are_drawn():
    tensors = chain(100)
    kept = {t.name for t in nearest(tensors, Finding("dZ50", "Z50", "fault"), 200)}
    assert len(kept) == 200
    assert {f"{d}{n}" for d in ("dZ", "Z", "W") for n in range(40, 60)} <= kept
    assert {t.name for t in nearest(tensors, None, 9)} >= {"J", "dA100", "A100"}


# ---- the source


def shown(report: Report) -> list[str]:
    code = [Markup(line.code).striptags() for block in listing(report, clean) for line in block.lines]
    return [" ".join(line.split()) for line in code]


def test_the_whole_file_is_there_with_the_verdicts_on_their_lines():
    report = pages.wrong()
    lines = [" ".join(line.split()) for line in report.source.text.splitlines()]
    blocks = listing(report, clean)
    assert shown(report) == lines
    marked = {line.number: [f.name for f in line.findings] for b in blocks for line in b.lines if line.findings}
    assert marked == {34: ["dZ2"], 35: ["dW2"], 36: ["db2"], 37: ["dZ1"], 38: ["dW1"], 39: ["db1"]}
    assert all(not line.findings for block in blocks if block.folded for line in block.lines)
    assert all(block.lines[0].code.strip() and block.lines[-1].code.strip() for block in blocks if not block.folded)
    (fixed,) = [line for block in blocks for line in block.lines if line.fixes]
    assert fixed.number == 37
    assert fixed.fixes[0][1].striptags() == "dZ1 = np.dot(W2.T, dZ2) * (1 - A1**2)"


LINES = st.text(st.characters(exclude_characters="\n")) | st.sampled_from(["", "'''", "x = (", "  # <b>", "\\"])


@given(st.lists(LINES).filter(lambda lines: any(map(str.strip, lines))), st.data())
def test_any_lines_are_shown_as_they_are(lines, data):
    code = data.draw(st.sampled_from([n for n, line in enumerate(lines) if line.strip()]))
    fault = Finding("dW", "W", "fault", line=code + 1, source=lines[code].strip())
    blocks = listing(Report("wrong", [fault], source=Source("\n".join(lines))), clean)
    texts = [re.sub(r"<.*?>", "", line.code) for block in blocks for line in block.lines]
    assert [str(Markup(text).unescape()) for text in texts] == [clean(line) for line in lines][: len(texts)]
    assert len(texts) >= len(lines) - 1, "an empty last line is none"


def test_of_a_very_long_file_the_lines_around_are_there():
    text = "\n".join(f"x{n} = {n}" for n in range(1, 10_001))
    fault = Finding("dx", "x", "fault", line=6000, source="x6000 = 6000")
    blocks = listing(Report("wrong", [fault], source=Source(text)), clean)
    numbers = [line.number for block in blocks for line in block.lines]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert numbers[0] < 5500 < 6500 < numbers[-1]
    assert len(numbers) < 3000
    assert sum(block.left_out for block in blocks) + len(numbers) == 10_000


def test_lines_of_a_notebook_are_counted_in_their_cells():
    text = "import numpy as np\nx = 1\ndW = 2\ny = 3\n"
    cells = {1: (1, 1), 2: (1, 2), 3: (2, 1), 4: (2, 2)}
    fault = Finding("dW", "W", "fault", line=1, cell=2, source="dW = 2")
    blocks = listing(Report("wrong", [fault], source=Source(text, cells)), clean)
    assert [(block.cell, [line.place for line in block.lines]) for block in blocks if block.lines] == [
        (1, ["cell 1, line 1", "cell 1, line 2"]),
        (2, ["cell 2, line 1", "cell 2, line 2"]),
    ]
    assert [line.place for block in blocks for line in block.lines if line.findings] == ["cell 2, line 1"]


def test_a_notebook_s_page_names_cells(tmp_path):
    code = (pages.EXAMPLES / "dict_cache_lost_derivative.py").read_text()
    forward, backward = re.split(r"(?=^def backward)", code, flags=re.MULTILINE)
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": part} for part in (forward, backward)]
    notebook = tmp_path / "homework.ipynb"
    notebook.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    report = check(notebook, examples=2)
    (fixed,) = [line for block in listing(report, clean) for line in block.lines if line.fixes]
    assert fixed.place == "cell 2, line 8"
    assert "It first goes wrong at cell 2, line 8, dZ1." in str(report)
    assert "\n      8   dZ1 = np.dot(W2.T, dZ2) * (1 - A1**2)\n" in str(report)
    assert '<p class="where">cell 2, line 8</p>' in report.to_html()


def test_a_line_of_another_file_is_not_shown_as_this_one_s():
    fault = Finding("dW", "W", "fault", line=1, source="dW = from_elsewhere()")
    blocks = listing(Report("wrong", [fault], source=Source("import helper\n")), clean)
    assert [[line.code.striptags() for line in block.lines] for block in blocks] == [["dW = from_elsewhere()"]]


@given(st.text("ab +*<>&'\"", max_size=30), st.text("ab +*<>&'\"", max_size=30))
def test_what_changed_is_marked_and_nothing_is_lost(before, after):
    gone, new = changed(before, after)
    assert Markup(re.sub(r"</?del>", "", gone)).unescape() == before
    assert Markup(re.sub(r"</?ins>", "", new)).unescape() == after
    same = [re.sub(r"<(del|ins)>.*?</\1>", "", text) for text in (gone, new)]
    assert same[0] == same[1]


# ---- the page


def test_a_kink_s_map_accuses_nobody():
    def forward(given):
        Z = given["W"] @ given["X"]
        return np.sum(np.maximum(Z, 0)), {"Z": Z}

    def gradients(given):
        dZ = (given["W"] @ given["X"] >= 0) * 1.0
        return {"dZ": dZ, "dW": dZ @ given["X"].T}

    inputs = {"W": np.array([[1.0, -1.0], [2.0, 1.0]]), "X": np.array([[1.0, 2.0, 0.0], [1.0, 3.0, 0.0]])}
    page = compare(numpy_on_torch(forward), numpy_on_torch(gradients), inputs).to_html()
    assert "are another valid derivative at the kink." in page
    assert "further off" not in page


class Tags(HTMLParser):
    """Counts the tags, and collects the attributes that could load or run something."""

    def __init__(self, text: str):
        super().__init__()
        self.found: dict[str, int] = {}
        self.loads: list[str] = []
        self.attributes: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found[tag] = self.found.get(tag, 0) + 1
        self.attributes.append(dict(attributes))
        self.loads += [
            f"{k}={v}" for k, v in attributes if k in ("src", "href", "action", "data") or k.startswith("on")
        ]


def test_the_page_says_which_line_to_change():
    page = pages.wrong().to_html()
    text = Markup(re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)).striptags()
    assert "It first goes wrong at line 37, dZ1." in text
    assert "Probably: The derivative of tanh is missing." in text
    assert "dZ1 = np.dot(W2.T, dZ2) * (1 - A1**2)" in text
    assert "right, given the dZ1 of line 37" in text
    assert "gradcompare check" in text


@pytest.mark.parametrize("says", ["", "It is none of the known mistakes."])
def test_where_to_look_where_the_mistake_is_not_known(says):
    fault = Finding("dW", "W", "fault", (1,), "float64", line=1, source="dW = dZ @ X", worst=(0,), claim=1, reference=2)
    diagnosis = [{"name": "dW", "line": 1, "mistake": "unknown", "says": says, "fix": None}] if says else []
    page = Report("wrong", [fault], diagnosis=diagnosis, source=Source("dW = dZ @ X\n")).to_html()
    section = re.search(r'<section id="change".*?</section>', page, re.DOTALL)[0]
    said = (
        f"Where to look {says} line 1 ✗ dW = dZ @ X All tensors before dW are right: either this step is wrong, or "
        "what it reads was changed on the way. The worst entry of dW, [0], is 1 and should be 2. Rounding could "
        "explain a difference of 0."
    )
    assert Markup(section).striptags().replace(" ", "") == said.replace(" ", "")


@pytest.mark.parametrize("make", [pages.wrong, pages.hostile, pages.wide], ids=lambda make: make.__name__)
def test_nothing_is_loaded_and_one_script_is_run(make):
    tags = Tags(make().to_html())
    assert tags.found["script"] == tags.found["style"] == tags.found["html"] == 1
    assert all(re.match(r"href=#t\d+$|src=data:image/png;base64,[\w+/=]+$", what) for what in tags.loads), tags.loads


def test_hostile_text_is_shown_and_is_no_markup():
    page = pages.hostile().to_html()
    assert Markup(page).unescape().count("<script>window.hacked = true</script>") > 20
    assert "<script>window" not in page
    assert page.count("<script") == page.count("</script") == page.count("</style") == 1


def test_characters_that_no_page_holds_are_made_visible():
    said = "a\0b\x1bc\u202ed\ud800e\x85f"
    page = Report("error", notes=[said], cases=dict.fromkeys(("drawn", "decided", "at_kink", "undecided"), 0)).to_html()
    assert r"a\x00b\x1bc\u202ed\ud800e\x85f" in page
    page.encode("utf-8")


@pytest.mark.parametrize("make", [pages.wide, pages.deep], ids=lambda make: make.__name__)
def test_the_page_of_a_large_network_is_small(make):
    assert len(make().to_html().encode()) < 2_000_000


@pytest.mark.parametrize("verdict", ["agrees", "wrong", "scaled", "undecided", "unfinished", "error"])
def test_every_verdict_has_a_page_however_little_is_known(verdict):
    assert "<h1>" in Report(verdict, notes=["why"]).to_html()
    finding = Finding("dW", "W", "scaled" if verdict == "scaled" else "fault", factor=2.0)
    assert "dW" in Report(verdict, [finding]).to_html()


@pytest.mark.parametrize(
    "verdict", ["ok", "fault", "inherited", "kink", "scaled", "shape", "dtype", "nonfinite", "undecided", "missing"]
)
def test_every_verdict_on_a_tensor_is_said_by_a_sign_too(verdict):
    finding = Finding("dW", "W", verdict, (2,), "float64", line=1, source="dW = 1", factor=2.0, inherited_from="dZ")
    report = Report("wrong", [finding], source=Source("dW = 1\n"))
    chip = re.search(r'<a class="chip.*?</a>', report.to_html(), re.DOTALL)
    assert re.search(r'class="sign" aria-hidden="true">[✓✗↳◇?]</span>', chip[0])


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0.0, "0"), (0.25, "0.25"), (4.7e-15, "4.7 × 10<sup>−15</sup>"), (1.2e14, "1.2 × 10<sup>14</sup>"), (np.inf, "∞")],
)
def test_magnitudes(number, shown):
    assert power(number) == shown


def test_a_notebook_shows_the_page_in_a_frame_of_its_own():
    report = pages.wrong()
    (frame,) = Tags(report._repr_html_()).attributes
    assert frame["sandbox"] == "allow-scripts"
    assert frame["srcdoc"] == report.to_html()


def test_a_report_can_be_sent_to_another_process():
    again = pickle.loads(pickle.dumps(pages.wide()))
    assert again == pages.wide()
    assert again.to_html() == pages.wide().to_html()


def test_the_json_report_knows_nothing_of_pages():
    assert set(pages.wrong().to_dict()) == {
        "schema", "verdict", "subject", "assumed", "reference", "cases", "tensors", "first_fault", "diagnosis",
        "smallest_case", "notes", "versions",
    }  # fmt: skip


# ---- the command


def test_the_command_writes_it(tmp_path, capsys):
    page = tmp_path / "report.html"
    assert main(["check", str(pages.EXAMPLES / "dict_cache_right.py"), "--examples", "2", "--html", str(page)]) == 0
    assert "agrees with PyTorch" in capsys.readouterr().out
    assert page.read_text("utf-8").startswith("<!doctype html>")


def test_a_file_that_cannot_be_checked_has_a_page_that_says_why(tmp_path):
    file, page = tmp_path / "empty.py", tmp_path / "report.html"
    file.write_text("")
    assert main(["check", str(file), "--html", str(page)]) == 2
    assert "there is no code in it" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["a.py", "b.py", "--html", "r.html"], "--html is a page about one file"),
        ([".", "--html", "r.html"], "--html is a page about one file"),
        (["a.py", "--html", "-"], "--html needs the name of a file"),
        (["a.py", "--html", "a.py"], "would write over a file that is to be checked"),
        (["a.py", "--html", "r", "--json", "./r"], "--json and --html would both be written to r"),
        (["a.py", "--html", "no/r.html"], "there is no folder no"),
    ],
)
def test_usage(tmp_path, monkeypatch, capsys, words, says):
    monkeypatch.chdir(tmp_path)
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("x = 1\n")
    assert main(["check", *words]) == 2
    assert says in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.py", "b.py"]
