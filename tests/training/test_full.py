"""The full report of a real training: its pictures, and what the summary says of the laws."""

import json
from pathlib import Path
from statistics import fmean
from typing import Any

import keras
import numpy as np
import pytest
from matplotlib.image import imread

from tests.processor import AVX512
from training import data, full, plots, results, shifting, translation
from training.plots.translation import Moved
from training.reading import Reader
from training.recipes import RECIPES, Network
from training.train import main
from training.values import Convolution

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

PICTURES = ["equivariance.png", "features.png", "shifts.png"]


@pytest.fixture(scope="module")
def finished(small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The output folder of a training with everything, and what it printed."""
    output, printed = tmp_path_factory.mktemp("runs") / "full", pytest.MonkeyPatch()
    lines: list[str] = []
    printed.setattr("sys.stdout.write", lines.append)
    arguments = ["--data", str(small_npz), "--output", str(output), "--batch-size", "64", "--no-certify"]
    assert main([*arguments, "--report", "full", "--export", "keras,savedmodel"]) == 0
    printed.undo()
    return output, "".join(lines)


@pytest.fixture(scope="module")
def summary(finished: tuple[Path, str]) -> dict[str, Any]:
    return json.loads((finished[0] / "summary.json").read_text(encoding="utf-8"))


def test_every_file_is_one_that_a_run_may_leave(finished: tuple[Path, str]) -> None:
    found = {path.name for path in finished[0].iterdir()}
    assert found == results.FILES - {"model.onnx"}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_can_be_read(finished: tuple[Path, str], name: str) -> None:
    assert min(imread(finished[0] / name).shape[:2]) > 300


def test_every_name_of_the_summary_is_explained(summary: dict[str, Any]) -> None:
    table = [line for line in results.__doc__.splitlines() if line.startswith("    ")]
    assert set(summary) <= {word.strip(",") for line in table for word in line.split()}


def test_maps_of_the_trained_network_move_with_the_digits(summary: dict[str, Any]) -> None:
    """Bit for bit; but without AVX-512 the order of sums in TensorFlow's second convolution depends on the place.

    There it differs in one of 2,700 cells, by 3e-7 at most.
    """
    rows = summary["equivariance"]
    assert [(row["layer"], row["stride"]) for row in rows] == [
        ("convolution_1", 1),
        ("relu_1", 2),
        ("convolution_2", 2),
        ("relu_2", 4),
    ]
    alike = rows if AVX512 else rows[:2]
    assert all(0 < row["cells"] == row["equal"] for row in alike)
    assert all(row["equal"] > 0.999 * row["cells"] and row["largest_difference"] < 1e-6 for row in rows)
    # Without padding the law holds wherever both are: 24 x 24 cells less what left, 16 maps, 50 digits, 4 directions.
    assert rows[0]["cells"] == 16 * 50 * 4 * sum(24 * (24 - pixels) for pixels in range(1, 7))
    assert rows[0]["elsewhere"] == 0


def test_shifts_are_as_a_reader_of_the_saved_model_finds_them(
    finished: tuple[Path, str], summary: dict[str, Any], small_npz: Path
) -> None:
    reader, test = Reader(RECIPES["fast"].network), data.load(small_npz).test
    reader.take(keras.models.load_model(finished[0] / "model.keras").get_weights())
    assert summary["shifts"] == {"digits": 500, "rows": shifting.accuracies(reader.model, reader.read, test)}
    first, *_, last = summary["shifts"]["rows"]
    assert set(first["accuracy"].values()) == {summary["test_accuracy"]}
    assert max(last["accuracy"].values()) < min(first["accuracy"].values())
    assert summary["equivariance"] == translation.compare(reader.model, test.images[:50])


def test_the_run_says_what_it_found(finished: tuple[Path, str], summary: dict[str, Any]) -> None:
    equal, cells = (sum(row[name] for row in summary["equivariance"]) for name in ("equal", "cells"))
    _, printed = finished
    assert "exports   model.keras, savedmodel: read back as the model reads, the same bits\n" in printed
    assert f"laws      shifted feature maps: {equal:,} of the {cells:,} cells that must agree, bit for bit\n" in printed
    for heading, of in (("shifts", "accuracy"), ("predicted", "predicted")):
        means = [fmean(row[of].values()) for row in summary["shifts"]["rows"]]
        assert f"{heading:9} {', '.join(f'{pixels}: {mean:.1%}' for pixels, mean in enumerate(means))}\n" in printed


def test_the_picture_shows_the_first_layer_and_the_last(
    finished: tuple[Path, str], small_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, digits = Reader(RECIPES["fast"].network), data.load(small_npz).test.take(np.arange(3))
    reader.take(keras.models.load_model(finished[0] / "model.keras").get_weights())
    drawn: list[tuple[tuple[np.ndarray, np.ndarray], list[Moved]]] = []
    monkeypatch.setattr(plots, "equivariance", lambda *arguments: drawn.append(arguments[1:3]))
    full.write(tmp_path, reader, digits, reader.read(digits))
    (((image, moved), rows),) = drawn
    assert np.array_equal(moved[:, 4:], image[:, :-4])
    assert [row.heading for row in rows] == ["convolution_1,\nstride 1", "relu_2,\nstride 4"]
    for row, steps in zip(rows, (4, 1), strict=True):
        assert np.array_equal(row.expected[:, steps:], row.before[:, :-steps])
        assert np.array_equal(row.there, np.arange(row.before.shape[1]) >= steps * np.ones_like(row.before))
        assert np.array_equal(row.agree, row.there)  # without padding
        assert np.array_equal(row.found[row.agree], row.expected[row.agree])
        assert row.before.std() > 0


@pytest.mark.parametrize(
    ("layers", "headings"),
    [
        ((Convolution(2, 28, pooling=1),), ["relu_1,\nstride 1"]),  # one cell: none stays
        ((Convolution(2, 5, pooling=1),), ["relu_1,\nstride 1"]),
        (
            (Convolution(2, 5), Convolution(2, 11)),
            ["convolution_1,\nstride 1", "convolution_2,\nstride 2"],
        ),  # 2, then 1
    ],
)
def test_layers_are_drawn_in_which_a_cell_stays(
    layers: tuple[Convolution, ...],
    headings: list[str],
    small_npz: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader, digits = Reader(Network(layers, dense=0)), data.load(small_npz).test.take(np.arange(2))
    drawn: list[list[str]] = []
    monkeypatch.setattr(plots, "equivariance", lambda *given: drawn.append([row.heading for row in given[2]]))
    full.write(tmp_path, reader, digits, reader.read(digits))
    assert drawn == [headings]
