"""What the figure is given: the index map as `Geometry` has it, for every layer that can be chosen."""

import json
import re
from itertools import product

import numpy as np
import pytest

from numeric import Geometry, GeometryError, conv, rot180, shift
from proofs.book import figure, still

DATA = json.loads(json.dumps(figure.data()))


def convolved(choice, x, w):
    """What numeric's layer gives, which is not how the tables are made."""
    _, _, stride, dilation, low, high, boundary = choice
    options = {"stride": stride, "dilation": dilation, "padding": ((low, high),), "boundary": boundary}
    return conv(x.reshape(1, 1, -1), w.reshape(1, 1, -1), **options)[0, 0]


@pytest.mark.parametrize("boundary", figure.BOUNDARIES)
def test_every_axis_reads_what_the_layer_does(boundary):
    chosen = [choice for choice in figure.choices() if choice[-1] == boundary]
    tables = {choice: table for choice in chosen if not isinstance(table := DATA["axes"][figure.key(choice)], str)}
    assert len(tables) > len(chosen) / 2
    for choice, table in tables.items():
        x = np.arange(1, choice[0] + 1)
        for u, tap in enumerate(np.eye(choice[1], dtype=int)):
            cells = [0 if row[u] is None else row[u] + 1 for row in table["cell"]]
            assert cells == convolved(choice, x, tap).tolist(), choice
        places = np.pad(x, choice[4:6], mode="wrap" if boundary == "circular" else "constant")
        for cells, at in zip(table["cell"], table["at"], strict=True):
            assert [0 if cell is None else cell + 1 for cell in cells] == [places[a + choice[4]] for a in at], choice


def test_what_is_no_layer_has_the_reason_in_place_of_a_table():
    reasons = {
        choice: table for choice in figure.choices() if isinstance(table := DATA["axes"][figure.key(choice)], str)
    }
    assert reasons
    for (size, kernel, stride, dilation, low, high, boundary), reason in reasons.items():
        with pytest.raises(GeometryError, match=re.escape(reason)):
            Geometry((size,), (kernel,), stride, dilation, ((low, high),), boundary=boundary)


def test_channels_are_those_that_a_layer_reads():
    for given in DATA["channels"]:
        x = np.eye(given["in"], dtype=int)[..., None]
        w = np.ones((given["out"], given["in"] // given["groups"], 1), int)
        reached = conv(x, w, groups=given["groups"])[:, :, 0]
        assert [np.flatnonzero(reached[:, c]).tolist() for c in range(given["out"])] == given["reads"]


@pytest.mark.parametrize("boundary", figure.BOUNDARIES)
def test_what_is_moved_comes_from_where_it_was(boundary):
    for size, offset in product(range(1, 12), range(4)):
        x = np.arange(10, 10 + size)
        moved = np.roll(x, offset) if boundary == "circular" else shift(x, (offset,))
        given = DATA["moved"][boundary][size][offset]
        assert [0 if place is None else int(x[place]) for place in given] == moved.tolist()


def test_a_kernel_is_rotated_as_numeric_rotates():
    for k in figure.KERNELS:
        assert DATA["rotated"][str(k)] == rot180(np.arange(k)).tolist()


def test_the_still_picture_shows_what_an_output_reads():
    picture = still.svg()
    read = [cell for tap in still.LAYER.taps() if (cell := still.LAYER.reads(still.OUTPUT, tap)) is not None]
    assert picture.count('class="read"') == len(set(read))
    for tap in still.LAYER.taps():
        assert f"input {still.LAYER.reads(still.OUTPUT, tap)} through tap {tap}" in picture
    places = re.findall(r'<rect x="(\d+)" y="(\d+)"[^>]*class="read"', picture)
    assert sorted((int(y) // still.CELL, int(x) // still.CELL) for x, y in places) == sorted(read)


def test_what_is_read_leads_to_the_output_and_nothing_leads_from_padding():
    (points,) = re.findall(r'<polygon points="([^"]*)"', still.svg())
    corners = [tuple(map(int, point.split(","))) for point in points.split()]
    read = [cell for tap in still.LAYER.taps() if (cell := still.LAYER.reads(still.OUTPUT, tap)) is not None]
    (top, bottom), (_, right) = ((min(side), max(side)) for side in zip(*read, strict=True))
    left = still.CELL * still.LAYER.input_size[1] + still.GAP
    assert [(x // still.CELL, y // still.CELL) for x, y in (corners[0], corners[3])] == [(right, top), (right, bottom)]
    assert [((x - left) // still.CELL, y // still.CELL) for x, y in corners[1:3]] == [still.OUTPUT[::-1]] * 2
    padded = Geometry((1, 1), (1, 1), padding=1)
    assert "<polygon" not in still.svg(padded, (0, 0))
    assert 'aria-label="Output (0, 0) reads padding only"' in still.svg(padded, (0, 0))
