"""The book in a headless Chromium: every page opens and can be used by all, and the figure shows what numeric reads."""

import json
import re
from itertools import product
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest

from numeric import Geometry, GeometryError, conv, rot180
from proofs.book import figure
from tests.browser import KEYS, Browser

START = {"rows": 6, "columns": 7, "kernelRows": 3, "kernelColumns": 2, "stride": 1, "dilation": 1, "padding": "1 1",
         "boundary": "zero", "operation": "correlate", "channels": 2, "down": 1, "right": 0}  # fmt: skip
LAYERS = [
    START,
    {**START, "stride": 2, "padding": "0 0", "down": 2, "right": 2},
    {**START, "stride": 2, "padding": "0 0", "down": 1, "right": 0},
    {**START, "rows": 8, "kernelRows": 2, "dilation": 2, "padding": "1 0", "operation": "convolve"},
    {**START, "kernelRows": 4, "kernelColumns": 3, "boundary": "circular", "padding": "2 2", "right": 3},
    {**START, "rows": 5, "columns": 8, "stride": 3, "padding": "0 1", "boundary": "circular", "operation": "convolve"},
    {**START, "padding": "0 0", "down": 0, "right": 0, "kernelRows": 1, "kernelColumns": 1},
]


def scheme(window: Browser, name: str) -> None:
    window.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])


def show(window: Browser, book: Path, layer: dict[str, object] = START) -> None:
    window.open("about:blank")
    window.open(f"{(book / 'figure.html').as_uri()}#{urlencode(layer)}")


def geometry(layer) -> Geometry:
    low, high = map(int, layer["padding"].split())
    sizes, kernel = (layer["rows"], layer["columns"]), (layer["kernelRows"], layer["kernelColumns"])
    around = ((low, high), (low, high))
    return Geometry(sizes, kernel, layer["stride"], layer["dilation"], around, boundary=layer["boundary"])


def arrays(layer):
    """Input and weights as the page has them."""
    x = figure.INPUT[: layer["rows"], : layer["columns"]]
    k = figure.KERNEL[: layer["kernelRows"], : layer["kernelColumns"]]
    return x, rot180(k) if layer["operation"] == "convolve" else k


def convolved(layer, x, w):
    g = geometry(layer)
    options = {"stride": g.stride, "dilation": g.dilation, "padding": g.padding, "boundary": g.boundary}
    return conv(x[None, None], w[None, None], **options)[0, 0]


def numbers(window: Browser, grid: str):
    return window.run(
        """return [...document.querySelectorAll(`#${arguments[0]} [role=row]`)].map((row) =>
        [...row.querySelectorAll('[data-place]')].map((cell) => cell.firstChild.textContent.replace('−', '-')))
        .filter((row) => row.length)""",
        grid,
    )


def marked(window: Browser, grid: str):
    found = window.run("return [...document.querySelectorAll(`#${arguments[0]} .read[data-place]`)].map((c) => c.dataset.place)", grid)  # fmt: skip # noqa: E501
    return sorted(tuple(map(int, place.split())) for place in found)


def point(window: Browser, grid: str, place) -> None:
    window.run(
        """document.querySelector(`#${arguments[0]} [data-place='${arguments[1]}']`)
        .dispatchEvent(new PointerEvent('pointerover', {bubbles: true}))""",
        grid,
        " ".join(map(str, place)),
    )


@pytest.mark.parametrize(
    "layer", LAYERS, ids=lambda layer: urlencode({k: v for k, v in layer.items() if v != START[k]})
)
def test_what_the_figure_shows_is_what_numeric_reads(layer, window, book):
    show(window, book, layer)
    g, (x, w) = geometry(layer), arrays(layer)
    assert numbers(window, "input") == x.astype(str).tolist()
    assert numbers(window, "kernel") == w.astype(str).tolist()
    assert numbers(window, "output") == convolved(layer, x, w).astype(str).tolist()
    pairs = [(o, u, g.reads(o, u)) for o, u in product(g.outputs(), g.taps())]
    pairs = [(o, u, a) for o, u, a in pairs if a is not None]
    for output in g.outputs():
        point(window, "output", output)
        assert marked(window, "input") == sorted({a for o, _, a in pairs if o == output})
        assert marked(window, "kernel") == sorted(u for o, u, _ in pairs if o == output)
    for cell in product(*map(range, g.input_size)):
        point(window, "input", cell)
        assert marked(window, "output") == sorted({o for o, _, a in pairs if a == cell})
    for tap in g.taps():
        point(window, "kernel", tap)
        assert marked(window, "output") == sorted({o for o, u, _ in pairs if u == tap})
    assert window.errors() == []


def test_a_table_with_one_cell_moved_is_seen(window, book, tmp_path):
    spoilt = figure.data()
    table = spoilt["axes"][figure.key((6, 3, 1, 1, 1, 1, "zero"))]["cell"]
    table[2][1] += 1
    text = (book / "figure.html").read_text(encoding="utf-8")
    given = re.compile(r'(<script type="application/json" id="data">).*?(</script>)', re.DOTALL)
    for name in ("figure.js", "figure.css", "book.css"):
        (tmp_path / name).write_bytes((book / name).read_bytes())
    (tmp_path / "figure.html").write_text(given.sub(lambda m: m[1] + json.dumps(spoilt) + m[2], text), encoding="utf-8")
    with pytest.raises(AssertionError):
        test_what_the_figure_shows_is_what_numeric_reads(START, window, tmp_path)


@pytest.mark.parametrize(
    "layer", LAYERS, ids=lambda layer: urlencode({k: v for k, v in layer.items() if v != START[k]})
)
def test_equivariance_is_told_as_numeric_finds_it(layer, window, book):
    show(window, book, layer)
    x, w = arrays(layer)
    offset, stride = (layer["down"], layer["right"]), layer["stride"]
    moved = np.roll if layer["boundary"] == "circular" else shifted
    first = convolved(layer, moved(x, offset, (0, 1)), w)
    by = tuple(t // stride for t in offset)
    second = moved(convolved(layer, x, w), by, (0, 1))
    both = moved(np.ones_like(second), by, (0, 1)) > 0
    wrong = int((first != second)[both].sum())
    assert numbers(window, "first") == first.astype(str).tolist()
    assert window.run("return Number(document.getElementById('verdict').dataset.wrong)") == wrong
    told = window.run("return document.getElementById('verdict').textContent")
    agree = f"They agree in all {both.sum()} cells" if not wrong else f"They differ in {wrong} of {both.sum()} cells"
    assert told.startswith(agree)
    assert ("is no multiple of the stride" in told) == any(t % stride for t in offset)
    marks = window.run("return document.querySelectorAll('#first .differs').length")
    assert marks == wrong


def shifted(x, offset, axis):
    """By a zero boundary: what comes from outside is zero."""
    del axis
    moved = np.zeros_like(x)
    rows, columns = (np.arange(n) for n in x.shape)
    down, right = offset
    moved[np.ix_(rows[down:], columns[right:])] = x[np.ix_(rows[: x.shape[0] - down], columns[: x.shape[1] - right])]
    return moved


def test_cells_are_walked_by_keys_and_the_kernel_slides_by_buttons(window, book):
    show(window, book)
    said = "return document.getElementById('said').textContent"
    window.run("document.querySelector(\"#output [data-place='0 0']\").focus()")
    window.keys("#output [data-place='0 0']", KEYS["right"])
    window.keys("#output [data-place='0 1']", KEYS["down"])
    assert window.run("return document.activeElement.dataset.place") == "1 1"
    assert window.run(said).startswith("y(1, 1) = ")
    assert window.run("return document.activeElement.getAttribute('aria-label')").startswith("output (1, 1) = ")
    window.keys("#output [data-place='1 1']", KEYS["up"] + KEYS["up"])
    assert window.run("return document.activeElement.dataset.place") == "0 1"  # it stops at the border
    window.click("#step")
    assert window.run(said).startswith("y(0, 2) = ")
    window.click("#back")
    window.click("#back")
    assert window.run(said).startswith("y(0, 0) = ")
    window.click("#back")
    last = tuple(n - 1 for n in geometry(START).output_size)
    assert window.run(said).startswith(f"y{last} = ")
    window.click("#play")
    assert window.run("return document.getElementById('play').getAttribute('aria-pressed')") == "true"
    window.until(f"return !document.getElementById('said').textContent.startsWith('y{last}')")
    window.click("#play")
    assert window.run("return document.getElementById('play').getAttribute('aria-pressed')") == "false"


def test_a_convolution_turns_the_kernel_and_says_so(window, book):
    show(window, book)
    window.run("""const s = document.querySelector('[name=operation]'); s.value = 'convolve';
        s.dispatchEvent(new Event('change', {bubbles: true}))""")
    layer = {**START, "operation": "convolve"}
    assert numbers(window, "kernel") == arrays(layer)[1].astype(str).tolist()
    assert window.run("return document.getElementById('kernel').classList.contains('turning')")
    assert window.run("return document.getElementById('kernel-heading').textContent") == "rot180(k), as it slides"
    assert "operation=convolve" in window.run("return location.hash")


def test_what_is_no_layer_is_said_with_the_reason(window, book):
    layer = {**START, "rows": 5, "kernelRows": 4, "dilation": 2, "padding": "0 0"}
    show(window, book, layer)
    told = window.run("return document.getElementById('problem').textContent")
    assert told.startswith("There is no such layer: rows: the kernel does not fit: it spans 7 cells")
    assert window.run("return document.getElementById('problem').checkVisibility()")
    assert not window.run("return document.getElementById('drawn').checkVisibility()")
    assert window.errors() == []


@pytest.mark.parametrize("layer", LAYERS[:4], ids=lambda layer: layer["padding"])
def test_what_does_not_fit_cannot_be_chosen_and_says_why(layer, window, book):
    show(window, book, layer)
    shown = window.run(
        """return [...document.querySelectorAll('form[aria-label="The layer"] select')].flatMap((s) =>
        [...s.options].map((o) => [s.name, o.value, o.disabled, o.title]))"""
    )
    for name, value, disabled, title in shown:
        reason = problem({**layer, name: int(value) if isinstance(layer[name], int) else value})
        assert disabled == bool(reason), (name, value)
        assert title.startswith(("rows: ", "columns: ") if reason else ""), (name, value)
        assert reason in title.removeprefix("rows: ").removeprefix("columns: "), (name, value)


def problem(layer) -> str:
    """Why there is no such layer, without its sizes."""
    try:
        geometry(layer)
    except GeometryError as reason:
        return str(reason).split(":")[0]
    return ""


@pytest.mark.parametrize("layer", LAYERS[:6], ids=lambda layer: f"{layer['padding']}-{layer['boundary']}")
def test_the_formula_of_a_cell_has_the_numbers_that_numeric_finds(layer, window, book):
    show(window, book, layer)
    g, told = geometry(layer), "return document.getElementById('index').textContent"
    for output in g.outputs():
        point(window, "output", output)
        read = [(tap, cell) for tap in g.taps() if (cell := g.reads(output, tap)) is not None]
        if not read:
            assert window.run(told) == ""
            continue
        tap, cell = read[-1]
        places = [int(axis.reads(o, u)) for axis, o, u in zip(g.axes, output, tap, strict=True)]
        shown = re.findall(r"(\d+)·(\d+) \+ (\d+)·(\d+) − (\d+) = (−?\d+)", window.run(told))
        numbers = [[int(n.replace("−", "-")) for n in line] for line in shown]
        assert [line[:5] for line in numbers] == [
            [g.stride[i], output[i], g.dilation[i], tap[i], g.padding[i][0]] for i in (0, 1)
        ]
        assert [line[5] for line in numbers] == places
        assert (f"which is {cell} around" in window.run(told)) == (tuple(places) != cell)


@pytest.mark.parametrize("chosen", range(len(figure.CHANNELS)))
def test_channels_and_their_groups_are_told(chosen, window, book):
    show(window, book, {**START, "channels": chosen})
    shown = window.run("return [...document.querySelectorAll('#channels [data-channel]')].map((c) => c.dataset.reads)")
    assert [list(map(int, line.split())) for line in shown] == figure.channels(*figure.CHANNELS[chosen])


def test_without_javascript_there_is_a_picture_and_a_sentence(window, book):
    window.devtools("Emulation.setScriptExecutionDisabled", value=True)
    try:
        show(window, book)
        visible = window.run(
            "return [...document.querySelectorAll('#still svg, #figure')].map((e) => e.checkVisibility())"
        )
        assert visible == [True, False]
    finally:
        window.devtools("Emulation.setScriptExecutionDisabled", value=False)


KINDS = (
    *("index", "laws", "figure", "sheet", "certificates", "rounding", "training", "laws/gradients-are-adjoints"),
    *("laws/weight-gradient-is-rotated-input-convolved-with-cotangent", "laws/zero-same-padding-is-not-equivariant"),
)


@pytest.mark.parametrize(("colours", "width"), [("light", 1200), ("dark", 390)])
@pytest.mark.parametrize("name", KINDS)
def test_axe_finds_nothing_amiss(name, colours, width, window, book):
    """Contrast, landmarks, names of controls, ...: https://github.com/dequelabs/axe-core."""
    axe = pytest.importorskip("axe_core_python")
    scheme(window, colours)
    window.resize(width, 900)
    window.open((book / f"{name}.html").as_uri())
    window.run((Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    window.run("window.found = null; axe.run().then((found) => { window.found = found; })")
    found = window.until(
        "return window.found && {violations: window.found.violations, passes: window.found.passes.length}"
    )
    assert found["passes"] > 10
    told = [f"{v['id']}: {node['html'][:120]} {node['failureSummary'][:200]}" for v in found["violations"] for node in v["nodes"]]  # fmt: skip # noqa: E501
    assert told == []


@pytest.mark.parametrize("width", [360, 1200])
def test_every_page_opens_without_an_error_and_is_no_wider_than_the_window(width, window, book):
    window.resize(width, 800)
    for file in sorted(book.rglob("*.html")):
        window.open(file.as_uri())
        assert window.errors() == [], file
        wide = window.run("return document.documentElement.scrollWidth")
        assert wide <= width, file
        assert window.run("return document.querySelectorAll('main, h1').length") == 2, file
