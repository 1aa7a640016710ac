"""The pictures are drawn for every count that can occur, and say the right numbers."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from training import plots
from training.calibration import Bin
from training.data import Digits
from training.plots.translation import Moved


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


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def title(figure: Figure) -> str:
    return figure.get_suptitle()


def is_picture(path: Path) -> bool:
    image = imread(path)
    return min(image.shape[:2]) > 100 and image.std() > 0.01


@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("validate", [True, False])
def test_curves_show_every_step_and_epoch(tmp_path: Path, drawn: list[Figure], epochs: int, validate: bool) -> None:
    rows = [
        {"epoch": n, **({"val_loss": 2 / n, "val_accuracy": 0.8} if validate else {})} for n in range(1, epochs + 1)
    ]
    losses, right = [1 / n for n in range(1, 4 * epochs + 1)], [0.5] * (4 * epochs)
    plots.curves(tmp_path / "curves.png", rows, losses, right, "a title")
    assert is_picture(tmp_path / "curves.png")
    assert title(drawn[0]) == "a title"
    loss, accuracy = ([line.get_data() for line in axes.lines] for axes in drawn[0].axes)
    assert list(loss[0][0]) == [n / 4 for n in range(1, 4 * epochs + 1)]
    assert (list(loss[0][1]), list(accuracy[0][1])) == (losses, [50] * (4 * epochs))
    assert len(loss) == len(accuracy) == 1 + validate
    if validate:
        assert list(loss[1][0]) == [row["epoch"] for row in rows]
        assert (list(loss[1][1]), list(accuracy[1][1])) == ([row["val_loss"] for row in rows], [80] * epochs)


def test_curves_hide_no_validation(tmp_path: Path, drawn: list[Figure]) -> None:
    rows = [{"epoch": 1, "val_loss": 1.0, "val_accuracy": 0.3}]
    plots.curves(tmp_path / "curves.png", rows, [1.0, 1.0], [0.9, 0.95], "")
    assert drawn[0].axes[1].get_ylim()[0] < 30


def mosaic(image: np.ndarray, shape: tuple[int, int, int], columns: int, head: int = 0, gap: int = 1) -> np.ndarray:
    """The images that were put together."""
    count, height, width = shape
    found = []
    for number in range(count):
        top, left = number // columns * (height + head + gap) + head, number % columns * (width + gap)
        found.append(image[top : top + height, left : left + width])
    return np.array(found)


@pytest.mark.parametrize("count", [1, 8, 9, 64])
def test_every_kernel_is_drawn_on_one_scale(tmp_path: Path, drawn: list[Figure], count: int) -> None:
    weights = np.random.default_rng(0).normal(size=(3, 5, 1, count))
    plots.kernels(tmp_path / "kernels.png", weights)
    assert is_picture(tmp_path / "kernels.png")
    image = drawn[0].axes[0].images[0]
    assert np.array_equal(mosaic(image.get_array(), (count, 3, 5), 8), weights[:, :, 0].transpose(2, 0, 1))
    assert np.ma.count(image.get_array()) == weights.size  # the rest is empty
    assert image.get_clim() == (-np.abs(weights).max(), np.abs(weights).max())


def test_kernels_of_zeros_are_drawn(tmp_path: Path) -> None:
    plots.kernels(tmp_path / "kernels.png", np.zeros((3, 3, 1, 4)))
    assert is_picture(tmp_path / "kernels.png")


def test_misread_digits_come_with_truth_reading_and_probability(tmp_path: Path, drawn: list[Figure]) -> None:
    probabilities = np.full((4, 10), 0.01)
    probabilities[[0, 1, 2, 3], [3, 1, 5, 7]] = [0.5, 0.9, 0.75, 0.6]
    images = np.arange(4, dtype=np.uint8)[:, None, None] + np.zeros((4, 28, 28), np.uint8)
    digits = Digits(images, np.array([8, 1, 6, 7], np.uint8))
    plots.misread(tmp_path / "misread.png", digits, probabilities)
    assert texts(drawn[0]) == ["6 as 5, 75.0%", "8 as 3, 50.0%"]
    assert title(drawn[0]).startswith("2 of 4 test digits misread\n")
    pictures = mosaic(drawn[0].axes[0].images[0].get_array(), (2, 28, 28), 8, head=8, gap=6)
    assert np.array_equal(pictures, images[[2, 0]])


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
    assert len(texts(drawn[0])) == shown
    assert title(drawn[0]).startswith(start)


def test_confusion_says_every_count_but_zeros(tmp_path: Path, drawn: list[Figure]) -> None:
    counts = np.diag(np.arange(1000, 1010))
    counts[3, 5], counts[9, 4] = 7, 2
    plots.confusion(tmp_path / "confusion.png", counts)
    assert is_picture(tmp_path / "confusion.png")
    (axes,) = drawn[0].axes
    said = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts}
    assert said == {(3, 5): "7", (9, 4): "2", **{(n, n): f"{1000 + n:,}" for n in range(10)}}
    assert title(drawn[0]) == "What the test digits were read as: 9 of 10,054 misread"
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("digit", "read as")


def test_confusion_without_a_mistake_is_drawn(tmp_path: Path) -> None:
    plots.confusion(tmp_path / "confusion.png", np.diag(np.full(10, 3)))
    assert is_picture(tmp_path / "confusion.png")


def test_calibration_shows_bins_that_hold_digits(tmp_path: Path, drawn: list[Figure]) -> None:
    bins = [Bin(0, 0.5, 0, 0.0, 0.0), Bin(0.5, 0.75, 4, 0.625, 0.5), Bin(0.75, 1, 16, 0.875, 1.0)]
    plots.calibration(tmp_path / "calibration.png", bins)
    assert is_picture(tmp_path / "calibration.png")
    upper, lower = drawn[0].axes
    (points,) = upper.containers
    assert [list(values) for values in points.lines[0].get_data()] == [[0.625, 0.875], [0.5, 1.0]]
    whisker, none = points.lines[2][0].get_segments()
    assert [whisker[0][1], whisker[1][1]] == [0.25, 0.75]  # sqrt(0.5 * 0.5 / 4)
    assert none[0][1] == none[1][1] == 1
    assert [bar.get_height() for bar in lower.patches] == [4, 16]
    assert title(drawn[0]) == "Expected calibration error 12.50%, in 3 bins of equal width"


@pytest.mark.parametrize("layers", [1, 4, 9])
def test_features_are_drawn_layer_by_layer(tmp_path: Path, drawn: list[Figure], layers: int) -> None:
    generator = np.random.default_rng(0)
    maps = [(f"layer {n}", generator.normal(size=(6, 5, 3 + 20 * (n % 2)))) for n in range(layers)]
    plots.features(tmp_path / "features.png", np.full((28, 28), 7), maps, "a title")
    assert is_picture(tmp_path / "features.png")
    first, *others = [axes for axes in drawn[0].axes if axes.images]
    assert (first.images[0].get_array() == 7).all()
    assert len(others) == layers
    for axes, (name, found) in zip(others, maps, strict=True):
        shown = min(found.shape[2], 16)
        pictures = mosaic(axes.images[0].get_array(), (shown, 6, 5), 4)
        assert np.array_equal(pictures, found.transpose(2, 0, 1)[:shown])
        counted = "16 of 23" if shown == 16 else "3"
        assert axes.get_title() == f"{name}: {counted} maps,\n6 x 5"


def test_shifts_show_directions_their_mean_and_the_prediction(tmp_path: Path, drawn: list[Figure]) -> None:
    rows = [
        {"pixels": 0, "accuracy": {"down": 1.0, "left": 1.0}, "predicted": {"down": 1.0, "left": 1.0}},
        {"pixels": 1, "accuracy": {"down": 0.5, "left": 0.75}, "predicted": {"down": 0.25, "left": 0.5}},
    ]
    plots.shifts(tmp_path / "shifts.png", rows, "a title")
    assert is_picture(tmp_path / "shifts.png")
    lines = {line.get_label(): list(line.get_ydata()) for line in drawn[0].axes[0].lines}
    assert lines["read, mean of the directions"] == [100, 62.5]
    assert lines["predicted: feature maps where they were, moved"] == [100, 37.5]
    assert lines["if maps were read alike at all places"] == [100, 100]
    assert sorted(texts(drawn[0])) == ["down", "left"]
    assert [100, 50] in lines.values()


def test_names_of_directions_keep_apart(tmp_path: Path, drawn: list[Figure]) -> None:
    names = dict.fromkeys(["down", "up", "left", "right"], 0.5)
    plots.shifts(tmp_path / "shifts.png", [{"pixels": n, "accuracy": names, "predicted": names} for n in (0, 1)], "")
    places = sorted(text.get_position()[1] for text in drawn[0].axes[0].texts)
    assert min(np.diff(places)) > 3


def test_equivariance_shows_where_maps_differ_and_only_where_they_must_not(tmp_path: Path, drawn: list[Figure]) -> None:
    expected = np.arange(6.0).reshape(2, 3)
    found = expected + np.array([[9, 0, 1], [9, 0, 0]])
    there = np.array([[False, True, True]] * 2)
    row = Moved("a layer", expected, expected, found, there, there)
    same = Moved("another", expected, expected, expected, there, there)
    plots.equivariance(tmp_path / "equivariance.png", (np.zeros((4, 4)), np.ones((4, 4))), [row, same], "a title")
    assert is_picture(tmp_path / "equivariance.png")
    grid = np.array(drawn[0].axes).reshape(2, 6)
    difference = grid[0, 5].images[0].get_array()
    assert np.array_equal(difference.mask, ~there)
    assert np.array_equal(difference.compressed(), [0, 1, 0, 0])
    assert [axes.get_xlabel() for axes in grid[:, 5]] == ["1 of 4 cells differ", "all 4: the same bits"]
    assert np.array_equal(grid[0, 4].images[0].get_array(), found)
    assert [axes.get_ylabel() for axes in grid[:, 0]] == ["a layer", "another"]
