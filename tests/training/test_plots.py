"""The pictures are drawn for every count that can occur, and say the right numbers."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from training import plots
from training.data import Digits


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures saved so far."""
    figures: list[Figure] = []
    save = Figure.savefig

    def saved(figure: Figure, path: Path, **options: object) -> None:
        figures.append(figure)
        save(figure, path, **options)

    monkeypatch.setattr(Figure, "savefig", saved)
    return figures


def headings(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


def title(figure: Figure) -> str:
    return figure.get_suptitle()


def is_picture(path: Path) -> bool:
    image = imread(path)
    return min(image.shape[:2]) > 100 and image.std() > 0.01


@pytest.mark.parametrize("epochs", [1, 3])
def test_curves_show_every_epoch(tmp_path: Path, drawn: list[Figure], epochs: int) -> None:
    rows = [
        {"epoch": n, "loss": 1 / n, "val_loss": 2 / n, "accuracy": 0.9, "val_accuracy": 0.8}
        for n in range(1, epochs + 1)
    ]
    plots.curves(tmp_path / "curves.png", rows, "a title")
    assert is_picture(tmp_path / "curves.png")
    loss, accuracy = drawn[0].axes
    assert title(drawn[0]) == "a title"
    assert [list(line.get_ydata()) for line in loss.lines] == [[s / n for n in range(1, epochs + 1)] for s in (1, 2)]
    assert [list(line.get_ydata()) for line in accuracy.lines] == [[90] * epochs, [80] * epochs]


@pytest.mark.parametrize("count", [1, 8, 9, 64])
def test_every_kernel_is_drawn_on_one_scale(tmp_path: Path, drawn: list[Figure], count: int) -> None:
    weights = np.random.default_rng(0).normal(size=(3, 5, 1, count))
    plots.kernels(tmp_path / "kernels.png", weights)
    assert is_picture(tmp_path / "kernels.png")
    images = [axes.images[0] for axes in drawn[0].axes if axes.images]
    assert len(images) == count
    for index, image in enumerate(images):
        assert np.array_equal(image.get_array(), weights[:, :, 0, index])
        assert image.get_clim() == (-np.abs(weights).max(), np.abs(weights).max())


def test_kernels_of_zeros_are_drawn(tmp_path: Path) -> None:
    plots.kernels(tmp_path / "kernels.png", np.zeros((3, 3, 1, 4)))
    assert is_picture(tmp_path / "kernels.png")


def test_misread_digits_come_with_truth_reading_and_probability(tmp_path: Path, drawn: list[Figure]) -> None:
    probabilities = np.full((4, 10), 0.01)
    probabilities[[0, 1, 2, 3], [3, 1, 5, 7]] = [0.5, 0.9, 0.75, 0.6]
    digits = Digits(np.zeros((4, 28, 28), np.uint8), np.array([8, 1, 6, 7], np.uint8))
    plots.misread(tmp_path / "misread.png", digits, probabilities)
    assert headings(drawn[0]) == ["6 as 5, 75.0%", "8 as 3, 50.0%"]
    assert title(drawn[0]).startswith("2 of 4 test digits misread\n")


@pytest.mark.parametrize(
    ("wrong", "shown", "start"),
    [
        (0, 0, "0 of 50 test digits misread"),
        (1, 1, "1 of 50 test digits misread\n"),
        (40, 40, "40 of 50 test digits misread\n"),
        (41, 40, "41 of 50 test digits misread; the 40 surest mistakes\n"),
    ],
)
def test_any_number_of_misread_digits(tmp_path: Path, drawn: list[Figure], wrong: int, shown: int, start: str) -> None:
    labels = np.where(np.arange(50) < wrong, 1, 0).astype(np.uint8)
    digits = Digits(np.full((50, 28, 28), 200, np.uint8), labels)
    plots.misread(tmp_path / "misread.png", digits, np.eye(10)[[0] * 50])
    assert len(headings(drawn[0])) == shown
    assert title(drawn[0]).startswith(start)
