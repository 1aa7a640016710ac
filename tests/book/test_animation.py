"""Moving pictures: one frame for each output, with what `Geometry.reads` says that it reads."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from numeric import Geometry
from proofs.__main__ import main
from proofs.book import animation, still

Image = pytest.importorskip("PIL.Image")

LAYERS = [
    Geometry((5, 6), (3, 2), (1, 2), padding=((1, 1), (0, 0))),
    Geometry((4, 5), (2, 3), dilation=(2, 1), padding=1, boundary="circular"),
    Geometry((3, 3), (3, 3), padding=2),
    animation.planar(Geometry((7,), (3,), 2)),
]


def cells(layer, output):
    return sorted({cell for tap in layer.taps() if (cell := layer.reads(output, tap)) is not None})


def place(x, y, left=0):
    return (int(y) // still.CELL, (int(x) - left) // still.CELL)


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_every_step_of_the_svg_marks_what_is_read(layer):
    drawing = ElementTree.fromstring(animation.svg(layer, 0.5))  # noqa: S314 - made here
    steps = drawing.findall("{http://www.w3.org/2000/svg}g")
    assert [step.get("data-output") for step in steps] == [" ".join(map(str, o)) for o in layer.outputs()]
    for number, (step, output) in enumerate(zip(steps, layer.outputs(), strict=True)):
        read = [place(r.get("x"), r.get("y")) for r in step.iter() if r.get("class") == "read"]
        assert sorted(read) == cells(layer, output)
        assert step.get("style") == f"animation-delay:{0.5 * number:g}s"
        taps = [tap for tap in layer.taps() if layer.reads(output, tap) is not None]
        names = [t.text for t in step.iter() if t.get("class") == "tap"]
        assert sum(int(n.split()[0]) if " " in n else 1 for n in names) == len(taps)
        left = still.CELL * layer.input_size[1] + still.GAP
        (at,) = (place(r.get("x"), r.get("y"), left) for r in step.iter() if r.get("class") == "at")
        assert at == output


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_every_frame_of_the_gif_fills_what_is_read(layer, tmp_path):
    file = tmp_path / "a.gif"
    file.write_bytes(animation.gif(layer, 0.25))
    with Image.open(file) as frames:
        assert frames.n_frames == len(list(layer.outputs()))
        assert frames.info["loop"] == 0
        wanted = tuple(int(animation.COLOURS["read"][0][i : i + 2], 16) for i in (1, 3, 5))
        for number, output in enumerate(layer.outputs()):
            frames.seek(number)
            assert frames.info["duration"] == 250
            shown = np.asarray(frames.convert("RGB"))
            filled = [
                (r, c)
                for r in range(layer.input_size[0])
                for c in range(layer.input_size[1])
                if abs(shown[still.CELL * r + 7, still.CELL * c + 7].astype(int) - wanted).max() < 12
            ]
            assert filled == cells(layer, output)


def test_a_cell_that_is_not_read_is_not_marked(monkeypatch):
    """The planted mistake: every output reads one cell further."""
    layer = LAYERS[0]
    true = Geometry.reads
    monkeypatch.setattr(Geometry, "reads", lambda self, o, u: true(self, o, (u[0], (u[1] + 1) % 2)))
    drawn = animation.svg(layer, 0.5)
    monkeypatch.setattr(Geometry, "reads", true)
    assert drawn != animation.svg(layer, 0.5)


@pytest.mark.parametrize("name", ["a.gif", "a.svg"])
def test_the_command_writes_it_whole(name, tmp_path, capsys):
    file = tmp_path / name
    options = ["--input", "6x5", "--kernel", "3x2", "--stride", "2x1", "--padding", "1+0x0+1", "--seconds", "0.2"]
    assert main(["animate", "-o", str(file), *options]) == 0
    layer = Geometry((6, 5), (3, 2), (2, 1), padding=((1, 0), (0, 1)))
    draw = animation.gif if name.endswith("gif") else animation.svg
    assert file.read_bytes() == draw(layer, 0.2)
    assert "3 x 5 outputs" in " ".join(capsys.readouterr().out.split())
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-o", "a.png"], "a.png: expected a file named .gif or .svg"),
        (["-o", "a.gif", "--input", "5y6"], "expected sizes such as 5 or 5x6, got '5y6'"),
        (["-o", "a.gif", "--padding", "1+"], "expected numbers such as 1, 1x0 or 1+0x0+1"),
        (["-o", "a.gif", "--seconds", "0"], "expected seconds from 0.02 to 60, got '0'"),
        (["-o", "a.gif", "--kernel", "9x9"], "the kernel does not fit: on spatial axis 0 it spans 9 cells"),
        (["-o", "a.svg", "--input", "50x50"], "a layer of 2500 cells is too large to be drawn: at most 400"),
        (
            ["-o", "a.svg", "--input", "3x3x3", "--kernel", "1x1x1"],
            "only layers on a line or a plane can be drawn, not on 3",
        ),
        (["-o", "no/a.svg"], "cannot write no/a.svg: "),
    ],
)
def test_what_cannot_be_drawn_is_told(arguments, told, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["animate", *arguments])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_motion_stops_where_it_is_not_wanted():
    text = animation.svg(LAYERS[0], 0.5).decode()
    assert re.search(
        r"prefers-reduced-motion:reduce\)\{\.step\{animation:none\}\.step\.first\{visibility:visible", text
    )
    assert text.count('class="step first"') == 1
